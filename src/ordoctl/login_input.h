/* Where a person's part of a login comes from: the command line, the environment, the terminal. */
#pragma once

#include "ordoctl/ctl.h"

#define LOGIN_INPUT_SIZE 4096 /* an address that a broker sends the browser to */

/* The one-time password from --otp, OTP_<BROKER>_<ACCOUNT> or the list OTP_CODES
 * ("fyers:main=123456,hdfc:main=654321"), in this order; false: there is none. Warns once when it
 * came from the environment. */
bool login_code(const struct ctl *c, const char *account, char buf[static LOGIN_INPUT_SIZE]);
/* Whether it would find one. */
bool login_has_code(const struct ctl *c, const char *account);
/* A line from the terminal, unseen when it is a code. Ctrl-C gives up, but only after the terminal
 * shows again what is typed. False: nothing was typed. */
bool login_prompt(const char *account, const char *question, bool hidden,
                  char buf[static LOGIN_INPUT_SIZE]);
/* Waits so long for a line: 1 it is there (without its end, perhaps empty), 0 not yet, -1 there
 * will be none. */
int login_line(long ms, char buf[static LOGIN_INPUT_SIZE]);
