#include "ordoctl/login_input.h"

#include <ctype.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/text.h"
#include "domain/account.h"

#define CODES_VARIABLE "OTP_CODES"

/* OTP_FYERS_MAIN */
static const char *own_variable(const char *account)
{
        char name[sizeof("OTP_") + ACCOUNT_SIZE];
        size_t n = 0;

        for (const char *p = "OTP_"; *p; p++)
                name[n++] = *p;
        for (const char *p = account; *p && n + 1 < sizeof(name); p++)
                name[n++] = isalnum((unsigned char)*p) ? (char)toupper((unsigned char)*p) : '_';
        name[n] = '\0';
        const char *value = getenv(name);
        return value && *value ? value : NULL;
}

/* The account's item of OTP_CODES, `*ret_n` bytes; NULL. */
static const char *in_list(const char *account, size_t *ret_n)
{
        const char *s = getenv(CODES_VARIABLE);
        size_t n = strlen(account);

        while (s && *s) {
                size_t item = strcspn(s, ",");
                if (item > n + 1 && strncmp(s, account, n) == 0 && s[n] == '=') {
                        *ret_n = item - n - 1;
                        return s + n + 1;
                }
                s += item + (s[item] == ',');
        }
        return NULL;
}

static const char *find_code(const struct ctl *c, const char *account, size_t *ret_n,
                             bool *ret_environment)
{
        const char *s = ctl_option(c, "otp");

        *ret_environment = !s;
        if (!s)
                s = own_variable(account);
        if (!s)
                return in_list(account, ret_n);
        *ret_n = strlen(s);
        return s;
}

bool login_has_code(const struct ctl *c, const char *account)
{
        bool environment;
        size_t n;

        return find_code(c, account, &n, &environment);
}

bool login_code(const struct ctl *c, const char *account, char buf[static LOGIN_INPUT_SIZE])
{
        static bool warned;
        bool environment;
        size_t n;
        const char *s = find_code(c, account, &n, &environment);

        if (!s || n >= LOGIN_INPUT_SIZE)
                return false;
        if (environment && !warned) {
                warned = true;
                ctl_note("ordoctl: warning: one-time passwords in the environment can be read by "
                         "other programs of the same user; unset them when they are used");
        }
        text_copy_bytes(buf, LOGIN_INPUT_SIZE, s, n);
        return true;
}

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
        interrupted = number;
}

bool login_prompt(const char *account, const char *question, bool hidden,
                  char buf[static LOGIN_INPUT_SIZE])
{
        struct termios before, quiet;
        bool changed = hidden && tcgetattr(STDIN_FILENO, &before) == 0;
        struct sigaction old, action = {.sa_handler = on_interrupt};

        (void)sigaction(SIGINT, &action, &old);

        if (changed) {
                quiet = before;
                quiet.c_lflag &= ~(tcflag_t)ECHO;
                (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
        }
        (void)fprintf(stderr, "%s: %s: ", account, question);
        bool got = fgets(buf, LOGIN_INPUT_SIZE, stdin) != NULL;
        if (changed) {
                (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
                (void)fputc('\n', stderr);
        }
        (void)sigaction(SIGINT, &old, NULL);
        if (interrupted)
                (void)raise(SIGINT);
        if (!got)
                return false;
        buf[strcspn(buf, "\r\n")] = '\0';
        return *buf;
}

int login_line(long ms, char buf[static LOGIN_INPUT_SIZE])
{
        struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};

        /* Unbuffered: what stands behind the line must show in the next poll(). */
        (void)setvbuf(stdin, NULL, _IONBF, 0);
        if (poll(&in, 1, (int)ms) <= 0)
                return 0;
        if (!fgets(buf, LOGIN_INPUT_SIZE, stdin))
                return -1;
        buf[strcspn(buf, "\r\n")] = '\0';
        return 1;
}
