/* Reads the command line by the table of commands. */
#pragma once

#include "ordoctl/ctl.h"

/* CTL_OK, or CTL_USAGE when it was wrong and said so. `command` stays NULL when none is named. Long
 * options only, before and behind the command: --name VALUE or --name=VALUE; -- ends them. */
int arguments_read(int argc, char *const argv[], struct ctl *ret);
