#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/log_format.h"

#define MESSAGE_ID "00112233445566778899aabbccddeeff"

/* Every case runs in a process of its own: its descriptors can be bent as needed. */
static int pipe_to(int target_fd)
{
        int fds[2];

        ck_assert_int_eq(pipe(fds), 0);
        ck_assert_int_ge(dup2(fds[1], target_fd), 0);
        close(fds[1]);
        return fds[0];
}

/* What is in the pipe after the other end was closed. */
static void read_all(int fd, struct text *ret)
{
        char buf[65536];
        ssize_t n;

        while ((n = read(fd, buf, sizeof(buf))) > 0)
                text_add_bytes(ret, buf, (size_t)n);
        ck_assert_int_eq(ret->failed, 0);
}

/* Reads until nothing has come for a fifth of a second. */
static void drain(int fd, struct text *ret)
{
        char buf[65536];

        fcntl(fd, F_SETFL, O_NONBLOCK);
        for (int quiet = 0; quiet < 20;) {
                ssize_t n = read(fd, buf, sizeof(buf));
                if (n > 0) {
                        text_add_bytes(ret, buf, (size_t)n);
                        quiet = 0;
                } else {
                        usleep(10000);
                        quiet++;
                }
        }
}

static struct json_object *parse_line(const char *line, size_t n)
{
        struct json_object *o = NULL;
        struct json_fault fault;

        ck_assert_msg(json_parse(line, n, NULL, &o, &fault) == 0, "%s: %.*s", fault.detail, (int)n,
                      line);
        return o;
}

static const char *field(struct json_object *o, const char *key)
{
        const char *s = NULL;

        return json_get_string(o, key, &s) == 0 ? s : NULL;
}

START_TEST(one_json_object_a_line)
{
        int fd = pipe_to(STDOUT_FILENO);
        struct text t = TEXT_NULL;

        ck_assert_int_eq(log_start(LOG_TARGET_JSON, LOG_INFO, "test"), 0);
        clock_fake(INT64_C(1795425300000123), 0);
        int line = __LINE__ + 1;
        log_event(LOG_NOTICE, MESSAGE_ID,
                  LOG_FIELDS({"ORDO_ACCOUNT", "paper:demo"}, {"ORDO_ABSENT", NULL},
                             {"ORDO_NOTE", "a\nb\"c\xff"}, {"OTHER", ""}),
                  "order %d is %s", 5, "placed");
        log_debug("not for this level");
        log_stop();
        close(STDOUT_FILENO);
        read_all(fd, &t);

        ck_assert_int_eq(t.data[t.len - 1], '\n');
        ck_assert_ptr_eq(strchr(t.data, '\n'), t.data + t.len - 1);
        _cleanup_(json_freep) struct json_object *o = parse_line(t.data, t.len);
        ck_assert_str_eq(field(o, "timestamp"), "2026-11-23T09:15:00.000123Z");
        ck_assert_str_eq(field(o, "level"), "notice");
        ck_assert_str_eq(field(o, "message"), "order 5 is placed");
        ck_assert_str_eq(field(o, "message_id"), MESSAGE_ID);
        ck_assert_str_eq(field(o, "account"), "paper:demo");
        ck_assert_str_eq(field(o, "note"), "a\nb\"c\xef\xbf\xbd");
        ck_assert_str_eq(field(o, "other"), "");
        ck_assert_ptr_null(field(o, "absent"));
        const char *code = strstr(field(o, "source"), "test_log.c:");
        ck_assert_ptr_nonnull(code);
        long at = strtol(code + strlen("test_log.c:"), NULL, 10);
        ck_assert(at >= line && at <= line + 3); /* compilers differ on calls of several lines */
        ck_assert_int_ne(field(o, "source")[0], '.');
        text_done(&t);
}
END_TEST

START_TEST(records_before_the_start_are_written_at_once)
{
        int fd = pipe_to(STDOUT_FILENO);
        char buf[4096];

        unsetenv("JOURNAL_STREAM");
        pipe_to(STDERR_FILENO);
        ck_assert_int_eq(log_target(), LOG_TARGET_JSON);
        log_error("early");
        ssize_t n = read(fd, buf, sizeof(buf));
        ck_assert_int_gt(n, 0);
        _cleanup_(json_freep) struct json_object *o = parse_line(buf, (size_t)n);
        ck_assert_str_eq(field(o, "message"), "early");
        ck_assert_str_eq(field(o, "level"), "err");
}
END_TEST

START_TEST(starts_and_stops_again)
{
        int fd = pipe_to(STDOUT_FILENO);
        struct text t = TEXT_NULL;

        log_stop();
        ck_assert_int_eq(log_start(LOG_TARGET_JSON, LOG_INFO, "test"), 0);
        ck_assert_int_eq(log_start(LOG_TARGET_JSON, LOG_INFO, "test"), -EALREADY);
        log_info("one");
        log_stop();
        log_stop();
        log_info("between");
        ck_assert_int_eq(log_start(LOG_TARGET_JSON, LOG_WARNING, "test"), 0);
        log_info("too low");
        log_warning("two");
        log_stop();
        close(STDOUT_FILENO);
        read_all(fd, &t);
        const char *one = strstr(text_str(&t), "\"one\"");
        const char *between = strstr(text_str(&t), "\"between\"");
        const char *two = strstr(text_str(&t), "\"two\"");
        ck_assert(one && between && two && one < between && between < two);
        ck_assert_ptr_null(strstr(text_str(&t), "too low"));
        ck_assert_uint_eq(log_dropped(), 0);
        text_done(&t);
}
END_TEST

START_TEST(errno_is_left_alone)
{
        int fd = pipe_to(STDOUT_FILENO);
        struct text t = TEXT_NULL;

        ck_assert_int_eq(log_start(LOG_TARGET_JSON, LOG_INFO, "test"), 0);
        errno = ENOENT;
        log_error("cannot: %m");
        ck_assert_int_eq(errno, ENOENT);
        log_stop();
        close(STDOUT_FILENO);
        read_all(fd, &t);
        ck_assert_ptr_nonnull(strstr(text_str(&t), "\"cannot: No such file or directory\""));
        text_done(&t);
}
END_TEST

START_TEST(readable_lines)
{
        int fd = pipe_to(STDERR_FILENO);
        struct text t = TEXT_NULL;

        setenv("TZ", "UTC", 1);
        clock_fake(INT64_C(1795425300012345), 0);
        ck_assert_int_eq(log_start(LOG_TARGET_TEXT, LOG_DEBUG, "test"), 0);
        log_event(LOG_WARNING, MESSAGE_ID,
                  LOG_FIELDS({"ORDO_ACCOUNT", "paper:demo"}, {"ORDO_TEXT", "two words"},
                             {"ORDO_EMPTY", ""}, {"ORDO_EVIL", "\033[2J\xc2\x9b"}),
                  "careful\nnow \033[31m\xff");
        log_stop();
        close(STDERR_FILENO);
        read_all(fd, &t);
        ck_assert_str_eq(text_str(&t),
                         "09:15:00.012 warning careful\\x0anow \\x1b[31m\\xff  account=paper:demo"
                         "  text=\"two words\"  empty=\"\"  evil=\\x1b[2J\\xc2\\x9b\n");
        text_done(&t);
}
END_TEST

static ssize_t line_on_terminal(char *buf, size_t size)
{
        int master, slave;

        ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
        ck_assert_int_ge(dup2(slave, STDERR_FILENO), 0);
        ck_assert_int_eq(log_start(LOG_TARGET_AUTO, LOG_DEBUG, "test"), 0);
        ck_assert_int_eq(log_target(), LOG_TARGET_TEXT);
        log_error("red");
        log_stop();
        ssize_t n = read(master, buf, size - 1);
        ck_assert_int_gt(n, 0);
        buf[n] = '\0';
        return n;
}

START_TEST(colours_on_a_terminal_only)
{
        char buf[4096];

        unsetenv("JOURNAL_STREAM");
        unsetenv("NO_COLOR");
        line_on_terminal(buf, sizeof(buf));
        ck_assert_ptr_nonnull(strstr(buf, "\033[1;31merr"));
        setenv("NO_COLOR", "1", 1);
        line_on_terminal(buf, sizeof(buf));
        ck_assert_ptr_null(strchr(buf, '\033'));
        ck_assert_ptr_nonnull(strstr(buf, "err"));
}
END_TEST

static enum log_target target_with(const char *stream)
{
        if (stream)
                setenv("JOURNAL_STREAM", stream, 1);
        else
                unsetenv("JOURNAL_STREAM");
        ck_assert_int_eq(log_start(LOG_TARGET_AUTO, LOG_INFO, "test"), 0);
        enum log_target target = log_target();
        log_stop();
        return target;
}

START_TEST(finds_its_target)
{
        char stream[64];
        struct stat st;

        pipe_to(STDERR_FILENO);
        ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
        ck_assert_int_eq(target_with(NULL), LOG_TARGET_JSON);
        ck_assert_int_eq(target_with(""), LOG_TARGET_JSON);
        ck_assert_int_eq(target_with("garbage"), LOG_TARGET_JSON);
        ck_assert_int_eq(target_with("1:2"), LOG_TARGET_JSON);
        snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
                 (unsigned long long)st.st_ino);
        ck_assert_int_eq(target_with(stream), LOG_TARGET_JOURNAL);
        strcat(stream, "x");
        ck_assert_int_eq(target_with(stream), LOG_TARGET_JSON);
        if (access("/run/systemd/journal/socket", F_OK) < 0)
                ck_assert_int_eq(log_start(LOG_TARGET_JOURNAL, LOG_INFO, "test"), -ENOENT);
}
END_TEST

/* Sums up what came through; every line must be JSON and the numbers must rise. */
static void count_lines(const struct text *t, unsigned *ret_lines, uint64_t *ret_reported)
{
        long last = -1;

        *ret_lines = 0;
        *ret_reported = 0;
        for (const char *p = text_str(t), *end; *p; p = end + 1) {
                int64_t dropped = 0;
                end = strchr(p, '\n');
                ck_assert_ptr_nonnull(end);
                _cleanup_(json_freep) struct json_object *o = parse_line(p, (size_t)(end - p));
                long number = strtol(field(o, "message"), NULL, 10);
                ck_assert_int_gt(number, last);
                last = number;
                if (json_get_int(o, "log_dropped", 1, INT64_MAX, &dropped) == 0)
                        *ret_reported += (uint64_t)dropped;
                (*ret_lines)++;
        }
}

#define FLOOD 20000

static void flood(void)
{
        char filler[200];

        memset(filler, 'f', sizeof(filler) - 1);
        filler[sizeof(filler) - 1] = '\0';
        for (int i = 0; i < FLOOD; i++)
                log_event(LOG_INFO, NULL, LOG_FIELDS({"ORDO_FILLER", filler}), "%d", i);
}

START_TEST(a_blocked_reader_blocks_nobody)
{
        int fd = pipe_to(STDOUT_FILENO);
        struct text t = TEXT_NULL;
        unsigned lines;
        uint64_t reported;

        ck_assert_int_eq(log_start(LOG_TARGET_JSON, LOG_INFO, "test"), 0);
        int64_t from = clock_mono_us();
        flood(); /* a pipe holds 64 KiB */
        ck_assert_int_lt(clock_mono_us() - from, 5 * USEC_PER_SEC);
        uint64_t dropped = log_dropped();
        ck_assert_uint_gt(dropped, 0);
        ck_assert_uint_ge(dropped, FLOOD - 3 * LOG_QUEUE_MAX);

        /* The reader wakes up; the next record that gets through tells of the drops. */
        drain(fd, &t);
        log_info("%d", FLOOD);
        log_stop();
        close(STDOUT_FILENO);
        read_all(fd, &t);
        count_lines(&t, &lines, &reported);
        ck_assert_uint_eq(reported, dropped);
        ck_assert_uint_eq(lines + dropped, FLOOD + 1);
        ck_assert_uint_eq(log_dropped(), dropped);
        text_done(&t);
}
END_TEST

START_TEST(a_blocked_reader_does_not_hold_the_end)
{
        int fd = pipe_to(STDOUT_FILENO);

        ck_assert_int_eq(log_start(LOG_TARGET_JSON, LOG_INFO, "test"), 0);
        flood();
        int64_t from = clock_mono_us();
        log_stop();
        int64_t took = clock_mono_us() - from;
        ck_assert_int_ge(took, 900000);
        ck_assert_int_lt(took, 3 * USEC_PER_SEC);
        uint64_t dropped = log_dropped();
        ck_assert_uint_gt(dropped, FLOOD / 2);
        ck_assert_uint_le(dropped, FLOOD);

        log_info("must not block either");
        ck_assert_int_eq(log_start(LOG_TARGET_JSON, LOG_INFO, "test"), -EBUSY);
        ck_assert_uint_eq(log_dropped(), dropped + 1);
        close(fd);
}
END_TEST

START_TEST(a_closed_reader_is_counted)
{
        close(pipe_to(STDOUT_FILENO));
        signal(SIGPIPE, SIG_DFL);
        ck_assert_int_eq(log_start(LOG_TARGET_JSON, LOG_INFO, "test"), 0);
        for (int i = 0; i < 10; i++)
                log_info("%d", i);
        log_stop();
        ck_assert_uint_eq(log_dropped(), 10);
}
END_TEST

START_TEST(a_nonblocking_target_gets_everything)
{
        int fd = pipe_to(STDOUT_FILENO);
        struct text t = TEXT_NULL;
        unsigned lines;
        uint64_t reported;

        fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK);
        ck_assert_int_eq(log_start(LOG_TARGET_JSON, LOG_INFO, "test"), 0);
        for (int i = 0; i < 1000; i++)
                log_event(LOG_INFO, NULL, LOG_FIELDS({"ORDO_FILLER", "0123456789012345678901234"}),
                          "%d", i);
        usleep(50000);
        char buf[65536];
        while (t.len < 100000) { /* more than a pipe holds: the log thread had to wait */
                ssize_t n = read(fd, buf, sizeof(buf));
                ck_assert_int_gt(n, 0);
                text_add_bytes(&t, buf, (size_t)n);
        }
        log_stop();
        close(STDOUT_FILENO);
        read_all(fd, &t);
        count_lines(&t, &lines, &reported);
        ck_assert_uint_eq(lines, 1000);
        ck_assert_uint_eq(log_dropped(), 0);
        text_done(&t);
}
END_TEST

START_TEST(long_records_are_cut)
{
        int fd = pipe_to(STDOUT_FILENO);
        struct text t = TEXT_NULL, rupees = TEXT_NULL;

        for (int i = 0; i < 4000; i++)
                text_add(&rupees, "\xe2\x82\xb9");
        ck_assert_int_eq(log_start(LOG_TARGET_JSON, LOG_INFO, "test"), 0);
        struct log_field fields[LOG_FIELDS_MAX + 5];
        for (int i = 0; i < LOG_FIELDS_MAX + 5; i++)
                fields[i] = (struct log_field){"ORDO_LONG", text_str(&rupees)};
        for (int pad = 0; pad < 4; pad++) {
                log_event(LOG_INFO, NULL, fields, LOG_FIELDS_MAX + 5, "%.*s%s", pad, "xxx",
                          text_str(&rupees));
                log_event(LOG_INFO, NULL,
                          LOG_FIELDS({"ORDO_A", "1"}, {"ORDO_B", text_str(&rupees)},
                                     {"ORDO_C", "lost"}),
                          "short %.*s", pad, "xxx");
        }
        log_stop();
        close(STDOUT_FILENO);
        read_all(fd, &t);
        unsigned lines = 0;
        for (char *p = t.data, *end; (end = strchr(p, '\n')); p = end + 1, lines++) {
                ck_assert_uint_lt((size_t)(end - p), LOG_RECORD_MAX + 512);
                ck_assert_uint_gt((size_t)(end - p), LOG_RECORD_MAX / 2);
                ck_assert(text_utf8_valid(p, (size_t)(end - p)));
                ck_assert(!memmem(p, (size_t)(end - p), "\xef\xbf\xbd", 3)); /* no half character */
        }
        ck_assert_uint_eq(lines, 8);
        ck_assert_uint_eq(log_dropped(), 0);
        text_done(&t);
        text_done(&rupees);
}
END_TEST

#define WRITERS 4
#define EACH    5000

static void *writer(void *number)
{
        for (int i = 0; i < EACH; i++)
                log_info("%d:%d", (int)(intptr_t)number, i);
        return NULL;
}

START_TEST(many_threads)
{
        int fd = pipe_to(STDOUT_FILENO);
        struct text t = TEXT_NULL;
        pthread_t threads[WRITERS];

        ck_assert_int_eq(log_start(LOG_TARGET_JSON, LOG_INFO, "test"), 0);
        for (intptr_t i = 0; i < WRITERS; i++)
                pthread_create(&threads[i], NULL, writer, (void *)i);
        drain(fd, &t);
        for (int i = 0; i < WRITERS; i++)
                pthread_join(threads[i], NULL);
        log_stop();
        close(STDOUT_FILENO);
        read_all(fd, &t);

        int last[WRITERS] = {-1, -1, -1, -1};
        unsigned lines = 0;
        for (char *p = t.data, *end; (end = strchr(p, '\n')); p = end + 1, lines++) {
                int who, number;
                char *message = strstr(p, "\"message\":\"");
                ck_assert(message && message < end);
                ck_assert_int_eq(sscanf(message + 11, "%d:%d", &who, &number), 2);
                ck_assert_int_gt(number, last[who]);
                last[who] = number;
        }
        ck_assert_uint_eq(lines + log_dropped(), WRITERS * EACH);
        text_done(&t);
}
END_TEST

__attribute__((format(printf, 2, 3))) static struct log_record *pack(char *buf, const char *format,
                                                                     ...)
{
        struct log_place place = {"../src/http/routes.c", 17, "answer"};
        va_list args;

        va_start(args, format);
        struct log_record *r =
                log_pack(buf, &place, LOG_ERR, MESSAGE_ID,
                         (struct log_field[]){{"ORDO_ACCOUNT", "a\nb"}}, 1, format, args);
        va_end(args);
        return r;
}

START_TEST(journal_fields)
{
        static const char *const expected[] = {
                "MESSAGE=broke 7",
                "MESSAGE_ID=00112233445566778899aabbccddeeff",
                "ORDO_ACCOUNT=a\nb",
                "PRIORITY=3",
                "SYSLOG_IDENTIFIER=ordod",
                "CODE_FILE=src/http/routes.c",
                "CODE_LINE=17",
                "CODE_FUNC=answer",
                "ORDO_LOG_DROPPED=12",
        };
        alignas(struct log_record) char buf[LOG_RECORD_MAX];
        struct text scratch = TEXT_NULL;
        struct iovec iov[LOG_IOVEC_MAX];
        struct log_record *r = pack(buf, "broke %d", 7);

        ck_assert_int_eq(log_format_journal(&scratch, r, "ordod", iov), 8);
        text_clear(&scratch);
        r->dropped = 12;
        ck_assert_int_eq(log_format_journal(&scratch, r, "ordod", iov), 9);
        for (int i = 0; i < 9; i++) {
                ck_assert_uint_eq(iov[i].iov_len, strlen(expected[i]));
                ck_assert_mem_eq(iov[i].iov_base, expected[i], iov[i].iov_len);
        }
        text_done(&scratch);
}
END_TEST

START_TEST(levels)
{
        static const char *const bad[] = {"", "ERR", "error", "emerg", "debugx", "7"};

        ck_assert_int_eq(log_level_from_string("debug"), LOG_DEBUG);
        ck_assert_int_eq(log_level_from_string("info"), LOG_INFO);
        ck_assert_int_eq(log_level_from_string("notice"), LOG_NOTICE);
        ck_assert_int_eq(log_level_from_string("warning"), LOG_WARNING);
        ck_assert_int_eq(log_level_from_string("err"), LOG_ERR);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                ck_assert_int_eq(log_level_from_string(bad[i]), -EINVAL);
        log_set_level(LOG_WARNING);
        ck_assert(log_enabled(LOG_ERR) && log_enabled(LOG_WARNING) && !log_enabled(LOG_NOTICE));
}
END_TEST

SUITE("log", one_json_object_a_line, records_before_the_start_are_written_at_once,
      starts_and_stops_again, errno_is_left_alone, readable_lines, colours_on_a_terminal_only,
      finds_its_target, a_blocked_reader_blocks_nobody, a_blocked_reader_does_not_hold_the_end,
      a_closed_reader_is_counted, a_nonblocking_target_gets_everything, long_records_are_cut,
      many_threads, journal_fields, levels)
