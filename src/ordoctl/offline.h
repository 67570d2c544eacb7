/* The daemon's own configuration, for commands that need no daemon. */
#pragma once

#include "config/config.h"
#include "ordoctl/ctl.h"

#define OFFLINE_PATH_MAX 4096

/* Reads the environment as ordod does, and says what is wrong with it. CTL_OK, CTL_USAGE, … */
int offline_config(struct config_faults *faults, struct config **ret);
/* CTL_OK with the configuration and the path of the ledger's file. */
int offline_ledger(struct config **ret, struct text *ret_path);
/* Files that root makes there could not be written by the daemon later: CTL_USAGE, and it is said
 * how to do it. */
int offline_check_owner(const char *state_dir);
/* ordoctl migrate up. */
int migrate_up(const struct ctl *c, const struct config *config);
