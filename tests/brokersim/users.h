/* Accounts from the command line and from the control interface. */
#pragma once

#include "brokersim/sim.h"

/* One at each broker, with holdings; docs/brokersim.md has the table. */
void users_default(struct sim *s, int64_t funds);
/* "fyers:XS00002:KEY-100:SECRET". NULL: not one. */
struct user *users_from_argument(struct sim *s, const char *argument, int64_t funds);
/* Makes or changes one; NULL and a sentence. */
struct user *users_from_json(struct sim *s, struct json_object *o, const char **ret_wrong);
void users_put(const struct sim *s, const struct user *u, struct json_writer *w);
/* An access token without the ceremony. NULL: none could be made. */
const struct grant *users_token(struct sim *s, struct user *u);
