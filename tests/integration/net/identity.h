/* Who a TLS server of the tests is. */
#pragma once

#include <openssl/ssl.h>

/* A certificate that signs itself, for `names` ("DNS:localhost"), and a server that shows it. */
struct identity {
        SSL_CTX *server;
        char ca_file[32];
};

void identity_new(struct identity *id, const char *names, long days);
void identity_free(struct identity *id);
