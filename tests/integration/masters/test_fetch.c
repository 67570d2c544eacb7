/* The files of a master over real connections, and what may go wrong with them. */
#include "suite.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "integration/net/identity.h"
#include "integration/net/script_server.h"
#include "orchestrator/master_fetch.h"

#define OK_BODY(length, body) \
        "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: " length "\r\n\r\n" body

static int request(const struct broker_call *call, struct http_request *ret)
{
        if (call->op != BROKER_MASTER)
                return -ENOTSUP;
        ret->method = "GET";
        text_add(&ret->url, call->step == 0 ? "/one.csv?key=hidden" : "/two.csv");
        if (!call->token)
                return 0;
        return http_request_header(ret, "X-Token", secret_bytes(call->token));
}

static const char *const files[] = {"/one.csv", "/two.csv", NULL};
static const struct broker_master master = {.files = files};
static const struct broker broker = {
        .slug = "test", .title = "Test", .master = &master, .request = request};

static struct loop *loop;
static struct script_server server;
static struct account account;
static struct master_fetch fetch;
static char dir[64], url[64];
static bool ended;

static void done(struct master_fetch *f)
{
        ck_assert(!ended);
        ended = true;
}

static void begin(const struct script_step *steps, unsigned n, SSL_CTX *tls)
{
        signal(SIGPIPE, SIG_IGN);
        signal(SIGXFSZ, SIG_IGN);
        text_copy(dir, sizeof(dir), "/tmp/ordo-fetch-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(dir));
        script_start(&server, steps, n, tls);
        snprintf(url, sizeof(url), "%s://localhost:%u", tls ? "https" : "http", server.port);
        account.access.master_url = url;
        ck_assert_int_eq(loop_new(&loop), 0);
        fetch = (struct master_fetch){.loop = loop,
                                      .broker = &broker,
                                      .account = &account,
                                      .dir = dir,
                                      .timeout_us = 5 * USEC_PER_SEC,
                                      .done = done};
}
#define BEGIN(...)                                                \
        static const struct script_step steps_[] = {__VA_ARGS__}; \
        begin(steps_, sizeof(steps_) / sizeof(steps_[0]), NULL)

static bool over(void *userdata)
{
        return ended;
}

static int go(void)
{
        ended = false;
        master_fetch_start(&fetch);
        ck_assert(!ended);
        loop_stop(loop);
        ck_assert_int_eq(loop_run(loop, over, NULL), 0);
        ck_assert_ptr_null(strstr(fetch.error, "hidden"));
        return fetch.result;
}

static void end(void)
{
        master_fetch_clear(&fetch);
        loop = loop_free(loop);
        script_stop(&server);
        ck_assert_int_eq(rmdir(dir), 0); /* nothing was left in it */
        account = (struct account){};
}

static void contains(unsigned i, const char *expected)
{
        struct text t = TEXT_NULL;
        ck_assert_int_eq(lseek(fetch.fds[i], 0, SEEK_SET), 0);
        ck_assert_int_eq(file_read(fetch.fds[i], &t), 0);
        ck_assert_str_eq(text_str(&t), expected);
        text_done(&t);
}

START_TEST(test_two_files)
{
        BEGIN({SCRIPT_REPLY, OK_BODY("4", "a,b\n")}, {SCRIPT_REPLY, OK_BODY("2", "c\n")});
        ck_assert_int_eq(go(), 0);
        ck_assert_uint_eq(fetch.n_files, 2);
        contains(0, "a,b\n");
        contains(1, "c\n");
        ck_assert_uint_eq(script_connections(&server), 1);
        end();
}
END_TEST

START_TEST(test_session)
{
        struct secret *token = secret_new("tok-1", 5);
        BEGIN({SCRIPT_REPLY, OK_BODY("4", "a,b\n")});
        fetch.token = token;
        ck_assert_int_eq(go(), 0);
        ck_assert_ptr_nonnull(strstr(server.last, "X-Token: tok-1"));
        ck_assert_ptr_nonnull(strstr(server.last, "Accept-Encoding: gzip"));
        end();
        secret_free(token);
}
END_TEST

START_TEST(test_status)
{
        BEGIN({SCRIPT_REPLY, OK_BODY("4", "a,b\n")},
              {SCRIPT_REPLY, "HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\n<html>"},
              {SCRIPT_REPLY,
               "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"},
              {SCRIPT_REPLY, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"});
        ck_assert_int_eq(go(), -EPROTO);
        ck_assert_str_eq(fetch.error, "file /two.csv: the server answered 404");
        master_fetch_clear(&fetch);
        ck_assert_int_eq(go(), -EPROTO);
        ck_assert_str_eq(fetch.error, "file /one.csv: the server answered 302");
        master_fetch_clear(&fetch);
        ck_assert_int_eq(go(), -EPROTO);
        ck_assert_str_eq(fetch.error, "file /one.csv: the server answered 503");
        end();
}
END_TEST

START_TEST(test_cut)
{
        BEGIN({SCRIPT_REPLY_CLOSE, OK_BODY("400", "a,b\n")},
              {SCRIPT_REPLY_CLOSE,
               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\na,b\n\r\n"},
              {SCRIPT_CLOSE}, {SCRIPT_CLOSE});
        for (unsigned i = 0; i < 3; i++) {
                ck_assert_int_eq(go(), -EIO);
                ck_assert(text_starts(fetch.error, "file /one.csv: "));
                master_fetch_clear(&fetch);
        }
        end();
}
END_TEST

START_TEST(test_too_large)
{
        BEGIN({SCRIPT_FLOOD_BODY});
        fetch.file_max = 1 << 20;
        ck_assert_int_eq(go(), -EIO);
        ck_assert_str_eq(fetch.error, "file /one.csv: the reply is too large");
        end();
}
END_TEST

START_TEST(test_slow)
{
        BEGIN({SCRIPT_DRIP, OK_BODY("400", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p"), 10});
        fetch.timeout_us = 500 * USEC_PER_MS;
        ck_assert_int_eq(go(), -EIO);
        ck_assert(text_starts(fetch.error, "file /one.csv: "));
        end();
}
END_TEST

START_TEST(test_nobody_listens)
{
        BEGIN({SCRIPT_REPLY});
        account.access.master_url = "http://127.0.0.1:1";
        ck_assert_int_eq(go(), -EIO);
        master_fetch_clear(&fetch);
        account.access.master_url =
                "http://example.com"; /* not encrypted, and not of this machine */
        ck_assert_int_eq(go(), -EINVAL);
        ck_assert_str_eq(fetch.error, "file /one.csv: the address of the master is not usable");
        end();
}
END_TEST

START_TEST(test_no_room)
{
        struct rlimit old, small;
        BEGIN({SCRIPT_FLOOD_BODY});
        ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
        small = (struct rlimit){.rlim_cur = 256 << 10, .rlim_max = old.rlim_max};
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
        int r = go();
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
        ck_assert_int_eq(r, -EFBIG);
        ck_assert_str_eq(fetch.error, "file /one.csv: File too large");
        master_fetch_clear(&fetch);
        fetch.dir = "/nonexistent";
        ck_assert_int_eq(go(), -ENOENT);
        end();
}
END_TEST

START_TEST(test_given_up)
{
        BEGIN({SCRIPT_STALL});
        ended = false;
        master_fetch_start(&fetch);
        master_fetch_clear(&fetch); /* queued */
        ck_assert(!ended);
        master_fetch_start(&fetch);
        for (unsigned i = 0; i < 500 && script_requests(&server) == 0; i++)
                sd_event_run(loop_event(loop), 10000);
        master_fetch_clear(&fetch); /* sent */
        ck_assert(!ended);
        account.access.master_url = NULL;
        master_fetch_start(&fetch);
        master_fetch_clear(&fetch); /* failed already, and not told yet */
        ck_assert(!ended);
        end();
}
END_TEST

START_TEST(test_tls)
{
        static const struct script_step steps[] = {{SCRIPT_REPLY, OK_BODY("4", "a,b\n")}};
        struct identity known, other;
        identity_new(&known, "DNS:localhost", 7);
        identity_new(&other, "DNS:localhost", 7);
        begin(steps, 1, known.server);
        account.access.ca_file = known.ca_file;
        ck_assert_int_eq(go(), 0);
        contains(1, "a,b\n");
        master_fetch_clear(&fetch);
        account.access.ca_file = other.ca_file;
        ck_assert_int_eq(go(), -EIO);
        ck_assert_ptr_nonnull(strstr(fetch.error, "certificate"));
        end();
        identity_free(&known);
        identity_free(&other);
}
END_TEST

SUITE("fetching a master", test_two_files, test_session, test_status, test_cut, test_too_large,
      test_slow, test_nobody_listens, test_no_room, test_given_up, test_tls)
