/* What every command gets: its arguments, where the daemon is, how to print. One thread, one
 * command, then the end: what is small and lives until then is not freed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/text.h"

/* Documented in ordoctl(1): scripts rely on them. */
enum ctl_exit {
        CTL_OK = 0,
        CTL_USAGE = 1,   /* the command line or the configuration is wrong */
        CTL_REFUSED = 2, /* the daemon or the broker said no; a check found something broken */
        CTL_PARTIAL = 3, /* some of it went well, or an outcome is not known yet */
        CTL_INPUT_MISSING = 4, /* a person would have had to answer a question */
        CTL_NETWORK = 5,       /* no daemon there, or the connection broke */
        CTL_UNEXPECTED = 6,    /* an answer that makes no sense, or something is broken inside */
};

struct command;
struct client;
struct host;

#define ARGUMENTS_MAX 128

struct option_value {
        const char *name;  /* as in the table, without dashes */
        const char *value; /* NULL: a flag */
};

struct ctl {
        const struct command *command;
        const char *operands[ARGUMENTS_MAX]; /* behind the command's name */
        unsigned n_operands;
        struct option_value options[ARGUMENTS_MAX];
        unsigned n_options;
        bool json;
        bool colour;             /* standard output may be coloured */
        struct client *client;   /* opened at the first call */
        const struct host *host; /* NULL: none is installed here */
};

/* The value of an option, or NULL. */
const char *ctl_option(const struct ctl *c, const char *name);
bool ctl_flag(const struct ctl *c, const char *name);
/* Every value of an option that may be repeated, and of lists inside them: `*i` starts at 0, `*at`
 * at NULL. The next item, which has `*ret_n` bytes; NULL at the end. */
const char *ctl_next_item(const struct ctl *c, const char *name, unsigned *i, const char **at,
                          size_t *ret_n);

/* "ordoctl: …" on standard error; returns `code`. */
int ctl_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As above, with the line that shows how the command is used. */
int ctl_usage(const struct ctl *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* To standard error as a remark, without a prefix of alarm. */
void ctl_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Standard output. CTL_OK, or CTL_UNEXPECTED with a message when it cannot be written. */
int ctl_put(const struct text *t);
/* Whether a person can be asked: both standard input and standard error are a terminal. */
bool ctl_interactive(void);
void ctl_pause_ms(long ms);
