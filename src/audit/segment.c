#include "audit/segment.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#define READ_SIZE (64U << 10)

void audit_segment_name(const struct audit_segment *s, const char *suffix,
                        char buf[static AUDIT_FILE_SIZE])
{
        snprintf(buf, AUDIT_FILE_SIZE, "%08d-%012" PRId64 "%s", s->day, s->first_seq, suffix);
}

/* "20261123-000000000001.jsonl" or ".jsonl.gz" */
static bool parse_name(const char *name, struct audit_segment *ret)
{
        const char *suffix = strchr(name, '.');
        int64_t day;
        if (!suffix || suffix - name < 10 || name[8] != '-' ||
            text_parse_int(name, 8, 10000101, 99991231, &day) < 0 ||
            text_parse_int(name + 9, (size_t)(suffix - name) - 9, 1, INT64_MAX, &ret->first_seq) <
                    0)
                return false;
        ret->day = (int)day;
        ret->plain = text_equal(suffix, AUDIT_SEGMENT_PLAIN);
        ret->gzip = text_equal(suffix, AUDIT_SEGMENT_GZIP);
        return ret->plain || ret->gzip;
}

static int compare(const void *a, const void *b)
{
        const struct audit_segment *x = a, *y = b;
        if (x->first_seq != y->first_seq)
                return x->first_seq < y->first_seq ? -1 : 1;
        return (x->day > y->day) - (x->day < y->day);
}

/* The two files of one segment become one entry. */
static size_t merge(struct audit_segment *list, size_t n)
{
        size_t kept = 0;
        for (size_t i = 0; i < n; i++) {
                if (kept > 0 && compare(&list[kept - 1], &list[i]) == 0) {
                        list[kept - 1].plain |= list[i].plain;
                        list[kept - 1].gzip |= list[i].gzip;
                } else {
                        list[kept++] = list[i];
                }
        }
        return kept;
}

static int read_names(DIR *dir, struct audit_segment **list, size_t *n)
{
        size_t room = 0;
        for (;;) {
                errno = 0;
                const struct dirent *d = readdir(dir);
                if (!d)
                        return -errno;
                struct audit_segment s;
                if (!parse_name(d->d_name, &s))
                        continue;
                if (*n == room) {
                        room = room > 0 ? 2 * room : 64;
                        struct audit_segment *more = reallocarray(*list, room, sizeof(**list));
                        if (!more)
                                return -ENOMEM;
                        *list = more;
                }
                (*list)[(*n)++] = s;
        }
}

int audit_segment_list(int dir_fd, struct audit_segment **ret, size_t *ret_n)
{
        int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        DIR *dir = fdopendir(fd);
        int r = -errno;
        if (!dir) {
                close(fd);
                return r;
        }
        _cleanup_(freep) struct audit_segment *list = NULL;
        size_t n = 0;
        r = read_names(dir, &list, &n);
        closedir(dir);
        if (r < 0)
                return r;
        if (n > 0)
                qsort(list, n, sizeof(*list), compare);
        *ret_n = merge(list, n);
        *ret = TAKE(list);
        return 0;
}

struct audit_reader {
        gzFile file; /* reads what is not compressed as it is */
        struct text line;
        int64_t offset, lines;
        size_t pos, size;
        char buf[READ_SIZE];
};

int audit_reader_open(int dir_fd, const char *name, struct audit_reader **ret)
{
        _cleanup_(audit_reader_closep) struct audit_reader *r = calloc(1, sizeof(*r));
        if (!r)
                return -ENOMEM;
        r->line.max = AUDIT_LINE_MAX;
        /* Neither a link out of the directory, nor a FIFO that would make us wait. */
        int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0)
                return -errno;
        struct stat st;
        bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
        r->file = regular ? gzdopen(fd, "rb") : NULL;
        if (!r->file) {
                close(fd);
                return regular ? -ENOMEM : -EBADMSG;
        }
        size_t n = strlen(name), suffix = strlen(".gz");
        if (n > suffix && text_equal(name + n - suffix, ".gz") && gzdirect(r->file))
                return -EBADMSG;
        *ret = TAKE(r);
        return 0;
}

struct audit_reader *audit_reader_close(struct audit_reader *r)
{
        if (!r)
                return NULL;
        if (r->file)
                gzclose(r->file);
        text_done(&r->line);
        free(r);
        return NULL;
}

int64_t audit_reader_offset(const struct audit_reader *r)
{
        return r->offset;
}

int64_t audit_reader_line(const struct audit_reader *r)
{
        return r->lines;
}

/* 1 there is more, 0 the end, -EBADMSG, -errno. */
static int refill(struct audit_reader *r)
{
        int n = gzread(r->file, r->buf, READ_SIZE);
        int error;
        gzerror(r->file, &error);
        /* A compressed file that ends too early gives what it has before it says so. */
        if (n < 0 || (n == 0 && error != Z_OK && error != Z_STREAM_END))
                return error == Z_ERRNO ? -EIO : error == Z_MEM_ERROR ? -ENOMEM : -EBADMSG;
        r->pos = 0;
        r->size = (size_t)n;
        return n > 0;
}

int audit_reader_next(struct audit_reader *r, const char **ret, size_t *ret_n)
{
        text_clear(&r->line);
        r->lines++;
        for (;;) {
                if (r->pos == r->size) {
                        int k = refill(r);
                        if (k < 0)
                                return k;
                        if (k == 0)
                                break;
                }
                const char *from = r->buf + r->pos;
                const char *end = memchr(from, '\n', r->size - r->pos);
                size_t n = end ? (size_t)(end - from) : r->size - r->pos;
                text_add_bytes(&r->line, from, n);
                if (r->line.failed < 0)
                        return r->line.failed == -E2BIG ? -EBADMSG : r->line.failed;
                r->pos += n + (end ? 1 : 0);
                if (end) {
                        *ret = text_str(&r->line);
                        *ret_n = r->line.len;
                        r->offset += (int64_t)r->line.len + 1;
                        return AUDIT_SEGMENT_LINE;
                }
        }
        *ret = text_str(&r->line);
        *ret_n = r->line.len;
        return r->line.len > 0 ? AUDIT_SEGMENT_TORN : 0;
}

int audit_last_line(int dir_fd, const char *name, struct text *line, int64_t *ret_end)
{
        _cleanup_(audit_reader_closep) struct audit_reader *reader = NULL;
        int r = audit_reader_open(dir_fd, name, &reader);
        if (r < 0)
                return r;
        assert(reader);
        text_clear(line);
        const char *s;
        size_t n;
        while ((r = audit_reader_next(reader, &s, &n)) == AUDIT_SEGMENT_LINE) {
                text_clear(line);
                text_add_bytes(line, s, n);
                if (line->failed < 0)
                        return line->failed;
        }
        *ret_end = reader->offset;
        return r == AUDIT_SEGMENT_TORN ? 1 : r;
}
