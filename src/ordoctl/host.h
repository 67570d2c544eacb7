/* ordoctl on the host of an installed daemon: whoever may see its files need not say where they
 * are. Root and the user ordo see the state and the credentials, group ordo the socket. Nothing
 * here holds against what the environment says. */
#pragma once

#include <stdbool.h>

/* As the units of the package have them. */
struct host {
        const char *env_file;    /* "/etc/ordo/ordo.env" */
        const char *state_dir;   /* "/var/lib/ordo" */
        const char *credentials; /* "/run/credentials/ordo.service", while the service runs */
        const char *socket;      /* "/run/ordo.sock" */
};
extern const struct host host_installed;

/* Puts ORDO_ENV_FILE, STATE_DIRECTORY and CREDENTIALS_DIRECTORY into the environment, those that
 * the caller may use, unless it says already where the daemon's state is. */
void host_fill(const struct host *h);
/* The socket, when it is there and the caller may use it; NULL. */
const char *host_socket(const struct host *h);
