/* The client's JSON → domain. The last place that sees it. Pure but for the list of accounts. */
#pragma once

#include "base/json.h"
#include "domain/order.h"
#include "http/faults.h"
#include "orchestrator/operation.h"

#define MULTIPLIER_MAX (1000 * DECIMAL_ONE)

/* NONE: `*ret` is the caller's. INVALID_REQUEST, ACCOUNT_NOT_FOUND, ACCOUNT_FORBIDDEN: the faults
 * say what and where. OVERLOADED: out of memory. */
enum problem parse_order(struct json_object *root, const struct orchestrator *o,
                         const struct caller *c, struct faults *f, struct order **ret);
/* The body of PATCH: at least one new total. False: faults. */
bool parse_change(struct json_object *root, struct order_change *ret, struct faults *f);
/* {"outcome", "broker_order_id"?, "reason"}; strings belong to `root`. */
bool parse_resolution(struct json_object *root, struct amend_request *ret, struct faults *f);
/* {"accounts"?, "symbol"?}: `accounts` gets room for ACCOUNTS_MAX + 1. As parse_order(). */
enum problem parse_cancel_many(struct json_object *root, const struct orchestrator *o,
                               const struct caller *c, const char **accounts,
                               struct cancel_many_request *ret, struct faults *f);
/* {"accounts"?}, likewise. */
enum problem parse_accounts(struct json_object *root, const struct orchestrator *o,
                            const struct caller *c, const char **accounts, const char *const **ret,
                            struct faults *f);
