/* What the files of the m.Stock adapter share (mstock.c tells of the broker). Nothing here keeps
 * anything; any thread. */
#pragma once

#include "broker/broker.h"
#include "broker/fields.h"
#include "broker/reading.h"

/* "NSE:INFY-EQ" */
#define MSTOCK_EXCHANGE_LENGTH 3

enum mstock_step { MSTOCK_STEP_PASSWORD, MSTOCK_STEP_OTP, MSTOCK_STEP_TOTP };

/* Bytes of a request, behind the headers that every one has. 0, or as broker.request(). */
typedef int mstock_request_fn(const struct broker_call *c, struct http_request *r);
/* The `data` of a success; NULL: none ("None" is none too). 0; 1 it cannot be read; -ENOMEM.
 * Fills what was read; the outcome is the caller's. */
typedef int mstock_reply_fn(const struct broker_call *c, struct json_object *data,
                            struct broker_result *r);

mstock_request_fn mstock_request_login, mstock_request_logout, mstock_request_place,
        mstock_request_modify, mstock_request_cancel, mstock_request_margin, mstock_request_quotes,
        mstock_request_list, mstock_request_master;
mstock_reply_fn mstock_reply_login, mstock_reply_logout, mstock_reply_order_id, mstock_reply_margin,
        mstock_reply_quotes, mstock_reply_book, mstock_reply_order, mstock_reply_trades,
        mstock_reply_funds, mstock_reply_holdings, mstock_reply_positions, mstock_reply_profile;

/* Forms: the content type first, then a field each. */
int mstock_form(struct http_request *r, const char *method);
void mstock_put(struct text *form, const char *key, const char *value);
void mstock_put_int(struct text *form, const char *key, int64_t value);
void mstock_put_decimal(struct text *form, const char *key, int64_t value);

/* A member's text or digits; "" for none, null, "None" and everything else. */
const char *mstock_text(struct json_object *o, const char *key);
/* NULL for none, null and "None". */
struct json_object *mstock_member(struct json_object *o, const char *key);
/* true, "true", "True", 1 */
bool mstock_yes(struct json_object *o, const char *key);
/* Wall clock; 0: none, or in no form that is known (sheet §14.4). */
int64_t mstock_time(const char *s);

extern const struct word mstock_sides[], mstock_types[], mstock_products[], mstock_validities[];
extern const struct broker_master mstock_master;
