#include "orchestrator/callback.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int decode(const char *s, size_t n, struct secret **ret)
{
        char *out = malloc(n + 1);
        size_t len = 0;
        int r = 0;

        if (!out)
                return -ENOMEM;
        for (size_t i = 0; i < n && r == 0; i++) {
                int c = (unsigned char)s[i];
                if (c == '%') {
                        int high = n - i > 2 ? digit(s[i + 1]) : -1;
                        int low = n - i > 2 ? digit(s[i + 2]) : -1;
                        c = high >= 0 && low >= 0 ? high * 16 + low : 0;
                        i += 2;
                }
                if (c == 0)
                        r = -EINVAL;
                out[len++] = (char)c;
        }
        if (r == 0) {
                *ret = secret_new(out, len);
                r = *ret ? 0 : -ENOMEM;
        }
        secret_wipe(out, n + 1);
        free(out);
        return r;
}

static bool is_one_of(const char *s, size_t n, const char *const *keys)
{
        for (; *keys; keys++)
                if (strlen(*keys) == n && memcmp(*keys, s, n) == 0)
                        return true;
        return false;
}

int callback_find(const char *url, const char *const *keys, struct secret **ret)
{
        const char *p = strchr(url, '?'), *found = NULL;
        size_t n_found = 0;

        if (!p)
                return -ENOENT;
        const char *end = p + 1 + strcspn(p + 1, "#");
        while (p < end) {
                const char *pair = p + 1;
                size_t n = strcspn(pair, "&#"), name = strcspn(pair, "=&#");
                if (is_one_of(pair, name, keys) && name < n) {
                        if (found)
                                return -EINVAL;
                        found = pair + name + 1;
                        n_found = n - name - 1;
                }
                p = pair + n;
        }
        return n_found > 0 ? decode(found, n_found, ret) : -ENOENT;
}

static int find_one(const char *url, const char *key, struct secret **ret)
{
        return callback_find(url, (const char *const[]){key, NULL}, ret);
}

static int check_state(const struct broker_callback *b, const char *url, const struct secret *state)
{
        _cleanup_(secret_freep) struct secret *given = NULL;

        if (!b->state_key)
                return 0;
        int r = find_one(url, b->state_key, &given);
        if (r == -ENOMEM)
                return r;
        return r == 0 && secret_equal(state, secret_bytes(given), secret_size(given)) ? 0 : -EACCES;
}

/* Printable characters only: the words go into an answer and to a terminal. */
static void copy_words(const struct secret *words, char message[static MESSAGE_SIZE])
{
        const char *s = secret_bytes(words);
        size_t n = 0;

        for (; *s && n + 1 < MESSAGE_SIZE; s++)
                message[n++] = *s >= ' ' && *s <= '~' ? *s : ' ';
        message[n] = '\0';
}

static int check_status(const struct broker_callback *b, const char *url,
                        char message[static MESSAGE_SIZE])
{
        _cleanup_(secret_freep) struct secret *status = NULL, *words = NULL;

        if (!b->status_key || find_one(url, b->status_key, &status) < 0 ||
            secret_equal(status, b->status_ok, strlen(b->status_ok)))
                return 0;
        if (b->message_key && find_one(url, b->message_key, &words) == 0)
                copy_words(words, message);
        return -ECANCELED;
}

bool callback_code_good(const struct secret *code)
{
        const char *s = secret_bytes(code);
        size_t n = secret_size(code);

        for (size_t i = 0; i < n; i++)
                if (s[i] <= ' ' || s[i] > '~')
                        return false;
        return n > 0;
}

int callback_read(const struct broker_callback *b, const char *url, const struct secret *state,
                  char message[static MESSAGE_SIZE], struct secret **ret_code)
{
        message[0] = '\0';
        int r = check_state(b, url, state);
        if (r == 0)
                r = check_status(b, url, message);
        if (r == 0)
                r = callback_find(url, b->code_keys, ret_code);
        if (r == 0 && !callback_code_good(*ret_code)) {
                *ret_code = secret_free(*ret_code);
                r = -ENOENT;
        }
        return r == -EINVAL ? -ENOENT : r;
}
