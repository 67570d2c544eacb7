/* Closed files: compressed so that no crash loses a record, and kept for as long as they must be.
 */
#include <signal.h>
#include <sys/resource.h>

#include "fixture.h"

/* Files of days 1 … n, two records each; the last one is still written. */
static void days(struct fixture *f, int n)
{
        fixture_init(f);
        fixture_open(f, 1 << 20);
        for (int i = 0; i < n; i++) {
                f->now_us = clock_from_ist(clock_day_add(20260101, i), 40000);
                fixture_rows(f, 2);
                fixture_export(f);
        }
}

static unsigned compress_closed(struct fixture *f)
{
        unsigned n;
        ck_assert_int_eq(audit_compress(f->audit, &n), 0);
        return n;
}

START_TEST(test_compress)
{
        struct fixture f;
        days(&f, 3);
        ck_assert_uint_eq(compress_closed(&f), 2);
        ck_assert(fixture_has(&f, "20260101-000000000001.jsonl.gz"));
        ck_assert(fixture_has(&f, "20260102-000000000003.jsonl.gz"));
        ck_assert(fixture_has(&f, "20260103-000000000005.jsonl"));
        ck_assert_int_eq(fixture_files(&f), 3);
        struct stat st;
        ck_assert_int_eq(stat(fixture_path(&f, "20260101-000000000001.jsonl.gz"), &st), 0);
        ck_assert_int_eq(st.st_mode & 07777, 0600);
        ck_assert_uint_eq(compress_closed(&f), 0);
        fixture_rows(&f, 1);
        fixture_export(&f);
        fixture_intact(&f);
        fixture_done(&f);
}
END_TEST

/* Crashes: while the copy was written; after it had its name; and with both at once. */
START_TEST(test_leftovers)
{
        struct fixture f;
        days(&f, 3);
        f.audit = audit_close(f.audit);
        size_t n;
        char *data = fixture_read(&f, "20260101-000000000001.jsonl", &n);
        if (_i != 1)
                fixture_write(&f, "20260101-000000000001.jsonl.gz.tmp", data, n / 2);
        if (_i != 0)
                fixture_write(&f, "20260101-000000000001.jsonl.gz", data, n);
        fixture_write(&f, "pruned.tmp", "half", 4);
        fixture_intact(&f);
        fixture_open(&f, 1 << 20);
        ck_assert_int_eq(fixture_files(&f), 3);
        ck_assert(fixture_has(&f, "20260101-000000000001.jsonl"));
        fixture_intact(&f);
        ck_assert_uint_eq(compress_closed(&f), 2);
        fixture_intact(&f);
        free(data);
        fixture_done(&f);
}
END_TEST

/* No room for the copy: the original stays, and no part of a copy. */
START_TEST(test_compress_without_room)
{
        struct fixture f;
        days(&f, 2);
        /* Nothing is asserted under the limit: it holds for libcheck's own file too. */
        signal(SIGXFSZ, SIG_IGN);
        struct rlimit limit = {.rlim_cur = 10, .rlim_max = RLIM_INFINITY};
        unsigned n;
        setrlimit(RLIMIT_FSIZE, &limit);
        int r = audit_compress(f.audit, &n);
        limit.rlim_cur = RLIM_INFINITY;
        setrlimit(RLIMIT_FSIZE, &limit);
        ck_assert_int_lt(r, 0);
        ck_assert_uint_eq(n, 0);
        ck_assert_int_eq(fixture_files(&f), 2);
        fixture_intact(&f);
        ck_assert_uint_eq(compress_closed(&f), 1);
        fixture_done(&f);
}
END_TEST

static unsigned prune(struct fixture *f, int today, int64_t retention)
{
        unsigned n;
        ck_assert_int_eq(audit_prune(f->audit, clock_from_ist(today, 1), retention, &n), 0);
        return n;
}

/* A record of 1 January may go when 10 whole days lie between: on the 12th. */
START_TEST(test_retention)
{
        struct fixture f;
        days(&f, 4);
        compress_closed(&f);
        ck_assert_uint_eq(prune(&f, 20260111, 10), 0);
        ck_assert_int_eq(fixture_files(&f), 4);
        ck_assert_uint_eq(prune(&f, 20260112, 10), 1);
        ck_assert(!fixture_has(&f, "20260101-000000000001.jsonl.gz"));
        ck_assert(fixture_has(&f, "pruned"));
        ck_assert_uint_eq(prune(&f, 20260112, 10), 0);
        struct audit_report r = fixture_verify(&f, NULL);
        ck_assert_int_eq(r.fault, AUDIT_FAULT_NONE);
        ck_assert_int_eq(r.first_seq, 3);
        ck_assert_int_eq(r.last_seq, 8);
        fixture_done(&f);
}
END_TEST

START_TEST(test_newest_is_never_deleted)
{
        struct fixture f;
        days(&f, 3);
        ck_assert_uint_eq(prune(&f, 20360101, 10), 2);
        ck_assert(fixture_has(&f, "20260103-000000000005.jsonl"));
        fixture_open(&f, 1 << 20);
        ck_assert_int_eq(audit_exported(f.audit), 6);
        fixture_rows(&f, 1);
        fixture_export(&f);
        fixture_intact(&f);
        fixture_done(&f);
}
END_TEST

/* A name that claims to be older than its records. */
START_TEST(test_name_lies)
{
        struct fixture f;
        days(&f, 3);
        char other[256];
        snprintf(other, sizeof(other), "%s/20200101-000000000001.jsonl", f.dir);
        ck_assert_int_eq(rename(fixture_path(&f, "20260101-000000000001.jsonl"), other), 0);
        ck_assert_uint_eq(prune(&f, 20260105, 10), 0);
        ck_assert_int_eq(fixture_files(&f), 3);
        fixture_done(&f);
}
END_TEST

/* What cannot be read is not deleted, and neither is anything after it. */
START_TEST(test_damaged_file_stays)
{
        static const struct {
                const char *data;
                size_t n;
        } damaged[] = {
                {"no json\n", 8}, {"{\"seq\":1}\n", 10}, {"", 0}, {"{\"timestamp\":\"x", 15}};
        struct fixture f;
        days(&f, 3);
        fixture_write(&f, "20260101-000000000001.jsonl", damaged[_i].data, damaged[_i].n);
        unsigned n;
        ck_assert_int_eq(audit_prune(f.audit, clock_from_ist(20360101, 1), 10, &n), -EBADMSG);
        ck_assert_uint_eq(n, 0);
        ck_assert_int_eq(fixture_files(&f), 3);
        fixture_done(&f);
}
END_TEST

/* Deleting without the retention is seen: nothing remembers the records. */
START_TEST(test_deleted_by_hand)
{
        struct fixture f;
        days(&f, 3);
        ck_assert_int_eq(unlink(fixture_path(&f, "20260101-000000000001.jsonl")), 0);
        struct audit_report r = fixture_verify(&f, NULL);
        ck_assert_str_eq(audit_fault_name(r.fault), "gap");
        ck_assert_str_eq(r.file, "20260102-000000000003.jsonl");
        ck_assert_int_eq(r.line, 1);
        ck_assert_int_eq(r.seq, 3);
        ck_assert_int_eq(r.expected, 1);
        fixture_done(&f);
}
END_TEST

/* Two records are exported, three are lost, and it goes on with the sixth. */
static void lose_three(struct fixture *f)
{
        fixture_init(f);
        fixture_open(f, 1 << 20);
        fixture_rows(f, 2);
        fixture_export(f);
        fixture_rows(f, 5);
        ck_assert_int_eq(audit_skip(f->audit, 3, f->at_us[3]), -EINVAL);
        ck_assert_int_eq(audit_skip(f->audit, 6, f->at_us[6]), 0);
        ck_assert_int_eq(audit_exported(f->audit), 5);
        fixture_export(f);
}

START_TEST(test_marked_gap)
{
        struct fixture f;
        lose_three(&f);
        ck_assert(fixture_has(&f, "20261123-000000000006.gap"));
        struct audit_report r = fixture_verify(&f, NULL);
        ck_assert_str_eq(audit_fault_name(r.fault), "none");
        ck_assert_int_eq(r.gaps, 1);
        ck_assert_int_eq(r.gap_records, 3);
        ck_assert_int_eq(r.records, 4);
        ck_assert_int_eq(r.last_seq, 7);
        /* it goes on there, and the files behind a gap are compressed and deleted as any */
        fixture_open(&f, 1 << 20);
        ck_assert_int_eq(audit_exported(f.audit), 7);
        f.now_us += DAY_US;
        fixture_rows(&f, 2);
        fixture_export(&f);
        ck_assert_uint_eq(compress_closed(&f), 2);
        ck_assert_int_eq(fixture_verify(&f, NULL).gap_records, 3);
        ck_assert_uint_eq(prune(&f, 20261204, 10), 2);
        ck_assert(!fixture_has(&f, "20261123-000000000006.gap"));
        fixture_intact(&f);
        fixture_done(&f);
}
END_TEST

/* The first file's predecessors are gone from the ledger before there was a directory. */
START_TEST(test_gap_before_everything)
{
        struct fixture f;
        fixture_init(&f);
        fixture_open(&f, 1 << 20);
        fixture_rows(&f, 9);
        ck_assert_int_eq(audit_skip(f.audit, 8, f.at_us[8]), 0);
        fixture_export(&f);
        struct audit_report r = fixture_verify(&f, NULL);
        ck_assert_str_eq(audit_fault_name(r.fault), "none");
        ck_assert_int_eq(r.gap_records, 7);
        ck_assert_int_eq(r.first_seq, 8);
        fixture_done(&f);
}
END_TEST

/* A crash before the first record behind the mark: the next start marks it again, or another one.
 */
START_TEST(test_gap_and_crash)
{
        struct fixture f;
        fixture_init(&f);
        fixture_open(&f, 1 << 20);
        fixture_rows(&f, 2);
        fixture_export(&f);
        fixture_rows(&f, 5);
        ck_assert_int_eq(audit_skip(f.audit, 5, f.at_us[5]), 0);
        fixture_open(&f, 1 << 20);
        ck_assert_int_eq(audit_exported(f.audit), 2);
        ck_assert_int_eq(fixture_verify(&f, NULL).last_seq, 2);
        ck_assert_int_eq(audit_skip(f.audit, 6, f.at_us[6]), 0);
        fixture_export(&f);
        struct audit_report r = fixture_verify(&f, NULL);
        ck_assert_str_eq(audit_fault_name(r.fault), "none");
        ck_assert_int_eq(r.gap_records, 3);
        fixture_done(&f);
}
END_TEST

/* A mark hides nothing but what it was made for. */
START_TEST(test_gap_that_does_not_fit)
{
        static const char *const marks[] = {"1\n", "3\n", "2", "two\n", ""};
        struct fixture f;
        lose_three(&f);
        fixture_write(&f, "20261123-000000000006.gap", marks[_i], strlen(marks[_i]));
        struct audit_report r = fixture_verify(&f, NULL);
        ck_assert_str_eq(audit_fault_name(r.fault), "gap");
        ck_assert_int_eq(r.expected, 3);
        ck_assert_int_eq(r.gaps, 0);
        fixture_done(&f);
}
END_TEST

/* The record behind a gap is checked by its own hash, those behind it as ever. */
START_TEST(test_altered_behind_a_gap)
{
        struct fixture f;
        lose_three(&f);
        size_t n;
        char *data = fixture_read(&f, "20261123-000000000006.jsonl", &n);
        char *at = strstr(data, "paper:demo");
        if (_i == 1)
                at = strstr(at + 1, "paper:demo");
        ck_assert_ptr_nonnull(at);
        *at = 'P';
        fixture_write(&f, "20261123-000000000006.jsonl", data, n);
        struct audit_report r = fixture_verify(&f, NULL);
        ck_assert_str_eq(audit_fault_name(r.fault), "hash");
        ck_assert_int_eq(r.seq, 6 + _i);
        free(data);
        fixture_done(&f);
}
END_TEST

START_TEST(test_which_record_was_the_last)
{
        struct fixture f;
        fixture_init(&f);
        fixture_open(&f, 1 << 20);
        fixture_rows(&f, 3);
        fixture_export(&f);
        fixture_open(&f, 1 << 20);
        ck_assert(audit_is_last(f.audit, f.rows[3].data, f.rows[3].len));
        ck_assert(!audit_is_last(f.audit, f.rows[2].data, f.rows[2].len));
        ck_assert(!audit_is_last(f.audit, "no record", 9));
        fixture_done(&f);
}
END_TEST

START_TEST(test_pruned_is_altered)
{
        struct fixture f;
        days(&f, 3);
        ck_assert_uint_eq(prune(&f, 20260112, 10), 1);
        size_t n;
        char *data = fixture_read(&f, "pruned", &n);
        strstr(data, "paper:demo")[0] = 'P';
        fixture_write(&f, "pruned", data, n);
        struct audit_report r = fixture_verify(&f, NULL);
        ck_assert_str_eq(audit_fault_name(r.fault), "unreadable");
        ck_assert_str_eq(r.file, "pruned");
        free(data);
        fixture_done(&f);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("audit/keep");
        TCase *c = tcase_create("keep");
        tcase_add_test(c, test_compress);
        tcase_add_loop_test(c, test_leftovers, 0, 3);
        tcase_add_test(c, test_compress_without_room);
        tcase_add_test(c, test_retention);
        tcase_add_test(c, test_newest_is_never_deleted);
        tcase_add_test(c, test_name_lies);
        tcase_add_loop_test(c, test_damaged_file_stays, 0, 4);
        tcase_add_test(c, test_deleted_by_hand);
        tcase_add_test(c, test_marked_gap);
        tcase_add_test(c, test_gap_before_everything);
        tcase_add_test(c, test_gap_and_crash);
        tcase_add_loop_test(c, test_gap_that_does_not_fit, 0, 5);
        tcase_add_loop_test(c, test_altered_behind_a_gap, 0, 2);
        tcase_add_test(c, test_which_record_was_the_last);
        tcase_add_test(c, test_pruned_is_altered);
        suite_add_tcase(s, c);
        return suite_run(s);
}
