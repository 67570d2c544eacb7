#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/reserve.h"
#include "suite.h"

static char dir[32];
static bool cannot_allocate;

/* Instead of the C library's: a file system that cannot. */
int fallocate(int fd, int mode, off_t at, off_t n)
{
        if (cannot_allocate) {
                errno = EOPNOTSUPP;
                return -1;
        }
        return (int)syscall(SYS_fallocate, fd, mode, at, n);
}

static const char *db(void)
{
        static char path[64];
        snprintf(path, sizeof(path), "%s/ordo.db", dir);
        return path;
}

static const char *file(void)
{
        static char path[80];
        snprintf(path, sizeof(path), "%s" RESERVE_SUFFIX, db());
        return path;
}

static void make(void)
{
        snprintf(dir, sizeof(dir), "/tmp/ordo-reserve-XXXXXX");
        assert(mkdtemp(dir));
}

static void clean(void)
{
        unlink(file());
        rmdir(dir);
        clock_real();
}

START_TEST(is_made_given_up_and_made_again)
{
        struct reserve r = {};
        struct stat st;

        make();
        ck_assert_int_eq(reserve_open(&r, db()), 0);
        ck_assert(r.held);
        ck_assert_int_eq(stat(file(), &st), 0);
        ck_assert_int_eq(st.st_size, RESERVE_SIZE);
        ck_assert_int_ge(st.st_blocks * 512, RESERVE_SIZE); /* no hole */
        ck_assert_int_eq(st.st_mode & 0777, 0600);
        ck_assert(reserve_renew(&r)); /* is there */
        clock_fake(1000, 1000);
        ck_assert(reserve_give_up(&r));
        ck_assert(!r.held);
        ck_assert_int_ne(access(file(), F_OK), 0);
        ck_assert(!reserve_give_up(&r)); /* nothing more to give */
        ck_assert(!reserve_renew(&r));   /* not at once: the outcomes want the room */
        clock_fake_advance(RESERVE_RETRY_US);
        ck_assert(reserve_renew(&r));
        ck_assert_int_eq(access(file(), F_OK), 0);
        reserve_done(&r);
        ck_assert_int_eq(access(file(), F_OK), 0); /* stays for the next run */
        ck_assert_int_eq(reserve_open(&r, db()), 0);
        ck_assert(r.held);
        reserve_done(&r);
        clean();
}
END_TEST

START_TEST(without_room_there_is_none)
{
        struct rlimit small = {.rlim_cur = RESERVE_SIZE / 2, .rlim_max = RLIM_INFINITY}, old;
        struct reserve r = {};

        make();
        signal(SIGXFSZ, SIG_IGN);
        ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
        small.rlim_max = old.rlim_max;
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
        clock_fake(1000, 1000);
        ck_assert_int_eq(reserve_open(&r, db()), 0);
        ck_assert(!r.held);
        ck_assert_int_ne(access(file(), F_OK), 0); /* no half of one */
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
        clock_fake_advance(RESERVE_RETRY_US);
        ck_assert(reserve_renew(&r));
        reserve_done(&r);
        clean();
}
END_TEST

START_TEST(is_written_where_it_cannot_be_allocated)
{
        struct rlimit old, small;
        struct reserve r = {};
        struct stat st;

        make();
        cannot_allocate = true;
        ck_assert_int_eq(reserve_open(&r, db()), 0);
        ck_assert(r.held);
        ck_assert_int_eq(stat(file(), &st), 0);
        ck_assert_int_eq(st.st_size, RESERVE_SIZE);
        ck_assert_int_ge(st.st_blocks * 512, RESERVE_SIZE);
        ck_assert(reserve_give_up(&r));
        reserve_done(&r);
        signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &old);
        small = old;
        small.rlim_cur = RESERVE_SIZE / 2;
        setrlimit(RLIMIT_FSIZE, &small);
        ck_assert_int_eq(reserve_open(&r, db()), 0);
        ck_assert(!r.held);
        ck_assert_int_ne(access(file(), F_OK), 0);
        setrlimit(RLIMIT_FSIZE, &old);
        reserve_done(&r);
        clean();
}
END_TEST

START_TEST(a_piece_of_one_is_made_whole)
{
        struct reserve r = {};
        struct stat st;

        make();
        FILE *f = fopen(file(), "w");
        fputs("cut off", f);
        fclose(f);
        ck_assert_int_eq(reserve_open(&r, db()), 0);
        ck_assert(r.held);
        ck_assert_int_eq(stat(file(), &st), 0);
        ck_assert_int_eq(st.st_size, RESERVE_SIZE);
        reserve_done(&r);
        clean();
        r = (struct reserve){};
        ck_assert_int_eq(reserve_open(&r, "/nonexistent/ordo.db"), 0);
        ck_assert(!r.held);
        reserve_done(&r);
}
END_TEST

SUITE("reserve", is_made_given_up_and_made_again, without_room_there_is_none,
      is_written_where_it_cannot_be_allocated, a_piece_of_one_is_made_whole)
