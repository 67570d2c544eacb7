#include <stdalign.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log_format.h"

#define SENTENCE_MAX (LOG_RECORD_MAX / 2) /* the rest is for the fields */
#define FIELD_PREFIX "ORDO_"
#define ALIGNMENT    alignof(struct log_record)

static const char *const level_names[] = {"emerg",   "alert",  "crit", "err",
                                          "warning", "notice", "info", "debug"};

const char *log_level_name(int level)
{
        return level_names[level & 7];
}

int log_level_from_string(const char *s)
{
        for (int i = LOG_ERR; i <= LOG_DEBUG; i++)
                if (strcmp(s, level_names[i]) == 0)
                        return i;
        return -EINVAL;
}

/* Writes the length in front of `n` bytes that are in place already. */
static size_t seal_item(struct log_record *r, size_t at, size_t n)
{
        uint16_t length = (uint16_t)n;

        memcpy((char *)r + at, &length, sizeof(length));
        r->n_items++;
        return at + sizeof(length) + n;
}

__attribute__((format(printf, 3, 0))) static size_t pack_sentence(struct log_record *r, size_t at,
                                                                  const char *format, va_list args)
{
        static const char key[] = "MESSAGE=";
        char *p = (char *)r + at + sizeof(uint16_t);
        size_t n = sizeof(key) - 1;

        memcpy(p, key, n);
        int length = vsnprintf(p + n, SENTENCE_MAX, format, args);
        if (length > 0)
                n += length < SENTENCE_MAX
                             ? (size_t)length
                             : text_utf8_cut(p + n, SENTENCE_MAX - 1, SENTENCE_MAX - 2);
        return seal_item(r, at, n);
}

static size_t pack_field(struct log_record *r, size_t at, const char *key, const char *value)
{
        size_t end = LOG_RECORD_MAX - ALIGNMENT;
        size_t key_n = strlen(key), value_n = strlen(value);

        if (at + sizeof(uint16_t) + key_n + 1 >= end)
                return at;
        char *p = (char *)r + at + sizeof(uint16_t);
        value_n = text_utf8_cut(value, value_n, end - at - sizeof(uint16_t) - key_n - 1);
        memcpy(p, key, key_n);
        p[key_n] = '=';
        memcpy(p + key_n + 1, value, value_n);
        return seal_item(r, at, key_n + 1 + value_n);
}

struct log_record *log_pack(char buf[static LOG_RECORD_MAX], const struct log_place *place,
                            int level, const char *message_id, const struct log_field *fields,
                            unsigned n, const char *format, va_list args)
{
        struct log_record *r = (struct log_record *)buf;
        size_t at = sizeof(*r);

        *r = (struct log_record){
                .wall_us = clock_wall_us(),
                .file = place->file,
                .func = place->func,
                .line = place->line,
                .level = level & 7,
        };
        at = pack_sentence(r, at, format, args);
        if (message_id)
                at = pack_field(r, at, "MESSAGE_ID", message_id);
        for (unsigned i = 0; i < n && i < LOG_FIELDS_MAX; i++)
                if (fields[i].value)
                        at = pack_field(r, at, fields[i].key, fields[i].value);
        r->size = (uint32_t)((at + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
        memset(buf + at, 0, r->size - at);
        return r;
}

struct item {
        const char *all; /* "KEY=value" */
        size_t n;
        const char *key, *value;
        size_t key_n, value_n;
};

static size_t next_item(const struct log_record *r, size_t at, struct item *ret)
{
        uint16_t length;

        memcpy(&length, (const char *)r + at, sizeof(length));
        const char *all = (const char *)r + at + sizeof(length);
        const char *equals = memchr(all, '=', length);
        *ret = (struct item){
                .all = all,
                .n = length,
                .key = all,
                .key_n = (size_t)(equals - all),
                .value = equals + 1,
                .value_n = length - (size_t)(equals - all) - 1,
        };
        return at + sizeof(length) + length;
}

static bool key_is(const struct item *item, const char *key)
{
        return item->key_n == strlen(key) && memcmp(item->key, key, item->key_n) == 0;
}

/* "ORDO_ACCOUNT" becomes "account". */
static void add_short_key(struct text *t, const struct item *item)
{
        size_t skip = sizeof(FIELD_PREFIX) - 1;

        if (item->key_n <= skip || memcmp(item->key, FIELD_PREFIX, skip) != 0)
                skip = 0;
        for (size_t i = skip; i < item->key_n; i++) {
                char c = item->key[i];
                text_add_char(t, c >= 'A' && c <= 'Z' ? (char)(c | 32) : c);
        }
}

/* __FILE__ is relative to the build directory, wherever that is: only the part inside the source
 * tree says something. */
static const char *source_file(const char *file)
{
        static const char *const roots[] = {"/src/", "/tests/", "/bench/"};
        for (unsigned i = 0; i < ELEMENTS(roots); i++) {
                const char *at = strstr(file, roots[i]);
                if (at)
                        return at + 1;
        }
        return file;
}

void log_format_json(struct text *t, const struct log_record *record)
{
        struct json_writer w = JSON_WRITER(t);
        size_t at = sizeof(*record);
        struct item item;

        json_object_begin(&w, NULL);
        json_put_time(&w, "timestamp", record->wall_us);
        json_put_string(&w, "level", log_level_name(record->level));
        for (uint32_t i = 0; i < record->n_items; i++) {
                at = next_item(record, at, &item);
                text_add(t, ",\"");
                add_short_key(t, &item);
                text_add(t, "\":");
                json_add_quoted(t, item.value, item.value_n);
        }
        text_add(t, ",\"source\":\"");
        text_addf(t, "%s:%d\"", source_file(record->file), record->line);
        if (record->dropped)
                json_put_int(&w, "log_dropped", (int64_t)record->dropped);
        json_object_finish(&w);
        text_add_char(t, '\n');
}

/* Nothing that moves a cursor reaches the terminal. */
static void add_printable(struct text *t, const char *s, size_t n)
{
        for (size_t i = 0; i < n;) {
                size_t length = text_utf8_length(s + i, n - i);
                bool c1 = length == 2 && (unsigned char)s[i] == 0xc2 &&
                          (unsigned char)s[i + 1] < 0xa0;
                if (length == 0 || c1 || (unsigned char)s[i] < 0x20 || s[i] == 0x7f) {
                        text_addf(t, "\\x%02x", (unsigned)(unsigned char)s[i]);
                        i++;
                } else {
                        text_add_bytes(t, s + i, length);
                        i += length;
                }
        }
}

static void add_value(struct text *t, const struct item *item)
{
        bool quotes = item->value_n == 0 || memchr(item->value, ' ', item->value_n) ||
                      memchr(item->value, '"', item->value_n);

        if (quotes)
                json_add_quoted(t, item->value, item->value_n);
        else
                add_printable(t, item->value, item->value_n);
}

static void add_time_of_day(struct text *t, int64_t wall_us)
{
        time_t seconds = (time_t)(wall_us / USEC_PER_SEC);
        struct tm tm;

        localtime_r(&seconds, &tm);
        text_addf(t, "%02d:%02d:%02d.%03d ", tm.tm_hour, tm.tm_min, tm.tm_sec,
                  (int)(wall_us % USEC_PER_SEC / USEC_PER_MS));
}

void log_format_text(struct text *t, const struct log_record *record, bool colour)
{
        const char *on = "", *dim = "", *off = "";
        size_t at = sizeof(*record);
        struct item item;

        if (colour) {
                on = record->level <= LOG_ERR       ? "\033[1;31m"
                     : record->level == LOG_WARNING ? "\033[33m"
                     : record->level == LOG_NOTICE  ? "\033[1m"
                                                    : "";
                dim = "\033[2m";
                off = "\033[0m";
        }
        add_time_of_day(t, record->wall_us);
        text_addf(t, "%s%-7s%s ", on, log_level_name(record->level), off);
        for (uint32_t i = 0; i < record->n_items; i++) {
                at = next_item(record, at, &item);
                if (i == 0) {
                        add_printable(t, item.value, item.value_n);
                } else if (!key_is(&item, "MESSAGE_ID")) {
                        text_addf(t, "  %s", dim);
                        add_short_key(t, &item);
                        text_add_char(t, '=');
                        add_value(t, &item);
                        text_add(t, off);
                }
        }
        if (record->dropped)
                text_addf(t, "  %slog_dropped=%llu%s", dim, (unsigned long long)record->dropped,
                          off);
        text_add_char(t, '\n');
}

int log_format_journal(struct text *scratch, const struct log_record *record,
                       const char *identifier, struct iovec iov[static LOG_IOVEC_MAX])
{
        size_t at = sizeof(*record), ends[6];
        int n = 0, added = 0;
        struct item item;

        for (uint32_t i = 0; i < record->n_items; i++) {
                at = next_item(record, at, &item);
                iov[n++] = (struct iovec){(void *)item.all, item.n};
        }

        text_addf(scratch, "PRIORITY=%d", record->level);
        ends[added++] = scratch->len;
        text_addf(scratch, "SYSLOG_IDENTIFIER=%s", identifier);
        ends[added++] = scratch->len;
        text_addf(scratch, "CODE_FILE=%s", source_file(record->file));
        ends[added++] = scratch->len;
        text_addf(scratch, "CODE_LINE=%d", record->line);
        ends[added++] = scratch->len;
        text_addf(scratch, "CODE_FUNC=%s", record->func);
        ends[added++] = scratch->len;
        if (record->dropped) {
                text_addf(scratch, "ORDO_LOG_DROPPED=%llu", (unsigned long long)record->dropped);
                ends[added++] = scratch->len;
        }
        if (scratch->failed)
                return n;
        for (int i = 0; i < added; i++) {
                size_t from = i ? ends[i - 1] : 0;
                iov[n++] = (struct iovec){scratch->data + from, ends[i] - from};
        }
        return n;
}
