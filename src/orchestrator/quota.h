/* What one API key may do: limits of its own over all accounts that it uses (orders.md §1.3),
 * beside those of each account. The same struct limits, with another owner.
 *
 * One for each name that has asked, or that stands at an order of today; found by the name, kept
 * until the daemon ends, so that a key that is removed and made anew goes on counting. It counts
 * whether or not it has limits, for a reload may bring some. Loop thread only. */
#pragma once

#include <stdbool.h>

#include <uthash.h>

#include "domain/account.h"
#include "domain/order.h"
#include "orchestrator/limit.h"

#define QUOTAS_MAX 4096 /* names of keys since the start */

struct orchestrator;

struct quota {
        UT_hash_handle hh; /* orchestrator.quotas */
        char key_name[KEY_NAME_SIZE];
        struct account_limits set; /* only what quota_set() takes */
        struct limits limits;
        unsigned n_open; /* legs that are open now, at whatever account */
};

/* What is left of a key's limits; -1: no limit. */
struct quota_view {
        struct account_limits set;
        int64_t second_left, minute_left, day_left, value_left, open_left;
};

/* From now on the key has these limits: values, quantity, open orders, rates, collar, repeats. The
 * others are an account's alone. -ENOSPC: QUOTAS_MAX; -ENOMEM: some windows keep their sizes. */
int quota_set(struct orchestrator *o, const char *key_name, const struct account_limits *set);
/* False: nobody has told of this key. */
bool quota_look(const struct orchestrator *o, const char *key_name, struct quota_view *ret);

/* Inside the orchestrator. NULL: there is none. */
struct quota *quota_find(const struct orchestrator *o, const char *key_name);
/* Makes it when there is none, without limits. NULL: no memory, or QUOTAS_MAX. */
struct quota *quota_of(struct orchestrator *o, const char *key_name);
/* At a start: what the ledger knows of the day. Its second and its minute begin anew. */
void quota_restore(struct orchestrator *o, const char *key_name, int day, int64_t orders,
                   int64_t value);
void quotas_free(struct orchestrator *o);
