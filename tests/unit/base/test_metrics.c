#include "suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/metrics.h"

enum { REQUESTS, CONNECTIONS, DURATION, GROUP, ODD };
static const struct metric table[] = {
        {"t_requests_total", "Requests", "route,method", METRIC_COUNTER},
        {"t_connections", "Open \\ connections\nnow", "", METRIC_GAUGE},
        {"t_duration_seconds", "Time", "route", METRIC_HISTOGRAM},
        {"t_group_size", "Jobs", "", METRIC_HISTOGRAM},
        {"t_odd", "Never used", "reason", METRIC_COUNTER},
};

static struct metrics *make(void)
{
        struct metrics *m = NULL;

        ck_assert_int_eq(metrics_new(table, sizeof(table) / sizeof(table[0]), &m), 0);
        return m;
}

static void check_contains(struct metrics *m, const char *line)
{
        struct text t = TEXT_NULL;

        metrics_print(m, &t);
        ck_assert_int_eq(t.failed, 0);
        ck_assert_msg(strstr(text_str(&t), line), "no \"%s\" in:\n%s", line, text_str(&t));
        text_done(&t);
}

START_TEST(counters_and_gauges)
{
        struct metrics *m = make();
        struct series *s = metrics_series(m, REQUESTS, "/orders", "POST", NULL);

        ck_assert_ptr_eq(s, metrics_series(m, REQUESTS, "/orders", "POST", NULL));
        ck_assert_ptr_ne(s, metrics_series(m, REQUESTS, "/orders", "GET", NULL));
        ck_assert_ptr_ne(s, metrics_series(m, REQUESTS, "/ordersP", "OST", NULL));
        series_add(s, 1);
        series_add(s, 2);
        ck_assert_double_eq(series_value(s), 3);
        check_contains(m, "# HELP t_requests_total Requests\n# TYPE t_requests_total counter\n"
                          "t_requests_total{route=\"/orders\",method=\"POST\"} 3\n");
        check_contains(m, "t_requests_total{route=\"/orders\",method=\"GET\"} 0\n");

        struct series *g = metrics_series(m, CONNECTIONS, NULL);
        check_contains(m, "# HELP t_connections Open \\\\ connections\\nnow\n"
                          "# TYPE t_connections gauge\nt_connections 0\n");
        series_set(g, 12.5);
        check_contains(m, "\nt_connections 12.5\n");
        series_set(g, -3);
        check_contains(m, "\nt_connections -3\n");
        series_set(g, 1e18);
        check_contains(m, "\nt_connections 1e+18\n");
        metrics_free(m);
}
END_TEST

START_TEST(unused_metrics_have_their_heads)
{
        struct metrics *m = make();

        check_contains(m, "# HELP t_odd Never used\n# TYPE t_odd counter\n");
        check_contains(m, "# TYPE t_duration_seconds histogram\n# HELP t_group_size");
        check_contains(m, "t_group_size_bucket{le=\"+Inf\"} 0\nt_group_size_sum 0\n");
        metrics_free(m);
}
END_TEST

START_TEST(labels_are_escaped)
{
        struct metrics *m = make();

        metrics_series(m, REQUESTS, "a\"b\\c\nd", "", NULL);
        check_contains(m, "t_requests_total{route=\"a\\\"b\\\\c\\nd\",method=\"\"} 0\n");
        metrics_series(m, REQUESTS, "too few", NULL);
        check_contains(m, "t_requests_total{route=\"too few\",method=\"\"} 0\n");
        metrics_series(m, ODD, "one", "too many", NULL);
        check_contains(m, "t_odd{reason=\"one\"} 0\n");
        metrics_free(m);
}
END_TEST

START_TEST(long_labels_are_cut)
{
        struct metrics *m = make();
        char long_one[400], expected[200];

        memset(long_one, 'x', sizeof(long_one) - 1);
        long_one[sizeof(long_one) - 1] = '\0';
        metrics_series(m, ODD, long_one, NULL);
        snprintf(expected, sizeof(expected), "t_odd{reason=\"%.128s\"} 0\n", long_one);
        check_contains(m, expected);
        metrics_free(m);
}
END_TEST

START_TEST(histograms)
{
        struct metrics *m = make();
        struct series *s = metrics_series(m, DURATION, "/o", NULL);

        series_observe_us(s, 100); /* on the bound: belongs below it */
        series_observe_us(s, 101);
        series_observe_us(s, 30000000);
        ck_assert_double_eq(series_value(s), 3);
        check_contains(m, "t_duration_seconds_bucket{route=\"/o\",le=\"0.0001\"} 1\n"
                          "t_duration_seconds_bucket{route=\"/o\",le=\"0.00025\"} 2\n");
        check_contains(m, "t_duration_seconds_bucket{route=\"/o\",le=\"10\"} 2\n"
                          "t_duration_seconds_bucket{route=\"/o\",le=\"+Inf\"} 3\n"
                          "t_duration_seconds_sum{route=\"/o\"} 30.000201\n"
                          "t_duration_seconds_count{route=\"/o\"} 3\n");

        struct series *g = metrics_series(m, GROUP, NULL);
        series_observe(g, 3);
        series_observe(g, 1000);
        check_contains(m, "t_group_size_bucket{le=\"2\"} 0\nt_group_size_bucket{le=\"4\"} 1\n");
        check_contains(m, "t_group_size_bucket{le=\"512\"} 1\n"
                          "t_group_size_bucket{le=\"+Inf\"} 2\nt_group_size_sum 1003\n");
        metrics_free(m);
}
END_TEST

START_TEST(series_are_bounded)
{
        struct metrics *m = make();
        char value[16];
        struct series *shared = NULL;

        for (int i = 0; i < METRICS_SERIES_MAX + 10; i++) {
                snprintf(value, sizeof(value), "v%d", i);
                struct series *s = metrics_series(m, ODD, value, NULL);
                ck_assert_ptr_nonnull(s);
                series_add(s, 1);
                shared = s;
        }
        ck_assert_ptr_eq(shared, metrics_series(m, ODD, "another", NULL));
        ck_assert_ptr_eq(shared, metrics_series(m, 1000, NULL));
        series_observe(metrics_series(m, DURATION, "late", NULL), 1);
        ck_assert_ptr_ne(shared, metrics_series(m, ODD, "v0", NULL));
        check_contains(m, "t_odd{reason=\"v0\"} 1\n");
        check_contains(m, "metrics_series_overflows_total 14\n"); /* 12 beside the two unlabelled */
        metrics_free(m);
}
END_TEST

START_TEST(bad_tables)
{
        static const struct metric bad[] = {{"x", "x", "a,b,c,d,e", METRIC_GAUGE}};
        struct metrics *m = NULL;

        ck_assert_int_eq(metrics_new(bad, 1, &m), -EINVAL);
        ck_assert_ptr_null(m);
        ck_assert_int_eq(metrics_new(NULL, 0, &m), 0);
        metrics_free(m);
        ck_assert_ptr_null(metrics_free(NULL));
}
END_TEST

static double sample(const char *all, const char *name)
{
        char start[64];

        snprintf(start, sizeof(start), "\n%s ", name);
        const char *p = strstr(all, start);
        ck_assert_msg(p, "no %s", name);
        return strtod(p + strlen(start), NULL);
}

START_TEST(the_process)
{
        struct metrics *m = make();
        struct text t = TEXT_NULL;
        double now = (double)time(NULL);

        metrics_print(m, &t);
        ck_assert_double_gt(sample(t.data, "process_resident_memory_bytes"), 500000);
        ck_assert_double_gt(sample(t.data, "process_virtual_memory_bytes"), 1000000);
        ck_assert_double_ge(sample(t.data, "process_open_fds"), 3);
        ck_assert_double_lt(sample(t.data, "process_open_fds"), 100);
        ck_assert_double_gt(sample(t.data, "process_max_fds"), 3);
        ck_assert_double_ge(sample(t.data, "process_cpu_seconds_total"), 0);
        ck_assert_double_le(sample(t.data, "process_start_time_seconds"), now + 2);
        ck_assert_double_gt(sample(t.data, "process_start_time_seconds"), now - 600);
        text_done(&t);
        metrics_free(m);
}
END_TEST

SUITE("metrics", counters_and_gauges, unused_metrics_have_their_heads, labels_are_escaped,
      long_labels_are_cut, histograms, series_are_bounded, bad_tables, the_process)
