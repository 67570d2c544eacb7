#include <string.h>

#include "http/exchange.h"
#include "http/handlers.h"
#include "http/reader.h"
#include "http/render.h"
#include "orchestrator/dead_man.h"

READER_WORDS(kill_level, KILL_LEVEL)

static void answer_killswitch(struct http_exchange *x)
{
        struct json_writer w = JSON_WRITER(&x->out);

        render_killswitch(&w, exchange_orchestrator(x), &x->caller);
        exchange_answer(x, 200, MIME_JSON);
}

void handle_killswitch(struct http_exchange *x)
{
        answer_killswitch(x);
}

static void answer_dead_man(struct http_exchange *x, const char *key_name)
{
        struct json_writer w = JSON_WRITER(&x->out);
        struct dead_man_view d;

        json_object_begin(&w, NULL);
        bool armed = dead_man_look(exchange_orchestrator(x), key_name, 0, &d);
        json_put_bool(&w, "armed", armed);
        if (armed)
                render_dead_man(&w, &d);
        json_object_finish(&w);
        exchange_answer(x, 200, MIME_JSON);
}

/* That the key was heard is noted with every request. */
void handle_heartbeat(struct http_exchange *x)
{
        answer_dead_man(x, x->caller.key_name);
}

void handle_disarm(struct http_exchange *x)
{
        const char *name = query_get(&x->query, "key");

        if (name && !x->caller.admin && strcmp(name, x->caller.key_name) != 0) {
                exchange_problem(x, PROBLEM_FORBIDDEN,
                                 "Only an admin key disarms the timer of another key.");
                return;
        }
        name = name ? name : x->caller.key_name;
        (void)dead_man_disarm(exchange_orchestrator(x), name);
        answer_dead_man(x, name);
}

static void on_set(struct kill_request *r)
{
        struct http_exchange *x = r->userdata;

        if (!exchange_end(x))
                return;
        if (r->problem == PROBLEM_NONE)
                answer_killswitch(x);
        else
                exchange_problem(x, r->problem,
                                 r->problem == PROBLEM_STORE_UNAVAILABLE
                                         ? "The level is in force and kept in the marker file, but "
                                           "not yet in the ledger."
                                         : NULL);
}

void handle_killswitch_set(struct http_exchange *x)
{
        static const char *const names[] = {"level", "scope", "reason", NULL};
        struct kill_request *k = &x->u.kill;
        struct reader r;
        int level = 0;

        if (!exchange_json(x))
                return;
        k->scope = "global";
        if (reader_open(&r, x->json, "", names, &x->faults)) {
                reader_word(&r, "level", REQUIRED, kill_level_from, reader_kill_level, &level);
                reader_string(&r, "reason", REQUIRED, MESSAGE_SIZE - 1, &k->reason);
                if (reader_string(&r, "scope", OPTIONAL, KILL_SCOPE_SIZE - 1, &k->scope) &&
                    !killswitch_scope_valid(exchange_orchestrator(x), k->scope))
                        reader_fault(&r, "scope",
                                     "must be global, broker:NAME or account:BROKER:NAME of this "
                                     "daemon");
        }
        if (faults_any(&x->faults)) {
                exchange_faults(x, PROBLEM_INVALID_REQUEST);
                return;
        }
        if (!killswitch_scope_allowed(exchange_orchestrator(x), k->scope, &x->caller)) {
                exchange_problem(
                        x, PROBLEM_ACCOUNT_FORBIDDEN,
                        "The scope covers accounts that this key may not use; name each of "
                        "its own: \"scope\": \"account:BROKER:NAME\". Nothing was changed.");
                return;
        }
        k->caller = x->caller;
        k->level = (enum kill_level)level;
        k->done = on_set;
        k->userdata = x;
        exchange_begin(x);
        killswitch_set(exchange_orchestrator(x), k);
}
