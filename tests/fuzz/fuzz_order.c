#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/json.h"
#include "http/parse_order.h"

/* The bodies of POST, PATCH, resolve and cancel: what is taken is within every limit, and what an
 * order says, written again, is read as the same order. */

/* The two accounts of a daemon, in place of a whole orchestrator. */
static const struct account accounts[] = {
        {.id = "paper:demo", .broker = "paper", .name = "demo"},
        {.id = "paper:second", .broker = "paper", .name = "second"},
};

bool caller_may_use(const struct caller *c, const char *account)
{
        return !c->accounts || strcmp(account, c->accounts[0]) == 0;
}

const struct account *orchestrator_account(const struct orchestrator *o, const char *id)
{
        for (size_t i = 0; i < ELEMENTS(accounts); i++)
                if (strcmp(accounts[i].id, id) == 0)
                        return &accounts[i];
        return NULL;
}

unsigned orchestrator_accounts(const struct orchestrator *o, const struct account **ret_first)
{
        *ret_first = accounts;
        return ELEMENTS(accounts);
}

static const char *const limited[] = {"paper:second", NULL};
static const struct caller callers[] = {{.key_name = "all"},
                                        {.key_name = "limited", .accounts = limited}};

static void check_faults(enum problem p, const struct faults *f)
{
        assert((p != PROBLEM_NONE) == faults_any(f));
        assert(f->n <= FAULTS_MAX);
        for (unsigned i = 0; i < f->n; i++) {
                assert(memchr(f->list[i].pointer, '\0', FAULT_POINTER_SIZE));
                assert(memchr(f->list[i].detail, '\0', FAULT_DETAIL_SIZE));
                assert(*f->list[i].detail);
                assert(!*f->list[i].pointer || f->list[i].pointer[0] == '/');
        }
}

static void check_order(const struct order *o, const struct caller *c)
{
        bool limit = o->type == ORDER_TYPE_LIMIT || o->type == ORDER_TYPE_STOP_LIMIT;
        bool stop = o->type == ORDER_TYPE_STOP || o->type == ORDER_TYPE_STOP_LIMIT;

        assert(*o->symbol && memchr(o->symbol, '\0', sizeof(o->symbol)));
        assert(memchr(o->client_order_id, '\0', sizeof(o->client_order_id)));
        assert(o->quantity >= 1 && o->quantity <= QUANTITY_MAX);
        assert(o->disclosed_quantity >= 0 && o->disclosed_quantity <= o->quantity);
        assert(limit ? o->price > 0 && o->price <= DECIMAL_MAX : o->price == 0);
        assert(stop ? o->trigger_price > 0 && o->trigger_price <= DECIMAL_MAX
                    : o->trigger_price == 0);
        assert(o->n_legs >= 1 && o->n_legs <= TARGETS_MAX);
        for (unsigned i = 0; i < o->n_legs; i++) {
                assert(orchestrator_account(NULL, o->legs[i].account));
                assert(caller_may_use(c, o->legs[i].account));
                assert(o->legs[i].multiplier > 0 && o->legs[i].multiplier <= MULTIPLIER_MAX);
                for (unsigned k = 0; k < i; k++)
                        assert(strcmp(o->legs[i].account, o->legs[k].account) != 0);
        }
}

static void write_price(struct json_writer *w, const char *name, int64_t value)
{
        if (value)
                json_put_decimal(w, name, value);
}

static void write_order(const struct order *o, struct text *t)
{
        struct json_writer w = JSON_WRITER(t);
        char policy[MARKET_POLICY_TEXT_SIZE];

        json_object_begin(&w, NULL);
        json_put_string(&w, "symbol", o->symbol);
        json_put_string(&w, "side", side_name(o->side));
        json_put_string(&w, "type", order_type_name(o->type));
        json_put_string(&w, "product", product_name(o->product));
        json_put_string(&w, "validity", validity_name(o->validity));
        json_put_int(&w, "quantity", o->quantity);
        write_price(&w, "price", o->price);
        write_price(&w, "trigger_price", o->trigger_price);
        if (o->disclosed_quantity)
                json_put_int(&w, "disclosed_quantity", o->disclosed_quantity);
        json_put_bool(&w, "reduce_only", o->reduce_only);
        if (*o->client_order_id)
                json_put_string(&w, "client_order_id", o->client_order_id);
        if (o->market_policy_given)
                json_put_string(&w, "market_policy",
                                market_policy_print(&o->market_policy, policy, sizeof(policy)));
        json_array_begin(&w, "targets");
        for (unsigned i = 0; i < o->n_legs; i++) {
                json_object_begin(&w, NULL);
                json_put_string(&w, "account", o->legs[i].account);
                json_put_decimal(&w, "multiplier", o->legs[i].multiplier);
                json_object_finish(&w);
        }
        json_array_finish(&w);
        json_object_finish(&w);
}

static void place_again(const struct order *o, const struct caller *c)
{
        uint8_t first[FINGERPRINT_SIZE], second[FINGERPRINT_SIZE];
        struct json_object *root = NULL;
        struct text t = TEXT_NULL;
        struct order *again = NULL;
        struct json_fault fault;
        struct faults f = {};

        write_order(o, &t);
        assert(!t.failed && json_parse(text_str(&t), t.len, NULL, &root, &fault) == 0);
        assert(parse_order(root, NULL, c, &f, &again) == PROBLEM_NONE);
        order_fingerprint(o, first);
        order_fingerprint(again, second);
        assert(memcmp(first, second, sizeof(first)) == 0);
        order_free(again);
        json_object_put(root);
        text_done(&t);
}

static void place(struct json_object *root, const struct caller *c)
{
        struct faults f = {};
        struct order *order = NULL;
        enum problem p = parse_order(root, NULL, c, &f, &order);

        check_faults(p, &f);
        assert((p == PROBLEM_NONE) == (order != NULL));
        if (!order)
                return;
        check_order(order, c);
        place_again(order, c);
        order_free(order);
}

static void others(struct json_object *root, const struct caller *c)
{
        const char *named[ACCOUNTS_MAX + 1];
        struct cancel_many_request many = {};
        struct amend_request amend = {};
        struct order_change change;
        struct faults f = {};
        bool good = parse_change(root, &change, &f);

        check_faults(good ? PROBLEM_NONE : PROBLEM_INVALID_REQUEST, &f);
        if (good)
                assert(change.has_quantity || change.has_price || change.has_trigger_price ||
                       change.has_type || change.has_validity);
        f = (struct faults){};
        good = parse_resolution(root, &amend, &f);
        check_faults(good ? PROBLEM_NONE : PROBLEM_INVALID_REQUEST, &f);
        if (good)
                assert(*amend.reason &&
                       (amend.outcome == OUTCOME_ACCEPTED) == !!amend.broker_order_id);
        f = (struct faults){};
        check_faults(parse_cancel_many(root, NULL, c, named, &many, &f), &f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct json_object *root = NULL;
        struct json_fault fault;

        if (json_parse((const char *)data, size, NULL, &root, &fault) != 0)
                return 0;
        for (size_t i = 0; i < ELEMENTS(callers); i++) {
                place(root, &callers[i]);
                others(root, &callers[i]);
        }
        json_object_put(root);
        return 0;
}
