#include "net/curl_transfer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "net/curl_port.h"
#include "net/curl_url.h"

#define USER_AGENT        "ordo/" ORDO_VERSION
#define UNUSED_URL        "https://unused.invalid/"
#define DNS_CACHE_S       60L
#define CONNECTION_IDLE_S 50L   /* below the keep-alive of common front ends (60, 75 s) */
#define SLOW_BUFFER_SIZE  4096L /* libcurl fills it up to a hundred times in a row */
#define SMALL_BUFFER_SIZE 1024L /* for replies to writes: small enough for malloc's cache */
#define HEADER_NAME_SIZE  64
#define HEADER_VALUE_SIZE 512

/* One TLS record. A request is handed over in pieces of this size, so that a first write() that
 * failed has not put out a complete record, nothing that a server could read. */
#define PIECE_SIZE 16384L

void transfer_reset(struct transfer *t)
{
        /* What it borrowed is about to go. */
        curl_easy_setopt(t->easy, CURLOPT_CURLU, NULL);
        curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, NULL);
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, NULL);
        curl_slist_free_all(TAKE(t->headers));
        curl_url_cleanup(TAKE(t->url));
        t->call = NULL;
        t->complaint = NULL;
        t->head_size = t->body_size = 0;
        t->head_ended = false;
        t->attempt = (struct attempt){};
        t->error[0] = '\0';
}

bool transfer_plain(const struct transfer *t)
{
        return t->attempt.error == CURLE_OK && t->attempt.departures == 1 && !t->renewed;
}

struct transfer *transfer_free(struct transfer *t)
{
        if (!t)
                return NULL;
        list_unlink(&t->link);
        curl_easy_cleanup(t->easy);
        curl_slist_free_all(t->headers);
        curl_url_cleanup(t->url);
        free(t);
        return NULL;
}

/* Bytes that nobody asked for wait on a connection that is to be used again, the second reply to an
 * earlier request or a farewell, or it has ended since libcurl looked. libcurl would take the
 * former for the reply to this request. */
static bool is_stale(const struct transfer *t, int local_port)
{
        long fresh = 0;

        curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &fresh);
        return fresh == 0 && ports_have_news(t->ports, local_port);
}

/* libcurl asks before each time the request goes out, its own repetitions included: when a re-used
 * connection dies before the first byte of a reply, it sends the request again, POST too. */
static int on_departure(void *userdata, char *ip, char *local_ip, int port, int local_port)
{
        struct transfer *t = userdata;
        struct http_call *c = t->call;

        if (c->request.writes && t->attempt.departures > 0) {
                c->facts.resend_prevented = true;
                t->complaint = "the connection broke after sending; libcurl wanted to send again";
                return CURL_PREREQFUNC_ABORT;
        }
        if (t->attempt.departures == 0 && is_stale(t, local_port)) {
                t->stale = true;
                t->complaint = "the connection had a reply that nobody asked for";
                return CURL_PREREQFUNC_ABORT;
        }
        if (c->may_leave && !c->may_leave(c)) {
                t->complaint = "refused at the last moment before sending";
                return CURL_PREREQFUNC_ABORT;
        }
        if (t->attempt.departures++ == 0)
                c->facts.sent_us = clock_wall_us();
        if (c->request.writes)
                crash_point(CRASH_CALL_BEGIN);
        return CURL_PREREQFUNC_OK;
}

static bool header_matters(const char *name)
{
        static const char *const names[] = {"content-type", "date", "location", "retry-after"};

        for (size_t i = 0; i < ELEMENTS(names); i++)
                if (text_equal(name, names[i]))
                        return true;
        return text_starts(name, "x-");
}

/* 0, also for what is not worth keeping; -ENOMEM. */
static int keep_header(struct http_reply *reply, const char *line, size_t n)
{
        char name[HEADER_NAME_SIZE], value[HEADER_VALUE_SIZE];
        const char *colon = memchr(line, ':', n);

        if (!colon || !text_copy_bytes(name, sizeof(name), line, (size_t)(colon - line)))
                return 0;
        for (char *p = name; *p; p++)
                if (*p >= 'A' && *p <= 'Z')
                        *p += 'a' - 'A';
        if (!header_matters(name))
                return 0;
        n -= (size_t)(++colon - line);
        while (n > 0 && (*colon == ' ' || *colon == '\t'))
                colon++, n--;
        while (n > 0 && (unsigned char)colon[n - 1] <= ' ')
                n--;
        if (!text_copy_bytes(value, sizeof(value), colon, n))
                return 0;
        return http_reply_header(reply, name, value) == -ENOMEM ? -ENOMEM : 0;
}

static size_t on_header(char *line, size_t size, size_t n, void *userdata)
{
        struct transfer *t = userdata;
        struct http_reply *reply = &t->call->reply;

        n *= size;
        t->head_size += n;
        if (t->head_size > HTTPC_REPLY_HEAD_MAX) {
                t->complaint = "the head of the reply is too large";
                return 0;
        }
        if (n >= 5 && memcmp(line, "HTTP/", 5) == 0 && t->body_size == 0) {
                http_reply_done(reply); /* an interim one */
                t->head_ended = false;
        } else if (line[0] == '\r' || line[0] == '\n') {
                t->head_ended = true;
        } else if (keep_header(reply, line, n) < 0) {
                return 0;
        }
        return n;
}

static size_t on_body(char *data, size_t size, size_t n, void *userdata)
{
        struct transfer *t = userdata;
        struct http_call *c = t->call;
        struct text *body = &c->reply.body;

        n *= size;
        if (n > t->reply_max - t->body_size) {
                t->complaint = "the reply is too large";
                return 0;
        }
        t->body_size += n;
        if (c->take_body) {
                if (c->take_body(c, data, n) == 0)
                        return n;
                t->complaint = "the reply could not be kept";
                return 0;
        }
        body->max = t->reply_max;
        text_add_bytes(body, data, n);
        return body->failed ? 0 : n;
}

static int add_header(struct transfer *t, const char *name, const char *value, struct text *line)
{
        text_clear(line);
        text_add(line, name);
        text_add(line, value[0] ? ": " : ";"); /* libcurl's way of writing an empty one */
        text_add(line, value);
        if (line->failed)
                return line->failed;
        struct curl_slist *headers = curl_slist_append(t->headers, line->data);
        if (!headers)
                return -ENOMEM;
        t->headers = headers;
        return 0;
}

static int set_headers(struct transfer *t, const struct http_request *request, struct text *line)
{
        bool typed = false;

        for (unsigned i = 0; i < request->n_headers; i++) {
                const struct http_header *header = &request->headers[i];
                int r = add_header(t, header->name, header->value, line);
                if (r < 0)
                        return r;
                typed |= strcasecmp(header->name, "content-type") == 0;
        }
        if (typed)
                return 0;
        /* No value after the colon takes out what libcurl would add to a body. */
        struct curl_slist *headers = curl_slist_append(t->headers, "Content-Type:");
        if (!headers)
                return -ENOMEM;
        t->headers = headers;
        return 0;
}

#define SET(option, value)                                                \
        do {                                                              \
                if (code == CURLE_OK)                                     \
                        code = curl_easy_setopt(easy, (option), (value)); \
        } while (0)

static CURLcode set_connection(CURL *easy, const struct curl_settings *s, CURLSH *share)
{
        CURLcode code = CURLE_OK;

        SET(CURLOPT_NOSIGNAL, 1L);
        SET(CURLOPT_QUICK_EXIT, 1L); /* a slow lookup must not stop the loop */
        SET(CURLOPT_PROXY, "");      /* not the environment's */
        SET(CURLOPT_CONNECTTIMEOUT_MS, s->connect_timeout_ms);
        SET(CURLOPT_DNS_CACHE_TIMEOUT, DNS_CACHE_S);
        SET(CURLOPT_MAXAGE_CONN, CONNECTION_IDLE_S);
        SET(CURLOPT_PIPEWAIT, 0L);
        SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
        SET(CURLOPT_SHARE, share);
        SET(CURLOPT_IPRESOLVE, s->ip_resolve);
        if (s->speed_max)
                SET(CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)s->speed_max);
        if (s->interface)
                SET(CURLOPT_INTERFACE, s->interface);
        if (s->ca_file) {
                SET(CURLOPT_CAINFO, s->ca_file);
                SET(CURLOPT_CAPATH, NULL); /* that file alone, not the system's besides */
        }
        return code;
}

static CURLcode set_callbacks(CURL *easy, struct transfer *t)
{
        CURLcode code = CURLE_OK;

        SET(CURLOPT_PRIVATE, t);
        SET(CURLOPT_ERRORBUFFER, t->error);
        SET(CURLOPT_PREREQFUNCTION, on_departure);
        SET(CURLOPT_PREREQDATA, t);
        SET(CURLOPT_HEADERFUNCTION, on_header);
        SET(CURLOPT_HEADERDATA, t);
        SET(CURLOPT_WRITEFUNCTION, on_body);
        SET(CURLOPT_WRITEDATA, t);
        return code;
}

static CURLcode set_http(CURL *easy)
{
        CURLcode code = CURLE_OK;

        /* Every call has a CURLU, which goes first. Without a text beside it libcurl would print
         * the URL anew for each call, only to tell it to whoever asks. */
        SET(CURLOPT_URL, UNUSED_URL);
        SET(CURLOPT_PROTOCOLS_STR, "http,https"); /* curl_url_check() knows which */
        SET(CURLOPT_FOLLOWLOCATION, 0L);
        /* One broken connection must not make every order on it uncertain, and only HTTP/1 counts
         * sent bytes the way the verdict needs it. */
        SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        SET(CURLOPT_UPLOAD_BUFFERSIZE, PIECE_SIZE);
        SET(CURLOPT_USERAGENT, USER_AGENT);
        return code;
}

/* All that is alike for every call of a client is told here, once. */
int transfer_new(const struct curl_settings *s, CURLSH *share, struct ports *ports,
                 struct transfer **ret)
{
        _cleanup_(transfer_freep) struct transfer *t = calloc(1, sizeof(*t));

        if (!t)
                return -ENOMEM;
        list_init(&t->link);
        t->settings = s;
        t->ports = ports;
        t->easy = curl_easy_init();
        if (!t->easy)
                return -ENOMEM;
        CURLcode code = set_connection(t->easy, s, share);
        if (code == CURLE_OK)
                code = ports_watch(ports, t->easy);
        if (code == CURLE_OK)
                code = set_callbacks(t->easy, t);
        if (code == CURLE_OK)
                code = set_http(t->easy);
        if (code != CURLE_OK)
                return code == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
        *ret = TAKE(t);
        return 0;
}

static CURLcode set_time(CURL *easy, const struct http_call *c)
{
        int64_t left_us = c->deadline_us - clock_mono_us();
        long left_ms = left_us > USEC_PER_MS ? (long)(left_us / USEC_PER_MS) : 1;

        return curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, left_ms);
}

static CURLcode set_request(CURL *easy, const struct http_request *request)
{
        CURLcode code = CURLE_OK;
        bool may_be_bare =
                text_equal(request->method, "GET") || text_equal(request->method, "DELETE");

        if (may_be_bare && request->body.len == 0) {
                SET(CURLOPT_HTTPGET, 1L);
        } else {
                SET(CURLOPT_POST, 1L);
                SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
                SET(CURLOPT_POSTFIELDS, text_str(&request->body)); /* borrowed until done */
        }
        SET(CURLOPT_CUSTOMREQUEST, request->method);
        return code;
}

static long buffer_size(const struct transfer *t)
{
        return t->call->request.writes      ? SMALL_BUFFER_SIZE
               : t->settings->speed_max > 0 ? SLOW_BUFFER_SIZE
                                            : (long)CURL_MAX_WRITE_SIZE;
}

static CURLcode set_call(CURL *easy, struct transfer *t)
{
        CURLcode code = set_time(easy, t->call);

        SET(CURLOPT_CURLU, t->url);
        SET(CURLOPT_HTTPHEADER, t->headers);
        SET(CURLOPT_BUFFERSIZE, buffer_size(t));
        return code == CURLE_OK ? set_request(easy, &t->call->request) : code;
}

int transfer_prepare(struct transfer *t, struct http_call *c)
{
        _cleanup_(text_done) struct text line = {};
        int r;

        t->call = c;
        t->reply_max = c->reply_max ? c->reply_max : t->settings->reply_max;
        t->attempt.error = ECANCELED;
        t->complaint = "the request could not be built";
        r = curl_url_of_call(t->settings->base_url, &c->request.url, &line, &t->url);
        if (r < 0) {
                t->complaint = "the URL is neither https nor http to loopback";
                return r;
        }
        r = set_headers(t, &c->request, &line);
        if (r < 0)
                return r;
        CURLcode code = set_call(t->easy, t);
        if (code != CURLE_OK)
                return code == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
        t->complaint = NULL;
        return 0;
}

int transfer_refresh(struct transfer *t)
{
        if (!t->stale)
                return -EINVAL;
        t->stale = false;
        t->renewed = true;
        t->complaint = NULL;
        t->error[0] = '\0';
        CURLcode code = curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 1L);
        if (code == CURLE_OK)
                code = set_time(t->easy, t->call);
        return code == CURLE_OK ? 0 : -ENOMEM;
}

void transfer_collect(struct transfer *t, int code)
{
        long bytes = 0, status = 0;
        curl_off_t pretransfer_us = 0;

        /* The size counts the first write() only (summed up over repetitions); when that one would
         * have blocked it stays 0, although the request follows later. The time is set right after
         * that write went without an error. Both zero: there was none, or it failed. A handle that
         * libcurl had no turn to begin with still has the facts of its last call. */
        if (code >= 0 || t->attempt.departures > 0) {
                curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &bytes);
                curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &pretransfer_us);
                curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
        }
        t->attempt.handed_over = pretransfer_us > 0;
        t->attempt.bytes = bytes;
        t->attempt.status = (int)status;
        t->attempt.error = code;
        t->call->reply.status = (int)status;
        /* When the connection ends within the head, libcurl calls that a success. */
        if (code == CURLE_OK && !t->head_ended) {
                t->attempt.error = CURLE_PARTIAL_FILE;
                t->complaint = "the connection ended within the head of the reply";
        }
        if (t->error[0] == '\0' && code > 0)
                text_copy(t->error, sizeof(t->error), curl_easy_strerror((CURLcode)code));
}

const char *transfer_error(const struct transfer *t)
{
        if (t->complaint)
                return t->complaint;
        return t->error[0] ? t->error : "given up before it ended";
}
