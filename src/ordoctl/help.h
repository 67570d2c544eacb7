/* The table of commands as text: for people, for bash, for ordoctl(1). */
#pragma once

#include "ordoctl/commands.h"

/* To standard output; exit codes. */
int help_all(void);
int help_command(const struct command *command);

void help_print_all(struct text *ret);
void help_print_command(const struct command *command, struct text *ret);
/* The whole completion script. */
void help_print_bash(struct text *ret);
/* The sections COMMANDS and OPTIONS of ordoctl(1), troff. */
void help_print_man(struct text *ret);
