/* What the files of the FYERS adapter share; fyers.c tells what it is. Sections (§) are those of
 * the fact sheet of 23 November 2026. */
#pragma once

#include "broker/broker.h"
#include "broker/fields.h"

/* In FYERS' words. Sides and types are numbers on the wire. */
extern const struct word fyers_sides[], fyers_types[], fyers_products[], fyers_validities[];
extern const struct broker_master fyers_master;
extern const struct broker_login_way fyers_logins[1];

/* Numbers of exchanges and segments (§3). */
enum { FYERS_NSE = 10, FYERS_MCX = 11, FYERS_BSE = 12 };
enum { FYERS_CASH = 10, FYERS_DERIVATIVES = 11, FYERS_CURRENCY = 12, FYERS_COMMODITY = 20 };
/* -EINVAL: no such pair, or one that has no name here. */
int fyers_exchange(int64_t exchange, int64_t segment);

/* Currency and commodity are counted in lots, the rest in exchange units (§3, §14.12). What one of
 * the broker's units holds. */
int64_t fyers_unit(const struct scrip *s);

/* Visible ASCII only, and something of it: ids, tokens. */
bool fyers_visible(const char *s);
/* A ticker in a query: the colon stays (§3). */
void fyers_put_ticker(struct text *t, const char *ticker);
/* The string behind a key; "" when there is none. */
const char *fyers_string(struct json_object *o, const char *key);

/* fyers_refusal.c: the envelope (§9). 0: it says ok, with `*ret_code` (0: it names none); 1: it
 * does not, and `r` says what that means; -ENOMEM. `*ret` is the caller's either way. */
int fyers_open(const struct broker_call *c, const struct http_reply *reply,
               struct json_object **ret, int64_t *ret_code, struct broker_result *r);

int fyers_login_url(const struct account *a, const char *state, struct text *ret);
int fyers_request_login(const struct broker_call *c, struct http_request *r);
int fyers_read_login(const struct broker_call *c, struct json_object *o, struct broker_result *r);
void fyers_read_profile(struct json_object *o, struct broker_result *r);

int fyers_request_order(const struct broker_call *c, struct http_request *r);
int fyers_request_margin(const struct broker_call *c, struct http_request *r);
void fyers_read_order(const struct broker_call *c, struct json_object *o, int64_t code,
                      struct broker_result *r);
void fyers_read_margin(struct json_object *o, struct broker_result *r);

int fyers_request_read(const struct broker_call *c, struct http_request *r);
/* 0; 1 unreadable; -ENOMEM. */
int fyers_read_list(const struct broker_call *c, struct json_object *o, struct broker_result *r);
