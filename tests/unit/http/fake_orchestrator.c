#include "fake_state.h"

#include <stdio.h>
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "../domain/market.h"

#include "base/clock.h"
#include "base/decimal.h"
#include "domain/instruments.h"
#include "http/http.h"
#include "orchestrator/event.h"
#include "orchestrator/killswitch.h"
#include "orchestrator/operation.h"
#include "orchestrator/query.h"
#include "orchestrator/session.h"
#include "orchestrator/status.h"

struct fake fake;
char fake_last_order[512];
char fake_last_key[IDEMPOTENCY_KEY_SIZE];
char fake_last_text[FAKE_BODY_MAX];

/* One answer to be given in the loop's next turn. */
struct task {
        struct list link;
        void (*run)(struct orchestrator *o, void *request);
        void *request;
};

static void run_tasks(struct orchestrator *o)
{
        struct list now = LIST_INIT(now);

        o->scheduled = false;
        if (fake.hold)
                return;
        list_splice(&now, &o->later);
        while (!list_empty(&now)) {
                struct task *t = LIST_ENTRY(now.next, struct task, link);
                list_unlink(&t->link);
                fake.running--;
                t->run(o, t->request);
                free(t);
        }
}

static void on_answer(struct loop_work *w)
{
        run_tasks(CONTAINER_OF(w, struct orchestrator, answer));
}

static void on_release(struct loop_work *w)
{
        run_tasks(CONTAINER_OF(w, struct orchestrator, release));
}

void fake_later(struct orchestrator *o, void (*run)(struct orchestrator *o, void *request),
                void *request)
{
        struct task *t = calloc(1, sizeof(*t));

        assert(t);
        t->run = run;
        t->request = request;
        fake.running++;
        list_append(&o->later, &t->link);
        if (!o->scheduled && !fake.hold) {
                o->scheduled = true;
                loop_defer(o->options.loop, &o->answer);
        }
}

void fake_release(struct orchestrator *o)
{
        fake.hold = 0;
        loop_post(o->options.loop, &o->release);
}

struct orchestrator *fake_new(const struct fake_options *options)
{
        struct orchestrator *o = calloc(1, sizeof(*o));

        assert(o);
        o->options = *options;
        o->answer.run = on_answer;
        o->release.run = on_release;
        o->calendar = market_calendar();
        o->instruments = market_instruments(o->calendar, FAKE_DAY);
        list_init(&o->later);
        list_init(&o->subscriptions);
        return o;
}

void fake_free(struct orchestrator *o)
{
        assert(list_empty(&o->subscriptions));
        instruments_free(o->instruments);
        calendar_free(o->calendar);
        text_done(&o->body);
        free(o);
}

bool caller_may_use(const struct caller *c, const char *account)
{
        for (const char *const *a = c->accounts; a && *a; a++)
                if (strcmp(*a, account) == 0)
                        return true;
        return !c->accounts;
}

const struct account *orchestrator_account(const struct orchestrator *o, const char *id)
{
        for (unsigned i = 0; i < o->options.n_accounts; i++)
                if (strcmp(o->options.accounts[i].id, id) == 0)
                        return &o->options.accounts[i];
        return NULL;
}

unsigned orchestrator_accounts(const struct orchestrator *o, const struct account **ret_first)
{
        *ret_first = o->options.accounts;
        return o->options.n_accounts;
}

unsigned query_instruments(struct orchestrator *o, const char *query, int exchange, unsigned limit,
                           struct instrument *ret)
{
        const struct instrument *found[INSTRUMENTS_SEARCH_MAX];
        unsigned n = instruments_search(o->instruments, query, exchange, limit, found);
        for (unsigned i = 0; i < n; i++)
                ret[i] = *found[i];
        return n;
}

/* orders */

static void settle_leg(struct leg *l, const struct order *order)
{
        l->quantity = order->quantity;
        l->outcome = (enum outcome)fake.outcome;
        l->state = l->outcome == OUTCOME_UNKNOWN ? LEG_STATE_UNKNOWN : LEG_STATE_SETTLED;
        l->effective = (struct effective){order->type, order->price, order->trigger_price};
        l->latency_us = 400;
        l->sending_us = l->updated_us = FAKE_TIME;
        l->attempts = 1;
        text_copy(l->tag, sizeof(l->tag), "K2R70000000000AB");
        if (l->outcome == OUTCOME_ACCEPTED) {
                l->confidence = CONFIDENCE_PROVEN;
                l->status = ORDER_STATUS_OPEN;
                text_copy(l->broker_order_id, sizeof(l->broker_order_id), "26112300000017");
        } else if (l->outcome == OUTCOME_REJECTED) {
                l->problem = PROBLEM_BROKER_REJECTED;
                text_copy(l->message, sizeof(l->message), "The broker refused: 16387 blocked");
                text_copy(l->broker_code, sizeof(l->broker_code), "16387");
                text_copy(l->broker_message, sizeof(l->broker_message), "blocked");
        }
}

static void note_order(const struct order *order)
{
        char price[DECIMAL_TEXT_SIZE], trigger[DECIMAL_TEXT_SIZE];
        char policy[MARKET_POLICY_TEXT_SIZE] = "-";
        int n = snprintf(
                fake_last_order, sizeof(fake_last_order),
                "%s %s %s %lld price=%s trigger=%s %s %s disclosed=%lld id=%s reduce=%d policy=%s",
                order->symbol, side_name(order->side), order_type_name(order->type),
                (long long)order->quantity, decimal_print(order->price, price),
                decimal_print(order->trigger_price, trigger), product_name(order->product),
                validity_name(order->validity), (long long)order->disclosed_quantity,
                order->client_order_id, order->reduce_only,
                order->market_policy_given
                        ? market_policy_print(&order->market_policy, policy, sizeof(policy))
                        : policy);

        for (unsigned i = 0; i < order->n_legs; i++) {
                char multiplier[DECIMAL_TEXT_SIZE];
                n += snprintf(fake_last_order + n, sizeof(fake_last_order) - (size_t)n, " %s*%s",
                              order->legs[i].account,
                              decimal_print_short(order->legs[i].multiplier, multiplier));
        }
}

static void fill_problem(struct answer *a)
{
        *a = (struct answer){.problem = (enum problem)fake.problem};
        if (a->problem == PROBLEM_LOT_SIZE) {
                text_copy(a->detail, sizeof(a->detail), "10 is not a multiple of 75");
                text_copy(a->pointer, sizeof(a->pointer), "/quantity");
        }
        if (a->problem == PROBLEM_IDEMPOTENCY_IN_FLIGHT)
                a->retry_after_s = 1;
}

static void fill_answer(struct orchestrator *o, struct answer *a, const struct order *order)
{
        struct answer_view view = {
                .order = order, .correlation_id = order->correlation_id, .elapsed_us = 1100};

        *a = (struct answer){};
        view.status = order_http_status(order, &view.cause);
        text_clear(&o->body);
        assert(http_render_answer(&view, &o->body) == 0);
        text_copy(a->order_id, sizeof(a->order_id), order->id);
        a->status = view.status;
        a->is_problem = view.cause != PROBLEM_NONE;
        a->body = text_str(&o->body);
        a->body_size = o->body.len;
        a->replayed = strcmp(fake_last_key, "replay") == 0;
}

static void answer_place(struct orchestrator *o, void *request)
{
        struct place_request *r = request;

        text_copy(r->order->correlation_id, CORRELATION_ID_SIZE, r->caller.correlation_id);
        text_copy(r->order->key_name, KEY_NAME_SIZE, r->caller.key_name);
        if (fake.problem) {
                fill_problem(&r->answer);
        } else if (r->validate_only) {
                for (unsigned i = 0; i < r->order->n_legs; i++)
                        r->order->legs[i].quantity = r->order->quantity;
                struct answer_view view = {.order = r->order,
                                           .status = 200,
                                           .correlation_id = r->caller.correlation_id,
                                           .elapsed_us = 90};
                text_clear(&o->body);
                http_render_answer(&view, &o->body);
                r->answer = (struct answer){
                        .status = 200, .body = text_str(&o->body), .body_size = o->body.len};
        } else {
                text_copy(r->order->id, ID_SIZE, FAKE_ORDER_ID);
                for (unsigned i = 0; i < r->order->n_legs; i++)
                        settle_leg(&r->order->legs[i], r->order);
                fill_answer(o, &r->answer, r->order);
        }
        order_free(r->order);
        r->done(r);
}

void operation_place(struct orchestrator *o, struct place_request *r)
{
        note_order(r->order);
        text_copy(fake_last_key, sizeof(fake_last_key),
                  r->idempotency_key ? r->idempotency_key : "");
        if (r->validate_only)
                fake.validated++;
        else
                fake.placed++;
        fake_later(o, answer_place, r);
}

static struct order *some_order(void)
{
        struct order *order;

        assert(order_new(1, &order) == 0);
        text_copy(order->id, ID_SIZE, FAKE_ORDER_ID);
        text_copy(order->symbol, SYMBOL_SIZE, "NSE:SBIN");
        text_copy(order->key_name, KEY_NAME_SIZE, "api-token");
        text_copy(order->correlation_id, CORRELATION_ID_SIZE, "c-1");
        order->created_us = FAKE_TIME;
        order->type = ORDER_TYPE_LIMIT;
        order->price = 812 * DECIMAL_ONE + 5000;
        order->quantity = 10;
        text_copy(order->legs[0].account, ACCOUNT_SIZE, "paper:demo");
        settle_leg(&order->legs[0], order);
        return order;
}

static void answer_amend(struct orchestrator *o, void *request)
{
        struct amend_request *r = request;
        struct order *order = some_order();

        if (fake.problem)
                fill_problem(&r->answer);
        else
                fill_answer(o, &r->answer, order);
        if (!fake.problem && r->answer.status == 201)
                r->answer.status = 200;
        order_free(order);
        r->done(r);
}

void operation_amend(struct orchestrator *o, struct amend_request *r)
{
        const struct order_change *c = &r->change;

        fake.amended++;
        snprintf(fake_last_text, sizeof(fake_last_text),
                 "kind=%d id=%s leg=%u outcome=%s broker=%s reason=%s q=%lld p=%lld t=%lld",
                 r->kind, r->id, r->leg, outcome_name(r->outcome),
                 r->broker_order_id ? r->broker_order_id : "-", r->reason ? r->reason : "-",
                 c->has_quantity ? (long long)c->quantity : -1,
                 c->has_price ? (long long)c->price : -1,
                 c->has_trigger_price ? (long long)c->trigger_price : -1);
        fake_later(o, answer_amend, r);
}

static void answer_cancel_many(struct orchestrator *o, void *request)
{
        struct cancel_many_request *r = request;
        struct order *order = some_order();

        r->orders = &order;
        r->n_orders = 1;
        fill_problem(&r->answer);
        r->done(r);
        order_free(order);
}

void operation_cancel_many(struct orchestrator *o, struct cancel_many_request *r)
{
        fake.cancelled_many++;
        fake_later(o, answer_cancel_many, r);
}

/* queries */

static void answer_order(struct orchestrator *o, void *request)
{
        struct order_query *q = request;
        struct order *order = some_order();

        q->problem =
                fake.problem ? (enum problem)fake.problem
                : strcmp(q->id, FAKE_ORDER_ID) != 0 && strcmp(q->id, "client:mean-rev-0042") != 0
                        ? PROBLEM_ORDER_NOT_FOUND
                        : PROBLEM_NONE;
        q->order = order;
        q->done(q);
        order_free(order);
}

void query_order(struct orchestrator *o, struct order_query *q)
{
        fake_later(o, answer_order, q);
}

static void answer_orders(struct orchestrator *o, void *request)
{
        struct orders_query *q = request;
        struct order *order = some_order();

        q->problem = (enum problem)fake.problem;
        q->orders = &order;
        q->n_orders = 1;
        q->more = q->limit == 1;
        const struct book_order row = {.broker_order_id = "26112300000099",
                                       .symbol = "NSE:INFY",
                                       .quantity = 3,
                                       .status = ORDER_STATUS_OPEN,
                                       .placed_us = FAKE_TIME};
        const struct external_shown shown = {&o->options.accounts[0], &row, FAKE_TIME};
        q->external = &shown;
        q->n_external = !q->before_id;
        q->done(q);
        order_free(order);
}

void query_orders(struct orchestrator *o, struct orders_query *q)
{
        snprintf(fake_last_text, sizeof(fake_last_text),
                 "status=%d symbol=%s since=%lld before=%s limit=%u first=%s", q->status,
                 q->symbol ? q->symbol : "-", (long long)q->since_us,
                 q->before_id ? q->before_id : "-", q->limit, q->accounts ? q->accounts[0] : "-");
        fake_later(o, answer_orders, q);
}

bool session_view(const struct orchestrator *o, const char *account, struct session_view *ret)
{
        *ret = (struct session_view){.account = account,
                                     .state = fake.pending_login ? SESSION_STATE_PENDING
                                                                 : SESSION_STATE_ACTIVE,
                                     .since_us = FAKE_TIME,
                                     .login_method = "redirect",
                                     .login_expires_us = fake.pending_login ? FAKE_TIME : 0};
        return orchestrator_account(o, account);
}

static void answer_session(struct orchestrator *o, void *request)
{
        struct session_request *r = request;

        session_view(o, r->account, &r->view);
        r->problem = (enum problem)fake.problem;
        r->method = "none";
        r->done(r);
}

void session_act(struct orchestrator *o, struct session_request *r)
{
        if (r->verb == SESSION_LOGIN)
                fake.logins++;
        if (r->verb == SESSION_COMPLETE)
                fake.completed++;
        snprintf(fake_last_text, sizeof(fake_last_text),
                 "verb=%d %s otp=%s url=%s code=%s state=%s by=%s", r->verb, r->account,
                 r->otp ? (const char *)secret_bytes(r->otp) : "-",
                 r->redirect_url ? r->redirect_url : "-", r->auth_code ? r->auth_code : "-",
                 r->state ? r->state : "-", r->caller.key_name);
        fake_later(o, answer_session, r);
}

static void answer_report(struct orchestrator *o, void *request)
{
        struct report_request *r = request;

        r->problem = (enum problem)fake.problem;
        r->done(r);
}

void session_report(struct orchestrator *o, struct report_request *r)
{
        fake.reported++;
        text_copy(fake_last_text, sizeof(fake_last_text), r->payload);
        fake_later(o, answer_report, r);
}

/* kill switch */

unsigned killswitch_list(const struct orchestrator *o, const struct kill_entry **ret)
{
        static struct kill_entry entry = {
                .scope = "global", .reason = "test", .actor = "api-token", .at_us = FAKE_TIME};

        entry.level = o->level;
        *ret = &entry;
        return o->level != KILL_LEVEL_NONE;
}

unsigned killswitch_tasks(const struct orchestrator *o, const struct caller *caller,
                          const struct kill_task *ret[static KILL_TASKS_SHOWN], unsigned *ret_total)
{
        *ret_total = 0;
        return 0;
}

enum kill_level killswitch_level(const struct orchestrator *o, const char *account)
{
        return o->level;
}

bool killswitch_scope_valid(const struct orchestrator *o, const char *scope)
{
        return strcmp(scope, "global") == 0 || strcmp(scope, "broker:paper") == 0 ||
               (text_starts(scope, "account:") && orchestrator_account(o, scope + 8));
}

bool killswitch_scope_allowed(const struct orchestrator *o, const char *scope,
                              const struct caller *c)
{
        return !text_starts(scope, "account:") || caller_may_use(c, scope + 8);
}

static void answer_kill(struct orchestrator *o, void *request)
{
        struct kill_request *r = request;

        r->problem = (enum problem)fake.problem;
        if (r->level < o->level && !r->caller.admin)
                r->problem = PROBLEM_FORBIDDEN;
        if (r->problem == PROBLEM_NONE)
                o->level = r->level;
        r->done(r);
}

void killswitch_set(struct orchestrator *o, struct kill_request *r)
{
        fake.killed++;
        fake_later(o, answer_kill, r);
}

void status_read(struct orchestrator *o, struct status *ret)
{
        *ret = (struct status){.overall = "ok",
                               .version = "0.1.0",
                               .started_us = FAKE_TIME,
                               .uptime_us = 61000000,
                               .store_driver = "sqlite",
                               .vault_key = "given",
                               .store_schema = 1,
                               .store_state = "ok",
                               .last_event_id = 7,
                               .n_accounts = o->options.n_accounts};
        for (unsigned i = 0; i < o->options.n_accounts; i++) {
                ret->accounts[i].account = &o->options.accounts[i];
                ret->accounts[i].ready = true;
                ret->accounts[i].orders_left_second = 9;
                ret->accounts[i].orders_left_minute = ret->accounts[i].orders_left_day = -1;
                ret->accounts[i].value_left_day = 1000000;
                session_view(o, o->options.accounts[i].id, &ret->accounts[i].session);
        }
}

unsigned status_not_ready(struct orchestrator *o, const char *ret_reasons[static 8])
{
        ret_reasons[0] = "The ledger cannot be written.";
        return fake.not_ready ? 1 : 0;
}

unsigned status_jobs(const struct orchestrator *o, const struct job_view **ret)
{
        static const struct job_view job = {.name = "audit-export",
                                            .description = "Writes audit segments",
                                            .last_run_us = FAKE_TIME};

        *ret = &job;
        return 1;
}

void status_measure(struct orchestrator *o)
{
}

/* events */

void event_subscribe(struct orchestrator *o, struct subscription *s)
{
        fake.subscriptions++;
        snprintf(fake_last_text, sizeof(fake_last_text), "after=%lld", (long long)s->after_id);
        list_append(&o->subscriptions, &s->link);
}

void event_unsubscribe(struct orchestrator *o, struct subscription *s)
{
        fake.subscriptions--;
        list_unlink(&s->link);
}

struct posted_event {
        struct loop_work work;
        struct orchestrator *o;
        bool gap;
        int64_t id;
        char type[16], account[ACCOUNT_SIZE];
        char *data;
};

static void on_event(struct loop_work *w)
{
        struct posted_event *p = CONTAINER_OF(w, struct posted_event, work);
        struct event e = {p->id, p->type, p->account, p->data, p->data ? strlen(p->data) : 0};

        LIST_FOREACH (it, &p->o->subscriptions) {
                struct subscription *s = LIST_ENTRY(it, struct subscription, link);
                if (p->gap)
                        s->gap(s);
                else if (!*p->account || caller_may_use(&s->caller, p->account))
                        s->event(s, &e);
        }
        free(p->data);
        free(p);
}

static void post_event(struct orchestrator *o, const struct posted_event *like)
{
        struct posted_event *p = calloc(1, sizeof(*p));

        assert(p);
        *p = *like;
        p->o = o;
        p->work.run = on_event;
        loop_post(o->options.loop, &p->work);
}

void fake_event(struct orchestrator *o, int64_t id, const char *type, const char *account,
                const char *data)
{
        struct posted_event p = {.id = id, .data = strdup(data)};

        text_copy(p.type, sizeof(p.type), type);
        text_copy(p.account, sizeof(p.account), account);
        post_event(o, &p);
}

void fake_gap(struct orchestrator *o)
{
        post_event(o, &(struct posted_event){.gap = true});
}
