#include "ordoctl/ask.h"

static void print_daemon(const struct ctl *c, struct json_object *s, struct text *out)
{
        static const struct column columns[] = {{NULL, "", COLUMN_TEXT}, {NULL, "", COLUMN_STATE}};
        static const char *const lines[][2] = {
                {"Status", "status"},
                {"Version", "version"},
                {"Up for (s)", "uptime_s"},
                {"In flight", "in_flight"},
                {"Stopping", "draining"},
                {"Ledger", "store.driver"},
                {"Schema", "store.schema"},
                {"Ledger state", "store.state"},
                {"Ledger error", "store.error"},
                {"Vault key", "store.vault_key"},
                {"Last event", "last_event_id"},
                {"Key", "key.name"},
                {"Key: orders left today", "key.left.orders_day"},
                {"Key: value left today", "key.left.value_day"},
                {"Key: open orders left", "key.left.open_orders"},
        };
        _cleanup_(table_done) struct table t = TABLE(columns, c->colour);

        for (unsigned i = 0; i < ELEMENTS(lines); i++) {
                _cleanup_(text_done) struct text value = TEXT_NULL;
                show_json(json_at(s, lines[i][1]), &value);
                if (value.len > 0)
                        table_add(&t, (const char *const[]){lines[i][0], value.data});
        }
        table_print(&t, NULL, out);
        text_add_char(out, '\n');
}

int run_status(struct ctl *c)
{
        static const struct column columns[] = {
                {"ACCOUNT", "account", COLUMN_TEXT},
                {"READY", "ready", COLUMN_TEXT},
                {"SESSION", "session", COLUMN_STATE},
                {"EXPIRES (IST)", "session_expires_at", COLUMN_TIME},
                {"BREAKER", "breaker", COLUMN_STATE},
                {"KILL SWITCH", "kill_switch", COLUMN_STATE},
                {"TRIPPED", "tripped", COLUMN_STATE},
                {"OPEN", "open_legs", COLUMN_NUMBER},
                {"UNRESOLVED", "unresolved_legs", COLUMN_NUMBER},
                {"OPERATOR", "needs_operator", COLUMN_NUMBER},
                {"EXTERNAL", "external_orders", COLUMN_NUMBER},
                {"LEFT TODAY", "left.orders_day", COLUMN_NUMBER},
                {"VALUE LEFT", "left.value_day", COLUMN_NUMBER},
                {"DAY'S P&L", "day_pnl", COLUMN_NUMBER},
                {"LAST CALL (IST)", "last_call_at", COLUMN_TIME},
                {"LAST ERROR", "last_error", COLUMN_TEXT},
        };
        static const struct column master_columns[] = {
                {"INSTRUMENTS OF", "broker", COLUMN_TEXT},
                {"STATE", "state", COLUMN_STATE},
                {"HOW MANY", "instruments", COLUMN_NUMBER},
                {"AS OF (IST)", "as_of", COLUMN_TIME},
                {"NEXT (IST)", "next_at", COLUMN_TIME},
                {"LAST ERROR", "last_error", COLUMN_TEXT},
        };
        _cleanup_(text_done) struct text out = TEXT_NULL;
        _cleanup_(table_done) struct table t = TABLE(columns, c->colour);
        _cleanup_(table_done) struct table masters = TABLE(master_columns, c->colour);
        _cleanup_(answer_done) struct answer a = {};
        struct request request = {.method = "GET", .path = "/api/v1/status"};
        int r;

        if (!ask(c, &request, &a, &r) || c->json)
                return r;
        print_daemon(c, a.json, &out);
        table_add_list(&t, json_at(a.json, "accounts"));
        table_print(&t, "There are no accounts.", &out);
        struct json_object *list = json_at(a.json, "masters");
        if (json_object_is_type(list, json_type_array) && json_object_array_length(list) > 0) {
                text_add_char(&out, '\n');
                table_add_list(&masters, list);
                table_print(&masters, NULL, &out);
        }
        return ctl_put(&out);
}

int run_accounts(struct ctl *c)
{
        static const struct column columns[] = {
                {"ACCOUNT", "account", COLUMN_TEXT},
                {"BROKER", "broker_title", COLUMN_TEXT},
                {"LOGIN", "login", COLUMN_TEXT},
                {"MARKET ORDERS", "market_policy", COLUMN_TEXT},
                {"SESSION HOURS", "enforces_session_hours", COLUMN_TEXT},
                {"MAX VALUE", "limits.max_order_value", COLUMN_NUMBER},
                {"MAX QTY", "limits.max_order_quantity", COLUMN_NUMBER},
                {"OPEN", "limits.max_open_orders", COLUMN_NUMBER},
                {"A SECOND", "limits.orders_per_second", COLUMN_NUMBER},
                {"A MINUTE", "limits.orders_per_minute", COLUMN_NUMBER},
                {"A DAY", "limits.orders_per_day", COLUMN_NUMBER},
                {"DAY'S VALUE", "limits.max_daily_value", COLUMN_NUMBER},
                {"COLLAR %", "limits.price_collar_percent", COLUMN_NUMBER},
        };

        return ask_table(c, "/api/v1/accounts", "accounts", columns, ELEMENTS(columns),
                         "There are no accounts.");
}

int run_jobs(struct ctl *c)
{
        static const struct column columns[] = {
                {"JOB", "name", COLUMN_TEXT},
                {"RUNNING", "running", COLUMN_TEXT},
                {"LAST RUN (IST)", "last_run_at", COLUMN_TIME},
                {"LAST SUCCESS (IST)", "last_success_at", COLUMN_TIME},
                {"NEXT RUN (IST)", "next_run_at", COLUMN_TIME},
                {"LAST ERROR", "last_error", COLUMN_TEXT},
                {"WHAT IT DOES", "description", COLUMN_TEXT},
        };

        return ask_table(c, "/api/v1/jobs", "jobs", columns, ELEMENTS(columns),
                         "There are no jobs.");
}
