/* What the evidence of one attempt proves. The transport's error code says where a transfer broke,
 * never whether the request had left by then; so only these facts decide. */
#pragma once

#include <stdint.h>

#include "net/httpc.h"

struct attempt {
        unsigned departures; /* how often the request was let go to the socket */
        bool handed_over;    /* the transport passed the point of sending, whatever it counted */
        int64_t bytes;       /* of the request, as far as the transport counts */
        int error; /* 0: the transport saw a complete reply; else its code, which decides nothing */
        int status; /* of the reply; below 200 none is final */
};

/* Pure. Fills may_have_left, complete_reply and bytes_sent; touches no other fact. */
enum verdict verdict_judge(const struct attempt *e, struct http_facts *ret);
