/* What the service manager is told. The only caller of sd_notify(); without a manager every call
 * does nothing. Failures are ignored: nobody could do anything about them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* `status`: one line for `systemctl status`, of what happens now. The same one is not told twice.
 */
void service_ready(const char *status);
void service_status(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* True when a manager listens. */
bool service_managed(void);
/* What was told last. */
const char *service_told(void);
/* Before a reload; service_ready() ends it. */
void service_reloading(void);
/* The first act of stopping. */
void service_stopping(void);
/* Just before a failing exit; `error` is a positive errno or 0. */
void service_failed(int error, const char *status);
/* Starting or stopping takes longer: to be repeated within each announced span. */
void service_extend_timeout(int64_t us);

/* The watchdog's period; 0 when it is off. Ping at half of it, and only while everything works. */
int64_t service_watchdog_usec(void);
void service_watchdog_ping(void);
