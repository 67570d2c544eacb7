/* Time. Two clocks, both in microseconds: monotonic for durations and deadlines, wall for records
 * and days. Tests replace both. The market's day is a date in Asia/Kolkata (UTC+05:30 without
 * daylight saving), whatever the zone of the host. Safe from every thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define USEC_PER_SEC    INT64_C(1000000)
#define USEC_PER_MS     INT64_C(1000)
#define CLOCK_TEXT_SIZE 40

int64_t clock_mono_us(void);
int64_t clock_wall_us(void);

/* Tests only: a frozen pair of clocks, moved by hand. */
void clock_fake(int64_t wall_us, int64_t mono_us);
void clock_fake_advance(int64_t us);
void clock_real(void);

/* RFC 3339 in UTC with microseconds: "2026-11-23T09:15:00.000123Z". */
const char *clock_print(int64_t wall_us, char buf[static CLOCK_TEXT_SIZE]);
/* RFC 3339 in IST with seconds: "2026-11-23T14:45:00+05:30". */
const char *clock_print_ist(int64_t wall_us, char buf[static CLOCK_TEXT_SIZE]);
/* "20261123T034500Z", for names of files. */
const char *clock_print_compact(int64_t wall_us, char buf[static CLOCK_TEXT_SIZE]);
/* RFC 3339 with any offset, fraction up to 9 digits. 0 or -EINVAL. */
int clock_parse(const char *s, size_t n, int64_t *ret_wall_us);

struct ist {
        int day;     /* 20261123 */
        int weekday; /* 0 = Sunday */
        int second;  /* of the day, 0 … 86399 */
};
struct ist clock_ist(int64_t wall_us);
int clock_ist_day(int64_t wall_us); /* 20261123 */
/* Wall clock at `second` of the IST day. */
int64_t clock_from_ist(int day, int second);
int clock_day_add(int day, int days); /* 20261130 + 1 = 20261201 */
bool clock_day_valid(int day);
