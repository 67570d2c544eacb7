#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "store/scrip_file.h"

static char dir[64], path[96];

static struct scrip_maker *begin(void)
{
        struct scrip_maker *m;
        text_copy(dir, sizeof(dir), "/tmp/ordo-scrip-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(dir));
        snprintf(path, sizeof(path), "%s/a ?#%%.db", dir); /* a name that must be escaped */
        ck_assert_int_eq(scrip_maker_new(path, &m), 0);
        return m;
}

static void end(struct scrip_file *f)
{
        scrip_file_close(f);
        unlink(path);
        ck_assert_int_eq(rmdir(dir), 0); /* nothing was left behind */
}

static struct scrip scrip_of(const char *symbol, const char *name, const char *key)
{
        struct scrip s = {.instrument = {.lot = 1, .tick = 500}};
        text_copy(s.instrument.symbol, sizeof(s.instrument.symbol), symbol);
        text_copy(s.instrument.name, sizeof(s.instrument.name), name);
        text_copy(s.key, sizeof(s.key), key);
        s.instrument.exchange = (enum exchange)exchange_from(symbol, 3);
        return s;
}

static void add(struct scrip_maker *m, const char *symbol, const char *name, const char *key,
                unsigned rank)
{
        struct scrip s = scrip_of(symbol, name, key);
        ck_assert_int_eq(scrip_maker_add(m, &s, rank), 0);
}

static struct scrip_file *finish(struct scrip_maker *m, unsigned rows)
{
        struct scrip_file *f;
        unsigned n;
        ck_assert_int_eq(scrip_maker_finish(m, 1234567, &n), 0);
        ck_assert_uint_eq(n, rows);
        scrip_maker_free(m);
        ck_assert_int_eq(scrip_file_open(path, 1024, &f), 0);
        ck_assert_uint_eq(scrip_file_facts(f).rows, rows);
        ck_assert_int_eq(scrip_file_facts(f).as_of_us, 1234567);
        return f;
}

START_TEST(test_whole_scrip)
{
        struct scrip_maker *m = begin();
        struct scrip in = scrip_of("NFO:NIFTY29DEC2626000CE", "Nifty 50 call", "key-1"), out;
        struct instrument *i = &in.instrument;
        text_copy(i->isin, sizeof(i->isin), "INE062A01020");
        text_copy(i->underlying, sizeof(i->underlying), "NIFTY");
        text_copy(in.token, sizeof(in.token), "token-1");
        text_copy(in.detail, sizeof(in.detail), "OPTIDX");
        i->segment = SEGMENT_OPTION;
        i->expiry = 20261229;
        i->strike = INT64_C(260000000);
        i->call = i->on_index = i->closing_auction = i->intraday_allowed = true;
        i->lot = 65;
        i->freeze = 1800;
        i->previous_close = 123456;
        i->band_percent = 20;
        ck_assert_int_eq(scrip_maker_add(m, &in, 3), 0);
        struct scrip_file *f = finish(m, 1);
        static const enum scrip_by by[] = {SCRIP_BY_SYMBOL, SCRIP_BY_KEY, SCRIP_BY_TOKEN,
                                           SCRIP_BY_ISIN};
        const char *texts[] = {i->symbol, in.key, in.token, i->isin};
        for (unsigned n = 0; n < 4; n++) {
                memset(&out, 0xff, sizeof(out));
                ck_assert_int_eq(scrip_file_find(f, by[n], texts[n], &out), 1);
                ck_assert_str_eq(out.instrument.symbol, i->symbol);
                ck_assert_str_eq(out.instrument.name, i->name);
                ck_assert_str_eq(out.instrument.isin, i->isin);
                ck_assert_str_eq(out.instrument.underlying, i->underlying);
                ck_assert_int_eq(out.instrument.exchange, EXCHANGE_NFO);
                ck_assert_int_eq(out.instrument.segment, SEGMENT_OPTION);
                ck_assert_int_eq(out.instrument.expiry, i->expiry);
                ck_assert_int_eq(out.instrument.strike, i->strike);
                ck_assert_int_eq(out.instrument.lot, i->lot);
                ck_assert_int_eq(out.instrument.tick, i->tick);
                ck_assert_int_eq(out.instrument.freeze, i->freeze);
                ck_assert_int_eq(out.instrument.previous_close, i->previous_close);
                ck_assert_int_eq(out.instrument.band_percent, i->band_percent);
                ck_assert(out.instrument.call && out.instrument.on_index);
                ck_assert(out.instrument.closing_auction && out.instrument.intraday_allowed);
                ck_assert_str_eq(out.key, in.key);
                ck_assert_str_eq(out.token, in.token);
                ck_assert_str_eq(out.detail, in.detail);
                ck_assert_int_eq(scrip_file_find(f, by[n], "no such", &out), 0);
                ck_assert_int_eq(scrip_file_find(f, by[n], "", &out), 0);
        }
        end(f);
}
END_TEST

/* The lowest rank stays, then the lowest key, in whichever order they come. */
START_TEST(test_collisions)
{
        struct scrip_maker *m = begin();
        struct scrip s;
        add(m, "NSE:SBIN", "B", "SBIN-BE", 2);
        add(m, "NSE:SBIN", "A", "SBIN-EQ", 1);
        add(m, "NSE:SBIN", "C", "SBIN-AA", 2);
        add(m, "NSE:INFY", "A", "b", 1);
        add(m, "NSE:INFY", "B", "a", 1);
        add(m, "NSE:INFY", "C", "c", 1);
        add(m, "NSE:TCS", "first of equals", "t", 1);
        add(m, "NSE:TCS", "second of equals", "t", 1);
        struct scrip_file *f = finish(m, 3);
        ck_assert_int_eq(scrip_file_find(f, SCRIP_BY_SYMBOL, "NSE:SBIN", &s), 1);
        ck_assert_str_eq(s.key, "SBIN-EQ");
        ck_assert_str_eq(s.instrument.name, "A");
        ck_assert_int_eq(scrip_file_find(f, SCRIP_BY_KEY, "SBIN-BE", &s), 0);
        ck_assert_int_eq(scrip_file_find(f, SCRIP_BY_SYMBOL, "NSE:INFY", &s), 1);
        ck_assert_str_eq(s.key, "a");
        ck_assert_str_eq(s.instrument.name, "B");
        ck_assert_int_eq(scrip_file_find(f, SCRIP_BY_SYMBOL, "NSE:TCS", &s), 1);
        ck_assert_str_eq(s.instrument.name, "first of equals");
        end(f);
}
END_TEST

/* One key for two instruments names neither: an order must not go to a guess. */
START_TEST(test_ambiguous)
{
        struct scrip_maker *m = begin();
        struct scrip s = scrip_of("NSE:A", "a", "same"), found;
        text_copy(s.token, sizeof(s.token), "7");
        text_copy(s.instrument.isin, sizeof(s.instrument.isin), "INE000000001");
        ck_assert_int_eq(scrip_maker_add(m, &s, 5), 0);
        struct scrip t = scrip_of("BSE:A", "a", "same");
        text_copy(t.token, sizeof(t.token), "7");
        text_copy(t.instrument.isin, sizeof(t.instrument.isin), "INE000000001");
        ck_assert_int_eq(scrip_maker_add(m, &t, 0), 0);
        struct scrip_file *f = finish(m, 2);
        ck_assert_int_eq(scrip_file_find(f, SCRIP_BY_KEY, "same", &found), 0);
        ck_assert_int_eq(scrip_file_find(f, SCRIP_BY_TOKEN, "7", &found), 0);
        ck_assert_int_eq(scrip_file_find(f, SCRIP_BY_ISIN, "INE000000001", &found), 1);
        ck_assert_str_eq(found.instrument.symbol, "NSE:A");
        end(f);
}
END_TEST

/* Names that share a hash: each is found, none for the other, and none is taken for named twice. */
START_TEST(test_same_hash)
{
        static const char one[] = "NSE:C97969", two[] = "NSE:C170406", not_listed[] = "NSE:C97968",
                          its_twin[] = "NSE:C170407";
        struct scrip_maker *m = begin();
        struct scrip found;
        const char *const symbols[] = {one, two, its_twin};
        for (unsigned i = 0; i < 3; i++) {
                struct scrip s = scrip_of(symbols[i], symbols[i], symbols[i]);
                text_copy(s.token, sizeof(s.token), symbols[i]);
                ck_assert_int_eq(scrip_maker_add(m, &s, 0), 0);
        }
        struct scrip_file *f = finish(m, 3);
        for (enum scrip_by by = SCRIP_BY_SYMBOL; by <= SCRIP_BY_TOKEN; by++) {
                for (unsigned i = 0; i < 3; i++) {
                        ck_assert_int_eq(scrip_file_find(f, by, symbols[i], &found), 1);
                        ck_assert_str_eq(found.instrument.symbol, symbols[i]);
                }
                ck_assert_int_eq(scrip_file_find(f, by, not_listed, &found), 0);
        }
        end(f);
}
END_TEST

START_TEST(test_search)
{
        struct scrip_maker *m = begin();
        struct instrument found[8];
        add(m, "NSE:SBIN", "State Bank of India", "1", 0);
        add(m, "NSE:SBILIFE", "SBI Life  Insurance", "2", 0);
        add(m, "BSE:SBIN", "State Bank of India", "3", 0);
        add(m, "NSE:M&M", "Mahindra & Mahindra", "4", 0);
        struct scrip s = scrip_of("NFO:SBIN29DEC26FUT", "State Bank future", "5");
        s.instrument.segment = SEGMENT_FUTURE;
        ck_assert_int_eq(scrip_maker_add(m, &s, 0), 0);
        struct scrip_file *f = finish(m, 5);
        ck_assert_int_eq(scrip_file_search(f, SCRIP_TEXT_SYMBOL, "NSE:SBI", 8, found), 2);
        ck_assert_str_eq(found[0].symbol, "NSE:SBILIFE");
        ck_assert_str_eq(found[1].symbol, "NSE:SBIN");
        ck_assert_int_eq(scrip_file_search(f, SCRIP_TEXT_SYMBOL, "NSE:SBI", 1, found), 1);
        ck_assert_int_eq(scrip_file_search(f, SCRIP_TEXT_SYMBOL, "NFO:S", 8, found), 1);
        ck_assert_int_eq(scrip_file_search(f, SCRIP_TEXT_SYMBOL, "MCX:", 8, found), 0);
        ck_assert_int_eq(scrip_file_search(f, SCRIP_TEXT_SYMBOL, "", 8, found), 0);
        /* from any word on; the futures of a share are not named */
        ck_assert_int_eq(scrip_file_search(f, SCRIP_TEXT_NAME, "BANK OF", 8, found), 2);
        ck_assert_str_eq(found[0].symbol, "BSE:SBIN");
        ck_assert_int_eq(scrip_file_search(f, SCRIP_TEXT_NAME, "MAHINDRA", 8, found), 1);
        ck_assert_int_eq(scrip_file_search(f, SCRIP_TEXT_NAME, "INSUR", 8, found), 1);
        ck_assert_int_eq(scrip_file_search(f, SCRIP_TEXT_NAME, "ANK", 8, found), 0);
        /* longer than what is kept of a name */
        ck_assert_int_eq(scrip_file_search(f, SCRIP_TEXT_NAME,
                                           "STATE BANK OF INDIA AND MORE THAN THAT", 8, found),
                         0);
        end(f);
}
END_TEST

static void write_bytes(const void *bytes, size_t n)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(file_write(fd, bytes, n), 0);
        close(fd);
}

/* One that an earlier Ordo wrote is made anew, not misread. */
START_TEST(test_other_version)
{
        enum { USER_VERSION_AT = 60 }; /* four bytes; https://www.sqlite.org/fileformat2.html */
        struct scrip_maker *m = begin();
        add(m, "NSE:SBIN", "State Bank of India", "1", 0);
        scrip_file_close(finish(m, 1));
        static const unsigned char one[4] = {0, 0, 0, 1};
        int fd = open(path, O_WRONLY);
        ck_assert_int_eq(pwrite(fd, one, sizeof(one), USER_VERSION_AT), sizeof(one));
        close(fd);
        struct scrip_file *f = NULL;
        ck_assert_int_eq(scrip_file_open(path, 1024, &f), -EBADMSG);
        end(f);
}
END_TEST

START_TEST(test_not_a_file)
{
        struct scrip_maker *m = begin();
        struct scrip_file *f = NULL;
        struct scrip s;
        char symbol[SYMBOL_SIZE];
        unsigned rows;

        scrip_maker_free(m); /* given up half way */
        ck_assert_int_eq(scrip_file_open(path, 1024, &f), -EBADMSG);
        unlink(path);
        ck_assert_int_eq(scrip_file_open(path, 1024, &f), -ENOENT);
        write_bytes("Symbol,Token\n", 13);
        ck_assert_int_eq(scrip_file_open(path, 1024, &f), -EBADMSG);
        write_bytes("", 0);
        ck_assert_int_eq(scrip_file_open(path, 1024, &f), -EBADMSG);

        /* cut: what is gone is noticed when it is asked for */
        ck_assert_int_eq(scrip_maker_new(path, &m), 0);
        for (unsigned i = 0; i < 5000; i++) {
                snprintf(symbol, sizeof(symbol), "NSE:S%u", i);
                add(m, symbol, "some share", symbol, 0);
        }
        ck_assert_int_eq(scrip_maker_finish(m, 1, &rows), 0);
        scrip_maker_free(m);
        struct stat st;
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_int_eq(truncate(path, st.st_size / 2), 0);
        int r = scrip_file_open(path, 1024, &f), found = 0;
        for (unsigned i = 0; i < 5000 && r >= 0; i++) {
                snprintf(symbol, sizeof(symbol), "NSE:S%u", i);
                r = scrip_file_find(f, SCRIP_BY_KEY, symbol, &s);
                found += r > 0;
        }
        ck_assert_msg(r == -EBADMSG || r == -EIO, "%d", r);
        ck_assert_int_lt(found, 5000);
        end(f);
}
END_TEST

SUITE("scrip file", test_whole_scrip, test_collisions, test_ambiguous, test_same_hash, test_search,
      test_other_version, test_not_a_file)
