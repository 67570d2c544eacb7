#include "brokersim/sim.h"
static void fail(struct call *c, int status, const char *message)
{
        call_answer(c, status, "text/plain");
}
const struct wire wire_mstock = {.broker = BROKER_MSTOCK, .prefix = "/mstock", .fail = fail};
