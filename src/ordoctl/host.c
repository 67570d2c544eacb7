#include "ordoctl/host.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const struct host host_installed = {
        .env_file = "/etc/ordo/ordo.env",
        .state_dir = "/var/lib/ordo",
        .credentials = "/run/credentials/ordo.service",
        .socket = "/run/ordo.sock",
};

static bool said(const char *name)
{
        const char *s = getenv(name);
        return s && *s;
}

static void fill(const char *name, const char *path, int mode)
{
        if (!said(name) && path && access(path, mode) == 0)
                setenv(name, path, 1);
}

void host_fill(const struct host *h)
{
        if (said("ORDO_STATE_DIR") || said("STATE_DIRECTORY") || said("ORDO_ENV_FILE"))
                return;
        fill("ORDO_ENV_FILE", h->env_file, R_OK);
        fill("STATE_DIRECTORY", h->state_dir, R_OK | X_OK);
        fill("CREDENTIALS_DIRECTORY", h->credentials, R_OK | X_OK);
}

const char *host_socket(const struct host *h)
{
        struct stat st;

        if (!h || stat(h->socket, &st) < 0 || !S_ISSOCK(st.st_mode) || access(h->socket, W_OK) < 0)
                return NULL;
        return h->socket;
}
