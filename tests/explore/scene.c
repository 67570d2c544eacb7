#include "scene.h"

#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/log.h"
#include "contract/fake_state.h"
#include "domain/meter.h"
#include "judge.h"
#include "orchestrator/absence.h"
#include "orchestrator/leg_write.h"
#include "orchestrator/place.h"
#include "orchestrator/placing.h"
#include "still_loop.h"
#include "still_rest.h"

#define BEGIN_MONO_US   (1000 * USEC_PER_SEC)
#define NOT_TODAY_US    (3600 * USEC_PER_SEC) /* what is due later does not happen by itself */
#define PROBE_US        USEC_PER_SEC          /* as orchestrator/job.c has it */
#define RESTART_US      (200 * USEC_PER_MS)
#define FLIGHTS_MAX     32
#define CLOSE_STEPS_MAX 3000
#define CLOSE_US        (900 * USEC_PER_SEC)
#define LAST_LOOK_US    (25 * USEC_PER_SEC) /* two book reads of live legs */

struct scene scene;

unsigned scene_accounts(void)
{
        return scene.scenario->n_accounts ? scene.scenario->n_accounts : 1;
}

/* --- the daemon --- */

static int render(const struct answer_view *v, struct text *ret)
{
        text_addf(ret, "%d %s %s", v->status, v->order->id,
                  v->cause ? problem_code(v->cause) : "-");
        for (unsigned i = 0; i < v->order->n_legs; i++) {
                const struct leg *l = &v->order->legs[i];
                text_addf(ret, "; %s %s %s %s", l->account, outcome_name(l->outcome),
                          order_status_name(l->status),
                          l->problem ? problem_code(l->problem) : "-");
        }
        return ret->failed;
}

static void boot(void)
{
        char error[STORE_ERROR_SIZE];
        struct scene *s = &scene;

        s->loop = still_loop_new();
        s->store = still_store_new(s->ledger);
        for (unsigned i = 0; i < scene_accounts(); i++)
                s->wires[i] = street_wire_new();
        const struct orchestrator_options o = {
                .loop = s->loop,
                .store = s->store,
                .metrics = s->metrics,
                .accounts = s->accounts,
                .n_accounts = scene_accounts(),
                .transports = s->wires,
                .instruments = s->market->instruments,
                .calendar = s->market->calendar,
                .state_dir = s->dir,
                .version = "0",
                .order_deadline_us = 12 * USEC_PER_SEC,
                .idempotency_ttl_us = 86400 * USEC_PER_SEC,
                .limits_off = true,
                .render = render,
        };
        assert(orchestrator_new(&o, error, &s->o) == 0);
        orchestrator_start(s->o);
        scene_settle();
}

static void die(void)
{
        struct scene *s = &scene;
        s->dying = true;
        for (unsigned i = 0; i < s->n_asked; i++)
                s->asked[i].deaf |= s->asked[i].open;
        for (unsigned i = 0; i < scene_accounts(); i++)
                s->wires[i] = httpc_free(s->wires[i]);
        s->store = still_store_free(s->store);
        s->o = orchestrator_free(s->o);
        s->loop = loop_free(s->loop);
        for (unsigned i = 0; i < s->n_asked; i++)
                s->asked[i].open &= !s->asked[i].deaf;
        s->dying = false;
}

void scene_crash(void)
{
        die();
        clock_fake_advance(RESTART_US);
        boot();
}

static void add_account(unsigned i, const char *name)
{
        struct account *a = &scene.accounts[i];
        snprintf(a->id, sizeof(a->id), "street:%s", name);
        text_copy(a->broker, sizeof(a->broker), "street");
        text_copy(a->name, sizeof(a->name), name);
        a->paper = true; /* no limits: they are not what is looked at */
}

void scene_prepare(const char *market)
{
        char fault[MARKET_FAULT_SIZE];
        log_set_level(-1);
        text_copy(scene.dir, sizeof(scene.dir), "/tmp/ordo-explore-XXXXXX");
        assert(mkdtemp(scene.dir));
        assert(market_load(market, 20261123, fault, &scene.market) == 0);
        assert(metrics_new(meter_table, _METER_MAX, &scene.metrics) == 0);
        add_account(0, "one");
        add_account(1, "two");
        street.leaves = judge_departure;
}

static void remove_marker(void)
{
        char path[96];
        snprintf(path, sizeof(path), "%s/killswitch", scene.dir);
        (void)unlink(path);
}

void scene_done(void)
{
        remove_marker();
        (void)rmdir(scene.dir);
        scene.market = market_free(scene.market);
        scene.metrics = metrics_free(scene.metrics);
}

static void forget(void)
{
        struct scene *s = &scene;
        if (s->marker)
                remove_marker();
        memset(s->acted, 0, sizeof(s->acted));
        memset(s->asked, 0, sizeof(s->asked));
        memset(s->told, 0, sizeof(s->told));
        s->n_asked = s->lapses = 0;
        s->first_order[0] = '\0';
        s->halted = s->stopped = s->marker = s->cancel_taken = s->ended = s->resolved = false;
}

void scene_end(void)
{
        die();
        scene.ledger = fake_store_free(scene.ledger);
}

/* --- steps --- */

/* Funds and positions are answered at once: they are not what is looked at. */
void scene_settle(void)
{
        struct flight *flights[FLIGHTS_MAX];
        for (bool again = true; again;) {
                still_loop_run(scene.loop);
                again = false;
                unsigned n = street_flights(scene.wires, scene_accounts(), flights, FLIGHTS_MAX);
                for (unsigned i = 0; i < n && !again; i++) {
                        enum broker_op op = flight_op(flights[i]);
                        again = op == BROKER_FUNDS || op == BROKER_POSITIONS;
                        if (again)
                                flight_meet(flights[i], STREET_SERVED);
                }
        }
}

bool scene_busy(void)
{
        struct flight *flights[FLIGHTS_MAX];
        return still_store_waiting(scene.store) || still_store_ran(scene.store) ||
               street_flights(scene.wires, scene_accounts(), flights, FLIGHTS_MAX) > 0;
}

int64_t scene_due(void)
{
        struct flight *flights[FLIGHTS_MAX];
        int64_t now = clock_mono_us(), due = still_loop_due(scene.loop);
        unsigned n = street_flights(scene.wires, scene_accounts(), flights, FLIGHTS_MAX);

        for (unsigned i = 0; i < n; i++)
                if (flight_deadline_us(flights[i]) < due)
                        due = flight_deadline_us(flights[i]);
        LIST_FOREACH (it, &scene.o->operations) {
                const struct placing *p = LIST_ENTRY(it, struct placing, link);
                if (p->state == PLACE_CALLING && !p->expired && p->deadline_us < due)
                        due = p->deadline_us;
        }
        if (scene.o->store_failure != STORE_OK && now + PROBE_US < due)
                due = now + PROBE_US;
        return due - now > NOT_TODAY_US ? INT64_MAX : due;
}

static void expire_flights(void)
{
        struct flight *flights[FLIGHTS_MAX];
        unsigned n;
        bool found = true;
        while (found) {
                found = false;
                n = street_flights(scene.wires, scene_accounts(), flights, FLIGHTS_MAX);
                for (unsigned i = 0; i < n && !found; i++) {
                        found = flight_deadline_us(flights[i]) <= clock_mono_us();
                        if (found)
                                flight_expire(flights[i]);
                }
                scene_settle();
        }
}

void scene_advance(int64_t to_us)
{
        int64_t now = clock_mono_us();
        if (to_us > now)
                clock_fake_advance(to_us - now);
        expire_flights();
        while (still_loop_fire(scene.loop))
                scene_settle();
        place_sweep(scene.o);
        ledger_probe(scene.o);
        killswitch_retry(scene.o);
        absence_sweep(scene.o);
        leg_writes_sweep(scene.o);
        scene_settle();
}

/* --- after the last fault --- */

static bool unsettled(void)
{
        const struct orchestrator *o = scene.o;
        if (o->n_operations > 0 || !list_empty(&o->doubtful) || o->store_failure != STORE_OK ||
            street_awaits())
                return true;
        for (const struct open_leg *l = o->open_legs.by_tag; l; l = l->hh.next)
                if (l->state == LEG_STATE_UNKNOWN || l->state == LEG_STATE_SENDING ||
                    l->in_operation || l->dirty || l->n_owed > 0 || !list_empty(&l->writes) ||
                    l->modify_us)
                        return true;
        bool asks = false; /* an operator: what is not found cannot be cancelled */
        for (unsigned i = 0; i < scene_accounts(); i++)
                asks = asks || o->accounts[i].n_needs_operator > 0;
        for (unsigned i = 0; i < street.n && scene.stopped && !asks; i++)
                if (street_live(&street.orders[i]))
                        return true;
        return false;
}

static void one_step(void)
{
        struct flight *flights[FLIGHTS_MAX];
        int64_t due;
        if (still_store_ran(scene.store)) {
                still_store_deliver(scene.store);
        } else if (still_store_waiting(scene.store)) {
                still_store_run(scene.store, LEDGER_OK);
        } else if (street_flights(scene.wires, scene_accounts(), flights, FLIGHTS_MAX)) {
                flight_meet(flights[0], STREET_SERVED);
        } else {
                due = scene_due();
                if (due > clock_mono_us() + PROBE_US)
                        due = clock_mono_us() + PROBE_US;
                scene_advance(due);
        }
        scene_settle();
}

void scene_begin(const struct scenario *scenario)
{
        int64_t now;
        forget();
        scene.scenario = scenario;
        assert(clock_parse("2026-11-23T10:00:00+05:30", 25, &now) == 0);
        clock_fake(now, BEGIN_MONO_US);
        still_rest_begin();
        street_begin(scenario->flags, scenario->a_second);
        scene.ledger = fake_store_new();
        boot();
        /* The first books are read before anybody comes. */
        while (scene_busy() || scene_due() <= clock_mono_us())
                one_step();
        clock_fake_advance(USEC_PER_SEC);
}

static bool run_until(bool (*more)(void), int64_t least_us)
{
        int64_t from = clock_mono_us();
        for (unsigned n = 0; n < CLOSE_STEPS_MAX && judge_content(); n++) {
                if (!scene_busy() && !more() && clock_mono_us() - from >= least_us)
                        return true;
                if (clock_mono_us() - from > CLOSE_US)
                        return false;
                one_step();
                judge_step();
        }
        return false;
}

static bool nothing(void)
{
        return false;
}

bool scene_close(void)
{
        for (unsigned i = 0; i < scene_accounts(); i++)
                if (scene.o->accounts[i].session != SESSION_STATE_ACTIVE)
                        scene_act(ACT_LOGIN);
        scene_settle();
        return run_until(unsettled, 0) && run_until(nothing, LAST_LOOK_US);
}
