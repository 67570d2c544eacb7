#include "orchestrator/call.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "domain/meter.h"
#include "orchestrator/state.h"

#define HTTP_TOO_MANY_REQUESTS 429

_Static_assert(CALL_WRITES_MAX < HTTPC_CONNECTIONS, "a way for cancels and reads");

static void measure(struct call *c)
{
        struct account_state *a = c->account;
        struct metrics *m = a->orchestrator->options.metrics;
        enum broker_op op = c->broker.op;
        enum outcome outcome = c->result.outcome;

        if (!a->requests[op][outcome])
                a->requests[op][outcome] =
                        metrics_series(m, METER_BROKER_REQUESTS, a->account->id, broker_op_name(op),
                                       outcome_name(outcome), NULL);
        series_add(a->requests[op][outcome], 1);
        if (!c->http.facts.complete_reply)
                return;
        if (!a->durations[op])
                a->durations[op] = metrics_series(m, METER_BROKER_DURATION, a->account->id,
                                                  broker_op_name(op), NULL);
        series_observe_us(a->durations[op], call_latency_us(c));
}

/* Of a login without the broker's words: they may repeat what it was told. */
static const char *what_failed(const struct call *c)
{
        if (c->token || c->broker.op == BROKER_LOGIN)
                return "a request of a login got no usable answer";
        return c->result.message[0] ? c->result.message : "the broker gave no usable answer";
}

static void leave(struct call *c);

/* The oldest of those that wait for an answer of others goes. */
static void written(struct call *c)
{
        struct account_state *a = c->account;

        c->writing = false;
        a->n_writing--;
        if (list_empty(&a->writing))
                return;
        struct call *next = LIST_ENTRY(a->writing.next, struct call, waiting);
        list_unlink(&next->waiting);
        leave(next);
}

static void finish(struct call *c)
{
        struct account_state *a = c->account;
        struct broker_result *r = &c->result;

        measure(c);
        if (r->rate_limited ||
            (c->http.facts.complete_reply && c->http.reply.status == HTTP_TOO_MANY_REQUESTS))
                traffic_refused(&a->traffic, http_reply_find(&c->http.reply, "retry-after"));
        else if (c->http.facts.complete_reply)
                traffic_answered(&a->traffic);
        if (c->turn == &c->own_turn && c->result.outcome == OUTCOME_NOT_SENT)
                lane_leave(a, c->turn);
        if (c->writing)
                written(c);
        a->last_call_us = clock_wall_us();
        if (r->session_ended && !c->token && c->broker.op != BROKER_LOGIN)
                session_ended(a, c->generation);
        if (r->outcome == OUTCOME_UNKNOWN || r->outcome == OUTCOME_NOT_SENT)
                text_copy(a->last_error, sizeof(a->last_error), what_failed(c));
        if (!retry_later(c)) {
                c->done(c);
                return;
        }
        if (c->failed)
                c->failed(c);
        /* Nothing is held while it waits. */
        if (c->turn)
                lane_leave(a, c->turn);
}

static void deferred(struct loop_work *w)
{
        finish(CONTAINER_OF(w, struct call, work));
}

/* Ends it without a request. */
static void refuse(struct call *c, enum problem problem, const char *message)
{
        c->result.outcome = OUTCOME_NOT_SENT;
        c->result.problem = problem;
        text_copy(c->result.message, sizeof(c->result.message), message);
        c->work.run = deferred;
        loop_defer(c->account->orchestrator->loop, &c->work);
}

static bool halted(const struct call *c)
{
        return !c->passes_halt && killswitch_level(c->account->orchestrator,
                                                   c->account->account->id) >= KILL_LEVEL_HALT;
}

/* Cut off from the other daemons, it cannot know what they forbid. */
static bool cut_off(const struct call *c)
{
        return !c->passes_halt && !peers_may_send(c->account->orchestrator);
}

/* Of a write, at the last moment. */
static bool may_leave(struct http_call *h)
{
        struct call *c = CONTAINER_OF(h, struct call, http);
        if (halted(c) || cut_off(c) || permit_stale(c))
                return false;
        lane_departs(c->account, c->turn);
        return true;
}

static void read_reply(struct call *c)
{
        struct broker_result *r = &c->result;

        if (c->account->broker->reply(&c->broker, &c->http.reply, r) < 0) {
                broker_result_done(r);
                *r = (struct broker_result){.outcome = OUTCOME_UNKNOWN};
        }
        if (r->outcome == OUTCOME_NONE)
                r->outcome = OUTCOME_UNKNOWN;
}

/* What the reply came to is known. */
static void conclude(struct call *c)
{
        struct broker_result *r = &c->result;

        if (r->outcome == OUTCOME_UNKNOWN && r->problem == PROBLEM_NONE)
                r->problem = PROBLEM_OUTCOME_UNKNOWN;
        if (!r->message[0] && c->http.facts.error[0])
                text_copy(r->message, sizeof(r->message), c->http.facts.error);
        finish(c);
}

static void came_back(struct large_reply *large)
{
        struct call *c = CONTAINER_OF(large, struct call, large);

        if (large->error < 0 || c->result.outcome == OUTCOME_NONE)
                read_reply(c);
        conclude(c);
}

static bool read_elsewhere(struct call *c)
{
        c->large = (struct large_reply){.call = &c->broker,
                                        .reply = &c->http.reply,
                                        .result = &c->result,
                                        .done = came_back};
        return large_reply_read(c->account, &c->large);
}

static void answered(struct http_call *h)
{
        struct call *c = CONTAINER_OF(h, struct call, http);
        struct orchestrator *o = c->account->orchestrator;
        struct broker_result *r = &c->result;

        if (h->request.writes)
                crash_point(CRASH_CALL_ANSWERED);
        if (!c->token && h->timeout_us > 0 &&
            !(h->verdict == VERDICT_NOT_SENT && (halted(c) || cut_off(c) || permit_stale(c))))
                breaker_note(c->account, c->broker.op, h->verdict == VERDICT_ANSWERED);
        if (h->rider)
                list_append(&o->riders, &TAKE(h->rider)->link);
        switch (h->verdict) {
        case VERDICT_ANSWERED:
                if (read_elsewhere(c))
                        return;
                read_reply(c);
                break;
        case VERDICT_NOT_SENT:
                r->outcome = OUTCOME_NOT_SENT;
                r->problem = halted(c)         ? PROBLEM_KILL_SWITCH
                             : cut_off(c)      ? PROBLEM_STORE_UNAVAILABLE
                             : permit_stale(c) ? PROBLEM_BROKER_RATE
                                               : PROBLEM_BROKER_UNREACHABLE;
                break;
        default:
                r->outcome = OUTCOME_UNKNOWN;
                break;
        }
        conclude(c);
}

static bool find_scrip(void *userdata, enum scrip_by by, const char *text, struct scrip *ret)
{
        return account_scrip(userdata, by, text, ret);
}

/* Those that go through the account's lane. */
static bool has_turn(const struct call *c)
{
        return c->broker.op == BROKER_PLACE || c->broker.op == BROKER_MODIFY ||
               c->broker.op == BROKER_CANCEL;
}

/* A call of the account's own goes with its session; logins bring their own token, or none. */
static bool needs_session(const struct call *c)
{
        return !c->token && c->broker.op != BROKER_LOGIN;
}

/* Sends it, now. */
static void depart(struct call *c)
{
        struct account_state *a = c->account;
        bool own = needs_session(c);

        if (c->retry.n == 0)
                retry_begin(c);
        if (own && a->session != SESSION_STATE_ACTIVE) {
                refuse(c, PROBLEM_SESSION_REQUIRED, "the account has no session");
                return;
        }
        c->generation = a->generation;
        c->broker.token = own ? a->token : c->token;
        c->http = (struct http_call){.done = answered};
        int r = a->broker->request(&c->broker, &c->http.request);
        c->broker.token = NULL; /* another login may free it before the reply comes */
        if (r < 0) {
                bool modify = c->broker.op == BROKER_MODIFY;
                refuse(c,
                       r != -ENOTSUP ? PROBLEM_INTERNAL
                       : modify      ? PROBLEM_MODIFY_UNSUPPORTED
                                     : PROBLEM_TYPE_UNSUPPORTED,
                       r == -ENOTSUP ? "this broker has no such call"
                                     : "the request could not be built");
                return;
        }
        if (!c->turn)
                traffic_take(&a->traffic, c->broker.op, BROKER_RATE_ANYWHERE);
        c->http.request.writes = broker_op_writes(c->broker.op);
        if (c->turn)
                c->http.may_leave = may_leave;
        if (c->broker.op == BROKER_BOOK || c->broker.op == BROKER_TRADES)
                c->http.reply_max = CALL_BOOK_MAX;
        c->http.timeout_us = c->retry.over_us - clock_mono_us();
        /* A commit that ends after the transports leads here: the mark in the ledger tells the next
         * start that it may have been sent, and the book that it was not. */
        if (*a->transport)
                httpc_send(*a->transport, &c->http);
}

/* Its turn has come; where the account's rates are shared, it is asked for in the ledger, too. */
static void leave(struct call *c)
{
        if (!permit_wait(c))
                depart(c);
}

void call_permitted(struct call *c)
{
        depart(c);
}

void call_forbidden(struct call *c, enum problem problem, int64_t wait_us, const char *message)
{
        c->retry_after_s = (int)((wait_us + USEC_PER_SEC - 1) / USEC_PER_SEC);
        refuse(c, problem, message);
}

/* Of a client; books are read all the same, and whether the broker is back is asked by the breaker
 * itself. */
static bool broken(struct call *c)
{
        int64_t wait_us = breaker_wait(c->account, BREAKER_READS);
        if (wait_us == 0 || c->token || c->broker.op == BROKER_BOOK ||
            c->broker.op == BROKER_ORDER || c->broker.op == BROKER_PROFILE ||
            c->broker.op == BROKER_LOGIN || c->broker.op == BROKER_LOGOUT)
                return false;
        c->retry_after_s = (int)((wait_us + USEC_PER_SEC - 1) / USEC_PER_SEC);
        refuse(c, PROBLEM_BREAKER_OPEN, "the broker could not be reached several times in a row");
        return true;
}

/* --- reads wait for their turn in the broker's rates --- */

static void refuse_rate(struct call *c, int64_t wait_us, const char *message)
{
        c->retry_after_s = (int)((wait_us + USEC_PER_SEC - 1) / USEC_PER_SEC);
        refuse(c, PROBLEM_BROKER_RATE, message);
}

static int64_t turn_of(const struct call *c, char *message, size_t size)
{
        return traffic_wait(&c->account->traffic, c->broker.op, call_rank(c), message, size);
}

static void arm(struct account_state *a, int64_t wait_us)
{
        if (wait_us < INT64_MAX &&
            loop_timer_set(a->orchestrator->loop, &a->waiting_timer, wait_us) < 0)
                calls_give_up(a);
}

/* In order, but what waits for another window than its predecessor overtakes it. */
static void wake(struct loop_timer *t)
{
        struct account_state *a = CONTAINER_OF(t, struct account_state, waiting_timer);
        int64_t now = clock_mono_us(), next = INT64_MAX;
        char message[MESSAGE_SIZE];

        LIST_FOREACH (it, &a->waiting) {
                struct call *c = LIST_ENTRY(it, struct call, waiting);
                int64_t wait_us = turn_of(c, message, sizeof(message));
                if (wait_us > 0 && now + wait_us <= c->wait_until_us) {
                        next = wait_us < next ? wait_us : next;
                        continue;
                }
                list_unlink(&c->waiting);
                a->n_waiting--;
                if (wait_us > 0)
                        refuse_rate(c, wait_us, message);
                else
                        leave(c);
        }
        arm(a, next);
}

void calls_give_up(struct account_state *a)
{
        LIST_FOREACH (it, &a->waiting) {
                list_unlink(it);
                refuse_rate(LIST_ENTRY(it, struct call, waiting), USEC_PER_SEC,
                            "it waited for its turn in the broker's rates, and was given up");
        }
        a->n_waiting = 0;
        loop_timer_stop(&a->waiting_timer);
}

static void read_start(struct call *c)
{
        struct account_state *a = c->account;
        char message[MESSAGE_SIZE];

        if (broken(c))
                return;
        int64_t wait_us = turn_of(c, message, sizeof(message));
        if (wait_us == 0 || (needs_session(c) && a->session != SESSION_STATE_ACTIVE)) {
                leave(c);
        } else if (wait_us > CALL_TURN_US || (a->n_waiting >= CALL_TURNS_MAX && !c->due) ||
                   a->orchestrator->draining) {
                refuse_rate(c, wait_us, message);
        } else {
                c->wait_until_us = clock_mono_us() + CALL_TURN_US;
                list_append(&a->waiting, &c->waiting);
                a->waiting_timer.fire = wake;
                /* One that is due does not sleep until those of a lower rank may go. */
                if (a->n_waiting++ == 0 || c->due)
                        arm(a, c->due ? 0 : wait_us);
        }
}

/* --- writes go through the lane, and not too many are at the broker at once --- */

static void write_start(struct call *c)
{
        struct account_state *a = c->account;

        /* A local exchange answers before the next one can be asked. */
        if (a->broker->flags & BROKER_LOCAL) {
                leave(c);
                return;
        }
        c->writing = true;
        if (++a->n_writing <= CALL_WRITES_MAX) {
                leave(c);
                return;
        }
        crash_point(CRASH_QUEUE_BEGIN);
        list_append(&a->writing, &c->waiting);
}

static void cancel_came(struct turn *t)
{
        leave(CONTAINER_OF(t, struct call, own_turn));
}

static void cancel_start(struct call *c)
{
        char message[MESSAGE_SIZE];
        int retry_s;

        c->own_turn = (struct turn){.op = BROKER_CANCEL,
                                    .at = symbol_exchange(c->broker.order->symbol),
                                    .urgent = true,
                                    .come = cancel_came};
        c->turn = &c->own_turn;
        /* Without a time at which it is no use any more it is never refused. */
        (void)lane_enter(c->account, c->turn, message, sizeof(message), &retry_s);
        if (c->turn->granted)
                leave(c);
}

static void prepare(struct call *c)
{
        c->result = (struct broker_result){};
        c->http = (struct http_call){};
        c->broker.account = c->account->account;
        c->broker.source = (struct scrip_source){find_scrip, c->account};
}

void call_again(struct call *c)
{
        struct account_state *a = c->account;

        if (retry_forbidden(c)) {
                c->retry.n--;
                if (halted(c) && c->turn)
                        c->result.problem = PROBLEM_KILL_SWITCH;
                c->done(c); /* as the attempt before it ended */
                return;
        }
        int64_t wait_us = c->turn ? lane_try(a, c->turn) : 0;
        if (wait_us > 0) {
                if (loop_timer_set(a->orchestrator->loop, &c->retry.timer, wait_us) < 0)
                        c->done(c);
                return;
        }
        if (broker_op_writes(c->broker.op))
                crash_point(CRASH_RETRY_BEGIN);
        call_clear(c);
        prepare(c);
        if (!c->turn)
                read_start(c);
        else if (c->broker.op == BROKER_CANCEL)
                leave(c);
        else
                write_start(c);
}

void call_start(struct call *c)
{
        prepare(c);
        c->retry.n = 0;
        if (!has_turn(c))
                read_start(c);
        else if (c->broker.op == BROKER_CANCEL)
                cancel_start(c);
        else
                write_start(c);
}

void call_refuse(struct call *c, enum problem problem, const char *message)
{
        prepare(c);
        refuse(c, problem, message);
}

void call_evidence(const struct call *c, struct evidence *ret)
{
        const struct http_facts *f = &c->http.facts;
        *ret = (struct evidence){
                .started_us = f->started_us,
                .sent_us = f->sent_us,
                .ended_us = f->ended_us,
                .bytes_sent = f->bytes_sent,
                .http_status = f->complete_reply ? c->http.reply.status : 0,
                .may_have_left = f->may_have_left,
                .complete_reply = f->complete_reply,
        };
        text_copy(ret->transport, sizeof(ret->transport), httpc_transport(*c->account->transport));
        text_copy(ret->error, sizeof(ret->error), f->error);
}

enum traffic_rank call_rank(const struct call *c)
{
        if (c->turn)
                return c->turn->urgent ? TRAFFIC_EXIT : TRAFFIC_ORDER;
        return c->due ? TRAFFIC_DUE : TRAFFIC_READ;
}

int64_t call_latency_us(const struct call *c)
{
        const struct http_facts *f = &c->http.facts;
        return f->ended_us > f->started_us ? f->ended_us - f->started_us : 0;
}

void call_clear(struct call *c)
{
        loop_timer_done(&c->retry.timer);
        http_call_done(&c->http);
        broker_result_done(&c->result);
}
