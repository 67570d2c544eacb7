#include "orchestrator/sighting.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"

static struct sighting *find(struct sightings *s, const char *id)
{
        struct sighting *found = NULL;
        HASH_FIND_STR(s->by_id, id, found);
        return found;
}

void sightings_done(struct sightings *s)
{
        struct sighting *it, *next;
        HASH_ITER (hh, s->by_id, it, next) {
                HASH_DEL(s->by_id, it);
                free(it);
        }
        *s = (struct sightings){};
}

/* Books live one day. */
static struct sighting *need(struct sightings *s, const char *id, int64_t now_us)
{
        int today = clock_ist_day(now_us);
        if (s->day != today) {
                sightings_done(s);
                s->day = today;
        }
        struct sighting *it = find(s, id);
        if (it || HASH_COUNT(s->by_id) >= SIGHTINGS_MAX)
                return it;
        it = calloc(1, sizeof(*it));
        if (!it)
                return NULL;
        text_copy(it->broker_order_id, sizeof(it->broker_order_id), id);
        it->since_us = now_us;
        HASH_ADD_STR(s->by_id, broker_order_id, it);
        return it;
}

int64_t sighting_note(struct sightings *s, const char *broker_order_id, int64_t now_us)
{
        const struct sighting *it = need(s, broker_order_id, now_us);
        return it ? it->since_us : 0;
}

bool sighting_claim(struct sightings *s, const char *broker_order_id, const char *order_id,
                    int64_t now_us)
{
        struct sighting *it = need(s, broker_order_id, now_us);
        if (it && it->order_id[0] && !text_equal(it->order_id, order_id))
                return false;
        if (it)
                text_copy(it->order_id, sizeof(it->order_id), order_id);
        return true;
}

bool sighting_ours(struct sightings *s, const char *broker_order_id)
{
        return sighting_order_id(s, broker_order_id);
}

const char *sighting_order_id(struct sightings *s, const char *broker_order_id)
{
        const struct sighting *it = find(s, broker_order_id);
        return it && it->order_id[0] ? it->order_id : NULL;
}

void sighting_look(struct sightings *s, const char *broker_order_id, int64_t now_us)
{
        struct sighting *it = need(s, broker_order_id, now_us);
        if (it)
                it->looked = true;
}

bool sighting_unlooked(struct sightings *s, const char *broker_order_id, int64_t now_us)
{
        const struct sighting *it = need(s, broker_order_id, now_us);
        return it && !it->looked && !it->order_id[0];
}
