#include "brokersim/fyers.h"
void fyers_master(struct call *c)
{
        fyers_error(c, 404, -1, "none yet");
}
