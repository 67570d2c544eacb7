#include "service/notify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "base/text.h"

#define STATUS_SIZE 256

/* A line feed would begin another assignment. */
static void one_line(char *s)
{
        for (; *s; s++)
                if ((unsigned char)*s < 0x20)
                        *s = ' ';
}

/* What the manager was told last, so that it hears of changes only. The threads that tell never do
 * so at the same time: patience ends before the loop begins. */
static char told[STATUS_SIZE];

void service_ready(const char *status)
{
        if (status != told)
                text_copy(told, sizeof(told), status);
        one_line(told);
        sd_notifyf(0, "READY=1\nSTATUS=%s", told);
}

void service_status(const char *format, ...)
{
        char line[STATUS_SIZE];
        va_list args;
        va_start(args, format);
        vsnprintf(line, sizeof(line), format, args);
        va_end(args);
        one_line(line);
        if (strcmp(line, told) == 0)
                return;
        text_copy(told, sizeof(told), line);
        sd_notifyf(0, "STATUS=%s", line);
}

bool service_managed(void)
{
        const char *socket = getenv("NOTIFY_SOCKET");
        return socket && *socket;
}

const char *service_told(void)
{
        return told;
}

/* The time is what managers from 253 on need, and older ones ignore. */
void service_reloading(void)
{
        sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_mono_us());
}

void service_stopping(void)
{
        sd_notify(0, "STOPPING=1");
}

void service_failed(int error, const char *status)
{
        char line[STATUS_SIZE];
        text_copy(line, sizeof(line), status);
        one_line(line);
        sd_notifyf(0, "ERRNO=%d\nSTATUS=%s", error, line);
}

void service_extend_timeout(int64_t us)
{
        sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%lld", (long long)us);
}

int64_t service_watchdog_usec(void)
{
        uint64_t us = 0;
        return sd_watchdog_enabled(0, &us) > 0 ? (int64_t)us : 0;
}

void service_watchdog_ping(void)
{
        sd_notify(0, "WATCHDOG=1");
}
