#include "domain/audit_record.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static const char *const audit_actions[_AUDIT_MAX] = {
#define X(name, text) [AUDIT_##name] = text,
        AUDIT_ACTION_TABLE(X)
#undef X
};

const char *audit_action_name(enum audit_action a)
{
        assert(a < _AUDIT_MAX);
        return audit_actions[a];
}

int audit_action_from(const char *s)
{
        for (int i = 0; s && i < _AUDIT_MAX; i++)
                if (strcmp(audit_actions[i], s) == 0)
                        return i;
        return -EINVAL;
}

void audit_record_done(struct audit_record *r)
{
        text_done(&r->payload);
}
