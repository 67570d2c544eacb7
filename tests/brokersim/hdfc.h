/* HDFC Securities InvestRight, as its sheet has it (hdfc.md). */
#pragma once

#include "brokersim/sim.h"

/* `{"status":"error","message":…}` */
void hdfc_error(struct call *c, int status, const char *message);
/* `{"status":"success","data":`: the caller puts the value with the key "data", and finishes. */
struct json_writer hdfc_ok(struct call *c);
const char *hdfc_segment(const struct instrument *i);
const char *hdfc_product(enum product p);
const char *hdfc_type(enum order_type t);
/* The master's `underline_symbol`. */
const char *hdfc_underlying(const struct market *m, const struct instrument *i);

void hdfc_login(struct call *c);
void hdfc_login_done(struct call *c);
void hdfc_login_validate(struct call *c);
void hdfc_twofa_validate(struct call *c);
void hdfc_twofa_resend(struct call *c);
void hdfc_authorise(struct call *c);
void hdfc_access_token(struct call *c);

void hdfc_place(struct call *c);
void hdfc_modify(struct call *c);
void hdfc_cancel(struct call *c);

void hdfc_orders(struct call *c);
void hdfc_order(struct call *c);
void hdfc_trades(struct call *c);
void hdfc_order_trades(struct call *c);
void hdfc_margins(struct call *c);
void hdfc_holdings(struct call *c);
void hdfc_positions(struct call *c);
void hdfc_profile(struct call *c);
void hdfc_ltp(struct call *c);
void hdfc_master(struct call *c);
