#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "config/loading.h"

#define KEY_SIZE 32

#define RATE_SIZE     48 /* of a rate's text */
#define RATE_LEAST_US (100 * USEC_PER_MS)
#define RATE_HOUR_US  (3600 * USEC_PER_SEC)
#define RATE_DAY_US   (24 * RATE_HOUR_US)

/* What is wrong with one value; filled by the setters, turned into a fault in one place. */
struct complaint {
        char detail[128];
        char remedy[160];
};

static void complain(struct complaint *c, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
static void complain(struct complaint *c, const char *format, ...)
{
        va_list args;
        va_start(args, format);
        vsnprintf(c->detail, sizeof(c->detail), format, args);
        va_end(args);
}

static void advise(struct complaint *c, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
static void advise(struct complaint *c, const char *format, ...)
{
        va_list args;
        va_start(args, format);
        vsnprintf(c->remedy, sizeof(c->remedy), format, args);
        va_end(args);
}

const char *value_shown(const char *s, size_t n, char buf[static SHOWN_SIZE])
{
        const size_t most = SHOWN_SIZE - sizeof("…");
        size_t kept = n < most ? n : most;
        for (size_t i = 0; i < kept; i++)
                buf[i] = (unsigned char)s[i] < 0x20 || s[i] == 0x7f ? '?' : s[i];
        while (kept > 0 && !text_utf8_valid(buf, kept))
                kept--;
        buf[kept] = '\0';
        if (kept < n)
                memcpy(buf + kept, "…", sizeof("…"));
        return buf;
}

static int set_text(const char *s, size_t n, char **member)
{
        char *copy = strndup(s, n);
        if (!copy)
                return -ENOMEM;
        free(*member);
        *member = copy;
        return 0;
}

static int set_secret(const void *bytes, size_t n, struct secret **member)
{
        struct secret *copy = secret_new(bytes, n);
        if (!copy)
                return -ENOMEM;
        secret_free(*member);
        *member = copy;
        return 0;
}

static int length_check(const struct option *o, size_t n, struct complaint *c)
{
        if (n < (size_t)o->min)
                complain(c, "It is too short: %zu bytes.", n);
        else if (n > (size_t)o->max)
                complain(c, "It is too long: %zu bytes.", n);
        else
                return 0;
        advise(c, "Give %lld to %lld bytes.", (long long)o->min, (long long)o->max);
        return 1;
}

/* The address of a database may hold a password, so nothing of it is shown. */
static int set_url(const struct value *v, char **member, struct complaint *c)
{
        if (text_starts(v->data, "postgresql://") || text_starts(v->data, "postgres://"))
                return set_text(v->data, v->size, member);
        complain(c, "It does not name a database that Ordo knows.");
        advise(c, "Write postgresql://user@host/database, or leave it unset: then the ledger is "
                  "SQLite, ordo.db in the state directory.");
        return 1;
}

static int set_path(const struct value *v, char **member, struct complaint *c)
{
        char shown[SHOWN_SIZE];
        if (v->data[0] != '/') {
                complain(c, "\"%s\" is not an absolute path.",
                         value_shown(v->data, v->size, shown));
                advise(c, "Write the path from the root, beginning with a slash.");
                return 1;
        }
        return set_text(v->data, v->size, member);
}

static int item_check(const struct option *o, const struct value *v, struct complaint *c)
{
        char shown[SHOWN_SIZE];
        if (!o->item || o->item(v->data, v->size))
                return 0;
        if (option_secret(o))
                complain(c, "It is not of the form needed.");
        else
                complain(c, "\"%s\" is not of the form needed.",
                         value_shown(v->data, v->size, shown));
        advise(c, option_secret(o) ? "Give %s." : "It is written like %s.", o->example);
        return 1;
}

static int set_string(const struct option *o, const struct value *v, char **member,
                      struct complaint *c)
{
        if (length_check(o, v->size, c) != 0 || item_check(o, v, c) != 0)
                return 1;
        return set_text(v->data, v->size, member);
}

/* The slash at the end goes: paths are put behind it. */
static int set_address(const struct option *o, const struct value *v, char **member,
                       struct complaint *c)
{
        size_t n = v->size;
        bool verbatim = o->flags & OPTION_VERBATIM;
        if (length_check(o, n, c) != 0)
                return 1;
        const char *wrong = web_address_fault(v->data, verbatim);
        if (wrong) {
                complain(c, "%s", wrong);
                advise(c, "It is written like %s.", o->example);
                return 1;
        }
        while (!verbatim && v->data[n - 1] == '/')
                n--;
        return set_text(v->data, n, member);
}

/* A token travels in a header, so it holds what one can hold. */
static int set_token(const struct option *o, const struct value *v, struct secret **member,
                     struct complaint *c)
{
        if (length_check(o, v->size, c) != 0 || item_check(o, v, c) != 0)
                return 1;
        for (size_t i = 0; i < v->size && !(o->flags & OPTION_ANY_TEXT); i++)
                if (v->data[i] <= 0x20 || v->data[i] >= 0x7f) {
                        complain(c, "Byte %zu is not a printable ASCII character.", i + 1);
                        advise(c, "Use letters, digits and signs without spaces, for example "
                                  "the output of: openssl rand -hex 32");
                        return 1;
                }
        return set_secret(v->data, v->size, member);
}

static int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int set_key(const struct value *v, struct secret **member, struct complaint *c)
{
        if (v->from_file && v->size == KEY_SIZE)
                return set_secret(v->data, v->size, member);

        char key[KEY_SIZE];
        bool good = v->size == 2 * sizeof(key);
        for (size_t i = 0; good && i < sizeof(key); i++) {
                int high = hex_digit(v->data[2 * i]), low = hex_digit(v->data[2 * i + 1]);
                good = high >= 0 && low >= 0;
                if (good)
                        key[i] = (char)(high * 16 + low);
        }
        int r = 1;
        if (good) {
                r = set_secret(key, sizeof(key), member);
        } else {
                complain(c, "It is not a key of 32 bytes.");
                advise(c, "Give 64 hexadecimal digits (openssl rand -hex 32)%s.",
                       v->from_file ? ", or exactly 32 raw bytes" : "");
        }
        secret_wipe(key, sizeof(key));
        return r;
}

static int set_bool(const struct value *v, bool *member, struct complaint *c)
{
        static const char *const yes[] = {"yes", "true", "on", "1"};
        static const char *const no[] = {"no", "false", "off", "0"};
        for (unsigned i = 0; i < ELEMENTS(yes); i++)
                if (text_equal(v->data, yes[i]) || text_equal(v->data, no[i])) {
                        *member = text_equal(v->data, yes[i]);
                        return 0;
                }
        char shown[SHOWN_SIZE];
        complain(c, "\"%s\" is neither yes nor no.", value_shown(v->data, v->size, shown));
        advise(c, "Write yes or no.");
        return 1;
}

static int find_word(const struct option *o, const struct value *v, int *ret, struct complaint *c)
{
        for (const struct option_word *w = o->words; w->word; w++)
                if (text_equal(v->data, w->word)) {
                        *ret = w->value;
                        return 0;
                }
        char shown[SHOWN_SIZE], words[OPTION_WORDS_SIZE];
        complain(c, "\"%s\" is not one of its words.", value_shown(v->data, v->size, shown));
        advise(c, "Write %s.", option_words(o, words));
        return 1;
}

struct suffix {
        const char *text;
        int64_t size;
};
static const struct suffix durations[] = {{"ms", USEC_PER_MS},         {"s", USEC_PER_SEC},
                                          {"m", 60 * USEC_PER_SEC},    {"h", 3600 * USEC_PER_SEC},
                                          {"d", 86400 * USEC_PER_SEC}, {}};
static const struct suffix sizes[] = {{"", 1},          {"B", 1},         {"KiB", 1 << 10},
                                      {"MiB", 1 << 20}, {"GiB", 1 << 30}, {}};

/* Digits and a suffix; -EINVAL or -ERANGE. */
static int parse_suffixed(const char *s, size_t n, const struct suffix *suffixes, int64_t *ret)
{
        size_t digits = strspn(s, "0123456789");
        int64_t count;
        int r = text_parse_int(s, digits < n ? digits : n, 0, INT64_MAX, &count);
        if (r < 0)
                return r;
        for (const struct suffix *x = suffixes; x->text; x++)
                if (text_equal(s + digits, x->text))
                        return __builtin_mul_overflow(count, x->size, ret) ? -ERANGE : 0;
        return -EINVAL;
}

static int parse_number(const struct option *o, const struct value *v, int64_t *ret)
{
        if (o->flags & OPTION_NO_LIMIT && text_equal(v->data, "0")) {
                *ret = 0;
                return 0;
        }
        switch (o->type) {
        case OPTION_DURATION:
                return parse_suffixed(v->data, v->size, durations, ret);
        case OPTION_BYTES:
                return parse_suffixed(v->data, v->size, sizes, ret);
        case OPTION_DECIMAL:
                return decimal_parse(v->data, v->size, ret);
        default:
                return text_parse_int(v->data, v->size, INT64_MIN, INT64_MAX, ret);
        }
}

static void advise_number(const struct option *o, struct complaint *c)
{
        _cleanup_(text_done) struct text low = TEXT_NULL, high = TEXT_NULL;
        option_bound(o, o->min, &low);
        option_bound(o, o->max, &high);
        const char *form = o->type == OPTION_DURATION ? " (number and ms, s, m, h or d)"
                           : o->type == OPTION_BYTES  ? " (number and KiB, MiB or GiB)"
                                                      : "";
        advise(c, "Give %s to %s%s%s%s%s.", text_str(&low), text_str(&high), o->unit ? " " : "",
               o->unit ? o->unit : "", form,
               !(o->flags & OPTION_NO_LIMIT) ? ""
               : o->type == OPTION_DURATION  ? "; 0 switches it off"
                                             : "; 0 lifts the limit");
}

static int set_number(const struct option *o, const struct value *v, int64_t *member,
                      struct complaint *c)
{
        static const char *const nouns[_OPTION_TYPE_MAX] = {
                [OPTION_INT] = "a whole number",
                [OPTION_DURATION] = "a duration with its unit",
                [OPTION_BYTES] = "a size",
                [OPTION_DECIMAL] = "a decimal number",
        };
        int64_t number = 0;
        char shown[SHOWN_SIZE];
        int r = parse_number(o, v, &number);
        value_shown(v->data, v->size, shown);
        bool off = number == 0 && o->flags & OPTION_NO_LIMIT;
        if (r == 0 && (off || (number >= o->min && number <= o->max))) {
                *member = number * (o->scale ? o->scale : 1);
                return 0;
        }
        if (r == 0 || r == -ERANGE)
                complain(c, "%s is out of range.", shown);
        else if (r == -EDOM)
                complain(c, "%s has more than four decimal places.", shown);
        else
                complain(c, "\"%s\" is not %s.", shown, nouns[o->type]);
        advise_number(o, c);
        return 1;
}

static int add_item(const struct option *o, const char *s, size_t n, char **list, unsigned *count,
                    struct complaint *c)
{
        char shown[SHOWN_SIZE];
        if (!o->item(s, n)) {
                complain(c, "Item %u, \"%s\", is not of the form needed.", *count + 1,
                         value_shown(s, n, shown));
                advise(c, "Separate items by commas; one is written like %s.", o->example);
                return 1;
        }
        if (*count == CONFIG_LIST_MAX) {
                complain(c, "There are more than %d items.", CONFIG_LIST_MAX);
                advise(c, "Leave some out.");
                return 1;
        }
        list[*count] = strndup(s, n);
        return list[*count] ? ((*count)++, 0) : -ENOMEM;
}

static int set_list(const struct option *o, const struct value *v, char **list, struct complaint *c)
{
        unsigned count = 0;
        for (const char *s = v->data;; s++) {
                s += strspn(s, " ");
                size_t n = strcspn(s, ","), trimmed = n;
                while (trimmed > 0 && s[trimmed - 1] == ' ')
                        trimmed--;
                int r = add_item(o, s, trimmed, list, &count, c);
                if (r != 0)
                        return r;
                s += n;
                if (*s == '\0')
                        return 0;
        }
}

static int set_policy(const struct value *v, struct market_policy *member, struct complaint *c)
{
        if (market_policy_parse(v->data, v->size, member) == 0)
                return 0;
        char shown[SHOWN_SIZE];
        complain(c, "\"%s\" is not a policy.", value_shown(v->data, v->size, shown));
        advise(c, "Write reject, broker or protect(percent), for example protect(1).");
        return 1;
}

/* "orders:50/1s" */
static int parse_rate(const char *s, size_t n, struct broker_rate *ret)
{
        char text[RATE_SIZE], *count, *window;
        int64_t number;

        if (n >= sizeof(text))
                return -EINVAL;
        memcpy(text, s, n);
        text[n] = '\0';
        count = strchr(text, ':');
        window = count ? strchr(count, '/') : NULL;
        if (!window)
                return -EINVAL;
        *count++ = *window++ = '\0';
        for (ret->traffic = 0; ret->traffic < _BROKER_TRAFFIC_MAX; ret->traffic++)
                if (text_equal(text, broker_traffic_name(ret->traffic)))
                        break;
        if (ret->traffic == _BROKER_TRAFFIC_MAX ||
            text_parse_int(count, strlen(count), 1, BROKER_RATE_COUNT_MAX, &number) < 0 ||
            parse_suffixed(window, strlen(window), durations, &ret->window_us) < 0)
                return -EINVAL;
        ret->count = (unsigned)number;
        /* Longer ones than an hour are not read back at a start, but for the day's. */
        bool rolls = ret->window_us >= RATE_LEAST_US && ret->window_us <= RATE_HOUR_US;
        return rolls || ret->window_us == RATE_DAY_US ? 0 : -EINVAL;
}

static int set_rates(const struct option *o, const struct value *v, struct broker_rates *member,
                     struct complaint *c)
{
        struct broker_rates rates = {};
        char shown[SHOWN_SIZE];

        for (const char *s = v->data;; s++) {
                s += strspn(s, " ");
                size_t n = strcspn(s, ","), trimmed = n;
                while (trimmed > 0 && s[trimmed - 1] == ' ')
                        trimmed--;
                if (rates.n == BROKER_RATES_MAX ||
                    parse_rate(s, trimmed, &rates.rates[rates.n]) < 0) {
                        complain(c, "\"%s\" is not a rate, or one too many.",
                                 value_shown(s, trimmed, shown));
                        advise(c,
                               "Write at most %d like %s: a count of 1 to %d, a window of 100ms to "
                               "1h, or 1d.",
                               BROKER_RATES_MAX, o->example, BROKER_RATE_COUNT_MAX);
                        return 1;
                }
                rates.n++;
                s += n;
                if (*s == '\0')
                        break;
        }
        *member = rates;
        return 0;
}

static int set_member(const struct option *o, const struct value *v, void *member,
                      struct complaint *c)
{
        int word = 0, r;
        switch (o->type) {
        case OPTION_URL:
                return set_url(v, member, c);
        case OPTION_STRING:
                return set_string(o, v, member, c);
        case OPTION_ADDRESS:
                return set_address(o, v, member, c);
        case OPTION_PATH:
                return set_path(v, member, c);
        case OPTION_SECRET:
                return set_token(o, v, member, c);
        case OPTION_KEY:
                return set_key(v, member, c);
        case OPTION_BOOL:
                return set_bool(v, member, c);
        case OPTION_CHOICE:
                r = find_word(o, v, &word, c);
                if (r == 0)
                        *(bool *)member = word;
                return r;
        case OPTION_ENUM:
                r = find_word(o, v, &word, c);
                if (r == 0)
                        *(int *)member = word;
                return r;
        case OPTION_LIST:
                return set_list(o, v, member, c);
        case OPTION_POLICY:
                return set_policy(v, member, c);
        case OPTION_RATES:
                return set_rates(o, v, member, c);
        default:
                return set_number(o, v, member, c);
        }
}

/* Nothing but a raw key may hold bytes that are not text: they would end up in messages and paths.
 */
static int text_check(const struct option *o, const struct value *v, struct complaint *c)
{
        if (o->type == OPTION_KEY)
                return 0;
        for (size_t i = 0; i < v->size; i++)
                if ((unsigned char)v->data[i] < 0x20 || v->data[i] == 0x7f) {
                        complain(c, "Byte %zu is a control character.", i + 1);
                        advise(c, "Write the value as plain text in one line.");
                        return 1;
                }
        if (text_utf8_valid(v->data, v->size))
                return 0;
        complain(c, "It is not valid UTF-8.");
        advise(c, "Write the value as plain text in one line.");
        return 1;
}

int value_set(struct config_faults *f, const struct option *o, const char *name,
              const struct value *v, void *object)
{
        struct complaint c = {};
        int r = text_check(o, v, &c);
        if (r == 0)
                r = set_member(o, v, (char *)object + o->offset, &c);
        if (r == 1)
                fault_remedy(fault_error(f, name, v->source, "%s", c.detail), "%s", c.remedy);
        return r;
}
