/* The API token that is made on the first start, when none is configured: `<state dir>/api-token`,
 * mode 0600, one line. */
#pragma once

#include "base/secret.h"

/* Reads it, or makes and keeps a new one. Negative errno; -EBADMSG: the file holds no usable token.
 */
int token_load(const char *state_dir, struct secret **ret);
