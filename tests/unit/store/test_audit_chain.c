#include <errno.h>
#include <string.h>

#include "domain/audit_chain.h"
#include "suite.h"

static const uint8_t zeros[AUDIT_HASH_SIZE];

static struct audit_record record(void)
{
        return (struct audit_record){.action = AUDIT_ORDER_INTENT,
                                     .component = "orchestrator",
                                     .actor = "a \"name\"",
                                     .correlation_id = "c-1",
                                     .account = "paper:demo",
                                     .at_us = INT64_C(1794985494000123)};
}

START_TEST(the_first_line)
{
        static const char expected[] =
                "{\"seq\":1,\"timestamp\":\"2026-11-18T07:04:54.000123Z\","
                "\"component\":\"orchestrator\",\"action\":\"order.intent\","
                "\"actor\":\"a \\\"name\\\"\",\"correlation_id\":\"c-1\","
                "\"account\":\"paper:demo\",\"order_id\":null,\"outcome\":null,\"payload\":{\"a\":"
                "1},"
                "\"prev\":\"0000000000000000000000000000000000000000000000000000000000000000\","
                /* sha256 over 32 zero bytes and the object without its hash member */
                "\"hash\":\"";
        struct audit_record r = record();
        struct text line = TEXT_NULL;
        uint8_t hash[AUDIT_HASH_SIZE], again[AUDIT_HASH_SIZE];
        int64_t seq;

        text_add(&r.payload, "{\"a\":1}");
        ck_assert_int_eq(audit_chain_line(&r, 1, zeros, &line, hash), 0);
        ck_assert_uint_eq(line.len, sizeof(expected) - 1 + 64 + 2);
        ck_assert_mem_eq(line.data, expected, sizeof(expected) - 1);
        ck_assert_str_eq(line.data + line.len - 2, "\"}");
        ck_assert_int_eq(audit_chain_check(line.data, line.len, zeros, again, &seq), 0);
        ck_assert_mem_eq(hash, again, sizeof(hash));
        ck_assert_int_eq(seq, 1);
        text_done(&line);
        audit_record_done(&r);
}
END_TEST

/* A known answer, computed elsewhere: printf '...' | sha256sum. */
START_TEST(the_hash_is_plain_sha256)
{
        struct audit_record r = {.action = AUDIT_STARTED, .component = "ordod", .actor = "ordod"};
        struct text line = TEXT_NULL;
        uint8_t hash[AUDIT_HASH_SIZE];

        ck_assert_int_eq(audit_chain_line(&r, 1, zeros, &line, hash), 0);
        ck_assert_ptr_nonnull(strstr(line.data, "\"hash\":\"0f69029a3b50e563e713943d56a26030"
                                                "b2efecd7eee90f68263fad8f764343e2\"}"));
        text_done(&line);
}
END_TEST

static void chain(char lines[][600], unsigned n)
{
        struct audit_record r = record();
        struct text line = TEXT_NULL;
        uint8_t hash[AUDIT_HASH_SIZE] = {};

        for (unsigned i = 0; i < n; i++) {
                ck_assert_int_eq(audit_chain_line(&r, i + 1, hash, &line, hash), 0);
                ck_assert(text_copy(lines[i], 600, line.data));
        }
        text_done(&line);
}

START_TEST(every_changed_byte_is_found)
{
        char lines[2][600];
        uint8_t hash[AUDIT_HASH_SIZE], first[AUDIT_HASH_SIZE];
        int64_t seq;

        chain(lines, 2);
        size_t n = strlen(lines[1]);
        ck_assert_int_eq(audit_chain_check(lines[0], strlen(lines[0]), zeros, first, &seq), 0);
        ck_assert_int_eq(audit_chain_check(lines[1], n, first, hash, &seq), 0);
        for (size_t i = 0; i < n; i++) {
                static const char flips[] = {1, 0x20, 0x40};
                for (unsigned k = 0; k < sizeof(flips); k++) {
                        lines[1][i] ^= flips[k];
                        ck_assert_int_gt(audit_chain_check(lines[1], n, first, hash, &seq), 0);
                        lines[1][i] ^= flips[k];
                }
                ck_assert_int_gt(audit_chain_check(lines[1], i, first, hash, &seq), 0);
        }
        ck_assert_int_eq(audit_chain_check(lines[1], n, first, hash, &seq), 0);
}
END_TEST

START_TEST(faults_have_names)
{
        char lines[3][600];
        uint8_t hash[AUDIT_HASH_SIZE];
        int64_t seq;

        chain(lines, 3);
        size_t n = strlen(lines[2]);
        /* a line is missing */
        ck_assert_int_eq(audit_chain_check(lines[0], strlen(lines[0]), NULL, hash, &seq), 0);
        ck_assert_int_eq(audit_chain_check(lines[2], n, hash, hash, &seq), AUDIT_CHAIN_UNLINKED);
        ck_assert_int_eq(seq, 3);
        /* the first one that was kept */
        ck_assert_int_eq(audit_chain_check(lines[2], n, NULL, hash, &seq), 0);
        *strstr(lines[2], "demo") = 'D';
        ck_assert_int_eq(audit_chain_check(lines[2], n, NULL, hash, &seq), AUDIT_CHAIN_ALTERED);
        ck_assert_int_eq(seq, 3);
        ck_assert_int_eq(audit_chain_check("{}", 2, NULL, hash, &seq), AUDIT_CHAIN_MALFORMED);
        ck_assert_int_eq(seq, 0);
        ck_assert_mem_eq(hash, zeros, sizeof(zeros));
        ck_assert_int_eq(audit_chain_check("", 0, NULL, hash, &seq), AUDIT_CHAIN_MALFORMED);
}
END_TEST

START_TEST(a_payload_that_was_cut_makes_no_record)
{
        struct audit_record r = record();
        struct text line = TEXT_NULL, small = {.max = 200};
        uint8_t hash[AUDIT_HASH_SIZE] = {1, 2, 3}, before[AUDIT_HASH_SIZE];

        memcpy(before, hash, sizeof(hash));
        r.payload.failed = -E2BIG;
        ck_assert_int_eq(audit_chain_line(&r, 1, hash, &line, hash), -E2BIG);
        r.payload.failed = 0;
        ck_assert_int_eq(audit_chain_line(&r, 1, hash, &small, hash), -E2BIG);
        ck_assert_mem_eq(hash, before, sizeof(hash)); /* the chain stands where it stood */
        text_done(&line);
        text_done(&small);
}
END_TEST

SUITE("audit chain", the_first_line, the_hash_is_plain_sha256, every_changed_byte_is_found,
      faults_have_names, a_payload_that_was_cut_makes_no_record)
