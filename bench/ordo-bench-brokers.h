/* The brokers under measurement: an ordo-brokersim of its own over TLS, with a certificate made for
 * it, accounts at it, and their daily logins. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/text.h"
#include "ordo-bench-daemon.h"

#define BROKERS_CROWD 8 /* m.Stock accounts crowd1 … beside fyers:main, hdfc:main, mstock:main */

struct brokers {
        pid_t pid;
        uint16_t port, tls_port; /* plain for control, TLS for the daemon */
        char dir[512], ca_file[560], env_file[560];
};

/* Starts it, and writes the options of all accounts into `env_file`: certificates are checked,
 * every gate is on, and what counts orders is far above what is measured. `place` as in
 * daemon_paths. */
int brokers_start(struct brokers *b, const char *brokersim, const char *market_dir,
                  const char *place);
/* "fyers:main,…": what `env_file` has options of. */
const char *brokers_accounts(void);
/* Logs all accounts in, as a person does, and waits until the daemon takes orders for each. A
 * sentence in `fault` when it fails. */
int brokers_log_in(const struct brokers *b, const struct daemon *d,
                   char fault[static LOAD_FAULT_SIZE]);
/* An access token of that broker's first account, for asking it without the daemon. */
int brokers_token(const struct brokers *b, const char *broker, struct text *ret);
/* Empties all books: what was asked without the daemon must not be in those that it reads. */
int brokers_empty(const struct brokers *b);
/* Safe on a zeroed struct. */
void brokers_done(struct brokers *b);
