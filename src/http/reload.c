/* What of a running server may be exchanged: keys, TLS files and a handful of options. Everything
 * is made first and exchanged afterwards, so that a fault changes nothing. */
#include <errno.h>

#include "http/reload.h"
#include "http/server.h"
#include "http/tls.h"
#include "orchestrator/quota.h"

int http_fresh_new(const struct http *h, const struct http_options *o, struct text *ret_faults,
                   struct http_fresh *ret)
{
        *ret = (struct http_fresh){};
        int r = auth_load(o->api_token, o->keys_file, ret_faults, &ret->keyring);
        for (unsigned i = 0; r == 0 && i < ret->keyring->n; i++)
                if (!quota_of(o->orchestrator, ret->keyring->keys[i].name)) {
                        text_addf(ret_faults,
                                  "there is no room for one more key's name: since its start ordod "
                                  "has seen %d; restart it\n",
                                  QUOTAS_MAX);
                        r = 1;
                }
        int t = 0;
        if (http_speaks_tls(h) && o->tls_cert && o->tls_key)
                t = tls_new(o, ret_faults, &ret->tls);
        if (r == 0 && t == 0)
                return 0;
        http_fresh_done(ret);
        return r < 0 ? r : t < 0 ? t : 1;
}

void http_fresh_done(struct http_fresh *f)
{
        f->keyring = keyring_unref(f->keyring);
        f->tls = tls_free(f->tls);
}

void http_reload_report_done(struct http_reload_report *r)
{
        text_done(&r->faults);
        text_done(&r->taken);
        text_done(&r->waiting);
}
