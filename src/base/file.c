#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int file_read(int fd, struct text *ret)
{
        char buf[16384];
        ssize_t n;

        while ((n = file_read_bytes(fd, buf, sizeof(buf))) > 0) {
                text_add_bytes(ret, buf, (size_t)n);
                if (ret->failed)
                        return ret->failed;
        }
        return n < 0 ? (int)n : ret->failed;
}

ssize_t file_read_bytes(int fd, void *buf, size_t size)
{
        size_t n = 0;

        while (n < size) {
                ssize_t k = read(fd, (char *)buf + n, size - n);
                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                if (k == 0)
                        break;
                n += (size_t)k;
        }
        return (ssize_t)n;
}

int file_write(int fd, const void *data, size_t n)
{
        const char *s = data;

        while (n > 0) {
                ssize_t k = write(fd, s, n);
                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                s += k;
                n -= (size_t)k;
        }
        return 0;
}

int file_sync_directory(const char *path)
{
        const char *slash = strrchr(path, '/');
        struct text dir = TEXT_NULL;

        if (slash)
                text_add_bytes(&dir, path, slash == path ? 1 : (size_t)(slash - path));
        else
                text_add_char(&dir, '.');
        int r = dir.failed;
        if (r == 0) {
                _cleanup_(closep) int fd = open(text_str(&dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                r = fd < 0 || fsync(fd) < 0 ? -errno : 0;
        }
        text_done(&dir);
        return r;
}

static int write_new(int fd, const char *name, const char *path, const void *data, size_t n)
{
        int r = file_write(fd, data, n);
        if (r == 0 && (fsync(fd) < 0 || rename(name, path) < 0))
                r = -errno;
        if (r < 0)
                (void)unlink(name);
        return r;
}

int file_replace(const char *path, const void *data, size_t n)
{
        struct text name = TEXT_NULL;

        text_addf(&name, "%s.XXXXXX", path);
        int r = name.failed;
        if (r == 0) {
                _cleanup_(closep) int fd = mkostemp(name.data, O_CLOEXEC);
                r = fd < 0 ? -errno : write_new(fd, name.data, path, data, n);
        }
        text_done(&name);
        return r < 0 ? r : file_sync_directory(path);
}
