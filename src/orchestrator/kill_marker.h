/* The marker file of the kill switch in the state directory: one "scope level" a line, replaced as
 * a whole, so that the switch holds over a restart when the ledger could not be written. Blocks for
 * a moment: the disk's word is what it is for. */
#pragma once

#include "orchestrator/killswitch.h"

/* What is in force; no entries: the file goes. Negative errno. */
int kill_marker_write(const char *state_dir, const struct kill_entry *entries, unsigned n);
/* Each line to `take`. A marker that is there but cannot be understood stands for a halt of
 * everything. */
void kill_marker_read(const char *state_dir,
                      void (*take)(void *userdata, const char *scope, enum kill_level level,
                                   const char *reason),
                      void *userdata);
