/* Dead-man timers: who is armed by what, what silence leads to, and what a restart remembers. */
#include "world.h"

#include <stdio.h>

#include "base/clock.h"
#include "orchestrator/dead_man.h"
#include "orchestrator/progress.h"

static const struct world_options plain = {};
static const char *const one[] = {"paper:one", NULL};

static struct dead_man_rule rule(const char *name, const char *const *accounts,
                                 enum kill_level level)
{
        return (struct dead_man_rule){
                .key_name = name, .accounts = accounts, .after_s = 60, .level = level};
}

static void heard(const char *name, const char *const *accounts, bool trades)
{
        const struct dead_man_rule r = rule(name, accounts, KILL_LEVEL_CANCEL);
        dead_man_heard(world.o, &r, trades);
}

static void silence(unsigned seconds)
{
        clock_fake_advance(SECONDS(seconds));
        dead_men_check(world.o);
        world_rest();
}

static bool armed(const char *name)
{
        struct dead_man_view v;
        return dead_man_look(world.o, name, 0, &v);
}

static enum kill_level level(const char *account)
{
        return killswitch_level(world.o, account);
}

START_TEST(test_armed_by_trading)
{
        struct dead_man_view v;
        world_open(&plain);
        heard("desk", one, false);
        ck_assert(!armed("desk"));
        silence(120);
        ck_assert_int_eq(level("paper:one"), KILL_LEVEL_NONE);
        /* a key that promises nothing */
        const struct dead_man_rule none = {.key_name = "other"};
        dead_man_heard(world.o, &none, true);
        ck_assert(!armed("other"));
        heard("desk", one, true);
        ck_assert(dead_man_look(world.o, "desk", 0, &v));
        ck_assert_int_eq(v.after_s, 60);
        ck_assert_int_eq(v.level, KILL_LEVEL_CANCEL);
        ck_assert_int_eq(v.fires_us, clock_wall_us() + SECONDS(60));
        ck_assert_str_eq(progress_busy(world.o), "a dead-man timer is armed");
        world_close();
}
END_TEST

START_TEST(test_silence)
{
        world_open(&plain);
        (void)live("BUY 10 NSE:SBIN CNC LIMIT 1000", "one two");
        heard("desk", one, true);
        silence(60);
        ck_assert_int_eq(level("paper:one"), KILL_LEVEL_NONE);
        heard("desk", one, false);
        silence(59);
        ck_assert_int_eq(level("paper:one"), KILL_LEVEL_NONE);
        silence(2);
        ck_assert_int_eq(level("paper:one"), KILL_LEVEL_CANCEL);
        ck_assert_int_eq(level("paper:two"), KILL_LEVEL_NONE);
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        ck_assert_uint_eq(world_account(1)->n_open, 1);
        ck_assert_int_eq(audit_count(AUDIT_KILL_SWITCH), 1);
        ck_assert_ptr_nonnull(strstr(audit_last(AUDIT_KILL_SWITCH), "\"actor\":\"dead-man\""));
        ck_assert_ptr_nonnull(
                strstr(audit_last(AUDIT_KILL_SWITCH), "the key desk was silent for 60 s"));
        /* once, and a word of the key does not take it back */
        ck_assert(!armed("desk"));
        heard("desk", one, false);
        silence(120);
        ck_assert_int_eq(audit_count(AUDIT_KILL_SWITCH), 1);
        ck_assert_int_eq(level("paper:one"), KILL_LEVEL_CANCEL);
        world_close();
}
END_TEST

/* A key for all accounts engages everything; what stands higher stays. */
START_TEST(test_global_and_never_less)
{
        world_open(&plain);
        kill_set(KILL_LEVEL_FLATTEN, "global", false);
        heard("desk", NULL, true);
        silence(61);
        ck_assert_int_eq(level(NULL), KILL_LEVEL_FLATTEN);
        kill_set(KILL_LEVEL_NONE, "global", true);
        heard("desk", NULL, true);
        silence(61);
        ck_assert_int_eq(level(NULL), KILL_LEVEL_CANCEL);
        world_close();
}
END_TEST

START_TEST(test_disarmed)
{
        world_open(&plain);
        ck_assert(!dead_man_disarm(world.o, "desk"));
        heard("desk", NULL, true);
        heard("night", one, true);
        ck_assert(dead_man_disarm(world.o, "desk"));
        ck_assert(!armed("desk"));
        ck_assert(armed("night"));
        ck_assert(dead_man_disarm(world.o, "night"));
        silence(120);
        ck_assert_int_eq(level("paper:one"), KILL_LEVEL_NONE);
        /* nor does a restart bring it back */
        world_sleep();
        world_wake();
        ck_assert(!armed("desk"));
        world_close();
}
END_TEST

/* The silence of a restart is not the key's. */
START_TEST(test_restart)
{
        world_open(&plain);
        heard("desk", one, true);
        clock_fake_advance(SECONDS(50));
        world_sleep();
        clock_fake_advance(SECONDS(500));
        world_wake();
        ck_assert(armed("desk"));
        silence(59);
        ck_assert_int_eq(level("paper:one"), KILL_LEVEL_NONE);
        silence(2);
        ck_assert_int_eq(level("paper:one"), KILL_LEVEL_CANCEL);
        ck_assert_int_eq(level("paper:two"), KILL_LEVEL_NONE);
        world_close();
}
END_TEST

START_TEST(test_new_day)
{
        world_open(&plain);
        heard("desk", one, true);
        for (unsigned i = 0; i < 15 * 60; i++) {
                heard("desk", one, false);
                clock_fake_advance(SECONDS(60));
                dead_men_check(world.o);
        }
        world_rest();
        ck_assert(!armed("desk"));
        ck_assert_int_eq(level("paper:one"), KILL_LEVEL_NONE);
        heard("desk", one, true);
        ck_assert(armed("desk"));
        world_close();
}
END_TEST

/* What cannot be read is said, and nothing else is lost. */
START_TEST(test_file)
{
        static const char *const bodies[] = {
                "rubbish\n",
                "desk CANCEL 1 20261123 *\n",
                "desk NONE 60 20261123 *\n",
                "desk CANCEL 60 20261123 \n",
                "old CANCEL 60 20261122 *\n",
        };
        char path[128];
        world_open(&plain);
        snprintf(path, sizeof(path), "%s/dead-man", world.dir);
        for (size_t i = 0; i < ELEMENTS(bodies); i++) {
                world_sleep();
                FILE *f = fopen(path, "w");
                ck_assert_ptr_nonnull(f);
                fprintf(f, "%sgood HALT 60 20261123 paper:one,paper:two\n", bodies[i]);
                ck_assert_int_eq(fclose(f), 0);
                world_wake();
                ck_assert(armed("good"));
                ck_assert(!armed("old"));
                ck_assert(!armed("desk"));
        }
        silence(61);
        ck_assert_int_ge(level("paper:one"), KILL_LEVEL_HALT);
        ck_assert_int_ge(level("paper:two"), KILL_LEVEL_HALT);
        ck_assert_int_eq(level("paper:three"), KILL_LEVEL_NONE);
        world_close();
}
END_TEST

START_TEST(test_too_many)
{
        char name[KEY_NAME_SIZE];
        world_open(&plain);
        for (unsigned i = 0; i <= DEAD_MEN_MAX; i++) {
                snprintf(name, sizeof(name), "key%u", i);
                heard(name, NULL, true);
        }
        ck_assert(armed("key255"));
        ck_assert(!armed("key256"));
        world_close();
}
END_TEST

SUITE("dead man", test_armed_by_trading, test_silence, test_global_and_never_less, test_disarmed,
      test_restart, test_new_day, test_file, test_too_many)
