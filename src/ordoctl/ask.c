#include "ordoctl/ask.h"

#include <string.h>

#include "domain/problem.h"

int ask_exit(long status)
{
        if (status == 200 || status == 201)
                return CTL_OK;
        if (status == 202 || status == 207)
                return CTL_PARTIAL;
        if ((status >= 400 && status < 500) || status == 503)
                return CTL_REFUSED;
        return CTL_UNEXPECTED;
}

static const char *string_at(struct json_object *o, const char *key)
{
        struct json_object *value = json_at(o, key);

        return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

/* "  detail", "  /price must be …": one line each. */
static void add_line(struct text *t, const char *label, const char *s)
{
        if (!s || !*s)
                return;
        text_add(t, "  ");
        if (label && *label) {
                show_text(label, t);
                text_add_char(t, ' ');
        }
        show_text(s, t);
        text_add_char(t, '\n');
}

static void add_errors(struct json_object *problem, struct text *t)
{
        struct json_object *list = json_at(problem, "errors");
        struct json_object *more = json_at(problem, "more_errors");

        for (size_t i = 0;
             json_object_is_type(list, json_type_array) && i < json_object_array_length(list);
             i++) {
                struct json_object *e = json_object_array_get_idx(list, i);
                add_line(t, string_at(e, "pointer"), string_at(e, "detail"));
        }
        if (more)
                text_addf(t, "  and %s more\n", json_object_get_string(more));
}

/* Legs that failed, each with its own reason; a lone one has said it in the problem's detail. */
static void add_failed_legs(struct json_object *problem, struct text *t)
{
        struct json_object *list = json_at(problem, "results");

        if (!json_object_is_type(list, json_type_array) || json_object_array_length(list) < 2)
                return;
        for (size_t i = 0; i < json_object_array_length(list); i++) {
                struct json_object *leg = json_object_array_get_idx(list, i);
                const char *why = string_at(leg, "message");
                text_add(t, "  ");
                show_json(json_at(leg, "account"), t);
                text_add(t, ": ");
                show_json(json_at(leg, "code"), t);
                text_add(t, why ? ": " : "");
                show_text(why ? why : "", t);
                text_add_char(t, '\n');
        }
}

static const char *meaning_of(const char *code)
{
        int p = code ? problem_from_code(code) : -1;

        return p > 0 ? problem_meaning((enum problem)p) : NULL;
}

/* What the table of problems advises, unless the detail says the same. */
static void add_remedy(const char *code, const char *detail, struct text *t)
{
        const char *remedy = meaning_of(code);

        if (!text_equal(remedy, detail))
                add_line(t, NULL, remedy);
}

void ask_print_problem(const struct answer *a)
{
        _cleanup_(text_done) struct text t = TEXT_NULL;
        struct json_object *p = a->json;
        const char *title = string_at(p, "title"), *code = string_at(p, "code");
        const char *detail = string_at(p, "detail"), *broker = string_at(p, "broker_message");

        if (!title) {
                ctl_fail(0, "the answer (HTTP %ld) is not Ordo's; is this the right address?",
                         a->status);
                return;
        }
        text_add(&t, "ordoctl: ");
        show_text(title, &t);
        text_addf(&t, " (%.60s, HTTP %ld)\n", code ? code : "no code", a->status);
        /* The errors say more than a detail that only points at them. */
        if (!json_at(p, "errors") || !text_equal(detail, meaning_of(code)))
                add_line(&t, NULL, detail);
        add_errors(p, &t);
        add_line(&t, "The broker says:", broker);
        add_failed_legs(p, &t);
        if (!json_at(p, "errors"))
                add_remedy(code, detail, &t);
        if (a->retry_after >= 0)
                text_addf(&t, "  Try again in %ld s.\n", a->retry_after);
        add_line(&t, "Correlation id", string_at(p, "correlation_id"));
        if (t.len > 0)
                t.data[--t.len] = '\0'; /* ctl_note() ends the line */
        ctl_note("%s", text_str(&t));
}

static void put_verbatim(const struct answer *a, int *ret_exit)
{
        _cleanup_(text_done) struct text t = TEXT_NULL;

        text_add_bytes(&t, text_str(&a->body), a->body.len);
        if (t.len > 0 && t.data[t.len - 1] != '\n')
                text_add_char(&t, '\n');
        if (ctl_put(&t) != CTL_OK)
                *ret_exit = CTL_UNEXPECTED;
}

bool ask_judge(struct ctl *c, const struct answer *a, int *ret_exit)
{
        bool good = a->status >= 200 && a->status < 300;

        *ret_exit = ask_exit(a->status);
        if (!json_object_is_type(a->json, json_type_object)) {
                *ret_exit = good ? CTL_UNEXPECTED : *ret_exit;
                ctl_fail(*ret_exit,
                         "the answer (HTTP %ld) is not Ordo's; is this the right address?",
                         a->status);
                return false;
        }
        if (c->json)
                put_verbatim(a, ret_exit);
        else if (!good)
                ask_print_problem(a);
        return good && *ret_exit != CTL_UNEXPECTED;
}

bool ask(struct ctl *c, const struct request *r, struct answer *a, int *ret_exit)
{
        *ret_exit = client_open(c);
        if (*ret_exit != CTL_OK)
                return false;
        enum client_result result = client_call(c->client, r, a);
        if (result != CLIENT_ANSWERED) {
                *ret_exit = client_unreachable(c->client, result);
                return false;
        }
        return ask_judge(c, a, ret_exit);
}

int ask_results_exit(struct json_object *results)
{
        size_t n = json_object_is_type(results, json_type_array) ? json_object_array_length(results)
                                                                 : 0;
        size_t failed = 0, pending = 0;

        for (size_t i = 0; i < n; i++) {
                const char *s = string_at(json_object_array_get_idx(results, i), "status");
                failed += text_equal(s, "failed");
                pending += text_equal(s, "pending");
        }
        if (failed == 0 && pending == 0)
                return CTL_OK;
        return failed == n ? CTL_REFUSED : CTL_PARTIAL;
}

bool ask_results(struct ctl *c, const struct request *r, struct answer *a, int *ret_exit)
{
        if (!ask(c, r, a, ret_exit))
                return false;
        int results = ask_results_exit(json_at(a->json, "results"));
        *ret_exit = results != CTL_OK ? results : *ret_exit;
        return !c->json;
}

void path_add(struct text *path, const char *name, const char *value)
{
        if (!value)
                return;
        text_add_char(path, strchr(text_str(path), '?') ? '&' : '?');
        text_add(path, name);
        text_add_char(path, '=');
        text_add_urlencoded(path, value);
}

void path_add_option(const struct ctl *c, struct text *path, const char *option, const char *name)
{
        path_add(path, name, ctl_option(c, option));
}

void path_add_accounts(const struct ctl *c, struct text *path, const char *name)
{
        _cleanup_(text_done) struct text list = TEXT_NULL;
        const char *at = NULL, *item;
        unsigned i = 0;
        size_t n;

        while ((item = ctl_next_item(c, "account", &i, &at, &n))) {
                if (list.len > 0)
                        text_add_char(&list, ',');
                text_add_bytes(&list, item, n);
        }
        if (list.len > 0)
                path_add(path, name, text_str(&list));
}

void path_add_part(struct text *path, const char *s)
{
        text_add_urlencoded(path, s);
}

void ask_add_cursor(struct json_object *answer, struct text *out)
{
        struct json_object *cursor = json_at(answer, "next_cursor");

        if (!cursor)
                return;
        text_add(out, "There are more: --cursor ");
        show_json(cursor, out);
        text_add_char(out, '\n');
}

int ask_table(struct ctl *c, const char *path, const char *member, const struct column *columns,
              unsigned n_columns, const char *when_empty)
{
        _cleanup_(table_done) struct table t = {
                .columns = columns, .n_columns = n_columns, .colour = c->colour};
        _cleanup_(text_done) struct text out = TEXT_NULL;
        _cleanup_(answer_done) struct answer a = {};
        struct request r = {.method = "GET", .path = path};
        int code;

        if (!ask(c, &r, &a, &code) || c->json)
                return code;
        table_add_list(&t, json_at(a.json, member));
        table_print(&t, when_empty, &out);
        ask_add_cursor(a.json, &out);
        int r_put = ctl_put(&out);
        return r_put != CTL_OK ? r_put : code;
}

void ask_add_results(const struct ctl *c, struct json_object *answer, struct text *out)
{
        static const struct column columns[] = {
                {"ACCOUNT", "account", COLUMN_TEXT},
                {"RESULT", "status", COLUMN_STATE},
                {"STATUS", "order_status", COLUMN_STATE},
                {"QUANTITY", "quantity", COLUMN_NUMBER},
                {"FILLED", "filled_quantity", COLUMN_NUMBER},
                {"AVERAGE", "average_price", COLUMN_NUMBER},
                {"SENT AS", "effective.type", COLUMN_TEXT},
                {"AT", "effective.price", COLUMN_NUMBER},
                {"BROKER ORDER", "broker_order_id", COLUMN_TEXT},
                {"CODE", "code", COLUMN_TEXT},
                {"MESSAGE", "message", COLUMN_TEXT},
        };
        _cleanup_(table_done) struct table t = TABLE(columns, c->colour);

        table_add_list(&t, json_at(answer, "results"));
        table_print(&t, "There was nothing to do.", out);
}
