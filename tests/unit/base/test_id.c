#include "suite.h"

#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"

#define NOW_MS INT64_C(1795392000123)

START_TEST(ids_are_valid_and_sorted)
{
        char last[ID_SIZE] = "", id[ID_SIZE];

        for (int i = 0; i < 100000; i++) {
                id_make(id);
                if (!id_valid(id, strlen(id)) || strcmp(last, id) >= 0)
                        ck_abort_msg("%s after %s", id, last);
                memcpy(last, id, sizeof(last));
        }
}
END_TEST

START_TEST(ids_tell_their_time)
{
        char id[ID_SIZE];

        clock_fake(INT64_C(1469918176385) * 1000, 0);
        id_make(id);
        ck_assert_int_eq(memcmp(id, "01ARYZ6S41", 10), 0); /* the example of the ULID text */
        clock_fake(INT64_C(281474976710655) * 1000, 0);    /* the last millisecond of 48 bits */
        id_make(id);
        ck_assert_int_eq(memcmp(id, "7ZZZZZZZZZ", 10), 0);
        ck_assert(id_valid(id, 26));
}
END_TEST

START_TEST(a_clock_that_goes_back_does_not_matter)
{
        char a[ID_SIZE], b[ID_SIZE], c[ID_SIZE];

        clock_fake(NOW_MS * 1000, 0);
        id_make(a);
        clock_fake((NOW_MS - 3600000) * 1000, 0);
        id_make(b);
        ck_assert_int_lt(strcmp(a, b), 0);
        clock_fake((NOW_MS + 1) * 1000, 0);
        id_make(c);
        ck_assert_int_lt(strcmp(b, c), 0);
}
END_TEST

START_TEST(randomness_differs_between_milliseconds)
{
        char a[ID_SIZE], b[ID_SIZE];

        clock_fake(NOW_MS * 1000, 0);
        id_make(a);
        clock_fake_advance(1000);
        id_make(b);
        ck_assert_int_ne(memcmp(a + 10, b + 10, 15), 0);
}
END_TEST

START_TEST(invalid_ids)
{
        static const char *const bad[] = {
                "",
                "01ARZ3NDEKTSV4RRFFQ69G5FA",
                "01ARZ3NDEKTSV4RRFFQ69G5FAVX",
                "81ARZ3NDEKTSV4RRFFQ69G5FAV",
                "01ARZ3NDEKTSV4RRFFQ69G5FAI",
                "01ARZ3NDEKTSV4RRFFQ69G5FAL",
                "01ARZ3NDEKTSV4RRFFQ69G5FAO",
                "01ARZ3NDEKTSV4RRFFQ69G5FAU",
                "01arz3ndektsv4rrffq69g5fav",
                "01ARZ3NDEKTSV4RRFFQ69G5FA-",
                "01ARZ3NDEKTSV4RRFFQ69G5FA ",
                "../../../../../../etc/pass",
        };

        ck_assert(id_valid("01ARZ3NDEKTSV4RRFFQ69G5FAV", 26));
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                ck_assert_msg(!id_valid(bad[i], strlen(bad[i])), "%s", bad[i]);
        ck_assert(!id_valid("01ARZ3NDEKTSV4RRFFQ69G5FA\0", 26));
        ck_assert(!id_valid("01ARZ3NDEKTSV4RRFFQ69G5FAV", 25));
}
END_TEST

START_TEST(tags_are_short_clean_and_sorted)
{
        char last[TAG_SIZE] = "", tag[TAG_SIZE];

        for (int i = 0; i < 100000; i++) {
                tag_make(tag);
                bool clean = strlen(tag) == 16;
                for (const char *p = tag; *p; p++)
                        clean &= isdigit((unsigned char)*p) || isupper((unsigned char)*p);
                if (!clean || strcmp(last, tag) >= 0)
                        ck_abort_msg("%s after %s", tag, last);
                memcpy(last, tag, sizeof(last));
        }
}
END_TEST

START_TEST(tags_of_digits)
{
        char last[TAG_SIZE] = "", tag[TAG_SIZE], letters[TAG_SIZE];

        for (int i = 0; i < 200000; i++) {
                tag_make_number(tag);
                if (strlen(tag) != 18 || strspn(tag, "0123456789") != 18 || strcmp(last, tag) >= 0)
                        ck_abort_msg("%s after %s", tag, last);
                memcpy(last, tag, sizeof(last));
                if (i % 1000 == 0)
                        tag_make(letters); /* they share what was given out in a millisecond */
        }
}
END_TEST

START_TEST(tags_follow_the_clock)
{
        char before[TAG_SIZE], a[TAG_SIZE], b[TAG_SIZE], c[TAG_SIZE];

        clock_fake(0, 0); /* before the first millisecond that a tag can hold */
        tag_make(before);
        clock_fake(NOW_MS * 1000, 0);
        tag_make(a);
        clock_fake((NOW_MS - 5000) * 1000, 0);
        tag_make(b);
        clock_fake((NOW_MS + 5000) * 1000, 0);
        tag_make(c);
        ck_assert_int_lt(strcmp(before, a), 0);
        ck_assert_int_lt(strcmp(a, b), 0);
        ck_assert_int_lt(strcmp(b, c), 0);
        ck_assert_int_eq(memcmp(a, b, 9), 0);
        ck_assert_int_ne(memcmp(b, c, 9), 0);
}
END_TEST

START_TEST(uuids)
{
        char a[UUID_SIZE], b[UUID_SIZE];

        for (int i = 0; i < 1000; i++) {
                uuid_make(a);
                uuid_make(b);
                ck_assert_str_ne(a, b);
                ck_assert_uint_eq(strlen(a), 36);
                ck_assert(a[8] == '-' && a[13] == '-' && a[18] == '-' && a[23] == '-');
                ck_assert_int_eq(a[14], '4');
                ck_assert_ptr_nonnull(strchr("89ab", a[19]));
        }
}
END_TEST

SUITE("id", ids_are_valid_and_sorted, ids_tell_their_time, a_clock_that_goes_back_does_not_matter,
      randomness_differs_between_milliseconds, invalid_ids, tags_are_short_clean_and_sorted,
      tags_of_digits, tags_follow_the_clock, uuids)
