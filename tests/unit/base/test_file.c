/* Small files, whole: short reads and writes, interruptions, limits, disks that are full. */
#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define LARGE (1 << 20)

static char dir[64];

static const char *in_dir(const char *name)
{
        static char path[2][128];
        static unsigned turn;
        char *ret = path[turn++ % 2];
        snprintf(ret, sizeof(path[0]), "%s/%s", dir, name);
        return ret;
}

static void begin(void)
{
        text_copy(dir, sizeof(dir), "/tmp/ordo-file-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(dir));
}

static unsigned entries(void)
{
        glob_t g;
        ck_assert_int_eq(glob(in_dir("*"), GLOB_NOSORT, NULL, &g) & ~GLOB_NOMATCH, 0);
        unsigned n = (unsigned)g.gl_pathc;
        globfree(&g);
        return n;
}

static void end(void)
{
        (void)chmod(dir, 0700);
        (void)unlink(in_dir("f"));
        (void)rmdir(in_dir("d"));
        ck_assert_int_eq(rmdir(dir), 0); /* nothing else was left in it */
}

static void assert_content(const char *expected)
{
        struct text t = TEXT_NULL;
        _cleanup_(closep) int fd = open(in_dir("f"), O_RDONLY | O_CLOEXEC);
        ck_assert_int_eq(file_read(fd, &t), 0);
        ck_assert_str_eq(text_str(&t), expected);
        text_done(&t);
}

START_TEST(test_replace)
{
        struct stat st;
        begin();
        ck_assert_int_eq(file_replace(in_dir("f"), "first", 5), 0);
        assert_content("first");
        ck_assert_int_eq(stat(in_dir("f"), &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0600);
        ck_assert_int_eq(file_replace(in_dir("f"), "", 0), 0);
        assert_content("");
        ck_assert_uint_eq(entries(), 1);
        ck_assert_int_eq(chdir(dir), 0);
        ck_assert_int_eq(file_replace("f", "here", 4), 0);
        ck_assert_int_eq(chdir("/"), 0);
        assert_content("here");
        end();
}
END_TEST

/* Whatever fails, the old content is there and nothing else is left behind. */
START_TEST(test_replace_fails)
{
        static char large[LARGE];
        struct rlimit was, small;
        begin();
        ck_assert_int_eq(file_replace(in_dir("nowhere/f"), "x", 1), -ENOENT);
        ck_assert_int_eq(file_replace(in_dir("f"), "old", 3), 0);
        ck_assert_int_eq(mkdir(in_dir("d"), 0700), 0);
        ck_assert_int_eq(file_replace(in_dir("d"), "x", 1), -EISDIR);
        ck_assert_uint_eq(entries(), 2);

        signal(SIGXFSZ, SIG_IGN);
        ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &was), 0);
        small = was;
        small.rlim_cur = 4096;
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
        int r = file_replace(in_dir("f"), large, sizeof(large));
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &was), 0);
        ck_assert_int_eq(r, -EFBIG);
        ck_assert_uint_eq(entries(), 2);
        assert_content("old");
        end();
}
END_TEST

START_TEST(test_write_fails)
{
        _cleanup_(closep) int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
        _cleanup_(closep) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        ck_assert_int_eq(file_write(full, "x", 1), -ENOSPC);
        ck_assert_int_eq(file_write(full, "", 0), 0);
        ck_assert_int_eq(file_write(null, "x", 1), -EBADF);
}
END_TEST

START_TEST(test_read_fails)
{
        struct text t = {.max = 100};
        char bytes[8];
        _cleanup_(closep) int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_(closep) int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
        ck_assert_int_eq(file_read(tmp, &t), -EISDIR);
        ck_assert_int_eq(file_read_bytes(tmp, bytes, sizeof(bytes)), -EISDIR);
        ck_assert_int_eq(file_read(zero, &t), -E2BIG); /* and it ends */
        ck_assert_int_eq(file_read_bytes(zero, bytes, sizeof(bytes)), sizeof(bytes));
        text_done(&t);
        ck_assert_int_eq(file_sync_directory("/nowhere/at/all"), -ENOENT);
        ck_assert_int_eq(file_sync_directory("/tmp"), 0); /* its directory is the root */
}
END_TEST

/* --- a pipe that gives and takes a little at a time, while signals come --- */

static int ends[2];
static char sent[LARGE], got[LARGE];
static pthread_t reader_or_writer;

static void on_signal(int signal)
{
}

static void *disturb(void *arg)
{
        pthread_t *target = arg;
        for (unsigned i = 0; i < 50; i++) {
                usleep(500);
                pthread_kill(*target, SIGUSR1);
        }
        return NULL;
}

static void *write_slowly(void *arg)
{
        for (size_t i = 0; i < sizeof(sent); i += 64 << 10) {
                usleep(1000);
                ck_assert_int_eq(file_write(ends[1], sent + i, 64 << 10), 0);
        }
        close(ends[1]);
        return NULL;
}

static void *read_slowly(void *arg)
{
        for (size_t i = 0; i < sizeof(got); i += 64 << 10) {
                usleep(1000);
                ck_assert_int_eq(file_read_bytes(ends[0], got + i, 64 << 10), 64 << 10);
        }
        return NULL;
}

static void disturbed(void *(*other)(void *), void (*mine)(void))
{
        struct sigaction a = {.sa_handler = on_signal}; /* no SA_RESTART */
        pthread_t signals, me = pthread_self();

        ck_assert_int_eq(sigaction(SIGUSR1, &a, NULL), 0);
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        for (size_t i = 0; i < sizeof(sent); i++)
                sent[i] = (char)(i * 7 + i / 251);
        ck_assert_int_eq(pthread_create(&reader_or_writer, NULL, other, NULL), 0);
        ck_assert_int_eq(pthread_create(&signals, NULL, disturb, &me), 0);
        mine();
        pthread_join(reader_or_writer, NULL);
        pthread_join(signals, NULL);
        ck_assert_mem_eq(sent, got, sizeof(got));
}

static void read_all(void)
{
        struct text t = {.max = 2 * LARGE};
        ck_assert_int_eq(file_read(ends[0], &t), 0);
        ck_assert_uint_eq(t.len, sizeof(got));
        memcpy(got, text_str(&t), t.len);
        text_done(&t);
        close(ends[0]);
}

static void write_everything(void)
{
        ck_assert_int_eq(file_write(ends[1], sent, sizeof(sent)), 0);
        close(ends[1]);
}

START_TEST(test_read_interrupted)
{
        disturbed(write_slowly, read_all);
}
END_TEST

START_TEST(test_write_interrupted)
{
        disturbed(read_slowly, write_everything);
        close(ends[0]);
}
END_TEST

SUITE("file", test_replace, test_replace_fails, test_write_fails, test_read_fails,
      test_read_interrupted, test_write_interrupted)
