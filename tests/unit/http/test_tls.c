/* TLS in the daemon: versions, client certificates, bad files. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "harness.h"
#include "suite.h"

static char dir[64], cert[96], key[96], ca[96], client_key[96];

static EVP_PKEY *make_key(const char *path)
{
        EVP_PKEY *k = EVP_EC_gen("P-256");
        FILE *f = fopen(path, "we");

        ck_assert_ptr_nonnull(k);
        PEM_write_PrivateKey(f, k, NULL, NULL, 0, NULL, NULL);
        fclose(f);
        return k;
}

/* A certificate that signs itself: server, or client and its own CA. */
static void make_cert(const char *path, const char *key_path, const char *name)
{
        EVP_PKEY *k = make_key(key_path);
        X509 *x = X509_new();
        FILE *f = fopen(path, "we");

        X509_set_version(x, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
        X509_gmtime_adj(X509_getm_notBefore(x), -3600);
        X509_gmtime_adj(X509_getm_notAfter(x), 3600);
        X509_set_pubkey(x, k);
        X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                   (const unsigned char *)name, -1, -1, 0);
        X509_set_issuer_name(x, X509_get_subject_name(x));
        X509_sign(x, k, EVP_sha256());
        PEM_write_X509(f, x);
        fclose(f);
        X509_free(x);
        EVP_PKEY_free(k);
}

static void make_files(void)
{
        snprintf(dir, sizeof(dir), "/tmp/ordo-test-tls.XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(dir));
        snprintf(cert, sizeof(cert), "%s/cert", dir);
        snprintf(key, sizeof(key), "%s/key", dir);
        snprintf(ca, sizeof(ca), "%s/ca", dir);
        snprintf(client_key, sizeof(client_key), "%s/client-key", dir);
        make_cert(cert, key, "localhost");
        make_cert(ca, client_key, "client");
}

static void remove_files(void)
{
        unlink(cert);
        unlink(key);
        unlink(ca);
        unlink(client_key);
        rmdir(dir);
}

/* The status of GET /health over TLS; 0: no handshake, or no answer. */
static int get(int max_version, bool with_certificate)
{
        static const char request[] = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
        SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
        char buf[4096];
        int fd = client_connect(), status = 0;
        struct timeval limit = {5, 0};

        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        SSL_CTX_set_security_level(ctx, 0);
        SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
        SSL_CTX_set_max_proto_version(ctx, max_version);
        if (with_certificate) {
                ck_assert_int_eq(SSL_CTX_use_certificate_file(ctx, ca, SSL_FILETYPE_PEM), 1);
                ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(ctx, client_key, SSL_FILETYPE_PEM), 1);
        }
        SSL *ssl = SSL_new(ctx);
        SSL_set_fd(ssl, fd);
        if (SSL_connect(ssl) == 1 && SSL_write(ssl, request, sizeof(request) - 1) > 0) {
                int n = SSL_read(ssl, buf, sizeof(buf) - 1);
                if (n > 12) {
                        buf[n] = '\0';
                        status = atoi(buf + 9);
                }
        }
        SSL_free(ssl);
        SSL_CTX_free(ctx);
        close(fd);
        return status;
}

START_TEST(versions)
{
        make_files();
        harness_start(&(struct harness_options){.http.tls_cert = cert, .http.tls_key = key});
        ck_assert_int_eq(get(TLS1_3_VERSION, false), 200);
        ck_assert_int_eq(get(TLS1_2_VERSION, false), 200);
        ck_assert_int_eq(get(TLS1_1_VERSION, false), 0);
        /* Plain HTTP on a TLS port is no handshake. */
        int fd = client_connect();
        client_say(fd, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
        struct reply r = client_read(fd, false);
        ck_assert_int_eq(r.status, 0);
        reply_done(&r);
        close(fd);
        harness_stop();
        remove_files();
}
END_TEST

START_TEST(client_certificates)
{
        make_files();
        harness_start(&(struct harness_options){
                .http.tls_cert = cert, .http.tls_key = key, .http.tls_client_ca = ca});
        ck_assert_int_eq(get(TLS1_3_VERSION, true), 200);
        ck_assert_int_eq(get(TLS1_2_VERSION, true), 200);
        ck_assert_int_eq(get(TLS1_3_VERSION, false), 0);
        ck_assert_int_eq(get(TLS1_2_VERSION, false), 0);
        harness_stop();
        remove_files();
}
END_TEST

/* Everything that is wrong is said at once, and the listeners are closed. */
START_TEST(bad_files)
{
        struct text faults = TEXT_NULL;
        struct http *h = NULL;
        struct loop *loop;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        make_files();
        ck_assert_int_eq(loop_new(&loop), 0);
        struct http_options o = {.loop = loop,
                                 .listeners = &fd,
                                 .n_listeners = 1,
                                 .tls_cert = key,
                                 .tls_key = key,
                                 .tls_client_ca = "/nowhere",
                                 .keys_file = "/"};
        ck_assert_int_eq(http_new(&o, &faults, &h), 1);
        ck_assert_ptr_nonnull(strstr(faults.data, "/: is not a regular file"));
        ck_assert_ptr_nonnull(strstr(faults.data, "is not a certificate chain"));
        ck_assert_ptr_nonnull(strstr(faults.data, "clients' CA"));
        ck_assert_int_eq(close(fd), -1);
        text_done(&faults);

        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        o = (struct http_options){.loop = loop,
                                  .listeners = &fd,
                                  .n_listeners = 1,
                                  .tls_cert = cert,
                                  .tls_key = client_key};
        ck_assert_int_eq(http_new(&o, &faults, &h), 1);
        ck_assert_ptr_nonnull(strstr(faults.data, "private key"));
        text_done(&faults);
        loop_free(loop);
        remove_files();
}
END_TEST

SUITE("http/tls", versions, client_certificates, bad_files)
