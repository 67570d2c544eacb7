#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/text.h"
#include "config/config.h"

/* An environment, one variable a line. A configuration is usable or has errors, never both, and
 * each error says what, where and the remedy. */

#define VARIABLES_MAX 64

static void check_faults(const struct config_faults *f)
{
        unsigned errors = 0;

        assert(f->n <= CONFIG_FAULTS_MAX);
        for (unsigned i = 0; i < f->n; i++) {
                const struct config_fault *fault = &f->list[i];
                assert(memchr(fault->name, '\0', sizeof(fault->name)));
                assert(memchr(fault->source, '\0', sizeof(fault->source)));
                assert(memchr(fault->detail, '\0', sizeof(fault->detail)));
                assert(memchr(fault->remedy, '\0', sizeof(fault->remedy)));
                assert(*fault->name && *fault->source && *fault->detail && *fault->remedy);
                errors += !fault->warning;
        }
        assert(errors <= f->errors && (f->errors == errors || f->omitted));
}

static void check_config(const struct config *c)
{
        assert(c->n_accounts >= 1 && c->n_accounts <= ACCOUNTS_MAX);
        for (unsigned i = 0; i < c->n_accounts; i++) {
                assert(*c->accounts[i].broker && *c->accounts[i].name);
                for (unsigned k = 0; k < i; k++)
                        assert(strcmp(c->accounts[i].id, c->accounts[k].id) != 0);
        }
        assert(c->state_dir && *c->state_dir == '/');
        assert(!c->tls_cert == !c->tls_key && (!c->tls_client_ca || c->tls_cert));
        assert(c->order_deadline_us > 0 && c->request_timeout_us > 0 && c->drain_timeout_us > 0);
        assert(c->max_connections > 0 && c->api_rate >= 0);
}

/* The same bytes as the file of ORDO_ENV_FILE. */
static void load_as_file(const uint8_t *data, size_t size)
{
        char name[] = "ORDO_ENV_FILE=/proc/self/fd/0123456789", state[] = "ORDO_STATE_DIR=/tmp";
        char *variables[] = {name, state, NULL};
        struct config_faults *faults = calloc(1, sizeof(*faults));
        struct config *config = NULL;
        int fd = memfd_create("env", MFD_CLOEXEC);

        assert(faults && fd >= 0 && write(fd, data, size) == (ssize_t)size);
        snprintf(strrchr(name, '/') + 1, sizeof("0123456789"), "%d", fd);
        int r = config_load(variables, faults, &config);
        assert((r == 0 && config) || (r == 1 && !config));
        check_faults(faults);
        if (config)
                check_config(config);
        config_free(config);
        free(faults);
        close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *variables[VARIABLES_MAX + 1] = {}, *copy = malloc(size + 1);
        struct config_faults *faults = calloc(1, sizeof(*faults));
        struct config *config = NULL;
        struct text t = TEXT_NULL;
        unsigned n = 0;

        assert(copy && faults);
        load_as_file(data, size);
        memcpy(copy, data, size);
        copy[size] = '\0';
        for (char *line = strtok(copy, "\n"); line && n < VARIABLES_MAX; line = strtok(NULL, "\n"))
                variables[n++] = line;
        int r = config_load(variables, faults, &config);
        assert(r == 0 || r == 1);
        assert((r == 0) == (config != NULL) && (r == 1) == (faults->errors > 0));
        check_faults(faults);
        if (config)
                check_config(config);
        config_faults_print(faults, &t);
        assert(!t.failed && (t.len > 0) == (faults->n > 0));
        text_done(&t);
        config_free(config);
        free(faults);
        free(copy);
        return 0;
}
