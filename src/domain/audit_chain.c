#include "domain/audit_chain.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/clock.h"
#include "base/json.h"

#define HEX_SIZE (2 * AUDIT_HASH_SIZE)
#define PREV     ",\"prev\":\""
#define HASH     ",\"hash\":\""
/* what follows the record text without its closing brace */
#define HASH_TAIL_SIZE (sizeof(HASH) - 1 + HEX_SIZE + 2)
#define PREV_TAIL_SIZE (sizeof(PREV) - 1 + HEX_SIZE + 1)

static void add_member(struct text *t, const char *key, size_t n, const char *value)
{
        text_add_bytes(t, key, n);
        if (value)
                json_add_quoted(t, value, strlen(value));
        else
                text_add_bytes(t, "null", 4);
}
#define ADD_MEMBER(t, name, value) add_member(t, ",\"" name "\":", sizeof(name) + 3, value)

/* OpenSSL's, because it uses the processor's own instructions: two records an order make it matter.
 * Looking the algorithm up costs more than hashing a record, so it is done once. */
static EVP_MD *sha256;

static void fetch_sha256(void)
{
        sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

static int hash_record(const uint8_t prev[AUDIT_HASH_SIZE], const char *text, size_t n,
                       uint8_t ret[AUDIT_HASH_SIZE])
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        unsigned size = 0;

        pthread_once(&once, fetch_sha256);
        EVP_MD_CTX *c = EVP_MD_CTX_new();
        bool ok = c && sha256 && EVP_DigestInit_ex2(c, sha256, NULL) &&
                  EVP_DigestUpdate(c, prev, AUDIT_HASH_SIZE) && EVP_DigestUpdate(c, text, n) &&
                  EVP_DigestUpdate(c, "}", 1) && EVP_DigestFinal_ex(c, ret, &size) &&
                  size == AUDIT_HASH_SIZE;
        EVP_MD_CTX_free(c);
        return ok ? 0 : -ENOMEM;
}

int audit_chain_line(const struct audit_record *r, int64_t seq, const uint8_t prev[AUDIT_HASH_SIZE],
                     struct text *line, uint8_t ret_hash[AUDIT_HASH_SIZE])
{
        char stamp[CLOCK_TEXT_SIZE];

        text_clear(line);
        text_add(line, "{\"seq\":");
        text_add_int(line, seq);
        ADD_MEMBER(line, "timestamp", clock_print(r->at_us, stamp));
        ADD_MEMBER(line, "component", r->component);
        ADD_MEMBER(line, "action", audit_action_name(r->action));
        ADD_MEMBER(line, "actor", r->actor);
        ADD_MEMBER(line, "correlation_id", r->correlation_id);
        ADD_MEMBER(line, "account", r->account);
        ADD_MEMBER(line, "order_id", r->order_id);
        ADD_MEMBER(line, "outcome", r->outcome);
        text_add(line, ",\"payload\":");
        if (r->payload.len > 0)
                text_add_bytes(line, r->payload.data, r->payload.len);
        else
                text_add(line, "null");
        text_add(line, PREV);
        text_add_hex(line, prev, AUDIT_HASH_SIZE);
        text_add_char(line, '"');
        /* A payload that did not fit its own buffer is cut: no record of half the truth. */
        if (r->payload.failed)
                return r->payload.failed;
        if (line->failed)
                return line->failed;
        uint8_t hash[AUDIT_HASH_SIZE];
        int failed = hash_record(prev, line->data, line->len, hash);
        if (failed < 0)
                return failed;
        memcpy(ret_hash, hash, sizeof(hash));
        text_add(line, HASH);
        text_add_hex(line, ret_hash, AUDIT_HASH_SIZE);
        text_add(line, "\"}");
        return line->failed;
}

static int digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return -1;
}

/* Lower case only: there is one spelling of a hash. */
static bool from_hex(const char *s, uint8_t ret[AUDIT_HASH_SIZE])
{
        for (unsigned i = 0; i < AUDIT_HASH_SIZE; i++) {
                int high = digit(s[2 * i]), low = digit(s[2 * i + 1]);
                if (high < 0 || low < 0)
                        return false;
                ret[i] = (uint8_t)(high << 4 | low);
        }
        return true;
}

static bool parse_seq(const char *line, size_t n, int64_t *ret)
{
        static const char head[] = "{\"seq\":", next[] = ",\"timestamp\":\"";
        if (n < sizeof(head) || memcmp(line, head, sizeof(head) - 1) != 0)
                return false;
        const char *s = line + sizeof(head) - 1, *end = line + n,
                   *comma = memchr(s, ',', (size_t)(end - s));
        if (!comma || *s == '0')
                return false;
        if (text_parse_int(s, (size_t)(comma - s), 1, INT64_MAX, ret) < 0)
                return false;
        return (size_t)(end - comma) >= sizeof(next) - 1 &&
               memcmp(comma, next, sizeof(next) - 1) == 0;
}

int audit_chain_check(const char *line, size_t n, const uint8_t *prev,
                      uint8_t ret_hash[AUDIT_HASH_SIZE], int64_t *ret_seq)
{
        uint8_t borne[AUDIT_HASH_SIZE], linked[AUDIT_HASH_SIZE], real[AUDIT_HASH_SIZE];
        uint8_t expected[AUDIT_HASH_SIZE];
        int64_t seq;

        if (prev)
                memcpy(expected, prev, sizeof(expected));
        memset(ret_hash, 0, AUDIT_HASH_SIZE);
        *ret_seq = 0;
        if (n < HASH_TAIL_SIZE + PREV_TAIL_SIZE || memchr(line, '\n', n))
                return AUDIT_CHAIN_MALFORMED;
        size_t text_size = n - HASH_TAIL_SIZE;
        const char *hash = line + text_size, *link = hash - PREV_TAIL_SIZE;
        if (memcmp(hash, HASH, sizeof(HASH) - 1) != 0 || memcmp(line + n - 2, "\"}", 2) != 0 ||
            memcmp(link, PREV, sizeof(PREV) - 1) != 0 || hash[-1] != '"' ||
            !from_hex(hash + sizeof(HASH) - 1, borne) ||
            !from_hex(link + sizeof(PREV) - 1, linked) || !parse_seq(line, text_size, &seq))
                return AUDIT_CHAIN_MALFORMED;
        memcpy(ret_hash, borne, AUDIT_HASH_SIZE);
        *ret_seq = seq;
        if (hash_record(linked, line, text_size, real) < 0)
                return -ENOMEM;
        if (memcmp(real, borne, AUDIT_HASH_SIZE) != 0)
                return AUDIT_CHAIN_ALTERED;
        if (prev && memcmp(expected, linked, AUDIT_HASH_SIZE) != 0)
                return AUDIT_CHAIN_UNLINKED;
        return 0;
}
