#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "orchestrator/breaker.h"
#include "orchestrator/killswitch.h"
#include "orchestrator/session.h"

static const char *const kill_levels[] = {
#define X(w) #w,
        KILL_LEVEL_TABLE(X)
#undef X
};

const char *kill_level_name(enum kill_level value)
{
        return kill_levels[value];
}

int kill_level_from(const char *s, size_t n)
{
        for (int i = 0; i < _KILL_LEVEL_MAX; i++)
                if (strlen(kill_levels[i]) == n && memcmp(kill_levels[i], s, n) == 0)
                        return i;
        return -EINVAL;
}

const char *killswitch_scope_account(const char *scope)
{
        static const char account[] = "account:";

        return text_starts(scope, account) ? scope + sizeof(account) - 1 : NULL;
}

const char *breaker_class_name(enum breaker_class class)
{
        return class == BREAKER_ORDERS ? "orders" : "reads";
}

const char *breaker_state_name(enum breaker_state state)
{
        static const char *const names[] = {[BREAKER_STATE_CLOSED] = "closed",
                                            [BREAKER_STATE_HALF_OPEN] = "half_open",
                                            [BREAKER_STATE_OPEN] = "open"};
        return names[state];
}

static const char *const session_states[] = {
        [SESSION_STATE_NONE] = "none",
        [SESSION_STATE_PENDING] = "pending",
        [SESSION_STATE_ACTIVE] = "active",
        [SESSION_STATE_EXPIRED] = "expired",
};

const char *session_state_name(enum session_state value)
{
        return session_states[value];
}

int session_state_from(const char *s, size_t n)
{
        for (int i = 0; i < _SESSION_STATE_MAX; i++)
                if (strlen(session_states[i]) == n && memcmp(session_states[i], s, n) == 0)
                        return i;
        return -EINVAL;
}

static const char *const kill_kinds[] = {
#define X(w, text) text,
        KILL_KIND_TABLE(X)
#undef X
};

const char *kill_kind_name(enum kill_kind value)
{
        return kill_kinds[value];
}

static const char *const kill_states[] = {
#define X(w, text) text,
        KILL_STATE_TABLE(X)
#undef X
};

const char *kill_state_name(enum kill_state value)
{
        return kill_states[value];
}

static const char *const kill_blocks[] = {
#define X(w, text) text,
        KILL_BLOCK_TABLE(X)
#undef X
};

const char *kill_block_name(enum kill_block value)
{
        return kill_blocks[value];
}
