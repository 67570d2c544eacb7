#include "identity.h"

#undef NDEBUG
#include <assert.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void identity_new(struct identity *id, const char *names, long days)
{
        EVP_PKEY *key = EVP_EC_gen("P-256");
        X509 *cert = X509_new();
        X509_NAME *name = X509_get_subject_name(cert);

        X509_set_version(cert, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
        X509_gmtime_adj(X509_getm_notBefore(cert), -172800);
        X509_gmtime_adj(X509_getm_notAfter(cert), days * 86400);
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1,
                                   0);
        X509_set_issuer_name(cert, name);
        X509_set_pubkey(cert, key);
        X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
        X509_EXTENSION *ca =
                X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
        X509_add_ext(cert, san, -1);
        X509_add_ext(cert, ca, -1);
        X509_EXTENSION_free(san);
        X509_EXTENSION_free(ca);
        assert(X509_sign(cert, key, EVP_sha256()) > 0);

        id->server = SSL_CTX_new(TLS_server_method());
        assert(SSL_CTX_use_certificate(id->server, cert) == 1);
        assert(SSL_CTX_use_PrivateKey(id->server, key) == 1);
        snprintf(id->ca_file, sizeof(id->ca_file), "/tmp/ordo-ca-XXXXXX");
        FILE *f = fdopen(mkstemp(id->ca_file), "w");
        PEM_write_X509(f, cert);
        fclose(f);
        X509_free(cert);
        EVP_PKEY_free(key);
}

void identity_free(struct identity *id)
{
        SSL_CTX_free(id->server);
        unlink(id->ca_file);
}
