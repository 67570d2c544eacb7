#include "ordoctl/ask.h"

#define ORDERS_PATH "/api/v1/orders"

static size_t length_of(struct json_object *list)
{
        return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

/* An order has legs; a line of the list tells of each of them. */
static void add_order(struct table *t, struct json_object *order)
{
        static const char *const of_order[] = {
                "created_at", "order_id", "client_order_id", "symbol", "side", "type", "price"};
        static const char *const of_leg[] = {"account", "quantity", "filled_quantity",
                                             "average_price"};
        struct json_object *legs = json_at(order, "legs");

        for (size_t i = 0; i < length_of(legs); i++) {
                struct json_object *leg = json_object_array_get_idx(legs, i);
                struct json_object *status = json_at(leg, "order_status");
                const char *cells[ELEMENTS(of_order) + ELEMENTS(of_leg) + 2];
                struct text shown[ELEMENTS(cells)] = {};
                unsigned k = 0;

                for (unsigned m = 0; m < ELEMENTS(of_order); m++)
                        show_json(json_at(order, of_order[m]), &shown[k++]);
                for (unsigned m = 0; m < ELEMENTS(of_leg); m++)
                        show_json(json_at(leg, of_leg[m]), &shown[k++]);
                show_json(status ? status : json_at(leg, "outcome"), &shown[k++]);
                show_json(json_at(leg, "code"), &shown[k++]);
                for (unsigned m = 0; m < k; m++)
                        cells[m] = text_str(&shown[m]);
                table_add(t, cells);
                for (unsigned m = 0; m < k; m++)
                        text_done(&shown[m]);
        }
}

/* The same columns: its id stands where an order's does, and there are no legs. */
static void add_external(struct table *t, struct json_object *row)
{
        static const char *const keys[] = {
                "placed_at",     "id",          NULL,      "symbol",   "side",
                "type",          "price",       "account", "quantity", "filled_quantity",
                "average_price", "order_status"};
        const char *cells[ELEMENTS(keys) + 1];
        struct text shown[ELEMENTS(cells)] = {};

        for (unsigned i = 0; i < ELEMENTS(keys); i++)
                if (keys[i])
                        show_json(json_at(row, keys[i]), &shown[i]);
        for (unsigned i = 0; i < ELEMENTS(cells); i++)
                cells[i] = text_str(&shown[i]);
        table_add(t, cells);
        for (unsigned i = 0; i < ELEMENTS(cells); i++)
                text_done(&shown[i]);
}

static void print_orders(const struct ctl *c, struct json_object *answer, struct text *out)
{
        static const struct column columns[] = {
                {"TIME (IST)", "", COLUMN_TIME}, {"ORDER", "", COLUMN_TEXT},
                {"CLIENT ID", "", COLUMN_TEXT},  {"SYMBOL", "", COLUMN_TEXT},
                {"SIDE", "", COLUMN_TEXT},       {"TYPE", "", COLUMN_TEXT},
                {"PRICE", "", COLUMN_NUMBER},    {"ACCOUNT", "", COLUMN_TEXT},
                {"QTY", "", COLUMN_NUMBER},      {"FILLED", "", COLUMN_NUMBER},
                {"AVERAGE", "", COLUMN_NUMBER},  {"STATUS", "", COLUMN_STATE},
                {"CODE", "", COLUMN_TEXT},
        };
        _cleanup_(table_done) struct table t = TABLE(columns, c->colour);
        struct json_object *orders = json_at(answer, "orders");
        struct json_object *external = json_at(answer, "external");

        for (size_t i = 0; i < length_of(orders); i++)
                add_order(&t, json_object_array_get_idx(orders, i));
        for (size_t i = 0; i < length_of(external); i++)
                add_external(&t, json_object_array_get_idx(external, i));
        table_print(&t, "There are no such orders.", out);
        ask_add_cursor(answer, out);
}

int run_orders(struct ctl *c)
{
        static const char *const options[] = {"status", "symbol", "since", "limit", "cursor"};
        _cleanup_(text_done) struct text path = TEXT_NULL, out = TEXT_NULL;
        _cleanup_(answer_done) struct answer a = {};
        int r;

        text_add(&path, ORDERS_PATH);
        path_add_accounts(c, &path, "accounts");
        for (unsigned i = 0; i < ELEMENTS(options); i++)
                path_add_option(c, &path, options[i], options[i]);
        struct request request = {.method = "GET", .path = text_str(&path)};
        if (!ask(c, &request, &a, &r) || c->json)
                return r;
        print_orders(c, a.json, &out);
        return ctl_put(&out);
}

static void print_head(struct json_object *order, struct text *out)
{
        static const struct column columns[] = {{NULL, "", COLUMN_TEXT}, {NULL, "", COLUMN_TEXT}};
        static const struct column times[] = {{NULL, "", COLUMN_TEXT}, {NULL, "", COLUMN_TIME}};
        static const char *const lines[][2] = {
                {"Order", "order_id"},
                {"Client id", "client_order_id"},
                {"Status", "overall_status"},
                {"Symbol", "symbol"},
                {"Side", "side"},
                {"Type", "type"},
                {"Quantity", "quantity"},
                {"Price", "price"},
                {"Trigger", "trigger_price"},
                {"Disclosed", "disclosed_quantity"},
                {"Product", "product"},
                {"Validity", "validity"},
                {"Market policy", "market_policy"},
                {"Reduce only", "reduce_only"},
                {"Created (IST)", "created_at"},
                {"Placed by", "key_name"},
                {"Correlation id", "correlation_id"},
        };
        _cleanup_(table_done) struct table t = TABLE(columns, false);

        for (unsigned i = 0; i < ELEMENTS(lines); i++) {
                _cleanup_(text_done) struct text value = TEXT_NULL;
                show_json(json_at(order, lines[i][1]), &value);
                bool nothing = value.len == 0 || text_equal(value.data, "0") ||
                               text_equal(value.data, "no");
                t.columns = text_equal(lines[i][1], "created_at") ? times : columns;
                if (!nothing)
                        table_add(&t, (const char *const[]){lines[i][0], value.data});
        }
        table_print(&t, NULL, out);
}

int run_show(struct ctl *c)
{
        static const struct column legs[] = {
                {"LEG", "leg", COLUMN_NUMBER},
                {"ACCOUNT", "account", COLUMN_TEXT},
                {"OUTCOME", "outcome", COLUMN_STATE},
                {"STATUS", "order_status", COLUMN_STATE},
                {"QUANTITY", "quantity", COLUMN_NUMBER},
                {"FILLED", "filled_quantity", COLUMN_NUMBER},
                {"AVERAGE", "average_price", COLUMN_NUMBER},
                {"SENT AS", "effective.type", COLUMN_TEXT},
                {"AT", "effective.price", COLUMN_NUMBER},
                {"BROKER ORDER", "broker_order_id", COLUMN_TEXT},
                {"STATE", "state", COLUMN_STATE},
                {"CODE", "code", COLUMN_TEXT},
                {"MESSAGE", "message", COLUMN_TEXT},
        };
        _cleanup_(text_done) struct text path = TEXT_NULL, out = TEXT_NULL;
        _cleanup_(answer_done) struct answer a = {};
        int r;

        text_add(&path, ORDERS_PATH "/");
        path_add_part(&path, c->operands[0]);
        struct request request = {.method = "GET", .path = text_str(&path)};
        if (!ask(c, &request, &a, &r) || c->json)
                return r;
        _cleanup_(table_done) struct table t = TABLE(legs, c->colour);
        print_head(a.json, &out);
        table_add_list(&t, json_at(a.json, "legs"));
        text_add_char(&out, '\n');
        table_print(&t, NULL, &out);
        return ctl_put(&out);
}

int run_reconcile(struct ctl *c)
{
        static const struct column columns[] = {
                {"ACCOUNT", "account", COLUMN_TEXT},      {"STATUS", "status", COLUMN_STATE},
                {"READ AT (IST)", "as_of", COLUMN_TIME},  {"FOUND", "adopted", COLUMN_NUMBER},
                {"CHANGED", "updated", COLUMN_NUMBER},    {"EXTERNAL", "external", COLUMN_NUMBER},
                {"UNKNOWN", "unresolved", COLUMN_NUMBER}, {"CODE", "code", COLUMN_TEXT},
                {"MESSAGE", "message", COLUMN_TEXT},
        };
        _cleanup_(text_done) struct text body = TEXT_NULL, out = TEXT_NULL;
        _cleanup_(table_done) struct table t = TABLE(columns, c->colour);
        _cleanup_(answer_done) struct answer a = {};
        struct json_writer w = JSON_WRITER(&body);
        int r;

        json_object_begin(&w, NULL);
        if (c->n_operands > 0) {
                json_array_begin(&w, "accounts");
                for (unsigned i = 0; i < c->n_operands; i++)
                        json_put_string(&w, NULL, c->operands[i]);
                json_array_finish(&w);
        }
        json_object_finish(&w);
        struct request request = {
                .method = "POST", .path = "/api/v1/accounts/reconcile", .body = &body};
        if (!ask_results(c, &request, &a, &r))
                return r;
        table_add_list(&t, json_at(a.json, "results"));
        table_print(&t, "There are no accounts.", &out);
        int put = ctl_put(&out);
        return put != CTL_OK ? put : r;
}
