#include "orchestrator/open_symbol.h"

#include <errno.h>
#include <stdlib.h>

#include "base/text.h"
#include "orchestrator/open_leg.h"

static struct open_symbol *find(struct open_symbol *set, const char *symbol)
{
        struct open_symbol *found = NULL;
        HASH_FIND_STR(set, symbol, found);
        return found;
}

int open_symbol_add(struct open_symbol **set, struct open_leg *l)
{
        struct open_symbol *s = find(*set, l->symbol);
        if (!s) {
                s = calloc(1, sizeof(*s));
                if (!s)
                        return -ENOMEM;
                text_copy(s->symbol, sizeof(s->symbol), l->symbol);
                for (unsigned i = 0; i < ELEMENTS(s->sides); i++)
                        list_init(&s->sides[i]);
                HASH_ADD_STR(*set, symbol, s);
        }
        list_append(&s->sides[l->side], &l->of_side);
        return 0;
}

void open_symbol_remove(struct open_symbol **set, struct open_leg *l)
{
        struct open_symbol *s = find(*set, l->symbol);

        list_unlink(&l->of_side);
        for (unsigned i = 0; i < ELEMENTS(s->sides); i++)
                if (!list_empty(&s->sides[i]))
                        return;
        HASH_DEL(*set, s);
        free(s);
}

const struct list *open_symbol_legs(struct open_symbol *set, const char *symbol, enum side side)
{
        static struct list none = LIST_INIT(none);
        const struct open_symbol *s = find(set, symbol);
        return s ? &s->sides[side] : &none;
}
