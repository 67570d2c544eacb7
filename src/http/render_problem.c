#include <ctype.h>
#include <string.h>

#include "http/render.h"

#define TYPE_PREFIX       "urn:ordo:problem:"
#define PROBLEM_TYPE_SIZE 64

static void render_faults(struct json_writer *w, const struct faults *f)
{
        json_array_begin(w, "errors");
        for (unsigned i = 0; i < f->n; i++) {
                json_object_begin(w, NULL);
                json_put_string(w, "pointer", f->list[i].pointer);
                json_put_string(w, "detail", f->list[i].detail);
                json_object_finish(w);
        }
        json_array_finish(w);
        if (f->more > 0)
                json_put_int(w, "more_errors", f->more);
}

/* `type` is TYPE_PREFIX and the code in lower case with dashes. */
static const char *problem_type(enum problem p, char *buf, size_t size)
{
        size_t len = strlen(TYPE_PREFIX);

        memcpy(buf, TYPE_PREFIX, len);
        for (const char *c = problem_code(p); *c && len < size - 1; c++)
                buf[len++] = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
        buf[len] = '\0';
        return buf;
}

void render_problem_head(struct json_writer *w, enum problem p, int status, const char *detail,
                         const char *correlation_id)
{
        char type[PROBLEM_TYPE_SIZE];

        json_put_string(w, "type", problem_type(p, type, sizeof(type)));
        json_put_string(w, "title", problem_title(p));
        json_put_int(w, "status", status);
        json_put_string(w, "detail", detail ? detail : problem_meaning(p));
        json_put_string(w, "code", problem_code(p));
        json_put_string(w, "correlation_id", correlation_id);
        json_put_bool(w, "retry_safe", problem_retry_safe(p));
}

void render_problem(const struct problem_view *v, struct text *t)
{
        struct json_writer w = JSON_WRITER(t);

        json_object_begin(&w, NULL);
        render_problem_head(&w, v->problem, problem_status(v->problem), v->detail,
                            v->correlation_id);
        if (v->account)
                json_put_string(&w, "account", v->account);
        if (v->order_id)
                json_put_string(&w, "order_id", v->order_id);
        if (v->faults)
                render_faults(&w, v->faults);
        json_object_finish(&w);
}
