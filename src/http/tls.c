#include "http/tls.h"

#include <errno.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

static void tls_fault(struct text *faults, const char *file, const char *what)
{
        unsigned long error = ERR_get_error();
        const char *reason = error ? ERR_reason_error_string(error) : NULL;

        text_addf(faults, "%s: %s%s%s\n", file, what, reason ? ": " : "", reason ? reason : "");
        ERR_clear_error();
}

static int tls_client_ca(SSL_CTX *ctx, const char *file, struct text *faults)
{
        if (SSL_CTX_load_verify_locations(ctx, file, NULL) != 1) {
                tls_fault(faults, file, "cannot be used as the clients' CA");
                return 1;
        }
        SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(file));
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        return 0;
}

int tls_new(const struct http_options *o, struct text *ret_faults, SSL_CTX **ret)
{
        SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
        int r = 0;

        if (!ctx)
                return -ENOMEM;
        SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
        /* No resumption: h2o 2.2.5 takes a session to another listener (CVE-2023-41337), and API
         * clients keep their connections anyway. */
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                         SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
        SSL_CTX_set_num_tickets(ctx, 0);
        if (SSL_CTX_use_certificate_chain_file(ctx, o->tls_cert) != 1) {
                tls_fault(ret_faults, o->tls_cert, "is not a certificate chain in PEM form");
                r = 1;
        } else if (SSL_CTX_use_PrivateKey_file(ctx, o->tls_key, SSL_FILETYPE_PEM) != 1) {
                tls_fault(ret_faults, o->tls_key,
                          "is not the certificate's private key in PEM form");
                r = 1;
        }
        if (o->tls_client_ca && tls_client_ca(ctx, o->tls_client_ca, ret_faults) != 0)
                r = 1;
        if (r != 0) {
                SSL_CTX_free(ctx);
                return r;
        }
        *ret = ctx;
        return 0;
}

SSL_CTX *tls_free(SSL_CTX *ctx)
{
        SSL_CTX_free(ctx);
        return NULL;
}
