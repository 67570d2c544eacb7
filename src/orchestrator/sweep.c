#include "orchestrator/sweep.h"

#include "base/clock.h"
#include "orchestrator/absence.h"
#include "orchestrator/leg_write.h"
#include "orchestrator/place.h"
#include "orchestrator/state.h"

#define SWEEP_EVERY_US INT64_C(250000)
#define SWEEP_ALL_US   INT64_C(1000000)

static void sweep(struct loop_timer *t)
{
        struct orchestrator *o = CONTAINER_OF(t, struct orchestrator, sweep.timer);

        place_sweep(o);
        if (clock_mono_us() - o->sweep.looked_us >= SWEEP_ALL_US) {
                o->sweep.looked_us = clock_mono_us();
                ledger_probe(o);
                killswitch_retry(o);
                absence_sweep(o);
                leg_writes_sweep(o);
                peers_sweep(o);
                if (older_ledger_consented(o))
                        jobs_export_now(o);
        }
        (void)loop_timer_set(o->loop, t, SWEEP_EVERY_US);
}

void sweep_start(struct orchestrator *o)
{
        o->sweep.timer.fire = sweep;
        o->sweep.looked_us = clock_mono_us();
        (void)loop_timer_set(o->loop, &o->sweep.timer, SWEEP_EVERY_US);
}

void sweep_stop(struct orchestrator *o)
{
        loop_timer_done(&o->sweep.timer);
}
