#include "orchestrator/totp.h"

#include <errno.h>
#include <stdlib.h>

#include <liboath/oath.h>

#include "base/clock.h"

#define DIGITS   6
#define WINDOW_S (TOTP_WINDOW_US / USEC_PER_SEC)

int64_t totp_window(int64_t wall_us)
{
        return wall_us / TOTP_WINDOW_US;
}

int totp_code(const struct secret *base32, int64_t window, struct secret **ret)
{
        char code[DIGITS + 1] = "", *key = NULL;
        size_t n = 0;

        if (oath_init() != OATH_OK) /* it counts, and does nothing the second time */
                return -EIO;
        int r = oath_base32_decode(secret_bytes(base32), secret_size(base32), &key, &n);

        if (r != OATH_OK)
                return r == OATH_MALLOC_ERROR ? -ENOMEM : -EINVAL;
        r = n > 0 ? oath_totp_generate(key, n, (time_t)(window * WINDOW_S), (unsigned)WINDOW_S,
                                       OATH_TOTP_DEFAULT_START_TIME, DIGITS, code)
                  : OATH_INVALID_BASE32;
        secret_wipe(key, n);
        free(key);
        if (r != OATH_OK)
                return r == OATH_INVALID_BASE32 ? -EINVAL : -EIO;
        *ret = secret_new(code, DIGITS);
        secret_wipe(code, sizeof(code));
        return *ret ? 0 : -ENOMEM;
}
