#include "ordoctl/help.h"

#include <string.h>

#include "base/cleanup.h"

#define HELP_WIDTH 80

static void add_padded(struct text *t, const char *s, int wide)
{
        text_addf(t, "  %-*s", wide, s);
}

/* `s` broken into lines between words. */
static void add_paragraph(struct text *t, const char *s)
{
        size_t column = 0;

        while (*s) {
                size_t n = strcspn(s, " ");
                if (column > 0 && column + 1 + n > HELP_WIDTH) {
                        text_add_char(t, '\n');
                        column = 0;
                }
                if (column > 0) {
                        text_add_char(t, ' ');
                        column++;
                }
                text_add_bytes(t, s, n);
                column += n;
                s += n + (s[n] == ' ');
        }
        text_add_char(t, '\n');
}

static void add_options(struct text *t, const struct command_option *o)
{
        for (; o && o->name; o++) {
                _cleanup_(text_done) struct text name = TEXT_NULL;
                text_addf(&name, "--%s%s%s", o->name, o->argument ? " " : "",
                          o->argument ? o->argument : "");
                add_padded(t, text_str(&name), 30);
                text_addf(t, " %s", o->help);
                if (o->words)
                        text_addf(t, ": %s", o->words);
                text_add_char(t, '\n');
        }
}

void help_print_all(struct text *ret)
{
        text_add(ret, "Usage: ordoctl [OPTION…] COMMAND [ARGUMENT…]\n\n"
                      "Talks to ordod, the Ordo gateway.\n\nCommands:\n");
        for (unsigned i = 0; i < n_commands; i++) {
                add_padded(ret, commands[i].name, 14);
                text_addf(ret, " %s%s\n", commands[i].help,
                          commands[i].offline ? " (needs no daemon)" : "");
        }
        text_add(ret, "\nOptions of every command:\n");
        add_options(ret, global_options);
        text_add(ret,
                 "\nExit codes: 0 done, 1 usage or configuration, 2 refused, 3 partly done or not\n"
                 "known yet, 4 input missing, 5 network, 6 unexpected.\n"
                 "ordoctl help COMMAND explains a command. See also ordoctl(1).\n");
}

void help_print_command(const struct command *command, struct text *ret)
{
        text_addf(ret, "Usage: ordoctl %s%s%s\n\n", command->name, *command->synopsis ? " " : "",
                  command->synopsis);
        text_addf(ret, "%c%s.\n", command->help[0] - ('a' - 'A'), command->help + 1);
        if (command->details) {
                text_add_char(ret, '\n');
                add_paragraph(ret, command->details);
        }
        if (command->options) {
                text_add(ret, "\nOptions:\n");
                add_options(ret, command->options);
        }
        text_add(ret, "\nOptions of every command:\n");
        add_options(ret, global_options);
}

int help_all(void)
{
        _cleanup_(text_done) struct text t = TEXT_NULL;

        help_print_all(&t);
        return ctl_put(&t);
}

int help_command(const struct command *command)
{
        _cleanup_(text_done) struct text t = TEXT_NULL;

        help_print_command(command, &t);
        return ctl_put(&t);
}

int run_help(struct ctl *c)
{
        if (c->n_operands == 0)
                return help_all();
        const struct command *command = command_find(c->operands[0]);
        if (command)
                return help_command(command);
        const char *nearest = command_nearest(c->operands[0]);
        ctl_fail(CTL_USAGE, "there is no command \"%.40s\"%s%s%s", c->operands[0],
                 nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
        return CTL_USAGE;
}

int run_version(struct ctl *c)
{
        _cleanup_(text_done) struct text t = TEXT_NULL;

        text_add(&t, "ordoctl " ORDO_VERSION "\n");
        return ctl_put(&t);
}

/* --- bash ----------------------------------------------------------------------------------------
 */

static const char bash_head[] =
        "# bash completion for ordoctl. Generated from src/ordoctl/commands.c; do not edit.\n\n"
        "_ordoctl() {\n"
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
        "    local command='' words='' options='' i\n"
        "    if [[ $cur == = ]]; then cur=''; fi\n"
        "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
        "        case ${COMP_WORDS[i]} in\n"
        "        --url | --token-file | --ca-file | --client-cert | --client-key) ((i++)) ;;\n"
        "        -*) ;;\n"
        "        *)\n"
        "            command=${COMP_WORDS[i]}\n"
        "            break\n"
        "            ;;\n"
        "        esac\n"
        "    done\n"
        "    case $command:$prev in\n";

static const char bash_tail[] = "    esac\n"
                                "    if [[ $cur == -* ]]; then words=$options; fi\n"
                                "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
                                "}\n"
                                "complete -F _ordoctl ordoctl\n";

static void bash_value(struct text *t, const char *command, const struct command_option *o)
{
        if (!o->argument)
                return;
        text_addf(t, "    %s:--%s)\n", command, o->name);
        if (strcmp(o->argument, "FILE") == 0)
                text_add(t, "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n");
        else if (o->words)
                text_addf(t, "        mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$cur\")\n",
                          o->words);
        text_add(t, "        return\n        ;;\n");
}

static void bash_names(struct text *t, const struct command_option *o)
{
        for (; o && o->name; o++)
                text_addf(t, " --%s", o->name);
}

static void bash_command(struct text *t, const struct command *c)
{
        text_addf(t, "    %s)\n        options='", c->name);
        size_t before = t->len;
        bash_names(t, c->options);
        bash_names(t, global_options);
        if (t->len > before && !t->failed) { /* no space at the beginning */
                memmove(t->data + before, t->data + before + 1, t->len - before);
                t->len--;
        }
        text_add(t, "'\n");
        if (c->words)
                text_addf(t, "        words='%s'\n", c->words);
        else if (c->run == run_help)
                text_add(t, "        words=$commands\n");
        else if (c->run == run_backup)
                text_add(t, "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
                            "        [[ $cur == -* ]] || return\n");
        text_add(t, "        ;;\n");
}

void help_print_bash(struct text *ret)
{
        text_add(ret, bash_head);
        for (const struct command_option *o = global_options; o->name; o++)
                bash_value(ret, "*", o);
        for (unsigned i = 0; i < n_commands; i++)
                for (const struct command_option *o = commands[i].options; o && o->name; o++)
                        bash_value(ret, commands[i].name, o);
        text_add(ret, "    esac\n    local commands='");
        for (unsigned i = 0; i < n_commands; i++)
                text_addf(ret, "%s%s", i > 0 ? " " : "", commands[i].name);
        text_add(ret,
                 "'\n    case $command in\n    '')\n        words=$commands\n        options='");
        bash_names(ret, global_options);
        text_add(ret, "'\n        ;;\n");
        for (unsigned i = 0; i < n_commands; i++)
                bash_command(ret, &commands[i]);
        text_add(ret, bash_tail);
}

/* --- troff ---------------------------------------------------------------------------------------
 */

static void add_troff(struct text *t, const char *s)
{
        if (*s == '.' || *s == '\'')
                text_add(t, "\\&");
        for (; *s; s++) {
                if (*s == '\\')
                        text_add(t, "\\e");
                else if (*s == '-')
                        text_add(t, "\\-");
                else if (strncmp(s, "…", strlen("…")) == 0) {
                        text_add(t, "...");
                        s += strlen("…") - 1;
                } else
                        text_add_char(t, *s);
        }
}

static void man_options(struct text *t, const struct command_option *o)
{
        for (; o && o->name; o++) {
                text_add(t, ".TP\n\\fB\\-\\-");
                add_troff(t, o->name);
                text_add(t, "\\fR");
                if (o->argument) {
                        text_add(t, " \\fI");
                        add_troff(t, o->argument);
                        text_add(t, "\\fR");
                }
                text_add_char(t, '\n');
                add_troff(t, o->help);
                if (o->words) {
                        text_add(t, ": ");
                        add_troff(t, o->words);
                }
                text_add(t, ".\n");
        }
}

void help_print_man(struct text *ret)
{
        text_add(ret, ".SH COMMANDS\n");
        for (unsigned i = 0; i < n_commands; i++) {
                const struct command *c = &commands[i];
                text_addf(ret, ".SS \"%s ", c->name);
                add_troff(ret, c->synopsis);
                text_addf(ret, "\"\n%c", c->help[0] - ('a' - 'A'));
                add_troff(ret, c->help + 1);
                text_add(ret, c->offline ? ". Needs no daemon.\n" : ".\n");
                if (c->details) {
                        text_add(ret, "\n");
                        add_troff(ret, c->details);
                        text_add_char(ret, '\n');
                }
                man_options(ret, c->options);
        }
        text_add(ret, ".SH OPTIONS\nThese are understood by every command.\n");
        man_options(ret, global_options);
}
