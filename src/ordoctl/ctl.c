#include "ordoctl/ctl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ordoctl/commands.h"

const char *ctl_option(const struct ctl *c, const char *name)
{
        for (unsigned i = 0; i < c->n_options; i++)
                if (strcmp(c->options[i].name, name) == 0)
                        return c->options[i].value;
        return NULL;
}

bool ctl_flag(const struct ctl *c, const char *name)
{
        for (unsigned i = 0; i < c->n_options; i++)
                if (strcmp(c->options[i].name, name) == 0)
                        return true;
        return false;
}

const char *ctl_next_item(const struct ctl *c, const char *name, unsigned *i, const char **at,
                          size_t *ret_n)
{
        while (!*at && *i < c->n_options) {
                const struct option_value *o = &c->options[(*i)++];
                if (strcmp(o->name, name) == 0)
                        *at = o->value;
        }
        if (!*at)
                return NULL;
        const char *item = *at;
        *ret_n = strcspn(item, ",");
        *at = item[*ret_n] ? item + *ret_n + 1 : NULL;
        return item;
}

static void say(const char *format, va_list args) __attribute__((format(printf, 1, 0)));
static void say(const char *format, va_list args)
{
        (void)fflush(stdout);
        (void)vfprintf(stderr, format, args);
        (void)fputc('\n', stderr);
}

int ctl_fail(int code, const char *format, ...)
{
        va_list args;

        (void)fflush(stdout);
        (void)fputs("ordoctl: ", stderr);
        va_start(args, format);
        say(format, args);
        va_end(args);
        return code;
}

int ctl_usage(const struct ctl *c, const char *format, ...)
{
        va_list args;

        (void)fputs("ordoctl: ", stderr);
        va_start(args, format);
        say(format, args);
        va_end(args);
        if (c->command)
                ctl_note("Usage: ordoctl %s%s%s\nMore: ordoctl help %s", c->command->name,
                         *c->command->synopsis ? " " : "", c->command->synopsis, c->command->name);
        return CTL_USAGE;
}

void ctl_note(const char *format, ...)
{
        va_list args;

        va_start(args, format);
        say(format, args);
        va_end(args);
}

int ctl_put(const struct text *t)
{
        if (t->failed)
                return ctl_fail(CTL_UNEXPECTED, "the output is too large, or memory is short");
        if (fwrite(text_str(t), 1, t->len, stdout) != t->len || fflush(stdout) == EOF)
                return ctl_fail(CTL_UNEXPECTED, "standard output: %s", strerror(errno));
        return CTL_OK;
}

bool ctl_interactive(void)
{
        return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

void ctl_pause_ms(long ms)
{
        struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

        while (nanosleep(&t, &t) < 0 && errno == EINTR) {
                /* the rest of it */
        }
}
