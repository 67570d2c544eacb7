#include "service/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>

void service_signals_block(const struct service_signal *table)
{
        const struct sigaction ignore = {.sa_handler = SIG_IGN};
        sigset_t set;

        sigemptyset(&set);
        for (; table->number; table++)
                sigaddset(&set, table->number);
        sigprocmask(SIG_BLOCK, &set, NULL);
        (void)sigaction(SIGPIPE, &ignore, NULL);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
        struct service_signals *s = userdata;

        for (const struct service_signal *t = s->table; t->number; t++)
                if (t->number == (int)si->ssi_signo)
                        t->handler(s->userdata);
        return 0;
}

int service_signals_take(struct service_signals *s, struct loop *loop,
                         const struct service_signal *table, void *userdata)
{
        s->table = table;
        s->userdata = userdata;
        for (unsigned i = 0; table[i].number; i++) {
                if (i == SERVICE_SIGNALS_MAX)
                        return -E2BIG;
                int r = sd_event_add_signal(loop_event(loop), &s->sources[i], table[i].number,
                                            on_signal, s);
                if (r < 0)
                        return r;
        }
        return 0;
}

void service_signals_done(struct service_signals *s)
{
        for (unsigned i = 0; i < SERVICE_SIGNALS_MAX; i++)
                s->sources[i] = sd_event_source_disable_unref(s->sources[i]);
}
