/* What accounts have: one table over all of them, and the sum. */
#include <string.h>

#include "ordoctl/ask.h"

static const struct column funds_columns[] = {
        {"ACCOUNT", "account", COLUMN_TEXT},
        {"AVAILABLE", "funds.available", COLUMN_NUMBER},
        {"USED", "funds.used", COLUMN_NUMBER},
        {"TOTAL", "funds.total", COLUMN_NUMBER},
        {"REALISED", "funds.realised_pnl", COLUMN_NUMBER},
        {"UNREALISED", "funds.unrealised_pnl", COLUMN_NUMBER},
};

static const struct column holdings_columns[] = {
        {"ACCOUNT", "account", COLUMN_TEXT},     {"SYMBOL", "symbol", COLUMN_TEXT},
        {"QUANTITY", "quantity", COLUMN_NUMBER}, {"AVERAGE", "average_price", COLUMN_NUMBER},
        {"LAST", "last_price", COLUMN_NUMBER},   {"P&L", "pnl", COLUMN_NUMBER},
};

static const struct column positions_columns[] = {
        {"ACCOUNT", "account", COLUMN_TEXT},
        {"SYMBOL", "symbol", COLUMN_TEXT},
        {"PRODUCT", "product", COLUMN_TEXT},
        {"QUANTITY", "quantity", COLUMN_NUMBER},
        {"AVERAGE", "average_price", COLUMN_NUMBER},
        {"LAST", "last_price", COLUMN_NUMBER},
        {"REALISED", "realised_pnl", COLUMN_NUMBER},
        {"UNREALISED", "unrealised_pnl", COLUMN_NUMBER},
        {"BOUGHT", "buy_quantity", COLUMN_NUMBER},
        {"SOLD", "sell_quantity", COLUMN_NUMBER},
};

struct part {
        const char *member; /* of each result */
        const char *title;
        const struct column *columns;
        unsigned n_columns;
        const char *when_empty;
};
static const struct part parts[] = {
        {"funds", "Funds", funds_columns, ELEMENTS(funds_columns), "There are no accounts."},
        {"holdings", "Holdings", holdings_columns, ELEMENTS(holdings_columns),
         "There are no holdings."},
        {"positions", "Positions", positions_columns, ELEMENTS(positions_columns),
         "There are no positions."},
};

static size_t length(struct json_object *list)
{
        return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

/* The rows of one account, each given its name. */
static void add_rows(struct table *t, struct json_object *list, const char *account)
{
        for (size_t i = 0; i < length(list); i++) {
                struct json_object *row = json_object_array_get_idx(list, i);
                if (!json_object_is_type(row, json_type_object))
                        continue;
                json_object_object_add(row, "account", json_object_new_string(account));
                table_add_json(t, row);
        }
}

static void add_part(const struct ctl *c, const struct part *p, struct json_object *answer,
                     struct text *out)
{
        _cleanup_(table_done) struct table t = {
                .columns = p->columns, .n_columns = p->n_columns, .colour = c->colour};
        struct json_object *results = json_at(answer, "results");
        struct json_object *all = json_at(answer, "consolidated");
        bool funds = strcmp(p->member, "funds") == 0;

        for (size_t i = 0; i < length(results); i++) {
                struct json_object *r = json_object_array_get_idx(results, i);
                struct json_object *name = json_at(r, "account"), *value = json_at(r, p->member);
                if (funds && value)
                        table_add_json(&t, r);
                else if (value)
                        add_rows(&t, value, json_object_get_string(name));
        }
        if (funds && t.n_rows > 1) {
                json_object_object_add(all, "account", json_object_new_string("all"));
                table_add_json(&t, all);
        } else if (!funds && length(results) > 1) {
                add_rows(&t, json_at(all, p->member), "all");
        }
        table_print(&t, p->when_empty, out);
}

static void say_failures(struct json_object *results)
{
        for (size_t i = 0; i < length(results); i++) {
                struct json_object *r = json_object_array_get_idx(results, i);
                _cleanup_(text_done) struct text line = TEXT_NULL;
                if (!json_at(r, "code"))
                        continue;
                show_json(json_at(r, "account"), &line);
                text_add(&line, ": ");
                show_json(json_at(r, "code"), &line);
                text_add(&line, json_at(r, "message") ? ": " : "");
                show_json(json_at(r, "message"), &line);
                ctl_fail(0, "%s", text_str(&line));
        }
}

static int run_parts(struct ctl *c, const char *path_, unsigned first, unsigned last)
{
        _cleanup_(text_done) struct text path = TEXT_NULL, out = TEXT_NULL;
        _cleanup_(answer_done) struct answer a = {};
        int r;

        text_add(&path, path_);
        path_add_accounts(c, &path, "accounts");
        struct request request = {.method = "GET", .path = text_str(&path)};
        if (!ask_results(c, &request, &a, &r))
                return r;
        for (unsigned i = first; i <= last; i++) {
                if (first != last)
                        text_addf(&out, "%s%s\n", i > first ? "\n" : "", parts[i].title);
                add_part(c, &parts[i], a.json, &out);
        }
        int put = ctl_put(&out);
        say_failures(json_at(a.json, "results"));
        return put != CTL_OK ? put : r;
}

int run_portfolio(struct ctl *c)
{
        return run_parts(c, "/api/v1/portfolio", 0, 2);
}

int run_funds(struct ctl *c)
{
        return run_parts(c, "/api/v1/funds", 0, 0);
}

int run_holdings(struct ctl *c)
{
        return run_parts(c, "/api/v1/holdings", 1, 1);
}

int run_positions(struct ctl *c)
{
        return run_parts(c, "/api/v1/positions", 2, 2);
}

int run_trades(struct ctl *c)
{
        static const struct column columns[] = {
                {"TIME (IST)", "at", COLUMN_TIME},   {"ACCOUNT", "account", COLUMN_TEXT},
                {"SYMBOL", "symbol", COLUMN_TEXT},   {"SIDE", "side", COLUMN_TEXT},
                {"PRODUCT", "product", COLUMN_TEXT}, {"QUANTITY", "quantity", COLUMN_NUMBER},
                {"PRICE", "price", COLUMN_NUMBER},   {"TRADE", "trade_id", COLUMN_TEXT},
                {"ORDER", "order_id", COLUMN_TEXT},
        };
        _cleanup_(text_done) struct text path = TEXT_NULL, out = TEXT_NULL;
        _cleanup_(table_done) struct table t = TABLE(columns, c->colour);
        _cleanup_(answer_done) struct answer a = {};
        int r;

        text_add(&path, "/api/v1/trades");
        path_add_accounts(c, &path, "accounts");
        path_add_option(c, &path, "limit", "limit");
        path_add_option(c, &path, "cursor", "cursor");
        struct request request = {.method = "GET", .path = text_str(&path)};
        if (!ask_results(c, &request, &a, &r))
                return r;
        table_add_list(&t, json_at(a.json, "trades"));
        table_print(&t, "There are no trades today.", &out);
        ask_add_cursor(a.json, &out);
        int put = ctl_put(&out);
        say_failures(json_at(a.json, "results"));
        return put != CTL_OK ? put : r;
}
