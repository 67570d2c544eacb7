/* Every route over a real socket, with a good request. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "suite.h"

#define KEY "Idempotency-Key: \"8e03978e-40d5-43dd-bc93-6894a57f9324\"\r\n"
#define API "/api/v1"

START_TEST(open_routes)
{
        harness_start(&(struct harness_options){});
        ASK("GET", "/health", "Authorization: none\r\n", NULL, 200, "{\"status\":\"ok\"}");
        ASK("GET", "/ready", NULL, NULL, 200, "{\"status\":\"ready\",\"reasons\":[]}");
        fake.not_ready = 1;
        ASK("GET", "/ready", NULL, NULL, 503,
            "\"not_ready\",\"reasons\":[\"The ledger cannot be written.\"]");
        ASK("GET", "/metrics", NULL, NULL, 200,
            "ordo_http_requests_total{route=\"/health\",method=\"GET\",status=\"200\"} 1");
        ASK("GET", "/metrics", "Authorization: none\r\n", NULL, 401, "UNAUTHORIZED");
        ASK("GET", "/openapi.json", NULL, NULL, 200, "\"openapi\"");
        ASK("GET", "/docs", NULL, NULL, 200, "<script>");
        harness_stop();
}
END_TEST

START_TEST(place)
{
        harness_start(&(struct harness_options){});
        struct reply r = ask("POST", API "/orders", KEY "X-Correlation-ID: abc.1\r\n", ORDER);
        ck_assert_int_eq(r.status, 201);
        ck_assert_str_eq(reply_header(&r, "location"), "/api/v1/orders/01KAR8Z6J20000000000000000");
        ck_assert_str_eq(reply_header(&r, "x-correlation-id"), "abc.1");
        ck_assert_str_eq(reply_header(&r, "cache-control"), "no-store");
        ck_assert_str_eq(reply_header(&r, "x-content-type-options"), "nosniff");
        ck_assert_str_eq(reply_header(&r, "referrer-policy"), "no-referrer");
        ck_assert_str_eq(reply_header(&r, "x-frame-options"), "DENY");
        ck_assert_ptr_null(reply_header(&r, "server"));
        ck_assert_ptr_nonnull(
                strstr(r.body, "\"overall_status\":\"success\",\"results\":[{\"leg_id\":"
                               "\"01KAR8Z6J20000000000000000-1\",\"account\":\"paper:demo\""));
        ck_assert_ptr_nonnull(strstr(r.body, "\"correlation_id\":\"abc.1\",\"elapsed_ms\":1.1}"));
        reply_done(&r);
        ck_assert_str_eq(fake_last_key, "8e03978e-40d5-43dd-bc93-6894a57f9324");
        ck_assert_str_eq(fake_last_order,
                         "NSE:SBIN BUY LIMIT 10 price=812.50 trigger=0.00 CNC DAY disclosed=0 id= "
                         "reduce=0 policy=- paper:demo*1");
        ASK("POST", API "/orders", "Idempotency-Key: bare\r\n",
            "{\"symbol\":\"NSE:M&M\",\"side\":\"SELL\",\"type\":\"STOP\",\"quantity\":1e1,"
            "\"trigger_price\":0.05,"
            "\"product\":\"INTRADAY\",\"validity\":\"IOC\",\"disclosed_quantity\":1,\"client_order_"
            "id\":\"a.B-_9\","
            "\"reduce_only\":true,\"market_policy\":\"protect(0.5)\",\"targets\":[{\"account\":"
            "\"paper:second\","
            "\"multiplier\":\"0.5\"},\"paper:demo\"]}",
            201, NULL);
        ck_assert_str_eq(fake_last_order,
                         "NSE:M&M SELL STOP 10 price=0.00 trigger=0.05 INTRADAY IOC disclosed=1 "
                         "id=a.B-_9 reduce=1 policy=protect(0.5) paper:second*0.5 paper:demo*1");
        fake.outcome = OUTCOME_UNKNOWN;
        ASK("POST", API "/orders", KEY, ORDER, 202, "\"overall_status\":\"pending\"");
        fake.outcome = OUTCOME_REJECTED;
        r = ask("POST", API "/orders", KEY, ORDER);
        ck_assert_int_eq(r.status, 422);
        ck_assert_str_eq(reply_header(&r, "content-type"), "application/problem+json");
        ck_assert_ptr_nonnull(strstr(r.body, "\"type\":\"urn:ordo:problem:broker-rejected\""));
        ck_assert_ptr_nonnull(strstr(
                r.body,
                "\"account\":\"paper:demo\",\"broker\":\"paper\",\"broker_code\":\"16387\""));
        ck_assert_ptr_nonnull(strstr(r.body, "\"order_id\":\"01KAR8Z6J20000000000000000\""));
        reply_done(&r);
        fake.outcome = OUTCOME_ACCEPTED;
        r = ask("POST", API "/orders", "Idempotency-Key: replay\r\n", ORDER);
        ck_assert_str_eq(reply_header(&r, "idempotent-replayed"), "true");
        reply_done(&r);
        ck_assert_int_eq(fake.placed, 5);
        ASK("POST", API "/orders/validate", NULL, ORDER, 200, "\"order_id\":null");
        ck_assert_int_eq(fake.validated, 1);
        harness_stop();
}
END_TEST

START_TEST(problems_of_the_orchestrator)
{
        harness_start(&(struct harness_options){});
        fake.problem = PROBLEM_LOT_SIZE;
        ASK("POST", API "/orders", KEY, ORDER, 422,
            "\"errors\":[{\"pointer\":\"/quantity\",\"detail\":\"10 is not a multiple of 75\"}]");
        fake.problem = PROBLEM_IDEMPOTENCY_IN_FLIGHT;
        struct reply r = ask("POST", API "/orders", KEY, ORDER);
        ck_assert_int_eq(r.status, 409);
        ck_assert_str_eq(reply_header(&r, "retry-after"), "1");
        reply_done(&r);
        fake.problem = PROBLEM_STORE_UNAVAILABLE;
        ASK("GET", API "/orders", NULL, NULL, 503, "STORE_UNAVAILABLE");
        ASK("GET", API "/orders/x", NULL, NULL, 503, "STORE_UNAVAILABLE");
        ASK("GET", API "/funds", NULL, NULL, 503, "STORE_UNAVAILABLE");
        ASK("GET", API "/quotes?symbols=NSE:SBIN", NULL, NULL, 503, "STORE_UNAVAILABLE");
        ASK("GET", API "/audit", NULL, NULL, 503, "STORE_UNAVAILABLE");
        ASK("POST", API "/orders/cancel", NULL, "{}", 503, "STORE_UNAVAILABLE");
        ASK("DELETE", API "/orders/x", NULL, NULL, 503, "STORE_UNAVAILABLE");
        ASK("POST", API "/killswitch", NULL, "{\"level\":\"HALT\",\"reason\":\"x\"}", 503,
            "in force");
        ASK("POST", API "/auth/report", NULL,
            "{\"accounts\":[{\"account\":\"paper:demo\",\"status\":\"ok\"}]}", 503, NULL);
        ASK("POST", API "/auth/paper/demo/login", NULL, NULL, 503, NULL);
        fake.problem = PROBLEM_SESSION_REQUIRED;
        ASK("GET", API "/portfolio", NULL, NULL, 207,
            "\"status\":\"failed\",\"code\":\"SESSION_REQUIRED\"");
        ASK("GET", API "/portfolio", NULL, NULL, 207,
            "\"consolidated\":{\"accounts\":1,\"failed\":1,\"missing\":[\"paper:second\"],"
            "\"as_of\":\"2026-");
        harness_stop();
}
END_TEST

START_TEST(orders)
{
        harness_start(&(struct harness_options){});
        ASK("GET", API "/orders", NULL, NULL, 200, "\"next_cursor\":null}");
        ASK("GET", API "/orders", NULL, NULL, 200,
            "\"external\":[{\"external\":true,\"id\":\"external:paper:demo:26112300000099\","
            "\"account\":\"paper:demo\",\"broker_order_id\":\"26112300000099\",\"tag\":null,"
            "\"symbol\":\"NSE:INFY\"");
        ASK("GET",
            API "/orders?status=OPEN&symbol=NSE:M%26M&since=2026-11-23T09:15:00+05:30&limit=1&"
                "accounts=paper:second,paper:demo"
                "&cursor=01KAR8Z6J20000000000000000",
            NULL, NULL, 200, "\"external\":[],\"next_cursor\":\"01KAR8Z6J20000000000000000\"");
        ck_assert_str_eq(fake_last_text,
                         "status=1 symbol=NSE:M&M since=1795405500000000 "
                         "before=01KAR8Z6J20000000000000000 limit=1 first=paper:second");
        ASK("GET", API "/orders/01KAR8Z6J20000000000000000", NULL, NULL, 200,
            "\"legs\":[{\"leg_id\"");
        ASK("GET", API "/orders/client%3Amean-rev-0042", NULL, NULL, 200, NULL);
        ASK("GET", API "/orders/01KAR8Z6J20000000000000001", NULL, NULL, 404, "ORDER_NOT_FOUND");
        ASK("PATCH", API "/orders/x", NULL, "{\"quantity\":5,\"price\":\"8.1\"}", 200, NULL);
        ck_assert_str_eq(fake_last_text,
                         "kind=0 id=x leg=0 outcome=none broker=- reason=- q=5 p=81000 t=-1");
        ASK("DELETE", API "/orders/x", NULL, NULL, 200, NULL);
        ck_assert(text_starts(fake_last_text, "kind=1 id=x"));
        ASK("POST", API "/orders/x/legs/2/resolve", NULL,
            "{\"outcome\":\"accepted\",\"broker_order_id\":\"9\",\"reason\":\"seen\"}", 200, NULL);
        ck_assert_str_eq(fake_last_text,
                         "kind=2 id=x leg=2 outcome=accepted broker=9 reason=seen q=-1 p=-1 t=-1");
        ASK("DELETE", API "/orders/external:paper:demo:26112300000099", NULL, NULL, 200, NULL);
        ck_assert(text_starts(fake_last_text, "kind=1 id=external:paper:demo:26112300000099"));
        ASK("POST", API "/accounts/reconcile", NULL, "{}", 200,
            "\"adopted\":1,\"updated\":0,\"external\":2,\"unresolved\":0}]}");
        ck_assert_str_eq(fake_last_text, "first=-");
        ASK("POST", API "/accounts/reconcile", NULL, "{\"accounts\":[\"paper:second\"]}", 200,
            NULL);
        ck_assert_str_eq(fake_last_text, "first=paper:second");
        fake.problem = PROBLEM_SESSION_REQUIRED;
        ASK("POST", API "/accounts/reconcile", NULL, "{}", 207,
            "\"status\":\"failed\",\"code\":\"SESSION_REQUIRED\",\"message\":\"no session\","
            "\"as_of\":null");
        fake.problem = PROBLEM_NONE;
        ASK("POST", API "/orders/cancel", NULL,
            "{\"accounts\":[\"paper:demo\"],\"symbol\":\"NSE:SBIN\"}", 200,
            "\"consolidated\":{\"orders\":1,\"accepted\":1,\"pending\":0,\"failed\":0}");
        harness_stop();
}
END_TEST

START_TEST(reads)
{
        harness_start(&(struct harness_options){});
        ASK("GET", API "/status", NULL, NULL, 200, "\"uptime_s\":61");
        ASK("GET", API "/accounts", NULL, NULL, 200,
            "\"account\":\"paper:second\",\"broker\":\"paper\"");
        ASK("GET", API "/jobs", NULL, NULL, 200, "\"name\":\"audit-export\"");
        ASK("GET", API "/trades?limit=1", NULL, NULL, 200, "\"next_cursor\":\"1\"");
        ASK("GET", API "/trades?limit=1&cursor=1", NULL, NULL, 200,
            "\"trades\":[{\"account\":\"paper:second\"");
        ASK("GET", API "/funds?accounts=paper:demo", NULL, NULL, 200,
            "\"available\":\"10000000.00\"");
        /* 10 at 800 and 30 at 840: 40 at 830 */
        ASK("GET", API "/holdings", NULL, NULL, 200,
            "\"consolidated\":{\"accounts\":2,\"failed\":0,\"missing\":[],\"as_of\":\"2026-");
        ASK("GET", API "/holdings", NULL, NULL, 200,
            "\"holdings\":[{\"symbol\":\"NSE:SBIN\","
            "\"quantity\":40,\"average_price\":\"830.00\"");
        ASK("GET", API "/positions", NULL, NULL, 200, "\"quantity\":0,\"average_price\":null");
        ASK("GET", API "/portfolio", NULL, NULL, 200, "\"funds\":{\"available\":\"20000000.00\"");
        ASK("GET", API "/quotes?symbols=NSE:SBIN,NSE:M%26M&account=paper:demo", NULL, NULL, 200,
            "\"symbol\":\"NSE:M&M\",\"last\":\"812.50\"");
        ASK("GET", API "/instruments?q=sbin&exchange=NSE&limit=1", NULL, NULL, 200,
            "\"symbol\":\"NSE:SBIN\"");
        ASK("GET",
            API "/audit?order_id=01KAR8Z6J20000000000000000&account=paper:demo&correlation_id=a&"
                "limit=1",
            NULL, NULL, 200,
            "{\"records\":[{\"seq\":7,\"action\":\"order.intent\"}],\"next_cursor\":\"7\"}");
        harness_stop();
}
END_TEST

START_TEST(killswitch)
{
        harness_start(&(struct harness_options){});
        ASK("GET", API "/killswitch", NULL, NULL, 200,
            "{\"level\":\"NONE\",\"entries\":[],\"tasks\":[],\"tasks_total\":0,\"dead_men\":[]}");
        ASK("POST", API "/killswitch", NULL,
            "{\"level\":\"HALT\",\"reason\":\"news\",\"scope\":\"global\"}", 200,
            "\"level\":\"HALT\",\"entries\":[{\"scope\":\"global\",\"level\":\"HALT\"");
        ASK("POST", API "/killswitch", NULL, "{\"level\":\"NONE\",\"reason\":\"calm\"}", 200,
            "\"level\":\"NONE\"");
        harness_stop();
}
END_TEST

START_TEST(sessions)
{
        harness_start(&(struct harness_options){});
        ASK("GET", API "/auth/paper/demo", NULL, NULL, 200,
            "{\"account\":\"paper:demo\",\"state\":\"active\"");
        ASK("GET", API "/auth/paper/nobody", NULL, NULL, 404, "ACCOUNT_NOT_FOUND");
        ASK("POST", API "/auth/paper/demo/login", NULL, NULL, 200, "\"method\":\"none\"");
        ASK("POST", API "/auth/paper/demo/complete", NULL, "{\"otp\":\"123456\"}", 200, NULL);
        ck_assert_str_eq(fake_last_text,
                         "verb=1 paper:demo otp=123456 url=- code=- state=- by=api-token");
        ASK("POST", API "/auth/paper/demo/complete", NULL, "{\"auth_code\":\"c\",\"state\":\"s\"}",
            200, NULL);
        ck_assert_str_eq(fake_last_text,
                         "verb=1 paper:demo otp=- url=- code=c state=s by=api-token");
        ASK("DELETE", API "/auth/paper/demo", NULL, NULL, 200, NULL);
        ASK("GET", API "/auth/callback/paper/demo?code=secret", "Authorization: x\r\n", NULL, 409,
            "No login is pending");
        fake.pending_login = 1;
        fake_last_text[0] = '\0';
        struct reply r = ask("HEAD", API "/auth/callback/paper/demo?code=a&state=1", NULL, NULL);
        ck_assert_int_eq(r.status, 200);
        reply_done(&r);
        ck_assert_str_eq(fake_last_text, ""); /* looking does not use the code up */
        r = ask("GET", API "/auth/callback/paper/demo?code=a%20b&state=1", "Authorization: x\r\n",
                NULL);
        ck_assert_int_eq(r.status, 200);
        ck_assert_str_eq(reply_header(&r, "content-type"), "text/html; charset=utf-8");
        ck_assert_ptr_null(strstr(r.body, "code"));
        ck_assert_ptr_nonnull(strstr(r.body, "paper:demo: The session is ready."));
        reply_done(&r);
        ck_assert_str_eq(
                fake_last_text,
                "verb=1 paper:demo otp=- url=/api/v1/auth/callback/paper/demo?code=a%20b&state=1 "
                "code=- state=- by=callback");
        ASK("POST", API "/auth/report", NULL,
            "{\"helper\":\"preopen\",\"accounts\":[{\"account\":\"paper:demo\",\"status\":"
            "\"failed\",\"message\":\"a\\\"b\"}]}",
            200, NULL);
        ck_assert_str_eq(fake_last_text, "{\"helper\":\"preopen\",\"accounts\":[{\"account\":"
                                         "\"paper:demo\",\"status\":\"failed\","
                                         "\"message\":\"a\\\"b\"}]}");
        harness_stop();
}
END_TEST

static int reload_result;

static int on_reload(void *userdata, struct http_reload_report *ret)
{
        if (reload_result > 0)
                text_add(&ret->faults, "ORDO_LOG: bad\nORDO_LISTEN: worse\n");
        else
                text_add(&ret->taken, "ORDO_LOG_LEVEL ORDO_API_RATE");
        return reload_result;
}

START_TEST(reload)
{
        harness_start(&(struct harness_options){.http.reload = on_reload});
        reload_result = 0;
        ASK("POST", API "/admin/reload", NULL, NULL, 200,
            "{\"status\":\"reloaded\",\"changed\":[\"ORDO_LOG_LEVEL\",\"ORDO_API_RATE\"],"
            "\"restart_needed\":[]}");
        reload_result = 1;
        ASK("POST", API "/admin/reload", NULL, NULL, 400,
            "[{\"pointer\":\"\",\"detail\":\"ORDO_LOG: "
            "bad\"},{\"pointer\":\"\",\"detail\":\"ORDO_LISTEN: worse\"}]");
        reload_result = -EIO;
        ASK("POST", API "/admin/reload", NULL, NULL, 500, "INTERNAL");
        harness_stop();
}
END_TEST

START_TEST(head_and_options)
{
        static const char *const origins[] = {"https://desk.example.org", NULL};

        harness_start(&(struct harness_options){.http.cors_origins = origins});
        struct reply r = ask("HEAD", "/health", NULL, NULL);
        ck_assert_int_eq(r.status, 200);
        ck_assert_str_eq(reply_header(&r, "content-length"), "15");
        reply_done(&r);
        r = ask("HEAD", API "/events", NULL, NULL);
        ck_assert_int_eq(r.status, 200);
        reply_done(&r);
        r = ask("OPTIONS", API "/orders",
                "Origin: https://desk.example.org\r\nAccess-Control-Request-Method: POST\r\n",
                NULL);
        ck_assert_int_eq(r.status, 204);
        ck_assert_str_eq(reply_header(&r, "access-control-allow-origin"),
                         "https://desk.example.org");
        ck_assert_str_eq(reply_header(&r, "access-control-allow-methods"), "POST, GET, HEAD");
        ck_assert_str_eq(reply_header(&r, "vary"), "Origin");
        reply_done(&r);
        r = ask("OPTIONS", API "/orders",
                "Origin: https://evil.example.org\r\nAccess-Control-Request-Method: POST\r\n",
                NULL);
        ck_assert_int_eq(r.status, 405);
        ck_assert_ptr_null(reply_header(&r, "access-control-allow-origin"));
        reply_done(&r);
        r = ask("GET", API "/status", "Origin: https://desk.example.org\r\n", NULL);
        ck_assert_str_eq(reply_header(&r, "access-control-allow-origin"),
                         "https://desk.example.org");
        reply_done(&r);
        r = ask("PUT", API "/orders/1", NULL, NULL);
        ck_assert_int_eq(r.status, 405);
        ck_assert_str_eq(reply_header(&r, "allow"), "GET, HEAD, PATCH, DELETE");
        reply_done(&r);
        harness_stop();
}
END_TEST

START_TEST(rate)
{
        harness_start(&(struct harness_options){.http.api_rate = 2});
        struct reply r = ask("GET", API "/killswitch", NULL, NULL);
        ck_assert_str_eq(reply_header(&r, "ratelimit-policy"), "\"api\";q=2;w=1");
        ck_assert_str_eq(reply_header(&r, "ratelimit"), "\"api\";r=1;t=1");
        reply_done(&r);
        ASK("GET", API "/killswitch", NULL, NULL, 200, NULL);
        r = ask("GET", API "/killswitch", NULL, NULL);
        ck_assert_int_eq(r.status, 429);
        ck_assert_str_eq(reply_header(&r, "retry-after"), "1");
        ck_assert_ptr_nonnull(strstr(r.body, "RATE_LIMITED"));
        reply_done(&r);
        ASK("GET", "/health", NULL, NULL, 200, NULL);
        /* who has used up his requests may still stop everything */
        for (unsigned i = 0; i < 3; i++) {
                r = ask("POST", API "/killswitch", NULL,
                        "{\"level\":\"HALT\",\"reason\":\"too fast\"}");
                ck_assert_int_eq(r.status, 200);
                ck_assert_str_eq(reply_header(&r, "ratelimit"), "\"api\";r=0;t=1");
                reply_done(&r);
        }
        harness_stop();
}
END_TEST

START_TEST(public_by_option)
{
        harness_start(
                &(struct harness_options){.http.status_public = true, .http.metrics_public = true});
        struct reply r;
        int fd = client_connect();
        client_say(fd, "GET /api/v1/status HTTP/1.1\r\nHost: localhost:8080\r\n\r\nGET /metrics "
                       "HTTP/1.1\r\nHost: [::1]\r\n\r\n");
        for (int i = 0; i < 2; i++) {
                r = client_read(fd, false);
                ck_assert_int_eq(r.status, 200);
                reply_done(&r);
        }
        close(fd);
        /* A token that is given must still be good. */
        ASK("GET", API "/status", "Authorization: Bearer wrong\r\n", NULL, 401, NULL);
        harness_stop();
}
END_TEST

START_TEST(one_account_needs_no_targets)
{
        harness_start(&(struct harness_options){.one_account = true,
                                                .unix_path = "/tmp/ordo-test-http.sock"});
        ASK("POST", API "/orders", KEY,
            "{\"symbol\":\"NSE:SBIN\",\"side\":\"BUY\",\"type\":\"MARKET\",\"quantity\":1,"
            "\"product\":\"CNC\"}",
            201, "paper:demo");
        unlink("/tmp/ordo-test-http.sock");
        harness_stop();
}
END_TEST

START_TEST(keyless_orders_by_option)
{
        harness_start(&(struct harness_options){.http.idempotency_required = true});
        ASK("POST", API "/orders", NULL, ORDER, 400, "IDEMPOTENCY_KEY_REQUIRED");
        harness_stop();
        harness_start(&(struct harness_options){});
        ASK("POST", API "/orders", NULL, ORDER, 201, NULL);
        ck_assert_str_eq(fake_last_key, "");
        harness_stop();
}
END_TEST

SUITE("http/server", open_routes, place, problems_of_the_orchestrator, orders, reads, killswitch,
      sessions, reload, head_and_options, rate, public_by_option, one_account_needs_no_targets,
      keyless_orders_by_option)
