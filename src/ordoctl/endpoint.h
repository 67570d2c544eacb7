/* Where the daemon is, and the token that opens it. The token never comes from the command line,
 * where other users could read it. */
#pragma once

#include "base/secret.h"
#include "ordoctl/ctl.h"

#define ENDPOINT_SIZE 256

struct endpoint {
        char base[ENDPOINT_SIZE];      /* "http://127.0.0.1:8080": no slash at the end */
        char unix_path[ENDPOINT_SIZE]; /* "" for TCP */
        char shown[ENDPOINT_SIZE];     /* for messages */
};

/* From --url, ORDO_URL, ORDO_LISTEN, the host's unix socket, or the default. CTL_OK, or CTL_USAGE
 * with a message. */
int endpoint_find(const struct ctl *c, struct endpoint *ret);
/* "host:port", "unix:/path" or a URL. False: it is none of them. `tls`: what "host:port" speaks. */
bool endpoint_parse(const char *s, bool tls, struct endpoint *ret);
/* From --token-file, the credential, ORDO_API_TOKEN_FILE, ORDO_API_TOKEN or the state directory. */
int endpoint_token(const struct ctl *c, struct secret **ret);
