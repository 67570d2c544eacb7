#include "http/sse.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "domain/meter.h"
#include "http/handlers.h"
#include "http/server.h"
#include "orchestrator/event.h"

/* How long a client waits before it comes back; and the first bytes of every stream, which carry
 * the head. */
#define STREAM_HELLO     "retry: 3000\n\n"
#define STREAM_HEARTBEAT ": alive\n\n"
#define STREAM_GAP       "event: gap\ndata: {}\n\n"

#define EVENT_TYPES_TABLE(X) \
        X(ORDER, "order")    \
        X(LEG, "leg") X(SESSION, "session") X(KILLSWITCH, "killswitch") X(ACCOUNT, "account")
#define TYPE_MEMBER(w, text) TYPE_##w,
enum event_type { EVENT_TYPES_TABLE(TYPE_MEMBER) _TYPE_MAX };

static const char *const event_types[_TYPE_MAX] = {
#define X(w, text) [TYPE_##w] = text,
        EVENT_TYPES_TABLE(X)
#undef X
};

/* States: open (subscribed) → ending (unsubscribed, what waits is still written) → gone. */
struct stream {
        struct list link; /* of streams->list, while open or ending */
        struct streams *streams;
        struct http_exchange *exchange;
        struct subscription subscription;
        bool subscribed;
        bool ending;
        unsigned types;      /* wanted: bits 1 << TYPE_… */
        unsigned n_accounts; /* wanted; 0: all */
        struct text sending; /* belongs to the write in flight */
        struct text waiting;
        unsigned beats; /* heartbeats since the last write ended */
};

void sse_print(struct text *t, const struct event *e)
{
        text_add(t, "id: ");
        text_add_int(t, e->id);
        text_add(t, "\nevent: ");
        text_add(t, e->type);
        text_add(t, "\ndata: ");
        text_add_bytes(t, e->data, e->size);
        text_add(t, "\n\n");
}

static void stream_close(struct stream *s)
{
        if (s->subscribed)
                event_unsubscribe(s->streams->http->options.orchestrator, &s->subscription);
        s->subscribed = false;
        s->ending = true;
}

/* Hands over what waits. May be the end of the stream, and of `s`. */
static void stream_flush(struct stream *s)
{
        if (s->exchange->writing)
                return;
        if (s->waiting.len == 0) {
                if (s->ending)
                        exchange_finish(s->exchange);
                return;
        }
        struct text empty = s->sending;
        s->sending = s->waiting;
        s->waiting = empty;
        text_clear(&s->waiting);
        exchange_write(s->exchange, s->sending.data, s->sending.len);
}

static void on_written(struct http_exchange *x)
{
        struct stream *s = x->userdata;

        s->beats = 0;
        stream_flush(s);
}

/* Whole pieces only: one that does not fit ends the stream, and the id before it is where the
 * client resumes. NULL adds `comment` instead. */
static void stream_add_text(struct stream *s, const struct event *e, const char *comment)
{
        size_t before = s->waiting.len;

        if (s->ending)
                return;
        if (e)
                sse_print(&s->waiting, e);
        else
                text_add(&s->waiting, comment);
        if (s->waiting.failed || s->waiting.len > STREAM_BACKLOG_MAX) {
                s->waiting.len = before;
                s->waiting.failed = 0;
                stream_close(s);
        }
}

static bool stream_wants(const struct stream *s, const struct event *e)
{
        bool type = s->types == 0, account = s->n_accounts == 0 || !*e->account;

        for (unsigned i = 0; i < _TYPE_MAX && !type; i++)
                type = s->types & (1U << i) && strcmp(event_types[i], e->type) == 0;
        for (unsigned i = 0; i < s->n_accounts && !account; i++)
                account = strcmp(s->exchange->accounts[i], e->account) == 0;
        return type && account;
}

static void on_event(struct subscription *subscription, const struct event *e)
{
        struct stream *s = CONTAINER_OF(subscription, struct stream, subscription);

        if (!stream_wants(s, e) || s->ending)
                return;
        stream_add_text(s, e, NULL);
        stream_flush(s);
}

static void on_gap(struct subscription *subscription)
{
        struct stream *s = CONTAINER_OF(subscription, struct stream, subscription);

        stream_add_text(s, NULL, STREAM_GAP);
        stream_flush(s);
}

/* h2o lets go: the client has left, or the stream was ended. */
static void on_released(struct http_exchange *x)
{
        struct stream *s = x->userdata;
        struct streams *all = s->streams;

        stream_close(s);
        list_unlink(&s->link);
        series_set(all->open, --all->n);
        if (all->n == 0)
                loop_timer_stop(&all->heartbeat);
        text_done(&s->sending);
        text_done(&s->waiting);
        free(s);
}

static bool same_accounts(const struct api_key *a, const struct api_key *b)
{
        if (!a->accounts != !b->accounts || a->n_accounts != b->n_accounts)
                return false;
        for (unsigned i = 0; i < a->n_accounts; i++)
                if (strcmp(a->account_ids[i], b->account_ids[i]) != 0)
                        return false;
        return true;
}

/* The key as it is now allows what the stream was opened with. */
static bool key_holds(const struct stream *s, const struct api_key *now)
{
        const struct api_key *then = s->exchange->key;
        return now && memcmp(now->hash, then->hash, sizeof(now->hash)) == 0 &&
               now->scopes & SCOPE_READ && now->expires_us == then->expires_us &&
               same_accounts(now, then);
}

static bool key_expired(const struct stream *s)
{
        const struct api_key *key = s->exchange->key;
        return key->expires_us && clock_wall_us() >= key->expires_us;
}

static void on_heartbeat(struct loop_timer *timer)
{
        struct streams *all = CONTAINER_OF(timer, struct streams, heartbeat);

        /* Ending one may release it at once. */
        LIST_FOREACH (it, &all->list) {
                struct stream *s = LIST_ENTRY(it, struct stream, link);

                if (s->exchange->writing && ++s->beats > STREAM_STALLED_BEATS) {
                        exchange_abort(s->exchange);
                        continue;
                }
                if (key_expired(s))
                        stream_close(s);
                else if (s->waiting.len == 0)
                        stream_add_text(s, NULL, STREAM_HEARTBEAT);
                stream_flush(s);
        }
        if (all->n > 0)
                loop_timer_set(all->http->options.loop, timer, all->heartbeat_us);
}

static unsigned streams_of_key(const struct streams *all, const char *name)
{
        unsigned n = 0;

        LIST_FOREACH (it, (struct list *)&all->list)
                n += strcmp(LIST_ENTRY(it, struct stream, link)->exchange->caller.key_name, name) ==
                     0;
        return n;
}

/* types=order,leg */
static void take_types(struct http_exchange *x, unsigned *ret)
{
        const char *s = query_get(&x->query, "types");

        while (s) {
                size_t n = strcspn(s, ",");
                unsigned i = 0;
                while (i < _TYPE_MAX &&
                       (strlen(event_types[i]) != n || memcmp(event_types[i], s, n) != 0))
                        i++;
                if (i == _TYPE_MAX) {
                        query_fault(&x->faults, "types",
                                    "must be of order, leg, session, killswitch, account");
                        return;
                }
                *ret |= 1U << i;
                s = s[n] ? s + n + 1 : NULL;
        }
}

static bool take_last_id(const struct http_exchange *x, int64_t *ret)
{
        *ret = -1;
        return !x->last_event_id.base ||
               text_parse_int(x->last_event_id.base, x->last_event_id.size, 0, INT64_MAX, ret) == 0;
}

static void stream_open(struct http_exchange *x, struct stream *s)
{
        struct streams *all = &x->http->streams;

        s->streams = all;
        s->exchange = x;
        list_append(&all->list, &s->link);
        series_set(all->open, ++all->n);
        if (all->n == 1)
                loop_timer_set(all->http->options.loop, &all->heartbeat, all->heartbeat_us);
        x->userdata = s;
        x->written = on_written;
        x->released = on_released;
        s->subscription.caller = x->caller;
        s->subscription.event = on_event;
        s->subscription.gap = on_gap;
        s->subscribed = true;
        event_subscribe(x->http->options.orchestrator, &s->subscription);
        exchange_stream(x, STREAM_HELLO, strlen(STREAM_HELLO));
}

void handle_events(struct http_exchange *x)
{
        const struct streams *all = &x->http->streams;
        const char *const *accounts;
        int64_t after_id;
        unsigned types = 0;

        if (x->method.size == 4) { /* HEAD */
                exchange_answer(x, 200, MIME_EVENTS);
                return;
        }
        take_types(x, &types);
        if (faults_any(&x->faults)) {
                exchange_faults(x, PROBLEM_INVALID_QUERY);
                return;
        }
        if (!take_last_id(x, &after_id)) {
                exchange_problem(x, PROBLEM_INVALID_HEADER,
                                 "Last-Event-ID must be the id of an event: a whole number.");
                return;
        }
        if (!exchange_accounts(x, &accounts))
                return;
        if (x->http->draining) {
                exchange_problem(x, PROBLEM_SHUTTING_DOWN, NULL);
                return;
        }
        if (all->n >= STREAMS_MAX || streams_of_key(all, x->caller.key_name) >= STREAMS_PER_KEY) {
                exchange_problem(x, PROBLEM_TOO_MANY_STREAMS, NULL);
                return;
        }
        struct stream *s = calloc(1, sizeof(*s));
        if (!s) {
                exchange_problem(x, PROBLEM_OVERLOADED, NULL);
                return;
        }
        s->types = types;
        while (accounts && accounts[s->n_accounts])
                s->n_accounts++;
        s->subscription.after_id = after_id;
        stream_open(x, s);
}

int streams_init(struct streams *s, struct http *h)
{
        s->http = h;
        list_init(&s->list);
        s->heartbeat.fire = on_heartbeat;
        s->heartbeat_us = STREAM_HEARTBEAT_US;
        s->open = metrics_series(h->options.metrics, METER_EVENT_STREAMS, NULL);
        return 0;
}

void streams_done(struct streams *s)
{
        loop_timer_done(&s->heartbeat);
}

void streams_end(struct streams *s)
{
        LIST_FOREACH (it, &s->list) {
                struct stream *stream = LIST_ENTRY(it, struct stream, link);

                stream_close(stream);
                stream_flush(stream);
        }
}

void streams_recheck(struct streams *s)
{
        LIST_FOREACH (it, &s->list) {
                struct stream *stream = LIST_ENTRY(it, struct stream, link);
                const char *name = stream->exchange->key->name;

                if (key_holds(stream, keyring_find(s->http->auth.keyring, name)))
                        continue;
                stream_close(stream);
                stream_flush(stream);
        }
}
