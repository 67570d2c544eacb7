#include "audit/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/exporter.h"
#include "base/clock.h"
#include "base/file.h"
#include "domain/audit_chain.h"

#define PENDING_MAX (256U << 10) /* bytes kept before they are written */

/* What a crash may leave: half-written copies, and a compressed file whose plain one was not
 * deleted yet. The plain one is the original, so it is the one that stays. */
static int clear_leftovers(struct audit *a)
{
        if (unlinkat(a->dir_fd, AUDIT_SEGMENT_PRUNED AUDIT_SEGMENT_TMP, 0) < 0 && errno != ENOENT)
                return -errno;
        _cleanup_(freep) struct audit_segment *list = NULL;
        size_t n;
        int r = audit_segment_list(a->dir_fd, &list, &n);
        for (size_t i = 0; r == 0 && i < n; i++) {
                char name[AUDIT_FILE_SIZE];
                audit_segment_name(&list[i], AUDIT_SEGMENT_GZIP AUDIT_SEGMENT_TMP, name);
                if (unlinkat(a->dir_fd, name, 0) < 0 && errno != ENOENT)
                        r = -errno;
                audit_segment_name(&list[i], AUDIT_SEGMENT_GZIP, name);
                if (r == 0 && list[i].plain && list[i].gzip && unlinkat(a->dir_fd, name, 0) < 0)
                        r = -errno;
        }
        return r;
}

/* Goes on in the newest file when it is still plain: cuts a torn rest off, and deletes the file
 * when nothing is left of it. */
static int reopen(struct audit *a, const struct audit_segment *newest, int64_t end)
{
        char name[AUDIT_FILE_SIZE];
        audit_segment_name(newest, AUDIT_SEGMENT_PLAIN, name);
        if (end == 0)
                return unlinkat(a->dir_fd, name, 0) < 0 ? -errno : 0;
        a->fd = openat(a->dir_fd, name, O_WRONLY | O_APPEND | O_CLOEXEC);
        if (a->fd < 0 || ftruncate(a->fd, end) < 0 || fdatasync(a->fd) < 0)
                return -errno;
        a->segment = *newest;
        a->durable_bytes = a->written_bytes = end;
        return 0;
}

/* Finds the last exported record. A file of which nothing is whole is deleted, and the one before
 * it is the newest then. */
static int resume(struct audit *a)
{
        _cleanup_(freep) struct audit_segment *list = NULL;
        size_t n;
        int r = audit_segment_list(a->dir_fd, &list, &n);
        if (r < 0)
                return r;
        _cleanup_(text_done) struct text line = TEXT_NULL;
        while (n > 0 && a->seq == 0) {
                const struct audit_segment *newest = &list[--n];
                char name[AUDIT_FILE_SIZE];
                int64_t end;
                audit_segment_name(newest, newest->plain ? AUDIT_SEGMENT_PLAIN : AUDIT_SEGMENT_GZIP,
                                   name);
                r = audit_last_line(a->dir_fd, name, &line, &end);
                if (r < 0)
                        return r;
                if (r == 1 && !newest->plain)
                        return -EBADMSG;
                if (end > 0 && audit_chain_check(line.data, line.len, NULL, a->last_hash,
                                                 &a->seq) == AUDIT_CHAIN_MALFORMED)
                        return -EBADMSG;
                if (newest->plain)
                        r = reopen(a, newest, end);
                if (r < 0)
                        return r;
        }
        a->durable_seq = a->seq;
        return 0;
}

int audit_open(const char *dir, int64_t segment_bytes, struct audit **ret)
{
        _cleanup_(audit_closep) struct audit *a = calloc(1, sizeof(*a));
        if (!a)
                return -ENOMEM;
        a->fd = -1;
        a->segment_bytes = segment_bytes;
        if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
                a->dir_fd = -1;
                return -errno;
        }
        a->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (a->dir_fd < 0)
                return -errno;
        int r = clear_leftovers(a);
        if (r == 0)
                r = resume(a);
        if (r < 0)
                return r;
        *ret = TAKE(a);
        return 0;
}

struct audit *audit_close(struct audit *a)
{
        if (!a)
                return NULL;
        closep(&a->fd);
        closep(&a->dir_fd);
        text_done(&a->pending);
        free(a);
        return NULL;
}

int64_t audit_exported(const struct audit *a)
{
        return a->durable_seq;
}

bool audit_is_last(const struct audit *a, const char *line, size_t n)
{
        uint8_t hash[AUDIT_HASH_SIZE];
        int64_t seq;
        return audit_chain_check(line, n, NULL, hash, &seq) != AUDIT_CHAIN_MALFORMED &&
               memcmp(hash, a->last_hash, sizeof(hash)) == 0;
}

static void close_file(struct audit *a)
{
        close(a->fd);
        a->fd = -1;
        a->durable_bytes = a->written_bytes = 0;
}

/* Back to what is durable. When even that fails the file is left as it is: its rest is then found
 * by the next open, which cuts it or counts it. */
static int fall_back(struct audit *a, int error)
{
        text_clear(&a->pending);
        a->seq = a->durable_seq;
        if (a->fd >= 0 && a->durable_bytes == 0) {
                char name[AUDIT_FILE_SIZE];
                audit_segment_name(&a->segment, AUDIT_SEGMENT_PLAIN, name);
                unlinkat(a->dir_fd, name, 0);
                close_file(a);
        } else if (a->fd >= 0 && ftruncate(a->fd, a->durable_bytes) == 0) {
                a->written_bytes = a->durable_bytes;
        } else if (a->fd >= 0) {
                close_file(a);
        }
        return error;
}

static int write_pending(struct audit *a)
{
        if (a->pending.len == 0)
                return 0;
        int r = file_write(a->fd, a->pending.data, a->pending.len);
        if (r < 0)
                return r;
        a->written_bytes += (int64_t)a->pending.len;
        text_clear(&a->pending);
        return 0;
}

int audit_flush(struct audit *a)
{
        if (a->fd < 0)
                return 0;
        int r = write_pending(a);
        if (r == 0 && a->written_bytes > a->durable_bytes && fdatasync(a->fd) < 0)
                r = -errno;
        if (r < 0)
                return fall_back(a, r);
        a->durable_bytes = a->written_bytes;
        a->durable_seq = a->seq;
        return 0;
}

int audit_rotate(struct audit *a)
{
        int r = audit_flush(a);
        if (r == 0 && a->fd >= 0)
                close_file(a);
        return r;
}

static int begin_file(struct audit *a, int day, int64_t seq)
{
        struct audit_segment s = {.day = day, .first_seq = seq, .plain = true};
        char name[AUDIT_FILE_SIZE];
        audit_segment_name(&s, AUDIT_SEGMENT_PLAIN, name);
        int fd = openat(a->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        a->fd = fd;
        a->segment = s;
        /* Otherwise a crash could lose the name together with records that count as exported. */
        return fsync(a->dir_fd) < 0 ? -errno : 0;
}

static bool file_full(const struct audit *a, int day, size_t n)
{
        int64_t bytes = a->written_bytes + (int64_t)a->pending.len;
        return day > a->segment.day || bytes + (int64_t)n + 1 > a->segment_bytes;
}

int audit_append(struct audit *a, int64_t seq, int64_t at_us, const char *line, size_t n)
{
        if (seq < 1 || (a->seq > 0 && seq != a->seq + 1) || n == 0 || n > AUDIT_LINE_MAX ||
            memchr(line, '\n', n))
                return -EINVAL;
        int day = clock_ist_day(at_us), r = 0;
        if (a->fd >= 0 && file_full(a, day, n))
                r = audit_rotate(a);
        if (r < 0)
                return r;
        if (a->fd < 0)
                r = begin_file(a, day, seq);
        text_add_bytes(&a->pending, line, n);
        text_add_char(&a->pending, '\n');
        if (r == 0)
                r = a->pending.failed;
        if (r == 0 && a->pending.len >= PENDING_MAX)
                r = write_pending(a);
        if (r < 0)
                return fall_back(a, r);
        a->seq = seq;
        return 0;
}

/* What a crash leaves is the mark of a file that never came, which says nothing. */
int audit_skip(struct audit *a, int64_t seq, int64_t at_us)
{
        const struct audit_segment s = {.day = clock_ist_day(at_us), .first_seq = seq};
        _cleanup_(text_done) struct text mark = TEXT_NULL;
        char name[AUDIT_FILE_SIZE];
        if (seq <= a->seq + 1)
                return -EINVAL;
        int r = audit_rotate(a);
        if (r < 0)
                return r;
        text_addf(&mark, "%" PRId64 "\n", a->seq);
        audit_segment_name(&s, AUDIT_SEGMENT_GAP, name);
        _cleanup_(closep) int fd =
                openat(a->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        r = mark.failed ? mark.failed : file_write(fd, mark.data, mark.len);
        if (r == 0 && (fsync(fd) < 0 || fsync(a->dir_fd) < 0))
                r = -errno;
        if (r == 0)
                a->seq = a->durable_seq = seq - 1;
        return r;
}
