#include "step.h"

#undef NDEBUG
#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "picture.h"
#include "judge.h"

#define FLIGHTS_MAX 32
#define STEP_US     100 /* so that what happens later is later */

static const char *const ledger_words[_LEDGER_FATE_MAX] = {
        [LEDGER_OK] = "takes it",
        [LEDGER_UNAVAILABLE] = "is not available",
        [LEDGER_LOST_WRITTEN] = "writes it, and the connection is lost",
        [LEDGER_LOST_AWAY] = "loses the connection, and it is not written",
};
static const char *const job_words[_STORE_OP_MAX] = {
        [STORE_INTENT] = "the intent",
        [STORE_OUTCOME] = "what came of a leg",
        [STORE_APPEND] = "records",
        [STORE_KILLSWITCH] = "the kill switch",
        [STORE_SESSION_PUT] = "a session",
        [STORE_ORDER_GET] = "a question for an order",
        [STORE_KEY_GET] = "a question for a key",
        [STORE_RESTORE] = "a question for everything",
};

struct list_of_steps {
        struct step *steps;
        unsigned n;
        struct purse left;
};

static void add(struct list_of_steps *l, struct step s)
{
        const struct purse *p = &s.price, *left = &l->left;
        if (p->faults > left->faults || p->crashes > left->crashes || p->delays > left->delays ||
            p->moments > left->moments)
                return;
        assert(l->n < STEPS_MAX);
        l->steps[l->n++] = s;
}

static unsigned flights(struct flight **ret)
{
        return street_flights(scene.wires, scene_accounts(), ret, FLIGHTS_MAX);
}

static bool add_good(struct list_of_steps *l, struct flight *const *f, unsigned n)
{
        unsigned before = l->n;
        if (still_store_ran(scene.store))
                add(l, (struct step){.kind = STEP_DELIVER});
        else if (still_store_waiting(scene.store))
                add(l, (struct step){.kind = STEP_LEDGER, .fate = LEDGER_OK});
        for (unsigned i = 0; i < n; i++)
                if (!flight_lost(f[i]))
                        add(l,
                            (struct step){.kind = STEP_FLIGHT, .what = i, .fate = STREET_SERVED});
        return l->n > before;
}

static void add_acts(struct list_of_steps *l)
{
        for (unsigned a = 0; a < _ACT_MAX; a++)
                if (scene_may((enum act)a))
                        add(l, (struct step){.kind = STEP_ACT, .what = a});
}

static const enum street_fate place_faults[] = {
        STREET_NOT_SENT, STREET_REPLY_LOST,  STREET_LOST,    STREET_LATE_8, STREET_LATE_90,
        STREET_BROKEN,   STREET_DONE_BROKEN, STREET_REFUSED, STREET_STALLED};
static const enum street_fate amend_faults[] = {STREET_NOT_SENT, STREET_REPLY_LOST, STREET_LOST,
                                                STREET_BROKEN, STREET_DONE_BROKEN};
static const enum street_fate read_faults[] = {STREET_LOST};
static const enum street_fate held_faults[] = {STREET_REPLY_LOST, STREET_DONE_BROKEN};

static void add_fates(struct list_of_steps *l, unsigned what, const enum street_fate *fates,
                      unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                add(l, (struct step){.kind = STEP_FLIGHT,
                                     .what = what,
                                     .fate = fates[i],
                                     .price.faults = 1});
}

static void add_flight_faults(struct list_of_steps *l, unsigned what, const struct flight *f)
{
        enum broker_op op = flight_op(f);
        if (flight_lost(f))
                return;
        if (flight_held(f)) {
                add_fates(l, what, held_faults, op == BROKER_BOOK ? 1 : ELEMENTS(held_faults));
                return;
        }
        if (op == BROKER_PLACE)
                add_fates(l, what, place_faults, ELEMENTS(place_faults));
        else if (op == BROKER_CANCEL || op == BROKER_MODIFY)
                add_fates(l, what, amend_faults, ELEMENTS(amend_faults));
        else
                add_fates(l, what, read_faults, ELEMENTS(read_faults));
        if (op == BROKER_PLACE && scene.scenario->acts[ACT_LOGIN])
                add_fates(l, what, (const enum street_fate[]){STREET_SESSION_OVER}, 1);
        add(l, (struct step){
                       .kind = STEP_FLIGHT, .what = what, .fate = STREET_HELD, .price.delays = 1});
}

static void add_ledger_faults(struct list_of_steps *l)
{
        const struct store_job *job = still_store_waiting(scene.store);
        if (!job || still_store_ran(scene.store))
                return;
        unsigned n = store_op_writes(job->op) ? _LEDGER_FATE_MAX : LEDGER_UNAVAILABLE + 1;
        for (unsigned f = LEDGER_UNAVAILABLE; f < n; f++)
                add(l, (struct step){.kind = STEP_LEDGER, .fate = f, .price.faults = 1});
        add(l, (struct step){.kind = STEP_RUN, .price.delays = 1});
}

unsigned steps_list(const struct purse *left, struct step ret[static STEPS_MAX])
{
        struct list_of_steps l = {.steps = ret, .left = *left};
        struct flight *f[FLIGHTS_MAX];
        unsigned n = flights(f);
        bool due = scene_due() < INT64_MAX;

        if (scene.acted[ACT_PLACE] == 0)
                add_acts(&l);
        bool busy = add_good(&l, f, n);
        if (!busy && due)
                add(&l, (struct step){.kind = STEP_TIME, .price.moments = 1});
        if (!busy && l.n == 0)
                add(&l, (struct step){.kind = STEP_END});
        if (scene.acted[ACT_PLACE] > 0)
                add_acts(&l);
        add_ledger_faults(&l);
        for (unsigned i = 0; i < n; i++)
                add_flight_faults(&l, i, f[i]);
        if (busy && due)
                add(&l, (struct step){.kind = STEP_TIME, .price = {.delays = 1, .moments = 1}});
        if (scene.acted[ACT_PLACE] > 0)
                add(&l, (struct step){.kind = STEP_CRASH, .price.crashes = 1});
        return l.n;
}

static void ledger_text(const struct step *s, char *buf, size_t size)
{
        const struct store_job *job = still_store_waiting(scene.store);
        const char *what = job_words[job->op] ? job_words[job->op] : "a job";
        if (s->kind == STEP_RUN)
                snprintf(buf, size, "the ledger takes %s, and is slow to say so", what);
        else
                snprintf(buf, size, "the ledger gets %s: it %s", what, ledger_words[s->fate]);
}

void step_words(const struct step *s, char *buf, size_t size)
{
        struct flight *f[FLIGHTS_MAX];
        switch (s->kind) {
        case STEP_END:
                snprintf(buf, size, "nothing more goes wrong");
                break;
        case STEP_ACT:
                snprintf(buf, size, "%s", act_words[s->what]);
                break;
        case STEP_LEDGER:
        case STEP_RUN:
                ledger_text(s, buf, size);
                break;
        case STEP_DELIVER:
                snprintf(buf, size, "the daemon hears from the ledger");
                break;
        case STEP_FLIGHT:
                (void)flights(f);
                snprintf(buf, size, "the %s %s", flight_what(f[s->what]),
                         street_fate_words[s->fate]);
                break;
        case STEP_TIME:
                snprintf(buf, size, "%.3f s pass",
                         (double)(scene_due() - clock_mono_us()) / USEC_PER_SEC);
                break;
        case STEP_CRASH:
                snprintf(buf, size, "the daemon dies and starts again");
                break;
        }
}

uint64_t step_hash(const struct step *s)
{
        struct flight *f[FLIGHTS_MAX];
        uint64_t h = hash_int(HASH_SEED, s->kind);
        if (s->kind == STEP_ACT)
                h = hash_int(h, s->what);
        if (s->kind == STEP_LEDGER || s->kind == STEP_RUN)
                h = hash_int(h, still_store_waiting(scene.store)->op);
        if (s->kind == STEP_FLIGHT) {
                (void)flights(f);
                h = hash_int(h, (int64_t)flight_hash(f[s->what]));
        }
        return hash_int(h, s->fate);
}

void step_take(const struct step *s)
{
        struct flight *f[FLIGHTS_MAX];
        clock_fake_advance(STEP_US);
        switch (s->kind) {
        case STEP_END:
                return;
        case STEP_ACT:
                scene_act((enum act)s->what);
                break;
        case STEP_LEDGER:
                still_store_run(scene.store, (enum ledger_fate)s->fate);
                still_store_deliver(scene.store);
                break;
        case STEP_RUN:
                still_store_run(scene.store, LEDGER_OK);
                break;
        case STEP_DELIVER:
                still_store_deliver(scene.store);
                break;
        case STEP_FLIGHT:
                (void)flights(f);
                flight_meet(f[s->what], (enum street_fate)s->fate);
                break;
        case STEP_TIME:
                scene_advance(scene_due());
                break;
        case STEP_CRASH:
                scene_crash();
                break;
        }
        scene_settle();
        judge_step();
}
