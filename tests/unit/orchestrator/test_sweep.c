/* What comes by itself, in real time. */
#include "world.h"

#include "base/clock.h"

#define REST "BUY 10 NSE:SBIN CNC LIMIT 1000"

static const struct world_options plain = {};

/* An answer that does not come is not waited for beyond the deadline. */
START_TEST(test_deadline)
{
        world_open(&plain);
        sweep_start(world.o);
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_HELD);
        struct placed *p = place_begin(REST, "one", NULL);
        world_rest();
        clock_fake_advance(SECONDS(13));
        world_until(&p->done);
        ck_assert_int_eq(p->answer.status, 202);
        wire_release(world.wires[0], FATE_LOST);
        world_rest();
        world_close();
}
END_TEST

static bool well;

static bool is_well(void *userdata)
{
        well = world.o->store_failure == STORE_OK;
        return well;
}

/* Nobody writes anything, and the ledger is found well again. */
START_TEST(test_ledger_recovers)
{
        world_open(&plain);
        fake_store_fail(world.fake, FAKE_COMMIT, 1, 1, STORE_UNAVAILABLE);
        ck_assert_int_eq(place(REST, "one", NULL)->answer.problem, PROBLEM_STORE_UNAVAILABLE);
        ck_assert_int_eq(world.o->store_failure, STORE_UNAVAILABLE);
        sweep_start(world.o);
        clock_fake_advance(SECONDS(1));
        loop_stop(world.loop);
        ck_assert_int_eq(loop_run(world.loop, is_well, NULL), 0);
        ck_assert(well);
        ck_assert_int_eq(place(REST, "one", NULL)->answer.status, 201);
        world_close();
}
END_TEST

/* Twice does no harm, and nothing comes any more. */
START_TEST(test_stopped)
{
        world_open(&plain);
        sweep_start(world.o);
        sweep_stop(world.o);
        sweep_stop(world.o);
        fake_store_fail(world.fake, FAKE_COMMIT, 1, 1, STORE_UNAVAILABLE);
        (void)place(REST, "one", NULL);
        clock_fake_advance(SECONDS(1));
        for (unsigned i = 0; i < 100; i++)
                world_rest();
        ck_assert_int_eq(world.o->store_failure, STORE_UNAVAILABLE);
        world_close();
}
END_TEST

SUITE("sweep", test_deadline, test_ledger_recovers, test_stopped)
