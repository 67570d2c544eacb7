/* The keys file and what auth makes of it. */
#include <stdio.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "http/auth.h"
#include "http/keys.h"
#include "suite.h"

#define HASH_A \
        "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb" /* of "a" */
#define HASH_B \
        "sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d" /* of "b" */

static struct text faults;

static int parse(const char *s, struct keyring **ret)
{
        text_done(&faults);
        return keyring_parse(s, strlen(s), "keys", &faults, ret);
}

START_TEST(good)
{
        struct keyring *k, *again;
        struct text t = TEXT_NULL;

        ck_assert_int_eq(parse("{\"keys\":[{\"name\":\"desk\",\"hash\":\"" HASH_A
                               "\",\"scopes\":[\"read\",\"trade\"],"
                               "\"accounts\":[\"paper:demo\",\"fyers:main\"],\"cidrs\":[\"10.0.0.0/"
                               "8\",\"::1\"],"
                               "\"expires\":\"2027-03-31T00:00:00+05:30\"},"
                               "{\"name\":\"all\",\"hash\":\"" HASH_B
                               "\",\"scopes\":[\"admin\"],\"accounts\":null}]}",
                               &k),
                         0);
        struct api_key *desk = keyring_find(k, "desk");
        ck_assert_uint_eq(desk->scopes, SCOPE_READ | SCOPE_TRADE);
        ck_assert_str_eq(desk->accounts[0], "paper:demo");
        ck_assert_str_eq(desk->accounts[1], "fyers:main");
        ck_assert_ptr_null(desk->accounts[2]);
        ck_assert_uint_eq(desk->n_networks, 2);
        ck_assert_ptr_null(keyring_find(k, "all")->accounts);
        ck_assert_int_eq(keyring_find(k, "all")->expires_us, 0);
        /* What is printed is read back as the same. */
        keyring_print(k, &t);
        ck_assert_int_eq(parse(t.data, &again), 0);
        struct text twice = TEXT_NULL;
        keyring_print(again, &twice);
        ck_assert_str_eq(t.data, twice.data);
        ck_assert(keyring_remove(again, "desk"));
        ck_assert(!keyring_remove(again, "desk"));
        ck_assert_uint_eq(again->n, 1);
        text_done(&t);
        text_done(&twice);
        keyring_unref(k);
        keyring_unref(again);
        ck_assert_int_eq(parse("{\"keys\":[]}", &k), 0);
        keyring_unref(k);
}
END_TEST

START_TEST(dead_man)
{
        static const struct {
                const char *members, *fault;
        } cases[] = {
                {"\"dead_man\":5,\"dead_man_level\":\"FLATTEN\"", NULL},
                {"\"dead_man\":86400", NULL},
                {"\"dead_man\":4", "/keys/0/dead_man must"},
                {"\"dead_man\":86401", "/keys/0/dead_man must"},
                {"\"dead_man\":\"60\"", "/keys/0/dead_man must"},
                {"\"dead_man\":60,\"dead_man_level\":\"NONE\"", "/keys/0/dead_man_level must be"},
                {"\"dead_man_level\":\"HALT\"", "/keys/0/dead_man_level needs dead_man"},
        };
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                char text[512];
                struct keyring *k = NULL;
                snprintf(text, sizeof(text),
                         "{\"keys\":[{\"name\":\"desk\",\"hash\":\"" HASH_A
                         "\",\"scopes\":[\"trade\"],%s}]}",
                         cases[i].members);
                ck_assert_int_eq(parse(text, &k), cases[i].fault ? 1 : 0);
                if (cases[i].fault) {
                        ck_assert_ptr_nonnull(strstr(faults.data, cases[i].fault));
                        continue;
                }
                struct text printed = TEXT_NULL;
                ck_assert_int_eq(k->keys[0].dead_man_s, i == 0 ? 5 : 86400);
                ck_assert_str_eq(key_dead_man_level(&k->keys[0]), i == 0 ? "FLATTEN" : "CANCEL");
                keyring_print(k, &printed);
                ck_assert_ptr_nonnull(strstr(printed.data, "\"dead_man\":"));
                text_done(&printed);
                keyring_unref(k);
        }
        struct api_key key = {};
        ck_assert_int_eq(key_set_dead_man(&key, "60s", "HALT"), 0);
        ck_assert_int_eq(key.dead_man_s, 60);
        ck_assert_int_eq(key_set_dead_man(&key, "60m", "HALT"), -EINVAL);
        ck_assert_int_eq(key_set_dead_man(&key, "s", "HALT"), -EINVAL);
        ck_assert_int_eq(key_set_dead_man(&key, "60", "halt"), -EINVAL);
}
END_TEST

#define NINE                                                                                   \
        "{\"max_order_value\":\"50000.00\",\"max_order_quantity\":500,\"max_open_orders\":20," \
        "\"max_daily_value\":\"400000.00\",\"orders_per_second\":3,\"orders_per_minute\":60,"  \
        "\"orders_per_day\":200,\"price_collar_percent\":\"2.00\",\"repeat_window_ms\":5000}"

static int parse_limits(const char *limits, struct keyring **ret)
{
        char text[1024];

        snprintf(text, sizeof(text),
                 "{\"keys\":[{\"name\":\"desk\",\"hash\":\"" HASH_A
                 "\",\"scopes\":[\"trade\"],\"limits\":%s}]}",
                 limits);
        *ret = NULL;
        return parse(text, ret);
}

START_TEST(limits)
{
        struct keyring *k;
        struct text printed = TEXT_NULL;

        ck_assert_int_eq(parse_limits(NINE, &k), 0);
        const struct account_limits *l = &k->keys[0].limits;
        ck_assert(k->keys[0].has_limits);
        ck_assert_int_eq(l->max_order_value, 50000 * DECIMAL_ONE);
        ck_assert_int_eq(l->max_order_quantity, 500);
        ck_assert_int_eq(l->max_open_orders, 20);
        ck_assert_int_eq(l->max_daily_value, 400000 * DECIMAL_ONE);
        ck_assert_int_eq(l->orders_per_second, 3);
        ck_assert_int_eq(l->orders_per_minute, 60);
        ck_assert_int_eq(l->orders_per_day, 200);
        ck_assert_int_eq(l->price_collar_percent, 2 * DECIMAL_ONE);
        ck_assert_int_eq(l->repeat_window_us, 5 * USEC_PER_SEC);
        keyring_print(k, &printed);
        ck_assert_msg(strstr(printed.data, "\"limits\":" NINE), "%s", printed.data);
        text_done(&printed);
        keyring_unref(k);

        ck_assert_int_eq(parse_limits("{}", &k), 0);
        ck_assert(k->keys[0].has_limits);
        keyring_print(k, &printed);
        ck_assert_ptr_nonnull(strstr(printed.data, "\"limits\":{}"));
        text_done(&printed);
        keyring_unref(k);

        ck_assert_int_eq(parse_limits("null", &k), 0);
        ck_assert(!k->keys[0].has_limits);
        keyring_unref(k);
}
END_TEST

START_TEST(bad_limits)
{
        static const char *const cases[][2] = {
                {"{\"orders_per_day\":0}", "orders_per_day must be"},
                {"{\"orders_per_day\":-1}", "orders_per_day must be"},
                {"{\"orders_per_day\":10000001}", "orders_per_day must be"},
                {"{\"orders_per_day\":99999999999999999999}", "too many digits"},
                {"{\"orders_per_day\":\"10\"}", "orders_per_day must be"},
                {"{\"orders_per_second\":1001}", "orders_per_second must be"},
                {"{\"orders_per_minute\":60001}", "orders_per_minute must be"},
                {"{\"max_open_orders\":1000001}", "max_open_orders must be"},
                {"{\"max_order_quantity\":0}", "max_order_quantity must be"},
                {"{\"max_order_value\":\"0\"}", "max_order_value must be"},
                {"{\"max_order_value\":\"-1.00\"}", "max_order_value must be"},
                {"{\"max_order_value\":\"1000000000000.01\"}", "max_order_value must be"},
                {"{\"max_daily_value\":\"1.00001\"}", "max_daily_value must be"},
                {"{\"price_collar_percent\":\"100.01\"}", "price_collar_percent must be"},
                {"{\"repeat_window_ms\":3600001}", "repeat_window_ms must be"},
                {"{\"max_daily_loss\":\"5.00\"}", "max_daily_loss is not a known field"},
                {"[]", "must be an object"},
                {"100", "must be an object"},
        };
        static const char *const words[] = {"orders_per_day",
                                            "orders_per_day=",
                                            "orders_per_day=0",
                                            "orders_per_day=-1",
                                            "orders_per_day=1x",
                                            "orders_per_day=10000001",
                                            "orders=1",
                                            "max_daily_loss=5",
                                            "max_order_value=0",
                                            "max_order_value=-5",
                                            "price_collar_percent=101",
                                            "=5",
                                            "orders_per_day=5=5",
                                            ""};
        struct keyring *k;
        struct api_key key = {};

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                ck_assert_msg(parse_limits(cases[i][0], &k) == 1, "%s", cases[i][0]);
                ck_assert_msg(strstr(faults.data, "/keys/0/limits") &&
                                      strstr(faults.data, cases[i][1]),
                              "%s: %s", cases[i][0], faults.data);
        }
        for (size_t i = 0; i < ELEMENTS(words); i++)
                ck_assert_msg(key_set_limit(&key, words[i], strlen(words[i])) == -EINVAL, "%s",
                              words[i]);
        ck_assert(!key.has_limits);
        ck_assert_int_eq(key_set_limit(&key, "repeat_window_ms=3600000", 24), 0);
        ck_assert_int_eq(key_set_limit(&key, "max_order_value=0.05", 20), 0);
        ck_assert(key.has_limits);
        ck_assert_int_eq(key.limits.repeat_window_us, 3600 * USEC_PER_SEC);
        ck_assert_int_eq(key.limits.max_order_value, 500);
}
END_TEST

START_TEST(every_fault_is_told)
{
        struct keyring *k = NULL;

        ck_assert_int_eq(parse("{\"keys\":[{\"name\":\"a "
                               "b\",\"hash\":\"md5:1\",\"scopes\":[\"write\",\"read\",\"read\"],"
                               "\"colour\":1},7,"
                               "{\"name\":\"ordod\",\"hash\":\"" HASH_A
                               "\",\"scopes\":[],\"accounts\":[\"x\",3],\"cidrs\":[\"10.0.0.1/8\"],"
                               "\"expires\":\"soon\"},{\"name\":\"b\",\"hash\":\"" HASH_A
                               "\"},{\"name\":\"b\",\"hash\":\"" HASH_B
                               "\",\"scopes\":[\"read\"]}]}",
                               &k),
                         1);
        static const char *const expected[] = {"/keys/0/colour is not a known field",
                                               "/keys/0/hash must be",
                                               "/keys/0/name must be",
                                               "/keys/0/scopes/0",
                                               "/keys/0/scopes/2",
                                               "/keys/1 must be an object",
                                               "/keys/2/name",
                                               "/keys/2/expires",
                                               "/keys/2/scopes must be",
                                               "/keys/2/accounts/0",
                                               "/keys/2/accounts/1",
                                               "/keys/2/cidrs/0",
                                               "/keys/3/hash belongs to another",
                                               "/keys/3/scopes is required",
                                               "/keys/4/name is used twice"};
        for (size_t i = 0; i < ELEMENTS(expected); i++)
                ck_assert_msg(strstr(faults.data, expected[i]), "no %s in %s", expected[i],
                              faults.data);
        ck_assert_int_eq(parse("{}", &k), 1);
        ck_assert_int_eq(parse("[]", &k), 1);
        ck_assert_int_eq(parse("{\"keys\":{}}", &k), 1);
        ck_assert_int_eq(parse("{\"keys\":[", &k), 1);
        ck_assert_int_eq(parse("{\"keys\":[],\"keys\":[]}", &k), 1);
        ck_assert_int_eq(parse("", &k), 1);
        text_done(&faults);
}
END_TEST

START_TEST(too_many)
{
        struct text t = TEXT_NULL;
        struct keyring *k = NULL;

        text_add(&t, "{\"keys\":[");
        for (unsigned i = 0; i <= KEYS_MAX; i++)
                text_addf(&t,
                          "%s{\"name\":\"k%u\",\"hash\":\"sha256:%064x\",\"scopes\":[\"read\"]}",
                          i ? "," : "", i, i);
        text_add(&t, "]}");
        ck_assert_int_eq(parse(t.data, &k), 1);
        ck_assert_ptr_nonnull(strstr(faults.data, "/keys/256 is one too many"));
        text_done(&t);
        text_done(&faults);
}
END_TEST

START_TEST(files)
{
        struct keyring *k, *again;
        struct api_key *key;
        struct stat st;
        char path[64];

        snprintf(path, sizeof(path), "/tmp/ordo-test-keyfile.%d", getpid());
        unlink(path);
        text_done(&faults);
        /* Not there: no keys yet. */
        ck_assert_int_eq(keyring_load(path, &faults, &again), 0);
        ck_assert_uint_eq(again->n, 0);
        keyring_unref(again);
        ck_assert_int_eq(keyring_new(&k), 0);
        ck_assert_int_eq(keyring_add(k, &key), 0);
        text_copy(key->name, sizeof(key->name), "desk");
        key->scopes = SCOPE_READ;
        ck_assert_int_eq(keyring_save(path, k), 0);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_int_eq(st.st_mode & 07777, 0600);
        ck_assert_int_eq(keyring_load(path, &faults, &again), 0);
        ck_assert_ptr_nonnull(keyring_find(again, "desk"));
        keyring_unref(again);
        /* Whoever may write it may give himself a key. */
        chmod(path, 0620);
        text_done(&faults);
        ck_assert_int_eq(keyring_load(path, &faults, &again), 1);
        ck_assert_ptr_nonnull(strstr(faults.data, "chmod"));
        ck_assert_int_eq(truncate(path, KEYS_FILE_MAX + 1), 0);
        chmod(path, 0600);
        ck_assert_int_eq(keyring_load(path, &faults, &again), 1);
        unlink(path);
        ck_assert_int_eq(keyring_load("/tmp", &faults, &again), 1);
        ck_assert_int_lt(keyring_save("/proc/nowhere/keys", k), 0);
        keyring_unref(k);
        text_done(&faults);
}
END_TEST

START_TEST(tokens)
{
        char a[KEY_TOKEN_SIZE], b[KEY_TOKEN_SIZE];

        key_make_token(a);
        key_make_token(b);
        ck_assert_uint_eq(strlen(a), KEY_TOKEN_SIZE - 1);
        ck_assert(text_starts(a, "ordo_"));
        ck_assert_str_ne(a, b);
        ck_assert(key_name_valid("a.B-_9", 6));
        ck_assert(!key_name_valid("", 0));
        ck_assert(!key_name_valid("operator", 8));
        ck_assert(!key_name_valid("api-token", 9));
        ck_assert(!key_name_valid("0123456789012345678901234567890123", 34));
}
END_TEST

static struct auth a;

static enum problem check(const char *authorization, const char *address, unsigned scope,
                          struct auth_answer *ret)
{
        struct address from;
        struct auth_request r = {.authorization = authorization,
                                 .size = authorization ? strlen(authorization) : 0,
                                 .scope = scope,
                                 .wall_us = 2000,
                                 .mono_us = 1000};

        if (address) {
                ck_assert_int_eq(address_parse(address, strlen(address), &from), 0);
                r.address = &from;
        }
        return auth_check(&a, &r, ret);
}

START_TEST(checks)
{
        struct secret *token = secret_new("root", 4);
        struct auth_answer answer;
        struct keyring *k;

        ck_assert_int_eq(
                parse("{\"keys\":[{\"name\":\"a\",\"hash\":\"" HASH_A
                      "\",\"scopes\":[\"read\"],\"cidrs\":[\"10.0.0.0/8\"]},"
                      "{\"name\":\"b\",\"hash\":\"" HASH_B
                      "\",\"scopes\":[\"trade\"],\"expires\":\"1970-01-01T00:00:00.002Z\"}]}",
                      &k),
                0);
        auth_swap(&a, k);
        ck_assert_int_eq(check("Bearer a", "10.1.1.1", SCOPE_READ, &answer), PROBLEM_NONE);
        ck_assert_str_eq(answer.key->name, "a");
        ck_assert_int_eq(check("bEARER   a", "10.1.1.1", SCOPE_READ, &answer), PROBLEM_NONE);
        ck_assert_int_eq(check("Bearer a", "10.1.1.1", SCOPE_TRADE, &answer), PROBLEM_FORBIDDEN);
        ck_assert_int_eq(check("Bearer a", "192.0.2.1", SCOPE_READ, &answer),
                         PROBLEM_ADDRESS_FORBIDDEN);
        ck_assert_int_eq(check("Bearer a", NULL, SCOPE_READ, &answer), PROBLEM_ADDRESS_FORBIDDEN);
        ck_assert_int_eq(check(NULL, "10.1.1.1", SCOPE_READ, &answer), PROBLEM_UNAUTHORIZED);
        ck_assert_str_eq(answer.reason, "missing");
        ck_assert_int_eq(check("Bearer b", "10.1.1.1", SCOPE_TRADE, &answer), PROBLEM_UNAUTHORIZED);
        ck_assert_str_eq(answer.reason, "expired");
        static const char *const malformed[] = {"",           "a",       "Bearer", "Bearer ",
                                                "Bearer a b", "Basic a", "Bearera"};
        for (size_t i = 0; i < ELEMENTS(malformed); i++) {
                ck_assert_int_eq(check(malformed[i], "10.1.1.2", SCOPE_READ, &answer),
                                 PROBLEM_UNAUTHORIZED);
                ck_assert_str_eq(answer.reason, "malformed");
        }
        for (unsigned i = 0; i < THROTTLE_FAILURES; i++)
                ck_assert_int_eq(check("Bearer x", "10.1.1.3", SCOPE_READ, &answer),
                                 PROBLEM_UNAUTHORIZED);
        ck_assert_int_eq(check("Bearer x", "10.1.1.3", SCOPE_READ, &answer),
                         PROBLEM_AUTH_THROTTLED);
        ck_assert_int_eq(answer.retry_after_s, 60);
        /* A good token passes, and requests without any do not count. */
        ck_assert_int_eq(check("Bearer a", "10.1.1.3", SCOPE_READ, &answer), PROBLEM_NONE);
        ck_assert_int_eq(check(NULL, "10.1.1.3", SCOPE_READ, &answer), PROBLEM_UNAUTHORIZED);

        text_done(&faults);
        ck_assert_int_eq(auth_load(token, NULL, &faults, &k), 0);
        ck_assert_uint_eq(k->n, 1);
        auth_swap(&a, k);
        ck_assert_int_eq(check("Bearer root", "192.0.2.1", SCOPE_ADMIN, &answer), PROBLEM_NONE);
        ck_assert_str_eq(answer.key->name, KEY_API_TOKEN);
        ck_assert_int_eq(check("Bearer a", "10.1.1.1", SCOPE_READ, &answer), PROBLEM_UNAUTHORIZED);
        a.keyring = keyring_unref(a.keyring);
        secret_free(token);
}
END_TEST

START_TEST(rates_survive_a_reload)
{
        struct keyring *k;
        int64_t wait;

        ck_assert_int_eq(parse("{\"keys\":[{\"name\":\"a\",\"hash\":\"" HASH_A
                               "\",\"scopes\":[\"read\"]}]}",
                               &k),
                         0);
        auth_swap(&a, k);
        ck_assert(rate_take(&k->keys[0].rate, 1, 5000000, &wait));
        struct keyring *held = keyring_ref(k);
        ck_assert_int_eq(parse("{\"keys\":[{\"name\":\"a\",\"hash\":\"" HASH_B
                               "\",\"scopes\":[\"read\"]}]}",
                               &k),
                         0);
        auth_swap(&a, k);
        ck_assert(!rate_take(&k->keys[0].rate, 1, 5000000, &wait));
        /* A request that is under way keeps the key it came with. */
        ck_assert_str_eq(held->keys[0].name, "a");
        keyring_unref(held);
        a.keyring = keyring_unref(a.keyring);
}
END_TEST

SUITE("http/keys", good, dead_man, limits, bad_limits, every_fault_is_told, too_many, files, tokens,
      checks, rates_survive_a_reload)
