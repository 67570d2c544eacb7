#include "ordoctl/ask.h"

static void add_names(struct json_object *list, const char *before, const char *after,
                      struct text *out)
{
        size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

        if (n == 0)
                return;
        text_add(out, before);
        for (size_t i = 0; i < n; i++) {
                text_add(out, i > 0 ? ", " : " ");
                show_json(json_object_array_get_idx(list, i), out);
        }
        text_add(out, after);
}

int run_reload(struct ctl *c)
{
        _cleanup_(text_done) struct text out = TEXT_NULL;
        _cleanup_(answer_done) struct answer a = {};
        struct request request = {.method = "POST", .path = "/api/v1/admin/reload"};
        int r;

        if (!ask(c, &request, &a, &r) || c->json)
                return r;
        text_add(&out, "Options, keys and certificates were read again.\n");
        add_names(json_at(a.json, "changed"), "Changed:", "\n", &out);
        add_names(json_at(a.json, "restart_needed"),
                  "Changed, but in force after a restart only:", "\n", &out);
        return ctl_put(&out);
}
