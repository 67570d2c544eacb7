#include "orchestrator/master_load.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "broker/master.h"

#define CHUNK_SIZE (128U << 10)
#define NEW_SUFFIX ".new"
#define LOT_MAX    INT64_C(100000000)  /* exchange units */
#define FREEZE_MAX INT64_C(1000000000) /* the same */
#define TICK_MAX   INT64_C(10000000)   /* 1e-4 rupee */
#define BAND_MAX   100

_Static_assert(CHUNK_SIZE > 2 * MASTER_LINE_MAX, "a chunk holds a line");

struct loading {
        struct master_load *l;
        struct scrip_maker *maker;
        struct master_reader reader;
        uint64_t unpacked; /* bytes, of all files */
        unsigned file;
        /* of the file being read */
        gzFile gz;
        char *buf;
        size_t n;     /* bytes in it */
        bool skip;    /* within a line that was too long */
        bool started; /* its first line was read */
};

static int fail(struct master_load *l, int r, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
static int fail(struct master_load *l, int r, const char *format, ...)
{
        va_list args;
        va_start(args, format);
        vsnprintf(l->error, sizeof(l->error), format, args);
        va_end(args);
        return r;
}

static int fail_write(struct master_load *l, int r)
{
        return fail(l, r, "the file of instruments cannot be written: %s", strerror(-r));
}

/* --- a row --- */

static bool clean_text(const char *s)
{
        for (; *s; s++)
                if ((unsigned char)*s < ' ' || (unsigned char)*s > '~')
                        return false;
        return true;
}

/* Names are shown to people: what is no text makes way for the symbol. */
static void clean_name(struct instrument *i)
{
        bool good = i->name[0] && text_utf8_valid(i->name, strlen(i->name));
        for (const char *p = i->name; *p && good; p++)
                good = (unsigned char)*p >= ' ' && *p != 0x7f;
        if (!good)
                text_copy(i->name, sizeof(i->name), strchr(i->symbol, ':') + 1);
}

/* What an order will be checked against, whoever wrote the file. */
static bool sound(const struct scrip *s)
{
        const struct instrument *i = &s->instrument;
        char symbol[SYMBOL_SIZE];
        enum exchange e;

        if (symbol_parse(i->symbol, strlen(i->symbol), symbol, &e) < 0 || e != i->exchange)
                return false;
        if (i->isin[0] && (strlen(i->isin) != 12 ||
                           !text_only(i->isin, 12, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")))
                return false;
        if (i->lot < 0 || i->lot > LOT_MAX || i->freeze < 0 || i->freeze > FREEZE_MAX ||
            i->tick < 0 || i->tick > TICK_MAX || (i->lot > 0 && i->tick == 0) ||
            i->previous_close < 0 || i->band_percent < 0 || i->band_percent > BAND_MAX)
                return false;
        if (instrument_derivative(i) &&
            (!i->underlying[0] || !clock_day_valid(i->expiry) || i->strike < 0))
                return false;
        if (i->segment == SEGMENT_OPTION && i->strike == 0)
                return false;
        return clean_text(i->underlying) && clean_text(s->key) && clean_text(s->token) &&
               clean_text(s->detail);
}

static int take_line(struct loading *g, char *line, size_t n)
{
        static const char bom[] = "\xef\xbb\xbf";
        struct master_load *l = g->l;
        struct scrip scrip;
        unsigned rank;

        if (!g->started && n >= 3 && memcmp(line, bom, 3) == 0) {
                line += 3;
                n -= 3;
        }
        g->started = true;
        l->lines++;
        int r = master_read_line(&g->reader, line, n, &scrip, &rank);
        if (r == -EPROTO)
                return fail(l, -EBADMSG, "file %s has not the columns that are expected",
                            l->master->files[g->file]);
        if (r > 0 && !sound(&scrip))
                r = -EINVAL;
        if (r < 0)
                l->bad++;
        if (r <= 0)
                return 0;
        clean_name(&scrip.instrument);
        if (++l->rows > MASTER_ROWS_MAX)
                return fail(l, -EBADMSG, "more than %d instruments", MASTER_ROWS_MAX);
        r = scrip_maker_add(g->maker, &scrip, rank);
        return r < 0 ? fail_write(l, r) : 0;
}

/* --- a file --- */

/* All whole lines of the buffer; what is left of the last one moves to its beginning. */
static int take_lines(struct loading *g)
{
        char *from = g->buf, *end = g->buf + g->n, *stop;

        while ((stop = memchr(from, '\n', (size_t)(end - from)))) {
                int r = g->skip ? 0 : take_line(g, from, (size_t)(stop - from));
                if (r < 0)
                        return r;
                g->skip = false;
                from = stop + 1;
        }
        g->n = (size_t)(end - from);
        if (g->skip || g->n > MASTER_LINE_MAX) {
                if (!g->skip) {
                        g->l->lines++;
                        g->l->bad++;
                }
                g->skip = true;
                g->n = 0;
        }
        memmove(g->buf, from, g->n);
        return 0;
}

/* 1 there is more; 0 the end. */
static int refill(struct loading *g)
{
        struct master_load *l = g->l;
        const char *name = l->master->files[g->file];

        if (atomic_load_explicit(&l->stop, memory_order_relaxed))
                return fail(l, -ECANCELED, "the daemon stopped");
        int n = gzread(g->gz, g->buf + g->n, (unsigned)(CHUNK_SIZE - g->n));
        int error;
        gzerror(g->gz, &error);
        /* A compressed file that ends too early gives what it has before it says so. */
        if (n < 0 || (n == 0 && error != Z_OK && error != Z_STREAM_END))
                return error == Z_MEM_ERROR ? fail(l, -ENOMEM, "out of memory")
                       : error == Z_ERRNO
                               ? fail(l, -EIO, "file %s cannot be read", name)
                               : fail(l, -EBADMSG, "file %s is damaged or cut off", name);
        g->n += (size_t)n;
        g->unpacked += (size_t)n;
        if (g->unpacked > MASTER_UNPACKED_MAX)
                return fail(l, -EBADMSG, "the files unpack to more than %u MiB",
                            MASTER_UNPACKED_MAX >> 20);
        return n > 0;
}

static int read_file(struct loading *g)
{
        struct master_load *l = g->l;

        if (lseek(l->fds[g->file], 0, SEEK_SET) < 0)
                return fail(l, -EIO, "file %s cannot be read", l->master->files[g->file]);
        int fd = fcntl(l->fds[g->file], F_DUPFD_CLOEXEC, 0); /* zlib closes it */
        g->gz = fd < 0 ? NULL : gzdopen(fd, "rb");
        if (!g->gz) {
                closep(&fd);
                return fail(l, -ENOMEM, "out of memory");
        }
        (void)gzbuffer(g->gz, CHUNK_SIZE);
        master_reader_init(&g->reader, l->master, g->file);
        g->n = 0;
        g->skip = g->started = false;
        int r;
        while ((r = refill(g)) > 0 && (r = take_lines(g)) == 0)
                ;
        if (r == 0 && g->n > 0) /* a last line without its end */
                r = take_line(g, g->buf, g->n);
        gzclose(g->gz);
        closep(&l->fds[g->file]);
        return r;
}

/* --- the whole --- */

static int check(struct master_load *l)
{
        if (l->bad > MASTER_BAD_FREE + l->lines / (100 / MASTER_BAD_PERCENT))
                return fail(l, -EBADMSG, "%u of %u lines cannot be read", l->bad, l->lines);
        if (l->rows == 0 || l->rows < l->master->rows_least)
                return fail(l, -EBADMSG, "%u instruments, at least %u are expected", l->rows,
                            l->master->rows_least);
        if ((uint64_t)l->rows * 100 < (uint64_t)l->rows_before * MASTER_SHRINK_PERCENT)
                return fail(l, -EBADMSG, "%u instruments, where there were %u", l->rows,
                            l->rows_before);
        return 0;
}

static int make(struct loading *g, const char *path)
{
        struct master_load *l = g->l;
        int r = scrip_maker_new(path, &g->maker);

        if (r < 0)
                return fail_write(l, r);
        for (g->file = 0; l->master->files[g->file] && r >= 0; g->file++)
                r = read_file(g);
        if (r >= 0)
                r = check(l);
        if (r < 0)
                return r;
        r = scrip_maker_finish(g->maker, l->as_of_us, &l->rows);
        return r < 0 ? fail_write(l, r) : check(l);
}

static int put_in_place(struct master_load *l, const char *path)
{
        int r = rename(path, l->path) < 0 ? -errno : file_sync_directory(l->path);
        if (r >= 0)
                r = scrip_file_open(l->path, MASTER_CACHE_KIB, &l->file);
        if (r >= 0)
                scrip_file_warm(l->file);
        return r < 0 ? fail_write(l, r) : 0;
}

static void load(struct master_load *l)
{
        _cleanup_(text_done) struct text path = TEXT_NULL;
        struct loading g = {.l = l, .buf = malloc(CHUNK_SIZE)};

        l->rows = l->lines = l->bad = 0;
        l->error[0] = '\0';
        text_addf(&path, "%s" NEW_SUFFIX, l->path);
        if (!g.buf || path.failed)
                l->result = fail(l, -ENOMEM, "out of memory");
        else
                l->result = make(&g, text_str(&path));
        scrip_maker_free(g.maker);
        free(g.buf);
        if (l->result >= 0)
                l->result = put_in_place(l, text_str(&path));
        if (l->result < 0)
                (void)unlink(text_str(&path));
        (void)malloc_trim(0); /* what it took to sort does not stay with the process */
}

static void close_given(struct master_load *l)
{
        for (unsigned i = 0; i < MASTER_FILES_MAX; i++)
                closep(&l->fds[i]);
        l->old = scrip_file_close(l->old);
}

void master_load_run(struct master_load *l)
{
        if (!l->only_close)
                load(l);
        close_given(l);
}

void master_load_init(struct master_load *l)
{
        *l = (struct master_load){};
        for (unsigned i = 0; i < MASTER_FILES_MAX; i++)
                l->fds[i] = -1;
}

void master_load_done(struct master_load *l)
{
        close_given(l);
        l->file = scrip_file_close(l->file);
}
