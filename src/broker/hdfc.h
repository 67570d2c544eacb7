/* HDFC Securities: what the files of its adapter share. The head comment is in hdfc.c. */
#pragma once

#include "base/json.h"
#include "broker/broker.h"
#include "broker/fields.h"

/* Steps of the login: the browser's way has only the last one. */
enum hdfc_step { HDFC_OPEN, HDFC_PASSWORD, HDFC_OTP, HDFC_CONSENT, HDFC_EXCHANGE };

extern const struct word hdfc_sides[], hdfc_types[], hdfc_products[], hdfc_validities[];
extern const struct broker_master hdfc_master;
extern const struct broker_login_way hdfc_logins[2];

/* Path, "/id" (NULL: none) and "?api_key=". 0; -EINVAL: the account has no key. */
int hdfc_url(const struct broker_call *c, struct http_request *r, const char *path, const char *id);

/* A request of its kind: 0, -EINVAL, -ENOTSUP. Headers and failed texts are hdfc.c's. */
int hdfc_request_login(const struct broker_call *c, struct http_request *r);
int hdfc_request_order(const struct broker_call *c, struct http_request *r); /* place … cancel */
int hdfc_request_read(const struct broker_call *c, struct http_request *r);

/* A reply with status 200, as an object. 0: `r` is filled but for its outcome; 1 unreadable;
 * -ENOMEM.
 */
int hdfc_read_login(const struct broker_call *c, struct json_object *o, struct broker_result *r);
int hdfc_read_order(const struct broker_call *c, struct json_object *o, struct broker_result *r);
int hdfc_read_list(const struct broker_call *c, struct json_object *o, struct broker_result *r);

/* Is "status" there and "success", in any case? */
bool hdfc_success(struct json_object *o);
/* A broker's id, a text or a whole number, into `ret`: false when it is none or does not fit. */
bool hdfc_id(struct json_object *o, const char *key, char ret[static BROKER_ORDER_ID_SIZE]);
/* A text or the digits of a number; "": absent; NULL: something else. */
const char *hdfc_text(struct json_object *o, const char *key);
/* What an underlying's security_id tells of its name: "NIFTYEQEQNR" is NIFTY, a plain name itself.
 * False: nothing. */
bool hdfc_underlying(const char *id, size_t n, char *ret, size_t size);
/* A day in any of the forms of §14.1: 20261229; 0: none of them. */
int hdfc_day(const char *s, size_t n);

/* hdfc_errors.c. The status that counts: that of HTTP, or what the body says of itself inside a 200
 * (meta.statusCode, a number in status); 0: it is not clear. */
int hdfc_status(int http_status, struct json_object *o);
/* The body says that it is an error. */
bool hdfc_is_refusal(struct json_object *o);
/* Fills `r` for a reply that is no success. `o` NULL: no JSON object; `empty`: no body at all. */
void hdfc_read_refusal(const struct broker_call *c, int status, struct json_object *o, bool empty,
                       struct broker_result *r);
