/* The daemon's table of contents: configuration, log, parts, duties, loop; and in reverse to stop.
 * Nothing is decided here. */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/daemon.h"
#include "domain/event.h"
#include "service/notify.h"

#define EXIT_CONFIG 1

static int usage(FILE *to)
{
        (void)fputs(
                "Usage: ordod [--check-config | --version | --help]\n\n"
                "The Ordo gateway. It is configured by ORDO_* variables of the environment and of\n"
                "the file that ORDO_ENV_FILE names; see ordo.env(5), or docs/options.md in the\n"
                "source. With none it serves one paper account on 127.0.0.1:8080.\n\n"
                "  --check-config  report every error of the configuration and exit\n"
                "  --version       print the version and exit\n"
                "  --help          print this and exit\n",
                to);
        return to == stdout ? EXIT_SUCCESS : EXIT_CONFIG;
}

static int load_config(struct config **ret, bool say_ok)
{
        struct config_faults faults = {};
        _cleanup_(text_done) struct text out = TEXT_NULL;
        int r = config_load(environ, &faults, ret);

        config_faults_print(&faults, &out);
        if (out.len > 0)
                (void)fputs(text_str(&out), stderr);
        if (r == 0 && say_ok)
                printf("The configuration is good: %u account%s.\n", (*ret)->n_accounts,
                       (*ret)->n_accounts == 1 ? "" : "s");
        if (r != 0 && !say_ok)
                service_failed(EINVAL, "the configuration has errors; see ordod --check-config");
        return r;
}

static int make_state_dir(const char *dir)
{
        _cleanup_(text_done) struct text path = TEXT_NULL;
        int r = 0;

        text_add(&path, dir);
        for (char *p = path.data + 1; r == 0; p++) {
                if (*p != '/' && *p != '\0')
                        continue;
                char c = *p;
                *p = '\0';
                if (mkdir(path.data, 0700) < 0 && errno != EEXIST)
                        r = -errno;
                *p = c;
                if (c == '\0')
                        break;
        }
        return r;
}

/* Little memory, but an arena each for loop, store, log, jobs thread and that of large replies:
 * sharing one, loop and store wait for each other so often that it costs a fifth of the orders, and
 * the loop waits while the jobs thread gives back what a list of instruments took to sort. Freed
 * memory goes back. And no cores: libraries' buffers with secrets cannot be wiped (operations.md
 * "Units"). */
static void set_process(void)
{
        const struct rlimit none = {0, 0};
        (void)mallopt(M_ARENA_MAX, 5);
        (void)mallopt(M_TRIM_THRESHOLD, 256 * 1024);
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)prctl(PR_SET_DUMPABLE, 0);
        (void)umask(0077);
        service_signals_block(daemon_signals);
}

int main(int argc, char **argv)
{
        struct daemon d = {};
        bool check = argc == 2 && strcmp(argv[1], "--check-config") == 0;

        if (argc == 2 && strcmp(argv[1], "--version") == 0) {
                puts("ordod " ORDO_VERSION);
                return EXIT_SUCCESS;
        }
        if (argc == 2 && strcmp(argv[1], "--help") == 0)
                return usage(stdout);
        if (argc > 1 && !check)
                return usage(stderr);
        if (load_config(&d.config, check) != 0)
                return EXIT_CONFIG;
        if (check) {
                config_free(d.config);
                return EXIT_SUCCESS;
        }
        set_process();
        int r = make_state_dir(d.config->state_dir);
        if (r < 0) {
                (void)fprintf(stderr, "ordod: %s cannot be made: %s; set ORDO_STATE_DIR\n",
                              d.config->state_dir, strerror(-r));
                return EXIT_CONFIG;
        }
        (void)log_start(d.config->log_target, d.config->log_level, "ordod");
        r = daemon_open(&d);
        if (r >= 0) {
                daemon_start(&d);
                r = loop_run(d.loop, NULL, NULL);
        } else {
                service_failed(-r, "cannot start, see the journal");
                log_event(LOG_ERR, EVENT_START_FAILED, NULL, 0, "ordod cannot start: %s",
                          strerror(-r));
        }
        daemon_close(&d);
        log_stop();
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
