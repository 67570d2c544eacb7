#include "brokersim/fyers.h"
void fyers_master(struct call *c)
{
        fyers_error(c, 404, -1, "none yet");
}
#include "brokersim/hdfc.h"
#include "brokersim/mstock.h"
void hdfc_master(struct call *c)
{
        fyers_error(c, 404, -1, "none yet");
}
void mstock_master(struct call *c)
{
        fyers_error(c, 404, -1, "none yet");
}
