/* Answers as text: equal views, equal bytes; every shape is JSON. */
#include <errno.h>
#include <string.h>

#include "base/decimal.h"
#include "base/json.h"
#include "http/http.h"
#include "http/render.h"
#include "suite.h"

static struct order *order_of(unsigned n)
{
        struct order *o;

        ck_assert_int_eq(order_new(n, &o), 0);
        text_copy(o->id, ID_SIZE, "01KAR8Z6J20000000000000000");
        text_copy(o->symbol, SYMBOL_SIZE, "NSE:SBIN");
        o->type = ORDER_TYPE_MARKET;
        o->quantity = 10;
        for (unsigned i = 0; i < n; i++) {
                struct leg *l = &o->legs[i];
                text_copy(l->account, ACCOUNT_SIZE, i ? "fyers:main" : "paper:demo");
                l->quantity = 10;
                l->state = LEG_STATE_SETTLED;
                l->outcome = OUTCOME_ACCEPTED;
                l->status = ORDER_STATUS_OPEN;
                text_copy(l->broker_order_id, BROKER_ORDER_ID_SIZE, "b\"1");
        }
        return o;
}

static struct json_object *rendered(const struct order *o, struct text *t)
{
        struct answer_view v = {.order = o, .correlation_id = "c", .elapsed_us = 1149};
        struct json_fault fault;
        struct json_object *root;
        struct text again = TEXT_NULL;

        v.status = order_http_status(o, &v.cause);
        text_clear(t);
        ck_assert_int_eq(http_render_answer(&v, t), 0);
        ck_assert_int_eq(http_render_answer(&v, &again), 0);
        ck_assert_str_eq(t->data, again.data);
        text_done(&again);
        ck_assert_int_eq(
                json_parse(t->data, t->len, &(struct json_limits){.members = 4096}, &root, &fault),
                0);
        return root;
}

static const char *member(struct json_object *o, const char *name)
{
        struct json_object *v;

        ck_assert_msg(json_object_object_get_ex(o, name, &v), "no %s", name);
        return v ? json_object_get_string(v) : "null";
}

static struct json_object *result(struct json_object *root, size_t i)
{
        struct json_object *list;

        ck_assert(json_object_object_get_ex(root, "results", &list));
        return json_object_array_get_idx(list, i);
}

static struct text t;

START_TEST(accepted)
{
        struct order *o = order_of(1);
        struct json_object *root = rendered(o, &t);

        ck_assert_str_eq(member(root, "overall_status"), "success");
        ck_assert_str_eq(member(root, "correlation_id"), "c");
        ck_assert_str_eq(member(root, "elapsed_ms"), "1.1");
        ck_assert_str_eq(member(result(root, 0), "leg_id"), "01KAR8Z6J20000000000000000-1");
        ck_assert_str_eq(member(result(root, 0), "status"), "success");
        ck_assert_str_eq(member(result(root, 0), "average_price"), "null");
        ck_assert_str_eq(member(result(root, 0), "effective"), "null");
        json_object_put(root);
        o->legs[0].effective = (struct effective){ORDER_TYPE_LIMIT, 8205000, 0};
        o->legs[0].average_price = 8125000;
        root = rendered(o, &t);
        ck_assert_ptr_nonnull(strstr(
                t.data,
                "\"effective\":{\"type\":\"LIMIT\",\"price\":\"820.50\",\"trigger_price\":null}"));
        ck_assert_str_eq(member(result(root, 0), "average_price"), "812.50");
        json_object_put(root);
        order_free(o);
}
END_TEST

START_TEST(mixed_and_pending)
{
        struct order *o = order_of(2);

        o->legs[1].outcome = OUTCOME_REJECTED;
        o->legs[1].problem = PROBLEM_BROKER_REJECTED;
        o->legs[1].broker_order_id[0] = '\0';
        text_copy(o->legs[1].message, MESSAGE_SIZE, "no \xe2\x82\xb9 \"funds\"\n");
        struct json_object *root = rendered(o, &t);
        ck_assert_str_eq(member(root, "overall_status"), "partial_success");
        ck_assert_str_eq(member(result(root, 1), "status"), "failed");
        ck_assert_str_eq(member(result(root, 1), "code"), "BROKER_REJECTED");
        ck_assert_str_eq(member(result(root, 1), "order_status"), "null");
        ck_assert_str_eq(member(result(root, 1), "message"), "no \xe2\x82\xb9 \"funds\"\n");
        json_object_put(root);
        o->legs[1].outcome = OUTCOME_UNKNOWN;
        o->legs[1].state = LEG_STATE_UNKNOWN;
        root = rendered(o, &t);
        ck_assert_str_eq(member(root, "overall_status"), "pending");
        ck_assert_str_eq(member(result(root, 1), "status"), "pending");
        json_object_put(root);
        order_free(o);
}
END_TEST

START_TEST(failed)
{
        struct order *o = order_of(2);

        for (unsigned i = 0; i < 2; i++) {
                o->legs[i].outcome = OUTCOME_NOT_SENT;
                o->legs[i].state = LEG_STATE_REFUSED;
                o->legs[i].problem = PROBLEM_KILL_SWITCH;
        }
        struct json_object *root = rendered(o, &t);
        ck_assert_str_eq(member(root, "type"), "urn:ordo:problem:kill-switch");
        ck_assert_str_eq(member(root, "status"), "423");
        ck_assert_str_eq(member(root, "outcome"), "not_sent");
        ck_assert_str_eq(member(root, "retry_safe"), "true");
        ck_assert_str_eq(member(root, "overall_status"), "failure");
        ck_assert_str_eq(member(root, "order_id"), "01KAR8Z6J20000000000000000");
        /* Two accounts: the problem is nobody's alone. */
        ck_assert(!json_object_object_get_ex(root, "account", NULL));
        json_object_put(root);
        /* Refused before there was an intent: there is no order. */
        o->id[0] = '\0';
        root = rendered(o, &t);
        ck_assert_str_eq(member(root, "order_id"), "null");
        ck_assert_str_eq(member(result(root, 0), "leg_id"), "null");
        json_object_put(root);
        order_free(o);
}
END_TEST

START_TEST(the_largest)
{
        struct order *o = order_of(TARGETS_MAX);
        struct json_object *root = rendered(o, &t);

        ck_assert_str_eq(member(result(root, 31), "leg_id"), "01KAR8Z6J20000000000000000-32");
        json_object_put(root);
        struct text small = {.max = 100};
        struct answer_view v = {.order = o, .status = 201, .correlation_id = "c"};
        ck_assert_int_eq(http_render_answer(&v, &small), -E2BIG);
        text_done(&small);
        order_free(o);
}
END_TEST

START_TEST(whole_orders)
{
        struct order *o = order_of(2);
        struct json_writer w = JSON_WRITER(&t);
        struct json_object *root;
        struct json_fault fault;

        o->market_policy_given = true;
        o->market_policy = (struct market_policy){MARKET_PROTECT, 5000};
        text_clear(&t);
        render_orders(&w, &(struct orders_query){.orders = &o, .n_orders = 1, .more = true});
        ck_assert_int_eq(json_parse(t.data, t.len, NULL, &root, &fault), 0);
        ck_assert_str_eq(member(root, "next_cursor"), o->id);
        ck_assert_ptr_nonnull(strstr(t.data, "\"market_policy\":\"protect(0.5)\""));
        ck_assert_ptr_nonnull(strstr(t.data, "\"client_order_id\":null"));
        json_object_put(root);
        order_free(o);
}
END_TEST

START_TEST(cancelled)
{
        static const struct {
                enum outcome first, second;
                int status;
        } cases[] = {{OUTCOME_ACCEPTED, OUTCOME_ACCEPTED, 200},
                     {OUTCOME_ACCEPTED, OUTCOME_REJECTED, 207},
                     {OUTCOME_REJECTED, OUTCOME_UNKNOWN, 202}};
        struct order *o = order_of(2);

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct json_writer w = JSON_WRITER(&t);
                o->legs[0].outcome = cases[i].first;
                o->legs[1].outcome = cases[i].second;
                text_clear(&t);
                ck_assert_int_eq(render_cancelled(&w, &o, 1), cases[i].status);
        }
        struct json_writer w = JSON_WRITER(&t);
        text_clear(&t);
        ck_assert_int_eq(render_cancelled(&w, NULL, 0), 200);
        ck_assert_str_eq(t.data, "{\"results\":[],\"consolidated\":{\"orders\":0,\"accepted\":0,"
                                 "\"pending\":0,\"failed\":0}}");
        order_free(o);
}
END_TEST

START_TEST(problems)
{
        struct faults f;

        faults_init(&f);
        for (unsigned i = 0; i < FAULTS_MAX + 3; i++)
                faults_add(&f, "/a", "is \"wrong\"");
        for (int p = PROBLEM_NONE + 1; p < _PROBLEM_MAX; p++) {
                struct problem_view v = {.problem = (enum problem)p,
                                         .correlation_id = "c",
                                         .faults = &f,
                                         .account = "a",
                                         .order_id = "o"};
                struct json_object *root;
                struct json_fault fault;
                text_clear(&t);
                render_problem(&v, &t);
                ck_assert_int_eq(json_parse(t.data, t.len, NULL, &root, &fault), 0);
                ck_assert_str_eq(member(root, "code"), problem_code((enum problem)p));
                ck_assert_str_eq(member(root, "more_errors"), "3");
                for (const char *c = member(root, "type"); *c; c++)
                        ck_assert_msg((*c >= 'a' && *c <= 'z') || *c == ':' || *c == '-', "%s",
                                      member(root, "type"));
                json_object_put(root);
        }
        text_done(&t);
}
END_TEST

SUITE("http/render", accepted, mixed_and_pending, failed, the_largest, whole_orders, cancelled,
      problems)
