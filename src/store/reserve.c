#include "store/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

static bool whole(int fd)
{
        struct stat st;
        return fstat(fd, &st) == 0 && st.st_size == RESERVE_SIZE;
}

/* Real blocks, also where the file system cannot allocate ahead (or would store zeros as a hole).
 */
static bool fill(int fd)
{
        static const char pattern[] = "Ordo keeps this room for outcomes. ";
        if (fallocate(fd, 0, 0, RESERVE_SIZE) == 0)
                return true;
        if (errno != EOPNOTSUPP)
                return false;
        size_t chunk = 1U << 20;
        _cleanup_(freep) char *bytes = malloc(chunk);
        if (!bytes)
                return false;
        for (size_t i = 0; i < chunk; i++)
                bytes[i] = (char)(pattern[i % (sizeof(pattern) - 1)] ^ (char)(i >> 12));
        for (size_t at = 0; at < RESERVE_SIZE; at += chunk)
                if (pwrite(fd, bytes, chunk, (off_t)at) != (ssize_t)chunk)
                        return false;
        return true;
}

/* Leaves as much again to others: a reserve that fills the disk defeats itself. */
static bool room(const char *path)
{
        struct statvfs fs;
        if (statvfs(path, &fs) < 0)
                return false;
        return (uint64_t)fs.f_bavail * fs.f_frsize >= 2 * (uint64_t)RESERVE_SIZE;
}

static bool make(struct reserve *r)
{
        _cleanup_(closep) int fd = open(r->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        r->tried_us = clock_mono_us();
        if (fd < 0)
                return false;
        if (whole(fd))
                return true;
        if (room(r->path) && ftruncate(fd, 0) == 0 && fill(fd) && whole(fd))
                return true;
        unlink(r->path);
        return false;
}

int reserve_open(struct reserve *r, const char *db_path)
{
        if (asprintf(&r->path, "%s" RESERVE_SUFFIX, db_path) < 0) {
                r->path = NULL;
                return -ENOMEM;
        }
        r->held = make(r);
        return 0;
}

void reserve_done(struct reserve *r)
{
        free(r->path);
        *r = (struct reserve){};
}

bool reserve_give_up(struct reserve *r)
{
        if (!r->held)
                return false;
        r->held = false;
        r->tried_us = clock_mono_us();
        return unlink(r->path) == 0;
}

bool reserve_renew(struct reserve *r)
{
        if (r->held)
                return true;
        if (clock_mono_us() - r->tried_us < RESERVE_RETRY_US)
                return false;
        r->held = make(r);
        return r->held;
}
