/* Writing: files by day and size, and going on after whatever a crash has left. */
#include <signal.h>
#include <sys/resource.h>

#include "fixture.h"

#define FIRST "20261123-000000000001.jsonl"

START_TEST(test_one_file)
{
        struct fixture f;
        fixture_init(&f);
        fixture_rows(&f, 3);
        fixture_open(&f, 1 << 20);
        ck_assert_int_eq(audit_exported(f.audit), 0);
        fixture_export(&f);
        ck_assert_int_eq(fixture_files(&f), 1);
        size_t n;
        char *data = fixture_read(&f, FIRST, &n);
        struct text expected = TEXT_NULL;
        for (int i = 1; i <= 3; i++)
                text_addf(&expected, "%s\n", text_str(&f.rows[i]));
        ck_assert_str_eq(data, text_str(&expected));
        struct stat st;
        ck_assert_int_eq(stat(fixture_path(&f, FIRST), &st), 0);
        ck_assert_int_eq(st.st_mode & 07777, 0600);
        ck_assert_int_eq(stat(f.dir, &st), 0);
        ck_assert_int_eq(st.st_mode & 07777, 0700);
        free(data);
        text_done(&expected);
        fixture_done(&f);
}
END_TEST

START_TEST(test_rotation_by_size)
{
        struct fixture f;
        fixture_init(&f);
        fixture_rows(&f, 10);
        int64_t bytes = (int64_t)f.rows[1].len + 1;
        /* three records fit exactly; with a byte less only two do */
        fixture_open(&f, 3 * bytes - _i);
        fixture_export(&f);
        fixture_intact(&f);
        ck_assert_int_eq(fixture_files(&f), _i == 0 ? 4 : 5);
        if (_i == 1) {
                ck_assert(fixture_has(&f, "20261123-000000000003.jsonl"));
                fixture_done(&f);
                return;
        }
        ck_assert(fixture_has(&f, FIRST));
        ck_assert(fixture_has(&f, "20261123-000000000004.jsonl"));
        ck_assert(fixture_has(&f, "20261123-000000000007.jsonl"));
        ck_assert(fixture_has(&f, "20261123-000000000010.jsonl"));
        fixture_intact(&f);
        fixture_done(&f);
}
END_TEST

/* A record larger than a file gets one of its own. */
START_TEST(test_small_segments)
{
        struct fixture f;
        fixture_init(&f);
        fixture_rows(&f, 4);
        fixture_open(&f, 10);
        fixture_export(&f);
        ck_assert_int_eq(fixture_files(&f), 4);
        fixture_intact(&f);
        fixture_done(&f);
}
END_TEST

/* Days are the market's: 23:59:59 and 00:00:00 in Kolkata, the same day in UTC. */
START_TEST(test_rotation_by_day)
{
        struct fixture f;
        fixture_init(&f);
        f.now_us = clock_from_ist(20261123, 86398);
        fixture_rows(&f, 4);
        fixture_open(&f, 1 << 20);
        fixture_export(&f);
        ck_assert_int_eq(fixture_files(&f), 2);
        ck_assert(fixture_has(&f, FIRST));
        ck_assert(fixture_has(&f, "20261124-000000000003.jsonl"));
        fixture_intact(&f);
        fixture_done(&f);
}
END_TEST

/* A clock that was set back makes no heap of files. */
START_TEST(test_clock_back)
{
        struct fixture f;
        fixture_init(&f);
        fixture_rows(&f, 2);
        f.now_us -= 2 * DAY_US;
        fixture_rows(&f, 2);
        f.now_us += 2 * DAY_US;
        fixture_rows(&f, 2);
        fixture_open(&f, 1 << 20);
        fixture_export(&f);
        ck_assert_int_eq(fixture_files(&f), 1);
        fixture_intact(&f);
        fixture_done(&f);
}
END_TEST

START_TEST(test_goes_on_after_restart)
{
        struct fixture f;
        fixture_init(&f);
        fixture_rows(&f, 3);
        fixture_open(&f, 1 << 20);
        fixture_export(&f);
        fixture_open(&f, 1 << 20);
        ck_assert_int_eq(audit_exported(f.audit), 3);
        fixture_rows(&f, 3);
        fixture_export(&f);
        ck_assert_int_eq(fixture_files(&f), 1);
        f.now_us += DAY_US;
        fixture_open(&f, 1 << 20);
        fixture_rows(&f, 1);
        fixture_export(&f);
        ck_assert_int_eq(fixture_files(&f), 2);
        fixture_intact(&f);
        fixture_done(&f);
}
END_TEST

START_TEST(test_goes_on_after_compressed)
{
        struct fixture f;
        fixture_init(&f);
        fixture_rows(&f, 3);
        fixture_open(&f, 1 << 20);
        fixture_export(&f);
        ck_assert_int_eq(audit_rotate(f.audit), 0);
        unsigned n;
        ck_assert_int_eq(audit_compress(f.audit, &n), 0);
        ck_assert_uint_eq(n, 1);
        fixture_open(&f, 1 << 20);
        ck_assert_int_eq(audit_exported(f.audit), 3);
        fixture_rows(&f, 1);
        fixture_export(&f);
        ck_assert(fixture_has(&f, FIRST ".gz"));
        ck_assert(fixture_has(&f, "20261123-000000000004.jsonl"));
        fixture_intact(&f);
        fixture_done(&f);
}
END_TEST

START_TEST(test_unflushed_is_forgotten)
{
        struct fixture f;
        fixture_init(&f);
        fixture_rows(&f, 5);
        fixture_open(&f, 1 << 20);
        for (int i = 1; i <= 3; i++)
                ck_assert_int_eq(fixture_append(&f, i), 0);
        ck_assert_int_eq(audit_exported(f.audit), 0);
        fixture_open(&f, 1 << 20);
        ck_assert_int_eq(audit_exported(f.audit), 0);
        fixture_export(&f);
        fixture_intact(&f);
        fixture_done(&f);
}
END_TEST

/* A crash in the middle of a write: the file ends at any byte. */
START_TEST(test_torn_tail)
{
        struct fixture f;
        fixture_init(&f);
        fixture_rows(&f, 3);
        fixture_open(&f, 1 << 20);
        fixture_export(&f);
        f.audit = audit_close(f.audit);
        off_t two = (off_t)(f.rows[1].len + f.rows[2].len + 2);
        off_t cuts[] = {two + 1, two + (off_t)f.rows[3].len / 2, two + (off_t)f.rows[3].len};
        ck_assert_int_eq(truncate(fixture_path(&f, FIRST), cuts[_i]), 0);
        struct audit_report report = fixture_verify(&f, NULL);
        ck_assert_int_eq(report.fault, AUDIT_FAULT_NONE);
        ck_assert(report.torn);
        ck_assert_int_eq(report.last_seq, 2);
        fixture_open(&f, 1 << 20);
        ck_assert_int_eq(audit_exported(f.audit), 2);
        struct stat st;
        ck_assert_int_eq(stat(fixture_path(&f, FIRST), &st), 0);
        ck_assert_int_eq(st.st_size, two);
        fixture_export(&f);
        fixture_intact(&f);
        fixture_done(&f);
}
END_TEST

/* The new file has a name, and nothing or only part of its first record. */
START_TEST(test_torn_first_record)
{
        static const char *const rests[] = {"", "{\"seq\":4,\"timest", "\0\0\0\0\0\0\0\0"};
        static const size_t sizes[] = {0, 16, 8};
        struct fixture f;
        fixture_init(&f);
        fixture_rows(&f, 3);
        fixture_open(&f, 1 << 20);
        fixture_export(&f);
        f.audit = audit_close(f.audit);
        fixture_write(&f, "20261124-000000000004.jsonl", rests[_i], sizes[_i]);
        fixture_open(&f, 1 << 20);
        ck_assert_int_eq(audit_exported(f.audit), 3);
        ck_assert(!fixture_has(&f, "20261124-000000000004.jsonl"));
        fixture_rows(&f, 1);
        fixture_export(&f);
        ck_assert_int_eq(fixture_files(&f), 1);
        fixture_intact(&f);
        fixture_done(&f);
}
END_TEST

/* Nobody guesses where to go on after a line that is no record. */
START_TEST(test_last_line_is_no_record)
{
        struct fixture f;
        fixture_init(&f);
        fixture_open(&f, 1 << 20);
        fixture_write(&f, FIRST, "something else\n", 15);
        f.audit = audit_close(f.audit);
        ck_assert_int_eq(audit_open(f.dir, 1 << 20, &f.audit), -EBADMSG);
        ck_assert_ptr_null(f.audit);
        ck_assert(fixture_has(&f, FIRST));
        fixture_done(&f);
}
END_TEST

START_TEST(test_damaged_newest)
{
        struct fixture f;
        fixture_init(&f);
        fixture_open(&f, 1 << 20);
        FILE *file = fopen(fixture_path(&f, FIRST ".gz"), "w");
        fputs("\x1f\x8b\x08 this is not deflate", file);
        fclose(file);
        f.audit = audit_close(f.audit);
        ck_assert_int_eq(audit_open(f.dir, 1 << 20, &f.audit), -EBADMSG);
        fixture_done(&f);
}
END_TEST

START_TEST(test_wrong_rows)
{
        struct fixture f;
        fixture_init(&f);
        fixture_rows(&f, 3);
        fixture_open(&f, 1 << 20);
        ck_assert_int_eq(audit_append(f.audit, 0, f.now_us, "x", 1), -EINVAL);
        ck_assert_int_eq(audit_append(f.audit, 1, f.now_us, "", 0), -EINVAL);
        ck_assert_int_eq(audit_append(f.audit, 1, f.now_us, "a\nb", 3), -EINVAL);
        char *big = calloc(1, AUDIT_LINE_MAX + 1);
        memset(big, 'x', AUDIT_LINE_MAX + 1);
        ck_assert_int_eq(audit_append(f.audit, 1, f.now_us, big, AUDIT_LINE_MAX + 1), -EINVAL);
        free(big);
        ck_assert_int_eq(fixture_append(&f, 1), 0);
        ck_assert_int_eq(fixture_append(&f, 1), -EINVAL);
        ck_assert_int_eq(fixture_append(&f, 3), -EINVAL);
        ck_assert_int_eq(audit_flush(f.audit), 0);
        fixture_export(&f);
        fixture_intact(&f);
        fixture_done(&f);
}
END_TEST

/* A disk without room, played by a limit on the size of files: what was not durable is taken back,
 * and when there is room again the same rows come once. */
START_TEST(test_no_room)
{
        struct fixture f;
        fixture_init(&f);
        fixture_rows(&f, 2);
        fixture_open(&f, 1 << 20);
        if (_i == 1)
                fixture_export(&f);
        int64_t before = audit_exported(f.audit);
        fixture_rows(&f, 4);
        for (int64_t seq = before + 1; seq <= f.n; seq++)
                ck_assert_int_eq(fixture_append(&f, seq), 0);
        /* Nothing is asserted under the limit: it holds for libcheck's own file too. */
        signal(SIGXFSZ, SIG_IGN);
        struct rlimit limit = {.rlim_cur = f.rows[1].len * 3, .rlim_max = RLIM_INFINITY};
        setrlimit(RLIMIT_FSIZE, &limit);
        int r = audit_flush(f.audit);
        limit.rlim_cur = RLIM_INFINITY;
        setrlimit(RLIMIT_FSIZE, &limit);
        ck_assert_int_eq(r, -EFBIG);
        ck_assert_int_eq(audit_exported(f.audit), before);
        fixture_export(&f);
        fixture_intact(&f);
        ck_assert_int_eq(fixture_files(&f), 1);
        fixture_done(&f);
}
END_TEST

/* More than is kept back is written before it is flushed, and still does not count. */
START_TEST(test_long_batch)
{
        struct fixture f;
        fixture_init(&f);
        fixture_open(&f, 64 << 20);
        char *line = malloc(100000);
        memset(line, 'x', 100000);
        for (int seq = 1; seq <= 5; seq++)
                ck_assert_int_eq(audit_append(f.audit, seq, f.now_us, line, 100000), 0);
        struct stat st;
        ck_assert_int_eq(stat(fixture_path(&f, FIRST), &st), 0);
        ck_assert_int_eq(st.st_size, 3 * 100001);
        ck_assert_int_eq(audit_exported(f.audit), 0);
        ck_assert_int_eq(audit_flush(f.audit), 0);
        ck_assert_int_eq(audit_exported(f.audit), 5);
        free(line);
        fixture_done(&f);
}
END_TEST

START_TEST(test_no_such_parent)
{
        struct audit *a = NULL;
        ck_assert_int_eq(audit_open("/nonexistent/audit", 1 << 20, &a), -ENOENT);
        ck_assert_int_eq(audit_open("/dev/null", 1 << 20, &a), -ENOTDIR);
        ck_assert_ptr_null(a);
}
END_TEST

/* Files of other names are left alone. */
START_TEST(test_strangers)
{
        struct fixture f;
        fixture_init(&f);
        fixture_rows(&f, 1);
        fixture_open(&f, 1 << 20);
        static const char *const names[] = {"README",
                                            "20261123-1.txt",
                                            "2026112-000000000001.jsonl",
                                            "20261123-.jsonl",
                                            "20261123-00000000000x.jsonl",
                                            "20261123-99999999999999999999.jsonl",
                                            "20261123-000000000009.jsonl.bak"};
        for (unsigned i = 0; i < ELEMENTS(names); i++)
                fixture_write(&f, names[i], "x\n", 2);
        fixture_open(&f, 1 << 20);
        fixture_export(&f);
        ck_assert_int_eq(fixture_files(&f), 1 + (int)ELEMENTS(names));
        fixture_intact(&f);
        fixture_done(&f);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("audit/export");
        TCase *c = tcase_create("export");
        tcase_add_test(c, test_one_file);
        tcase_add_loop_test(c, test_rotation_by_size, 0, 2);
        tcase_add_test(c, test_small_segments);
        tcase_add_test(c, test_rotation_by_day);
        tcase_add_test(c, test_clock_back);
        tcase_add_test(c, test_goes_on_after_restart);
        tcase_add_test(c, test_goes_on_after_compressed);
        tcase_add_test(c, test_unflushed_is_forgotten);
        tcase_add_loop_test(c, test_torn_tail, 0, 3);
        tcase_add_loop_test(c, test_torn_first_record, 0, 3);
        tcase_add_test(c, test_last_line_is_no_record);
        tcase_add_test(c, test_damaged_newest);
        tcase_add_test(c, test_wrong_rows);
        tcase_add_loop_test(c, test_no_room, 0, 2);
        tcase_add_test(c, test_long_batch);
        tcase_add_test(c, test_no_such_parent);
        tcase_add_test(c, test_strangers);
        suite_add_tcase(s, c);
        return suite_run(s);
}
