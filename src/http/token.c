#include "http/token.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/file.h"

#define TOKEN_BYTES     32
#define TOKEN_SIZE      (2 * TOKEN_BYTES + 1)
#define TOKEN_FILE_MAX  256
#define TOKEN_CHARS_MIN 16 /* as for ORDO_API_TOKEN */

static int make(const char *path, struct secret **ret)
{
        uint8_t bytes[TOKEN_BYTES];
        char token[TOKEN_SIZE];
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        if (sodium_init() < 0)
                return -EIO;
        randombytes_buf(bytes, sizeof(bytes));
        sodium_bin2hex(token, sizeof(token), bytes, sizeof(bytes));
        token[TOKEN_SIZE - 1] = '\n';
        int r = file_write(fd, token, sizeof(token));
        if (r == 0 && fsync(fd) < 0)
                r = -errno;
        if (r == 0)
                r = file_sync_directory(path);
        if (r == 0) {
                *ret = secret_new(token, sizeof(token) - 1);
                r = *ret ? 0 : -ENOMEM;
        } else {
                (void)unlink(path); /* half a token is worse than none */
        }
        secret_wipe(bytes, sizeof(bytes));
        secret_wipe(token, sizeof(token));
        return r;
}

static int read_token(const char *path, struct secret **ret)
{
        char buf[TOKEN_FILE_MAX];
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return -errno;
        ssize_t n = file_read_bytes(fd, buf, sizeof(buf));
        if (n < 0)
                return (int)n;
        while (n > 0 && (buf[n - 1] == '\n' || buf[n - 1] == '\r'))
                n--;
        int r = n < TOKEN_CHARS_MIN || n == TOKEN_FILE_MAX ? -EBADMSG : 0;
        if (r == 0) {
                *ret = secret_new(buf, (size_t)n);
                r = *ret ? 0 : -ENOMEM;
        }
        secret_wipe(buf, sizeof(buf));
        return r;
}

int token_load(const char *state_dir, struct secret **ret)
{
        struct text path = TEXT_NULL;
        text_addf(&path, "%s/api-token", state_dir);
        int r = path.failed ? path.failed : read_token(text_str(&path), ret);
        if (r == -ENOENT)
                r = make(text_str(&path), ret);
        text_done(&path);
        return r;
}
