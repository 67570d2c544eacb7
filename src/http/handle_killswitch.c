#include <string.h>

#include "http/exchange.h"
#include "http/handlers.h"
#include "http/reader.h"
#include "http/render.h"

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
        k->caller = x->caller;
        k->level = (enum kill_level)level;
        k->done = on_set;
        k->userdata = x;
        exchange_begin(x);
        killswitch_set(exchange_orchestrator(x), k);
}
