#include "login_world.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "domain/meter.h"
#include "net/httpc.h"
#include "orchestrator/event.h"

#define REST_TICK_US 2000
#define TICKS_MAX    5000

struct login_world lw;

/* --- brokers, in place of the registry ---
 *
 * Requests: the path says what, the body "otp=… code=… carry=…". Replies: one word and what belongs
 * to it: "done TOKEN CLIENT EXPIRES_US", "goes STEP CARRY", "asks STEP CARRY", "no WORDS", "client
 * ID", "ok"; status 401 ends the session. */

static int address(const struct account *a, const char *state, struct text *ret)
{
        if (!a->access.redirect_uri)
                return -EINVAL;
        text_addf(ret, "/page?state=%s&to=", state);
        text_add_urlencoded(ret, a->access.redirect_uri);
        return 0;
}

static void put(struct http_request *r, const char *name, const struct secret *s)
{
        if (s)
                text_addf(&r->body, " %s=%s", name, (const char *)secret_bytes(s));
}

static int make_request(const struct broker_call *c, struct http_request *r)
{
        static const char *const paths[_BROKER_OP_MAX] = {
                [BROKER_BOOK] = "/book",       [BROKER_FUNDS] = "/funds",
                [BROKER_LOGIN] = "/login",     [BROKER_LOGOUT] = "/logout",
                [BROKER_PROFILE] = "/profile", [BROKER_POSITIONS] = "/positions",
        };
        const char *broker = c->account->broker;
        if (!paths[c->op] || (c->op == BROKER_PROFILE && strcmp(broker, "otp") == 0) ||
            (c->op == BROKER_LOGOUT && strcmp(broker, "totp") == 0))
                return -ENOTSUP;
        if (c->op == BROKER_LOGIN && c->token)
                return -EINVAL;
        r->method = "POST";
        text_addf(&r->url, "%s", paths[c->op]);
        if (c->op == BROKER_LOGIN)
                text_addf(&r->url, "/%u", c->step);
        text_addf(&r->body, "%s", c->token ? (const char *)secret_bytes(c->token) : "-");
        put(r, "otp", c->otp);
        put(r, "code", c->code);
        put(r, "carry", c->carry);
        if (c->otp && strcmp(secret_bytes(c->otp), "unusable") == 0)
                return -EINVAL;
        return 0;
}

static struct secret *secret_of(const char *s)
{
        return *s && strcmp(s, "-") != 0 ? secret_new(s, strlen(s)) : NULL;
}

static int read_reply(const struct broker_call *c, const struct http_reply *reply,
                      struct broker_result *r)
{
        char word[16] = "", a[128] = "", b[128] = "";
        long long us = 0;
        const char *body = text_str(&reply->body);

        (void)sscanf(body, "%15s %127s %127s %lld", word, a, b, &us);
        r->outcome = OUTCOME_ACCEPTED;
        if (reply->status == 401 || strcmp(word, "no") == 0) {
                r->outcome = OUTCOME_REJECTED;
                r->session_ended = reply->status == 401;
                text_copy(r->message, sizeof(r->message), body);
        } else if (reply->status != 200) {
                r->outcome = OUTCOME_UNKNOWN;
        } else if (strcmp(word, "done") == 0) {
                r->login = BROKER_LOGIN_DONE;
                r->token = secret_of(a);
                text_copy(r->client_id, sizeof(r->client_id), strcmp(b, "-") == 0 ? "" : b);
                r->expires_us = us;
        } else if (strcmp(word, "goes") == 0 || strcmp(word, "asks") == 0) {
                r->login = *word == 'g' ? BROKER_LOGIN_GOES_ON : BROKER_LOGIN_ASKS;
                r->next_step = (unsigned)atoi(a);
                r->carry = secret_of(b);
        } else if (strcmp(word, "client") == 0) {
                text_copy(r->client_id, sizeof(r->client_id), a);
        }
        return 0;
}

static const char *const code_keys[] = {"auth_code", "request_token", NULL};
static const struct broker_login_way redirect[] = {
        {.method = BROKER_LOGIN_REDIRECT, .first_step = 5, .url = address},
        {.method = BROKER_LOGIN_OTP, .first_step = 1},
};
static const struct broker_login_way otp[] = {{.method = BROKER_LOGIN_OTP, .first_step = 1}};
static const struct broker_login_way totp[] = {
        {.method = BROKER_LOGIN_OTP, .first_step = 1},
        {.method = BROKER_LOGIN_TOTP, .first_step = 3},
};

#define BROKER(name, ways, n)                                                                \
        {                                                                                    \
                .slug = name, .title = name, .logins = ways, .n_logins = n,                  \
                .session_ends = 6 * 60, .default_base_url = "https://" name ".example",      \
                .quotes_max = 1, .tag_max = 20, .request = make_request, .reply = read_reply \
        }
static struct broker brokers[ACCOUNTS] = {
        BROKER("state", redirect, 1),
        BROKER("plain", redirect, 2),
        BROKER("otp", otp, 1),
        BROKER("totp", totp, 2),
};

const struct broker *broker_find(const char *slug)
{
        brokers[STATE].callback =
                (struct broker_callback){code_keys, .state_key = "state", .status_key = "s",
                                         .status_ok = "ok", .message_key = "message"};
        brokers[PLAIN].callback = (struct broker_callback){code_keys};
        for (unsigned i = 0; i < ACCOUNTS; i++)
                if (strcmp(brokers[i].slug, slug) == 0)
                        return &brokers[i];
        return NULL;
}

const struct broker *broker_at(unsigned i)
{
        return i < ACCOUNTS ? &brokers[i] : NULL;
}

const char *broker_base_url(const struct broker *b, const struct account *a)
{
        return a->access.base_url ? a->access.base_url : b->default_base_url;
}

const char *broker_master_url(const struct broker *b, const struct account *a)
{
        return NULL;
}

const struct broker_capability *broker_capability(const struct broker *b, enum exchange e)
{
        return NULL;
}

/* --- their server, in place of the transport --- */

struct httpc {
        struct list calls;
        struct loop_work turn;
        bool turn_due;
        unsigned running;
};

static struct order_for {
        char path[24];
        int status;
        char body[512];
} orders[32];
static unsigned n_orders;
static struct seen {
        char path[24];
        unsigned times;
        char body[512];
} seen[16];
static unsigned n_seen;
static char holding[24];
static struct list held = LIST_INIT(held);

void say(const char *path, int status, const char *body)
{
        ck_assert_uint_lt(n_orders, ELEMENTS(orders));
        orders[n_orders].status = status;
        text_copy(orders[n_orders].path, sizeof(orders[0].path), path);
        text_copy(orders[n_orders++].body, sizeof(orders[0].body), body);
}

static struct seen *find_seen(const char *path)
{
        for (unsigned i = 0; i < n_seen; i++)
                if (strncmp(seen[i].path, path, strlen(path)) == 0)
                        return &seen[i];
        return NULL;
}

unsigned asked(const char *path)
{
        unsigned n = 0;
        for (unsigned i = 0; i < n_seen; i++)
                if (strncmp(seen[i].path, path, strlen(path)) == 0)
                        n += seen[i].times;
        return n;
}

const char *last_body(const char *path)
{
        const struct seen *s = find_seen(path);
        return s ? s->body : "";
}

void http_call_done(struct http_call *c)
{
        http_request_done(&c->request);
        http_reply_done(&c->reply);
}

static const char *good_reply(const char *path)
{
        return strcmp(path, "/profile") == 0 ? "client AB1234" : "ok";
}

static void reply(struct httpc *h, struct http_call *c)
{
        const char *path = text_str(&c->request.url), *body = good_reply(path);
        int status = 200;
        unsigned i = 0;

        while (i < n_orders && strncmp(orders[i].path, path, strlen(orders[i].path)) != 0)
                i++;
        if (i < n_orders) {
                status = orders[i].status;
                body = orders[i].body;
        }
        c->verdict = status > 0    ? VERDICT_ANSWERED
                     : status == 0 ? VERDICT_UNCERTAIN
                                   : VERDICT_NOT_SENT;
        c->facts.complete_reply = status > 0;
        if (status > 0) {
                c->reply.status = status;
                text_add(&c->reply.body, body);
        }
        /* Valgrind takes a checked memmove() for a copy, which must not overlap. */
        for (n_orders -= i < n_orders; i < n_orders; i++)
                orders[i] = orders[i + 1];
        list_unlink(&c->link);
        h->running--;
        c->done(c);
}

static void remember(const struct http_call *c)
{
        const char *path = text_str(&c->request.url);
        struct seen *s = find_seen(path);

        if (!s) {
                ck_assert_uint_lt(n_seen, ELEMENTS(seen));
                s = &seen[n_seen++];
                text_copy(s->path, sizeof(s->path), path);
        }
        s->times++;
        text_copy(s->body, sizeof(s->body), text_str(&c->request.body));
}

static void turn(struct loop_work *w)
{
        struct httpc *h = CONTAINER_OF(w, struct httpc, turn);

        h->turn_due = false;
        while (!list_empty(&h->calls)) {
                struct http_call *c = LIST_ENTRY(h->calls.next, struct http_call, link);
                remember(c);
                if (*holding && strncmp(text_str(&c->request.url), holding, strlen(holding)) == 0) {
                        *holding = '\0';
                        list_unlink(&c->link);
                        list_append(&held, &c->link);
                        h->running--;
                } else {
                        reply(h, c);
                }
        }
}

void hold(const char *path)
{
        text_copy(holding, sizeof(holding), path);
}

void let_go(void)
{
        struct http_call *c = LIST_ENTRY(held.next, struct http_call, link);
        struct httpc *h = c->transport;

        ck_assert(!list_empty(&held));
        h->running++;
        reply(h, c);
        login_rest();
}

void httpc_send(struct httpc *h, struct http_call *c)
{
        c->transport = h;
        list_append(&h->calls, &c->link);
        h->running++;
        if (!h->turn_due)
                loop_defer(lw.loop, &h->turn);
        h->turn_due = true;
}

unsigned httpc_running(const struct httpc *h)
{
        return h->running;
}

/* Nobody fetches a master here. */
int httpc_new_curl(struct loop *l, const struct httpc_options *o, struct httpc **ret)
{
        (void)l;
        (void)o;
        *ret = NULL;
        return -ENOSYS;
}

const char *httpc_transport(const struct httpc *h)
{
        return "none";
}

struct httpc *httpc_free(struct httpc *h)
{
        if (h && h->turn_due)
                list_unlink(&h->turn.link);
        free(h);
        return NULL;
}

/* --- the world --- */

static int render(const struct answer_view *v, struct text *ret)
{
        return 0;
}

static struct ask asks[64];
static unsigned n_asks;
static struct subscription subscription;
static struct text events;

static void on_event(struct subscription *s, const struct event *e)
{
        static const char mark[] = "\"outcome\":\"";
        const char *p = strcmp(e->type, "session") == 0 ? strstr(e->data, mark) : NULL;
        if (!p)
                return;
        p += sizeof(mark) - 1;
        if (events.len > 0)
                text_add_char(&events, ' ');
        text_add_bytes(&events, p, strcspn(p, "\""));
}

const char *told(void)
{
        static char words[512];
        text_copy(words, sizeof(words), text_str(&events));
        text_clear(&events);
        return words;
}

void login_world_wake(void)
{
        char error[STORE_ERROR_SIZE];

        ck_assert_int_eq(loop_new(&lw.loop), 0);
        ck_assert_int_eq(store_open_driver(lw.loop, fake_store_driver(lw.fake),
                                           &(struct store_options){}, error, &lw.store),
                         0);
        ck_assert_int_eq(metrics_new(meter_table, _METER_MAX, &lw.metrics), 0);
        for (unsigned i = 0; i < ACCOUNTS; i++) {
                struct httpc *h = lw.wires[i] = calloc(1, sizeof(*h));
                ck_assert_ptr_nonnull(h);
                list_init(&h->calls);
                h->turn.run = turn;
        }
        const struct orchestrator_options o = {
                .loop = lw.loop,
                .store = lw.store,
                .metrics = lw.metrics,
                .accounts = lw.accounts,
                .n_accounts = ACCOUNTS,
                .transports = lw.wires,
                .vault = lw.vault,
                .instruments = lw.market->instruments,
                .calendar = lw.market->calendar,
                .state_dir = lw.dir,
                .version = "0",
                .order_deadline_us = 10 * USEC_PER_SEC,
                .idempotency_ttl_us = 86400 * USEC_PER_SEC,
                .audit_segment_bytes = 1 << 20,
                .audit_retention_days = 30,
                .render = render,
        };
        int r = orchestrator_new(&o, error, &lw.o);
        ck_assert_msg(r == 0, "%s", error);
        subscription = (struct subscription){.after_id = -1, .event = on_event};
        event_subscribe(lw.o, &subscription);
        orchestrator_start(lw.o);
        sweep_stop(lw.o);
        login_rest();
}

void login_world_sleep(void)
{
        for (unsigned i = 0; i < ACCOUNTS; i++)
                lw.wires[i] = httpc_free(lw.wires[i]);
        lw.store = store_close(lw.store);
        lw.o = orchestrator_free(lw.o);
        lw.metrics = metrics_free(lw.metrics);
        lw.loop = loop_free(lw.loop);
        list_init(&held);
}

static void add_account(unsigned i)
{
        struct account *a = &lw.accounts[i];

        text_copy(a->broker, sizeof(a->broker), brokers[i].slug);
        text_copy(a->name, sizeof(a->name), "a");
        snprintf(a->id, sizeof(a->id), "%s:a", brokers[i].slug);
        a->access.client_id = (char *)"AB1234";
        a->access.redirect_uri = (char *)"http://127.0.0.1/api/v1/auth/callback/state/a";
        a->access.api_secret = secret_new("api-secret-1", 12);
        if (i == TOTP)
                a->access.totp_secret = secret_new("JBSW Y3DP EHPK 3PXP", 19);
}

void login_world_open(void)
{
        static const uint8_t key[VAULT_KEY_SIZE] = {1};
        struct secret *secret = secret_new(key, sizeof(key));
        int64_t now;

        lw = (struct login_world){};
        n_orders = n_seen = n_asks = 0;
        holding[0] = '\0';
        log_set_level(-1);
        ck_assert_int_eq(clock_parse("2026-11-23T08:00:00+05:30", 25, &now), 0);
        clock_fake(now, 1000 * USEC_PER_SEC);
        text_copy(lw.dir, sizeof(lw.dir), "/tmp/ordo-login-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(lw.dir));
        ck_assert_int_eq(vault_new(secret, &lw.vault), 0);
        secret_free(secret);
        lw.fake = fake_store_new();
        char fault[MARKET_FAULT_SIZE];
        ck_assert_msg(market_load(MARKET, 20261123, fault, &lw.market) == 0, "%s", fault);
        for (unsigned i = 0; i < ACCOUNTS; i++)
                add_account(i);
        login_world_wake();
        (void)told();
}

static int remove_one(const char *path, const struct stat *s, int flag, struct FTW *f)
{
        return remove(path);
}

void login_world_close(void)
{
        login_world_sleep();
        lw.fake = fake_store_free(lw.fake);
        lw.vault = vault_free(lw.vault);
        lw.market = market_free(lw.market);
        for (unsigned i = 0; i < ACCOUNTS; i++) {
                secret_free(lw.accounts[i].access.api_secret);
                secret_free(lw.accounts[i].access.totp_secret);
                secret_free(lw.accounts[i].access.password);
        }
        text_done(&events);
        (void)nftw(lw.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        clock_real();
}

static struct loop_timer tick;
static unsigned quiet, ticks;
static uint64_t turn_seen;

static void on_tick(struct loop_timer *t)
{
        struct store_stats s;

        store_stats(lw.store, &s);
        unsigned busy = s.queued;
        for (unsigned i = 0; i < ACCOUNTS; i++)
                busy += lw.wires[i]->running;
        /* On a slow machine several ticks come in one turn, and what is deferred has none. */
        if (busy > 0)
                quiet = 0;
        else if (loop_turns(lw.loop) != turn_seen)
                quiet++;
        turn_seen = loop_turns(lw.loop);
        ck_assert_uint_lt(++ticks, TICKS_MAX);
        if (quiet >= 3)
                loop_stop(lw.loop);
        else
                (void)loop_timer_set(lw.loop, t, REST_TICK_US);
}

void login_rest(void)
{
        quiet = ticks = 0;
        tick.fire = on_tick;
        (void)loop_timer_set(lw.loop, &tick, 0);
        ck_assert_int_eq(loop_run(lw.loop, NULL, NULL), 0);
        loop_timer_done(&tick);
        tick = (struct loop_timer){};
}

struct account_state *login_account(unsigned i)
{
        return &lw.o->accounts[i];
}

/* --- requests --- */

static void on_done(struct session_request *r)
{
        struct ask *a = r->userdata;

        ck_assert(!a->done);
        a->done = true;
        text_copy(a->url, sizeof(a->url), r->login_url ? r->login_url : "");
}

static struct ask *ask_new(enum session_verb verb, unsigned account)
{
        ck_assert_uint_lt(n_asks, ELEMENTS(asks));
        struct ask *a = &asks[n_asks++];
        *a = (struct ask){.r = {.verb = verb,
                                .caller = {.key_name = "tester", .correlation_id = "c-1"},
                                .account = lw.accounts[account].id,
                                .done = on_done,
                                .userdata = a}};
        return a;
}

static struct ask *act(struct ask *a)
{
        session_act(lw.o, &a->r);
        ck_assert(!a->done);
        login_rest();
        return a;
}

struct ask *ask_begin(enum session_verb verb, unsigned account)
{
        struct ask *a = ask_new(verb, account);
        session_act(lw.o, &a->r);
        return a;
}

struct ask *log_in(unsigned account)
{
        return act(ask_new(SESSION_LOGIN, account));
}

struct ask *log_out(unsigned account)
{
        return act(ask_new(SESSION_LOGOUT, account));
}

struct ask *complete_otp(unsigned account, const char *id, const char *code)
{
        struct ask *a = ask_new(SESSION_COMPLETE, account);
        struct secret *s = secret_new(code, strlen(code));
        a->r.pending_login_id = id;
        a->r.otp = s;
        act(a);
        secret_free(s);
        a->r.otp = NULL;
        return a;
}

struct ask *complete_url(unsigned account, const char *id, const char *url)
{
        struct ask *a = ask_new(SESSION_COMPLETE, account);
        a->r.pending_login_id = id;
        a->r.redirect_url = url;
        return act(a);
}

struct ask *complete_code(unsigned account, const char *code, const char *state)
{
        struct ask *a = ask_new(SESSION_COMPLETE, account);
        a->r.auth_code = code;
        a->r.state = state;
        return act(a);
}

const char *state_of(const struct ask *a)
{
        static char state[64];
        const char *p = strstr(a->url, "state=");

        ck_assert_ptr_nonnull(p);
        text_copy_bytes(state, sizeof(state), p + 6, strcspn(p + 6, "&"));
        return state;
}

enum session_state shown_state(unsigned account)
{
        struct session_view v;
        ck_assert(session_view(lw.o, lw.accounts[account].id, &v));
        return v.state;
}

static enum outcome read_outcome;

static void on_read(struct call *c)
{
        read_outcome = c->result.outcome;
}

enum outcome read_funds(unsigned account)
{
        struct call c = {.account = login_account(account),
                         .broker.op = BROKER_FUNDS,
                         .passes_halt = true,
                         .done = on_read};
        call_start(&c);
        login_rest();
        call_clear(&c);
        return read_outcome;
}
