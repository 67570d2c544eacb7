#include "ordoctl/arguments.h"

#include <string.h>

#include "ordoctl/commands.h"

static int unknown_command(const char *name)
{
        const char *nearest = command_nearest(name);

        ctl_fail(CTL_USAGE, "there is no command \"%.40s\"%s%s%s", name,
                 nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
        ctl_note("ordoctl help lists all commands.");
        return CTL_USAGE;
}

static int take_operand(struct ctl *c, const char *s)
{
        if (!c->command) {
                c->command = command_find(s);
                return c->command ? CTL_OK : unknown_command(s);
        }
        if (c->n_operands == ARGUMENTS_MAX)
                return ctl_usage(c, "too many arguments");
        c->operands[c->n_operands++] = s;
        return CTL_OK;
}

/* `s` is behind the dashes; `next` the argument behind it, or NULL. Sets `*ret_took_next`. */
static int take_option(struct ctl *c, const char *s, const char *next, bool *ret_took_next)
{
        size_t n = strcspn(s, "=");
        const struct command_option *o = command_option_find(c->command, s, n);

        *ret_took_next = false;
        if (!o)
                return ctl_usage(c, "there is no option --%.*s%s", (int)n, s,
                                 c->command ? " for this command" : " before a command");
        if (!o->many && ctl_flag(c, o->name))
                return ctl_usage(c, "--%s is given twice", o->name);
        if (c->n_options == ARGUMENTS_MAX)
                return ctl_usage(c, "too many options");
        const char *value = NULL;
        if (!o->argument && s[n])
                return ctl_usage(c, "--%s takes no value", o->name);
        if (o->argument) {
                value = s[n] ? s + n + 1 : next;
                *ret_took_next = !s[n];
                if (!value || !*value)
                        return ctl_usage(c, "--%s needs a value: %s", o->name, o->argument);
        }
        c->options[c->n_options++] = (struct option_value){o->name, value};
        return CTL_OK;
}

static int check(struct ctl *c)
{
        const struct command *command = c->command;

        c->json = ctl_flag(c, "json");
        if (!command || ctl_flag(c, "help"))
                return CTL_OK;
        if (c->n_operands < command->min_operands)
                return ctl_usage(c, "%s needs more arguments", command->name);
        if (c->n_operands > command->max_operands)
                return ctl_usage(c, "\"%.40s\" is one argument too many",
                                 c->operands[command->max_operands]);
        return CTL_OK;
}

int arguments_read(int argc, char *const argv[], struct ctl *ret)
{
        bool options_end = false;

        *ret = (struct ctl){};
        for (int i = 1; i < argc; i++) {
                const char *s = argv[i];
                bool took_next = false;
                int r;

                if (!options_end && strcmp(s, "--") == 0) {
                        options_end = true;
                        continue;
                }
                if (!options_end && strcmp(s, "-h") == 0)
                        s = "--help";
                if (!options_end && strncmp(s, "--", 2) == 0)
                        r = take_option(ret, s + 2, i + 1 < argc ? argv[i + 1] : NULL, &took_next);
                else if (!options_end && s[0] == '-' && s[1])
                        r = ctl_usage(ret, "there is no option %.40s", s);
                else
                        r = take_operand(ret, s);
                if (r != CTL_OK)
                        return r;
                i += took_next;
        }
        return check(ret);
}
