#include "world.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "broker/broker.h"
#include "domain/meter.h"
#include "paper/paper.h"

#define REST_TICK_US 2000
#define REST_TICKS   3
#define TOO_LONG_US  SECONDS(20)
#define THINGS_MAX   256

struct world world;
const struct caller nobody_special = {.key_name = "tester", .correlation_id = "c-1"};

static void *things[THINGS_MAX];
static unsigned n_things;

static void *thing(size_t size)
{
        ck_assert_uint_lt(n_things, THINGS_MAX);
        return things[n_things++] = calloc(1, size);
}

static struct order *last_shown;
static bool showed;

/* --- the world --- */

static int render(const struct answer_view *v, struct text *ret)
{
        if (world.render_fails)
                return -ENOMEM;
        text_addf(ret, "%d %s %s", v->status, v->order->id,
                  v->cause ? problem_code(v->cause) : "-");
        for (unsigned i = 0; i < v->order->n_legs; i++) {
                const struct leg *l = &v->order->legs[i];
                text_addf(ret, "\n%s %s %s %s %s %lld", l->account, outcome_name(l->outcome),
                          order_status_name(l->status), l->problem ? problem_code(l->problem) : "-",
                          confidence_name(l->confidence), (long long)l->filled_quantity);
                if (l->message[0])
                        text_copy(world.message, sizeof(world.message), l->message);
        }
        return ret->failed;
}

static const struct instrument *find_instrument(void *userdata, const char *symbol)
{
        return instruments_find(world.market->instruments, symbol);
}

static void open_ledger(void)
{
        char error[STORE_ERROR_SIZE];
        char url[96];
        snprintf(url, sizeof(url), "sqlite:%s/ordo.db", world.dir);
        const struct store_options o = {.url = url,
                                        .migrations_dir = MIGRATIONS,
                                        .migrate = true,
                                        .queue_max = world.options.queue_max};
        int r = world.options.sqlite ? store_open(world.loop, &o, error, &world.store)
                                     : store_open_driver(world.loop, fake_store_driver(world.fake),
                                                         &o, error, &world.store);
        ck_assert_msg(r == 0, "%s", error);
}

static void open_exchange(void)
{
        const struct paper_options o = {
                .seed = 1, .find = find_instrument, .calendar = world.market->calendar};
        ck_assert_int_eq(paper_new(&o, &world.paper), 0);
        for (unsigned i = 0; i < WORLD_ACCOUNTS; i++)
                ck_assert_int_eq(paper_add_account(world.paper, &world.accounts[i]), 0);
        struct store_riders_load load = {.job.op = STORE_RIDERS_LOAD,
                                         .guest = "paper",
                                         .row = paper_restore,
                                         .userdata = world.paper};
        ck_assert_int_eq(store_run(world.store, &load.job), STORE_OK);
        const struct local_service s = {.serve = paper_serve, .userdata = world.paper};
        for (unsigned i = 0; i < WORLD_ACCOUNTS; i++)
                world.wires[i] = wire_new(world.loop, s);
}

void world_boot(void)
{
        char error[STORE_ERROR_SIZE];
        ck_assert_int_eq(loop_new(&world.loop), 0);
        open_ledger();
        open_exchange();
        ck_assert_int_eq(metrics_new(meter_table, _METER_MAX, &world.metrics), 0);
        const struct orchestrator_options o = {
                .loop = world.loop,
                .store = world.store,
                .metrics = world.metrics,
                .accounts = world.accounts,
                .n_accounts = WORLD_ACCOUNTS,
                .transports = world.wires,
                .instruments = world.market->instruments,
                .calendar = world.market->calendar,
                .state_dir = world.dir,
                .version = "0",
                .order_deadline_us =
                        world.options.deadline_us ? world.options.deadline_us : SECONDS(12),
                .idempotency_ttl_us = SECONDS(86400),
                .limits_off = world.options.limits_off,
                .audit_segment_bytes = 1 << 20,
                .audit_retention_days = 30,
                .render = render,
        };
        int r = orchestrator_new(&o, error, &world.o);
        ck_assert_msg(r == 0, "%s", error);
        world.broker = *broker_find("paper");
        if (world.options.blind)
                world.broker.flags &= ~(unsigned)BROKER_BOOK_IS_PROOF;
        for (unsigned i = 0; i < WORLD_ACCOUNTS; i++)
                world.o->accounts[i].broker = &world.broker;
}

void world_wake(void)
{
        world_boot();
        orchestrator_start(world.o);
        sweep_stop(world.o);
        world_rest();
}

void world_sleep(void)
{
        for (unsigned i = 0; i < WORLD_ACCOUNTS; i++)
                world.wires[i] = httpc_free(world.wires[i]);
        world.store = store_close(world.store);
        world.o = orchestrator_free(world.o);
        world.paper = paper_free(world.paper);
        world.metrics = metrics_free(world.metrics);
        world.loop = loop_free(world.loop);
}

void world_crash(void)
{
        fake_store_fail(world.fake, FAKE_WRITE, 1, 1U << 30, STORE_UNAVAILABLE);
        world_sleep();
        fake_store_fail(world.fake, FAKE_WRITE, 0, 0, STORE_OK);
        world_wake();
}

static void add_account(unsigned i, const char *name)
{
        struct account *a = &world.accounts[i];
        const struct world_options *o = &world.options;
        snprintf(a->id, sizeof(a->id), "paper:%s", name);
        text_copy(a->broker, sizeof(a->broker), "paper");
        text_copy(a->name, sizeof(a->name), name);
        a->paper = a->paper_static_market = true;
        a->paper_funds = o->funds ? o->funds : RUPEES(10000000);
        a->limits = o->limits;
        a->enforce_session_hours = o->hours;
        const char *policy = o->policy ? o->policy : "protect(1)";
        ck_assert_int_eq(market_policy_parse(policy, strlen(policy), &a->market_policy), 0);
}

void world_open(const struct world_options *o)
{
        char fault[MARKET_FAULT_SIZE];
        int64_t now;

        world = (struct world){.options = *o};
        log_set_level(-1);
        ck_assert_int_eq(clock_parse("2026-11-23T10:00:00+05:30", 25, &now), 0);
        clock_fake(now, SECONDS(1000));
        text_copy(world.dir, sizeof(world.dir), "/tmp/ordo-world-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(world.dir));
        ck_assert_msg(market_load(MARKET, 20261123, fault, &world.market) == 0, "%s", fault);
        world.fake = fake_store_new();
        add_account(0, "one");
        add_account(1, "two");
        add_account(2, "three");
        world_wake();
}

static int remove_one(const char *path, const struct stat *s, int flag, struct FTW *f)
{
        return remove(path);
}

void world_close(void)
{
        world_sleep();
        world.market = market_free(world.market);
        last_shown = order_free(last_shown);
        world.fake = fake_store_free(world.fake);
        (void)nftw(world.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        while (n_things > 0)
                free(things[--n_things]);
        clock_real();
}

struct account_state *world_account(unsigned i)
{
        return &world.o->accounts[i];
}

/* --- time --- */

static struct loop_timer tick;
static unsigned quiet;
static uint64_t turn_seen;
static int64_t waited_us;

static bool still(void)
{
        struct store_stats s;
        store_stats(world.store, &s);
        unsigned busy = s.queued;
        for (unsigned i = 0; i < WORLD_ACCOUNTS; i++)
                busy += httpc_running(world.wires[i]) - wire_held(world.wires[i]);
        return busy == 0;
}

static void on_tick(struct loop_timer *t)
{
        /* On a slow machine several ticks come in one turn, and what is deferred has none. */
        if (!still())
                quiet = 0;
        else if (loop_turns(world.loop) != turn_seen)
                quiet++;
        turn_seen = loop_turns(world.loop);
        waited_us += REST_TICK_US;
        ck_assert_msg(waited_us < TOO_LONG_US, "it never ends");
        if (quiet >= REST_TICKS)
                loop_stop(world.loop);
        else
                (void)loop_timer_set(world.loop, t, REST_TICK_US);
}

void world_rest(void)
{
        quiet = 0;
        waited_us = 0;
        tick.fire = on_tick;
        (void)loop_timer_set(world.loop, &tick, 0);
        ck_assert_int_eq(loop_run(world.loop, NULL, NULL), 0);
        loop_timer_done(&tick);
        tick = (struct loop_timer){};
}

static bool flagged(void *userdata)
{
        return *(const bool *)userdata;
}

static void on_wait(struct loop_timer *t)
{
        waited_us += REST_TICK_US;
        ck_assert_msg(waited_us < TOO_LONG_US, "it never ends");
        (void)loop_timer_set(world.loop, t, REST_TICK_US);
}

void world_until(const bool *flag)
{
        waited_us = 0;
        tick.fire = on_wait;
        (void)loop_timer_set(world.loop, &tick, REST_TICK_US);
        loop_stop(world.loop);
        ck_assert_int_eq(loop_run(world.loop, flagged, (void *)flag), 0);
        loop_timer_done(&tick);
        tick = (struct loop_timer){};
}

void world_pass(int64_t us)
{
        clock_fake_advance(us);
        for (unsigned i = 0; i < WORLD_ACCOUNTS; i++)
                if (world_account(i)->session == SESSION_STATE_ACTIVE)
                        book_start(world_account(i));
        lanes_look(world.o);
        world_rest();
}

/* --- requests --- */

static void add_legs(struct order **ret, const char *accounts)
{
        char copy[128], *rest = copy, *one;
        unsigned n = 1;
        text_copy(copy, sizeof(copy), accounts);
        for (const char *c = accounts; *c; c++)
                n += *c == ' ';
        ck_assert_int_eq(order_new(n, ret), 0);
        for (n = 0; (one = strsep(&rest, " ")); n++) {
                struct leg *l = &(*ret)->legs[n];
                char *star = strchr(one, '*');
                l->multiplier = DECIMAL_ONE;
                if (star) {
                        *star++ = '\0';
                        ck_assert_int_eq(decimal_parse(star, strlen(star), &l->multiplier), 0);
                }
                snprintf(l->account, sizeof(l->account), "paper:%s", one);
        }
}

struct order *world_order(const char *words, const char *accounts)
{
        char side[8], symbol[SYMBOL_SIZE], product[16], type[16], price[32] = "", trigger[32] = "";
        long long quantity;
        struct order *o;

        ck_assert_int_ge(sscanf(words, "%7s %lld %39s %15s %15s %31s %31s", side, &quantity, symbol,
                                product, type, price, trigger),
                         5);
        add_legs(&o, accounts);
        text_copy(o->symbol, sizeof(o->symbol), symbol);
        o->quantity = quantity;
        o->side = side_from(side, strlen(side));
        o->product = product_from(product, strlen(product));
        o->type = order_type_from(type, strlen(type));
        if (price[0])
                ck_assert_int_eq(decimal_parse(price, strlen(price), &o->price), 0);
        if (trigger[0])
                ck_assert_int_eq(decimal_parse(trigger, strlen(trigger), &o->trigger_price), 0);
        return o;
}

static void keep_answer(const struct answer *a, struct answer *ret, char *body, size_t size)
{
        *ret = *a;
        snprintf(body, size, "%.*s", (int)a->body_size, a->body ? a->body : "");
        ret->body = body;
}

static void place_done(struct place_request *r)
{
        struct placed *p = CONTAINER_OF(r, struct placed, request);
        ck_assert_msg(!p->done, "answered twice");
        p->done = true;
        keep_answer(&r->answer, &p->answer, p->body, sizeof(p->body));
}

struct placed *place_begin(const char *words, const char *accounts, const char *key)
{
        struct placed *p = thing(sizeof(*p));
        p->request = (struct place_request){.caller = nobody_special,
                                            .order = world_order(words, accounts),
                                            .idempotency_key = key,
                                            .done = place_done};
        operation_place(world.o, &p->request);
        ck_assert(!p->done);
        return p;
}

struct placed *place(const char *words, const char *accounts, const char *key)
{
        struct placed *p = place_begin(words, accounts, key);
        world_until(&p->done);
        return p;
}

struct placed *validate(const char *words, const char *accounts)
{
        struct placed *p = thing(sizeof(*p));
        p->request = (struct place_request){.caller = nobody_special,
                                            .order = world_order(words, accounts),
                                            .validate_only = true,
                                            .done = place_done};
        operation_place(world.o, &p->request);
        world_until(&p->done);
        return p;
}

enum problem placed_problem(const struct placed *p)
{
        const char *leg = strchr(p->body, '\n');
        char word[64];

        if (p->answer.problem)
                return p->answer.problem;
        for (int i = 1; i < _PROBLEM_MAX && leg; i++) {
                snprintf(word, sizeof(word), " %s ", problem_code((enum problem)i));
                if (strstr(leg, word))
                        return (enum problem)i;
        }
        return PROBLEM_NONE;
}

const char *live(const char *words, const char *accounts)
{
        struct placed *p = place(words, accounts, NULL);
        ck_assert_int_eq(p->answer.status, 201);
        return p->answer.order_id;
}

static void amend_done(struct amend_request *r)
{
        struct amended *m = CONTAINER_OF(r, struct amended, request);
        ck_assert_msg(!m->done, "answered twice");
        m->done = true;
        keep_answer(&r->answer, &m->answer, m->body, sizeof(m->body));
}

struct amended *amend_begin(enum amend_kind kind, const char *id, struct order_change change)
{
        struct amended *m = thing(sizeof(*m));
        m->request = (struct amend_request){.kind = kind,
                                            .caller = nobody_special,
                                            .id = id,
                                            .change = change,
                                            .done = amend_done};
        operation_amend(world.o, &m->request);
        ck_assert(!m->done);
        return m;
}

struct amended *cancel(const char *id)
{
        struct amended *m = amend_begin(AMEND_CANCEL, id, (struct order_change){});
        world_until(&m->done);
        return m;
}

struct amended *modify(const char *id, struct order_change change)
{
        struct amended *m = amend_begin(AMEND_MODIFY, id, change);
        world_until(&m->done);
        return m;
}

struct amended *resolve(const char *id, unsigned leg, enum outcome outcome)
{
        struct amended *m = thing(sizeof(*m));
        m->request = (struct amend_request){.kind = AMEND_RESOLVE,
                                            .caller = nobody_special,
                                            .id = id,
                                            .leg = leg,
                                            .outcome = outcome,
                                            .broker_order_id = "B-1",
                                            .reason = "seen by telephone",
                                            .done = amend_done};
        operation_amend(world.o, &m->request);
        world_until(&m->done);
        return m;
}

static void flag_kill(struct kill_request *r)
{
        *(bool *)r->userdata = true;
}

enum problem kill_set(enum kill_level level, const char *scope, bool admin)
{
        bool done = false;
        struct kill_request r = {.caller = nobody_special,
                                 .level = level,
                                 .scope = scope,
                                 .reason = "a test",
                                 .done = flag_kill,
                                 .userdata = &done};
        r.caller.admin = admin;
        killswitch_set(world.o, &r);
        world_until(&done);
        return r.problem;
}

static void flag_session(struct session_request *r)
{
        *(bool *)r->userdata = true;
}

enum problem session_set(enum session_verb verb, const char *account)
{
        bool done = false;
        struct session_request r = {.verb = verb,
                                    .caller = nobody_special,
                                    .account = account,
                                    .done = flag_session,
                                    .userdata = &done};
        session_act(world.o, &r);
        world_until(&done);
        return r.problem;
}

static void on_shown(struct order_query *q)
{
        if (q->order)
                ck_assert_int_eq(order_copy(q->order, &last_shown), 0);
        showed = true;
}

enum problem shown(const char *id, const struct order **ret)
{
        struct order_query q = {.caller = nobody_special, .id = id, .done = on_shown};
        last_shown = order_free(last_shown);
        showed = false;
        query_order(world.o, &q);
        world_until(&showed);
        *ret = last_shown;
        return q.problem;
}

const struct leg *shown_leg(const char *id, unsigned n)
{
        const struct order *o;
        ck_assert_int_eq(shown(id, &o), PROBLEM_NONE);
        ck_assert_uint_lt(n, o->n_legs);
        return &o->legs[n];
}

unsigned exchange_orders(unsigned account)
{
        struct http_request q = {.method = "GET"};
        struct http_reply reply = {};
        struct rider *rider = NULL;
        unsigned n = 0;

        text_addf(&q.url, "/paper%%3A%s/orders", world.accounts[account].name);
        ck_assert_int_eq(paper_serve(world.paper, &q, &reply, &rider), 0);
        for (const char *s = text_str(&reply.body); (s = strstr(s, "\"tag\":")); s++)
                n++;
        if (rider)
                rider_settle(rider, true);
        http_request_done(&q);
        http_reply_done(&reply);
        return n;
}

static unsigned long counted;
static char last_record[4096];
static enum audit_action counting;
static bool count_over;

static void on_audit(struct audit_query *q)
{
        for (unsigned i = 0; i < q->n_rows; i++) {
                if (q->rows[i].action != counting)
                        continue;
                counted++;
                snprintf(last_record, sizeof(last_record), "%.*s", (int)q->rows[i].size,
                         q->rows[i].record);
        }
        count_over = true;
}

int64_t audit_count(enum audit_action action)
{
        struct audit_query q = {.caller = nobody_special, .limit = 4096, .done = on_audit};
        counted = 0;
        counting = action;
        count_over = false;
        query_audit(world.o, &q);
        world_until(&count_over);
        return (int64_t)counted;
}

const char *audit_last(enum audit_action action)
{
        last_record[0] = '\0';
        (void)audit_count(action);
        return last_record;
}
