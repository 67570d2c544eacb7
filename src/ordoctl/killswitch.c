#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "ordoctl/ask.h"

#define KILLSWITCH_PATH "/api/v1/killswitch"
#define PAUSE_MS        500
#define WAIT_S_MAX      86400

static const struct {
        const char *word, *level;
} levels[] = {{"halt", "HALT"},
              {"cancel", "CANCEL"},
              {"flatten", "FLATTEN"},
              {"release", "NONE"},
              {"none", "NONE"}};

static const struct request look = {.method = "GET", .path = KILLSWITCH_PATH};

static const char *word_at(struct json_object *o, const char *path)
{
        const char *s = json_object_get_string(json_at(o, path));
        return s ? s : "";
}

/* --- showing --- */

static void add_tasks(const struct ctl *c, struct json_object *json, struct text *out)
{
        static const struct column columns[] = {
                {"KIND", "kind", COLUMN_TEXT},
                {"ACCOUNT", "account", COLUMN_TEXT},
                {"ORDER", "order_id", COLUMN_TEXT},
                {"LEG", "leg", COLUMN_NUMBER},
                {"BROKER'S NUMBER", "broker_order_id", COLUMN_TEXT},
                {"SYMBOL", "symbol", COLUMN_TEXT},
                {"SIDE", "side", COLUMN_TEXT},
                {"QUANTITY", "quantity", COLUMN_NUMBER},
                {"FILLED", "filled_quantity", COLUMN_NUMBER},
                {"STATE", "state", COLUMN_STATE},
                {"WHY", "blocked", COLUMN_TEXT},
                {"MESSAGE", "message", COLUMN_TEXT},
        };
        _cleanup_(table_done) struct table t = TABLE(columns, c->colour);
        struct json_object *tasks = json_at(json, "tasks");
        size_t n =
                json_object_is_type(tasks, json_type_array) ? json_object_array_length(tasks) : 0;
        int64_t total = json_object_get_int64(json_at(json, "tasks_total"));

        if (n == 0)
                return;
        text_add_char(out, '\n');
        table_add_list(&t, tasks);
        table_print(&t, NULL, out);
        if (total > (int64_t)n)
                text_addf(out, "… and %lld more\n", (long long)total - (long long)n);
}

static int show(const struct ctl *c, struct json_object *json)
{
        static const struct column columns[] = {
                {"SCOPE", "scope", COLUMN_TEXT},
                {"LEVEL", "level", COLUMN_STATE},
                {"CLOSING", "closing", COLUMN_TEXT},
                {"OPEN LEGS", "open_legs", COLUMN_NUMBER},
                {"EXTERNAL", "external_orders", COLUMN_NUMBER},
                {"POSITIONS", "positions", COLUMN_NUMBER},
                {"SINCE (IST)", "at", COLUMN_TIME},
                {"BY", "actor", COLUMN_TEXT},
                {"REASON", "reason", COLUMN_TEXT},
        };
        _cleanup_(table_done) struct table t = TABLE(columns, c->colour);
        _cleanup_(text_done) struct text out = TEXT_NULL;

        text_add(&out, "Level for everything: ");
        show_json(json_at(json, "level"), &out);
        text_add_char(&out, '\n');
        table_add_list(&t, json_at(json, "entries"));
        table_print(&t, NULL, &out);
        add_tasks(c, json, &out);
        return ctl_put(&out);
}

/* --- waiting until it is closed --- */

struct progress {
        bool closing;
        int64_t open_legs, external, positions;
        char scope[64]; /* the widest one that is closing */
};

static struct progress progress_of(struct json_object *json)
{
        struct json_object *entries = json_at(json, "entries");
        struct progress p = {};

        for (size_t i = 0; i < json_object_array_length(entries); i++) {
                struct json_object *e = json_object_array_get_idx(entries, i);
                int64_t legs = json_object_get_int64(json_at(e, "open_legs"));
                if (!json_object_get_boolean(json_at(e, "closing")))
                        continue;
                if (!p.closing || legs > p.open_legs) {
                        p.open_legs = legs;
                        p.external = json_object_get_int64(json_at(e, "external_orders"));
                        p.positions = json_object_get_int64(json_at(e, "positions"));
                        text_copy(p.scope, sizeof(p.scope), word_at(e, "scope"));
                }
                p.closing = true;
        }
        return p;
}

static bool same(const struct progress *a, const struct progress *b)
{
        return a->open_legs == b->open_legs && a->external == b->external &&
               a->positions == b->positions && text_equal(a->scope, b->scope);
}

/* Asks until no scope is closing or the time is over; a line for each change. */
static int wait(const struct ctl *c, int64_t until_us, struct answer *a)
{
        struct progress said = {.open_legs = -1};

        for (;; ctl_pause_ms(PAUSE_MS)) {
                struct progress p = progress_of(a->json);
                if (!p.closing)
                        return CTL_OK;
                if (!c->json && !same(&p, &said))
                        ctl_note("%s: %lld open legs, %lld external orders, %lld positions left",
                                 p.scope, (long long)p.open_legs, (long long)p.external,
                                 (long long)p.positions);
                said = p;
                if (clock_mono_us() >= until_us) {
                        ctl_note("It is not closed yet; the tasks say why.");
                        return CTL_PARTIAL;
                }
                enum client_result r = client_call(c->client, &look, a);
                if (r != CLIENT_ANSWERED)
                        return client_unreachable(c->client, r);
                if (a->status != 200 ||
                    !json_object_is_type(json_at(a->json, "entries"), json_type_array))
                        return ctl_fail(CTL_UNEXPECTED, "the kill switch cannot be read any more");
        }
}

static int run(struct ctl *c, const struct request *request)
{
        _cleanup_(answer_done) struct answer a = {};
        const char *s = ctl_option(c, "wait");
        bool json = c->json;
        int64_t wait_s = 0;
        int r;

        if (s && text_parse_int(s, strlen(s), 1, WAIT_S_MAX, &wait_s) < 0)
                return ctl_usage(c, "--wait is a number of seconds up to %d", WAIT_S_MAX);
        /* With --wait only the last answer is printed. */
        c->json = json && !s;
        bool answered = ask(c, request, &a, &r);
        c->json = json;
        if (!answered || (json && !s))
                return r;
        int waited = s ? wait(c, clock_mono_us() + wait_s * USEC_PER_SEC, &a) : r;
        if (waited != CTL_OK && waited != CTL_PARTIAL)
                return waited;
        int put = json && !ask_judge(c, &a, &r) ? r : json ? CTL_OK : show(c, a.json);
        return put != CTL_OK ? put : waited;
}

/* --- releasing --- */

static void add_entry(struct text *t, struct json_object *e)
{
        text_addf(t, "  %s stands at %s (by %s: ", word_at(e, "scope"), word_at(e, "level"),
                  word_at(e, "actor"));
        show_json(json_at(e, "reason"), t);
        text_add(t, ")");
        if (json_object_get_boolean(json_at(e, "closing")))
                text_add(t, ", and is not closed: what it still works on is left as it is");
        text_add_char(t, '\n');
}

/* What stands, and what will be possible. */
static void tell(struct json_object *json, const char *scope, struct text *t)
{
        struct json_object *entries = json_at(json, "entries");
        size_t n = json_object_is_type(entries, json_type_array) ? json_object_array_length(entries)
                                                                 : 0;
        unsigned others = 0;

        for (size_t i = 0; i < n; i++) {
                add_entry(t, json_object_array_get_idx(entries, i));
                others +=
                        !text_equal(word_at(json_object_array_get_idx(entries, i), "scope"), scope);
        }
        text_addf(t,
                  "After the release of %s every key with the trade scope can open and enlarge "
                  "positions there again.\n",
                  scope);
        if (others > 0)
                text_add(t, "The other scopes stay as they are.\n");
}

/* Letting go of the brake is asked about; pulling it is not. */
static int confirm(struct ctl *c, const char *scope)
{
        _cleanup_(answer_done) struct answer a = {};
        _cleanup_(text_done) struct text t = TEXT_NULL;
        char answer[16] = "";
        bool json = c->json;
        int r;

        if (ctl_flag(c, "yes"))
                return CTL_OK;
        if (!ctl_interactive())
                return ctl_fail(CTL_INPUT_MISSING,
                                "releasing the kill switch wants a confirmation: --yes gives it");
        c->json = false;
        bool answered = ask(c, &look, &a, &r);
        c->json = json;
        if (!answered)
                return r;
        tell(a.json, scope, &t);
        (void)fprintf(stderr, "%sRelease the kill switch of %s? [y/N] ", text_str(&t), scope);
        if (fgets(answer, sizeof(answer), stdin) && strcasecmp(answer, "y\n") == 0)
                return CTL_OK;
        if (strcasecmp(answer, "yes\n") == 0)
                return CTL_OK;
        return ctl_fail(CTL_INPUT_MISSING, "nothing was changed");
}

static int set(struct ctl *c, const char *level)
{
        _cleanup_(text_done) struct text body = TEXT_NULL;
        struct json_writer w = JSON_WRITER(&body);
        const char *scope = ctl_option(c, "scope") ? ctl_option(c, "scope") : "global";

        if (!ctl_option(c, "reason"))
                return ctl_usage(c, "--reason is needed: it is kept in the audit");
        int r = strcmp(level, "NONE") == 0 ? confirm(c, scope) : CTL_OK;
        if (r != CTL_OK)
                return r;
        json_object_begin(&w, NULL);
        json_put_string(&w, "level", level);
        json_put_string(&w, "scope", scope);
        json_put_string(&w, "reason", ctl_option(c, "reason"));
        json_object_finish(&w);
        struct request request = {.method = "POST", .path = KILLSWITCH_PATH, .body = &body};
        return run(c, &request);
}

int run_killswitch(struct ctl *c)
{
        if (c->n_operands == 0)
                return run(c, &look);
        for (size_t i = 0; i < ELEMENTS(levels); i++)
                if (strcasecmp(c->operands[0], levels[i].word) == 0)
                        return set(c, levels[i].level);
        return ctl_usage(c, "the level is halt, cancel, flatten or release, not \"%.40s\"",
                         c->operands[0]);
}
