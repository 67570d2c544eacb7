#include "suite.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <h2o.h>

#include "loop/loop.h"

static struct loop *l;

static int64_t now_us(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
}

static void make(void)
{
        ck_assert_int_eq(loop_new(&l), 0);
}

static void run(void)
{
        ck_assert_int_eq(loop_run(l, NULL, NULL), 0);
}

/* A work that notes when it ran. */
struct note {
        struct loop_work work;
        unsigned ran;
        unsigned order;
        uint64_t turn;
        void (*then)(struct note *n);
};

static unsigned order;

static void note_run(struct loop_work *w)
{
        struct note *n = CONTAINER_OF(w, struct note, work);

        n->ran++;
        n->order = ++order;
        n->turn = loop_turns(l);
        if (n->then)
                n->then(n);
}

static void then_stop(struct note *n)
{
        loop_stop(l);
}

static void fire_stop(struct loop_timer *t)
{
        loop_stop(l);
}

START_TEST(new_and_free)
{
        ck_assert_ptr_null(loop_free(NULL));
        for (int i = 0; i < 3; i++) {
                make();
                ck_assert_ptr_nonnull(loop_event(l));
                ck_assert_ptr_nonnull(loop_h2o(l));
                ck_assert_uint_eq(loop_turns(l), 0);
                ck_assert(!loop_stopping(l));
                ck_assert_ptr_null(loop_free(l));
        }
}
END_TEST

START_TEST(stops_at_once)
{
        make();
        loop_stop(l);
        ck_assert(loop_stopping(l));
        run();
        ck_assert(!loop_stopping(l));
        loop_free(l);
}
END_TEST

START_TEST(runs_again)
{
        struct note first = {.work.run = note_run, .then = then_stop};

        make();
        for (unsigned i = 1; i <= 3; i++) {
                loop_post(l, &first.work);
                ck_assert_uint_eq(first.ran, i - 1);
                run();
                ck_assert_uint_eq(first.ran, i);
        }
        loop_free(l);
}
END_TEST

/* ---- other threads ------------------------------------------------------------------------- */

#define POSTERS 2
#define POSTS   10000

struct parcel {
        struct loop_work work;
        int poster;
        int number;
};
static struct parcel parcels[POSTERS][POSTS];
static int expected[POSTERS];
static pthread_t loop_thread;

static void parcel_run(struct loop_work *w)
{
        struct parcel *p = CONTAINER_OF(w, struct parcel, work);

        ck_assert(pthread_equal(pthread_self(), loop_thread));
        ck_assert_int_eq(p->number, expected[p->poster]);
        expected[p->poster]++;
        if (expected[0] == POSTS && expected[1] == POSTS)
                loop_stop(l);
}

static void *poster(void *arg)
{
        int me = (int)(intptr_t)arg;

        for (int i = 0; i < POSTS; i++) {
                parcels[me][i] = (struct parcel){{.run = parcel_run}, me, i};
                loop_post(l, &parcels[me][i].work);
                if (i % 1000 == 0)
                        usleep(1000); /* so that the loop falls asleep now and then */
        }
        return NULL;
}

START_TEST(posts_of_two_threads)
{
        pthread_t threads[POSTERS];

        make();
        loop_thread = pthread_self();
        for (intptr_t i = 0; i < POSTERS; i++)
                pthread_create(&threads[i], NULL, poster, (void *)i);
        run();
        for (int i = 0; i < POSTERS; i++)
                pthread_join(threads[i], NULL);
        ck_assert_int_eq(expected[0], POSTS);
        ck_assert_int_eq(expected[1], POSTS);
        loop_free(l);
}
END_TEST

static void *post_later(void *arg)
{
        usleep(50000);
        loop_post(l, arg);
        return NULL;
}

START_TEST(a_post_wakes_the_sleeping_loop)
{
        struct note n = {.work.run = note_run, .then = then_stop};
        pthread_t thread;

        make();
        pthread_create(&thread, NULL, post_later, &n.work);
        int64_t from = now_us();
        run();
        ck_assert_int_lt(now_us() - from, 5000000);
        pthread_join(thread, NULL);
        ck_assert_uint_eq(n.ran, 1);
        loop_free(l);
}
END_TEST

/* ---- order and turns ----------------------------------------------------------------------- */

static struct note again;

static void post_again(struct note *n)
{
        if (n->ran == 3)
                loop_stop(l);
        else
                loop_post(l, &n->work);
}

static void defer_again(struct note *n)
{
        if (n->ran == 3)
                loop_stop(l);
        else
                loop_defer(l, &n->work);
}

static void add_again(struct note *n)
{
        loop_defer(l, &again.work);
        ck_assert_uint_eq(again.ran, 0);
}

START_TEST(works_run_in_order)
{
        struct note a = {.work.run = note_run}, b = a, c = a;

        make();
        order = 0;
        c.then = then_stop;
        loop_post(l, &a.work);
        loop_post(l, &b.work);
        loop_post(l, &c.work);
        ck_assert_uint_eq(a.ran + b.ran + c.ran, 0);
        run();
        ck_assert(a.order == 1 && b.order == 2 && c.order == 3);

        a.ran = b.ran = c.ran = 0;
        loop_defer(l, &c.work);
        loop_defer(l, &a.work);
        loop_defer(l, &b.work);
        ck_assert_uint_eq(a.ran + b.ran + c.ran, 0);
        run();
        ck_assert(c.order == 4 && a.order == 5 && b.order == 6);
        loop_free(l);
}
END_TEST

static uint64_t turns_of[8];

static void defer_and_note(struct note *n)
{
        turns_of[n->ran] = loop_turns(l);
        defer_again(n);
}

START_TEST(new_work_waits_for_the_next_turn)
{
        struct note n = {.work.run = note_run, .then = defer_and_note};

        make();
        loop_defer(l, &n.work);
        run();
        ck_assert_uint_eq(n.ran, 3);
        ck_assert_uint_eq(turns_of[2], turns_of[1] + 1);
        ck_assert_uint_eq(turns_of[3], turns_of[2] + 1);

        n.ran = 0;
        n.then = post_again;
        loop_post(l, &n.work);
        run();
        ck_assert_uint_eq(n.ran, 3);
        loop_free(l);
}
END_TEST

START_TEST(deferring_from_every_kind_of_callback)
{
        struct note posted = {.work.run = note_run, .then = add_again};

        make();
        again = (struct note){.work.run = note_run, .then = then_stop};
        loop_post(l, &posted.work);
        run();
        ck_assert_uint_eq(again.ran, 1);
        ck_assert_uint_gt(again.turn, posted.turn);

        again.ran = 0;
        loop_defer(l, &posted.work);
        run();
        ck_assert_uint_eq(again.ran, 1);
        loop_free(l);
}
END_TEST

static void defer_for_ever(struct note *n)
{
        loop_defer(l, &n->work);
}

START_TEST(endless_work_starves_nobody)
{
        struct note endless = {.work.run = note_run, .then = defer_for_ever};
        struct note posted = {.work.run = note_run};
        struct loop_timer timer = {.fire = fire_stop};

        make();
        loop_defer(l, &endless.work);
        loop_post(l, &posted.work);
        ck_assert_int_eq(loop_timer_set(l, &timer, 20000), 0);
        run();
        ck_assert_uint_gt(endless.ran, 10);
        ck_assert_uint_eq(posted.ran, 1);
        loop_timer_done(&timer);
        loop_free(l);
}
END_TEST

static struct note victim;

static void unlink_victim(struct note *n)
{
        list_unlink(&victim.work.link);
        memset(&victim, 0xff, sizeof(victim));
        loop_stop(l);
}

START_TEST(work_can_be_withdrawn_by_work_before_it)
{
        struct note killer = {.work.run = note_run, .then = unlink_victim};

        make();
        victim = (struct note){.work.run = note_run};
        loop_defer(l, &killer.work);
        loop_defer(l, &victim.work);
        run();
        victim = (struct note){.work.run = note_run};
        loop_post(l, &killer.work);
        loop_post(l, &victim.work);
        run();
        ck_assert_uint_eq(killer.ran, 2);
        loop_free(l);
}
END_TEST

/* ---- timers -------------------------------------------------------------------------------- */

struct alarm {
        struct loop_timer timer;
        unsigned fired;
        int64_t at;
        unsigned order;
};

static void note_alarm(struct loop_timer *t)
{
        struct alarm *a = CONTAINER_OF(t, struct alarm, timer);

        a->fired++;
        a->at = now_us();
        a->order = ++order;
}

static void arm_four_times(struct loop_timer *t)
{
        struct alarm *a = CONTAINER_OF(t, struct alarm, timer);

        if (++a->fired == 4)
                loop_stop(l);
        else
                ck_assert_int_eq(loop_timer_set(l, t, 2000), 0);
}

static void arm_and_stop(struct loop_timer *t)
{
        CONTAINER_OF(t, struct alarm, timer)->fired++;
        ck_assert_int_eq(loop_timer_set(l, t, 0), 0);
        loop_timer_stop(t);
}

static void free_self(struct loop_timer *t)
{
        loop_timer_done(t);
        free(CONTAINER_OF(t, struct alarm, timer));
}

START_TEST(timers_fire_once_and_in_time)
{
        struct alarm late = {.timer.fire = note_alarm}, early = late, at_once = late, past = late;
        struct loop_timer end = {.fire = fire_stop};

        make();
        order = 0;
        int64_t from = now_us();
        ck_assert_int_eq(loop_timer_set(l, &late.timer, 40000), 0);
        ck_assert_int_eq(loop_timer_set(l, &early.timer, 20000), 0);
        ck_assert_int_eq(loop_timer_set(l, &at_once.timer, 0), 0);
        ck_assert_int_eq(loop_timer_set(l, &past.timer, -5), 0);
        ck_assert_int_eq(loop_timer_set(l, &end, 80000), 0);
        ck_assert_uint_eq(at_once.fired + past.fired, 0);
        run();
        ck_assert_uint_eq(late.fired, 1);
        ck_assert_uint_eq(early.fired, 1);
        ck_assert_uint_eq(at_once.fired, 1);
        ck_assert_uint_eq(past.fired, 1);
        ck_assert_uint_lt(early.order, late.order);
        ck_assert_int_ge(early.at - from, 20000);
        ck_assert_int_ge(late.at - from, 40000);
        ck_assert_int_lt(early.at - from, 80000); /* generous: the machine may be busy */
        loop_timer_done(&late.timer);
        loop_timer_done(&early.timer);
        loop_timer_done(&at_once.timer);
        loop_timer_done(&past.timer);
        loop_timer_done(&end);
        loop_timer_done(&end);
        loop_free(l);
}
END_TEST

START_TEST(timers_in_their_own_callback)
{
        struct alarm repeated = {.timer.fire = arm_four_times},
                     stopped = {.timer.fire = arm_and_stop};
        struct alarm *freed = calloc(1, sizeof(*freed));

        make();
        freed->timer.fire = free_self;
        ck_assert_int_eq(loop_timer_set(l, &freed->timer, 100), 0);
        ck_assert_int_eq(loop_timer_set(l, &stopped.timer, 100), 0);
        ck_assert_int_eq(loop_timer_set(l, &repeated.timer, 2000), 0);
        run();
        ck_assert_uint_eq(repeated.fired, 4);
        ck_assert_uint_eq(stopped.fired, 1);
        loop_timer_done(&repeated.timer);
        loop_timer_done(&stopped.timer);
        loop_free(l);
}
END_TEST

START_TEST(timers_are_moved_and_stopped)
{
        struct alarm moved = {.timer.fire = note_alarm}, stopped = moved, never = moved;
        struct loop_timer end = {.fire = fire_stop}, zero = {};

        make();
        loop_timer_stop(&zero);
        loop_timer_done(&zero);
        int64_t from = now_us();
        ck_assert_int_eq(loop_timer_set(l, &moved.timer, INT64_MAX), 0);
        ck_assert_int_eq(loop_timer_set(l, &moved.timer, 1000), 0);
        ck_assert_int_eq(loop_timer_set(l, &moved.timer, 30000), 0);
        ck_assert_int_eq(loop_timer_set(l, &stopped.timer, 1000), 0);
        ck_assert_int_eq(loop_timer_set(l, &never.timer, INT64_MAX), 0);
        loop_timer_stop(&stopped.timer);
        ck_assert_int_eq(loop_timer_set(l, &end, 50000), 0);
        run();
        ck_assert_uint_eq(moved.fired, 1);
        ck_assert_int_ge(moved.at - from, 30000);
        ck_assert_uint_eq(stopped.fired, 0);
        ck_assert_uint_eq(never.fired, 0);
        loop_timer_done(&moved.timer);
        loop_timer_done(&stopped.timer);
        loop_timer_done(&never.timer);
        loop_timer_done(&end);
        loop_free(l);
}
END_TEST

/* ---- stopping and sleeping ----------------------------------------------------------------- */

static unsigned left;

static void finish_one(struct loop_timer *t)
{
        ck_assert(loop_stopping(l));
        if (--left > 0)
                ck_assert_int_eq(loop_timer_set(l, t, 1000), 0);
}

static bool nothing_left(void *userdata)
{
        ck_assert_ptr_eq(userdata, &left);
        return left == 0;
}

START_TEST(a_stop_waits_until_all_is_drained)
{
        struct loop_timer timer = {.fire = finish_one};

        make();
        left = 5;
        ck_assert_int_eq(loop_timer_set(l, &timer, 1000), 0);
        loop_stop(l);
        ck_assert_int_eq(loop_run(l, nothing_left, &left), 0);
        ck_assert_uint_eq(left, 0);
        loop_timer_done(&timer);
        loop_free(l);
}
END_TEST

static int64_t cpu_us(void)
{
        struct rusage usage;

        getrusage(RUSAGE_SELF, &usage);
        return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000) +
               usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

START_TEST(an_idle_loop_sleeps)
{
        struct loop_timer end = {.fire = fire_stop};

        make();
        ck_assert_int_eq(loop_timer_set(l, &end, 300000), 0);
        int64_t cpu = cpu_us();
        run();
        ck_assert_int_lt(cpu_us() - cpu, 100000);
        ck_assert_uint_lt(loop_turns(l), 10);
        loop_timer_done(&end);
        loop_free(l);
}
END_TEST

static volatile sig_atomic_t interrupts;

static void on_alarm(int signal_number)
{
        interrupts = interrupts + 1;
}

START_TEST(signals_do_not_end_the_loop)
{
        struct loop_timer end = {.fire = fire_stop};
        struct sigaction action = {.sa_handler = on_alarm};
        struct itimerval every = {.it_interval.tv_usec = 2000, .it_value.tv_usec = 2000}, off = {};

        make();
        ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0); /* no SA_RESTART */
        setitimer(ITIMER_REAL, &every, NULL);
        ck_assert_int_eq(loop_timer_set(l, &end, 100000), 0);
        int64_t from = now_us();
        run();
        setitimer(ITIMER_REAL, &off, NULL);
        ck_assert_int_ge(now_us() - from, 100000);
        ck_assert_int_gt(interrupts, 5);
        loop_timer_done(&end);
        loop_free(l);
}
END_TEST

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
        loop_stop(l);
        return 0;
}

START_TEST(signals_as_events)
{
        sigset_t set;

        make();
        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
        ck_assert_int_ge(sd_event_add_signal(loop_event(l), NULL, SIGTERM, on_signal, NULL), 0);
        kill(getpid(), SIGTERM);
        run();
        loop_free(l);
}
END_TEST

/* ---- h2o's side ---------------------------------------------------------------------------- */

static h2o_socket_t *ours;
static struct loop_timer from_h2o;
static unsigned written;

static void on_h2o_read(h2o_socket_t *socket, const char *error)
{
        ck_assert_ptr_null(error);
        h2o_buffer_consume(&socket->input, socket->input->size);
        /* Armed while the loop was asleep in h2o. */
        ck_assert_int_eq(loop_timer_set(l, &from_h2o, 1000), 0);
        loop_defer(l, &again.work);
        ck_assert_uint_eq(again.ran, 0);
}

static void on_written(h2o_socket_t *socket, const char *error)
{
        written++;
        loop_stop(l);
}

static void write_to_h2o(struct loop_work *w)
{
        static h2o_iovec_t data = {(char *)"x", 1};

        h2o_socket_write(ours, &data, 1, on_written);
        ck_assert_uint_eq(written, 0);
}

static int socket_in_h2o(void)
{
        int fds[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
                         0);
        ours = h2o_evloop_socket_create(loop_h2o(l), fds[0], 0);
        return fds[1];
}

static void *write_later(void *arg)
{
        usleep(30000);
        ck_assert_int_eq(write(*(int *)arg, "x", 1), 1);
        return NULL;
}

START_TEST(timers_and_works_made_by_h2o_callbacks)
{
        pthread_t thread;

        make();
        again = (struct note){.work.run = note_run};
        from_h2o = (struct loop_timer){.fire = fire_stop};
        int other = socket_in_h2o();
        h2o_socket_read_start(ours, on_h2o_read);
        pthread_create(&thread, NULL, write_later, &other);
        int64_t from = now_us();
        run();
        ck_assert_int_lt(now_us() - from, 5000000);
        ck_assert_uint_eq(again.ran, 1);
        pthread_join(thread, NULL);
        h2o_socket_close(ours);
        close(other);
        loop_timer_done(&from_h2o);
        loop_free(l);
}
END_TEST

START_TEST(what_is_written_from_outside_is_finished)
{
        struct loop_work posted = {.run = write_to_h2o};
        pthread_t thread;
        char c;

        make();
        int other = socket_in_h2o();
        pthread_create(&thread, NULL, post_later, &posted);
        run(); /* nothing else ever wakes the loop */
        ck_assert_uint_eq(written, 1);
        ck_assert_int_eq(read(other, &c, 1), 1);
        pthread_join(thread, NULL);

        written = 0;
        loop_defer(l, &posted);
        run();
        ck_assert_uint_eq(written, 1);
        h2o_socket_close(ours);
        close(other);
        loop_free(l);
}
END_TEST

SUITE("loop", new_and_free, stops_at_once, runs_again, posts_of_two_threads,
      a_post_wakes_the_sleeping_loop, works_run_in_order, new_work_waits_for_the_next_turn,
      deferring_from_every_kind_of_callback, endless_work_starves_nobody,
      work_can_be_withdrawn_by_work_before_it, timers_fire_once_and_in_time,
      timers_in_their_own_callback, timers_are_moved_and_stopped, a_stop_waits_until_all_is_drained,
      an_idle_loop_sleeps, signals_do_not_end_the_loop, signals_as_events,
      timers_and_works_made_by_h2o_callbacks, what_is_written_from_outside_is_finished)
