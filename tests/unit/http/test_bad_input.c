/* bad_input.cases, one request after the other, against the server. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "harness.h"
#include "http/keys.h"
#include "suite.h"

#define CASES_MIN 100

static struct text keys_path;

static void add_key(struct keyring *ring, const char *name, unsigned scopes, const char *account,
                    const char *cidr, int64_t expires_us)
{
        struct api_key *key;

        ck_assert_int_eq(keyring_add(ring, &key), 0);
        text_copy(key->name, sizeof(key->name), name);
        key_hash(name, strlen(name), key->hash);
        key->scopes = scopes;
        key->expires_us = expires_us;
        if (account)
                ck_assert_int_eq(key_allow_account(key, account, strlen(account)), 0);
        if (cidr)
                ck_assert_int_eq(key_allow_network(key, cidr, strlen(cidr)), 0);
}

/* Keys whose token is their name. */
static void write_keys(void)
{
        struct keyring *ring;

        ck_assert_int_eq(keyring_new(&ring), 0);
        add_key(ring, "limited", SCOPE_READ | SCOPE_TRADE, "paper:demo", NULL, 0);
        add_key(ring, "reader", SCOPE_READ, NULL, "127.0.0.0/8", 0);
        add_key(ring, "elsewhere", SCOPE_READ, NULL, "192.0.2.0/24", 0);
        add_key(ring, "expired", SCOPE_READ, NULL, NULL, 1);
        text_addf(&keys_path, "/tmp/ordo-test-keys.%d", getpid());
        ck_assert_int_eq(keyring_save(keys_path.data, ring), 0);
        keyring_unref(ring);
}

/* Undoes \xNN and {{text*N}}. The file goes on behind the line, so strstr() has an end. */
static void expand(struct text *t, const char *s, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                if (n - i >= 4 && s[i] == '\\' && s[i + 1] == 'x') {
                        char hex[3] = {s[i + 2], s[i + 3], '\0'};
                        text_add_char(t, (char)strtol(hex, NULL, 16));
                        i += 3;
                } else if (n - i > 4 && s[i] == '{' && s[i + 1] == '{') {
                        const char *end = strstr(s + i, "}}");
                        const char *star = end ? memrchr(s + i, '*', (size_t)(end - s) - i) : NULL;
                        ck_assert(end && star);
                        if (!star)
                                return; /* for compilers that do not know ck_assert() */
                        for (long k = strtol(star + 1, NULL, 10); k > 0; k--)
                                text_add_bytes(t, s + i + 2, (size_t)(star - s) - i - 2);
                        i = (size_t)(end - s) + 1;
                } else {
                        text_add_char(t, s[i]);
                }
        }
}

struct bad {
        char name[128], method[16], expected[512];
        struct text target, headers, body;
        bool has_body, skip_host, skip_token, skip_type, skip_key;
};

static void bad_done(struct bad *b)
{
        text_done(&b->target);
        text_done(&b->headers);
        text_done(&b->body);
}

static void take_header(struct bad *b, const char *line, size_t n)
{
        if (line[0] == '-') {
                b->skip_host |= text_starts(line, "-Host");
                b->skip_token |= text_starts(line, "-Authorization");
                b->skip_type |= text_starts(line, "-Content-Type");
                b->skip_key |= text_starts(line, "-Idempotency-Key");
                return;
        }
        b->skip_host |= text_starts(line, "Host:");
        b->skip_token |= text_starts(line, "Authorization:");
        b->skip_type |= text_starts(line, "Content-Type:");
        b->skip_key |= text_starts(line, "Idempotency-Key:");
        expand(&b->headers, line, n);
        text_add(&b->headers, "\r\n");
}

/* Reads one case from `p`; returns behind it, or NULL at the end. */
static const char *read_case(const char *p, struct bad *b)
{
        enum { NAME, REQUEST, HEADERS, BODY } at = NAME;

        *b = (struct bad){};
        while (*p) {
                size_t n = strcspn(p, "\n");
                const char *line = p;
                p += n + (p[n] == '\n');
                if (at == NAME) {
                        if (text_starts(line, "== ")) {
                                text_copy_bytes(b->name, sizeof(b->name), line + 3, n - 3);
                                at = REQUEST;
                        }
                } else if (text_starts(line, "=> ")) {
                        text_copy_bytes(b->expected, sizeof(b->expected), line + 3, n - 3);
                        return p;
                } else if (at == REQUEST) {
                        size_t space = strcspn(line, " ");
                        text_copy_bytes(b->method, sizeof(b->method), line, space);
                        expand(&b->target, line + space + 1, n - space - 1);
                        at = HEADERS;
                } else if (at == HEADERS && n == 0) {
                        b->has_body = true;
                        at = BODY;
                } else if (at == HEADERS) {
                        take_header(b, line, n);
                } else {
                        if (b->body.len > 0)
                                text_add_char(&b->body, '\n');
                        expand(&b->body, line, n);
                }
        }
        return NULL;
}

static void send_case(const struct bad *b, int fd)
{
        _cleanup_(text_done) struct text t = TEXT_NULL;

        text_addf(&t, "%s ", b->method);
        text_add_bytes(&t, b->target.data, b->target.len);
        text_add(&t, " HTTP/1.1\r\n");
        if (!b->skip_host)
                text_add(&t, "Host: 127.0.0.1\r\n");
        if (!b->skip_token)
                text_add(&t, "Authorization: Bearer " TOKEN "\r\n");
        if (!b->skip_key && strcmp(text_str(&b->target), "/api/v1/orders") == 0)
                text_add(&t, "Idempotency-Key: \"8e03978e\"\r\n");
        if (b->has_body && !b->skip_type)
                text_add(&t, "Content-Type: application/json\r\n");
        if (b->has_body)
                text_addf(&t, "Content-Length: %zu\r\n", b->body.len);
        text_add_bytes(&t, text_str(&b->headers), b->headers.len);
        text_add(&t, "\r\n");
        text_add_bytes(&t, text_str(&b->body), b->body.len);
        client_send(fd, t.data, t.len);
}

/* "400 CODE /a /b" of an answer, as the file has it. */
static void describe(const struct reply *r, struct text *t)
{
        _cleanup_(json_freep) struct json_object *root = json_tokener_parse(r->body);
        struct json_object *code = NULL, *errors = NULL, *pointer = NULL, *status = NULL;

        ck_assert_ptr_nonnull(root);
        ck_assert_str_eq(reply_header(r, "content-type"), "application/problem+json");
        json_object_object_get_ex(root, "code", &code);
        json_object_object_get_ex(root, "status", &status);
        ck_assert_int_eq(json_object_get_int(status), r->status);
        text_addf(t, "%d %s", r->status, json_object_get_string(code));
        json_object_object_get_ex(root, "errors", &errors);
        for (size_t i = 0; errors && i < json_object_array_length(errors); i++) {
                json_object_object_get_ex(json_object_array_get_idx(errors, i), "pointer",
                                          &pointer);
                const char *s = json_object_get_string(pointer);
                text_addf(t, " %s", *s ? s : "\"\"");
        }
        static const char *const always[] = {"type", "title", "detail", "correlation_id",
                                             "retry_safe"};
        for (size_t i = 0; i < ELEMENTS(always); i++)
                ck_assert(json_object_object_get_ex(root, always[i], NULL));
}

START_TEST(bad_input)
{
        _cleanup_(text_done) struct text file = TEXT_NULL;
        unsigned cases = 0, wrong = 0;
        char buf[4096];
        struct bad b;

        FILE *f = fopen(CASES, "re");
        ck_assert_ptr_nonnull(f);
        for (size_t n; (n = fread(buf, 1, sizeof(buf), f)) > 0;)
                text_add_bytes(&file, buf, n);
        fclose(f);
        write_keys();
        harness_start(&(struct harness_options){.http.keys_file = keys_path.data,
                                                .http.idempotency_required = true});
        for (const char *p = file.data; (p = read_case(p, &b)); bad_done(&b)) {
                _cleanup_(text_done) struct text got = TEXT_NULL;
                int fd = client_connect();
                cases++;
                send_case(&b, fd);
                struct reply r = client_read(fd, false);
                ck_assert_msg(r.complete, "%s: no answer", b.name);
                describe(&r, &got);
                if (strcmp(got.data, b.expected) != 0) {
                        wrong++;
                        fprintf(stderr, "%s:\n  expected %s\n  got      %s\n  %s\n", b.name,
                                b.expected, got.data, r.body);
                }
                reply_done(&r);
                close(fd);
        }
        bad_done(&b);
        unlink(keys_path.data);
        text_done(&keys_path);
        ck_assert_uint_ge(cases, CASES_MIN);
        ck_assert_uint_eq(wrong, 0);
        /* No trace: nothing of all this has reached the orchestrator. */
        ck_assert_int_eq(fake.placed + fake.amended + fake.cancelled_many + fake.killed +
                                 fake.reported + fake.logins + fake.completed,
                         0);
        harness_stop();
}
END_TEST

SUITE("http/bad_input", bad_input)
