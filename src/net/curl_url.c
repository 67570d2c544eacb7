#include "net/curl_url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>

#include "base/cleanup.h"

static void curl_strp(char **s)
{
        curl_free(*s);
}

static void urlp(CURLU **url)
{
        curl_url_cleanup(*url);
}

/* libcurl resolves "localhost" by itself, to loopback only, and has brought numeric addresses into
 * their one form by now. */
static bool host_is_loopback(const char *host)
{
        struct in_addr v4;

        if (text_equal(host, "localhost") || text_equal(host, "[::1]"))
                return true;
        return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
}

int curl_url_check(const char *url, CURLU **ret)
{
        _cleanup_(urlp) CURLU *parsed = curl_url();
        _cleanup_(curl_strp) char *scheme = NULL, *host = NULL, *user = NULL;

        if (!parsed)
                return -ENOMEM;
        CURLUcode code = curl_url_set(parsed, CURLUPART_URL, url, 0);
        if (code == CURLUE_OK)
                code = curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0);
        if (code == CURLUE_OK)
                code = curl_url_get(parsed, CURLUPART_HOST, &host, 0);
        if (code != CURLUE_OK)
                return code == CURLUE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
        if (curl_url_get(parsed, CURLUPART_USER, &user, 0) != CURLUE_NO_USER)
                return -EINVAL; /* credentials do not belong into a URL */
        if (!text_equal(scheme, "https") && !(text_equal(scheme, "http") && host_is_loopback(host)))
                return -EINVAL;
        *ret = TAKE(parsed);
        return 0;
}

int curl_url_of_call(const char *base, const struct text *url, struct text *buffer, CURLU **ret)
{
        const char *s = text_str(url);

        if (s[0] != '/')
                return curl_url_check(s, ret);
        if (!base)
                return -EINVAL;
        text_clear(buffer);
        text_add(buffer, base);
        text_add(buffer, s);
        return buffer->failed ? buffer->failed : curl_url_check(text_str(buffer), ret);
}
