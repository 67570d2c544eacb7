#include "brokersim/sim.h"
static void fail(struct call *c, int status, const char *message)
{
        call_answer(c, status, "text/plain");
}
const struct wire wire_hdfc = {.broker = BROKER_HDFC, .prefix = "/hdfc", .fail = fail};
