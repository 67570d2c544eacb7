/* Kill switch, sessions, riders, audit. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "domain/audit_chain.h"
#include "store_suite_cases.h"

#define DEMO   "paper:demo"
#define SECOND "paper:second"

static void record(struct audit_record *a, enum audit_action action, const char *account,
                   const char *correlation_id, int64_t at_us)
{
        *a = (struct audit_record){.action = action,
                                   .component = "test",
                                   .actor = "tester",
                                   .account = account,
                                   .correlation_id = correlation_id,
                                   .at_us = at_us};
}

START_TEST(every_change_of_the_kill_switch_raises_its_epoch)
{
        struct audit_record a;
        struct store_restore v = {.job = {.op = STORE_RESTORE}, .day = 20261123};
        _cleanup_(order_freep) struct order *o = new_order_on(DEMO);
        struct intent i;
        static const struct {
                const char *scope;
                int level;
        } changes[] = {{"global", 1}, {"account:paper:demo", 3}, {"global", 0}};

        record(&a, AUDIT_KILL_SWITCH, NULL, NULL, 1000);
        for (unsigned k = 0; k < ELEMENTS(changes); k++) {
                struct store_killswitch s = {.job = {.op = STORE_KILLSWITCH},
                                             .scope = changes[k].scope,
                                             .level = changes[k].level,
                                             .reason = "a drill",
                                             .actor = "tester",
                                             .at_us = 77 + k,
                                             .audit = &a,
                                             .n_audit = 1};
                ck_assert_int_eq(store_run(ledger.store, &s.job), STORE_OK);
                ck_assert_uint_eq(s.epoch, EPOCH_NEW + k + 1);
        }
        ck_assert_int_eq(put_intent(o, NULL), STORE_STALE);
        intent_init(&i, o, NULL);
        i.in.killswitch_epoch = EPOCH_NEW + 3;
        ck_assert_int_eq(store_run(ledger.store, &i.in.job), STORE_OK);
        intent_done(&i);
        ledger_reopen();
        ck_assert_int_eq(store_run(ledger.store, &v.job), STORE_OK);
        ck_assert_uint_eq(v.killswitch_epoch, EPOCH_NEW + 3);
        ck_assert_uint_eq(v.n_killswitch, 2);
        for (unsigned k = 0; k < 2; k++) {
                bool global = strcmp(v.killswitch[k].scope, "global") == 0;
                ck_assert_int_eq(v.killswitch[k].level, global ? 0 : 3);
                ck_assert_int_eq(v.killswitch[k].at_us, global ? 79 : 78);
                ck_assert_str_eq(v.killswitch[k].reason, "a drill");
                ck_assert_str_eq(v.killswitch[k].actor, "tester");
        }
        store_restore_done(&v);
        ck_assert_int_eq(assert_chain(), 4);
}
END_TEST

static void put_session(const char *account, const char *column, const void *value, size_t size)
{
        struct store_session p = {.job = {.op = STORE_SESSION_PUT},
                                  .account = account,
                                  .column = column,
                                  .value = value,
                                  .size = size,
                                  .expires_us = 42};
        ck_assert_int_eq(store_run(ledger.store, &p.job), STORE_OK);
}

START_TEST(sessions_are_kept_replaced_and_forgotten)
{
        struct store_restore v = {.job = {.op = STORE_RESTORE}, .day = 20261123};
        static const char sealed[] = "\x01\x00\xffsealed";

        put_session(DEMO, "token", "old", 3);
        put_session(DEMO, "token", sealed, sizeof(sealed));
        put_session(DEMO, "totp", "x", 1);
        put_session(SECOND, "token", "gone", 4);
        put_session(SECOND, "token", NULL, 0);
        put_session(SECOND, "token", NULL, 0); /* twice is no failure */
        ledger_reopen();
        ck_assert_int_eq(store_run(ledger.store, &v.job), STORE_OK);
        ck_assert_uint_eq(v.n_sessions, 2);
        for (unsigned i = 0; i < 2; i++) {
                const struct store_session_row *r = &v.sessions[i];
                ck_assert_str_eq(r->account, DEMO);
                ck_assert_int_eq(r->expires_us, 42);
                if (strcmp(r->column, "token") == 0) {
                        ck_assert_uint_eq(r->size, sizeof(sealed));
                        ck_assert_mem_eq(r->value, sealed, sizeof(sealed));
                } else {
                        ck_assert_str_eq(r->column, "totp");
                        ck_assert_uint_eq(r->size, 1);
                }
        }
        store_restore_done(&v);
}
END_TEST

/* What riders were told, in order. */
static struct settled {
        const void *rider;
        bool durable;
} settled[16];
static unsigned n_settled;

static void on_settled(struct rider *r, bool durable)
{
        settled[n_settled++] = (struct settled){r->userdata, durable};
}

static struct rider *new_rider(const char *kind, const char *key, const char *value)
{
        struct rider *r;
        ck_assert_int_eq(rider_new("paper", &r), 0);
        ck_assert_int_eq(rider_add(r, DEMO, kind, key, value ? strdup(value) : NULL,
                                   value ? strlen(value) : 0),
                         0);
        r->settled = on_settled;
        r->userdata = r;
        return r;
}

struct rows {
        unsigned n;
        char text[256];
};

static int collect(void *userdata, const char *account, const char *kind, const char *key,
                   const void *value, size_t size)
{
        struct rows *r = userdata;
        size_t len = strlen(r->text);
        r->n++;
        snprintf(r->text + len, sizeof(r->text) - len, "[%s %s %s=%.*s]", account, kind, key,
                 (int)size, (const char *)value);
        return 0;
}

static void load(struct rows *ret, const char *guest)
{
        struct store_riders_load l = {
                .job = {.op = STORE_RIDERS_LOAD}, .guest = guest, .row = collect, .userdata = ret};
        *ret = (struct rows){};
        ck_assert_int_eq(store_run(ledger.store, &l.job), STORE_OK);
}

START_TEST(riders_are_kept_replaced_deleted_and_settled_in_order)
{
        struct list riders = LIST_INIT(riders);
        struct store_append a = {.job = {.op = STORE_APPEND}, .riders = &riders};
        struct rider *r[4] = {new_rider("order", "1", "first"), new_rider("order", "1", "second"),
                              new_rider("trade", "1", ""), new_rider("order", "2", "x")};
        struct rows rows;

        n_settled = 0;
        for (unsigned i = 0; i < 4; i++)
                list_append(&riders, &r[i]->link);
        ck_assert_int_eq(ledger_submit(&a.job), STORE_OK);
        ck_assert(list_empty(&riders));
        ck_assert_uint_eq(n_settled, 4);
        for (unsigned i = 0; i < 4; i++) {
                ck_assert_ptr_eq(settled[i].rider, r[i]);
                ck_assert(settled[i].durable);
        }
        list_append(&riders, &new_rider("order", "2", NULL)->link);
        list_append(&riders, &new_rider("order", "never", NULL)->link);
        ck_assert_int_eq(store_run(ledger.store, &a.job), STORE_OK);
        ck_assert_uint_eq(n_settled, 6);
        ledger_reopen();
        load(&rows, "paper");
        ck_assert_uint_eq(rows.n, 2);
        ck_assert_ptr_nonnull(strstr(rows.text, "[paper:demo order 1=second]"));
        ck_assert_ptr_nonnull(strstr(rows.text, "[paper:demo trade 1=]"));
        load(&rows, "another");
        ck_assert_uint_eq(rows.n, 0);
}
END_TEST

static int refuse(void *userdata, const char *account, const char *kind, const char *key,
                  const void *value, size_t size)
{
        return -EINVAL;
}

START_TEST(riders_outlive_an_outcome_that_fails)
{
        struct list riders = LIST_INIT(riders);
        _cleanup_(order_freep) struct order *o = new_order_on(DEMO);
        struct outcome_job j;
        struct rows rows;
        struct store_riders_load l = {
                .job = {.op = STORE_RIDERS_LOAD}, .guest = "paper", .row = refuse};

        n_settled = 0;
        outcome_init(&j, o, 0, NULL);
        j.out.riders = &riders;
        list_append(&riders, &new_rider("order", "1", "first")->link);
        list_append(&riders, &new_rider("order", "2", "first")->link);
        ck_assert_int_eq(ledger_submit(&j.out.job), STORE_NOT_FOUND);
        ck_assert_uint_eq(n_settled, 0); /* it waits for the next write */
        ck_assert(list_empty(&riders));
        load(&rows, "paper");
        ck_assert_uint_eq(rows.n, 0);

        ck_assert_int_eq(put_intent(o, NULL), STORE_OK);
        list_append(&riders, &new_rider("order", "1", "second")->link);
        ck_assert_int_eq(ledger_submit(&j.out.job), STORE_OK);
        ck_assert_uint_eq(n_settled, 3);
        for (unsigned i = 0; i < 3; i++)
                ck_assert(settled[i].durable);
        load(&rows, "paper");
        ck_assert_uint_eq(rows.n, 2);
        ck_assert_ptr_nonnull(strstr(rows.text, "[paper:demo order 1=second]"));
        ck_assert_ptr_nonnull(strstr(rows.text, "[paper:demo order 2=first]"));
        ck_assert_int_eq(store_run(ledger.store, &l.job), STORE_FAILED);
        outcome_done(&j);
}
END_TEST

static unsigned audit_list(struct store_audit_list *l)
{
        l->job = (struct store_job){.op = STORE_AUDIT_LIST};
        if (l->limit == 0)
                l->limit = 100;
        ck_assert_int_eq(store_run(ledger.store, &l->job), STORE_OK);
        return l->n_rows;
}

static unsigned audited(struct store_audit_list l)
{
        unsigned n = audit_list(&l);
        store_audit_rows_free(l.rows, l.n_rows);
        return n;
}
#define AUDITED(...) audited((struct store_audit_list){__VA_ARGS__})

static void append(struct audit_record *a, unsigned n)
{
        struct store_append p = {.job = {.op = STORE_APPEND}, .audit = a, .n_audit = n};
        ck_assert_int_eq(store_run(ledger.store, &p.job), STORE_OK);
}

START_TEST(audit_rows_are_chained_across_restarts)
{
        struct audit_record a[3];
        struct store_audit_list l = {.limit = 2, .after_seq = 3};

        for (int k = 0; k < 3; k++)
                record(&a[k], AUDIT_SESSION, DEMO, "c", 1000 + k);
        text_add(&a[1].payload, "{\"why\":\"because\"}");
        append(a, 3);
        ck_assert_int_eq(a[2].seq, 3);
        ledger_reopen();
        append(a, 3);
        ledger_reopen();
        append(a, 3);
        ck_assert_int_eq(a[0].seq, 7);
        ck_assert_int_eq(assert_chain(), 9);
        ck_assert_uint_eq(audit_list(&l), 2);
        ck_assert(l.more);
        ck_assert_int_eq(l.rows[0].seq, 4);
        ck_assert_int_eq(l.rows[0].action, AUDIT_SESSION);
        ck_assert_int_eq(l.rows[0].at_us, 1000);
        ck_assert_str_eq(l.rows[0].account, DEMO);
        ck_assert_str_eq(l.rows[0].order_id, "");
        ck_assert_ptr_nonnull(strstr(l.rows[1].record, "\"payload\":{\"why\":\"because\"}"));
        ck_assert_ptr_nonnull(strstr(l.rows[0].record, "\"payload\":null"));
        store_audit_rows_free(l.rows, l.n_rows);
        audit_record_done(&a[1]);
}
END_TEST

START_TEST(audit_rows_are_narrowed)
{
        const int64_t t = clock_wall_us(), minute = 60 * USEC_PER_SEC;
        struct audit_record a;
        char order[ID_SIZE];

        id_make(order);
        for (int k = 0; k < 20; k++) {
                record(&a, AUDIT_SESSION, k % 2 ? DEMO : SECOND, k % 5 ? "c\"1" : "c2",
                       t + k * 10 * minute);
                a.order_id = k == 7 || k == 12 ? order : NULL;
                append(&a, 1);
        }
        ck_assert_uint_eq(AUDITED(.account = DEMO), 10);
        ck_assert_uint_eq(AUDITED(.correlation_id = "c2"), 4);
        ck_assert_uint_eq(AUDITED(.correlation_id = "c\"1"), 16);
        ck_assert_uint_eq(AUDITED(.correlation_id = "c"), 0);
        ck_assert_uint_eq(AUDITED(.order_id = order), 2);
        ck_assert_uint_eq(AUDITED(.order_id = order, .account = DEMO), 1);
        ck_assert_uint_eq(AUDITED(.order_id = "01ARZ3NDEKTSV4RRFFQ69G5FAV"), 0);
        ck_assert_uint_eq(AUDITED(.after_seq = 15), 5);
        ck_assert_uint_eq(AUDITED(.after_seq = 15, .up_to_seq = 17), 2);
        ck_assert_uint_eq(AUDITED(.since_us = t + 190 * minute), 1);
        ck_assert_uint_eq(AUDITED(.since_us = t + 190 * minute + 1), 0);
        ck_assert_uint_eq(AUDITED(.until_us = t), 1);
        ck_assert_uint_eq(AUDITED(.until_us = t - 1), 0);
        ck_assert_uint_eq(AUDITED(.since_us = t + 50 * minute, .until_us = t + 90 * minute), 5);
        ck_assert_uint_eq(AUDITED(.since_us = 1, .until_us = t + 900 * minute), 20);
        ck_assert_uint_eq(AUDITED(.limit = 1), 1);
}
END_TEST

static int64_t prune(int64_t up_to, int64_t before_us)
{
        struct store_audit_prune p = {
                .job = {.op = STORE_AUDIT_PRUNE}, .up_to_seq = up_to, .before_us = before_us};
        ck_assert_int_eq(store_run(ledger.store, &p.job), STORE_OK);
        return p.deleted;
}

/* Clocks of several daemons differ: a record that is younger than the next one is no hole. */
START_TEST(pruning_leaves_no_hole)
{
        static const int64_t at[] = {1000, 1001, 1009, 1002, 1003, 1010};
        struct audit_record a;

        for (unsigned i = 0; i < ELEMENTS(at); i++) {
                record(&a, AUDIT_SESSION, DEMO, NULL, at[i]);
                append(&a, 1);
        }
        ck_assert_int_eq(prune(6, 1005), 2);
        ck_assert_int_eq(assert_chain(), 4);
        ck_assert_int_eq(prune(6, 1010), 3);
        ck_assert_int_eq(assert_chain(), 1);
}
END_TEST

START_TEST(pruning_leaves_a_chain_to_go_on_from)
{
        struct audit_record a;

        for (int k = 0; k < 10; k++) {
                record(&a, AUDIT_SESSION, DEMO, NULL, 1000 + k);
                append(&a, 1);
        }
        ck_assert_int_eq(prune(3, 5000), 3);
        ck_assert_int_eq(prune(8, 1005), 2); /* too young from number 6 on */
        ck_assert_int_eq(assert_chain(), 5);
        ck_assert_int_eq(prune(100, 5000), 4); /* never the newest */
        ck_assert_int_eq(prune(100, 5000), 0);
        ledger_reopen();
        append(&a, 1);
        ck_assert_int_eq(a.seq, 11);
        ck_assert_int_eq(assert_chain(), 2);
        ck_assert_uint_eq(AUDITED(.since_us = 1, .until_us = 5000), 2);
}
END_TEST

START_TEST(pruning_forgets_keys_that_are_over)
{
        _cleanup_(order_freep) struct order *old = new_order_on(DEMO);
        _cleanup_(order_freep) struct order *open = new_order_on(DEMO);
        struct store_key_get k = {.job = {.op = STORE_KEY_GET}, .scope = SCOPE};

        ck_assert_int_eq(put_intent(old, "old"), STORE_OK);
        ck_assert_int_eq(put_intent(open, "open"), STORE_OK);
        accept_order(old);
        ck_assert_int_eq(put_outcome(old, 201, "{}"), STORE_OK);
        prune(0, 0);
        k.key = "old"; /* not yet */
        ck_assert_int_eq(store_run(ledger.store, &k.job), STORE_OK);
        free(k.answer_body);
        clock_fake(old->created_us + INT64_C(2) * 86400 * USEC_PER_SEC, clock_mono_us());
        prune(0, 0);
        clock_fake(old->created_us, clock_mono_us()); /* would be valid, were it there */
        k.key = "open";
        ck_assert_int_eq(store_run(ledger.store, &k.job), STORE_OK);
        clock_real();
}
END_TEST

const TTest *const *store_suite_state(unsigned *ret_n)
{
        static const TTest *tests[12];
        unsigned n = 0;

        tests[n++] = every_change_of_the_kill_switch_raises_its_epoch;
        tests[n++] = sessions_are_kept_replaced_and_forgotten;
        tests[n++] = riders_are_kept_replaced_deleted_and_settled_in_order;
        tests[n++] = riders_outlive_an_outcome_that_fails;
        tests[n++] = audit_rows_are_chained_across_restarts;
        tests[n++] = audit_rows_are_narrowed;
        tests[n++] = pruning_leaves_a_chain_to_go_on_from;
        tests[n++] = pruning_leaves_no_hole;
        tests[n++] = pruning_forgets_keys_that_are_over;
        *ret_n = n;
        return tests;
}
