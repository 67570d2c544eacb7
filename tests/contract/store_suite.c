#include "store_suite.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "domain/audit_chain.h"
#include "store_suite_cases.h"

struct ledger ledger;
static const struct suite_driver *driver;
static unsigned n_done;
static pthread_t loop_thread;

static void open_ledger(void)
{
        char error[STORE_ERROR_SIZE];
        int r = driver->open(ledger.loop, 0, error, &ledger.store);
        ck_assert_msg(r == 0, "open: %d %s", r, error);
}

static void setup(void)
{
        driver->setup();
        loop_thread = pthread_self();
        n_done = 0;
        ck_assert_int_eq(loop_new(&ledger.loop), 0);
        open_ledger();
}

static void teardown(void)
{
        ledger.store = store_close(ledger.store);
        ledger.loop = loop_free(ledger.loop);
        driver->teardown();
        clock_real();
}

void ledger_reopen(void)
{
        ledger.store = store_close(ledger.store);
        open_ledger();
}

int store_suite_open(unsigned queue_max, struct store **ret)
{
        char error[STORE_ERROR_SIZE];
        return driver->open(ledger.loop, queue_max, error, ret);
}

void ledger_done(struct store_job *job)
{
        ck_assert(pthread_equal(pthread_self(), loop_thread));
        n_done++;
}

static bool enough(void *userdata)
{
        return n_done >= *(unsigned *)userdata;
}

void ledger_wait(unsigned n)
{
        loop_stop(ledger.loop); /* it turns on until drained */
        ck_assert_int_eq(loop_run(ledger.loop, enough, &n), 0);
        ck_assert_uint_eq(n_done, n);
        n_done = 0;
}

enum store_result ledger_submit(struct store_job *job)
{
        job->done = ledger_done;
        store_submit(ledger.store, job);
        ck_assert_uint_eq(n_done, 0); /* never from inside */
        ledger_wait(1);
        return job->result;
}

/* The store thread waits inside the row callback of a read. */
static sem_t held, let_go;
static struct store_riders_load hold_job;
static struct list hold_riders;

static int hold_row(void *userdata, const char *account, const char *kind, const char *key,
                    const void *value, size_t size)
{
        sem_post(&held);
        sem_wait(&let_go);
        return 0;
}

void ledger_hold(void)
{
        struct store_append a = {.job = {.op = STORE_APPEND}, .riders = &hold_riders};
        struct rider *r;

        list_init(&hold_riders);
        ck_assert_int_eq(rider_new("hold", &r), 0);
        ck_assert_int_eq(rider_add(r, "a", "k", "k", strdup("v"), 1), 0);
        list_append(&hold_riders, &r->link);
        ck_assert_int_eq(store_run(ledger.store, &a.job), STORE_OK);
        sem_init(&held, 0, 0);
        sem_init(&let_go, 0, 0);
        hold_job = (struct store_riders_load){
                .job = {.op = STORE_RIDERS_LOAD}, .guest = "hold", .row = hold_row};
        store_submit(ledger.store, &hold_job.job);
        sem_wait(&held);
}

void ledger_release(void)
{
        sem_post(&let_go);
}

struct order *new_order(const char *const *accounts)
{
        struct order *o;
        unsigned n = 0;

        while (accounts[n])
                n++;
        ck_assert_int_eq(order_new(n, &o), 0);
        id_make(o->id);
        o->created_us = clock_wall_us();
        o->day = clock_ist_day(o->created_us);
        text_copy(o->key_name, sizeof(o->key_name), "tester");
        uuid_make(o->correlation_id);
        text_copy(o->symbol, sizeof(o->symbol), "NSE:SBIN");
        o->type = ORDER_TYPE_LIMIT;
        o->quantity = 10;
        o->price = 812 * DECIMAL_ONE;
        for (unsigned i = 0; i < n; i++) {
                struct leg *l = &o->legs[i];
                text_copy(l->account, sizeof(l->account), accounts[i]);
                tag_make(l->tag);
                l->quantity = 10;
                l->effective.type = ORDER_TYPE_LIMIT;
                l->state = LEG_STATE_SENDING;
                l->sending_us = o->created_us;
                l->updated_us = o->created_us;
        }
        return o;
}

struct order *new_order_on(const char *account)
{
        return new_order((const char *const[]){account, NULL});
}

void accept_order(struct order *o)
{
        for (unsigned i = 0; i < o->n_legs; i++) {
                struct leg *l = &o->legs[i];
                if (l->state == LEG_STATE_REFUSED)
                        continue;
                l->state = LEG_STATE_SETTLED;
                l->outcome = OUTCOME_ACCEPTED;
                l->confidence = CONFIDENCE_PROVEN;
                l->status = ORDER_STATUS_OPEN;
                l->attempts = 1;
                l->latency_us = 1234;
                snprintf(l->broker_order_id, sizeof(l->broker_order_id), "26112300%u", i);
                l->evidence = (struct evidence){.started_us = o->created_us + 1,
                                                .sent_us = o->created_us + 2,
                                                .ended_us = o->created_us + 3,
                                                .bytes_sent = 345,
                                                .http_status = 200,
                                                .may_have_left = true,
                                                .complete_reply = true,
                                                .transport = "local",
                                                .error = "none, really"};
        }
}

void intent_init(struct intent *i, const struct order *o, const char *key)
{
        *i = (struct intent){};
        i->audit = (struct audit_record){.action = AUDIT_ORDER_INTENT,
                                         .component = "test",
                                         .actor = "tester",
                                         .correlation_id = o->correlation_id,
                                         .account = o->legs[0].account,
                                         .order_id = o->id,
                                         .at_us = o->created_us};
        text_add(&i->audit.payload, "{\"symbol\":\"NSE:SBIN\",\"note\":\"a \\\"quoted\\\" word\"}");
        order_fingerprint(o, i->fingerprint);
        i->in = (struct store_intent){.job = {.op = STORE_INTENT, .done = ledger_done},
                                      .order = o,
                                      .idempotency_scope = key ? SCOPE : NULL,
                                      .idempotency_key = key,
                                      .fingerprint = i->fingerprint,
                                      .key_expires_us = o->created_us + 86400 * USEC_PER_SEC,
                                      .killswitch_epoch = EPOCH_NEW,
                                      .audit = &i->audit,
                                      .n_audit = 1};
}

void intent_done(struct intent *i)
{
        audit_record_done(&i->audit);
}

enum store_result put_intent(const struct order *o, const char *key)
{
        struct intent i;
        intent_init(&i, o, key);
        enum store_result r = store_run(ledger.store, &i.in.job);
        if (r == STORE_OK)
                ck_assert_int_gt(i.audit.seq, 0);
        else
                ck_assert_int_eq(i.audit.seq, 0);
        intent_done(&i);
        return r;
}

void outcome_init(struct outcome_job *j, const struct order *o, int answer_status,
                  const char *answer)
{
        *j = (struct outcome_job){};
        j->audit = (struct audit_record){.action = AUDIT_LEG_UPDATED,
                                         .component = "test",
                                         .actor = "tester",
                                         .correlation_id = o->correlation_id,
                                         .account = o->legs[0].account,
                                         .order_id = o->id,
                                         .outcome = "accepted",
                                         .at_us = o->created_us + 5};
        j->out = (struct store_outcome){.job = {.op = STORE_OUTCOME, .done = ledger_done},
                                        .order = o,
                                        .answer_status = answer_status,
                                        .answer_body = answer,
                                        .answer_size = answer ? strlen(answer) : 0,
                                        .audit = &j->audit,
                                        .n_audit = 1};
}

void outcome_done(struct outcome_job *j)
{
        audit_record_done(&j->audit);
}

enum store_result put_outcome(const struct order *o, int answer_status, const char *answer)
{
        struct outcome_job j;
        outcome_init(&j, o, answer_status, answer);
        enum store_result r = store_run(ledger.store, &j.out.job);
        outcome_done(&j);
        return r;
}

enum store_result get_order(const char *id, struct order **ret)
{
        struct store_order_get g = {.job = {.op = STORE_ORDER_GET}, .id = id};
        enum store_result r = store_run(ledger.store, &g.job);
        *ret = g.order;
        free(g.answer_body);
        return r;
}

static void assert_same_leg(const struct leg *a, const struct leg *b)
{
#define SAME_INT(m)  ck_assert_int_eq((int64_t)a->m, (int64_t)b->m)
#define SAME_TEXT(m) ck_assert_str_eq(a->m, b->m)
        SAME_INT(number);
        SAME_TEXT(account);
        SAME_INT(multiplier);
        SAME_INT(quantity);
        SAME_INT(effective.type);
        SAME_INT(effective.price);
        SAME_INT(effective.trigger_price);
        SAME_TEXT(tag);
        SAME_INT(state);
        SAME_INT(outcome);
        SAME_INT(confidence);
        SAME_INT(problem);
        SAME_TEXT(message);
        SAME_TEXT(broker_code);
        SAME_TEXT(broker_message);
        SAME_TEXT(broker_order_id);
        SAME_INT(status);
        SAME_INT(filled_quantity);
        SAME_INT(average_price);
        SAME_INT(cancel_requested);
        SAME_INT(attempts);
        SAME_INT(modifications);
        SAME_INT(sending_us);
        SAME_INT(latency_us);
        SAME_INT(updated_us);
        SAME_INT(evidence.started_us);
        SAME_INT(evidence.sent_us);
        SAME_INT(evidence.ended_us);
        SAME_INT(evidence.bytes_sent);
        SAME_INT(evidence.http_status);
        SAME_INT(evidence.may_have_left);
        SAME_INT(evidence.complete_reply);
        SAME_TEXT(evidence.transport);
        SAME_TEXT(evidence.error);
}

void assert_same_order(const struct order *a, const struct order *b)
{
        SAME_TEXT(id);
        SAME_INT(created_us);
        SAME_INT(day);
        SAME_TEXT(key_name);
        SAME_TEXT(correlation_id);
        SAME_TEXT(client_order_id);
        SAME_TEXT(symbol);
        SAME_INT(side);
        SAME_INT(type);
        SAME_INT(product);
        SAME_INT(validity);
        SAME_INT(quantity);
        SAME_INT(price);
        SAME_INT(trigger_price);
        SAME_INT(disclosed_quantity);
        SAME_INT(reduce_only);
        SAME_INT(market_policy_given);
        if (a->market_policy_given) {
                SAME_INT(market_policy.kind);
                SAME_INT(market_policy.percent);
        }
        SAME_INT(n_legs);
        for (unsigned i = 0; i < a->n_legs; i++)
                assert_same_leg(&a->legs[i], &b->legs[i]);
}

int64_t assert_chain(void)
{
        uint8_t hash[AUDIT_HASH_SIZE] = {};
        int64_t last = 0, n = 0;

        for (;;) {
                struct store_audit_list l = {
                        .job = {.op = STORE_AUDIT_LIST}, .after_seq = last, .limit = 100};
                ck_assert_int_eq(store_run(ledger.store, &l.job), STORE_OK);
                for (unsigned i = 0; i < l.n_rows; i++, n++) {
                        int64_t seq;
                        int r = audit_chain_check(l.rows[i].record, l.rows[i].size,
                                                  last ? hash : NULL, hash, &seq);
                        ck_assert_int_eq(r, 0);
                        ck_assert_int_eq(seq, l.rows[i].seq);
                        if (last)
                                ck_assert_int_eq(seq, last + 1);
                        last = seq;
                }
                bool more = l.more;
                store_audit_rows_free(l.rows, l.n_rows);
                if (!more)
                        return n;
        }
}

static void add(Suite *s, const TTest *const tests[], unsigned n)
{
        for (unsigned i = 0; i < n; i++) {
                TCase *c = tcase_create(tests[i]->name);
                tcase_set_timeout(c, 120);
                tcase_add_checked_fixture(c, setup, teardown);
                tcase_add_test(c, tests[i]);
                suite_add_tcase(s, c);
        }
}

int store_suite_own(const struct suite_driver *d, const char *title, const TTest *const own[],
                    unsigned n_own)
{
        driver = d;
        Suite *s = suite_create(title);
        add(s, own, n_own);
        return suite_run(s);
}

int store_suite_main(const struct suite_driver *d, const TTest *const own[], unsigned n_own)
{
        const TTest *const *tests;
        unsigned n;
        char title[64];

        driver = d;
        snprintf(title, sizeof(title), "store on %s", d->name);
        Suite *s = suite_create(title);
        tests = store_suite_orders(&n);
        add(s, tests, n);
        tests = store_suite_reads(&n);
        add(s, tests, n);
        tests = store_suite_state(&n);
        add(s, tests, n);
        tests = store_suite_groups(&n);
        add(s, tests, n);
        /* on a later schema (previous.sh) */
        if (!getenv("TEST_CONTRACT_ONLY"))
                add(s, own, n_own);
        return suite_run(s);
}
