#include "brokersim/journal.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

static void *make_room(struct journal *j, void *array, unsigned *n, unsigned *size, size_t element)
{
        if (*n < *size)
                return array;
        if (*size >= JOURNAL_MAX) {
                unsigned half = *n / 2;
                memmove(array, (char *)array + half * element, (*n - half) * element);
                *n -= half;
                j->forgotten += half;
                return array;
        }
        *size = *size ? 2 * *size : 256;
        if (*size > JOURNAL_MAX)
                *size = JOURNAL_MAX;
        void *grown = realloc(array, *size * element);
        if (!grown)
                abort();
        return grown;
}

struct receipt *journal_receive(struct journal *j, struct call *c)
{
        j->received =
                make_room(j, j->received, &j->n_received, &j->size_received, sizeof(*j->received));
        struct receipt *r = &j->received[j->n_received++];
        *r = (struct receipt){
                .number = ++j->serial,
                .at_us = clock_wall_us(),
                .broker = c->wire->broker,
                .operation = c->route->operation,
                .user = c->user,
        };
        (void)text_copy(r->peer, sizeof(r->peer), c->peer);
        return r;
}

void journal_book(struct journal *j, const struct entry *e)
{
        j->booked = make_room(j, j->booked, &j->n_booked, &j->size_booked, sizeof(*j->booked));
        j->booked[j->n_booked++] = (struct booking){.number = ++j->serial, .entry = e};
}

void journal_clear(struct journal *j)
{
        j->n_received = j->n_booked = 0;
        j->forgotten = 0;
        memset(j->calls, 0, sizeof(j->calls));
}

void journal_done(struct journal *j)
{
        free(j->received);
        free(j->booked);
}
