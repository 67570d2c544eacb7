#include "broker/broker.h"

#include <assert.h>
#include <string.h>

static const struct {
        const char *name;
        enum { WRITES, READS, ASKS } kind;
} broker_ops[_BROKER_OP_MAX] = {
#define X(name_, text_, kind_) [BROKER_##name_] = {text_, kind_},
        BROKER_OP_TABLE(X)
#undef X
};

const char *broker_op_name(enum broker_op op)
{
        assert(op < _BROKER_OP_MAX);
        return broker_ops[op].name;
}

bool broker_op_writes(enum broker_op op)
{
        assert(op < _BROKER_OP_MAX);
        return broker_ops[op].kind == WRITES;
}

bool broker_op_reads(enum broker_op op)
{
        assert(op < _BROKER_OP_MAX);
        return broker_ops[op].kind == READS;
}

bool broker_cell_is(const struct broker_cell *c, const char *text)
{
        return c->n == strlen(text) && memcmp(c->s, text, c->n) == 0;
}

void broker_result_done(struct broker_result *r)
{
        r->carry = secret_free(r->carry);
        r->token = secret_free(r->token);
        free(TAKE(r->orders));
        free(TAKE(r->trades));
        free(TAKE(r->holdings));
        free(TAKE(r->positions));
        free(TAKE(r->quotes));
        r->n_orders = r->n_trades = r->n_holdings = r->n_positions = r->n_quotes = 0;
}
