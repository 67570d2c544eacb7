/* The story of an order as the journal tells it: each step once, with the fields to find it by. */
#include "world.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "domain/event.h"

#define REST "BUY 10 NSE:SBIN CNC LIMIT 1000"

static const struct world_options plain = {};
static int kept_stdout = -1;

/* Records go to standard output; they are caught in a file until told(). */
static void listen_in(void)
{
        char path[] = "/tmp/ordo-journal-XXXXXX";
        int fd = mkstemp(path);
        ck_assert_int_ge(fd, 0);
        unlink(path);
        kept_stdout = dup(STDOUT_FILENO);
        ck_assert_int_ge(dup2(fd, STDOUT_FILENO), 0);
        close(fd);
        ck_assert_int_eq(log_start(LOG_TARGET_JSON, LOG_INFO, "test"), 0);
}

static struct json_object *records[64];
static unsigned n_records;

static const char *field(unsigned i, const char *key)
{
        const char *s = NULL;
        ck_assert_uint_lt(i, n_records);
        return json_get_string(records[i], key, &s) == 0 ? s : "";
}

static void told(void)
{
        char line[4096];
        log_stop();
        log_set_level(-1);
        int fd = dup(STDOUT_FILENO);
        ck_assert_int_ge(dup2(kept_stdout, STDOUT_FILENO), 0);
        close(kept_stdout);
        ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
        FILE *f = fdopen(fd, "r");
        for (n_records = 0; n_records < ELEMENTS(records) && fgets(line, sizeof(line), f);) {
                struct json_fault fault;
                ck_assert_int_eq(
                        json_parse(line, strlen(line) - 1, NULL, &records[n_records], &fault), 0);
                n_records++;
        }
        ck_assert_int_eq(fclose(f), 0);
}

static void end(void)
{
        while (n_records > 0)
                json_free(records[--n_records]);
        world_close();
}

/* The next record of this event from `i` on. */
static unsigned find(unsigned i, const char *message_id)
{
        while (i < n_records && strcmp(field(i, "message_id"), message_id) != 0)
                i++;
        ck_assert_msg(i < n_records, "no record of %s", message_id);
        return i;
}

static unsigned count(const char *message_id)
{
        unsigned n = 0;
        for (unsigned i = 0; i < n_records; i++)
                n += strcmp(field(i, "message_id"), message_id) == 0;
        return n;
}

static void assert_step(unsigned i, const char *action, const char *outcome, const char *level)
{
        ck_assert_str_eq(field(i, "action"), action);
        ck_assert_str_eq(field(i, "outcome"), outcome);
        ck_assert_str_eq(field(i, "level"), level);
        ck_assert_str_eq(field(i, "account"), "paper:one");
        ck_assert_str_eq(field(i, "leg"), "1");
        ck_assert_str_ne(field(i, "correlation_id"), "");
        ck_assert_str_ne(field(i, "actor"), "");
}

START_TEST(test_lost_and_found)
{
        world_open(&plain);
        listen_in();
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_REPLY_LOST);
        struct placed *p = place(REST, "one", NULL);
        world_pass(SECONDS(2));
        told();
        unsigned placed = find(0, EVENT_ORDER_PLACED);
        unsigned unknown = find(placed, EVENT_LEG_UNKNOWN);
        unsigned found = find(unknown, EVENT_LEG_RESOLVED);
        ck_assert_str_eq(field(placed, "action"), "order.place");
        assert_step(unknown, "order.place", "unknown", "warning");
        ck_assert_str_eq(field(unknown, "code"), "OUTCOME_UNKNOWN");
        assert_step(found, "leg.resolved", "accepted", "info");
        ck_assert_str_eq(field(found, "status"), "OPEN");
        for (unsigned i = 0; i < n_records; i++) {
                ck_assert_str_eq(field(i, "order"), p->answer.order_id);
                ck_assert_str_eq(field(i, "correlation_id"), field(placed, "correlation_id"));
        }
        ck_assert_uint_eq(n_records, 3);
        end();
}
END_TEST

START_TEST(test_needs_operator)
{
        static const struct world_options blind = {.blind = true};
        world_open(&blind);
        listen_in();
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_LOST);
        struct placed *p = place(REST, "one", NULL);
        for (unsigned i = 0; i < 40 && world_account(0)->n_needs_operator == 0; i++)
                world_pass(SECONDS(60));
        world_rest();
        resolve(p->answer.order_id, 1, OUTCOME_NOT_PLACED);
        told();
        unsigned needs = find(0, EVENT_NEEDS_OPERATOR);
        assert_step(needs, "leg.needs_operator", "unknown", "crit");
        ck_assert_str_eq(field(needs, "order"), p->answer.order_id);
        ck_assert_uint_eq(count(EVENT_NEEDS_OPERATOR), 1);
        /* It is settled by the operator's word, and not before. */
        ck_assert_uint_eq(count(EVENT_LEG_RESOLVED), 1);
        unsigned settled = find(needs, EVENT_LEG_RESOLVED);
        assert_step(settled, "leg.resolved", "not_placed", "info");
        end();
}
END_TEST

START_TEST(test_cancel)
{
        world_open(&plain);
        struct placed *p = place(REST, "one", NULL);
        listen_in();
        wire_script(world.wires[0], BROKER_CANCEL, 1, 1, FATE_REPLY_LOST);
        cancel(p->answer.order_id);
        world_pass(SECONDS(2));
        told();
        assert_step(find(0, EVENT_LEG_UNKNOWN), "cancel.answered", "unknown", "warning");
        unsigned seen = find(0, EVENT_LEG_UPDATED);
        ck_assert_str_eq(field(seen, "status"), "CANCELLED");
        ck_assert_str_eq(field(seen, "actor"), "reconcile");
        end();
}
END_TEST

/* What is not durable is not told; when it is tried again until it is, it is told once. */
START_TEST(test_told_once)
{
        world_open(&plain);
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_REPLY_LOST);
        place(REST, "one", NULL);
        listen_in();
        fake_store_fail(world.fake, FAKE_WRITE, 1, 2, STORE_FULL);
        for (unsigned i = 0; i < 5; i++)
                world_pass(SECONDS(2));
        told();
        ck_assert_uint_eq(count(EVENT_STORE_FAILED), 1);
        ck_assert_str_eq(field(find(0, EVENT_STORE_FAILED), "level"), "crit");
        ck_assert_uint_eq(count(EVENT_STORE_RECOVERED), 1);
        ck_assert_uint_eq(count(EVENT_LEG_RESOLVED), 1);
        ck_assert_uint_gt(find(0, EVENT_LEG_RESOLVED), find(0, EVENT_STORE_FAILED));
        end();
}
END_TEST

START_TEST(test_refused)
{
        world_open(&plain);
        listen_in();
        ck_assert_int_eq(kill_set(KILL_LEVEL_HALT, "account:paper:one", false), PROBLEM_NONE);
        place(REST, "one", NULL);
        told();
        unsigned kill = find(0, EVENT_KILL_SWITCH);
        ck_assert_str_eq(field(kill, "account"), "paper:one");
        ck_assert_str_eq(field(kill, "scope"), "account:paper:one");
        ck_assert_str_ne(field(kill, "actor"), "");
        unsigned refused = find(kill, EVENT_ORDER_REFUSED);
        assert_step(refused, "order.refused", "not_sent", "notice");
        ck_assert_str_eq(field(refused, "code"), "KILL_SWITCH");
        end();
}
END_TEST

START_TEST(test_session)
{
        world_open(&plain);
        listen_in();
        ck_assert_int_eq(session_set(SESSION_LOGOUT, "paper:one"), PROBLEM_NONE);
        told();
        unsigned i = find(0, EVENT_SESSION);
        ck_assert_str_eq(field(i, "account"), "paper:one");
        ck_assert_str_eq(field(i, "status"), "none");
        ck_assert_str_ne(field(i, "actor"), "");
        ck_assert_str_ne(field(i, "correlation_id"), "");
        end();
}
END_TEST

static void pass_seconds(unsigned n)
{
        while (n-- > 0)
                world_pass(SECONDS(1));
}

/* Told when nothing fresh is known any more, once, and once when it is over. */
START_TEST(test_book)
{
        char at_first[MESSAGE_SIZE];
        world_open(&plain);
        (void)live(REST, "one");
        pass_seconds(2);
        ck_assert_str_eq(book_error(world_account(0)), "");
        listen_in();
        wire_script(world.wires[0], BROKER_BOOK, 1, 1000, FATE_BROKEN);
        pass_seconds(20);
        text_copy(at_first, sizeof(at_first), book_error(world_account(0)));
        pass_seconds(60);
        wire_script(world.wires[0], BROKER_BOOK, 0, 0, FATE_SERVED);
        pass_seconds(5);
        told();
        ck_assert_str_ne(at_first, "");
        ck_assert_str_eq(book_error(world_account(0)), "");
        ck_assert_uint_eq(count(EVENT_BOOK), 2);
        unsigned i = find(0, EVENT_BOOK), over = find(i + 1, EVENT_BOOK);
        ck_assert_str_eq(field(i, "account"), "paper:one");
        ck_assert_str_eq(field(i, "status"), "unread");
        ck_assert_str_eq(field(i, "level"), "err");
        ck_assert_ptr_nonnull(strstr(field(i, "message"), at_first));
        ck_assert_str_eq(field(over, "status"), "read");
        end();
}
END_TEST

/* One read that fails is made good by the next one. */
START_TEST(test_book_once)
{
        world_open(&plain);
        (void)live(REST, "one");
        pass_seconds(2);
        listen_in();
        unsigned read = wire_calls(world.wires[0], BROKER_BOOK);
        wire_script(world.wires[0], BROKER_BOOK, 1, 3, FATE_BROKEN);
        pass_seconds(20);
        told();
        ck_assert_uint_gt(wire_calls(world.wires[0], BROKER_BOOK), read + 3);
        ck_assert_uint_eq(count(EVENT_BOOK), 0);
        end();
}
END_TEST

START_TEST(test_marker)
{
        char away[128];
        world_open(&plain);
        snprintf(away, sizeof(away), "%s.away", world.dir);
        ck_assert_int_eq(rename(world.dir, away), 0);
        listen_in();
        ck_assert_int_eq(kill_set(KILL_LEVEL_HALT, "global", false), PROBLEM_NONE);
        told();
        ck_assert_str_eq(field(find(0, EVENT_KILL_MARKER), "level"), "crit");
        ck_assert_int_eq(rename(away, world.dir), 0);
        end();
}
END_TEST

SUITE("orchestrator/journal", test_lost_and_found, test_needs_operator, test_cancel, test_told_once,
      test_refused, test_session, test_book, test_book_once, test_marker)
