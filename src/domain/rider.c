#include "domain/rider.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

int rider_new(const char *guest, struct rider **ret)
{
        struct rider *r = calloc(1, sizeof(*r));
        if (!r)
                return -ENOMEM;
        list_init(&r->link);
        r->guest = guest;
        *ret = r;
        return 0;
}

int rider_add(struct rider *r, const char *account, const char *kind, const char *key, void *value,
              size_t size)
{
        struct rider_row row = {.account = account, .value = value, .size = size};

        if (!text_copy(row.kind, sizeof(row.kind), kind) ||
            !text_copy(row.key, sizeof(row.key), key))
                return -EINVAL;
        if (r->n_rows == r->size_rows) {
                unsigned more = r->size_rows ? r->size_rows * 2 : 4;
                struct rider_row *rows = reallocarray(r->rows, more, sizeof(*rows));
                if (!rows)
                        return -ENOMEM;
                r->rows = rows;
                r->size_rows = more;
        }
        r->rows[r->n_rows++] = row;
        return 0;
}

struct rider *rider_settle(struct rider *r, bool durable)
{
        if (!r)
                return NULL;
        list_unlink(&r->link);
        if (r->settled)
                r->settled(r, durable);
        for (unsigned i = 0; i < r->n_rows; i++)
                free(r->rows[i].value);
        free(r->rows);
        free(r);
        return NULL;
}
