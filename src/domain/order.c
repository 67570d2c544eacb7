#include "domain/order.h"

#include <errno.h>
#include <string.h>

#include <sodium.h>

#include "base/decimal.h"

#define HTTP_ERROR_MIN       400
#define HTTP_BAD_GATEWAY     502
#define HTTP_GATEWAY_TIMEOUT 504 /* 503, between them, is what gateways say as well */

/* One allocation, so that an order and its legs live and die together. */
struct order_block {
        struct order order;
        struct leg legs[];
};

int order_new(unsigned n_legs, struct order **ret)
{
        if (n_legs > TARGETS_MAX)
                return -EINVAL;
        struct order_block *b = calloc(1, sizeof(*b) + n_legs * sizeof(b->legs[0]));
        if (!b)
                return -ENOMEM;
        b->order.n_legs = n_legs;
        b->order.legs = b->legs;
        for (unsigned i = 0; i < n_legs; i++) {
                b->legs[i].number = i + 1;
                b->legs[i].multiplier = DECIMAL_ONE;
        }
        *ret = &b->order;
        return 0;
}

struct order *order_free(struct order *o)
{
        if (o)
                free(CONTAINER_OF(o, struct order_block, order));
        return NULL;
}

int order_copy(const struct order *o, struct order **ret)
{
        struct order *copy;

        int r = order_new(o->n_legs, &copy);
        if (r < 0)
                return r;
        struct leg *legs = copy->legs;
        *copy = *o;
        copy->legs = legs;
        if (o->n_legs > 0)
                memcpy(legs, o->legs, o->n_legs * sizeof(*legs));
        *ret = copy;
        return 0;
}

bool leg_unresolved(const struct leg *l)
{
        switch (l->state) {
        case LEG_STATE_INTENT:
        case LEG_STATE_SENDING:
        case LEG_STATE_UNKNOWN:
        case LEG_STATE_NEEDS_OPERATOR:
                return true;
        default:
                return l->outcome == OUTCOME_UNKNOWN;
        }
}

bool leg_denied(const struct leg *l)
{
        const struct evidence *e = &l->evidence;
        bool gateway = e->http_status >= HTTP_BAD_GATEWAY && e->http_status <= HTTP_GATEWAY_TIMEOUT;

        return l->outcome == OUTCOME_UNKNOWN && e->complete_reply &&
               e->http_status >= HTTP_ERROR_MIN && !gateway && !l->broker_order_id[0];
}

bool leg_live(const struct leg *l)
{
        return l->outcome == OUTCOME_ACCEPTED && !order_status_terminal(l->status);
}

struct tally {
        unsigned accepted, unresolved;
};

static struct tally order_tally(const struct order *o)
{
        struct tally t = {};

        for (unsigned i = 0; i < o->n_legs; i++) {
                if (leg_unresolved(&o->legs[i]))
                        t.unresolved++;
                else if (o->legs[i].outcome == OUTCOME_ACCEPTED)
                        t.accepted++;
        }
        return t;
}

enum overall order_overall(const struct order *o)
{
        struct tally t = order_tally(o);

        if (t.unresolved > 0)
                return OVERALL_PENDING;
        if (t.accepted == 0)
                return OVERALL_FAILURE;
        return t.accepted == o->n_legs ? OVERALL_SUCCESS : OVERALL_PARTIAL_SUCCESS;
}

/* Why a leg failed, as far as a client's status goes. The leg's own problem, unless that would be a
 * success, or a 5xx after its intent was durable: then what the outcome says. */
static enum problem leg_cause(const struct leg *l)
{
        int status = problem_status(l->problem);

        if (status >= 400 && (status < 500 || l->state == LEG_STATE_REFUSED))
                return l->problem;
        switch (l->outcome) {
        case OUTCOME_REJECTED:
                return PROBLEM_BROKER_REJECTED;
        case OUTCOME_NOT_PLACED:
                return PROBLEM_NOT_PLACED;
        default:
                return PROBLEM_NOT_SENT;
        }
}

int order_http_status(const struct order *o, enum problem *ret_cause)
{
        struct tally t = order_tally(o);

        *ret_cause = PROBLEM_NONE;
        if (t.unresolved > 0)
                return 202;
        if (t.accepted > 0)
                return t.accepted == o->n_legs ? 201 : 207;
        if (o->n_legs == 0)
                return 207;

        enum problem cause = leg_cause(&o->legs[0]);
        for (unsigned i = 1; i < o->n_legs; i++)
                if (problem_status(leg_cause(&o->legs[i])) != problem_status(cause))
                        return 207;
        *ret_cause = cause;
        return problem_status(cause);
}

/* Every value is preceded by its length or has a fixed one, and the order of the values is fixed:
 * no two different requests give the same bytes. */
static void hash_text(crypto_hash_sha256_state *h, const char *s)
{
        uint8_t n = (uint8_t)strlen(s);

        crypto_hash_sha256_update(h, &n, 1);
        crypto_hash_sha256_update(h, (const uint8_t *)s, n);
}

static void hash_int(crypto_hash_sha256_state *h, int64_t value)
{
        uint8_t bytes[8];

        for (int i = 0; i < 8; i++)
                bytes[i] = (uint8_t)((uint64_t)value >> (8 * i));
        crypto_hash_sha256_update(h, bytes, sizeof(bytes));
}

/* Part of what is hashed: raise it whenever fields or their order change. */
#define FINGERPRINT_FORM "ordo-order-1"

void order_fingerprint(const struct order *o, uint8_t ret[static FINGERPRINT_SIZE])
{
        _Static_assert(FINGERPRINT_SIZE == crypto_hash_sha256_BYTES, "SHA-256");
        crypto_hash_sha256_state h;

        crypto_hash_sha256_init(&h);
        hash_text(&h, FINGERPRINT_FORM);
        hash_text(&h, o->symbol);
        hash_text(&h, side_name(o->side));
        hash_text(&h, order_type_name(o->type));
        hash_text(&h, product_name(o->product));
        hash_text(&h, validity_name(o->validity));
        hash_int(&h, o->quantity);
        hash_int(&h, o->price);
        hash_int(&h, o->trigger_price);
        hash_int(&h, o->disclosed_quantity);
        hash_text(&h, o->client_order_id);
        hash_int(&h, o->reduce_only);
        hash_int(&h, o->market_policy_given);
        if (o->market_policy_given) {
                hash_int(&h, o->market_policy.kind);
                hash_int(&h, o->market_policy.percent);
        }
        hash_int(&h, o->n_legs);
        for (unsigned i = 0; i < o->n_legs; i++) {
                hash_text(&h, o->legs[i].account);
                hash_int(&h, o->legs[i].multiplier);
        }
        crypto_hash_sha256_final(&h, ret);
}
