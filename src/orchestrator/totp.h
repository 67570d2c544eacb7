/* One-time passwords of an authenticator (RFC 6238: SHA-1, six digits, windows of 30 seconds). */
#pragma once

#include <stdint.h>

#include "base/secret.h"

#define TOTP_WINDOW_US INT64_C(30000000)

int64_t totp_window(int64_t wall_us);
/* The code of a window, of a secret in base 32 (blanks and small letters are fine). 0; -EINVAL: it
 * is no base 32; -ENOMEM; -EIO. */
int totp_code(const struct secret *base32, int64_t window, struct secret **ret);
