#include "orchestrator/echo.h"

const char *echo_state_name(enum echo_state s)
{
        static const char *const names[] = {
#define X(w, text) [ECHO_##w] = text,
                ECHO_TABLE(X)
#undef X
        };
        return names[s];
}

void echo_note(struct echo *e, int day, bool shown)
{
        if (e->day != day)
                *e = (struct echo){.day = day};
        if (!shown)
                e->state = ECHO_BROKEN;
        else if (e->state == ECHO_UNPROVEN)
                e->state = ECHO_PROVEN;
}

enum echo_state echo_state(const struct echo *e, int day)
{
        return e->day == day ? e->state : ECHO_UNPROVEN;
}
