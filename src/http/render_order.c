#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "http/http.h"
#include "http/render.h"
#include "orchestrator/external.h"

#define LEG_ID_SIZE      (ID_SIZE + 3)
#define EXTERNAL_ID_SIZE (sizeof(EXTERNAL_ID_PREFIX) + ACCOUNT_SIZE + BROKER_ORDER_ID_SIZE)

void render_word(struct json_writer *w, const char *key, const char *value)
{
        json_put_string(w, key, value && *value ? value : NULL);
}

void render_price(struct json_writer *w, const char *key, int64_t value)
{
        if (value)
                json_put_decimal(w, key, value);
        else
                json_put_null(w, key);
}

/* "01KAR8Z6J2…-1"; NULL for a leg of an order that was not kept. */
static const char *leg_id(const struct order *o, const struct leg *l, char buf[static LEG_ID_SIZE])
{
        _Static_assert(TARGETS_MAX < 100, "two digits");

        if (!*o->id)
                return NULL;
        size_t len = strlen(o->id);
        memcpy(buf, o->id, len);
        buf[len++] = '-';
        if (l->number >= 10)
                buf[len++] = (char)('0' + l->number / 10 % 10);
        buf[len++] = (char)('0' + l->number % 10);
        buf[len] = '\0';
        return buf;
}

/* An order without an id and without a number of the broker was only checked (validate) or refused
 * before its intent: a leg that passed the gates is a success then, although nothing was sent. */
static const char *leg_status(const struct order *o, const struct leg *l)
{
        if (l->problem == PROBLEM_NONE && !*o->id)
                return "success";
        if (leg_unresolved(l))
                return "pending";
        return l->outcome == OUTCOME_ACCEPTED ? "success" : "failed";
}

static const char *overall(const struct order *o)
{
        unsigned good = 0;

        if (*o->id || (o->n_legs > 0 && *o->legs[0].broker_order_id))
                return overall_name(order_overall(o));
        for (unsigned i = 0; i < o->n_legs; i++)
                good += o->legs[i].problem == PROBLEM_NONE;
        return overall_name(good == o->n_legs ? OVERALL_SUCCESS
                            : good > 0        ? OVERALL_PARTIAL_SUCCESS
                                              : OVERALL_FAILURE);
}

static bool effective_differs(const struct order *o, const struct leg *l)
{
        const struct effective *e = &l->effective;

        return (e->price || e->trigger_price) &&
               (e->type != o->type || e->price != o->price || e->trigger_price != o->trigger_price);
}

static void render_effective(struct json_writer *w, const struct order *o, const struct leg *l)
{
        if (!effective_differs(o, l)) {
                json_put_null(w, "effective");
                return;
        }
        json_object_begin(w, "effective");
        json_put_string(w, "type", order_type_name(l->effective.type));
        render_price(w, "price", l->effective.price);
        render_price(w, "trigger_price", l->effective.trigger_price);
        json_object_finish(w);
}

static const char *leg_code(const struct leg *l)
{
        return l->problem != PROBLEM_NONE ? problem_code(l->problem) : NULL;
}

/* What an answer says of a leg. */
static void render_leg_result(struct json_writer *w, const struct order *o, const struct leg *l)
{
        char id[LEG_ID_SIZE];

        json_put_string(w, "leg_id", leg_id(o, l, id));
        json_put_string(w, "account", l->account);
        json_put_string(w, "status", leg_status(o, l));
        json_put_string(w, "outcome", outcome_name(l->outcome));
        json_put_string(w, "code", leg_code(l));
        render_word(w, "message", l->message);
        json_put_int(w, "quantity", l->quantity);
        render_word(w, "tag", l->tag);
        render_word(w, "broker_order_id", l->broker_order_id);
        render_word(w, "broker_code", l->broker_code);
        render_word(w, "broker_message", l->broker_message);
        /* A leg the broker never had has no status there. */
        json_put_string(w, "order_status",
                        *l->broker_order_id ? order_status_name(l->status) : NULL);
        json_put_int(w, "filled_quantity", l->filled_quantity);
        render_price(w, "average_price", l->average_price);
        render_effective(w, o, l);
        json_put_ms(w, "latency_ms", l->latency_us);
}

static void render_leg(struct json_writer *w, const struct order *o, const struct leg *l)
{
        char multiplier[DECIMAL_TEXT_SIZE];

        json_object_begin(w, NULL);
        render_leg_result(w, o, l);
        json_put_int(w, "leg", l->number);
        json_put_string(w, "multiplier", decimal_print_short(l->multiplier, multiplier));
        json_put_string(w, "state", leg_state_name(l->state));
        json_put_string(w, "confidence", confidence_name(l->confidence));
        json_put_bool(w, "cancel_requested", l->cancel_requested);
        json_put_int(w, "attempts", l->attempts);
        json_put_int(w, "modifications", l->modifications);
        json_put_time(w, "sent_at", l->sending_us);
        json_put_time(w, "updated_at", l->updated_us);
        json_object_finish(w);
}

void render_order(struct json_writer *w, const struct order *o)
{
        char policy[MARKET_POLICY_TEXT_SIZE];

        json_object_begin(w, NULL);
        json_put_string(w, "order_id", o->id);
        render_word(w, "client_order_id", o->client_order_id);
        json_put_string(w, "overall_status", overall(o));
        json_put_time(w, "created_at", o->created_us);
        json_put_string(w, "key_name", o->key_name);
        json_put_string(w, "correlation_id", o->correlation_id);
        json_put_string(w, "symbol", o->symbol);
        json_put_string(w, "side", side_name(o->side));
        json_put_string(w, "type", order_type_name(o->type));
        json_put_string(w, "product", product_name(o->product));
        json_put_string(w, "validity", validity_name(o->validity));
        json_put_int(w, "quantity", o->quantity);
        render_price(w, "price", o->price);
        render_price(w, "trigger_price", o->trigger_price);
        json_put_int(w, "disclosed_quantity", o->disclosed_quantity);
        json_put_bool(w, "reduce_only", o->reduce_only);
        json_put_string(w, "market_policy",
                        o->market_policy_given
                                ? market_policy_print(&o->market_policy, policy, sizeof(policy))
                                : NULL);
        json_array_begin(w, "legs");
        for (unsigned i = 0; i < o->n_legs; i++)
                render_leg(w, o, &o->legs[i]);
        json_array_finish(w);
        json_object_finish(w);
}

/* One that is not ours. Its id is for cancelling it. */
static void render_external(struct json_writer *w, const struct external_shown *x)
{
        char id[EXTERNAL_ID_SIZE];
        const struct book_order *row = x->row;

        snprintf(id, sizeof(id), EXTERNAL_ID_PREFIX "%s:%s", x->account->id, row->broker_order_id);
        json_object_begin(w, NULL);
        json_put_bool(w, "external", true);
        json_put_string(w, "id", id);
        json_put_string(w, "account", x->account->id);
        json_put_string(w, "broker_order_id", row->broker_order_id);
        render_word(w, "tag", row->tag);
        json_put_string(w, "symbol", row->symbol);
        json_put_string(w, "side", side_name(row->side));
        json_put_string(w, "type", order_type_name(row->type));
        json_put_string(w, "product", product_name(row->product));
        json_put_string(w, "validity", validity_name(row->validity));
        json_put_int(w, "quantity", row->quantity);
        render_price(w, "price", row->price);
        render_price(w, "trigger_price", row->trigger_price);
        json_put_string(w, "order_status", order_status_name(row->status));
        json_put_int(w, "filled_quantity", row->filled_quantity);
        render_price(w, "average_price", row->average_price);
        render_word(w, "message", row->message);
        json_put_time(w, "placed_at", row->placed_us);
        json_put_time(w, "updated_at", row->updated_us);
        json_put_time(w, "as_of", x->as_of_us);
        json_object_finish(w);
}

void render_orders(struct json_writer *w, const struct orders_query *q)
{
        bool more = q->more && q->n_orders > 0;

        json_object_begin(w, NULL);
        json_array_begin(w, "orders");
        for (unsigned i = 0; i < q->n_orders; i++)
                render_order(w, q->orders[i]);
        json_array_finish(w);
        json_array_begin(w, "external");
        for (unsigned i = 0; i < q->n_external; i++)
                render_external(w, &q->external[i]);
        json_array_finish(w);
        json_put_string(w, "next_cursor", more ? q->orders[q->n_orders - 1]->id : NULL);
        json_object_finish(w);
}

static void render_cancelled_leg(struct json_writer *w, const struct order *o, const struct leg *l,
                                 const char *status)
{
        char id[LEG_ID_SIZE];

        json_object_begin(w, NULL);
        json_put_string(w, "order_id", o->id);
        json_put_string(w, "leg_id", leg_id(o, l, id));
        json_put_string(w, "account", l->account);
        json_put_string(w, "symbol", o->symbol);
        json_put_string(w, "status", status);
        json_put_string(w, "outcome", outcome_name(l->outcome));
        json_put_string(w, "code", leg_code(l));
        render_word(w, "message", l->message);
        render_word(w, "broker_order_id", l->broker_order_id);
        json_put_string(w, "order_status",
                        *l->broker_order_id ? order_status_name(l->status) : NULL);
        json_object_finish(w);
}

int render_cancelled(struct json_writer *w, struct order *const *orders, unsigned n)
{
        unsigned accepted = 0, pending = 0, failed = 0;

        json_object_begin(w, NULL);
        json_array_begin(w, "results");
        for (unsigned i = 0; i < n; i++)
                for (unsigned k = 0; k < orders[i]->n_legs; k++) {
                        const struct leg *l = &orders[i]->legs[k];
                        const char *status = "failed";

                        if (l->outcome == OUTCOME_ACCEPTED) {
                                status = "success";
                                accepted++;
                        } else if (l->outcome == OUTCOME_UNKNOWN || l->outcome == OUTCOME_NONE) {
                                status = "pending";
                                pending++;
                        } else {
                                failed++;
                        }
                        render_cancelled_leg(w, orders[i], l, status);
                }
        json_array_finish(w);
        json_object_begin(w, "consolidated");
        json_put_int(w, "orders", n);
        json_put_int(w, "accepted", accepted);
        json_put_int(w, "pending", pending);
        json_put_int(w, "failed", failed);
        json_object_finish(w);
        json_object_finish(w);
        return pending > 0 ? 202 : failed > 0 ? 207 : 200;
}

/* When every leg failed for one reason, the first leg speaks for all. */
static void render_failure(struct json_writer *w, const struct answer_view *v)
{
        const struct leg *l = v->order->n_legs > 0 ? &v->order->legs[0] : NULL;
        const char *colon = l ? strchr(l->account, ':') : NULL;

        render_problem_head(w, v->cause, v->status, l && *l->message ? l->message : NULL,
                            v->correlation_id);
        if (!l)
                return;
        json_put_string(w, "outcome", outcome_name(l->outcome));
        if (v->order->n_legs == 1) {
                json_put_string(w, "account", l->account);
                if (colon)
                        json_put_bytes(w, "broker", l->account, (size_t)(colon - l->account));
        }
        if (*l->broker_code)
                json_put_string(w, "broker_code", l->broker_code);
        if (*l->broker_message)
                json_put_string(w, "broker_message", l->broker_message);
}

int http_render_answer(const struct answer_view *v, struct text *ret)
{
        struct json_writer w = JSON_WRITER(ret);
        const struct order *o = v->order;

        json_object_begin(&w, NULL);
        if (v->cause != PROBLEM_NONE)
                render_failure(&w, v);
        render_word(&w, "order_id", o->id);
        render_word(&w, "client_order_id", o->client_order_id);
        json_put_string(&w, "overall_status", overall(o));
        json_array_begin(&w, "results");
        for (unsigned i = 0; i < o->n_legs; i++) {
                json_object_begin(&w, NULL);
                render_leg_result(&w, o, &o->legs[i]);
                json_object_finish(&w);
        }
        json_array_finish(&w);
        if (v->cause == PROBLEM_NONE)
                json_put_string(&w, "correlation_id", v->correlation_id);
        json_put_ms(&w, "elapsed_ms", v->elapsed_us);
        json_object_finish(&w);
        return ret->failed;
}

void render_reconciled(struct json_writer *w, const struct reconcile_request *r)
{
        json_object_begin(w, NULL);
        json_array_begin(w, "results");
        for (unsigned i = 0; i < r->n_results; i++) {
                const struct reconcile_result *it = &r->results[i];
                struct account_result head = {
                        .account = it->account, .problem = it->problem, .as_of_us = it->as_of_us};
                text_copy(head.message, sizeof(head.message), it->message);
                json_object_begin(w, NULL);
                render_result_head(w, &head);
                json_put_int(w, "adopted", it->adopted);
                json_put_int(w, "updated", it->updated);
                json_put_int(w, "external", it->external);
                json_put_int(w, "unresolved", it->unresolved);
                json_object_finish(w);
        }
        json_array_finish(w);
        json_object_finish(w);
}
