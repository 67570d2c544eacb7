/* Parts of `login` that `preopen` needs too. */
#pragma once

#include "ordoctl/login_report.h"

/* Whether a session that ends then (RFC 3339; NULL or "": never) is one for the day: it must last
 * until today's close, or it has to be made anew in the middle of the day. */
bool login_lasts(const char *expires_at);
/* Logs the account in when that needs nobody: false when somebody has to do something. */
bool login_by_itself(struct ctl *c, struct login_line *l);
