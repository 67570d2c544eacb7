#include "http/head.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

static bool name_is(const char *line, size_t n, const char *name)
{
        size_t len = strlen(name);

        return n > len && line[len] == ':' && strncasecmp(line, name, len) == 0;
}

void head_scan(const char *raw, size_t n, struct head *ret)
{
        const char *end = raw + n, *line = raw;
        bool first = true;

        *ret = (struct head){};
        while (line < end) {
                const char *feed = memchr(line, '\n', (size_t)(end - line));
                if (!feed)
                        return;
                size_t len = (size_t)(feed - line);
                if (len > 0 && line[len - 1] == '\r')
                        len--;
                else
                        ret->bare = true;
                if (len == 0) {
                        if (!first)
                                return;
                } else if (first) {
                        first = false;
                } else if (line[0] == ' ' || line[0] == '\t') {
                        ret->folded = true;
                } else {
                        ret->hosts += name_is(line, len, "host");
                        ret->content_lengths += name_is(line, len, "content-length");
                        ret->transfer_encodings += name_is(line, len, "transfer-encoding");
                }
                line = feed + 1;
        }
}

const char *head_fault(const struct head *h, unsigned minor)
{
        if (h->folded)
                return "A header continues on the next line; that form is obsolete.";
        if (h->bare)
                return "A line of the head ends without a carriage return.";
        if (h->hosts > 1)
                return "Host is given more than once.";
        if (h->hosts == 0 && minor >= 1)
                return "Host is missing.";
        if (h->content_lengths > 1)
                return "Content-Length is given more than once.";
        if (h->transfer_encodings > 1)
                return "Transfer-Encoding is given more than once.";
        if (h->content_lengths > 0 && h->transfer_encodings > 0)
                return "Content-Length and Transfer-Encoding exclude each other.";
        if (h->transfer_encodings > 0 && minor == 0)
                return "Transfer-Encoding is not part of HTTP/1.0.";
        return NULL;
}

bool correlation_id_valid(const char *s, size_t n)
{
        return n >= 1 && n <= 64 &&
               text_only(s, n, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
}

int idempotency_key_parse(const char *s, size_t n, char *buf, size_t size)
{
        if (n > 0 && s[0] == '"') {
                if (n < 2 || s[n - 1] != '"')
                        return -EINVAL;
                s++;
                n -= 2;
        }
        if (n == 0 || n >= size)
                return -EINVAL;
        for (size_t i = 0; i < n; i++)
                if (s[i] <= ' ' || s[i] > '~' || s[i] == '"')
                        return -EINVAL;
        return text_copy_bytes(buf, size, s, n) ? 0 : -EINVAL;
}

static size_t skip_blanks(const char *s, size_t n, size_t i)
{
        while (i < n && (s[i] == ' ' || s[i] == '\t'))
                i++;
        return i;
}

bool content_type_json(const char *s, size_t n)
{
        static const char type[] = "application/json", parameter[] = "charset=";
        size_t i = sizeof(type) - 1;

        if (n < i || strncasecmp(s, type, i) != 0)
                return false;
        i = skip_blanks(s, n, i);
        if (i == n)
                return true;
        if (s[i++] != ';')
                return false;
        i = skip_blanks(s, n, i);
        if (n - i < sizeof(parameter) - 1 ||
            strncasecmp(s + i, parameter, sizeof(parameter) - 1) != 0)
                return false;
        i += sizeof(parameter) - 1;
        while (n > i && (s[n - 1] == ' ' || s[n - 1] == '\t'))
                n--;
        if (n - i >= 2 && s[i] == '"' && s[n - 1] == '"') {
                i++;
                n--;
        }
        return n - i == 5 && strncasecmp(s + i, "utf-8", 5) == 0;
}
