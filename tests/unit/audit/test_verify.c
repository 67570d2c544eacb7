/* Every kind of tampering is found, and at the right record. */
#include "fixture.h"

/* Three files of four records, 1 … 12: the first compressed, the last still written. */
#define A "20261123-000000000001.jsonl.gz"
#define B "20261123-000000000005.jsonl"
#define C "20261123-000000000009.jsonl"

static void three_files(struct fixture *f)
{
        fixture_init(f);
        fixture_open(f, 1 << 20);
        for (int i = 0; i < 3; i++) {
                fixture_rows(f, 4);
                ck_assert_int_eq(audit_rotate(f->audit), 0);
                fixture_export(f);
                unsigned n;
                if (i == 0) {
                        ck_assert_int_eq(audit_rotate(f->audit), 0);
                        ck_assert_int_eq(audit_compress(f->audit, &n), 0);
                }
        }
        fixture_intact(f);
}

static char *line_of(char *data, int number)
{
        for (int i = 1; i < number; i++)
                data = strchr(data, '\n') + 1;
        return data;
}

static size_t line_size(const char *line)
{
        return (size_t)(strchr(line, '\n') + 1 - line);
}

/* Each edit gets the file's text (room behind it) and returns its new size. */
static size_t change_payload(char *data, size_t n, int line)
{
        *strstr(line_of(data, line), "length") = 'L';
        return n;
}

static size_t change_actor(char *data, size_t n, int line)
{
        memcpy(strstr(line_of(data, line), "api-token"), "mallory42", 9);
        return n;
}

static size_t change_time(char *data, size_t n, int line)
{
        char *t = strstr(line_of(data, line), "T04:30");
        t[1] = '1';
        return n;
}

static size_t change_hash(char *data, size_t n, int line)
{
        char *digit = strstr(line_of(data, line), "\"hash\":\"") + 10;
        *digit = *digit == '0' ? '1' : '0';
        return n;
}

static size_t change_prev(char *data, size_t n, int line)
{
        char *digit = strstr(line_of(data, line), "\"prev\":\"") + 10;
        *digit = *digit == '0' ? '1' : '0';
        return n;
}

static size_t change_seq(char *data, size_t n, int line)
{
        char *digit = strstr(line_of(data, line), "\"seq\":") + 6;
        *digit = '9';
        return n;
}

static size_t remove_line(char *data, size_t n, int line)
{
        char *from = line_of(data, line);
        size_t size = line_size(from);
        memmove(from, from + size, n - (size_t)(from - data) - size);
        return n - size;
}

static size_t repeat_line(char *data, size_t n, int line)
{
        char *from = line_of(data, line);
        size_t size = line_size(from);
        memmove(from + size, from, n - (size_t)(from - data));
        return n + size;
}

static size_t swap_lines(char *data, size_t n, int line)
{
        char *from = line_of(data, line);
        size_t first = line_size(from), second = line_size(from + first);
        char *copy = strndup(from, first + second);
        memcpy(from, copy + first, second);
        memcpy(from + second, copy, first);
        free(copy);
        return n;
}

static size_t replace_line(char *data, size_t n, int line)
{
        char *from = line_of(data, line);
        memset(from, '#', line_size(from) - 1);
        return n;
}

static size_t empty_line(char *data, size_t n, int line)
{
        char *from = line_of(data, line);
        memmove(from + 1, from, n - (size_t)(from - data));
        *from = '\n';
        return n + 1;
}

static size_t nul_byte(char *data, size_t n, int line)
{
        line_of(data, line)[20] = '\0';
        return n;
}

static size_t cut_tail(char *data, size_t n, int line)
{
        return (size_t)(line_of(data, line) - data) + 30;
}

static size_t add_space(char *data, size_t n, int line)
{
        char *from = strstr(line_of(data, line), ",\"component\"");
        memmove(from + 1, from, n - (size_t)(from - data));
        *from = ' ';
        return n + 1;
}

static size_t long_line(char *data, size_t n, int line)
{
        char *from = line_of(data, line);
        const size_t extra = AUDIT_LINE_MAX + 10;
        memmove(from + extra, from, n - (size_t)(from - data));
        memset(from, 'x', extra);
        return n + extra;
}

static const struct {
        const char *file;
        size_t (*edit)(char *data, size_t n, int line);
        int line; /* where the edit is made */
        const char *fault;
        int found_line; /* where it is found */
        int64_t seq, expected;
} cases[] = {
        {A, change_payload, 1, "hash", 1, 1, 1},     {A, change_payload, 4, "hash", 4, 4, 4},
        {B, change_payload, 2, "hash", 2, 6, 6},     {C, change_payload, 4, "hash", 4, 12, 12},
        {B, change_actor, 3, "hash", 3, 7, 7},       {B, change_time, 1, "hash", 1, 5, 5},
        {A, change_hash, 2, "hash", 2, 2, 2},        {C, change_hash, 4, "hash", 4, 12, 12},
        {B, change_prev, 1, "hash", 1, 5, 5},        {A, change_prev, 1, "hash", 1, 1, 1},
        {A, change_seq, 3, "hash", 3, 9, 3},         {B, change_seq, 4, "hash", 4, 9, 8},
        {A, remove_line, 1, "gap", 1, 2, 1},         {A, remove_line, 2, "gap", 2, 3, 2},
        {B, remove_line, 2, "gap", 2, 7, 6},         {A, repeat_line, 3, "order", 4, 3, 4},
        {C, repeat_line, 4, "order", 5, 12, 13},     {B, swap_lines, 2, "gap", 2, 7, 6},
        {B, replace_line, 3, "unreadable", 3, 0, 7}, {B, empty_line, 3, "unreadable", 3, 0, 7},
        {A, empty_line, 1, "unreadable", 1, 0, 1},   {B, nul_byte, 2, "unreadable", 2, 0, 6},
        {B, cut_tail, 4, "unreadable", 4, 0, 8},     {A, cut_tail, 4, "unreadable", 4, 0, 4},
        {B, add_space, 2, "hash", 2, 6, 6},          {B, long_line, 2, "unreadable", 2, 0, 6},
};

START_TEST(test_tampering)
{
        struct fixture f;
        three_files(&f);
        size_t n;
        char *data = fixture_read(&f, cases[_i].file, &n);
        data = realloc(data, 4 << 20);
        n = cases[_i].edit(data, n, cases[_i].line);
        fixture_write(&f, cases[_i].file, data, n);
        struct audit_report r = fixture_verify(&f, NULL);
        ck_assert_str_eq(audit_fault_name(r.fault), cases[_i].fault);
        ck_assert_str_eq(r.file, cases[_i].file);
        ck_assert_int_eq(r.line, cases[_i].found_line);
        ck_assert_int_eq(r.seq, cases[_i].seq);
        ck_assert_int_eq(r.expected, cases[_i].expected);
        ck_assert_int_eq(r.records, cases[_i].expected - 1);
        free(data);
        fixture_done(&f);
}
END_TEST

START_TEST(test_intact)
{
        struct fixture f;
        three_files(&f);
        struct audit_report r = fixture_verify(&f, NULL);
        ck_assert_int_eq(r.fault, AUDIT_FAULT_NONE);
        ck_assert_int_eq(r.segments, 3);
        ck_assert_int_eq(r.records, 12);
        ck_assert_int_eq(r.first_seq, 1);
        ck_assert_int_eq(r.last_seq, 12);
        ck_assert_int_eq(r.ledger_rows, 0);
        ck_assert(!r.torn);
        ck_assert_str_eq(r.file, "");
        fixture_done(&f);
}
END_TEST

START_TEST(test_missing_file)
{
        struct fixture f;
        three_files(&f);
        ck_assert_int_eq(unlink(fixture_path(&f, B)), 0);
        struct audit_report r = fixture_verify(&f, NULL);
        ck_assert_str_eq(audit_fault_name(r.fault), "gap");
        ck_assert_str_eq(r.file, C);
        ck_assert_int_eq(r.line, 1);
        ck_assert_int_eq(r.seq, 9);
        ck_assert_int_eq(r.expected, 5);
        fixture_done(&f);
}
END_TEST

START_TEST(test_copied_file)
{
        struct fixture f;
        three_files(&f);
        size_t n;
        char *data = fixture_read(&f, B, &n);
        fixture_write(&f, "20261124-000000000013.jsonl", data, n);
        struct audit_report r = fixture_verify(&f, NULL);
        ck_assert_str_eq(audit_fault_name(r.fault), "order");
        ck_assert_str_eq(r.file, "20261124-000000000013.jsonl");
        ck_assert_int_eq(r.seq, 5);
        free(data);
        fixture_done(&f);
}
END_TEST

START_TEST(test_renamed_file)
{
        struct fixture f;
        three_files(&f);
        char other[256];
        snprintf(other, sizeof(other), "%s/20261123-000000000099.jsonl", f.dir);
        ck_assert_int_eq(rename(fixture_path(&f, B), other), 0);
        struct audit_report r = fixture_verify(&f, NULL);
        ck_assert_str_eq(audit_fault_name(r.fault), "gap");
        ck_assert_str_eq(r.file, C);
        fixture_done(&f);
}
END_TEST

/* A chain that was made anew from some record on does not fit the one before. */
START_TEST(test_forged_chain)
{
        struct fixture f, forged;
        three_files(&f);
        fixture_init(&forged);
        forged.now_us += 7 * USEC_PER_SEC;
        fixture_rows(&forged, 12);
        struct text data = TEXT_NULL;
        for (int i = 5; i <= 8; i++)
                text_addf(&data, "%s\n", text_str(&forged.rows[i]));
        fixture_write(&f, B, data.data, data.len);
        struct audit_report r = fixture_verify(&f, NULL);
        ck_assert_str_eq(audit_fault_name(r.fault), "hash");
        ck_assert_str_eq(r.file, B);
        ck_assert_int_eq(r.line, 1);
        ck_assert_int_eq(r.seq, 5);
        text_done(&data);
        fixture_done(&forged);
        fixture_done(&f);
}
END_TEST

/* Any byte of a compressed file: an error, or no change of what it says. */
START_TEST(test_damaged_gzip)
{
        struct fixture f;
        three_files(&f);
        char path[256];
        snprintf(path, sizeof(path), "%s", fixture_path(&f, A));
        int fd = open(path, O_RDWR | O_CLOEXEC);
        off_t size = lseek(fd, 0, SEEK_END);
        unsigned found = 0;
        for (off_t at = 10; at < size; at += 3) {
                uint8_t byte, changed;
                ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
                changed = byte ^ 0x55;
                ck_assert_int_eq(pwrite(fd, &changed, 1, at), 1);
                struct audit_report r = fixture_verify(&f, NULL);
                ck_assert_msg(r.fault != AUDIT_FAULT_NONE, "byte %ld", (long)at);
                ck_assert_str_eq(r.file, A);
                found++;
                ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
        }
        ck_assert_uint_gt(found, 50);
        for (off_t end = size - 1; end >= 0; end -= 7) {
                ck_assert_int_eq(ftruncate(fd, end), 0);
                struct audit_report r = fixture_verify(&f, NULL);
                ck_assert_msg(r.fault == AUDIT_FAULT_UNREADABLE, "cut at %ld: %s", (long)end,
                              audit_fault_name(r.fault));
                ck_assert_str_eq(r.file, A);
        }
        close(fd);
        fixture_done(&f);
}
END_TEST

START_TEST(test_plain_text_as_gzip)
{
        struct fixture f;
        three_files(&f);
        char other[256];
        snprintf(other, sizeof(other), "%s/%s", f.dir, B ".gz");
        ck_assert_int_eq(rename(fixture_path(&f, B), other), 0);
        struct audit_report r = fixture_verify(&f, NULL);
        ck_assert_str_eq(audit_fault_name(r.fault), "unreadable");
        ck_assert_str_eq(r.file, B ".gz");
        fixture_done(&f);
}
END_TEST

START_TEST(test_not_a_file)
{
        struct fixture f;
        three_files(&f);
        char other[256];
        snprintf(other, sizeof(other), "%s/b", f.root);
        ck_assert_int_eq(rename(fixture_path(&f, B), other), 0);
        if (_i == 0)
                ck_assert_int_eq(mkdir(fixture_path(&f, B), 0700), 0);
        else if (_i == 1)
                ck_assert_int_eq(mkfifo(fixture_path(&f, B), 0600), 0);
        else
                ck_assert_int_eq(symlink(other, fixture_path(&f, B)), 0);
        struct audit_report r = fixture_verify(&f, NULL);
        ck_assert_str_eq(audit_fault_name(r.fault), "unreadable");
        ck_assert_str_eq(r.file, B);
        fixture_done(&f);
}
END_TEST

/* Only the file that is being written may end in the middle of a line. */
START_TEST(test_torn_gzip)
{
        struct fixture f;
        three_files(&f);
        unsigned compressed;
        ck_assert_int_eq(audit_rotate(f.audit), 0);
        ck_assert_int_eq(audit_compress(f.audit, &compressed), 0);
        ck_assert_uint_eq(compressed, 2);
        size_t n;
        char *data = fixture_read(&f, C ".gz", &n);
        fixture_write(&f, C ".gz", data, n - 1);
        struct audit_report r = fixture_verify(&f, NULL);
        ck_assert_str_eq(audit_fault_name(r.fault), "unreadable");
        ck_assert_str_eq(r.file, C ".gz");
        ck_assert_int_eq(r.expected, 12);
        free(data);
        fixture_done(&f);
}
END_TEST

START_TEST(test_empty_and_missing_directory)
{
        struct fixture f;
        fixture_init(&f);
        struct audit_report r;
        ck_assert_int_eq(audit_verify(f.dir, NULL, &r), -ENOENT);
        fixture_open(&f, 1 << 20);
        r = fixture_verify(&f, NULL);
        ck_assert_int_eq(r.fault, AUDIT_FAULT_NONE);
        ck_assert_int_eq(r.records, 0);
        fixture_done(&f);
}
END_TEST

/* The ledger's side: rows `from` … `to` of the fixture, but for `without`; `altered` has another
 * text. */
struct ledger {
        struct audit_ledger iface;
        const struct fixture *fixture;
        int64_t from, to, without, altered;
        int fails;
        struct text text;
};

static int ledger_next(struct audit_ledger *iface, int64_t after_seq, int64_t *ret_seq,
                       const char **ret_line, size_t *ret_size)
{
        struct ledger *l = CONTAINER_OF(iface, struct ledger, iface);
        if (l->fails)
                return -l->fails;
        int64_t seq = after_seq + 1 > l->from ? after_seq + 1 : l->from;
        seq += seq == l->without;
        if (seq > l->to)
                return 0;
        text_clear(&l->text);
        text_add(&l->text, text_str(&l->fixture->rows[seq]));
        if (seq == l->altered)
                strstr(l->text.data, "length")[0] = 'L';
        *ret_seq = seq;
        *ret_line = l->text.data;
        *ret_size = l->text.len;
        return 1;
}

static const struct {
        int64_t from, to, without, altered;
        const char *fault;
        int64_t seq, expected;
        int64_t ledger_rows;
} ledgers[] = {
        {1, 16, 0, 0, "none", 0, 0, 16},
        {9, 16, 0, 0, "none", 0, 0, 8},   /* exported rows were deleted */
        {12, 12, 0, 0, "none", 0, 0, 1},  /* all but the newest */
        {13, 16, 0, 0, "none", 0, 0, 4},  /* nothing in common, but it goes on */
        {14, 16, 0, 0, "gap", 14, 13, 0}, /* the first one after the files is missing */
        {9, 16, 0, 10, "differs", 10, 10, 1},
        {9, 16, 0, 12, "differs", 12, 12, 3},
        {9, 16, 0, 13, "hash", 13, 13, 4},
        {9, 16, 0, 16, "hash", 16, 16, 7},
        {5, 16, 7, 0, "gap", 8, 7, 2},
        {9, 16, 14, 0, "gap", 15, 14, 5},
        {5, 10, 0, 0, "gap", 0, 11, 6}, /* the ledger lost what the files have */
        {1, 0, 0, 0, "gap", 0, 12, 0},  /* an empty ledger */
};

START_TEST(test_ledger)
{
        struct fixture f;
        three_files(&f);
        fixture_rows(&f, 4);
        struct ledger l = {.iface.next = ledger_next,
                           .fixture = &f,
                           .from = ledgers[_i].from,
                           .to = ledgers[_i].to,
                           .without = ledgers[_i].without,
                           .altered = ledgers[_i].altered};
        struct audit_report r = fixture_verify(&f, &l.iface);
        ck_assert_str_eq(audit_fault_name(r.fault), ledgers[_i].fault);
        ck_assert_int_eq(r.ledger_rows, ledgers[_i].ledger_rows);
        if (r.fault != AUDIT_FAULT_NONE) {
                ck_assert_str_eq(r.file, "ledger");
                ck_assert_int_eq(r.line, 0);
                ck_assert_int_eq(r.seq, ledgers[_i].seq);
                ck_assert_int_eq(r.expected, ledgers[_i].expected);
        } else {
                ck_assert_int_eq(r.last_seq, ledgers[_i].to);
                ck_assert_int_eq(r.records, 12);
        }
        text_done(&l.text);
        fixture_done(&f);
}
END_TEST

/* The torn line is in the ledger, so with it the chain is whole. */
START_TEST(test_torn_tail_with_ledger)
{
        struct fixture f;
        three_files(&f);
        struct stat st;
        ck_assert_int_eq(stat(fixture_path(&f, C), &st), 0);
        ck_assert_int_eq(truncate(fixture_path(&f, C), st.st_size - 5), 0);
        struct ledger l = {.iface.next = ledger_next, .fixture = &f, .from = 9, .to = 12};
        struct audit_report r = fixture_verify(&f, &l.iface);
        ck_assert_int_eq(r.fault, AUDIT_FAULT_NONE);
        ck_assert(r.torn);
        ck_assert_int_eq(r.last_seq, 12);
        ck_assert_int_eq(r.records, 11);
        text_done(&l.text);
        fixture_done(&f);
}
END_TEST

START_TEST(test_ledger_fails)
{
        struct fixture f;
        three_files(&f);
        struct ledger l = {.iface.next = ledger_next, .fixture = &f, .fails = EIO};
        struct audit_report r;
        ck_assert_int_eq(audit_verify(f.dir, &l.iface, &r), -EIO);
        fixture_done(&f);
}
END_TEST

START_TEST(test_ledger_without_files)
{
        struct fixture f;
        fixture_init(&f);
        fixture_open(&f, 1 << 20);
        fixture_rows(&f, 3);
        struct ledger l = {.iface.next = ledger_next, .fixture = &f, .from = 1, .to = 3};
        struct audit_report r = fixture_verify(&f, &l.iface);
        ck_assert_int_eq(r.fault, AUDIT_FAULT_NONE);
        ck_assert_int_eq(r.last_seq, 3);
        l.from = 2;
        r = fixture_verify(&f, &l.iface);
        ck_assert_str_eq(audit_fault_name(r.fault), "gap");
        ck_assert_int_eq(r.seq, 2);
        text_done(&l.text);
        fixture_done(&f);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("audit/verify");
        TCase *c = tcase_create("verify");
        tcase_set_timeout(c, 60);
        tcase_add_loop_test(c, test_tampering, 0, ELEMENTS(cases));
        tcase_add_test(c, test_intact);
        tcase_add_test(c, test_missing_file);
        tcase_add_test(c, test_copied_file);
        tcase_add_test(c, test_renamed_file);
        tcase_add_test(c, test_forged_chain);
        tcase_add_test(c, test_damaged_gzip);
        tcase_add_test(c, test_plain_text_as_gzip);
        tcase_add_loop_test(c, test_not_a_file, 0, 3);
        tcase_add_test(c, test_torn_gzip);
        tcase_add_test(c, test_empty_and_missing_directory);
        tcase_add_loop_test(c, test_ledger, 0, ELEMENTS(ledgers));
        tcase_add_test(c, test_torn_tail_with_ledger);
        tcase_add_test(c, test_ledger_fails);
        tcase_add_test(c, test_ledger_without_files);
        suite_add_tcase(s, c);
        return suite_run(s);
}
