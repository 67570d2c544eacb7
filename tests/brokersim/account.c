#include "brokersim/account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "base/clock.h"
#include "base/id.h"

const char *broker_name(enum broker_name b)
{
        static const char *const names[] = {
#define X(name, text) text,
                BROKER_TABLE(X)
#undef X
        };
        return names[b];
}

int broker_from(const char *s)
{
        for (int b = 0; b < _BROKER_MAX; b++)
                if (text_equal(s, broker_name((enum broker_name)b)))
                        return b;
        return -1;
}

struct user *user_add(struct accounts *a, enum broker_name b)
{
        struct user *u = a->n_users < USERS_MAX ? calloc(1, sizeof(*u)) : NULL;

        if (!u)
                return NULL;
        u->broker = b;
        list_init(&u->grants);
        return a->users[a->n_users++] = u;
}

#define USER_FINDER(name, member)                                                               \
        struct user *name(struct accounts *a, enum broker_name b, const char *text)             \
        {                                                                                       \
                for (unsigned i = 0; i < a->n_users; i++)                                       \
                        if (a->users[i]->broker == b && strcmp(a->users[i]->member, text) == 0) \
                                return a->users[i];                                             \
                return NULL;                                                                    \
        }
USER_FINDER(user_by_key, api_key)
USER_FINDER(user_by_client, client_id)
USER_FINDER(user_by_name, username)

int64_t user_available(const struct user *u)
{
        return u->funds + u->realised - u->blocked - u->used;
}

/* --- tokens -------------------------------------------------------------------------------------
 */

static void add_base64url(struct text *t, const void *bytes, size_t n)
{
        static const char digits[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        const uint8_t *b = bytes;

        for (size_t i = 0; i < n; i += 3) {
                uint32_t v = (uint32_t)b[i] << 16 | (i + 1 < n ? (uint32_t)b[i + 1] << 8 : 0) |
                             (i + 2 < n ? b[i + 2] : 0);
                for (unsigned k = 0; k < 4 && i + k < n + 1; k++)
                        text_add_char(t, digits[v >> (18 - 6 * k) & 63]);
        }
}

/* Signed with a key that nobody has: clients can only read it. */
static void make_jwt(struct text *t, const char *claims)
{
        static const char head[] = "{\"typ\":\"JWT\",\"alg\":\"HS256\"}", key[] = "brokersim";
        _cleanup_(text_done) struct text body = TEXT_NULL;
        uint8_t mac[EVP_MAX_MD_SIZE];
        unsigned n = 0;

        text_addf(&body, "{%s}", claims);
        add_base64url(t, head, sizeof(head) - 1);
        text_add_char(t, '.');
        add_base64url(t, text_str(&body), body.len);
        HMAC(EVP_sha256(), key, (int)sizeof(key) - 1, (const uint8_t *)text_str(t), t->len, mac,
             &n);
        text_add_char(t, '.');
        add_base64url(t, mac, n);
}

static void make_random(struct text *t)
{
        uint8_t random[24];

        RAND_bytes(random, sizeof(random));
        text_add_hex(t, random, sizeof(random));
}

struct grant *grant_make(struct accounts *a, struct user *u, enum grant_kind kind,
                         const char *claims, int64_t expires_us)
{
        _cleanup_(text_done) struct text t = TEXT_NULL, all = TEXT_NULL;
        struct grant *g = calloc(1, sizeof(*g));

        if (!g)
                return NULL;
        if (claims) {
                text_addf(&all, "%s,\"jti\":\"%llu\"", claims, (unsigned long long)++a->serial);
                make_jwt(&t, text_str(&all));
        } else {
                make_random(&t);
                /* Such tokens may hold what a URL must encode (hdfc.md §14). */
                if (kind == GRANT_CODE)
                        text_add(&t, "+/==");
        }
        if (!text_copy(g->token, sizeof(g->token), text_str(&t))) {
                free(g);
                return NULL;
        }
        g->kind = kind;
        g->broker = u->broker;
        g->user = u;
        g->expires_us = expires_us;
        list_append(&u->grants, &g->link);
        HASH_ADD_KEYPTR(hh, a->grants, g->token, strlen(g->token), g);
        if (++u->n_grants > GRANTS_PER_USER_MAX)
                grant_end(a, LIST_ENTRY(u->grants.next, struct grant, link));
        return g;
}

struct grant *grant_find(struct accounts *a, enum broker_name b, enum grant_kind kind,
                         const char *token)
{
        struct grant *g;

        HASH_FIND_STR(a->grants, token, g);
        return g && g->broker == b && g->kind == kind && g->expires_us > clock_wall_us() ? g : NULL;
}

void grant_end(struct accounts *a, struct grant *g)
{
        HASH_DEL(a->grants, g);
        list_unlink(&g->link);
        g->user->n_grants--;
        free(g);
}

void grants_end(struct accounts *a, struct user *u)
{
        struct grant *g, *next;

        HASH_ITER (hh, a->grants, g, next)
                if (!u || g->user == u)
                        grant_end(a, g);
}

int64_t next_ist(int second)
{
        int64_t now = clock_wall_us();
        int day = clock_ist_day(now);
        int64_t at = clock_from_ist(day, second);

        return at > now ? at : clock_from_ist(clock_day_add(day, 1), second);
}

/* --- one-time passwords, hashes -----------------------------------------------------------------
 */

static size_t base32(const char *s, uint8_t *ret, size_t size)
{
        uint32_t bits = 0;
        unsigned n_bits = 0;
        size_t n = 0;

        for (; *s; s++) {
                int v = *s >= 'A' && *s <= 'Z'   ? *s - 'A'
                        : *s >= 'a' && *s <= 'z' ? *s - 'a'
                        : *s >= '2' && *s <= '7' ? *s - '2' + 26
                                                 : -1;
                if (v < 0)
                        continue;
                bits = bits << 5 | (uint32_t)v;
                n_bits += 5;
                if (n_bits >= 8 && n < size) {
                        n_bits -= 8;
                        ret[n++] = (uint8_t)(bits >> n_bits);
                }
        }
        return n;
}

static void totp_at(const uint8_t *key, size_t n, uint64_t step, char ret[static 7])
{
        uint8_t counter[8], mac[EVP_MAX_MD_SIZE];
        unsigned size = 0;

        for (unsigned i = 0; i < 8; i++)
                counter[i] = (uint8_t)(step >> (56 - 8 * i));
        HMAC(EVP_sha1(), key, (int)n, counter, sizeof(counter), mac, &size);
        unsigned at = mac[size - 1] & 15;
        uint32_t v = (uint32_t)(mac[at] & 127) << 24 | (uint32_t)mac[at + 1] << 16 |
                     (uint32_t)mac[at + 2] << 8 | mac[at + 3];
        snprintf(ret, 7, "%06u", v % 1000000);
}

bool totp_good(const char *secret, const char *code)
{
        uint8_t key[64];
        size_t n = base32(secret, key, sizeof(key));
        uint64_t now = (uint64_t)(clock_wall_us() / USEC_PER_SEC / 30);
        char expected[7];

        for (int i = -1; i <= 1 && n > 0; i++) {
                totp_at(key, n, now + (uint64_t)(int64_t)i, expected);
                if (strcmp(expected, code) == 0)
                        return true;
        }
        return false;
}

void sha256_hex(const char *s, char ret[static 65])
{
        uint8_t hash[SHA256_DIGEST_LENGTH];

        SHA256((const uint8_t *)s, strlen(s), hash);
        for (unsigned i = 0; i < sizeof(hash); i++)
                snprintf(ret + 2 * i, 3, "%02x", hash[i]);
}
