#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/metrics.h"
#include "base/metrics_process.h"

#define LABEL_VALUE_MAX 128 /* bytes; longer values are cut */
#define CHAINS          512 /* a power of two */
#define KEY_MAX         (sizeof(uint32_t) + METRICS_LABELS_MAX * (LABEL_VALUE_MAX + 1))

static const double second_buckets[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                        0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
static const double count_buckets[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};

struct buckets {
        const double *bounds;
        unsigned n;
};

struct series {
        struct series *next;  /* of the same metric */
        struct series *chain; /* of the same hash */
        const struct buckets *buckets;
        double value; /* a histogram: the sum */
        uint64_t count;
        uint64_t *in_bucket; /* not cumulative; [n] is +Inf */
        char *labels;        /* as printed: route="/orders",method="POST" */
        size_t key_n;
        char key[]; /* the metric's number and the label values, each with its NUL */
};

struct family {
        struct series *first, **end;
};

struct metrics {
        const struct metric *table;
        unsigned n;
        struct family *families;
        struct series *chains[CHAINS];
        unsigned n_series;
        uint64_t overflows;
        struct series *shared; /* stands in for what there is no room for; never printed */
        double start_time;
};

static const struct buckets in_seconds = {second_buckets, ELEMENTS(second_buckets)};
static const struct buckets in_counts = {count_buckets, ELEMENTS(count_buckets)};

static const struct buckets *buckets_of(const struct metric *m)
{
        static const char suffix[] = "_seconds";
        size_t n = strlen(m->name), suffix_n = sizeof(suffix) - 1;

        if (m->type != METRIC_HISTOGRAM)
                return NULL;
        return n > suffix_n && strcmp(m->name + n - suffix_n, suffix) == 0 ? &in_seconds
                                                                           : &in_counts;
}

static unsigned labels_count(const struct metric *m)
{
        unsigned n = *m->labels != '\0';

        for (const char *p = m->labels; *p; p++)
                n += *p == ',';
        return n;
}

static struct series *series_free(struct series *s)
{
        if (s) {
                free(s->in_bucket);
                free(s->labels);
        }
        free(s);
        return NULL;
}
DEFINE_CLEANUP(struct series *, series_free)

static void add_escaped(struct text *t, const char *s, bool quotes)
{
        for (; *s; s++) {
                if (*s == '\\')
                        text_add(t, "\\\\");
                else if (*s == '\n')
                        text_add(t, "\\n");
                else if (*s == '"' && quotes)
                        text_add(t, "\\\"");
                else
                        text_add_char(t, *s);
        }
}

static char *print_labels(const struct metric *m, char (*values)[LABEL_VALUE_MAX + 1])
{
        struct text t = TEXT_NULL;
        unsigned i = 0;

        for (const char *name = m->labels; *name; i++) {
                size_t n = strcspn(name, ",");
                if (i > 0)
                        text_add_char(&t, ',');
                text_add_bytes(&t, name, n);
                text_add(&t, "=\"");
                add_escaped(&t, values[i], true);
                text_add_char(&t, '"');
                name += n + (name[n] == ',');
        }
        if (t.failed)
                text_done(&t);
        return text_take(&t);
}

/* FNV-1a; the values come from our own tables and configuration. */
static unsigned chain_of(const char *key, size_t n)
{
        uint32_t hash = 2166136261;

        for (size_t i = 0; i < n; i++)
                hash = (hash ^ (unsigned char)key[i]) * 16777619;
        return (hash ^ hash >> 16) & (CHAINS - 1);
}

static struct series *find(const struct metrics *m, const char *key, size_t n)
{
        struct series *s = m->chains[chain_of(key, n)];

        while (s && (s->key_n != n || memcmp(s->key, key, n) != 0))
                s = s->chain;
        return s;
}

static struct series *series_new(struct metrics *m, unsigned metric,
                                 char (*values)[LABEL_VALUE_MAX + 1], const char *key, size_t key_n)
{
        const struct metric *definition = &m->table[metric];
        struct family *family = &m->families[metric];

        if (m->n_series >= METRICS_SERIES_MAX)
                return NULL;
        _cleanup_(series_freep) struct series *s = calloc(1, sizeof(*s) + key_n);
        if (!s)
                return NULL;
        s->buckets = buckets_of(definition);
        if (s->buckets) {
                s->in_bucket = calloc(s->buckets->n + 1, sizeof(*s->in_bucket));
                if (!s->in_bucket)
                        return NULL;
        }
        if (*definition->labels) {
                s->labels = print_labels(definition, values);
                if (!s->labels)
                        return NULL;
        }
        memcpy(s->key, key, key_n);
        s->key_n = key_n;
        s->chain = m->chains[chain_of(key, key_n)];
        m->chains[chain_of(key, key_n)] = s;
        m->n_series++;
        *family->end = s;
        family->end = &s->next;
        return TAKE(s);
}

struct series *metrics_series(struct metrics *m, unsigned metric, ...)
{
        char values[METRICS_LABELS_MAX][LABEL_VALUE_MAX + 1] = {};
        char key[KEY_MAX];
        uint32_t number = metric;
        size_t key_n = sizeof(number);
        va_list args;

        if (metric >= m->n)
                return m->shared;
        memcpy(key, &number, sizeof(number));
        va_start(args, metric);
        unsigned n = labels_count(&m->table[metric]);
        for (unsigned i = 0; i < n; i++) {
                const char *value = va_arg(args, const char *);
                if (!value)
                        break;
                size_t value_n = text_utf8_cut(value, strlen(value), LABEL_VALUE_MAX);
                memcpy(values[i], value, value_n);
        }
        va_end(args);
        for (unsigned i = 0; i < n; i++) {
                size_t value_n = strlen(values[i]) + 1;
                memcpy(key + key_n, values[i], value_n);
                key_n += value_n;
        }

        struct series *s = find(m, key, key_n);
        if (!s)
                s = series_new(m, metric, values, key, key_n);
        if (!s) {
                m->overflows++;
                s = m->shared;
        }
        return s;
}

int metrics_new(const struct metric *table, unsigned n, struct metrics **ret)
{
        struct metrics *m = calloc(1, sizeof(*m));
        if (!m)
                return -ENOMEM;
        m->table = table;
        m->n = n;
        m->start_time = metrics_process_start();
        m->families = calloc(n ? n : 1, sizeof(*m->families));
        m->shared = calloc(1, sizeof(*m->shared));
        if (!m->families || !m->shared) {
                metrics_free(m);
                return -ENOMEM;
        }
        for (unsigned i = 0; i < n; i++) {
                m->families[i].end = &m->families[i].first;
                if (labels_count(&table[i]) > METRICS_LABELS_MAX) {
                        metrics_free(m);
                        return -EINVAL;
                }
        }
        for (unsigned i = 0; i < n; i++) /* a zero is printed for what has not happened yet */
                if (!*table[i].labels)
                        metrics_series(m, i, NULL);
        *ret = m;
        return 0;
}

struct metrics *metrics_free(struct metrics *m)
{
        if (!m)
                return NULL;
        for (unsigned i = 0; m->families && i < m->n; i++) {
                for (struct series *s = m->families[i].first, *next; s; s = next) {
                        next = s->next;
                        series_free(s);
                }
        }
        series_free(m->shared);
        free(m->families);
        free(m);
        return NULL;
}

void series_add(struct series *s, double delta)
{
        s->value += delta;
}

void series_set(struct series *s, double value)
{
        s->value = value;
}

void series_observe(struct series *s, double value)
{
        unsigned i = 0;

        s->value += value;
        s->count++;
        if (!s->buckets)
                return;
        while (i < s->buckets->n && value > s->buckets->bounds[i])
                i++;
        s->in_bucket[i]++;
}

void series_set_int(struct series *s, int64_t value)
{
        series_set(s, (double)value);
}

void series_set_us(struct series *s, int64_t us)
{
        series_set(s, (double)us / 1e6);
}

void series_observe_us(struct series *s, int64_t us)
{
        series_observe(s, (double)us / 1e6);
}

double series_value(const struct series *s)
{
        return s->buckets ? (double)s->count : s->value;
}

static void add_number(struct text *t, double value)
{
        if (value > -1e15 && value < 1e15 && value == (double)(int64_t)value)
                text_add_int(t, (int64_t)value);
        else
                text_addf(t, "%.15g", value);
}

static void print_sample(struct text *t, const char *name, const char *suffix, const char *labels,
                         double value)
{
        text_add(t, name);
        text_add(t, suffix);
        if (labels)
                text_addf(t, "{%s}", labels);
        text_add_char(t, ' ');
        add_number(t, value);
        text_add_char(t, '\n');
}

static void print_histogram(struct text *t, const char *name, const struct series *s)
{
        uint64_t sum = 0;

        for (unsigned i = 0; i <= s->buckets->n; i++) {
                sum += s->in_bucket[i];
                text_addf(t, "%s_bucket{%s%sle=\"", name, s->labels ? s->labels : "",
                          s->labels ? "," : "");
                if (i < s->buckets->n)
                        add_number(t, s->buckets->bounds[i]);
                else
                        text_add(t, "+Inf");
                text_add(t, "\"} ");
                text_add_int(t, (int64_t)sum);
                text_add_char(t, '\n');
        }
        print_sample(t, name, "_sum", s->labels, s->value);
        print_sample(t, name, "_count", s->labels, (double)s->count);
}

static void print_head(struct text *t, const char *name, const char *help, const char *type)
{
        text_addf(t, "# HELP %s ", name);
        add_escaped(t, help, false);
        text_addf(t, "\n# TYPE %s %s\n", name, type);
}

void metrics_print(struct metrics *m, struct text *ret)
{
        static const char *const types[] = {"counter", "gauge", "histogram"};

        for (unsigned i = 0; i < m->n; i++) {
                const struct metric *metric = &m->table[i];
                print_head(ret, metric->name, metric->help, types[metric->type]);
                for (const struct series *s = m->families[i].first; s; s = s->next) {
                        if (s->buckets)
                                print_histogram(ret, metric->name, s);
                        else
                                print_sample(ret, metric->name, "", s->labels, s->value);
                }
        }
        print_head(ret, "metrics_series_overflows_total",
                   "Look-ups of series for which there was no room", "counter");
        print_sample(ret, "metrics_series_overflows_total", "", NULL, (double)m->overflows);
        metrics_process_print(ret, m->start_time);
}
