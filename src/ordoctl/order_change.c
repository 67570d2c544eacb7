/* What is done to orders that are there. None of these carries an Idempotency-Key, so none is
 * repeated by itself: when the answer is lost, `ordoctl show` tells. */
#include <string.h>

#include "domain/order.h"
#include "ordoctl/ask.h"

#define ORDERS_PATH "/api/v1/orders/"

/* Sends, and shows the legs' results. */
static int change(struct ctl *c, const char *method, const char *path, const struct text *body)
{
        _cleanup_(text_done) struct text out = TEXT_NULL;
        _cleanup_(answer_done) struct answer a = {};
        struct request request = {.method = method, .path = path, .body = body};
        int r;

        bool good = ask(c, &request, &a, &r);
        if (r == CTL_NETWORK && c->n_operands > 0)
                ctl_note("What came of it: ordoctl show %s", c->operands[0]);
        if (!good || c->json)
                return r;
        struct json_object *id = json_at(a.json, "order_id");
        if (id) {
                text_add(&out, "Order ");
                show_json(id, &out);
                text_add(&out, ": ");
                show_json(json_at(a.json, "overall_status"), &out);
                text_add_char(&out, '\n');
        }
        ask_add_results(c, a.json, &out);
        int put = ctl_put(&out);
        return put != CTL_OK ? put : r;
}

int run_modify(struct ctl *c)
{
        static const struct {
                const char *option, *key;
        } fields[] = {{"price", "price"},
                      {"trigger", "trigger_price"},
                      {"type", "type"},
                      {"validity", "validity"}};
        _cleanup_(text_done) struct text body = TEXT_NULL, path = TEXT_NULL;
        struct json_writer w = JSON_WRITER(&body);
        const char *quantity = ctl_option(c, "quantity");
        bool any = quantity;
        int64_t n;

        json_object_begin(&w, NULL);
        if (quantity) {
                if (text_parse_int(quantity, strlen(quantity), 1, QUANTITY_MAX, &n) < 0)
                        return ctl_usage(c, "--quantity is not a whole number above 0: %.40s",
                                         quantity);
                json_put_int(&w, "quantity", n);
        }
        for (unsigned i = 0; i < ELEMENTS(fields); i++) {
                const char *value = ctl_option(c, fields[i].option);
                if (value)
                        json_put_string(&w, fields[i].key, value);
                any |= value != NULL;
        }
        json_object_finish(&w);
        if (!any)
                return ctl_usage(
                        c, "nothing to change: name --quantity, --price, --trigger, --type or "
                           "--validity");
        text_add(&path, ORDERS_PATH);
        path_add_part(&path, c->operands[0]);
        return change(c, "PATCH", text_str(&path), &body);
}

static int cancel_many(struct ctl *c)
{
        _cleanup_(text_done) struct text body = TEXT_NULL;
        struct json_writer w = JSON_WRITER(&body);
        const char *at = NULL, *item;
        unsigned i = 0;
        size_t n;

        json_object_begin(&w, NULL);
        if (ctl_option(c, "account")) {
                json_array_begin(&w, "accounts");
                while ((item = ctl_next_item(c, "account", &i, &at, &n)))
                        json_put_bytes(&w, NULL, item, n);
                json_array_finish(&w);
        }
        if (ctl_option(c, "symbol"))
                json_put_string(&w, "symbol", ctl_option(c, "symbol"));
        json_object_finish(&w);
        return change(c, "POST", ORDERS_PATH "cancel", &body);
}

int run_cancel(struct ctl *c)
{
        _cleanup_(text_done) struct text path = TEXT_NULL;
        bool all = ctl_flag(c, "all"), one = c->n_operands == 1;

        if (all == one)
                return ctl_usage(c, "name either one order or --all");
        if (all)
                return cancel_many(c);
        if (ctl_option(c, "account") || ctl_option(c, "symbol"))
                return ctl_usage(c, "--account and --symbol belong to --all");
        text_add(&path, ORDERS_PATH);
        path_add_part(&path, c->operands[0]);
        return change(c, "DELETE", text_str(&path), NULL);
}

int run_resolve(struct ctl *c)
{
        _cleanup_(text_done) struct text body = TEXT_NULL, path = TEXT_NULL;
        struct json_writer w = JSON_WRITER(&body);
        const char *id = ctl_option(c, "broker-order-id");

        if (!ctl_option(c, "reason"))
                return ctl_usage(c, "--reason is needed: it is kept in the audit");
        json_object_begin(&w, NULL);
        json_put_string(&w, "outcome", c->operands[2]);
        if (id)
                json_put_string(&w, "broker_order_id", id);
        json_put_string(&w, "reason", ctl_option(c, "reason"));
        json_object_finish(&w);
        text_add(&path, ORDERS_PATH);
        path_add_part(&path, c->operands[0]);
        text_add(&path, "/legs/");
        path_add_part(&path, c->operands[1]);
        text_add(&path, "/resolve");
        return change(c, "POST", text_str(&path), &body);
}
