/* A large order book is read on its own thread, and what comes of it is as on the loop. */
#include "world.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>

#define ROWS 200

static pthread_t loop_thread;
static sem_t begun, may_read;
static _Atomic unsigned on_loop, elsewhere, errors_there;
static bool waits;

static int (*real_reply)(const struct broker_call *, const struct http_reply *,
                         struct broker_result *);

static int spied_reply(const struct broker_call *c, const struct http_reply *reply,
                       struct broker_result *r)
{
        if (c->op != BROKER_BOOK)
                return real_reply(c, reply, r);
        bool there = !pthread_equal(pthread_self(), loop_thread);
        (*(there ? &elsewhere : &on_loop))++;
        if (there && waits) {
                sem_post(&begun);
                sem_wait(&may_read);
        }
        if (there && errors_there > 0) {
                errors_there--;
                r->outcome = OUTCOME_ACCEPTED;
                r->orders = calloc(1, sizeof(*r->orders)); /* half of it */
                return -ENOMEM;
        }
        return real_reply(c, reply, r);
}

static void begin(void)
{
        world_open(&(struct world_options){.blind = true});
        loop_thread = pthread_self();
        on_loop = elsewhere = errors_there = 0;
        waits = false;
        sem_init(&begun, 0, 0);
        sem_init(&may_read, 0, 0);
        real_reply = world.broker.reply;
        world.broker.reply = spied_reply;
        world.broker.flags &= ~(unsigned)BROKER_LOCAL;
}

static struct text body; /* the wire does not copy it */

static void end(void)
{
        world_close();
        text_done(&body);
        sem_destroy(&begun);
        sem_destroy(&may_read);
}

static void show(unsigned rows)
{
        text_clear(&body);
        text_add(&body, "{\"orders\":[");
        for (unsigned i = 0; i < rows; i++)
                text_addf(&body,
                          "%s{\"order_id\":\"H%u\",\"tag\":\"\",\"symbol\":\"NSE:SBIN\",\"side\":"
                          "\"BUY\",\"type\":\"LIMIT\",\"product\":\"CNC\",\"validity\":\"DAY\","
                          "\"quantity\":1,\"filled_quantity\":0,\"price\":\"900\","
                          "\"trigger_price\":\"0\",\"average_price\":\"0\",\"status\":\"OPEN\","
                          "\"placed_at\":1,\"updated_at\":1,\"message\":\"\"}",
                          i > 0 ? "," : "", i);
        text_add(&body, "]}");
        wire_say(world.wires[0], BROKER_BOOK, 200, text_str(&body));
}

/* --- somebody who waits for a read --- */

static struct book_wait wait_;
static bool told;

static void done(struct book_wait *w)
{
        told = true;
}

static void read_book(void)
{
        told = false;
        wait_ = (struct book_wait){.done = done};
        book_wait(world_account(0), &wait_);
}

START_TEST(test_which_thread)
{
        begin();
        show(3);
        read_book();
        world_until(&told);
        ck_assert_int_eq(wait_.problem, PROBLEM_NONE);
        ck_assert_uint_eq(world_account(0)->external.n, 3);
        ck_assert_uint_eq(elsewhere, 0);
        show(ROWS);
        read_book();
        world_until(&told);
        ck_assert_int_eq(wait_.problem, PROBLEM_NONE);
        ck_assert_uint_eq(elsewhere, 1);
        ck_assert_uint_eq(world_account(0)->external.total, ROWS);
        ck_assert_uint_eq(world_account(0)->external.open, ROWS);
        end();
}
END_TEST

/* Orders go on meanwhile. */
START_TEST(test_orders_go_on)
{
        begin();
        show(ROWS);
        waits = true;
        read_book();
        world_rest();
        sem_wait(&begun);
        ck_assert(!told);
        ck_assert_uint_eq(elsewhere, 1);
        (void)live("BUY 10 NSE:SBIN CNC LIMIT 1000", "one two");
        ck_assert(!told);
        sem_post(&may_read);
        world_until(&told);
        ck_assert_int_eq(wait_.problem, PROBLEM_NONE);
        ck_assert_uint_eq(world_account(0)->external.total, ROWS);
        waits = false;
        end();
}
END_TEST

START_TEST(test_not_json)
{
        begin();
        text_clear(&body);
        text_addf(&body, "%*s", (int)LARGE_REPLY_SIZE, "{");
        wire_say(world.wires[0], BROKER_BOOK, 200, text_str(&body));
        read_book();
        world_until(&told);
        ck_assert_uint_eq(elsewhere, 1);
        ck_assert_uint_eq(on_loop, 0);
        ck_assert_int_eq(wait_.problem, PROBLEM_BROKER_UNREACHABLE);
        end();
}
END_TEST

/* What fails there is read on the loop. */
START_TEST(test_out_of_memory_there)
{
        begin();
        show(ROWS);
        errors_there = 1;
        read_book();
        world_until(&told);
        ck_assert_uint_eq(elsewhere, 1);
        ck_assert_uint_eq(on_loop, 1);
        ck_assert_int_eq(wait_.problem, PROBLEM_NONE);
        ck_assert_uint_eq(world_account(0)->external.total, ROWS);
        end();
}
END_TEST

/* The daemon ends while one is being read, and others wait: nobody is told, nothing is lost. */
START_TEST(test_end)
{
        begin();
        show(ROWS);
        waits = true;
        read_book();
        world_rest();
        sem_wait(&begun);
        ck_assert_uint_eq(elsewhere, 1);
        sem_post(&may_read);
        end();
        ck_assert(!told);
}
END_TEST

SUITE("large replies", test_which_thread, test_orders_go_on, test_not_json,
      test_out_of_memory_there, test_end)
