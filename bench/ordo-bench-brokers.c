#include "ordo-bench-brokers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define ROWS         "24000" /* HDFC's adapter takes a list of less than 20,000 for a broken one */
#define FUNDS        "10000000000"
#define TOTP_SECRET  "JBSWY3DPEHPK3PXP"
#define ACCOUNTS_N   (3 + BROKERS_CROWD)
#define VALID_S      86400
#define TRADES_US    (60 * USEC_PER_SEC)
#define ASK_PAUSE_US 20000

/* The first three are the simulator's own; man ordo-brokersim. */
static const struct {
        const char *account, *client_id, *key, *secret, *base, *master;
} accounts[ACCOUNTS_N] = {
        {"fyers:main", "XS00001", "SIMFYERS01-100", "SIMSECRET1", "/fyers", "/fyers/sym_details"},
        {"hdfc:main", "10000001", "simhdfckey01", "simhdfcsecret01", "/hdfc", "/hdfc/oapi/v1"},
#define MSTOCK "/mstock/openapi/typea"
        {"mstock:main", "MA1000001", "SIMmstock+Key/01@@", "simmstocksecret01", MSTOCK, MSTOCK},
#define CROWD(n)                                                                                  \
        {                                                                                         \
                "mstock:crowd" #n, "MA200000" #n, "CROWDKEY" #n, "CROWDSECRET" #n, MSTOCK, MSTOCK \
        }
        CROWD(1),
        CROWD(2),
        CROWD(3),
        CROWD(4),
        CROWD(5),
        CROWD(6),
        CROWD(7),
        CROWD(8),
};

/* --- the certificate ---------------------------------------------------------------------------
 */

static bool sign(X509 *x, EVP_PKEY *key)
{
        X509_NAME *name = X509_get_subject_name(x);
        X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
        bool ok = san && X509_set_version(x, 2) == 1 &&
                  ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1 &&
                  X509_gmtime_adj(X509_getm_notBefore(x), -VALID_S) &&
                  X509_gmtime_adj(X509_getm_notAfter(x), VALID_S) &&
                  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                             (const unsigned char *)"ordo-bench", -1, -1, 0) == 1 &&
                  X509_set_issuer_name(x, name) == 1 && X509_set_pubkey(x, key) == 1 &&
                  X509_add_ext(x, san, -1) == 1 && X509_sign(x, key, EVP_sha256()) > 0;
        X509_EXTENSION_free(san);
        return ok;
}

/* Its own authority. */
static int make_certificate(const char *cert_file, const char *key_file)
{
        EVP_PKEY *key = EVP_EC_gen("P-256");
        X509 *x = X509_new();
        FILE *cert = fopen(cert_file, "we"), *secret = fopen(key_file, "we");

        bool ok = key && x && cert && secret && sign(x, key) && PEM_write_X509(cert, x) == 1 &&
                  PEM_write_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL) == 1;
        if (cert && fclose(cert) != 0)
                ok = false;
        if (secret && fclose(secret) != 0)
                ok = false;
        X509_free(x);
        EVP_PKEY_free(key);
        return ok ? 0 : -EIO;
}

/* --- the accounts' options ---------------------------------------------------------------------
 */

const char *brokers_accounts(void)
{
        static char list[512];
        size_t n = 0;

        for (unsigned i = 0; i < ACCOUNTS_N && n < sizeof(list); i++)
                n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", i > 0 ? "," : "",
                                      accounts[i].account);
        return list;
}

static void put_account(FILE *f, const struct brokers *b, unsigned i)
{
        static const char *const options[] = {
                "SESSION_HOURS=pass",
                "ALGO_REGISTERED=yes",
                "ORDERS_PER_SECOND=0",
                "ORDERS_PER_MINUTE=0",
                "MAX_ORDERS_PER_DAY=0",
                "MAX_OPEN_ORDERS=1000000",
                "ORDERS_PER_TRADE_FLOOR=10000000",
                "MAX_DAILY_VALUE=10000000000000",
                "BROKER_RATES=orders:100000/1s,calls:100000/1s,quotes:1000/1s",
        };
        char name[64];

        (void)snprintf(name, sizeof(name), "ORDO_%s", accounts[i].account);
        for (char *c = name; *c; c++)
                *c = *c == ':' ? '_' : *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
        (void)fprintf(f, "%s_BASE_URL=https://127.0.0.1:%u%s\n", name, b->tls_port,
                      accounts[i].base);
        (void)fprintf(f, "%s_MASTER_URL=https://127.0.0.1:%u%s\n", name, b->tls_port,
                      accounts[i].master);
        (void)fprintf(f, "%s_CA_FILE=%s\n%s_CLIENT_ID=%s\n%s_API_KEY=%s\n", name, b->ca_file, name,
                      accounts[i].client_id, name, accounts[i].key);
        if (text_starts(accounts[i].account, "mstock"))
                (void)fprintf(f, "%s_TOTP_SECRET=" TOTP_SECRET "\n", name);
        else
                (void)fprintf(f, "%s_API_SECRET=%s\n", name, accounts[i].secret);
        if (text_starts(accounts[i].account, "fyers"))
                (void)fprintf(f, "%s_REDIRECT_URI=http://127.0.0.1:8080/\n", name);
        for (unsigned k = 0; k < ELEMENTS(options); k++)
                (void)fprintf(f, "%s_%s\n", name, options[k]);
}

static int write_options(const struct brokers *b)
{
        int fd = open(b->env_file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
        if (!f) {
                int r = -errno;
                closep(&fd);
                return r;
        }
        for (unsigned i = 0; i < ACCOUNTS_N; i++)
                put_account(f, b, i);
        return fclose(f) == 0 ? 0 : -EIO;
}

/* --- life --------------------------------------------------------------------------------------
 */

#define FIXED_ARGUMENTS 16

/* In the child. */
static void become_brokersim(const struct brokers *b, const char *brokersim, const char *market_dir,
                             const char *key_file, int out)
{
        static char users[BROKERS_CROWD][96];
        const char *argv[FIXED_ARGUMENTS + 2 * BROKERS_CROWD + 1] = {
                "ordo-brokersim", "--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0",
                "--tls-cert",     b->ca_file, "--tls-key",   key_file,       "--market-dir",
                market_dir,       "--rows",   ROWS,          "--funds",      FUNDS,
        };
        unsigned n = FIXED_ARGUMENTS - 1;

        for (unsigned i = 0; i < BROKERS_CROWD; i++) {
                (void)snprintf(users[i], sizeof(users[i]), "mstock:%s:%s:%s",
                               accounts[3 + i].client_id, accounts[3 + i].key,
                               accounts[3 + i].secret);
                argv[n++] = "--user";
                argv[n++] = users[i];
        }
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)dup2(out, STDOUT_FILENO);
        execv(brokersim, (char **)argv);
        perror(brokersim);
        _exit(127);
}

/* "… listens at http://127.0.0.1:PORT" */
static int read_port(FILE *from, uint16_t *ret)
{
        char line[256];
        const char *colon;

        if (!fgets(line, sizeof(line), from) || !(colon = strrchr(line, ':')))
                return -ECHILD;
        *ret = (uint16_t)atoi(colon + 1);
        return *ret > 0 ? 0 : -ECHILD;
}

static int run(struct brokers *b, const char *brokersim, const char *market_dir,
               const char *key_file)
{
        int out[2];

        if (pipe2(out, O_CLOEXEC) < 0)
                return -errno;
        b->pid = fork();
        if (b->pid == 0)
                become_brokersim(b, brokersim, market_dir, key_file, out[1]);
        int r = b->pid < 0 ? -errno : 0;
        closep(&out[1]);
        FILE *from = fdopen(out[0], "r");
        if (!from) {
                closep(&out[0]);
                return -errno;
        }
        if (r == 0)
                r = read_port(from, &b->port);
        if (r == 0)
                r = read_port(from, &b->tls_port);
        (void)fclose(from);
        return r;
}

int brokers_start(struct brokers *b, const char *brokersim, const char *market_dir,
                  const char *place)
{
        char key_file[sizeof(b->dir) + 8];

        *b = (struct brokers){};
        (void)snprintf(b->dir, sizeof(b->dir), "%s/ordo-bench-XXXXXX", place);
        if (!mkdtemp(b->dir)) {
                b->dir[0] = '\0';
                return -errno;
        }
        (void)snprintf(b->ca_file, sizeof(b->ca_file), "%s/ca", b->dir);
        (void)snprintf(b->env_file, sizeof(b->env_file), "%s/env", b->dir);
        (void)snprintf(key_file, sizeof(key_file), "%s/key", b->dir);
        int r = make_certificate(b->ca_file, key_file);
        if (r == 0)
                r = run(b, brokersim, market_dir, key_file);
        return r < 0 ? r : write_options(b);
}

void brokers_done(struct brokers *b)
{
        static const char *const files[] = {"/ca", "/key", "/env", ""};
        char path[sizeof(b->dir) + 8];

        if (b->pid > 0) {
                (void)kill(b->pid, SIGKILL);
                (void)waitpid(b->pid, NULL, 0);
        }
        for (unsigned i = 0; b->dir[0] && i < ELEMENTS(files); i++) {
                (void)snprintf(path, sizeof(path), "%s%s", b->dir, files[i]);
                (void)remove(path);
        }
        *b = (struct brokers){};
}

/* --- logins ------------------------------------------------------------------------------------
 */

/* The text between `before` and the next `end`; "" when it is not there. */
static void cut(const char *from, const char *before, char end, struct text *ret)
{
        const char *at = strstr(from, before);

        text_clear(ret);
        if (!at)
                return;
        at += strlen(before);
        text_add_bytes(ret, at, strcspn(at, (char[]){end, '\0'}));
}

static int post(uint16_t port, const char *token, const char *path, const char *type,
                const char *body, struct text *ret)
{
        _cleanup_(text_done) struct text request = TEXT_NULL;

        text_addf(&request,
                  "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAuthorization: Bearer %s\r\n"
                  "User-Agent: Mozilla/5.0\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
                  path, port, token, type, strlen(body), body);
        text_clear(ret);
        return load_once(port, text_str(&request), ret);
}

#define JSON "application/json"
#define FORM "application/x-www-form-urlencoded"

/* What a person does with the page of `login_url`, and what the browser is sent to then. */
static int browse(const struct brokers *b, const char *login_url, struct text *ret)
{
        const char *host = strstr(login_url, "://"), *path = host ? strchr(host + 3, '/') : NULL;
        _cleanup_(text_done) struct text answer = TEXT_NULL;
        if (!path)
                return -EPROTO;
        int status = post(b->port, "", path, FORM, "otp=123456&pin=2580&action=approve", &answer);
        if (status < 0)
                return status;
        cut(text_str(&answer), "location: ", '\r', ret);
        return ret->len > 0 ? 0 : -EPROTO;
}

/* "fyers:main" as in a path. */
static void put_path(struct text *t, const char *account, const char *what)
{
        const char *colon = strchr(account, ':');
        text_clear(t);
        text_addf(t, "/api/v1/auth/%.*s/%s/%s", (int)(colon - account), account, colon + 1, what);
}

static int log_in(const struct brokers *b, const struct daemon *d, const char *account,
                  struct text *answer)
{
        _cleanup_(text_done) struct text path = TEXT_NULL, url = TEXT_NULL, body = TEXT_NULL;

        put_path(&path, account, "login");
        int status = post(d->port, d->token, text_str(&path), JSON, "", answer);
        if (status != 200)
                return status < 0 ? status : -EPROTO;
        cut(text_str(answer), "\"login_url\":\"", '"', &url);
        if (url.len == 0) /* it has logged in by itself */
                return strstr(text_str(answer), "\"active\"") ? 0 : -EPROTO;
        _cleanup_(text_done) struct text back = TEXT_NULL;
        int r = browse(b, text_str(&url), &back);
        if (r < 0)
                return r;
        text_addf(&body, "{\"redirect_url\":\"%s\"}", text_str(&back));
        put_path(&path, account, "complete");
        status = post(d->port, d->token, text_str(&path), JSON, text_str(&body), answer);
        return status == 200 && strstr(text_str(answer), "\"active\"") ? 0 : -EPROTO;
}

/* Its books are read, its instruments are there. */
static int await_trading(const struct daemon *d, const char *account, struct text *answer)
{
        const int64_t until_us = clock_mono_us() + TRADES_US;
        char body[256];

        (void)snprintf(
                body, sizeof(body),
                "{\"symbol\":\"NSE:SBIN\",\"side\":\"BUY\",\"type\":\"LIMIT\",\"quantity\":1,"
                "\"price\":\"1050.00\",\"product\":\"CNC\",\"validity\":\"DAY\","
                "\"targets\":[\"%s\"]}",
                account);
        for (;;) {
                int status = post(d->port, d->token, "/api/v1/orders/validate", JSON, body, answer);
                if (status == 200 || status < 0)
                        return status < 0 ? status : 0;
                if (clock_mono_us() > until_us)
                        return -ETIMEDOUT;
                (void)usleep(ASK_PAUSE_US);
        }
}

int brokers_log_in(const struct brokers *b, const struct daemon *d,
                   char fault[static LOAD_FAULT_SIZE])
{
        _cleanup_(text_done) struct text answer = TEXT_NULL;
        int r = 0;

        for (unsigned i = 0; i < ACCOUNTS_N && r == 0; i++)
                r = log_in(b, d, accounts[i].account, &answer);
        for (unsigned i = 0; i < ACCOUNTS_N && r == 0; i++)
                r = await_trading(d, accounts[i].account, &answer);
        if (r < 0) {
                const char *body = strstr(text_str(&answer), "\r\n\r\n");
                (void)snprintf(fault, LOAD_FAULT_SIZE, "an account cannot trade: %s",
                               body ? body + 4 : strerror(-r));
        }
        return r;
}

int brokers_token(const struct brokers *b, const char *broker, struct text *ret)
{
        _cleanup_(text_done) struct text answer = TEXT_NULL;
        char body[64];

        (void)snprintf(body, sizeof(body), "{\"broker\":\"%s\"}", broker);
        int status = post(b->port, "", "/_sim/token", JSON, body, &answer);
        if (status < 0)
                return status;
        cut(text_str(&answer), "\"access_token\":\"", '"', ret);
        return ret->len > 0 ? 0 : -EPROTO;
}

int brokers_empty(const struct brokers *b)
{
        _cleanup_(text_done) struct text answer = TEXT_NULL;
        int status = post(b->port, "", "/_sim/reset", JSON, "{\"what\":\"all\"}", &answer);
        return status < 0 ? status : status == 200 ? 0 : -EPROTO;
}
