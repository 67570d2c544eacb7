/* What came of logging in, account by account: for the terminal, the log file, the daemon's audit
 * and the exit code. */
#pragma once

#include "ordoctl/ask.h"

#define LOGINS_MAX 64 /* as many as the daemon has accounts, and takes in one report */

enum login_end { LOGIN_OK, LOGIN_FAILED, LOGIN_SKIPPED /* input was missing */ };

struct login_line {
        char account[40];
        enum login_end end;
        char message[200];
};

struct login_report {
        struct login_line lines[LOGINS_MAX];
        unsigned n;
};

const char *login_end_name(enum login_end e);
/* CTL_OK, CTL_PARTIAL, CTL_REFUSED, CTL_INPUT_MISSING */
int login_report_exit(const struct login_report *r);
void login_report_print(const struct ctl *c, const struct login_report *r);
/* Appends a line of JSON for each account. */
int login_report_append(const struct login_report *r, const char *path);
/* To the daemon's audit. A failure is only remarked: the logins stand. */
void login_report_post(struct ctl *c, const struct login_report *r);
