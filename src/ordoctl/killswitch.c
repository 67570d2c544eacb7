#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ordoctl/ask.h"

#define KILLSWITCH_PATH "/api/v1/killswitch"

static const struct {
        const char *word, *level;
} levels[] = {{"halt", "HALT"},
              {"cancel", "CANCEL"},
              {"flatten", "FLATTEN"},
              {"release", "NONE"},
              {"none", "NONE"}};

static int show(struct ctl *c, const struct request *request)
{
        static const struct column columns[] = {
                {"SCOPE", "scope", COLUMN_TEXT},     {"LEVEL", "level", COLUMN_STATE},
                {"CLOSING", "closing", COLUMN_TEXT}, {"OPEN LEGS", "open_legs", COLUMN_NUMBER},
                {"SINCE (IST)", "at", COLUMN_TIME},  {"BY", "actor", COLUMN_TEXT},
                {"REASON", "reason", COLUMN_TEXT},
        };
        _cleanup_(table_done) struct table t = TABLE(columns, c->colour);
        _cleanup_(text_done) struct text out = TEXT_NULL;
        _cleanup_(answer_done) struct answer a = {};
        int r;

        if (!ask(c, request, &a, &r) || c->json)
                return r;
        text_add(&out, "Level for everything: ");
        show_json(json_at(a.json, "level"), &out);
        text_add_char(&out, '\n');
        table_add_list(&t, json_at(a.json, "entries"));
        table_print(&t, NULL, &out);
        int put = ctl_put(&out);
        return put != CTL_OK ? put : r;
}

/* Letting go of the brake is asked about; pulling it is not. */
static int confirm(const struct ctl *c, const char *scope)
{
        char answer[16] = "";

        if (ctl_flag(c, "yes"))
                return CTL_OK;
        if (!ctl_interactive())
                return ctl_fail(CTL_INPUT_MISSING,
                                "releasing the kill switch wants a confirmation: --yes gives it");
        (void)fprintf(stderr,
                      "Release the kill switch of %s? Orders can be placed again then. [y/N] ",
                      scope);
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
        return show(c, &request);
}

int run_killswitch(struct ctl *c)
{
        struct request request = {.method = "GET", .path = KILLSWITCH_PATH};

        if (c->n_operands == 0)
                return show(c, &request);
        for (size_t i = 0; i < ELEMENTS(levels); i++)
                if (strcasecmp(c->operands[0], levels[i].word) == 0)
                        return set(c, levels[i].level);
        return ctl_usage(c, "the level is halt, cancel, flatten or release, not \"%.40s\"",
                         c->operands[0]);
}
