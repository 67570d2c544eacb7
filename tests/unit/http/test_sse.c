#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/clock.h"
#include "harness.h"
#include "http/reload.h"
#include "http/server.h"
#include "orchestrator/event.h"
#include "suite.h"

#define EVENTS(query, headers)                                                                    \
        "GET /api/v1/events" query " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " TOKEN \
        "\r\n" headers "\r\n"

static void wait_subscriptions(int wanted)
{
        for (unsigned i = 0; i < 5000 && fake.subscriptions != wanted; i++)
                usleep(1000);
        ck_assert_int_eq(fake.subscriptions, wanted);
}

static int open_stream(const char *request)
{
        int before = fake.subscriptions, fd = client_connect();

        client_say(fd, request);
        ck_assert(client_expect(fd, "retry: 3000\n\n", 2000));
        wait_subscriptions(before + 1);
        return fd;
}

START_TEST(format)
{
        struct event e = {
                .id = 12, .type = "leg", .account = "paper:demo", .data = "{\"a\":1}", .size = 7};
        struct text t = TEXT_NULL;

        sse_print(&t, &e);
        ck_assert_str_eq(t.data, "id: 12\nevent: leg\ndata: {\"a\":1}\n\n");
        text_done(&t);
}
END_TEST

START_TEST(events)
{
        harness_start(&(struct harness_options){});
        int fd = client_connect();
        client_say(fd, EVENTS("", "Last-Event-ID: 41\r\n"));
        ck_assert(client_expect(fd, "HTTP/1.1 200 OK", 2000));
        ck_assert(client_expect(fd, "content-type: text/event-stream\r\n", 2000));
        wait_subscriptions(1);
        ck_assert_str_eq(fake_last_text, "after=41");
        fake_event(harness_orchestrator(), 42, "order", "paper:demo", "{\"x\":1}");
        ck_assert(client_expect(fd, "id: 42\nevent: order\ndata: {\"x\":1}\n\n", 2000));
        fake_gap(harness_orchestrator());
        ck_assert(client_expect(fd, "event: gap\ndata: {}\n\n", 2000));
        close(fd);
        /* Whoever left is found out by the next writes. */
        for (unsigned i = 0; i < 3; i++) {
                fake_event(harness_orchestrator(), 43 + i, "order", "", "{}");
                usleep(20000);
        }
        wait_subscriptions(0);
        harness_stop();
}
END_TEST

START_TEST(filters)
{
        harness_start(&(struct harness_options){});
        int fd = open_stream(EVENTS("?types=leg,killswitch&accounts=paper:second", ""));
        ck_assert_str_eq(fake_last_text, "after=-1");
        fake_event(harness_orchestrator(), 1, "order", "paper:second", "{}");
        fake_event(harness_orchestrator(), 2, "leg", "paper:demo", "{}");
        fake_event(harness_orchestrator(), 3, "killswitch", "", "{}");
        fake_event(harness_orchestrator(), 4, "leg", "paper:second", "{}");
        struct text t = TEXT_NULL;
        char c;
        while (!strstr(text_str(&t), "id: 4\nevent: leg\ndata: {}\n\n") && read(fd, &c, 1) == 1)
                text_add_char(&t, c);
        ck_assert_ptr_nonnull(strstr(t.data, "id: 3\n"));
        ck_assert_ptr_null(strstr(t.data, "id: 1\n"));
        ck_assert_ptr_null(strstr(t.data, "id: 2\n"));
        text_done(&t);
        close(fd);
        harness_stop();
}
END_TEST

START_TEST(streams_of_a_key_are_limited)
{
        int fds[STREAMS_PER_KEY];

        harness_start(&(struct harness_options){});
        for (unsigned i = 0; i < STREAMS_PER_KEY; i++)
                fds[i] = open_stream(EVENTS("", ""));
        ASK("GET", "/api/v1/events", NULL, NULL, 429, "TOO_MANY_STREAMS");
        ASK("GET", "/metrics", NULL, NULL, 200, "ordo_event_streams 8");
        for (unsigned i = 0; i < STREAMS_PER_KEY; i++)
                close(fds[i]);
        harness_stop();
}
END_TEST

START_TEST(a_slow_client_is_let_go)
{
        static char data[60001];

        harness_start(&(struct harness_options){});
        int fd = open_stream(EVENTS("", ""));
        memset(data, 'x', sizeof(data) - 1);
        int64_t id = 0;
        while (fake.subscriptions > 0 && id < 2000) {
                fake_event(harness_orchestrator(), ++id, "order", "", data);
                usleep(500);
        }
        ck_assert_int_eq(fake.subscriptions, 0);
        /* What was kept for it still comes, then the end of the stream. */
        ck_assert(client_expect(fd, "\r\n0\r\n\r\n", 20000));
        ck_assert(client_closed(fd, 2000));
        close(fd);
        harness_stop();
}
END_TEST

static void be_impatient(void)
{
        harness_http()->streams.heartbeat_us = 30 * USEC_PER_MS;
}

START_TEST(heartbeats)
{
        harness_start(&(struct harness_options){});
        harness_call(be_impatient);
        int fd = open_stream(EVENTS("", ""));
        for (unsigned i = 0; i < 3; i++)
                ck_assert(client_expect(fd, ": alive\n\n", 2000));
        close(fd);
        wait_subscriptions(0);
        harness_stop();
}
END_TEST

START_TEST(a_stalled_client_is_cut_off)
{
        static char data[200001];

        harness_start(&(struct harness_options){});
        harness_call(be_impatient);
        int fd = open_stream(EVENTS("", ""));
        memset(data, 'x', sizeof(data) - 1);
        for (int64_t id = 1; id < 200 && fake.subscriptions > 0; id++) {
                fake_event(harness_orchestrator(), id, "order", "", data);
                usleep(500);
        }
        for (unsigned i = 0; i < 5000 && harness_connections() > 0; i++)
                usleep(1000);
        ck_assert_uint_eq(harness_connections(), 0);
        close(fd);
        harness_stop();
}
END_TEST

/* --- a key that is taken away, changed or over --- */

static char keys_path[64];

static void write_keys(const char *const *names, const char *accounts, int64_t expires_us)
{
        char hex[2 * KEY_HASH_SIZE + 1], time[CLOCK_TEXT_SIZE];
        uint8_t hash[KEY_HASH_SIZE];
        FILE *f = fopen(keys_path, "w");
        ck_assert_ptr_nonnull(f);
        fprintf(f, "{\"keys\":[");
        for (unsigned i = 0; names[i]; i++) {
                key_hash(names[i], strlen(names[i]), hash);
                sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
                fprintf(f,
                        "%s{\"name\":\"%.3s\",\"hash\":\"sha256:%s\",\"scopes\":[\"read\"],"
                        "\"accounts\":[\"%s\"]",
                        i ? "," : "", names[i], hex, accounts);
                if (expires_us)
                        fprintf(f, ",\"expires\":\"%s\"", clock_print(expires_us, time));
                fprintf(f, "}");
        }
        fprintf(f, "]}");
        ck_assert_int_eq(fclose(f), 0);
}

static void reload(void)
{
        const struct http_options o = harness_http()->options;
        struct text faults = TEXT_NULL;
        struct http_fresh fresh;
        ck_assert_int_eq(http_fresh_new(harness_http(), &o, &faults, &fresh), 0);
        http_take_up(harness_http(), &o, &fresh);
        http_fresh_done(&fresh);
        text_done(&faults);
}

static int stream_with(const char *token)
{
        char request[256];
        snprintf(request, sizeof(request),
                 "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n"
                 "Authorization: Bearer %s\r\n\r\n",
                 token);
        return open_stream(request);
}

#define ONE       "one-0123456789-0123456789-0123456789"
#define TWO       "two-0123456789-0123456789-0123456789"
#define TWO_ANEW  "two-9876543210-9876543210-9876543210"
#define KEYS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void with_keys(void)
{
        text_copy(keys_path, sizeof(keys_path), "/tmp/ordo-keys-XXXXXX");
        close(mkstemp(keys_path));
        write_keys(KEYS(ONE, TWO), "paper:demo", 0);
        harness_start(&(struct harness_options){.http.keys_file = keys_path});
}

START_TEST(a_revoked_key_loses_its_streams)
{
        with_keys();
        int one = stream_with(ONE), two = stream_with(TWO), api = open_stream(EVENTS("", ""));
        harness_call(reload); /* nothing has changed */
        ck_assert_int_eq(fake.subscriptions, 3);
        write_keys(KEYS(ONE), "paper:demo", 0);
        harness_call(reload);
        ck_assert_int_eq(fake.subscriptions, 2);
        ck_assert(client_expect(two, "\r\n0\r\n\r\n", 2000));
        ck_assert(client_closed(two, 2000));
        close(two);
        /* other rights are another stream */
        write_keys(KEYS(ONE), "paper:second", 0);
        harness_call(reload);
        ck_assert(client_closed(one, 2000) || client_expect(one, "0\r\n\r\n", 2000));
        ck_assert_int_eq(fake.subscriptions, 1);
        fake_event(harness_orchestrator(), 9, "order", "", "{}");
        ck_assert(client_expect(api, "id: 9\n", 2000));
        close(one);
        close(api);
        harness_stop();
        (void)unlink(keys_path);
}
END_TEST

START_TEST(a_rotated_key_loses_its_streams)
{
        with_keys();
        int fd = stream_with(TWO);
        write_keys(KEYS(ONE, TWO_ANEW), "paper:demo", 0);
        harness_call(reload);
        ck_assert(client_expect(fd, "\r\n0\r\n\r\n", 2000));
        ck_assert_int_eq(fake.subscriptions, 0);
        close(fd);
        harness_stop();
        (void)unlink(keys_path);
}
END_TEST

START_TEST(an_expired_key_loses_its_streams)
{
        with_keys();
        harness_call(be_impatient);
        write_keys(KEYS(ONE, TWO), "paper:demo", clock_wall_us() + 400 * USEC_PER_MS);
        harness_call(reload);
        int fd = stream_with(TWO);
        ck_assert(client_expect(fd, "\r\n0\r\n\r\n", 5000));
        ck_assert_int_eq(fake.subscriptions, 0);
        close(fd);
        harness_stop();
        (void)unlink(keys_path);
}
END_TEST

START_TEST(draining_ends_streams)
{
        harness_start(&(struct harness_options){});
        int fd = open_stream(EVENTS("", ""));
        harness_drain();
        ck_assert(client_expect(fd, "\r\n0\r\n\r\n", 2000));
        ck_assert(client_closed(fd, 2000));
        close(fd);
        harness_stop();
        ck_assert_int_eq(fake.subscriptions, 0);
}
END_TEST

static void end_twice(void)
{
        streams_end(&harness_http()->streams);
        streams_end(&harness_http()->streams);
}

/* Whatever comes while the end is on its way, it is said once. */
START_TEST(the_end_is_said_once)
{
        harness_start(&(struct harness_options){});
        int fd = open_stream(EVENTS("", ""));
        harness_call(end_twice);
        ck_assert(client_expect(fd, "\r\n0\r\n\r\n", 2000));
        ck_assert(client_closed(fd, 2000));
        close(fd);
        harness_stop();
}
END_TEST

START_TEST(http_1_0)
{
        harness_start(&(struct harness_options){});
        int fd = client_connect();
        client_say(fd, "GET /api/v1/events HTTP/1.0\r\nAuthorization: Bearer " TOKEN "\r\n\r\n");
        ck_assert(client_expect(fd, "\r\n\r\nretry: 3000\n\n", 2000));
        wait_subscriptions(1);
        fake_event(harness_orchestrator(), 1, "order", "", "{}");
        ck_assert(client_expect(fd, "data: {}\n\n", 2000));
        harness_drain();
        ck_assert(client_closed(fd, 2000));
        close(fd);
        harness_stop();
}
END_TEST

SUITE("http/sse", format, events, filters, streams_of_a_key_are_limited, a_slow_client_is_let_go,
      heartbeats, a_stalled_client_is_cut_off, a_revoked_key_loses_its_streams,
      a_rotated_key_loses_its_streams, an_expired_key_loses_its_streams, draining_ends_streams,
      the_end_is_said_once, http_1_0)
