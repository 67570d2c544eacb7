#include <errno.h>
#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"

#define SEC_PER_DAY    86400
#define USEC_PER_DAY   (SEC_PER_DAY * USEC_PER_SEC)
#define IST_OFFSET_SEC 19800
#define DAY_YEAR_MIN   1970
#define DAY_YEAR_MAX   9999
/* 0000-03-01 and 9999-12-31 in days since 1970: what four digits of a year can print. */
#define DAYS_MIN (-719468)
#define DAYS_MAX 2932896

static atomic_bool fake;
static _Atomic int64_t fake_wall, fake_mono;

static int64_t now(clockid_t id)
{
        struct timespec ts;

        clock_gettime(id, &ts);
        return ts.tv_sec * USEC_PER_SEC + ts.tv_nsec / 1000;
}

int64_t clock_mono_us(void)
{
        return atomic_load(&fake) ? atomic_load(&fake_mono) : now(CLOCK_MONOTONIC);
}

int64_t clock_wall_us(void)
{
        return atomic_load(&fake) ? atomic_load(&fake_wall) : now(CLOCK_REALTIME);
}

void clock_fake(int64_t wall_us, int64_t mono_us)
{
        atomic_store(&fake_wall, wall_us);
        atomic_store(&fake_mono, mono_us);
        atomic_store(&fake, true);
}

void clock_fake_advance(int64_t us)
{
        atomic_fetch_add(&fake_wall, us);
        atomic_fetch_add(&fake_mono, us);
}

void clock_real(void)
{
        atomic_store(&fake, false);
}

struct date {
        int year, month, day;
};

/* Both directions of the proleptic Gregorian calendar, in years that begin on the first of March,
 * so that the leap day is the last of its year; 146097 days make 400 years. */
static int64_t days_of(struct date d)
{
        int64_t year = d.month > 2 ? d.year : d.year - 1;
        int64_t era = year / 400;
        int64_t of_era = year - era * 400;
        int64_t of_year = (153 * (d.month > 2 ? d.month - 3 : d.month + 9) + 2) / 5 + d.day - 1;

        return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year + DAYS_MIN;
}

static struct date date_of(int64_t days)
{
        if (days < DAYS_MIN)
                days = DAYS_MIN;
        if (days > DAYS_MAX)
                days = DAYS_MAX;

        int64_t shifted = days - DAYS_MIN;
        int64_t era = shifted / 146097;
        int64_t day = shifted - era * 146097;
        int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
        int64_t of_year = day - (365 * year + year / 4 - year / 100);
        int64_t month = (5 * of_year + 2) / 153;

        return (struct date){
                .year = (int)(era * 400 + year + (month >= 10)),
                .month = (int)(month < 10 ? month + 3 : month - 9),
                .day = (int)(of_year - (153 * month + 2) / 5 + 1),
        };
}

static int month_days(int year, int month)
{
        static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

        return month == 2 && leap ? 29 : days[month - 1];
}

static int64_t floor_div(int64_t a, int64_t b)
{
        return a / b - (a % b < 0);
}

static char *put(char *p, int value, int digits)
{
        for (int i = digits; i-- > 0; value /= 10)
                p[i] = (char)('0' + value % 10);
        return p + digits;
}

/* "2026-11-23T09:15:00" */
static char *put_date_time(char *p, int64_t days, int second)
{
        struct date d = date_of(days);

        p = put(p, d.year, 4);
        *p++ = '-';
        p = put(p, d.month, 2);
        *p++ = '-';
        p = put(p, d.day, 2);
        *p++ = 'T';
        p = put(p, second / 3600, 2);
        *p++ = ':';
        p = put(p, second / 60 % 60, 2);
        *p++ = ':';
        return put(p, second % 60, 2);
}

const char *clock_print(int64_t wall_us, char buf[static CLOCK_TEXT_SIZE])
{
        int64_t days = floor_div(wall_us, USEC_PER_DAY);
        int64_t us = (wall_us % USEC_PER_DAY + USEC_PER_DAY) % USEC_PER_DAY;
        char *p = put_date_time(buf, days, (int)(us / USEC_PER_SEC));

        *p++ = '.';
        p = put(p, (int)(us % USEC_PER_SEC), 6);
        *p++ = 'Z';
        *p = '\0';
        return buf;
}

const char *clock_print_ist(int64_t wall_us, char buf[static CLOCK_TEXT_SIZE])
{
        static const char offset[] = "+05:30";
        int64_t seconds = floor_div(wall_us, USEC_PER_SEC) + IST_OFFSET_SEC;
        int64_t days = floor_div(seconds, SEC_PER_DAY);
        char *p = put_date_time(buf, days, (int)(seconds - days * SEC_PER_DAY));

        for (size_t i = 0; i < sizeof(offset); i++)
                *p++ = offset[i];
        return buf;
}

const char *clock_print_compact(int64_t wall_us, char buf[static CLOCK_TEXT_SIZE])
{
        char text[CLOCK_TEXT_SIZE], *p = buf;

        for (const char *c = clock_print(wall_us, text); *c != '.'; c++)
                if (*c != '-' && *c != ':')
                        *p++ = *c;
        *p++ = 'Z';
        *p = '\0';
        return buf;
}

struct cursor {
        const char *at, *end;
};

/* Exactly `digits` digits between `min` and `max`, then `after` unless that is 0. */
static bool take(struct cursor *c, int digits, int min, int max, char after, int *ret)
{
        int value = 0;

        if (c->end - c->at < digits + (after != 0))
                return false;
        for (int i = 0; i < digits; i++, c->at++) {
                if (*c->at < '0' || *c->at > '9')
                        return false;
                value = value * 10 + (*c->at - '0');
        }
        if (after && *c->at++ != after)
                return false;
        *ret = value;
        return value >= min && value <= max;
}

static bool take_fraction(struct cursor *c, int *ret_us)
{
        int digits = 0, us = 0;

        *ret_us = 0;
        if (c->at == c->end || *c->at != '.')
                return true;
        for (c->at++; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++)
                if (digits++ < 6)
                        us = us * 10 + (*c->at - '0');
        if (digits == 0 || digits > 9)
                return false;
        for (int i = digits; i < 6; i++)
                us *= 10;
        *ret_us = us;
        return true;
}

static bool take_offset(struct cursor *c, int *ret_seconds)
{
        int hours, minutes;

        if (c->at == c->end)
                return false;
        char sign = *c->at++;
        *ret_seconds = 0;
        if (sign == 'Z' || sign == 'z')
                return true;
        if ((sign != '+' && sign != '-') || !take(c, 2, 0, 23, ':', &hours) ||
            !take(c, 2, 0, 59, 0, &minutes))
                return false;
        *ret_seconds = (hours * 60 + minutes) * 60 * (sign == '-' ? -1 : 1);
        return true;
}

int clock_parse(const char *s, size_t n, int64_t *ret_wall_us)
{
        struct cursor c = {s, s + n};
        struct date d;
        int hour, minute, second, us, offset;

        if (!take(&c, 4, 1, 9999, '-', &d.year) || !take(&c, 2, 1, 12, '-', &d.month) ||
            !take(&c, 2, 1, month_days(d.year, d.month), 0, &d.day))
                return -EINVAL;
        if (c.at == c.end || (*c.at != 'T' && *c.at != 't'))
                return -EINVAL;
        c.at++;
        /* 23:59:60 cannot be told from the second after it in this clock: refused. */
        if (!take(&c, 2, 0, 23, ':', &hour) || !take(&c, 2, 0, 59, ':', &minute) ||
            !take(&c, 2, 0, 59, 0, &second) || !take_fraction(&c, &us) ||
            !take_offset(&c, &offset) || c.at != c.end)
                return -EINVAL;

        int64_t seconds = days_of(d) * SEC_PER_DAY + hour * 3600 + minute * 60 + second - offset;
        *ret_wall_us = seconds * USEC_PER_SEC + us;
        return 0;
}

static int day_of(struct date d)
{
        return d.year * 10000 + d.month * 100 + d.day;
}

static struct date day_date(int day)
{
        return (struct date){day / 10000, day / 100 % 100, day % 100};
}

struct ist clock_ist(int64_t wall_us)
{
        int64_t seconds = floor_div(wall_us, USEC_PER_SEC) + IST_OFFSET_SEC;
        int64_t days = floor_div(seconds, SEC_PER_DAY);
        int64_t week = floor_div(days + 4, 7); /* 1970-01-01 was a Thursday */

        return (struct ist){
                .day = day_of(date_of(days)),
                .weekday = (int)(days + 4 - week * 7),
                .second = (int)(seconds - days * SEC_PER_DAY),
        };
}

int clock_ist_day(int64_t wall_us)
{
        return clock_ist(wall_us).day;
}

int64_t clock_from_ist(int day, int second)
{
        return (days_of(day_date(day)) * SEC_PER_DAY + second - IST_OFFSET_SEC) * USEC_PER_SEC;
}

int clock_day_add(int day, int days)
{
        return day_of(date_of(days_of(day_date(day)) + days));
}

bool clock_day_valid(int day)
{
        struct date d = day_date(day);

        return d.year >= DAY_YEAR_MIN && d.year <= DAY_YEAR_MAX && d.month >= 1 && d.month <= 12 &&
               d.day >= 1 && d.day <= month_days(d.year, d.month);
}
