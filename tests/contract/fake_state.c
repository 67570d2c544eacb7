#include "fake_state.h"

#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <string.h>

void *fake_bytes(const void *bytes, size_t n)
{
        char *copy = malloc(n + 1);
        assert(copy);
        if (n > 0)
                memcpy(copy, bytes, n);
        copy[n] = '\0';
        return copy;
}

void fake_row_done(struct fake_row *r)
{
        free(r->key);
        free(r->text);
        free(r->value);
}

void fake_state_done(struct fake_state *s)
{
        for (unsigned i = 0; i < s->n_orders; i++)
                order_free(s->orders[i]);
        free(s->orders);
        for (int t = 0; t < _FAKE_TABLE_MAX; t++) {
                for (unsigned i = 0; i < s->tables[t].n; i++)
                        fake_row_done(&s->tables[t].rows[i]);
                free(s->tables[t].rows);
        }
        *s = (struct fake_state){};
}

struct fake_state fake_state_copy(const struct fake_state *s)
{
        struct fake_state c = *s;

        c.orders = calloc(s->n_orders + 1, sizeof(c.orders[0]));
        for (unsigned i = 0; i < s->n_orders; i++)
                assert(order_copy(s->orders[i], &c.orders[i]) == 0);
        for (int t = 0; t < _FAKE_TABLE_MAX; t++) {
                const struct fake_table *from = &s->tables[t];
                c.tables[t].rows = calloc(from->n + 1, sizeof(struct fake_row));
                for (unsigned i = 0; i < from->n; i++) {
                        struct fake_row *r = &c.tables[t].rows[i];
                        *r = from->rows[i];
                        r->key = strdup(r->key);
                        r->text = r->text ? strdup(r->text) : NULL;
                        r->value = fake_bytes(r->value, r->size);
                }
        }
        return c;
}

struct fake_row *fake_find(struct fake_state *s, enum fake_table_name t, const char *key)
{
        for (unsigned i = 0; i < s->tables[t].n; i++)
                if (strcmp(s->tables[t].rows[i].key, key) == 0)
                        return &s->tables[t].rows[i];
        return NULL;
}

struct fake_row *fake_put(struct fake_state *s, enum fake_table_name t, const char *key,
                          const char *text, const void *value, size_t size)
{
        struct fake_table *table = &s->tables[t];
        struct fake_row *r = fake_find(s, t, key);
        if (r) {
                fake_row_done(r);
        } else {
                table->rows = reallocarray(table->rows, table->n + 1, sizeof(*table->rows));
                assert(table->rows);
                r = &table->rows[table->n++];
        }
        *r = (struct fake_row){
                .key = strdup(key), .text = text ? strdup(text) : NULL, .size = size};
        r->value = fake_bytes(value, size);
        return r;
}

void fake_drop(struct fake_state *s, enum fake_table_name t, const char *key)
{
        struct fake_table *table = &s->tables[t];
        struct fake_row *r = fake_find(s, t, key);
        if (!r)
                return;
        fake_row_done(r);
        memmove(r, r + 1, (size_t)(&table->rows[--table->n] - r) * sizeof(*r));
}

char *fake_join(const char *a, const char *b, const char *c, const char *d)
{
        char *s;
        assert(asprintf(&s, "%s\t%s\t%s\t%s", a, b, c, d) >= 0);
        return s;
}

struct order *fake_order(struct fake_state *s, const char *id)
{
        for (unsigned i = 0; i < s->n_orders; i++)
                if (strcmp(s->orders[i]->id, id) == 0)
                        return s->orders[i];
        return NULL;
}

bool fake_unsettled(const struct order *o)
{
        for (unsigned i = 0; o && i < o->n_legs; i++)
                if (leg_unresolved(&o->legs[i]))
                        return true;
        return false;
}

void fake_audit_row(const struct fake_row *r, struct store_audit_row *ret)
{
        const char *account = strchr(r->key, '\t') + 1, *order = strchr(account, '\t') + 1;
        text_copy_bytes(ret->account, sizeof(ret->account), account, strcspn(account, "\t"));
        text_copy_bytes(ret->order_id, sizeof(ret->order_id), order, strcspn(order, "\t"));
        ret->seq = atoll(r->key);
        ret->at_us = r->a;
        ret->action = (enum audit_action)r->b;
}
