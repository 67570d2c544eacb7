/* Those outside: clients, an operator, an administrator, the market. */
#include "scene.h"

#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "contract/fake_state.h"
#include "judge.h"

#define QUANTITY  10
#define PRICE     INT64_C(10000000) /* 1000 rupees */
#define OTHER     INT64_C(9990000)
#define MORNING_S (9 * 3600 + 20 * 60)

const char *const act_words[] = {
#define X(name, words) [ACT_##name] = (words),
        ACT_TABLE(X)
#undef X
};

#define SHOWS (BROKER_ECHOES_TAG | BROKER_CAN_MODIFY)
const struct scenario scenarios[] = {
        {.name = "place",
         .words = "an order, repeated once, at a broker that shows our tag",
         .flags = SHOWS,
         .acts = {[ACT_PLACE] = 1, [ACT_RETRY] = 1, [ACT_LOGIN] = 1}},
        {.name = "cancel",
         .words = "an order that is cancelled, and perhaps filled",
         .flags = SHOWS,
         .acts = {[ACT_PLACE] = 1, [ACT_CANCEL] = 1, [ACT_FILL] = 1}},
        {.name = "modify",
         .words = "an order whose price is changed",
         .flags = SHOWS,
         .acts = {[ACT_PLACE] = 1, [ACT_MODIFY] = 1, [ACT_FILL] = 1}},
        {.name = "halt",
         .words = "the kill switch at HALT, and its release",
         .flags = SHOWS,
         .acts = {[ACT_PLACE] = 1, [ACT_HALT] = 1, [ACT_RETRY] = 1, [ACT_RELEASE] = 1}},
        {.name = "stop",
         .words = "the kill switch at CANCEL",
         .flags = SHOWS,
         .acts = {[ACT_PLACE] = 1, [ACT_STOP] = 1}},
        {.name = "operator",
         .words = "an order that an operator settles",
         .flags = SHOWS,
         .acts = {[ACT_PLACE] = 1, [ACT_RESOLVE] = 1, [ACT_RETRY] = 1}},
        {.name = "two",
         .words = "an order on two accounts",
         .flags = SHOWS,
         .n_accounts = 2,
         .acts = {[ACT_PLACE] = 1}},
        {.name = "lane",
         .words = "two orders where the broker takes one a second, and a halt",
         .flags = SHOWS,
         .a_second = TRAFFIC_LANE + 1, /* the rest is kept for cancels */
         .acts = {[ACT_PLACE] = 1, [ACT_TWIN] = 1, [ACT_HALT] = 1}},
        {.name = "twin",
         .words = "two equal orders at a broker that shows no tag",
         .acts = {[ACT_PLACE] = 1, [ACT_TWIN] = 1}},
        {.name = "ladder",
         .words = "two orders at other prices at a broker that shows no tag",
         .acts = {[ACT_PLACE] = 1, [ACT_STEP] = 1}},
        {.name = "blind",
         .words = "an order at a broker that shows no tag, cancelled",
         .acts = {[ACT_PLACE] = 1, [ACT_CANCEL] = 1, [ACT_RESOLVE] = 1}},
        {.name = "night",
         .words = "the day ends over an order",
         .flags = SHOWS,
         .acts = {[ACT_PLACE] = 1, [ACT_NEXT_DAY] = 1}},
};
const unsigned n_scenarios = sizeof(scenarios) / sizeof(scenarios[0]);

static struct asked *ask(enum act a)
{
        assert(scene.n_asked < SCENE_REQUESTS);
        struct asked *q = &scene.asked[scene.n_asked++];
        *q = (struct asked){.act = a, .open = true};
        return q;
}

static struct caller client(const char *correlation)
{
        return (struct caller){.key_name = "tester", .correlation_id = correlation};
}

/* --- placing --- */

static void placed(struct place_request *r)
{
        struct asked *q = CONTAINER_OF(r, struct asked, place);
        if (q->deaf)
                return;
        if (!q->open)
                judge_break("a placement was answered twice");
        q->open = false;
        judge_answer(q);
}

static void place(enum act a, unsigned key)
{
        static const char *const names[SCENE_KEYS] = {"k1", "k2"};
        struct asked *q = ask(a);
        struct order *o;

        assert(order_new(scene_accounts(), &o) == 0);
        for (unsigned i = 0; i < o->n_legs; i++) {
                o->legs[i].multiplier = DECIMAL_ONE;
                text_copy(o->legs[i].account, ACCOUNT_SIZE, scene.accounts[i].id);
        }
        text_copy(o->symbol, sizeof(o->symbol), SCENE_SYMBOL);
        o->side = SIDE_BUY;
        o->type = ORDER_TYPE_LIMIT;
        o->product = PRODUCT_CNC;
        o->validity = VALIDITY_DAY;
        o->quantity = QUANTITY;
        o->price = a == ACT_STEP ? OTHER : PRICE;
        q->key = key;
        q->place = (struct place_request){.caller = client(names[key]),
                                          .order = o,
                                          .idempotency_key = names[key],
                                          .done = placed};
        operation_place(scene.o, &q->place);
        if (!q->open)
                judge_break("a placement was answered from inside the call");
}

/* --- the rest --- */

static void amended(struct amend_request *r)
{
        struct asked *q = CONTAINER_OF(r, struct asked, amend);
        if (q->deaf)
                return;
        if (!q->open)
                judge_break("a request was answered twice");
        q->open = false;
        q->problem = r->answer.problem;
        q->status = r->answer.status;
        /* 202 or 200: it is, or will be, cancelled. */
        if (q->act == ACT_CANCEL && (q->status == 200 || q->status == 202))
                scene.cancel_taken = true;
        if (q->act == ACT_RESOLVE && q->problem == PROBLEM_NONE)
                scene.resolved = true;
}

static struct order *first_order(void)
{
        const struct fake_state *s = fake_store_state(scene.ledger);
        return s->n_orders ? s->orders[0] : NULL;
}

static struct leg *first_doubt(void)
{
        struct order *o = first_order();
        for (unsigned i = 0; o && i < o->n_legs; i++)
                if (o->legs[i].state == LEG_STATE_UNKNOWN ||
                    o->legs[i].state == LEG_STATE_NEEDS_OPERATOR ||
                    o->legs[i].state == LEG_STATE_SENDING)
                        return &o->legs[i];
        return NULL;
}

static void amend(enum act a, enum amend_kind kind)
{
        struct asked *q = ask(a);
        text_copy(q->id, sizeof(q->id), scene.first_order);
        q->amend = (struct amend_request){.kind = kind,
                                          .caller = client("c-amend"),
                                          .id = q->id,
                                          .done = amended,
                                          .reason = "by telephone"};
        if (kind == AMEND_MODIFY)
                q->amend.change = (struct order_change){.has_price = true, .price = OTHER};
        if (kind == AMEND_RESOLVE) {
                const struct leg *l = first_doubt();
                const struct street_order *o = street_find(l->tag);
                bool there = o && street_booked(o);
                q->amend.leg = l->number;
                q->amend.outcome = there ? OUTCOME_ACCEPTED : OUTCOME_NOT_PLACED;
                q->amend.broker_order_id = there ? o->row.broker_order_id : NULL;
        }
        operation_amend(scene.o, &q->amend);
}

static void killed(struct kill_request *r)
{
        struct asked *q = CONTAINER_OF(r, struct asked, kill);
        q->open = false;
        q->problem = r->problem;
}

static void kill_to(enum act a, enum kill_level level)
{
        struct asked *q = ask(a);
        q->kill = (struct kill_request){.caller = client("c-kill"),
                                        .level = level,
                                        .scope = "global",
                                        .reason = "a reason",
                                        .done = killed};
        q->kill.caller.admin = true;
        scene.marker = true;
        /* A release counts from the moment on where it was asked for. */
        if (level == KILL_LEVEL_NONE)
                scene.halted = scene.stopped = false;
        killswitch_set(scene.o, &q->kill);
        scene.halted = level >= KILL_LEVEL_HALT;
        scene.stopped = level >= KILL_LEVEL_CANCEL;
}

static void logged_in(struct session_request *r)
{
        CONTAINER_OF(r, struct asked, session)->open = false;
}

static unsigned logged_out(void)
{
        unsigned i = 0;
        while (i < scene_accounts() && scene.o->accounts[i].session == SESSION_STATE_ACTIVE)
                i++;
        return i;
}

static void login(void)
{
        struct asked *q = ask(ACT_LOGIN);
        q->session = (struct session_request){.verb = SESSION_LOGIN,
                                              .caller = client("c-login"),
                                              .account = scene.accounts[logged_out()].id,
                                              .done = logged_in};
        session_act(scene.o, &q->session);
}

static struct street_order *first_live(void)
{
        for (unsigned i = 0; i < street.n; i++)
                if (street_live(&street.orders[i]))
                        return &street.orders[i];
        return NULL;
}

static void fill(void)
{
        struct book_order *row = &first_live()->row;
        row->status = ORDER_STATUS_FILLED;
        row->filled_quantity = row->quantity;
        row->average_price = row->price;
}

/* Books live one day. */
static void next_day(void)
{
        int64_t now = clock_wall_us();
        int64_t morning = clock_from_ist(clock_day_add(clock_ist_day(now), 1), MORNING_S);
        scene.ended = true;
        street.n = 0;
        scene_advance(clock_mono_us() + morning - now);
}

bool scene_may(enum act a)
{
        if (scene.acted[a] >= scene.scenario->acts[a])
                return false;
        switch (a) {
        case ACT_RETRY:
        case ACT_TWIN:
        case ACT_STEP:
                return scene.acted[ACT_PLACE] > 0 && !scene.ended;
        case ACT_CANCEL:
        case ACT_MODIFY:
                return scene.first_order[0] && !scene.ended;
        case ACT_RESOLVE:
                return scene.first_order[0] && first_doubt() && !street_awaits();
        case ACT_FILL:
                return first_live() && !scene.ended;
        case ACT_RELEASE:
                return scene.halted;
        case ACT_LOGIN:
                return logged_out() < scene_accounts();
        case ACT_NEXT_DAY:
                return scene.acted[ACT_PLACE] > 0 && !street_awaits();
        default:
                return true;
        }
}

void scene_act(enum act a)
{
        scene.acted[a]++;
        switch (a) {
        case ACT_PLACE:
        case ACT_RETRY:
                place(a, 0);
                break;
        case ACT_TWIN:
        case ACT_STEP:
                place(a, 1);
                break;
        case ACT_CANCEL:
                amend(a, AMEND_CANCEL);
                break;
        case ACT_MODIFY:
                amend(a, AMEND_MODIFY);
                break;
        case ACT_RESOLVE:
                amend(a, AMEND_RESOLVE);
                break;
        case ACT_HALT:
                kill_to(a, KILL_LEVEL_HALT);
                break;
        case ACT_STOP:
                kill_to(a, KILL_LEVEL_CANCEL);
                break;
        case ACT_RELEASE:
                kill_to(a, KILL_LEVEL_NONE);
                break;
        case ACT_FILL:
                fill();
                break;
        case ACT_LOGIN:
                login();
                break;
        case ACT_NEXT_DAY:
                next_day();
                break;
        default:
                assert(!"an act that nobody knows");
        }
}
