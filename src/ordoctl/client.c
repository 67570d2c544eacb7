#include "ordoctl/client.h"

#include <string.h>

#include "config/config.h"

#define ANSWER_DEPTH_MAX   32
#define ANSWER_MEMBERS_MAX (1U << 21)
#define RETRY_AFTER_MAX    86400

void answer_done(struct answer *a)
{
        text_done(&a->body);
        a->json = json_free(a->json);
}

/* Plain HTTP is for this machine, and for a line that is protected by other means. */
static void warn_of_plain(const struct endpoint *e)
{
        static const char *const local[] = {"http://127.", "http://localhost", "http://[::1]"};
        bool safe = *e->unix_path || text_starts(e->base, "https://");

        for (size_t i = 0; i < ELEMENTS(local); i++)
                safe |= text_starts(e->base, local[i]);
        if (!safe)
                ctl_note("ordoctl: warning: the token travels to %s without encryption", e->shown);
}

int client_open(struct ctl *c)
{
        if (c->client)
                return CTL_OK;
        struct client *client = calloc(1, sizeof(*client));
        if (!client)
                return ctl_fail(CTL_UNEXPECTED, "out of memory");
        c->client = client;
        client->ctl = c;
        /* What is wrong with the file is check-config's to say. */
        (void)config_export_file();
        int r = endpoint_find(c, &client->endpoint);
        if (r == CTL_OK)
                r = endpoint_token(c, &client->token);
        if (r != CTL_OK) {
                c->client = client_close(client);
                return r;
        }
        warn_of_plain(&client->endpoint);
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
            !(client->curl = curl_easy_init())) {
                c->client = client_close(client);
                return ctl_fail(CTL_UNEXPECTED, "libcurl cannot be set up");
        }
        return CTL_OK;
}

struct client *client_close(struct client *client)
{
        if (!client)
                return NULL;
        secret_free(client->token);
        curl_easy_cleanup(client->curl);
        free(client);
        return NULL;
}

/* Takes `*list` along; NULL when memory is short, and the list is freed. */
static void add_header(struct curl_slist **list, bool *ok, const char *name, const char *value,
                       size_t n)
{
        _cleanup_(text_done) struct text line = TEXT_NULL;

        text_addf(&line, "%s: ", name);
        text_add_bytes(&line, value, n);
        struct curl_slist *longer = line.failed ? NULL : curl_slist_append(*list, line.data);
        if (line.data)
                secret_wipe(line.data, line.len);
        if (longer)
                *list = longer;
        else
                *ok = false;
}

static struct curl_slist *make_headers(const struct client *client, const struct request *r)
{
        static const char mime[] = "application/json";
        struct curl_slist *list = NULL;
        bool ok = true;

        char bearer[] = "Bearer ";
        _cleanup_(text_done) struct text value = TEXT_NULL;
        text_add(&value, bearer);
        text_add_bytes(&value, secret_bytes(client->token), secret_size(client->token));
        add_header(&list, &ok, "Authorization", text_str(&value), value.len);
        if (value.data)
                secret_wipe(value.data, value.len);
        if (r->body)
                add_header(&list, &ok, "Content-Type", mime, strlen(mime));
        if (r->idempotency_key)
                add_header(&list, &ok, "Idempotency-Key", r->idempotency_key,
                           strlen(r->idempotency_key));
        if (ok)
                return list;
        curl_slist_free_all(list);
        return NULL;
}

static void set_tls(CURL *curl, const struct ctl *c)
{
        const char *file;

        if ((file = ctl_option(c, "ca-file")))
                curl_easy_setopt(curl, CURLOPT_CAINFO, file);
        if ((file = ctl_option(c, "client-cert")))
                curl_easy_setopt(curl, CURLOPT_SSLCERT, file);
        if ((file = ctl_option(c, "client-key")))
                curl_easy_setopt(curl, CURLOPT_SSLKEY, file);
}

CURL *client_handle(struct client *client, const struct request *r, struct curl_slist **ret_headers)
{
        _cleanup_(text_done) struct text url = TEXT_NULL;
        CURL *curl = client->curl;

        curl_easy_reset(curl);
        *ret_headers = make_headers(client, r);
        text_addf(&url, "%s%s", client->endpoint.base, r->path);
        if (!*ret_headers || url.failed)
                return NULL;
        client->error[0] = '\0';
        curl_easy_setopt(curl, CURLOPT_URL, text_str(&url));
        if (*client->endpoint.unix_path)
                curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->endpoint.unix_path);
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* the token is for the daemon's eyes */
        curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
        curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CLIENT_CONNECT_MS);
        curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->error);
        curl_easy_setopt(curl, CURLOPT_USERAGENT, "ordoctl/" ORDO_VERSION);
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, r->method);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, *ret_headers);
        if (r->body) {
                curl_easy_setopt(curl, CURLOPT_POSTFIELDS, text_str(r->body));
                curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body->len);
        }
        set_tls(curl, client->ctl);
        return curl;
}

static size_t on_body(char *data, size_t size, size_t n, void *userdata)
{
        struct answer *a = userdata;

        text_add_bytes(&a->body, data, size * n);
        return a->body.failed ? 0 : size * n;
}

static bool header_is(const char *line, size_t n, const char *name, const char **ret, size_t *ret_n)
{
        size_t k = strlen(name);

        if (n <= k || line[k] != ':' || strncasecmp(line, name, k) != 0)
                return false;
        line += k + 1;
        n -= k + 1;
        while (n > 0 && *line == ' ') {
                line++;
                n--;
        }
        while (n > 0 && (line[n - 1] == '\r' || line[n - 1] == '\n'))
                n--;
        *ret = line;
        *ret_n = n;
        return true;
}

static size_t on_header(char *line, size_t size, size_t n, void *userdata)
{
        struct answer *a = userdata;
        const char *value;
        size_t all = size * n, k;
        int64_t seconds;

        if (header_is(line, all, "Retry-After", &value, &k) &&
            text_parse_int(value, k, 0, RETRY_AFTER_MAX, &seconds) == 0)
                a->retry_after = (long)seconds;
        else if (header_is(line, all, "Idempotent-Replayed", &value, &k))
                a->replayed = k == strlen("true") && memcmp(value, "true", k) == 0;
        return all;
}

/* What the transfer came to, by what is known of the bytes and not by the kind of error. */
static enum client_result judge(CURL *curl, CURLcode code)
{
        long sent = 0;

        if (code == CURLE_OK)
                return CLIENT_ANSWERED;
        curl_easy_getinfo(curl, CURLINFO_REQUEST_SIZE, &sent);
        return sent > 0 ? CLIENT_BROKEN : CLIENT_NOT_SENT;
}

enum client_result client_call(struct client *client, const struct request *r, struct answer *ret)
{
        static const struct json_limits limits = {ANSWER_DEPTH_MAX, ANSWER_MEMBERS_MAX};
        struct curl_slist *headers = NULL;
        struct json_fault fault;

        answer_done(ret);
        *ret = (struct answer){.retry_after = -1};
        CURL *curl = client_handle(client, r, &headers);
        if (!curl) {
                curl_slist_free_all(headers);
                text_copy(client->error, sizeof(client->error), "out of memory");
                return CLIENT_NOT_SENT;
        }
        curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)CLIENT_TIMEOUT_MS);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, ret);
        curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
        curl_easy_setopt(curl, CURLOPT_HEADERDATA, ret);
        CURLcode code = curl_easy_perform(curl);
        enum client_result result = judge(curl, code);
        if (result == CLIENT_ANSWERED)
                curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &ret->status);
        else if (!*client->error)
                text_copy(client->error, sizeof(client->error), curl_easy_strerror(code));
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
        curl_slist_free_all(headers);
        if (result == CLIENT_ANSWERED && ret->body.len > 0)
                (void)json_parse(text_str(&ret->body), ret->body.len, &limits, &ret->json, &fault);
        return result;
}

int client_unreachable(const struct client *client, enum client_result result)
{
        if (result == CLIENT_BROKEN)
                return ctl_fail(CTL_NETWORK, "the connection to %s broke: %s",
                                client->endpoint.shown, client->error);
        ctl_fail(CTL_NETWORK, "cannot reach the daemon at %s: %s", client->endpoint.shown,
                 client->error);
        ctl_note("Is ordod running there? --url or ORDO_URL names another address.");
        return CTL_NETWORK;
}
