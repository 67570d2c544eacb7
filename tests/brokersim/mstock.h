/* Mirae Asset m.Stock, dialect "Type A", as its sheet has it (mstock.md). */
#pragma once

#include "brokersim/sim.h"

/* `{"status":"error","message":…,"error_type":…,"data":null}` */
void mstock_error(struct call *c, int status, const char *type, const char *message);
/* `{"status":"success",`: the caller puts "data" and finishes. */
struct json_writer mstock_ok(struct call *c);
const char *mstock_product(enum product p);
const char *mstock_type(enum order_type t);

void mstock_login(struct call *c);
void mstock_session_token(struct call *c);
void mstock_verify_totp(struct call *c);
void mstock_logout(struct call *c);

void mstock_place(struct call *c);
void mstock_modify(struct call *c);
void mstock_cancel(struct call *c);
void mstock_cancel_all(struct call *c);
void mstock_margins(struct call *c);

void mstock_orders(struct call *c);
void mstock_order(struct call *c);
void mstock_tradebook(struct call *c);
void mstock_trades(struct call *c);
void mstock_funds(struct call *c);
void mstock_holdings(struct call *c);
void mstock_positions(struct call *c);
void mstock_ltp(struct call *c);
void mstock_ohlc(struct call *c);
void mstock_master(struct call *c);
