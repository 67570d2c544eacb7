/* From fetched files to the file that is looked up in. The master's rows are made here, as an
 * adapter would: "symbol,key,token,lot,rank" of the NSE. */
#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <zlib.h>

#include "base/file.h"
#include "base/text.h"
#include "orchestrator/master_load.h"

static int row(unsigned file, const struct broker_cell *cells, struct scrip *ret,
               unsigned *ret_rank)
{
        struct instrument *i = &ret->instrument;
        char name[64];
        int64_t lot, rank;

        if (text_parse_int(cells[3].s, cells[3].n, 0, INT64_MAX, &lot) < 0 ||
            text_parse_int(cells[4].s, cells[4].n, 0, 9, &rank) < 0 ||
            !text_copy_bytes(name, sizeof(name), cells[0].s, cells[0].n) ||
            !text_copy_bytes(ret->key, sizeof(ret->key), cells[1].s, cells[1].n) ||
            !text_copy_bytes(ret->token, sizeof(ret->token), cells[2].s, cells[2].n))
                return -EINVAL;
        if (text_equal(name, "NOBODY"))
                return 0;
        i->exchange = file == 0 ? EXCHANGE_NSE : EXCHANGE_BSE;
        i->lot = lot;
        i->tick = 500;
        text_copy(i->name, sizeof(i->name), name);
        *ret_rank = (unsigned)rank;
        return instrument_make_symbol(i, name) ? 1 : -EINVAL;
}

static const char *const files[] = {"/one.csv", "/two.csv", NULL};
static const char *const one_file[] = {"/one.csv", NULL};
static const char *const columns[] = {"symbol", "key", "token", "lot", "rank", NULL};
static const struct broker_master two_files = {
        .files = files, .has_header = true, .columns = columns, .rows_least = 3, .row = row};
static const struct broker_master single = {
        .files = one_file, .has_header = true, .columns = columns, .rows_least = 3, .row = row};

#define HEAD "symbol,key,token,lot,rank\n"
#define GOOD HEAD "SBIN,SBIN-EQ,3045,1,0\nINFY,INFY-EQ,1594,1,0\nM&M,M&M-EQ,2031,1,0\n"

static char dir[64], path[96];
static struct master_load load;

static void begin(const struct broker_master *m)
{
        if (!dir[0]) {
                text_copy(dir, sizeof(dir), "/tmp/ordo-load-XXXXXX");
                ck_assert_ptr_nonnull(mkdtemp(dir));
                snprintf(path, sizeof(path), "%s/toy.db", dir);
        }
        master_load_init(&load);
        load.master = m;
        load.path = path;
        load.as_of_us = 77;
}

static void give(unsigned i, const void *bytes, size_t n)
{
        char name[96];
        snprintf(name, sizeof(name), "%s/file", dir);
        load.fds[i] = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
        ck_assert_int_ge(load.fds[i], 0);
        unlink(name);
        ck_assert_int_eq(file_write(load.fds[i], bytes, n), 0);
}

static void give_text(unsigned i, const char *s)
{
        give(i, s, strlen(s));
}

static size_t pack(const char *s, size_t n, unsigned char *ret, size_t size)
{
        z_stream z = {};
        ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
        z.next_in = (unsigned char *)s;
        z.avail_in = (unsigned)n;
        z.next_out = ret;
        z.avail_out = (unsigned)size;
        ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
        deflateEnd(&z);
        return z.total_out;
}

static int go(void)
{
        master_load_run(&load);
        for (unsigned i = 0; i < MASTER_FILES_MAX; i++)
                ck_assert_int_eq(load.fds[i], -1); /* closed */
        ck_assert((load.result == 0) == (load.file != NULL));
        ck_assert((load.result == 0) == (load.error[0] == '\0'));
        char new[128];
        snprintf(new, sizeof(new), "%s.new", path);
        ck_assert_int_ne(access(new, F_OK), 0);
        return load.result;
}

static int go_with(const char *text)
{
        begin(&single);
        give_text(0, text);
        return go();
}

static void end(void)
{
        load.file = scrip_file_close(load.file);
        unlink(path);
        ck_assert_int_eq(rmdir(dir), 0);
}

static bool lists(enum scrip_by by, const char *text, struct scrip *ret)
{
        return scrip_file_find(load.file, by, text, ret) == 1;
}

START_TEST(test_plain)
{
        struct scrip s;
        ck_assert_int_eq(go_with(GOOD "NOBODY,x,1,1,0\r\n\nSBIN,SBIN-BE,9,1,1\nTCS,T,5,1,0"), 0);
        ck_assert_uint_eq(load.rows, 4);
        ck_assert_uint_eq(load.bad, 0);
        ck_assert_int_eq(scrip_file_facts(load.file).as_of_us, 77);
        ck_assert(lists(SCRIP_BY_SYMBOL, "NSE:SBIN", &s));
        ck_assert_str_eq(s.key, "SBIN-EQ");
        ck_assert(lists(SCRIP_BY_TOKEN, "5", &s)); /* the last line had no end */
        ck_assert_str_eq(s.instrument.symbol, "NSE:TCS");
        ck_assert(lists(SCRIP_BY_KEY, "M&M-EQ", &s));
        end();
}
END_TEST

START_TEST(test_gzip_and_plain)
{
        unsigned char packed[512];
        struct scrip s;
        begin(&two_files);
        size_t n = pack("\xef\xbb\xbf" GOOD, 3 + strlen(GOOD), packed, sizeof(packed));
        give(0, packed, n);
        give_text(1, HEAD "SBIN,SBIN-A,500112,1,0\n");
        ck_assert_int_eq(go(), 0);
        ck_assert_uint_eq(load.rows, 4);
        ck_assert(lists(SCRIP_BY_SYMBOL, "BSE:SBIN", &s));
        ck_assert_str_eq(s.token, "500112");
        end();
}
END_TEST

START_TEST(test_cut_gzip)
{
        unsigned char packed[512];
        size_t n;
        begin(&single);
        n = pack(GOOD, strlen(GOOD), packed, sizeof(packed));
        for (size_t cut = 1; cut < n; cut++) {
                begin(&single);
                give(0, packed, n - cut);
                ck_assert_int_eq(go(), -EBADMSG);
        }
        begin(&single);
        packed[n - 6] ^= 1; /* the sum at its end */
        give(0, packed, n);
        ck_assert_int_eq(go(), -EBADMSG);
        ck_assert_ptr_nonnull(strstr(load.error, "/one.csv is damaged"));
        end();
}
END_TEST

/* 1 MiB that unpacks to 1 GiB. */
START_TEST(test_bomb)
{
        static char zeros[1 << 20];
        z_stream z = {};
        static unsigned char packed[2 << 20];
        begin(&single);
        memset(zeros, 'a', sizeof(zeros));
        ck_assert_int_eq(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
        z.next_out = packed;
        z.avail_out = sizeof(packed);
        for (unsigned i = 0; i < 200; i++) {
                z.next_in = (unsigned char *)zeros;
                z.avail_in = sizeof(zeros);
                ck_assert_int_eq(deflate(&z, Z_FULL_FLUSH), Z_OK);
        }
        /* a gzip file may have many members: the same one three times */
        z.next_in = NULL;
        z.avail_in = 0;
        ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
        size_t n = sizeof(packed) - z.avail_out;
        deflateEnd(&z);
        give(0, packed, n);
        for (unsigned i = 0; i < 3; i++)
                ck_assert_int_eq(file_write(load.fds[0], packed, n), 0);
        ck_assert_int_eq(go(), -EBADMSG);
        ck_assert_ptr_nonnull(strstr(load.error, "unpack to more than 512 MiB"));
        end();
}
END_TEST

START_TEST(test_not_a_master)
{
        char text[20000];
        ck_assert_int_eq(go_with("<!doctype html>\n<html><body>Down for\nmaintenance</body>\n"),
                         -EBADMSG);
        ck_assert_str_eq(load.error, "file /one.csv has not the columns that are expected");
        ck_assert_int_eq(go_with(""), -EBADMSG);
        ck_assert_str_eq(load.error, "0 instruments, at least 3 are expected");
        ck_assert_int_eq(go_with(HEAD "SBIN,SBIN-EQ,3045,1,0\n"), -EBADMSG);
        /* three rows, and one instrument */
        ck_assert_int_eq(go_with(HEAD "A,a,1,1,0\nA,b,2,1,0\nA,c,3,1,0\n"), -EBADMSG);
        ck_assert_str_eq(load.error, "1 instruments, at least 3 are expected");
        ck_assert_int_eq(go_with("symbol,key,token,lot\nA,a,1,1\n"), -EBADMSG); /* no rank */
        /* lines that are none */
        strcpy(text, GOOD);
        for (unsigned i = 0; i < MASTER_BAD_FREE; i++)
                strcat(text, "broken line\n");
        ck_assert_int_eq(go_with(text), 0);
        ck_assert_uint_eq(load.bad, MASTER_BAD_FREE);
        load.file = scrip_file_close(load.file);
        strcat(text, "SBI,\"no end,1,1,0\n");
        ck_assert_int_eq(go_with(text), -EBADMSG);
        ck_assert_str_eq(load.error, "11 of 15 lines cannot be read");
        end();
}
END_TEST

/* What an adapter lets through is checked here all the same. */
START_TEST(test_unsound)
{
        struct scrip s;
        ck_assert_int_eq(go_with(GOOD "A,k\x01,1,1,0\nB,k\xff,2,1,0\nC,k,3,999999999,0\n"), 0);
        ck_assert_uint_eq(load.bad, 3);
        ck_assert_uint_eq(load.rows, 3);
        ck_assert(!lists(SCRIP_BY_SYMBOL, "NSE:A", &s));
        end();
}
END_TEST

START_TEST(test_long_line)
{
        struct text t = TEXT_NULL;
        struct scrip s;
        text_add(&t, GOOD);
        for (unsigned i = 0; i < 400000; i++)
                text_add_char(&t, 'x');
        text_add(&t, "\nTCS,T,5,1,0\n");
        ck_assert_int_eq(go_with(text_str(&t)), 0);
        ck_assert_uint_eq(load.bad, 1);
        ck_assert_uint_eq(load.rows, 4);
        ck_assert(lists(SCRIP_BY_SYMBOL, "NSE:TCS", &s));
        text_done(&t);
        end();
}
END_TEST

static char *many(unsigned n)
{
        struct text t = TEXT_NULL;
        text_add(&t, HEAD);
        for (unsigned i = 0; i < n; i++)
                text_addf(&t, "S%u,key-%u,%u,1,0\n", i, i, i);
        return text_take(&t);
}

/* Too few, against those that are in use: the file there stays as it is. */
START_TEST(test_shrunk)
{
        struct scrip s;
        char *text = many(100);
        ck_assert_int_eq(go_with(text), 0);
        load.file = scrip_file_close(load.file);
        free(text);
        text = many(49);
        begin(&single);
        load.rows_before = 100;
        give_text(0, text);
        ck_assert_int_eq(go(), -EBADMSG);
        ck_assert_str_eq(load.error, "49 instruments, where there were 100");
        ck_assert_int_eq(scrip_file_open(path, 1024, &load.file), 0);
        ck_assert(lists(SCRIP_BY_SYMBOL, "NSE:S99", &s));
        load.file = scrip_file_close(load.file);
        free(text);
        text = many(50);
        begin(&single);
        load.rows_before = 100;
        give_text(0, text);
        ck_assert_int_eq(go(), 0);
        free(text);
        end();
}
END_TEST

START_TEST(test_stopped)
{
        begin(&single);
        give_text(0, GOOD);
        load.stop = true;
        ck_assert_int_eq(go(), -ECANCELED);
        end();
}
END_TEST

/* A disk that takes no more, as a limit on the size of files. */
START_TEST(test_no_room)
{
        struct rlimit old, small;
        char *text = many(20000);
        begin(&single);
        give_text(0, text);
        signal(SIGXFSZ, SIG_IGN);
        ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
        small = (struct rlimit){.rlim_cur = 256 << 10, .rlim_max = old.rlim_max};
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
        int r = go();
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
        ck_assert_int_eq(r, -EIO);
        ck_assert_ptr_nonnull(strstr(load.error, "cannot be written"));
        free(text);
        end();
}
END_TEST

START_TEST(test_too_many)
{
        char *text = many(MASTER_ROWS_MAX + 1);
        ck_assert_int_eq(go_with(text), -EBADMSG);
        ck_assert_str_eq(load.error, "more than 500000 instruments");
        free(text);
        end();
}
END_TEST

SUITE("master load", test_plain, test_gzip_and_plain, test_cut_gzip, test_bomb, test_not_a_master,
      test_unsound, test_long_line, test_shrunk, test_stopped, test_no_room, test_too_many)
