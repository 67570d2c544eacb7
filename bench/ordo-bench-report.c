#include "ordo-bench-report.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"

#define DATE_SIZE   32
#define NUMBER_SIZE 32

void report_load(struct report *r, const struct report_row *row)
{
        assert(r->n_rows < REPORT_ROWS_MAX);
        r->rows[r->n_rows++] = *row;
}

void report_target(struct report *r, const char *name, double value, const char *unit,
                   enum report_bound bound, double target)
{
        assert(r->n_values < REPORT_VALUES_MAX);
        struct report_value *v = &r->values[r->n_values++];
        *v = (struct report_value){.unit = unit, .value = value, .bound = bound, .target = target};
        (void)text_copy(v->name, sizeof(v->name), name);
}

void report_value(struct report *r, const char *name, double value, const char *unit)
{
        report_target(r, name, value, unit, REPORT_PLAIN, 0);
}

static bool missed(const struct report_value *v)
{
        return (v->bound == REPORT_AT_MOST && v->value > v->target) ||
               (v->bound == REPORT_AT_LEAST && v->value < v->target);
}

unsigned report_misses(const struct report *r)
{
        unsigned n = 0;
        for (unsigned i = 0; i < r->n_values; i++)
                n += missed(&r->values[i]);
        return n;
}

static const char *today(char buf[static DATE_SIZE])
{
        time_t now = time(NULL);
        struct tm tm;
        (void)strftime(buf, DATE_SIZE, "%Y-%m-%d", gmtime_r(&now, &tm));
        return buf;
}

static double per_second_of(double ms)
{
        return 1000 / ms;
}

/* How much longer one request takes than it must. */
static double times_floor(const struct report_row *row)
{
        return per_second_of(row->floor_ms) / row->result.per_second;
}

static void print_cell(double value, int decimals, FILE *to)
{
        if (value > 0)
                (void)fprintf(to, " %8.*f", decimals, value);
        else
                (void)fprintf(to, " %8s", "");
}

static void print_row(const struct report_row *row, FILE *to)
{
        (void)fprintf(to, "%-32s %8.0f %8.2f %8.2f", row->name, row->result.per_second,
                      row->result.total.p50_ms, row->result.total.p99_ms);
        print_cell(row->own ? row->result.own.p50_ms : 0, 1, to);
        print_cell(row->own ? row->result.own.p99_ms : 0, 1, to);
        print_cell(row->loop_us, 0, to);
        print_cell(row->store_us, 0, to);
        print_cell(row->floor_ms > 0 ? per_second_of(row->floor_ms) : 0, 0, to);
        print_cell(row->floor_ms > 0 ? times_floor(row) : 0, 1, to);
        (void)fputc('\n', to);
}

static void print_number(char buf[static NUMBER_SIZE], double value)
{
        (void)snprintf(buf, NUMBER_SIZE, fabs(value) >= 1000 ? "%.0f" : "%.2f", value);
}

static void print_value(const struct report_value *v, FILE *to)
{
        char number[NUMBER_SIZE];
        print_number(number, v->value);
        (void)fprintf(to, "%-46s %10s %-3s", v->name, number, v->unit);
        if (v->bound != REPORT_PLAIN) {
                (void)fprintf(to, "  %s %g  %s",
                              v->bound == REPORT_AT_MOST ? "at most" : "at least", v->target,
                              missed(v) ? "MISS" : "ok");
        }
        (void)fputc('\n', to);
}

void report_print(const struct report *r, FILE *to)
{
        char date[DATE_SIZE];
        (void)fprintf(to, "ordo-bench " ORDO_VERSION ", %s, %ld processors, %.0f s\n\n",
                      today(date), sysconf(_SC_NPROCESSORS_ONLN), r->seconds);
        (void)fprintf(to, "%-32s %8s %8s %8s %8s %8s %8s %8s %8s %8s\n",
                      "load, and its connections", "a second", "p50 ms", "p99 ms", "own p50",
                      "own p99", "loop us", "store us", "floor", "times");
        for (unsigned i = 0; i < r->n_rows; i++)
                print_row(&r->rows[i], to);
        (void)fputc('\n', to);
        for (unsigned i = 0; i < r->n_values; i++)
                print_value(&r->values[i], to);
        (void)fprintf(to, "\n%u targets missed\n", report_misses(r));
}

static void put_number(struct json_writer *w, const char *key, double value)
{
        char number[NUMBER_SIZE];
        int n = snprintf(number, sizeof(number), "%.3f", value);
        json_put_raw(w, key, number, (size_t)n);
}

static void put_row(struct json_writer *w, const struct report_row *row)
{
        json_object_begin(w, NULL);
        json_put_string(w, "name", row->name);
        json_put_int(w, "requests", row->result.done);
        put_number(w, "per_second", row->result.per_second);
        put_number(w, "p50_ms", row->result.total.p50_ms);
        put_number(w, "p99_ms", row->result.total.p99_ms);
        if (row->own) {
                put_number(w, "own_p50_ms", row->result.own.p50_ms);
                put_number(w, "own_p99_ms", row->result.own.p99_ms);
        }
        if (row->loop_us > 0) {
                put_number(w, "loop_us", row->loop_us);
                put_number(w, "store_us", row->store_us);
        }
        if (row->floor_ms > 0)
                put_number(w, "floor_per_second", per_second_of(row->floor_ms));
        json_object_finish(w);
}

static void put_value(struct json_writer *w, const struct report_value *v)
{
        json_object_begin(w, NULL);
        json_put_string(w, "name", v->name);
        put_number(w, "value", v->value);
        json_put_string(w, "unit", v->unit);
        if (v->bound != REPORT_PLAIN) {
                put_number(w, v->bound == REPORT_AT_MOST ? "at_most" : "at_least", v->target);
                json_put_bool(w, "ok", !missed(v));
        }
        json_object_finish(w);
}

int report_print_json(const struct report *r, FILE *to)
{
        char date[DATE_SIZE];
        struct text out = TEXT_NULL;
        struct json_writer w = JSON_WRITER(&out);

        json_object_begin(&w, NULL);
        json_put_string(&w, "version", ORDO_VERSION);
        json_put_string(&w, "date", today(date));
        json_put_int(&w, "processors", sysconf(_SC_NPROCESSORS_ONLN));
        put_number(&w, "seconds", r->seconds);
        json_array_begin(&w, "loads");
        for (unsigned i = 0; i < r->n_rows; i++)
                put_row(&w, &r->rows[i]);
        json_array_finish(&w);
        json_array_begin(&w, "values");
        for (unsigned i = 0; i < r->n_values; i++)
                put_value(&w, &r->values[i]);
        json_array_finish(&w);
        json_object_finish(&w);
        int error = out.failed;
        if (error == 0 && fprintf(to, "%s\n", text_str(&out)) < 0)
                error = -EIO;
        text_done(&out);
        return error;
}
