/* What the files of the fake orchestrator share. */
#pragma once

#include "fake_orchestrator.h"

#include "base/list.h"
#include "base/text.h"
#include "loop/loop.h"
#include "orchestrator/killswitch.h"

#define FAKE_DAY      20261123
#define FAKE_TIME     INT64_C(1795405500000000) /* 2026-11-23T09:15:00+05:30 */
#define FAKE_ORDER_ID "01KAR8Z6J20000000000000000"

struct orchestrator {
        struct fake_options options;
        struct list later;         /* of struct task */
        struct list subscriptions; /* of struct subscription */
        struct loop_work answer, release;
        bool scheduled;
        struct calendar *calendar;
        struct instruments *instruments;
        struct text body;
        enum kill_level level;
};

/* One answer, in the loop's next turn. */
void fake_later(struct orchestrator *o, void (*run)(struct orchestrator *o, void *request),
                void *request);
