#include "ordoctl/endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ordoctl/host.h"

#include "base/file.h"

#define DEFAULT_ADDRESS "127.0.0.1:8080"
#define TOKEN_MAX       4096
#define TOKEN_NAME      "ORDO_API_TOKEN"

/* An empty variable counts as absent, as for the daemon. */
static const char *variable(const char *name)
{
        const char *s = getenv(name);

        return s && *s ? s : NULL;
}

static bool fill(struct endpoint *a, const char *scheme, const char *rest, size_t n)
{
        int k = snprintf(a->base, sizeof(a->base), "%s%.*s", scheme, (int)n, rest);

        return n > 0 && k > 0 && (size_t)k < sizeof(a->base);
}

/* Every address of this machine is asked at its loopback. */
static bool fill_host(struct endpoint *a, const char *scheme, const char *s)
{
        static const struct {
                const char *any, *loopback;
        } wildcards[] = {{"0.0.0.0:", "127.0.0.1:"}, {"[::]:", "[::1]:"}};
        char host[ENDPOINT_SIZE];

        if (!text_copy(host, sizeof(host), s))
                return false;
        for (size_t i = 0; i < ELEMENTS(wildcards); i++)
                if (text_starts(s, wildcards[i].any))
                        snprintf(host, sizeof(host), "%s%.200s", wildcards[i].loopback,
                                 s + strlen(wildcards[i].any));
        return fill(a, scheme, host, strlen(host));
}

bool endpoint_parse(const char *s, bool tls, struct endpoint *ret)
{
        static const char unix_prefix[] = "unix:";

        *ret = (struct endpoint){};
        if (!text_copy(ret->shown, sizeof(ret->shown), s))
                return false;
        for (const char *p = s; *p; p++)
                if ((unsigned char)*p <= ' ' || *p == '@' || *p == '?' || *p == '#')
                        return false;
        if (text_starts(s, unix_prefix)) {
                const char *path = s + strlen(unix_prefix);
                return path[0] == '/' && text_copy(ret->unix_path, sizeof(ret->unix_path), path) &&
                       fill(ret, "http://", "localhost", strlen("localhost"));
        }
        size_t n = strlen(s);
        if (text_starts(s, "http://") || text_starts(s, "https://")) {
                const char *host = strstr(s, "//") + 2;
                while (n > 0 && s[n - 1] == '/')
                        n--;
                return s + n > host && fill(ret, "", s, n);
        }
        const char *colon = strrchr(s, ':');
        int64_t port;
        if (!colon || colon == s || strchr(s, '/') ||
            text_parse_int(colon + 1, strlen(colon + 1), 1, 65535, &port) < 0)
                return false;
        return fill_host(ret, tls ? "https://" : "http://", s);
}

int endpoint_find(const struct ctl *c, struct endpoint *ret)
{
        static const char *const variables[] = {"ORDO_URL", "ORDO_LISTEN"};
        const char *s = ctl_option(c, "url"), *source = "--url";
        char unix_default[ENDPOINT_SIZE];

        for (size_t i = 0; !s && i < ELEMENTS(variables); i++) {
                source = variables[i];
                s = variable(source);
        }
        if (!s) {
                /* Where TLS is spoken it is spoken on every socket, and the certificate names a
                 * host. */
                const char *path = variable("ORDO_TLS_CERT") ? NULL : host_socket(c->host);
                source = "default";
                if (path)
                        snprintf(unix_default, sizeof(unix_default), "unix:%s", path);
                s = path ? unix_default : DEFAULT_ADDRESS;
        }
        if (endpoint_parse(s, variable("ORDO_TLS_CERT") != NULL, ret))
                return CTL_OK;
        return ctl_fail(
                CTL_USAGE,
                "%s is not an address: %.100s\n"
                "It may be http://HOST:PORT, https://HOST:PORT, ADDRESS:PORT or unix:/PATH.",
                source, s);
}

static int take_token(const char *s, size_t n, const char *source, struct secret **ret)
{
        while (n > 0 && (s[n - 1] == '\n' || s[n - 1] == '\r'))
                n--;
        for (size_t i = 0; i < n; i++)
                if (s[i] <= ' ' || s[i] > '~')
                        n = 0;
        if (n == 0)
                return ctl_fail(CTL_USAGE, "%s holds no token", source);
        *ret = secret_new(s, n);
        return *ret ? CTL_OK : ctl_fail(CTL_UNEXPECTED, "out of memory");
}

/* CTL_OK, or -ENOENT when there is no such file and that is no error yet. */
static int read_token(const char *path, bool must_exist, struct secret **ret)
{
        char buf[TOKEN_MAX] = "";
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

        if (fd < 0 && errno == ENOENT && !must_exist)
                return -ENOENT;
        int error = errno; /* of open() */
        ssize_t n = -1;
        if (fd >= 0) {
                n = file_read_bytes(fd, buf, sizeof(buf));
                error = (int)-n;
        }
        if (n < 0)
                return ctl_fail(CTL_USAGE, "the API token %s cannot be read: %s", path,
                                strerror(error));
        int r = (size_t)n == sizeof(buf) ? ctl_fail(CTL_USAGE, "%s is too large for a token", path)
                                         : take_token(buf, (size_t)n, path, ret);
        secret_wipe(buf, sizeof(buf));
        return r;
}

/* The daemon's own choice of a state directory (config/load.c), without the rest of its
 * configuration: a person who may use the API need not be able to read that. */
static bool state_path(struct text *t)
{
        const char *s;

        if ((s = variable("ORDO_STATE_DIR")))
                text_add(t, s);
        else if ((s = variable("STATE_DIRECTORY")))
                text_add_bytes(t, s, strcspn(s, ":"));
        else if ((s = variable("XDG_STATE_HOME")) && s[0] == '/')
                text_addf(t, "%s/ordo", s);
        else if ((s = variable("HOME")) && s[0] == '/')
                text_addf(t, "%s/.local/state/ordo", s);
        else
                return false;
        text_add(t, "/api-token");
        return !t->failed;
}

int endpoint_token(const struct ctl *c, struct secret **ret)
{
        _cleanup_(text_done) struct text path = TEXT_NULL;
        const char *credentials = variable("CREDENTIALS_DIRECTORY"), *s;

        if ((s = ctl_option(c, "token-file")))
                return read_token(s, true, ret);
        if (credentials) {
                text_addf(&path, "%s/" TOKEN_NAME, credentials);
                int r = read_token(text_str(&path), false, ret);
                if (r != -ENOENT)
                        return r;
                text_clear(&path);
        }
        if ((s = variable(TOKEN_NAME "_FILE")))
                return read_token(s, true, ret);
        if ((s = variable(TOKEN_NAME)))
                return take_token(s, strlen(s), TOKEN_NAME, ret);
        int r = state_path(&path) ? read_token(text_str(&path), false, ret) : -ENOENT;
        if (r != -ENOENT)
                return r;
        return ctl_fail(CTL_USAGE,
                        "there is no API token%s%s\n"
                        "Name a file that holds it with --token-file or ORDO_API_TOKEN_FILE, set "
                        "ORDO_API_TOKEN,\nor set ORDO_STATE_DIR as for the daemon.",
                        path.len > 0 ? ": looked for " : "", text_str(&path));
}
