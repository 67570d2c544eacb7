#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "net/curl_transfer.h"
#include "net/curl_url.h"

/* "host!" keeps libcurl from taking it for the name of an interface. */
#define EGRESS_PREFIX "host!"

static int copy_base_url(struct curl_settings *s, const char *url)
{
        CURLU *parsed;
        int r = curl_url_check(url, &parsed);

        if (r < 0)
                return r;
        curl_url_cleanup(parsed);
        size_t n = strlen(url);
        while (n > 0 && url[n - 1] == '/')
                n--;
        s->base_url = strndup(url, n);
        return s->base_url ? 0 : -ENOMEM;
}

static int copy_egress_address(struct curl_settings *s, const char *address)
{
        struct in6_addr any;

        if (inet_pton(AF_INET, address, &any) == 1)
                s->ip_resolve = CURL_IPRESOLVE_V4;
        else if (inet_pton(AF_INET6, address, &any) == 1)
                s->ip_resolve = CURL_IPRESOLVE_V6;
        else
                return -EINVAL;
        if (asprintf(&s->interface, EGRESS_PREFIX "%s", address) < 0) {
                s->interface = NULL;
                return -ENOMEM;
        }
        return 0;
}

int curl_settings_init(struct curl_settings *s, const struct httpc_options *o)
{
        int64_t connect_us =
                o->connect_timeout_us > 0 ? o->connect_timeout_us : HTTPC_CONNECT_TIMEOUT_US;
        int r = 0;

        *s = (struct curl_settings){
                .ip_resolve = CURL_IPRESOLVE_WHATEVER,
                .connect_timeout_ms = (long)((connect_us + USEC_PER_MS - 1) / USEC_PER_MS),
                .max_connections = o->max_connections ? o->max_connections : HTTPC_CONNECTIONS,
                .reply_max = o->reply_max ? o->reply_max : HTTP_REPLY_MAX,
                .speed_max = o->speed_max,
        };
        if (o->base_url)
                r = copy_base_url(s, o->base_url);
        if (r == 0 && o->egress_address)
                r = copy_egress_address(s, o->egress_address);
        if (r == 0 && o->ca_file) {
                s->ca_file = strdup(o->ca_file);
                r = s->ca_file ? 0 : -ENOMEM;
        }
        return r;
}

void curl_settings_done(struct curl_settings *s)
{
        free(TAKE(s->base_url));
        free(TAKE(s->ca_file));
        free(TAKE(s->interface));
}
