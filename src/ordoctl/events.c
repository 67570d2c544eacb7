/* What happens, as it happens. A broken stream is opened again behind the last event that was seen,
 * so that none is missed and none is shown twice. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "ordoctl/ask.h"
#include "ordoctl/sse_parser.h"

#define EVENTS_PATH   "/api/v1/events"
#define PAUSE_MS      1000 /* before a stream is opened again, until the daemon names another */
#define PAUSE_MAX_MS  30000
#define SILENCE_MAX_S 60 /* several heartbeats long: the daemon is gone */
#define PROBLEM_MAX   (64U << 10)

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
        interrupted = number;
}

struct watch {
        struct sse_parser parser;
        struct ctl *ctl;
        const char *path;
        int64_t limit; /* 0: none */
        int64_t seen;
        int code;              /* how printing went */
        bool streaming;        /* the answer of this connection is a stream */
        bool was_streaming;    /* any was */
        struct answer problem; /* what came instead */
};

static void print_event(const struct ctl *c, const struct sse_event *e, struct text *out)
{
        static const char *const keys[] = {"account", "order_id", "outcome", "actor"};
        _cleanup_(json_freep) struct json_object *o = NULL;
        const struct json_limits limits = {.depth = 32, .members = 65536};
        struct json_fault fault;

        if (c->json) {
                text_addf(out, "%s\n", e->data);
                return;
        }
        if (strcmp(e->type, "gap") == 0) {
                text_add(out, "(events before this are no longer kept)\n");
                return;
        }
        if (json_parse(e->data, strlen(e->data), &limits, &o, &fault) != 0)
                return;
        struct json_object *at = json_at(o, "timestamp"), *action = json_at(o, "action");
        if (at)
                show_time(json_object_get_string(at), out);
        text_add(out, "  ");
        show_text(action ? json_object_get_string(action) : e->type, out);
        for (unsigned i = 0; i < ELEMENTS(keys); i++) {
                struct json_object *value = json_at(o, keys[i]);
                if (!value)
                        continue;
                text_add(out, "  ");
                show_json(value, out);
        }
        text_add_char(out, '\n');
}

static bool on_event(struct sse_parser *p, const struct sse_event *e)
{
        struct watch *w = CONTAINER_OF(p, struct watch, parser);
        _cleanup_(text_done) struct text out = TEXT_NULL;

        print_event(w->ctl, e, &out);
        w->code = ctl_put(&out);
        w->seen++;
        return w->code == CTL_OK && (w->limit == 0 || w->seen < w->limit);
}

static size_t on_data(char *data, size_t size, size_t n, void *userdata)
{
        struct watch *w = userdata;
        long status = 0;

        n *= size;
        curl_easy_getinfo(w->ctl->client->curl, CURLINFO_RESPONSE_CODE, &status);
        if (status != 200) {
                w->problem.body.max = PROBLEM_MAX;
                text_add_bytes(&w->problem.body, data, n);
                return w->problem.body.failed ? 0 : n;
        }
        w->streaming = w->was_streaming = true;
        return sse_parser_feed(&w->parser, data, n) == 0 ? n : 0;
}

static int on_progress(void *userdata, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
        return interrupted != 0;
}

/* One connection, until it ends. */
static CURLcode stream(struct watch *w, const char *last_id)
{
        struct client *client = w->ctl->client;
        struct request r = {.method = "GET", .path = w->path};
        struct curl_slist *headers = NULL;
        char line[64];

        w->streaming = false;
        answer_done(&w->problem);
        w->problem = (struct answer){.retry_after = -1};
        CURL *curl = client_handle(client, &r, &headers);
        if (curl && *last_id) {
                snprintf(line, sizeof(line), "Last-Event-ID: %.40s", last_id);
                struct curl_slist *longer = curl_slist_append(headers, line);
                headers = longer ? longer : headers;
                curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        }
        CURLcode code = CURLE_OUT_OF_MEMORY;
        if (curl) {
                curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
                curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SILENCE_MAX_S);
                curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
                curl_easy_setopt(curl, CURLOPT_WRITEDATA, w);
                curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
                curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
                code = curl_easy_perform(curl);
                curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &w->problem.status);
                curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
        }
        curl_slist_free_all(headers);
        return code;
}

/* An answer that is no stream: a problem, which ends the command unless the daemon is only on its
 * way down or up. */
static bool refused(struct watch *w, CURLcode code)
{
        static const struct json_limits limits = {.depth = 8, .members = 4096};
        struct json_fault fault;

        if (code != CURLE_OK || w->streaming || w->problem.status == 200)
                return false;
        if (w->problem.status == 503 && w->was_streaming)
                return false;
        (void)json_parse(text_str(&w->problem.body), w->problem.body.len, &limits, &w->problem.json,
                         &fault);
        (void)ask_judge(w->ctl, &w->problem, &w->code);
        return true;
}

static int follow(struct watch *w, const char *after)
{
        long pause = PAUSE_MS;

        for (;;) {
                const char *last = *w->parser.id ? w->parser.id : after;
                CURLcode code = stream(w, last);
                bool enough = w->limit > 0 && w->seen >= w->limit;

                if (interrupted || enough || w->code != CTL_OK || refused(w, code))
                        return w->code;
                if (!w->was_streaming)
                        return client_unreachable(w->ctl->client, CLIENT_NOT_SENT);
                if (w->streaming)
                        pause = w->parser.retry_ms > 0 ? w->parser.retry_ms : PAUSE_MS;
                ctl_note("ordoctl: the stream broke (%s); opening it again",
                         *w->ctl->client->error ? w->ctl->client->error : "closed by the daemon");
                sse_parser_restart(&w->parser);
                ctl_pause_ms(pause);
                pause = 2 * pause < PAUSE_MAX_MS ? 2 * pause : PAUSE_MAX_MS;
        }
}

static void add_types(const struct ctl *c, struct text *path)
{
        _cleanup_(text_done) struct text list = TEXT_NULL;
        const char *at = NULL, *item;
        unsigned i = 0;
        size_t n;

        while ((item = ctl_next_item(c, "types", &i, &at, &n))) {
                if (list.len > 0)
                        text_add_char(&list, ',');
                text_add_bytes(&list, item, n);
        }
        if (list.len > 0)
                path_add(path, "types", text_str(&list));
}

int run_events(struct ctl *c)
{
        _cleanup_(text_done) struct text path = TEXT_NULL;
        const char *after = ctl_option(c, "after"), *limit = ctl_option(c, "limit");
        struct watch w = {.ctl = c, .parser.event = on_event};
        int64_t id;

        if (limit && text_parse_int(limit, strlen(limit), 1, INT64_MAX, &w.limit) < 0)
                return ctl_usage(c, "--limit is not a whole number above 0: %.40s", limit);
        if (after && text_parse_int(after, strlen(after), 0, INT64_MAX, &id) < 0)
                return ctl_usage(c, "--after is not the id of an event: %.40s", after);
        int r = client_open(c);
        if (r != CTL_OK)
                return r;
        text_add(&path, EVENTS_PATH);
        add_types(c, &path);
        path_add_accounts(c, &path, "accounts");
        w.path = text_str(&path);
        (void)sigaction(SIGINT, &(struct sigaction){.sa_handler = on_signal}, NULL);
        (void)sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_signal}, NULL);
        r = follow(&w, after ? after : "");
        answer_done(&w.problem);
        sse_parser_done(&w.parser);
        return r;
}
