#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "harness.h"
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
      heartbeats, a_stalled_client_is_cut_off, draining_ends_streams, http_1_0)
