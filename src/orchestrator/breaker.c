#include "orchestrator/breaker.h"

#include <assert.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "domain/event.h"
#include "orchestrator/record.h"
#include "orchestrator/state.h"

#define TO(s) (1U << BREAKER_STATE_##s)
static const unsigned next_states[] = {
        [BREAKER_STATE_CLOSED] = TO(OPEN),
        [BREAKER_STATE_OPEN] = TO(HALF_OPEN) | TO(CLOSED),
        [BREAKER_STATE_HALF_OPEN] = TO(OPEN) | TO(CLOSED),
};
#undef TO

static void record(const struct account_state *a, enum breaker_class class,
                   enum breaker_state state)
{
        _cleanup_(text_done) struct text payload = TEXT_NULL;
        struct json_writer w = JSON_WRITER(&payload);
        struct audit_record record;

        json_object_begin(&w, NULL);
        json_put_string(&w, "routes", breaker_class_name(class));
        json_put_string(&w, "state", breaker_state_name(state));
        json_object_finish(&w);
        record_act(&record, AUDIT_BREAKER, "ordod", NULL, a->account->id, NULL, text_str(&payload));
        ledger_note(a->orchestrator, &record);
}

/* Half open is a step on the way, and told by nobody. */
static void tell(const struct account_state *a, enum breaker_class class, enum breaker_state state)
{
        bool open = state == BREAKER_STATE_OPEN;
        const char *id = a->account->id, *name = breaker_class_name(class);

        log_event(open ? LOG_ERR : LOG_NOTICE, EVENT_BREAKER,
                  LOG_FIELDS({"ORDO_ACCOUNT", id}, {"ORDO_ACTION", "breaker"},
                             {"ORDO_STATUS", breaker_state_name(state)}),
                  open ? "the broker of %s cannot be reached: the breaker of its %s is open"
                       : "the broker of %s can be reached again: the breaker of its %s is closed",
                  id, name);
        record(a, class, state);
}

static void move(struct account_state *a, enum breaker_class class, enum breaker_state to)
{
        struct breaker *b = &a->breakers.of[class];
        enum breaker_state from = b->state;

        assert(next_states[from] & 1U << to);
        b->state = to;
        if (from == BREAKER_STATE_CLOSED || to == BREAKER_STATE_CLOSED)
                tell(a, class, to);
}

/* The next probe, when there is one to wait for. */
static void arm(struct account_state *a)
{
        int64_t now = clock_mono_us(), next = INT64_MAX;

        for (int i = 0; i < _BREAKER_MAX; i++) {
                const struct breaker *b = &a->breakers.of[i];
                if (b->state == BREAKER_STATE_OPEN && b->probe_us < next)
                        next = b->probe_us;
        }
        if (next < INT64_MAX)
                (void)loop_timer_set(a->orchestrator->loop, &a->breakers.timer, next - now);
        else
                loop_timer_stop(&a->breakers.timer);
}

static void open_it(struct account_state *a, enum breaker_class class)
{
        a->breakers.of[class].probe_us = clock_mono_us() + BREAKER_OPEN_US;
        move(a, class, BREAKER_STATE_OPEN);
        lane_look(a); /* what waits would only find out the same */
}

static void close_it(struct account_state *a, enum breaker_class class)
{
        rate_window_clear(&a->breakers.of[class].failures);
        move(a, class, BREAKER_STATE_CLOSED);
}

static void note(struct account_state *a, enum breaker_class class, bool answered)
{
        struct breaker *b = &a->breakers.of[class];

        if (answered) {
                if (b->state != BREAKER_STATE_CLOSED)
                        close_it(a, class);
                return;
        }
        if (b->state != BREAKER_STATE_CLOSED || b->failures.cap == 0)
                return;
        rate_window_take(&b->failures, clock_mono_us());
        if (rate_window_left(&b->failures) == 0)
                open_it(a, class);
}

void breaker_note(struct account_state *a, enum broker_op op, bool answered)
{
        if (op == BROKER_PLACE || op == BROKER_MODIFY || op == BROKER_CANCEL)
                note(a, BREAKER_ORDERS, answered);
        else if (op != BROKER_MASTER && op != BROKER_LOGIN && op != BROKER_LOGOUT)
                note(a, BREAKER_READS, answered);
        arm(a);
}

/* What it says of the broker counts for every breaker that waited for it. A probe that never went
 * to the broker says nothing: it is tried again. */
static void probed(struct call *c)
{
        struct account_state *a = c->account;

        a->breakers.probing = false;
        for (int i = 0; i < _BREAKER_MAX; i++) {
                if (a->breakers.of[i].state != BREAKER_STATE_HALF_OPEN)
                        continue;
                if (c->http.facts.complete_reply)
                        close_it(a, (enum breaker_class)i);
                else
                        open_it(a, (enum breaker_class)i);
        }
        call_clear(c);
        arm(a);
}

static void probe(struct loop_timer *t)
{
        struct account_state *a = CONTAINER_OF(t, struct account_state, breakers.timer);
        int64_t now = clock_mono_us();
        bool due = false;

        for (int i = 0; i < _BREAKER_MAX; i++) {
                const struct breaker *b = &a->breakers.of[i];
                if (b->state != BREAKER_STATE_OPEN || b->probe_us > now)
                        continue;
                move(a, (enum breaker_class)i, BREAKER_STATE_HALF_OPEN);
                due = true;
        }
        if (due && !a->breakers.probing) {
                a->breakers.probing = true;
                a->breakers.probe = (struct call){
                        .account = a,
                        .broker = {.op = BROKER_BOOK, .since_us = clock_wall_us()},
                        .passes_halt = true,
                        .done = probed,
                };
                call_start(&a->breakers.probe);
        }
        arm(a);
}

int64_t breaker_wait(const struct account_state *a, enum breaker_class class)
{
        const struct breaker *b = &a->breakers.of[class];
        int64_t left = b->probe_us - clock_mono_us();

        if (b->state == BREAKER_STATE_CLOSED)
                return 0;
        /* The probe takes a moment, too. */
        return b->state == BREAKER_STATE_OPEN && left > USEC_PER_SEC ? left : USEC_PER_SEC;
}

int breakers_init(struct account_state *a)
{
        const struct account_limits *l = &a->account->limits;

        a->breakers.timer.fire = probe;
        for (int i = 0; i < _BREAKER_MAX; i++) {
                int r = rate_window_init(&a->breakers.of[i].failures, l->breaker_window_us,
                                         l->breaker_failures);
                if (r < 0)
                        return r;
        }
        return 0;
}

int breakers_take_up(struct account_state *a)
{
        const struct account_limits *l = &a->account->limits;

        for (int i = 0; i < _BREAKER_MAX; i++) {
                struct breaker *b = &a->breakers.of[i];
                b->failures.span_us = l->breaker_window_us;
                int r = rate_window_resize(&b->failures, l->breaker_failures);
                if (r < 0)
                        return r;
        }
        return 0;
}

void breakers_done(struct account_state *a)
{
        loop_timer_done(&a->breakers.timer);
        for (int i = 0; i < _BREAKER_MAX; i++)
                rate_window_done(&a->breakers.of[i].failures);
        call_clear(&a->breakers.probe);
}
