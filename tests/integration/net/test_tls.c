#include "suite.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

#define T 5000

/* A certificate that signs itself, for `names` ("DNS:localhost"), and a server that shows it. */
struct identity {
        SSL_CTX *server;
        char ca_file[32];
};

static void identity_new(struct identity *id, const char *names, long days)
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
        ck_assert_int_gt(X509_sign(cert, key, EVP_sha256()), 0);

        id->server = SSL_CTX_new(TLS_server_method());
        ck_assert_int_eq(SSL_CTX_use_certificate(id->server, cert), 1);
        ck_assert_int_eq(SSL_CTX_use_PrivateKey(id->server, key), 1);
        snprintf(id->ca_file, sizeof(id->ca_file), "/tmp/ordo-ca-XXXXXX");
        FILE *f = fdopen(mkstemp(id->ca_file), "w");
        PEM_write_X509(f, cert);
        fclose(f);
        X509_free(cert);
        EVP_PKEY_free(key);
}

static void identity_free(struct identity *id)
{
        SSL_CTX_free(id->server);
        unlink(id->ca_file);
}

START_TEST(a_trusted_server_answers)
{
        static const struct script_step steps[] = {{SCRIPT_REPLY}};
        struct identity id;
        struct rig r;
        struct rig_call c;

        identity_new(&id, "DNS:localhost", 2);
        rig_start_with(&r, steps, 1, id.server, (struct httpc_options){.ca_file = id.ca_file});
        for (int i = 0; i < 3; i++) {
                rig_do(&r, &c, "POST", "/x", "{}", T);
                ck_assert_msg(c.http.verdict == VERDICT_ANSWERED, "%s", c.http.facts.error);
                ck_assert_str_eq(text_str(&c.http.reply.body), "{}");
                rig_call_done(&c);
        }
        ck_assert_uint_eq(script_connections(&r.server), 1);
        rig_stop(&r);
        identity_free(&id);
}
END_TEST

/* Nothing left, and the reason is one that a person can act on. */
static void expect_untrusted(const char *names, long days, const char *ca_file, const char *reason)
{
        static const struct script_step steps[] = {{SCRIPT_REPLY}};
        struct identity id;
        struct rig r;
        struct rig_call c;

        identity_new(&id, names, days);
        rig_start_with(&r, steps, 1, id.server,
                       (struct httpc_options){.ca_file = ca_file ? ca_file : id.ca_file});
        rig_do(&r, &c, "POST", "/x", "{}", T);
        ck_assert_int_eq(c.http.verdict, VERDICT_NOT_SENT);
        ck_assert_msg(strstr(c.http.facts.error, reason) != NULL, "%s", c.http.facts.error);
        ck_assert_int_eq(c.http.facts.bytes_sent, 0);
        ck_assert(!c.http.facts.may_have_left);
        ck_assert_uint_eq(c.may_leave, 0);
        ck_assert_uint_eq(script_requests(&r.server), 0);
        rig_call_done(&c);
        rig_stop(&r);
        identity_free(&id);
}

START_TEST(an_untrusted_server_gets_nothing)
{
        struct identity other;

        identity_new(&other, "DNS:localhost", 2);
        expect_untrusted("DNS:localhost", 2, other.ca_file, "self-signed certificate");
        expect_untrusted("DNS:broker.example", 2, NULL, "no alternative certificate subject name");
        expect_untrusted("DNS:localhost", -1, NULL, "certificate has expired");
        expect_untrusted("DNS:localhost", 2, "/nonexistent/ca.pem", "error setting certificate");
        identity_free(&other);
}
END_TEST

START_TEST(a_write_never_leaves_twice_over_tls)
{
        static const struct script_step steps[] = {{SCRIPT_REPLY}, {SCRIPT_CLOSE}, {SCRIPT_REPLY}};
        struct identity id;
        struct rig r;
        struct rig_call c;

        identity_new(&id, "DNS:localhost", 2);
        rig_start_with(&r, steps, 3, id.server, (struct httpc_options){.ca_file = id.ca_file});
        rig_do(&r, &c, "GET", "/warm", NULL, T);
        ck_assert_int_eq(c.http.verdict, VERDICT_ANSWERED);
        rig_call_done(&c);
        rig_do(&r, &c, "POST", "/orders", "{}", T);
        ck_assert_int_eq(c.http.verdict, VERDICT_UNCERTAIN);
        rig_call_done(&c);
        rig_sleep(&r, 50);
        ck_assert_uint_eq(script_writes(&r.server), 1);
        rig_stop(&r);
        identity_free(&id);
}
END_TEST

SUITE("net: TLS", a_trusted_server_answers, an_untrusted_server_gets_nothing,
      a_write_never_leaves_twice_over_tls)
