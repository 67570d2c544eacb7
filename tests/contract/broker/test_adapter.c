/* Holds an adapter to its contract: test_adapter SLUG DIRECTORY (README.md). */
#undef NDEBUG
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "broker/master.h"
#include "call.h"
#include "toy.h"

static unsigned n_tests, n_failed;
static bool failed;

static void fail(const struct broker_case *c, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
static void fail(const struct broker_case *c, const char *format, ...)
{
        va_list args;
        va_start(args, format);
        printf("# %s: ", c->name);
        vprintf(format, args);
        printf("\n");
        va_end(args);
        failed = true;
}

static void report(const struct broker_case *c, const char *what)
{
        n_tests++;
        n_failed += failed;
        printf("%s %u - %s%s\n", failed ? "not ok" : "ok", n_tests, c->name, what);
        failed = false;
}

static struct json_object *parsed(const char *s)
{
        static const struct json_limits limits = {16, 4000000};
        struct json_object *o = NULL;
        struct json_fault fault;
        return json_parse(s, strlen(s), &limits, &o, &fault) == 0 ? o : NULL;
}

static bool same_body(const char *expected, const char *got)
{
        _cleanup_(json_freep) struct json_object *a = parsed(expected);
        _cleanup_(json_freep) struct json_object *b = parsed(got);
        return a && b ? json_object_equal(a, b) : strcmp(expected, got) == 0;
}

static void check_request_line(struct broker_case *c, const struct http_request *q)
{
        const char *method = case_get(c, CASE_REQUEST, "method");
        const char *url = case_get(c, CASE_REQUEST, "url"),
                   *body = case_get(c, CASE_REQUEST, "body");
        const char *writes = case_get(c, CASE_REQUEST, "writes");
        if (!method || strcmp(method, q->method) != 0)
                fail(c, "method %s", q->method);
        if (!url || strcmp(url, text_str(&q->url)) != 0)
                fail(c, "url %s", text_str(&q->url));
        if (body && !same_body(body, text_str(&q->body)))
                fail(c, "body %s", text_str(&q->body));
        if (writes && (strcmp(writes, "true") == 0) != q->writes)
                fail(c, "writes is %d", q->writes);
}

static void check_request(struct broker_case *c, const struct http_request *q)
{
        check_request_line(c, q);
        unsigned at = 0;
        const struct case_line *l;
        while ((l = case_next(c, CASE_REQUEST, "header ", &at))) {
                const char *value = NULL;
                for (unsigned i = 0; i < q->n_headers; i++)
                        if (strcasecmp(q->headers[i].name, l->key + strlen("header ")) == 0)
                                value = q->headers[i].value;
                if (!value || strcmp(value, l->value) != 0)
                        fail(c, "%s is %s", l->key, value ? value : "missing");
        }
}

/* True: there is a request and it is what the file expects. */
static void run_request(const struct broker *b, struct broker_case *c, const struct case_call *t)
{
        struct http_request q = {};
        const char *fails = case_get(c, CASE_CALL, "fails");
        int r = b->request(&t->call, &q);
        int expected = !fails ? 0 : strcmp(fails, "EINVAL") == 0 ? -EINVAL : -ENOTSUP;
        if (r != expected)
                fail(c, "request() returned %d", r);
        else if (r == 0 && c->has[CASE_REQUEST])
                check_request(c, &q);
        http_request_done(&q);
}

static int status_of(struct broker_case *c)
{
        const char *status = case_get(c, CASE_REPLY, "status");
        return status ? atoi(status) : 200;
}

/* The body in memory of exactly its size, so that a sanitizer sees a byte too far. */
static void read_reply(const struct broker *b, struct broker_case *c, const struct case_call *t,
                       const char *body, size_t n, struct broker_result *ret)
{
        struct http_reply reply = {.status = status_of(c)};
        unsigned at = 0;
        const struct case_line *l;
        while ((l = case_next(c, CASE_REPLY, "header ", &at)))
                assert(http_reply_header(&reply, l->key + strlen("header "), l->value) == 0);
        *ret = (struct broker_result){};
        if (n > 0) {
                reply.body.data = malloc(n + 1);
                memcpy(reply.body.data, body, n);
                reply.body.data[n] = '\0';
                reply.body.len = n;
                reply.body.size = n + 1;
        }
        int r = b->reply(&t->call, &reply, ret);
        if (r != 0)
                fail(c, "reply() returned %d", r);
        if (!result_bounded(ret))
                fail(c, "a value is out of its bounds");
        if (ret->outcome == OUTCOME_NONE)
                fail(c, "no outcome");
        bool refused_with_id = ret->outcome == OUTCOME_REJECTED && t->call.op == BROKER_PLACE;
        if (ret->outcome != OUTCOME_ACCEPTED &&
            (result_rows(ret) || (*ret->broker_order_id && !refused_with_id) || ret->has_state ||
             ret->token || ret->carry))
                fail(c, "%s, but holds something", outcome_name(ret->outcome));
        http_reply_done(&reply);
}

static void check_result(struct broker_case *c, enum broker_op op, const struct broker_result *r)
{
        unsigned at = 0;
        const struct case_line *l;
        while ((l = case_next(c, CASE_RESULT, "", &at))) {
                const char *text = result_text(op, r, l->key);
                if (!text || strcmp(text, l->value) != 0)
                        fail(c, "%s is %s", l->key, text ? text : "missing");
        }
}

static void damage_cut(const struct broker *b, struct broker_case *c, const struct case_call *t)
{
        struct broker_result r;
        size_t whole = c->body.len;
        while (whole > 0 && strchr(" \t\r\n", c->body.data[whole - 1]))
                whole--;
        for (size_t n = 0; n < whole; n++) {
                read_reply(b, c, t, c->body.data, n, &r);
                if (r.outcome == OUTCOME_ACCEPTED)
                        fail(c, "accepted after %zu bytes", n);
                broker_result_done(&r);
        }
        report(c, " cut off");
}

static void damage_bytes(const struct broker *b, struct broker_case *c, const struct case_call *t)
{
        static const char bytes[] = {'"', '}', ',', '9', '-', '\\', '\x01', '\xff', 'e', ' '};
        /* Where each read takes twenty times as long, one of them for each place, in turn; the
         * fuzzers go further there. */
        const size_t step = getenv("TEST_SLOW") ? sizeof(bytes) : 1;
        struct broker_result r;
        for (size_t i = 0; i < c->body.len; i++)
                for (size_t k = i % step; k < sizeof(bytes); k += step) {
                        char was = c->body.data[i];
                        c->body.data[i] = bytes[k];
                        read_reply(b, c, t, c->body.data, c->body.len, &r);
                        broker_result_done(&r);
                        c->body.data[i] = was;
                }
        report(c, " with a wrong byte");
}

static void try_document(const struct broker *b, struct broker_case *c, const struct case_call *t,
                         struct json_object *root, bool is_order_id)
{
        struct broker_result r;
        const char *s = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN);
        read_reply(b, c, t, s, strlen(s), &r);
        if (is_order_id && r.outcome == OUTCOME_ACCEPTED)
                fail(c, "accepted without an order id: %.200s", s);
        broker_result_done(&r);
}

/* Puts every kind of value in the place of every member, at every depth. */
static void damage_members(const struct broker *b, struct broker_case *c, const struct case_call *t,
                           struct json_object *root, struct json_object *o, const char *order_id)
{
        static const char *const values[] = {
                "null",
                "true",
                "-1",
                "1e3",
                "99999999999999999999999999",
                "0.00001",
                "\"\"",
                "\"x\"",
                "\"\\u0000\"",
                "[]",
                "{}",
                "[[[[[[[[[[]]]]]]]]]]",
                "\""
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                "aaaaaaaaaaaaaaaaaaaaa"
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                "aaaaaaaaaaaaaaaaaaaaa\"",
        };
        if (json_object_is_type(o, json_type_array)) {
                for (size_t i = 0; i < json_object_array_length(o); i++)
                        damage_members(b, c, t, root, json_object_array_get_idx(o, i), order_id);
                return;
        }
        if (!json_object_is_type(o, json_type_object))
                return;
        struct json_object_iterator it = json_object_iter_begin(o), end = json_object_iter_end(o);
        char *keys[64];
        unsigned n = 0;
        for (; !json_object_iter_equal(&it, &end) && n < ELEMENTS(keys); json_object_iter_next(&it))
                keys[n++] = strdup(json_object_iter_peek_name(&it));
        for (unsigned i = 0; i < n; i++) {
                struct json_object *was = json_object_get(json_object_object_get(o, keys[i]));
                bool is_id = *order_id && json_object_is_type(was, json_type_string) &&
                             strcmp(json_object_get_string(was), order_id) == 0;
                for (unsigned k = 0; k < ELEMENTS(values); k++) {
                        json_object_object_add(o, keys[i], json_tokener_parse(values[k]));
                        try_document(b, c, t, root, is_id && strcmp(values[k], "\"x\"") != 0);
                }
                json_object_object_del(o, keys[i]);
                try_document(b, c, t, root, is_id);
                json_object_object_add(o, keys[i], was);
                damage_members(b, c, t, root, was, order_id);
                free(keys[i]);
        }
}

static void damage(const struct broker *b, struct broker_case *c, const struct case_call *t,
                   const char *order_id)
{
        damage_cut(b, c, t);
        damage_bytes(b, c, t);
        struct json_object *root = parsed(text_str(&c->body));
        if (root) {
                damage_members(b, c, t, root, root, order_id);
                report(c, " with wrong members");
        }
        json_object_put(root);
}

static void run_reply(const struct broker *b, struct broker_case *c, const struct case_call *t)
{
        struct broker_result r;
        char order_id[BROKER_ORDER_ID_SIZE];
        read_reply(b, c, t, text_str(&c->body), c->body.len, &r);
        check_result(c, t->call.op, &r);
        bool accepted = r.outcome == OUTCOME_ACCEPTED;
        memcpy(order_id, r.broker_order_id, sizeof(order_id));
        broker_result_done(&r);
        const char *unused = case_unused(c);
        if (unused)
                fail(c, "the file names %s, which nothing asks for", unused);
        report(c, "");
        if (accepted)
                damage(b, c, t, order_id);
}

/* --- masters: the reply is a file, its rows are scrips --- */

struct master_rows {
        struct scrip rows[64];
        unsigned ranks[64], n, bad;
};

static void read_master(const struct broker *b, struct broker_case *c, const struct case_call *t,
                        const char *body, size_t n, struct master_rows *ret)
{
        struct master_reader m;
        ret->n = ret->bad = 0;
        master_reader_init(&m, b->master, t->call.step);
        while (n > 0) {
                const char *end = memchr(body, '\n', n);
                size_t length = end ? (size_t)(end - body) : n;
                char *line = malloc(length + 1); /* of exactly its size, for a sanitizer */
                memcpy(line, body, length);
                line[length] = '\0';
                struct scrip *row = &ret->rows[ret->n % ELEMENTS(ret->rows)];
                int r = master_read_line(&m, line, length, row,
                                         &ret->ranks[ret->n % ELEMENTS(ret->rows)]);
                free(line);
                if (r > 0 && (!scrip_bounded(row) || ++ret->n > ELEMENTS(ret->rows)))
                        fail(c, "a row is out of its bounds, or there are too many");
                ret->bad += r < 0;
                body += end ? length + 1 : length;
                n -= end ? length + 1 : length;
        }
}

static void check_master(struct broker_case *c, const struct master_rows *rows)
{
        unsigned at = 0;
        char buf[24];
        const struct case_line *l;
        while ((l = case_next(c, CASE_RESULT, "", &at))) {
                const char *text = NULL;
                char *field;
                unsigned long row = strtoul(l->key, &field, 10);
                snprintf(buf, sizeof(buf), "%u", *l->key == 'c' ? rows->n : rows->bad);
                if (strcmp(l->key, "count") == 0 || strcmp(l->key, "bad") == 0)
                        text = buf;
                else if (*field == '.' && row < rows->n && strcmp(field, ".rank") == 0)
                        text = (snprintf(buf, sizeof(buf), "%u", rows->ranks[row]), buf);
                else if (*field == '.' && row < rows->n)
                        text = scrip_text(&rows->rows[row], field + 1);
                if (!text || strcmp(text, l->value) != 0)
                        fail(c, "%s is %s", l->key, text ? text : "missing");
        }
}

static void run_master(const struct broker *b, struct broker_case *c, const struct case_call *t)
{
        static const char bytes[] = {'"', ',', '9', '-', '\n', '\x01', '\xff', ' '};
        struct master_rows rows;
        assert(b->master);
        (void)status_of(c);
        read_master(b, c, t, text_str(&c->body), c->body.len, &rows);
        check_master(c, &rows);
        const char *unused = case_unused(c);
        if (unused)
                fail(c, "the file names %s, which nothing asks for", unused);
        report(c, "");
        for (size_t i = 0; i < c->body.len; i++)
                for (size_t k = 0; k < sizeof(bytes); k++) {
                        char was = c->body.data[i];
                        c->body.data[i] = bytes[k];
                        read_master(b, c, t, text_str(&c->body), c->body.len, &rows);
                        c->body.data[i] = was;
                }
        for (size_t n = 0; n < c->body.len; n++)
                read_master(b, c, t, text_str(&c->body), n, &rows);
        report(c, " damaged");
}

static struct case_scrips scrips;

static void run_case(const struct broker *b, const char *path)
{
        struct broker_case c;
        struct case_call t = {};
        char fault[200];
        if (!case_read(&c, path, fault, sizeof(fault)) ||
            !call_build(&t, &c, &scrips, fault, sizeof(fault))) {
                fail(&c, "%s", fault);
                report(&c, "");
        } else {
                run_request(b, &c, &t);
                t.call.token = NULL; /* by the time of a reply another login may have freed it */
                if (c.has[CASE_REPLY] && t.call.op == BROKER_MASTER)
                        run_master(b, &c, &t);
                else if (c.has[CASE_REPLY])
                        run_reply(b, &c, &t);
                else
                        report(&c, "");
        }
        call_done(&t);
        case_done(&c);
}

static int is_case(const struct dirent *d)
{
        size_t n = strlen(d->d_name);
        return n > 5 && strcmp(d->d_name + n - 5, ".case") == 0;
}

int main(int argc, char **argv)
{
        struct dirent **files;
        assert(argc == 3);
        const struct broker *b =
                strcmp(argv[1], broker_toy.slug) == 0 ? &broker_toy : broker_find(argv[1]);
        int n = scandir(argv[2], &files, is_case, alphasort);
        if (!b || n <= 0) {
                printf("Bail out! no adapter %s, or no cases in its directory\n", argv[1]);
                return EXIT_FAILURE;
        }
        char scrips_path[4096], fault[4200];
        snprintf(scrips_path, sizeof(scrips_path), "%s/scrips.csv", argv[2]);
        if (!scrips_read(&scrips, scrips_path, fault, sizeof(fault))) {
                printf("Bail out! %s\n", fault);
                return EXIT_FAILURE;
        }
        for (int i = 0; i < n; i++) {
                char path[4096];
                snprintf(path, sizeof(path), "%s/%s", argv[2], files[i]->d_name);
                run_case(b, path);
                free(files[i]);
        }
        free(files);
        printf("1..%u\n", n_tests);
        return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
