/* What happens to closed files: they are compressed, and deleted after their retention. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "audit/exporter.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"

#define COPY_SIZE (64U << 10)

/* The end of the last record says when it was made; its JSON is read for that. */
#define RECORD_DEPTH_MAX   16
#define RECORD_MEMBERS_MAX 8192

static int copy_compressed(int from, gzFile to)
{
        _cleanup_(freep) char *buf = malloc(COPY_SIZE);
        if (!buf)
                return -ENOMEM;
        for (;;) {
                ssize_t n = read(from, buf, COPY_SIZE);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                if (gzwrite(to, buf, (unsigned)n) != n)
                        return -EIO;
        }
}

static int write_compressed(int dir_fd, const char *from_name, const char *to_name)
{
        _cleanup_(closep) int from = openat(dir_fd, from_name, O_RDONLY | O_CLOEXEC);
        _cleanup_(closep) int to =
                openat(dir_fd, to_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (from < 0 || to < 0)
                return -errno;
        /* zlib closes its own descriptor; ours is for the fsync() after it has written the rest. */
        int own = fcntl(to, F_DUPFD_CLOEXEC, 3);
        if (own < 0)
                return -errno;
        gzFile gz = gzdopen(own, "wb6");
        if (!gz) {
                close(own);
                return -ENOMEM;
        }
        int r = copy_compressed(from, gz);
        if (gzclose(gz) != Z_OK && r == 0)
                r = -EIO;
        if (r == 0 && fsync(to) < 0)
                r = -errno;
        return r;
}

/* The new file is whole and durable under its name before the old one goes. */
static int compress_file(struct audit *a, const struct audit_segment *s)
{
        char plain[AUDIT_FILE_SIZE], gzip[AUDIT_FILE_SIZE], tmp[AUDIT_FILE_SIZE];
        audit_segment_name(s, AUDIT_SEGMENT_PLAIN, plain);
        audit_segment_name(s, AUDIT_SEGMENT_GZIP, gzip);
        audit_segment_name(s, AUDIT_SEGMENT_GZIP AUDIT_SEGMENT_TMP, tmp);
        int r = write_compressed(a->dir_fd, plain, tmp);
        if (r == 0 && (renameat(a->dir_fd, tmp, a->dir_fd, gzip) < 0 || fsync(a->dir_fd) < 0 ||
                       unlinkat(a->dir_fd, plain, 0) < 0))
                r = -errno;
        if (r < 0)
                unlinkat(a->dir_fd, tmp, 0);
        return r;
}

int audit_compress(struct audit *a, unsigned *ret_files)
{
        *ret_files = 0;
        _cleanup_(freep) struct audit_segment *list = NULL;
        size_t n;
        int r = audit_segment_list(a->dir_fd, &list, &n);
        for (size_t i = 0; r == 0 && i < n; i++) {
                bool written = a->fd >= 0 && list[i].first_seq == a->segment.first_seq;
                if (!list[i].plain || written)
                        continue;
                r = compress_file(a, &list[i]);
                *ret_files += r == 0;
        }
        return r;
}

/* The verifier begins where the deleted records ended. */
static int remember_pruned(struct audit *a, const struct text *line)
{
        _cleanup_(closep) int fd = openat(a->dir_fd, AUDIT_SEGMENT_PRUNED AUDIT_SEGMENT_TMP,
                                          O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        int r = file_write(fd, line->data, line->len);
        if (r == 0)
                r = file_write(fd, "\n", 1);
        if (r < 0)
                return r;
        if (fsync(fd) < 0 ||
            renameat(a->dir_fd, AUDIT_SEGMENT_PRUNED AUDIT_SEGMENT_TMP, a->dir_fd,
                     AUDIT_SEGMENT_PRUNED) < 0 ||
            fsync(a->dir_fd) < 0)
                return -errno;
        return 0;
}

static int record_day(const struct text *line, int *ret)
{
        const struct json_limits limits = {RECORD_DEPTH_MAX, RECORD_MEMBERS_MAX};
        _cleanup_(json_freep) struct json_object *record = NULL;
        struct json_fault fault;
        const char *timestamp = NULL;
        int64_t at_us;
        int r = json_parse(line->data, line->len, &limits, &record, &fault);
        if (r < 0)
                return r;
        if (r > 0 || json_get_string(record, "timestamp", &timestamp) != 0 ||
            clock_parse(timestamp, strlen(timestamp), &at_us) < 0)
                return -EBADMSG;
        *ret = clock_ist_day(at_us);
        return 0;
}

/* 1: deleted; 0: something in it is not old enough. The name alone is not believed: the last record
 * has to be as old. */
static int prune_file(struct audit *a, const struct audit_segment *s, int before_day,
                      struct text *line)
{
        char name[AUDIT_FILE_SIZE];
        int day = 0;
        int64_t end = 0;
        if (s->day >= before_day)
                return 0;
        audit_segment_name(s, s->plain ? AUDIT_SEGMENT_PLAIN : AUDIT_SEGMENT_GZIP, name);
        int r = audit_last_line(a->dir_fd, name, line, &end);
        if (r < 0 || r == 1 || end == 0)
                return r < 0 ? r : -EBADMSG;
        r = record_day(line, &day);
        if (r < 0 || day >= before_day)
                return r;
        r = remember_pruned(a, line);
        if (r < 0)
                return r;
        if (unlinkat(a->dir_fd, name, 0) < 0)
                return -errno;
        audit_segment_name(s, AUDIT_SEGMENT_GAP, name);
        return unlinkat(a->dir_fd, name, 0) < 0 && errno != ENOENT ? -errno : 1;
}

int audit_prune(struct audit *a, int64_t now_us, int64_t retention_days, unsigned *ret_files)
{
        *ret_files = 0;
        int before_day = clock_day_add(clock_ist_day(now_us), -(int)retention_days);
        _cleanup_(freep) struct audit_segment *list = NULL;
        _cleanup_(text_done) struct text line = TEXT_NULL;
        size_t n;
        int r = audit_segment_list(a->dir_fd, &list, &n);
        /* Oldest first and without holes, so that what stays is one chain. */
        for (size_t i = 0; r >= 0 && i + 1 < n; i++) {
                r = prune_file(a, &list[i], before_day, &line);
                if (r <= 0)
                        break;
                (*ret_files)++;
        }
        return r < 0 ? r : 0;
}
