#include "still_loop.h"

#undef NDEBUG
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"

#define WORK_MAX 100000 /* pieces of work in one turn: beyond it they go round in circles */

struct loop {
        struct list works;
        struct list timers; /* struct still_timer.link, by time, then as they were set */
};

struct still_timer {
        struct list link;
        struct loop_timer *timer;
        int64_t due_us;
};

struct loop *still_loop_new(void)
{
        struct loop *l = calloc(1, sizeof(*l));
        assert(l);
        list_init(&l->works);
        list_init(&l->timers);
        return l;
}

struct loop *loop_free(struct loop *l)
{
        if (!l)
                return NULL;
        assert(list_empty(&l->timers));
        free(l);
        return NULL;
}

void loop_defer(struct loop *l, struct loop_work *w)
{
        list_append(&l->works, &w->link);
}

void loop_post(struct loop *l, struct loop_work *w)
{
        loop_defer(l, w);
}

void still_loop_run(struct loop *l)
{
        for (unsigned n = 0; !list_empty(&l->works); n++) {
                struct loop_work *w = LIST_ENTRY(l->works.next, struct loop_work, link);
                assert(n < WORK_MAX);
                list_unlink(&w->link);
                w->run(w);
        }
}

static struct still_timer *of(struct loop_timer *t)
{
        return (struct still_timer *)(void *)t->source;
}

int loop_timer_set(struct loop *l, struct loop_timer *t, int64_t delay_us)
{
        struct still_timer *s = of(t);
        if (!s) {
                s = calloc(1, sizeof(*s));
                assert(s);
                list_init(&s->link);
                s->timer = t;
                t->source = (sd_event_source *)(void *)s;
        }
        list_unlink(&s->link);
        s->due_us = clock_mono_us() + (delay_us > 0 ? delay_us : 0);
        struct list *at = l->timers.prev;
        while (at != &l->timers && LIST_ENTRY(at, struct still_timer, link)->due_us > s->due_us)
                at = at->prev;
        list_prepend(at, &s->link);
        return 0;
}

void loop_timer_stop(struct loop_timer *t)
{
        if (t->source)
                list_unlink(&of(t)->link);
}

void loop_timer_done(struct loop_timer *t)
{
        if (!t->source)
                return;
        list_unlink(&of(t)->link);
        free(of(t));
        t->source = NULL;
}

int64_t still_loop_due(const struct loop *l)
{
        return list_empty(&l->timers)
                       ? INT64_MAX
                       : LIST_ENTRY(l->timers.next, struct still_timer, link)->due_us;
}

bool still_loop_fire(struct loop *l)
{
        if (still_loop_due(l) > clock_mono_us())
                return false;
        struct still_timer *s = LIST_ENTRY(l->timers.next, struct still_timer, link);
        list_unlink(&s->link);
        s->timer->fire(s->timer);
        return true;
}

void still_loop_each(const struct loop *l,
                     void (*fn)(void *userdata, void (*fire)(struct loop_timer *t), int64_t due_us),
                     void *userdata)
{
        LIST_FOREACH (it, &l->timers) {
                const struct still_timer *s = LIST_ENTRY(it, struct still_timer, link);
                fn(userdata, s->timer->fire, s->due_us);
        }
}
