#include "http/parse_order.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "http/reader.h"

#define CLIENT_ORDER_ID_CHARACTERS \
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

READER_WORDS(side, SIDE)
READER_WORDS(order_type, ORDER_TYPE)
READER_WORDS(product, PRODUCT)
READER_WORDS(validity, VALIDITY)

/* An account that may be used and exists, or what is wrong with it (`at` is its pointer). */
static enum problem take_account(const struct orchestrator *o, const struct caller *c,
                                 const char *s, size_t n, const char *at, struct faults *f,
                                 const struct account **ret)
{
        char id[ACCOUNT_SIZE];

        if (account_id_parse(s, n, id) < 0) {
                faults_add(f, at, "must be an account like paper:demo");
                return PROBLEM_INVALID_REQUEST;
        }
        if (!caller_may_use(c, id)) {
                faults_add(f, at, "is an account that this key may not use");
                return PROBLEM_ACCOUNT_FORBIDDEN;
        }
        *ret = orchestrator_account(o, id);
        if (*ret)
                return PROBLEM_NONE;
        faults_add(f, at, "is an account that does not exist");
        return PROBLEM_ACCOUNT_NOT_FOUND;
}

/* Of several problems the one that is answered: syntax before permission before existence. */
static enum problem graver(enum problem a, enum problem b)
{
        static const enum problem ranks[] = {PROBLEM_INVALID_REQUEST, PROBLEM_ACCOUNT_FORBIDDEN,
                                             PROBLEM_ACCOUNT_NOT_FOUND};

        for (size_t i = 0; i < ELEMENTS(ranks); i++)
                if (a == ranks[i] || b == ranks[i])
                        return ranks[i];
        return PROBLEM_NONE;
}

static enum problem take_target(struct json_object *value, const char *at,
                                const struct orchestrator *o, const struct caller *c,
                                struct faults *f, struct order *order, unsigned n)
{
        static const char *const names[] = {"account", "multiplier", NULL};
        char pointer[FAULT_POINTER_SIZE];
        const struct account *account = NULL;
        struct leg *leg = &order->legs[n];
        const char *id;
        struct reader r;

        text_copy(pointer, sizeof(pointer), at);
        if (json_object_is_type(value, json_type_string)) {
                id = json_object_get_string(value);
        } else if (json_object_is_type(value, json_type_object)) {
                unsigned before = faults_count(f);
                reader_open(&r, value, at, names, f);
                faults_pointer(pointer, at, "account");
                reader_decimal(&r, "multiplier", OPTIONAL, MULTIPLIER_MAX, &leg->multiplier);
                if (!reader_string(&r, "account", REQUIRED, ACCOUNT_SIZE - 1, &id) ||
                    faults_count(f) > before)
                        return PROBLEM_INVALID_REQUEST;
        } else {
                faults_add(f, at, "must be an account or an object with account and multiplier");
                return PROBLEM_INVALID_REQUEST;
        }
        enum problem p = take_account(o, c, id, strlen(id), pointer, f, &account);
        if (p != PROBLEM_NONE)
                return p;
        for (unsigned i = 0; i < n; i++)
                if (strcmp(order->legs[i].account, account->id) == 0) {
                        faults_add(f, pointer, "is named before");
                        return PROBLEM_INVALID_REQUEST;
                }
        text_copy(leg->account, sizeof(leg->account), account->id);
        return PROBLEM_NONE;
}

/* Without targets the daemon's only account is meant. */
static enum problem only_account(struct reader *r, const struct orchestrator *o,
                                 const struct caller *c, struct order **ret)
{
        const struct account *first;

        if (orchestrator_accounts(o, &first) != 1) {
                reader_fault(r, "targets", "is required: there is more than one account");
                return PROBLEM_INVALID_REQUEST;
        }
        if (!caller_may_use(c, first->id)) {
                reader_fault(r, "targets", "would be the only account, which this key may not use");
                return PROBLEM_ACCOUNT_FORBIDDEN;
        }
        if (order_new(1, ret) < 0)
                return PROBLEM_OVERLOADED;
        text_copy((*ret)->legs[0].account, ACCOUNT_SIZE, first->id);
        return PROBLEM_NONE;
}

static enum problem take_targets(struct reader *r, const struct orchestrator *o,
                                 const struct caller *c, struct order **ret)
{
        struct json_object *list = NULL;
        enum problem worst = PROBLEM_NONE;
        char at[32];

        if (!reader_has(r, "targets"))
                return only_account(r, o, c, ret);
        json_object_object_get_ex(r->object, "targets", &list);
        if (!json_object_is_type(list, json_type_array)) {
                reader_fault(r, "targets", "must be a list of accounts");
                return PROBLEM_INVALID_REQUEST;
        }
        size_t n = json_object_array_length(list);
        if (n == 0 || n > TARGETS_MAX) {
                char pointer[FAULT_POINTER_SIZE];
                faults_pointer(pointer, r->at, "targets");
                faults_add(r->faults, pointer, "must name 1 to %d accounts", TARGETS_MAX);
                return PROBLEM_INVALID_REQUEST;
        }
        if (order_new((unsigned)n, ret) < 0)
                return PROBLEM_OVERLOADED;
        for (unsigned i = 0; i < n; i++) {
                snprintf(at, sizeof(at), "/targets/%u", i);
                worst = graver(worst, take_target(json_object_array_get_idx(list, i), at, o, c,
                                                  r->faults, *ret, i));
        }
        return worst;
}

static void take_symbol(struct reader *r, struct order *order)
{
        enum exchange exchange;
        const char *s;

        if (!reader_string(r, "symbol", REQUIRED, SYMBOL_SIZE - 1, &s))
                return;
        if (symbol_parse(s, strlen(s), order->symbol, &exchange) < 0)
                reader_fault(r, "symbol", "must be EXCHANGE:SYMBOL like NSE:SBIN");
}

static void take_words(struct reader *r, struct order *order, bool *ret_type_known)
{
        int word;

        if (reader_word(r, "side", REQUIRED, side_from, reader_side, &word))
                order->side = (enum side)word;
        *ret_type_known =
                reader_word(r, "type", REQUIRED, order_type_from, reader_order_type, &word);
        if (*ret_type_known)
                order->type = (enum order_type)word;
        if (reader_word(r, "product", REQUIRED, product_from, reader_product, &word))
                order->product = (enum product)word;
        order->validity = VALIDITY_DAY;
        if (reader_word(r, "validity", OPTIONAL, validity_from, reader_validity, &word))
                order->validity = (enum validity)word;
}

/* A price that the type of the order needs, or must not have. */
static void take_price(struct reader *r, const char *key, bool type_known, bool needed,
                       int64_t *ret)
{
        if (type_known && !needed && reader_has(r, key))
                reader_fault(r, key, "does not belong to an order of this type");
        else
                reader_decimal(r, key, type_known && needed ? REQUIRED : OPTIONAL, DECIMAL_MAX,
                               ret);
}

static bool has_limit(enum order_type t)
{
        return t == ORDER_TYPE_LIMIT || t == ORDER_TYPE_STOP_LIMIT;
}

static bool has_trigger(enum order_type t)
{
        return t == ORDER_TYPE_STOP || t == ORDER_TYPE_STOP_LIMIT;
}

static void take_policy(struct reader *r, bool type_known, struct order *order)
{
        const char *s;

        if (!reader_string(r, "market_policy", OPTIONAL, MARKET_POLICY_TEXT_SIZE - 1, &s))
                return;
        if (type_known && has_limit(order->type))
                reader_fault(r, "market_policy", "is for MARKET and STOP orders");
        else if (market_policy_parse(s, strlen(s), &order->market_policy) < 0)
                reader_fault(r, "market_policy",
                             "must be reject, broker, protect or protect(percent)");
        else
                order->market_policy_given = true;
}

static void take_client_order_id(struct reader *r, struct order *order)
{
        const char *s;

        if (!reader_string(r, "client_order_id", OPTIONAL, CLIENT_ORDER_ID_SIZE - 1, &s))
                return;
        if (!text_only(s, strlen(s), CLIENT_ORDER_ID_CHARACTERS))
                reader_fault(r, "client_order_id",
                             "may hold letters, digits, dot, underscore and dash");
        else
                text_copy(order->client_order_id, sizeof(order->client_order_id), s);
}

static void take_numbers(struct reader *r, bool type_known, struct order *order)
{
        bool has_quantity = reader_int(r, "quantity", REQUIRED, 1, QUANTITY_MAX, &order->quantity);

        take_price(r, "price", type_known, has_limit(order->type), &order->price);
        take_price(r, "trigger_price", type_known, has_trigger(order->type), &order->trigger_price);
        if (reader_int(r, "disclosed_quantity", OPTIONAL, 1, QUANTITY_MAX,
                       &order->disclosed_quantity) &&
            has_quantity && order->disclosed_quantity > order->quantity)
                reader_fault(r, "disclosed_quantity", "must not be above the quantity");
        reader_bool(r, "reduce_only", &order->reduce_only);
}

enum problem parse_order(struct json_object *root, const struct orchestrator *o,
                         const struct caller *c, struct faults *f, struct order **ret)
{
        static const char *const names[] = {"symbol",
                                            "side",
                                            "type",
                                            "quantity",
                                            "price",
                                            "product",
                                            "validity",
                                            "targets",
                                            "trigger_price",
                                            "disclosed_quantity",
                                            "reduce_only",
                                            "market_policy",
                                            "client_order_id",
                                            NULL};
        _cleanup_(order_freep) struct order *order = NULL;
        struct order scrap = {}; /* takes the fields when there is no order to put them into */
        bool type_known;
        struct reader r;

        if (!reader_open(&r, root, "", names, f))
                return PROBLEM_INVALID_REQUEST;
        enum problem p = take_targets(&r, o, c, &order);
        if (p == PROBLEM_OVERLOADED)
                return p;

        unsigned before = faults_count(f);
        struct order *into = order ? order : &scrap;
        take_symbol(&r, into);
        take_words(&r, into, &type_known);
        take_numbers(&r, type_known, into);
        take_policy(&r, type_known, into);
        take_client_order_id(&r, into);
        if (faults_count(f) > before)
                p = PROBLEM_INVALID_REQUEST;
        /* An unknown field, noted when the object was opened. */
        if (p == PROBLEM_NONE && faults_any(f))
                p = PROBLEM_INVALID_REQUEST;
        if (p == PROBLEM_NONE)
                *ret = TAKE(order);
        return p;
}

bool parse_change(struct json_object *root, struct order_change *ret, struct faults *f)
{
        static const char *const names[] = {"quantity", "price",    "trigger_price",
                                            "type",     "validity", NULL};
        struct reader r;
        int word;

        *ret = (struct order_change){};
        if (!reader_open(&r, root, "", names, f))
                return false;
        ret->has_quantity = reader_int(&r, "quantity", OPTIONAL, 1, QUANTITY_MAX, &ret->quantity);
        ret->has_price = reader_decimal(&r, "price", OPTIONAL, DECIMAL_MAX, &ret->price);
        ret->has_trigger_price =
                reader_decimal(&r, "trigger_price", OPTIONAL, DECIMAL_MAX, &ret->trigger_price);
        ret->has_type =
                reader_word(&r, "type", OPTIONAL, order_type_from, reader_order_type, &word);
        if (ret->has_type)
                ret->type = (enum order_type)word;
        ret->has_validity =
                reader_word(&r, "validity", OPTIONAL, validity_from, reader_validity, &word);
        if (ret->has_validity)
                ret->validity = (enum validity)word;
        if (!faults_any(f) && !ret->has_quantity && !ret->has_price && !ret->has_trigger_price &&
            !ret->has_type && !ret->has_validity)
                faults_add(
                        f, "",
                        "must name at least one of quantity, price, trigger_price, type, validity");
        if (ret->has_type && ret->has_price && !has_limit(ret->type))
                reader_fault(&r, "price", "does not belong to an order of this type");
        if (ret->has_type && ret->has_trigger_price && !has_trigger(ret->type))
                reader_fault(&r, "trigger_price", "does not belong to an order of this type");
        return !faults_any(f);
}

static int resolution_from(const char *s, size_t n)
{
        int outcome = outcome_from(s, n);

        return outcome == OUTCOME_ACCEPTED || outcome == OUTCOME_REJECTED ||
                               outcome == OUTCOME_NOT_PLACED
                       ? outcome
                       : -EINVAL;
}

static const char *resolution_name(unsigned i)
{
        static const enum outcome outcomes[] = {OUTCOME_ACCEPTED, OUTCOME_REJECTED,
                                                OUTCOME_NOT_PLACED};

        return i < ELEMENTS(outcomes) ? outcome_name(outcomes[i]) : NULL;
}

bool parse_resolution(struct json_object *root, struct amend_request *ret, struct faults *f)
{
        static const char *const names[] = {"outcome", "broker_order_id", "reason", NULL};
        struct reader r;
        int word;

        if (!reader_open(&r, root, "", names, f))
                return false;
        bool known = reader_word(&r, "outcome", REQUIRED, resolution_from, resolution_name, &word);
        bool accepted = known && word == OUTCOME_ACCEPTED;
        if (known)
                ret->outcome = (enum outcome)word;
        if (known && !accepted && reader_has(&r, "broker_order_id"))
                reader_fault(&r, "broker_order_id", "belongs to the outcome accepted only");
        else
                reader_string(&r, "broker_order_id", accepted ? REQUIRED : OPTIONAL,
                              BROKER_ORDER_ID_SIZE - 1, &ret->broker_order_id);
        reader_string(&r, "reason", REQUIRED, MESSAGE_SIZE - 1, &ret->reason);
        return !faults_any(f);
}

static enum problem take_accounts(struct reader *r, const struct orchestrator *o,
                                  const struct caller *c, const char **accounts,
                                  const char *const **ret)
{
        struct json_object *list = NULL;
        enum problem worst = PROBLEM_NONE;
        unsigned count = 0;
        char at[32];

        if (!reader_has(r, "accounts"))
                return PROBLEM_NONE;
        json_object_object_get_ex(r->object, "accounts", &list);
        size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
        if (n == 0 || n > ACCOUNTS_MAX) {
                reader_fault(r, "accounts", "must be a list of accounts");
                return PROBLEM_INVALID_REQUEST;
        }
        for (unsigned i = 0; i < n; i++) {
                struct json_object *value = json_object_array_get_idx(list, i);
                const struct account *account = NULL;
                const char *id = json_object_is_type(value, json_type_string)
                                         ? json_object_get_string(value)
                                         : "";

                snprintf(at, sizeof(at), "/accounts/%u", i);
                worst = graver(worst, take_account(o, c, id, strlen(id), at, r->faults, &account));
                for (unsigned k = 0; account && k < count; k++)
                        if (accounts[k] == account->id) {
                                faults_add(r->faults, at, "is named before");
                                worst = PROBLEM_INVALID_REQUEST;
                        }
                if (account)
                        accounts[count++] = account->id;
        }
        accounts[count] = NULL;
        *ret = accounts;
        return worst;
}

enum problem parse_cancel_many(struct json_object *root, const struct orchestrator *o,
                               const struct caller *c, const char **accounts,
                               struct cancel_many_request *ret, struct faults *f)
{
        static const char *const names[] = {"accounts", "symbol", NULL};
        char canonical[SYMBOL_SIZE];
        enum exchange exchange;
        struct reader r;

        if (!reader_open(&r, root, "", names, f))
                return PROBLEM_INVALID_REQUEST;
        enum problem p = take_accounts(&r, o, c, accounts, &ret->accounts);
        unsigned before = faults_count(f);
        if (reader_string(&r, "symbol", OPTIONAL, SYMBOL_SIZE - 1, &ret->symbol) &&
            symbol_parse(ret->symbol, strlen(ret->symbol), canonical, &exchange) < 0)
                reader_fault(&r, "symbol", "must be EXCHANGE:SYMBOL like NSE:SBIN");
        if (faults_count(f) > before || (p == PROBLEM_NONE && faults_any(f)))
                p = PROBLEM_INVALID_REQUEST;
        return p;
}

enum problem parse_accounts(struct json_object *root, const struct orchestrator *o,
                            const struct caller *c, const char **accounts, const char *const **ret,
                            struct faults *f)
{
        static const char *const names[] = {"accounts", NULL};
        struct reader r;

        if (!reader_open(&r, root, "", names, f))
                return PROBLEM_INVALID_REQUEST;
        enum problem p = take_accounts(&r, o, c, accounts, ret);
        return p == PROBLEM_NONE && faults_any(f) ? PROBLEM_INVALID_REQUEST : p;
}
