#include <string.h>

#include "base/metrics.h"
#include "http/assets.h"
#include "http/handlers.h"
#include "http/render.h"
#include "http/server.h"

void handle_health(struct http_exchange *x)
{
        text_add(&x->out, "{\"status\":\"ok\"}");
        exchange_answer(x, 200, MIME_JSON);
}

void handle_ready(struct http_exchange *x)
{
        struct json_writer w = JSON_WRITER(&x->out);
        const char *reasons[8];
        unsigned n = status_not_ready(exchange_orchestrator(x), reasons);

        if (x->http->draining && n < ELEMENTS(reasons))
                reasons[n++] = "The daemon is stopping.";
        json_object_begin(&w, NULL);
        json_put_string(&w, "status", n == 0 ? "ready" : "not_ready");
        json_array_begin(&w, "reasons");
        for (unsigned i = 0; i < n; i++)
                json_put_string(&w, NULL, reasons[i]);
        json_array_finish(&w);
        json_object_finish(&w);
        exchange_answer(x, n == 0 ? 200 : 503, MIME_JSON);
}

void handle_metrics(struct http_exchange *x)
{
        series_set(x->http->open_connections, x->http->n_connections);
        status_measure(exchange_orchestrator(x));
        metrics_print(exchange_options(x)->metrics, &x->out);
        exchange_answer(x, 200, MIME_METRICS);
}

void handle_openapi(struct http_exchange *x)
{
        exchange_answer_static(x, MIME_JSON, (const char *)asset_openapi, asset_openapi_size, NULL);
}

void handle_docs(struct http_exchange *x)
{
        exchange_answer_static(x, MIME_HTML, (const char *)asset_docs, asset_docs_size,
                               x->http->docs_policy);
}

void handle_status(struct http_exchange *x)
{
        struct json_writer w = JSON_WRITER(&x->out);
        /* Large, and read as a whole by each request: one for all, on the one thread. */
        static struct status status;

        status_read(exchange_orchestrator(x), &status);
        render_status(&w, &status, exchange_orchestrator(x), &x->caller);
        exchange_answer(x, 200, MIME_JSON);
}

void handle_accounts(struct http_exchange *x)
{
        struct json_writer w = JSON_WRITER(&x->out);
        const struct account *accounts;
        unsigned n = orchestrator_accounts(exchange_orchestrator(x), &accounts);

        json_object_begin(&w, NULL);
        json_array_begin(&w, "accounts");
        for (unsigned i = 0; i < n; i++)
                if (caller_may_use(&x->caller, accounts[i].id))
                        render_account(&w, &accounts[i]);
        json_array_finish(&w);
        json_put_null(&w, "next_cursor");
        json_object_finish(&w);
        exchange_answer(x, 200, MIME_JSON);
}

void handle_jobs(struct http_exchange *x)
{
        struct json_writer w = JSON_WRITER(&x->out);
        const struct job_view *jobs;
        unsigned n = status_jobs(exchange_orchestrator(x), &jobs);

        json_object_begin(&w, NULL);
        json_array_begin(&w, "jobs");
        for (unsigned i = 0; i < n; i++) {
                json_object_begin(&w, NULL);
                json_put_string(&w, "name", jobs[i].name);
                json_put_string(&w, "description", jobs[i].description);
                json_put_bool(&w, "running", jobs[i].running);
                json_put_time(&w, "last_run_at", jobs[i].last_run_us);
                json_put_time(&w, "last_success_at", jobs[i].last_success_us);
                json_put_time(&w, "next_run_at", jobs[i].next_run_us);
                render_word(&w, "last_error", jobs[i].last_error);
                json_object_finish(&w);
        }
        json_array_finish(&w);
        json_put_null(&w, "next_cursor");
        json_object_finish(&w);
        exchange_answer(x, 200, MIME_JSON);
}

/* Each line of the faults becomes one of `errors`; they have no place in a body to point at. */
static void note_lines(struct faults *f, const char *lines)
{
        while (*lines) {
                size_t n = strcspn(lines, "\n");
                if (n > 0)
                        faults_add(f, "", "%.*s", (int)n, lines);
                lines += n + (lines[n] == '\n');
        }
}

void handle_reload(struct http_exchange *x)
{
        const struct http_options *o = exchange_options(x);
        struct http_reload_report report = {.faults.max = 64U << 10};
        struct json_writer w = JSON_WRITER(&x->out);

        int r = o->reload(o->userdata, &report);
        if (r == 0) {
                json_object_begin(&w, NULL);
                json_put_string(&w, "status", "reloaded");
                json_put_words(&w, "changed", text_str(&report.taken));
                json_put_words(&w, "restart_needed", text_str(&report.waiting));
                json_object_finish(&w);
                exchange_answer(x, 200, MIME_JSON);
        } else if (r > 0) {
                note_lines(&x->faults, text_str(&report.faults));
                exchange_faults(x, PROBLEM_INVALID_REQUEST);
        } else {
                exchange_problem(x, PROBLEM_INTERNAL, NULL);
        }
        http_reload_report_done(&report);
}
