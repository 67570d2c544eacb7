#include "suite.h"

#include <string.h>

#include "base/secret.h"

START_TEST(copies_and_terminates)
{
        char original[] = "s3cret";
        _cleanup_(secret_freep) struct secret *s = secret_new(original, 6);

        ck_assert_ptr_nonnull(s);
        secret_wipe(original, sizeof(original));
        ck_assert_mem_eq(original, "\0\0\0\0\0\0\0", 7);
        ck_assert_uint_eq(secret_size(s), 6);
        ck_assert_str_eq(secret_bytes(s), "s3cret");
}
END_TEST

START_TEST(compares)
{
        _cleanup_(secret_freep) struct secret *s = secret_new("ab\0cd", 5);
        _cleanup_(secret_freep) struct secret *none = secret_new("", 0);

        ck_assert(secret_equal(s, "ab\0cd", 5));
        ck_assert(!secret_equal(s, "ab\0ce", 5));
        ck_assert(!secret_equal(s, "ab", 2));
        ck_assert(!secret_equal(s, "ab\0cde", 6));
        ck_assert(!secret_equal(s, "", 0));
        ck_assert(!secret_equal(s, NULL, 5));
        ck_assert(!secret_equal(NULL, "ab", 2));
        ck_assert(!secret_equal(NULL, NULL, 0));
        ck_assert(secret_equal(none, "", 0));
        ck_assert_uint_eq(secret_size(none), 0);
        ck_assert_str_eq(secret_bytes(none), "");
}
END_TEST

START_TEST(survives_nothing)
{
        ck_assert_ptr_null(secret_free(NULL));
        secret_wipe(NULL, 0);
        ck_assert_ptr_null(secret_new("x", SIZE_MAX));
        ck_assert_ptr_null(secret_new("x", SIZE_MAX / 2));
}
END_TEST

SUITE("secret", copies_and_terminates, compares, survives_nothing)
