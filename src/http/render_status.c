#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "http/key_limit.h"
#include "http/render.h"
#include "orchestrator/dead_man.h"
#include "orchestrator/quota.h"

void render_session(struct json_writer *w, const char *key, const struct session_view *s)
{
        json_object_begin(w, key);
        json_put_string(w, "account", s->account);
        json_put_string(w, "state", session_state_name(s->state));
        json_put_time(w, "since", s->since_us);
        json_put_time(w, "expires_at", s->expires_us);
        json_put_time(w, "last_login_at", s->last_login_us);
        json_put_string(w, "login_method", s->login_method);
        json_put_time(w, "login_expires_at", s->login_expires_us);
        json_object_finish(w);
}

/* What is left of a limit: null where there is none. */
static void render_left(struct json_writer *w, const char *key, int64_t left)
{
        if (left < 0)
                json_put_null(w, key);
        else
                json_put_int(w, key, left);
}

static void render_amount_left(struct json_writer *w, const char *key, int64_t left)
{
        if (left < 0)
                json_put_null(w, key);
        else
                json_put_decimal(w, key, left);
}

static void render_account_status(struct json_writer *w, const struct account_status *a)
{
        json_object_begin(w, NULL);
        json_put_string(w, "account", a->account->id);
        json_put_bool(w, "ready", a->ready);
        render_word(w, "owner", a->owner);
        json_put_string(w, "session", session_state_name(a->session.state));
        json_put_time(w, "session_expires_at", a->session.expires_us);
        json_put_time(w, "last_login_at", a->session.last_login_us);
        json_put_time(w, "last_call_at", a->last_call_us);
        render_word(w, "last_error", a->last_error);
        json_put_string(w, "breaker", breaker_state_name(a->breaker));
        json_put_string(w, "breaker_reads", breaker_state_name(a->breaker_reads));
        json_put_int(w, "waiting_orders", a->waiting_orders);
        json_put_int(w, "waiting_cancels", a->waiting_cancels);
        json_put_int(w, "rate_pause_seconds", (a->rate_pause_us + USEC_PER_SEC - 1) / USEC_PER_SEC);
        json_put_string(w, "kill_switch", kill_level_name(a->kill_level));
        render_word(w, "tripped", a->tripped ? problem_code(a->tripped) : "");
        json_put_time(w, "tripped_until", a->tripped_until_us);
        if (a->day_pnl_known)
                json_put_decimal(w, "day_pnl", a->day_pnl);
        else
                json_put_null(w, "day_pnl");
        json_put_int(w, "open_legs", a->open_legs);
        json_put_int(w, "unresolved_legs", a->unresolved_legs);
        json_put_int(w, "needs_operator", a->needs_operator);
        json_put_string(w, "tag_echo", a->tag_echo);
        json_put_time(w, "book_as_of", a->book_as_of_us);
        render_word(w, "book_error", a->book_error);
        json_put_int(w, "external_orders", a->external_orders);
        json_put_int(w, "late_orders", a->late_orders);
        json_put_int(w, "twin_orders", a->twin_orders);
        json_object_begin(w, "left");
        render_left(w, "orders_second", a->orders_left_second);
        render_left(w, "orders_minute", a->orders_left_minute);
        render_left(w, "orders_day", a->orders_left_day);
        render_amount_left(w, "value_day", a->value_left_day);
        render_amount_left(w, "loss_day", a->loss_left_day);
        json_object_finish(w);
        json_object_finish(w);
}

static void render_master(struct json_writer *w, const struct master_view *m)
{
        json_object_begin(w, NULL);
        json_put_string(w, "broker", m->broker);
        json_put_string(w, "state", m->state);
        json_put_int(w, "instruments", m->rows);
        json_put_time(w, "as_of", m->as_of_us);
        json_put_time(w, "next_at", m->next_us);
        render_word(w, "last_error", m->last_error);
        json_object_finish(w);
}

static void render_instance(struct json_writer *w, const struct instance *i)
{
        json_object_begin(w, NULL);
        json_put_string(w, "id", i->id);
        json_put_bool(w, "self", i->self);
        json_put_string(w, "host", i->host);
        json_put_int(w, "pid", i->pid);
        json_put_time(w, "started_at", i->started_us);
        json_put_time(w, "seen_at", i->seen_us);
        json_put_bool(w, "may_send", !i->barred);
        json_object_finish(w);
}

static bool may_see(const struct status *s, const struct caller *c, const char *broker)
{
        for (unsigned i = 0; i < s->n_accounts; i++)
                if (strcmp(s->accounts[i].account->broker, broker) == 0 &&
                    caller_may_use(c, s->accounts[i].account->id))
                        return true;
        return false;
}

void render_dead_man(struct json_writer *w, const struct dead_man_view *d)
{
        json_put_string(w, "key", d->key_name);
        json_put_string(w, "level", kill_level_name(d->level));
        json_put_int(w, "after_s", d->after_s);
        json_put_time(w, "armed_at", d->armed_us);
        json_put_time(w, "heard_at", d->heard_us);
        json_put_time(w, "fires_at", d->fires_us);
}

/* Of nobody for NULL: whoever has no key reads no names of keys. */
static void render_dead_men(struct json_writer *w, const struct orchestrator *o)
{
        struct dead_man_view d;

        json_array_begin(w, "dead_men");
        for (unsigned i = 0; o && dead_man_look(o, NULL, i, &d); i++) {
                json_object_begin(w, NULL);
                render_dead_man(w, &d);
                json_object_finish(w);
        }
        json_array_finish(w);
}

static void render_amount_limit(struct json_writer *w, const char *key, int64_t value)
{
        if (value > 0)
                json_put_decimal(w, key, value);
        else
                json_put_null(w, key);
}

static void render_count_limit(struct json_writer *w, const char *key, int64_t value)
{
        if (value > 0)
                json_put_int(w, key, value);
        else
                json_put_null(w, key);
}

/* Those that a key may have, too; key_limit.c names them. */
static void render_shared_limits(struct json_writer *w, const struct account_limits *l)
{
        for (size_t i = 0; i < KEY_LIMITS; i++) {
                const struct key_limit *k = &key_limits[i];
                int64_t value = key_limit_value(k, l);
                if (k->decimal)
                        render_amount_limit(w, k->name, value);
                else
                        render_count_limit(w, k->name, value);
        }
}

/* The caller's own, and nobody else's. */
static void render_key(struct json_writer *w, const struct orchestrator *o, const struct caller *c)
{
        struct quota_view q;

        if (!c->key_name || !quota_look(o, c->key_name, &q)) {
                json_put_null(w, "key");
                return;
        }
        json_object_begin(w, "key");
        json_put_string(w, "name", c->key_name);
        json_object_begin(w, "limits");
        render_shared_limits(w, &q.set);
        json_object_finish(w);
        json_object_begin(w, "left");
        render_left(w, "orders_second", q.second_left);
        render_left(w, "orders_minute", q.minute_left);
        render_left(w, "orders_day", q.day_left);
        render_amount_left(w, "value_day", q.value_left);
        render_left(w, "open_orders", q.open_left);
        json_object_finish(w);
        json_object_finish(w);
}

void render_status(struct json_writer *w, const struct status *s, const struct orchestrator *o,
                   const struct caller *c)
{
        json_object_begin(w, NULL);
        json_put_string(w, "status", s->overall);
        json_put_string(w, "version", s->version);
        json_put_time(w, "started_at", s->started_us);
        json_put_int(w, "uptime_s", s->uptime_us / USEC_PER_SEC);
        json_put_bool(w, "draining", s->draining);
        json_put_int(w, "in_flight", s->in_flight);
        json_put_int(w, "last_event_id", s->last_event_id);
        json_object_begin(w, "store");
        json_put_string(w, "driver", s->store_driver);
        json_put_string(w, "vault_key", s->vault_key);
        json_put_int(w, "schema", s->store_schema);
        json_put_string(w, "state", s->store_state);
        render_word(w, "error", s->store_error);
        json_object_finish(w);
        render_word(w, "instance", s->instance);
        json_array_begin(w, "instances");
        for (unsigned i = 0; i < s->n_instances; i++)
                render_instance(w, &s->instances[i]);
        json_array_finish(w);
        json_array_begin(w, "accounts");
        for (unsigned i = 0; i < s->n_accounts; i++)
                if (caller_may_use(c, s->accounts[i].account->id))
                        render_account_status(w, &s->accounts[i]);
        json_array_finish(w);
        json_array_begin(w, "masters");
        for (unsigned i = 0; i < s->n_masters; i++)
                if (may_see(s, c, s->masters[i].broker))
                        render_master(w, &s->masters[i]);
        json_array_finish(w);
        render_dead_men(w, c->key_name ? o : NULL);
        render_key(w, o, c);
        json_object_finish(w);
}

static void render_states(struct json_writer *w, const unsigned states[static _KILL_STATE_MAX])
{
        json_object_begin(w, "progress");
        for (int i = 0; i < _KILL_STATE_MAX; i++)
                json_put_int(w, kill_state_name((enum kill_state)i), states[i]);
        json_object_finish(w);
}

static void render_kill_task(struct json_writer *w, const struct kill_task *t)
{
        bool order = t->kind == KILL_KIND_ORDER, account = t->kind == KILL_KIND_ACCOUNT;
        json_object_begin(w, NULL);
        json_put_string(w, "kind", kill_kind_name(t->kind));
        json_put_string(w, "account", t->account);
        json_put_string(w, "state", kill_state_name(t->state));
        json_put_string(w, "blocked", t->blocked ? kill_block_name(t->blocked) : NULL);
        json_put_string(w, "message", t->message[0] ? t->message : NULL);
        json_put_string(w, "order_id", t->order_id[0] ? t->order_id : NULL);
        if (order)
                json_put_int(w, "leg", t->leg);
        else
                json_put_null(w, "leg");
        json_put_string(w, "broker_order_id", t->broker_order_id[0] ? t->broker_order_id : NULL);
        json_put_string(w, "symbol", account ? NULL : t->symbol);
        json_put_string(w, "side", t->tries || order ? side_name(t->side) : NULL);
        json_put_string(w, "product", account ? NULL : product_name(t->product));
        json_put_int(w, "quantity", t->quantity);
        json_put_int(w, "filled_quantity", t->filled_quantity);
        json_put_int(w, "tries", t->tries);
        json_put_time(w, "updated_at", t->updated_us);
        json_object_finish(w);
}

static void render_kill_tasks(struct json_writer *w, const struct orchestrator *o,
                              const struct caller *caller)
{
        const struct kill_task *tasks[KILL_TASKS_SHOWN];
        unsigned total, n = killswitch_tasks(o, caller, tasks, &total);

        json_array_begin(w, "tasks");
        for (unsigned i = 0; i < n; i++)
                render_kill_task(w, tasks[i]);
        json_array_finish(w);
        json_put_int(w, "tasks_total", total);
}

/* Of an account that the caller may not use nothing is told. */
static bool concerns(const struct kill_entry *e, const struct caller *c)
{
        const char *account = killswitch_scope_account(e->scope);

        return !account || caller_may_use(c, account);
}

void render_killswitch(struct json_writer *w, const struct orchestrator *o,
                       const struct caller *caller)
{
        const struct kill_entry *entries;
        unsigned n = killswitch_list(o, &entries);

        json_object_begin(w, NULL);
        json_put_string(w, "level", kill_level_name(killswitch_level(o, NULL)));
        json_array_begin(w, "entries");
        for (unsigned i = 0; i < n; i++) {
                if (!concerns(&entries[i], caller))
                        continue;
                json_object_begin(w, NULL);
                json_put_string(w, "scope", entries[i].scope);
                json_put_string(w, "level", kill_level_name(entries[i].level));
                json_put_string(w, "reason", entries[i].reason);
                json_put_string(w, "actor", entries[i].actor);
                json_put_time(w, "at", entries[i].at_us);
                json_put_bool(w, "closing", entries[i].closing);
                json_put_int(w, "open_legs", entries[i].open_legs);
                json_put_int(w, "positions", entries[i].positions);
                json_put_int(w, "external_orders", entries[i].external);
                render_states(w, entries[i].states);
                json_object_finish(w);
        }
        json_array_finish(w);
        render_kill_tasks(w, o, caller);
        render_dead_men(w, o);
        json_object_finish(w);
}

static void render_words(struct json_writer *w, const char *key, unsigned bits, unsigned max,
                         const char *(*name)(unsigned i))
{
        json_array_begin(w, key);
        for (unsigned i = 0; i < max; i++)
                if (bits & (1U << i))
                        json_put_string(w, NULL, name(i));
        json_array_finish(w);
}

static const char *type_word(unsigned i)
{
        return order_type_name((enum order_type)i);
}

static const char *product_word(unsigned i)
{
        return product_name((enum product)i);
}

static const char *validity_word(unsigned i)
{
        return validity_name((enum validity)i);
}

static void render_limits(struct json_writer *w, const struct account_limits *l)
{
        json_object_begin(w, "limits");
        render_shared_limits(w, l);
        render_amount_limit(w, "max_daily_loss", l->max_daily_loss);
        render_count_limit(w, "max_modifications", l->max_modifications);
        render_count_limit(w, "max_orders_per_trade", l->max_orders_per_trade);
        render_count_limit(w, "reject_storm", l->storm_rejections);
        json_object_finish(w);
}

void render_account(struct json_writer *w, const struct account *a)
{
        static const char *const logins[] = {[BROKER_LOGIN_NONE] = "none",
                                             [BROKER_LOGIN_REDIRECT] = "redirect",
                                             [BROKER_LOGIN_OTP] = "otp",
                                             [BROKER_LOGIN_TOTP] = "totp"};
        const struct broker *b = broker_find(a->broker);
        char policy[MARKET_POLICY_TEXT_SIZE];

        json_object_begin(w, NULL);
        json_put_string(w, "account", a->id);
        json_put_string(w, "broker", a->broker);
        json_put_string(w, "broker_title", b ? b->title : a->broker);
        json_put_bool(w, "paper", a->paper);
        json_put_string(w, "login",
                        b ? logins[b->n_logins ? b->logins[0].method : BROKER_LOGIN_NONE] : NULL);
        json_put_bool(w, "can_modify", b && b->flags & BROKER_CAN_MODIFY);
        json_put_string(w, "market_policy",
                        market_policy_print(&a->market_policy, policy, sizeof(policy)));
        json_put_bool(w, "enforces_session_hours", a->enforce_session_hours);
        json_put_string(w, "self_cross", a->self_cross_pass ? "pass" : "refuse");
        render_word(w, "owner", a->owner ? a->owner : "");
        render_limits(w, &a->limits);
        json_array_begin(w, "capabilities");
        for (unsigned i = 0; b && i < b->n_capabilities; i++) {
                const struct broker_capability *c = &b->capabilities[i];
                json_object_begin(w, NULL);
                json_put_string(w, "exchange", exchange_name(c->exchange));
                render_words(w, "types", c->types, _ORDER_TYPE_MAX, type_word);
                render_words(w, "products", c->products, _PRODUCT_MAX, product_word);
                render_words(w, "validities", c->validities, _VALIDITY_MAX, validity_word);
                json_put_bool(w, "disclosed_quantity", c->disclosed);
                json_object_finish(w);
        }
        json_array_finish(w);
        json_object_finish(w);
}
