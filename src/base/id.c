#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base/clock.h"
#include "base/id.h"

#define POOL_SIZE    1024
#define TAG_LENGTH   16
#define TAG_EPOCH_MS INT64_C(1577836800000) /* 2020-01-01 */
#define TAG_RANDOM   35                     /* bits; the other 45 count milliseconds */
#define TAG_NUMBERS  UINT64_C(100000)       /* in a millisecond: 18 digits in all */

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* Crockford's */

/* Random bytes by the kilobyte, so that an id costs no system call. */
static void take_random(void *ret, size_t n)
{
        static unsigned char pool[POOL_SIZE];
        static size_t left;

        if (left < n) {
                randombytes_buf(pool, sizeof(pool));
                left = sizeof(pool);
        }
        left -= n;
        memcpy(ret, pool + left, n);
        memset(pool + left, 0, n);
}

static uint64_t random_bits(int bits)
{
        uint64_t value;

        take_random(&value, sizeof(value));
        return value >> (64 - bits);
}

/* The base-32 digits of the lowest 5 × n bits. */
static void put_base32(char *p, uint64_t value, int n)
{
        for (int i = n; i-- > 0; value >>= 5)
                p[i] = alphabet[value & 31];
}

void id_make(char buf[static ID_SIZE])
{
        /* What the last id was made of; a clock that stands still or goes back only counts up. */
        static int64_t last_ms = -1;
        static uint64_t high, low; /* 40 bits each */
        int64_t ms = clock_wall_us() / USEC_PER_MS;

        if (ms > last_ms) {
                last_ms = ms;
                high = random_bits(40);
                low = random_bits(40);
        } else if (++low >> 40) {
                low = 0;
                if (++high >> 40) {
                        high = 0;
                        last_ms++;
                }
        }
        put_base32(buf, (uint64_t)last_ms & ((UINT64_C(1) << 48) - 1), 10);
        put_base32(buf + 10, high, 8);
        put_base32(buf + 18, low, 8);
        buf[ID_SIZE - 1] = '\0';
}

bool id_valid(const char *s, size_t n)
{
        if (n != ID_SIZE - 1 || s[0] > '7') /* 48 bits in ten characters */
                return false;
        for (size_t i = 0; i < n; i++)
                if (s[i] == '\0' || !strchr(alphabet, s[i]))
                        return false;
        return true;
}

/* Milliseconds, and a number below `limit`: random at first, counted up within a millisecond, so
 * that no two calls get the same pair. */
struct moment {
        int64_t ms;
        uint64_t low;
};

static struct moment next_moment(uint64_t limit)
{
        static struct moment last = {-1, 0};
        int64_t ms = clock_wall_us() / USEC_PER_MS - TAG_EPOCH_MS;

        if (ms > last.ms)
                last = (struct moment){ms, random_bits(TAG_RANDOM) % limit};
        else if (++last.low >= limit)
                last = (struct moment){last.ms + 1, 0};
        return (struct moment){last.ms < 0 ? 0 : last.ms, last.low};
}

void tag_make(char buf[static TAG_SIZE])
{
        struct moment m = next_moment(UINT64_C(1) << TAG_RANDOM);

        put_base32(buf, (uint64_t)m.ms, TAG_LENGTH - TAG_RANDOM / 5);
        put_base32(buf + TAG_LENGTH - TAG_RANDOM / 5, m.low, TAG_RANDOM / 5);
        buf[TAG_LENGTH] = '\0';
}

void tag_make_number(char buf[static TAG_SIZE])
{
        struct moment m = next_moment(TAG_NUMBERS);

        snprintf(buf, TAG_SIZE, "%" PRIu64, (uint64_t)(m.ms + TAG_EPOCH_MS) * TAG_NUMBERS + m.low);
}

void uuid_make(char buf[static UUID_SIZE])
{
        static const char digits[] = "0123456789abcdef";
        uint8_t bytes[16];
        char *p = buf;

        take_random(bytes, sizeof(bytes));
        bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40); /* version 4, variant of RFC 4122 */
        bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
        for (size_t i = 0; i < sizeof(bytes); i++) {
                if (i == 4 || i == 6 || i == 8 || i == 10)
                        *p++ = '-';
                *p++ = digits[bytes[i] >> 4];
                *p++ = digits[bytes[i] & 15];
        }
        *p = '\0';
}
