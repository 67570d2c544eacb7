#include "brokersim/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/clock.h"

#define PACK_FROM 4096

const char *operation_name(enum operation o)
{
        static const char *const names[] = {
#define X(name, text) text,
                OPERATION_TABLE(X)
#undef X
        };
        return names[o];
}

int operation_from(const char *s)
{
        for (int o = 0; o < _OPERATION_MAX; o++)
                if (text_equal(s, operation_name((enum operation)o)))
                        return o;
        return -1;
}

void call_answer(struct call *c, int status, const char *content_type)
{
        text_clear(&c->out);
        text_clear(&c->location);
        c->gzip = false;
        c->status = status;
        c->content_type = content_type;
}

struct json_writer call_json(struct call *c, int status)
{
        call_answer(c, status, "application/json");
        return JSON_WRITER(&c->out);
}

void call_redirect(struct call *c, const char *url)
{
        call_answer(c, 302, "text/plain");
        text_add(&c->location, url);
}

bool call_is(const struct call *c, const char *method)
{
        return strlen(method) == c->method.n && memcmp(method, c->method.s, c->method.n) == 0;
}

struct json_object *call_body(const struct call *c)
{
        struct json_object *o = NULL;
        struct json_fault fault;

        if (json_parse(c->body.s, c->body.n, NULL, &o, &fault) != 0)
                return NULL;
        if (json_object_is_type(o, json_type_object))
                return o;
        return json_free(o);
}

/* --- forms --------------------------------------------------------------------------------------
 */

static int hex(char c)
{
        return c >= '0' && c <= '9'   ? c - '0'
               : c >= 'a' && c <= 'f' ? c - 'a' + 10
               : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                      : -1;
}

/* False: too long. */
static bool decode(struct bytes v, char *buf, size_t size)
{
        size_t n = 0;

        for (size_t i = 0; i < v.n; i++) {
                char c = v.s[i] == '+' ? ' ' : v.s[i];
                if (c == '%' && i + 2 < v.n && hex(v.s[i + 1]) >= 0 && hex(v.s[i + 2]) >= 0) {
                        c = (char)(hex(v.s[i + 1]) * 16 + hex(v.s[i + 2]));
                        i += 2;
                }
                if (n + 1 >= size)
                        return false;
                buf[n++] = c;
        }
        buf[n] = '\0';
        return true;
}

bool form_next(struct bytes *rest, const char *key, char *buf, size_t size)
{
        size_t n_key = strlen(key);

        buf[0] = '\0';
        while (rest->n > 0) {
                const char *s = rest->s, *amp = memchr(s, '&', rest->n);
                size_t n = amp ? (size_t)(amp - s) : rest->n;
                rest->s += amp ? n + 1 : n;
                rest->n -= amp ? n + 1 : n;
                if (n > n_key && s[n_key] == '=' && memcmp(s, key, n_key) == 0)
                        return decode((struct bytes){s + n_key + 1, n - n_key - 1}, buf, size);
        }
        return false;
}

bool form_get(struct bytes encoded, const char *key, char *buf, size_t size)
{
        return form_next(&encoded, key, buf, size);
}

bool call_query(const struct call *c, const char *key, char *buf, size_t size)
{
        return form_get(c->query, key, buf, size);
}

bool call_form(const struct call *c, const char *key, char *buf, size_t size)
{
        return form_get(c->body, key, buf, size);
}

/* --- dates --------------------------------------------------------------------------------------
 */

static const char *print_moment(int day, int second, const char *format, char *buf, size_t size)
{
        static const char months[][2][4] = {
                {"Jan", "JAN"}, {"Feb", "FEB"}, {"Mar", "MAR"}, {"Apr", "APR"},
                {"May", "MAY"}, {"Jun", "JUN"}, {"Jul", "JUL"}, {"Aug", "AUG"},
                {"Sep", "SEP"}, {"Oct", "OCT"}, {"Nov", "NOV"}, {"Dec", "DEC"},
        };
        int month = day / 100 % 100;
        size_t n = 0;

        for (; *format && n + 5 < size; format++) {
                int number = *format == 'Y'   ? day / 10000
                             : *format == 'y' ? day / 10000 % 100
                             : *format == 'M' ? month
                             : *format == 'd' ? day % 100
                             : *format == 'H' ? second / 3600
                             : *format == 'm' ? second / 60 % 60
                             : *format == 'S' ? second % 60
                                              : -1;
                if (number >= 0)
                        n += (size_t)snprintf(buf + n, size - n, "%02d", number);
                else if (*format == 'b' || *format == 'B')
                        n += (size_t)snprintf(buf + n, size - n, "%s",
                                              months[(month + 11) % 12][*format == 'B']);
                else
                        buf[n++] = *format;
        }
        buf[n] = '\0';
        return buf;
}

const char *print_ist(int64_t wall_us, const char *format, char *buf, size_t size)
{
        struct ist t = clock_ist(wall_us);

        return print_moment(t.day, t.second, format, buf, size);
}

const char *print_day(int day, const char *format, char *buf, size_t size)
{
        if (day > 0)
                return print_moment(day, 0, format, buf, size);
        buf[0] = '\0';
        return buf;
}

/* --- compression --------------------------------------------------------------------------------
 */

void call_compress(const struct text *from, struct text *ret)
{
        z_stream z = {};

        if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
                abort();
        if (text_reserve(ret, deflateBound(&z, from->len)) < 0)
                abort();
        z.next_in = (uint8_t *)text_str(from);
        z.avail_in = (unsigned)from->len;
        z.next_out = (uint8_t *)ret->data;
        z.avail_out = (unsigned)deflateBound(&z, from->len);
        if (deflate(&z, Z_FINISH) != Z_STREAM_END)
                abort();
        ret->len = z.total_out;
        (void)deflateEnd(&z);
}

bool call_accepts_gzip(const struct call *c)
{
        struct bytes h = c->headers[HEADER_ACCEPT_ENCODING];

        return h.n >= 4 && memmem(h.s, h.n, "gzip", 4);
}

void call_pack(struct call *c)
{
        struct text packed = {.max = c->out.max};

        if (c->gzip || c->out.len < PACK_FROM || !call_accepts_gzip(c))
                return;
        call_compress(&c->out, &packed);
        text_done(&c->out);
        c->out = packed;
        c->gzip = true;
}
