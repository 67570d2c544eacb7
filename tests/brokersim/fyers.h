/* FYERS API v3, as its sheet has it (fyers.md). */
#pragma once

#include "brokersim/sim.h"

/* `{"s":"error","code":…,"message":…}` */
void fyers_error(struct call *c, int status, int code, const char *message);
/* `{"s":"ok","code":…,"message":…`: the caller goes on and finishes the object. */
struct json_writer fyers_ok(struct call *c, int code, const char *message);
/* Exchange units in what the broker counts: currency and commodities in lots (§3). */
int64_t fyers_unit(const struct listing *l);
void fyers_codes(const struct listing *l, int *ret_exchange, int *ret_segment);
const char *fyers_product(enum product p);
int fyers_type(enum order_type t);

void fyers_login_page(struct call *c);
void fyers_login_done(struct call *c);
void fyers_exchange(struct call *c);
void fyers_refresh(struct call *c);
void fyers_logout(struct call *c);

void fyers_place(struct call *c);
void fyers_modify(struct call *c);
void fyers_cancel(struct call *c);

void fyers_profile(struct call *c);
void fyers_funds(struct call *c);
void fyers_holdings(struct call *c);
void fyers_positions(struct call *c);
void fyers_orders(struct call *c);
void fyers_trades(struct call *c);
void fyers_quotes(struct call *c);
void fyers_margin(struct call *c);
void fyers_market_status(struct call *c);
void fyers_master(struct call *c);
