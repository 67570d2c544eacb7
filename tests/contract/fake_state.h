/* What the fake ledger holds: orders, and tables of rows with one key each. Copied whole when a
 * group begins, so that rolling back is forgetting. Running out of memory ends the test. */
#pragma once

#include "domain/audit_chain.h"
#include "domain/order.h"
#include "store/store.h"

struct fake_row {
        char *key;  /* parts between line feeds */
        char *text; /* a second text */
        void *value;
        size_t size;
        int64_t a, b;
};

struct fake_table {
        struct fake_row *rows;
        unsigned n;
};

enum fake_table_name {
        FAKE_KEYS,
        FAKE_ANSWERS,
        FAKE_AUDIT,
        FAKE_KILLSWITCH,
        FAKE_SESSIONS,
        FAKE_GUESTS,
        _FAKE_TABLE_MAX
};

struct fake_state {
        struct order **orders;
        unsigned n_orders;
        struct fake_table tables[_FAKE_TABLE_MAX];
        int64_t seq;
        uint8_t hash[AUDIT_HASH_SIZE];
        uint64_t epoch;
};

void *fake_bytes(const void *bytes, size_t n); /* a copy, with a NUL behind it */
char *fake_join(const char *a, const char *b, const char *c,
                const char *d); /* a key of four parts */
void fake_row_done(struct fake_row *r);
struct fake_row *fake_find(struct fake_state *s, enum fake_table_name t, const char *key);
/* Replaces a row of the same key. */
struct fake_row *fake_put(struct fake_state *s, enum fake_table_name t, const char *key,
                          const char *text, const void *value, size_t size);
void fake_drop(struct fake_state *s, enum fake_table_name t, const char *key);
/* Without the record itself. */
void fake_audit_row(const struct fake_row *r, struct store_audit_row *ret);
void fake_restore(const struct fake_state *s, struct store_restore *v); /* fake_restore.c */
struct order *fake_order(struct fake_state *s, const char *id);
bool fake_unsettled(const struct order *o); /* false for NULL */
struct fake_state fake_state_copy(const struct fake_state *s);
void fake_state_done(struct fake_state *s);
