#include "daemon/daemon.h"

#include "base/log.h"
#include "domain/event.h"
#include "service/notify.h"

int daemon_reload(void *userdata, struct text *ret_faults)
{
        struct daemon *d = userdata;
        service_reloading();
        int r = http_reload_keys(d->http, ret_faults);
        mark_submit(d, AUDIT_RELOADED, r == 0 ? "done" : "refused");
        if (r == 0)
                log_event(LOG_NOTICE, EVENT_RELOADED, NULL, 0, "the API keys were read again");
        else
                log_event(LOG_ERR, EVENT_CONFIG_REFUSED, NULL, 0,
                          "nothing was changed, the keys file has faults: %s",
                          text_str(ret_faults));
        service_ready(service_told());
        return r;
}
