#include <string.h>

#include "config/options.h"

/* Accounts' options are shown for this one where a real name is needed. */
static const struct account sample = {.broker = "paper", .name = "demo", .paper = true};
static const struct account real_sample = {.broker = "fyers", .name = "main"};
static const struct account pattern = {.broker = "<broker>", .name = "<name>"};

static void add_form(struct text *t, const struct option *o)
{
        char words[OPTION_WORDS_SIZE];
        if (*option_words(o, words)) {
                text_add(t, words);
        } else if (option_numeric(o)) {
                option_bound(o, o->min, t);
                text_add(t, " to ");
                option_bound(o, o->max, t);
                if (o->unit)
                        text_addf(t, " %s", o->unit);
                if (o->flags & OPTION_NO_LIMIT)
                        text_add(t,
                                 o->type == OPTION_DURATION ? ", 0 for off" : ", 0 for no limit");
        } else {
                text_add(t, option_type_name(o->type));
        }
}

static void add_default(struct text *t, const struct option *o)
{
        text_add(t, o->fallback ? o->fallback : o->absent);
        if (o->fallback_real)
                text_addf(t, "; of real accounts %s", o->fallback_real);
}

static void add_notes(struct text *t, const struct option *o)
{
        if (o->flags & OPTION_PAPER_ONLY)
                text_add(t, " Only for paper accounts.");
        if (option_secret(o))
                text_addf(t, " Secret: better given by %s" FILE_SUFFIX " or a credential.",
                          o->name);
        if (o->flags & OPTION_RELOADABLE)
                text_add(t, " Taken up by a reload.");
}

static void env_option(struct text *t, const struct option *o)
{
        char name[OPTION_NAME_SIZE];
        option_name(o,
                    o->flags & OPTION_REAL_ONLY     ? &real_sample
                    : o->flags & OPTION_PER_ACCOUNT ? &sample
                                                    : NULL,
                    name);
        text_addf(t, "\n# %s", o->help);
        add_notes(t, o);
        text_add(t, "\n# Value: ");
        add_form(t, o);
        text_add(t, ". Default: ");
        add_default(t, o);
        const char *shown = o->fallback ? o->fallback : o->example;
        text_addf(t, ".\n#%s=%s\n", name, shown && !option_secret(o) ? shown : "");
}

void config_print_env_example(struct text *ret)
{
        text_add(ret,
                 "# Every option of Ordo, with its default. Generated from src/config/options.c; "
                 "do not edit.\n"
                 "# Copy it, take the # from the lines you need, let ORDO_ENV_FILE name the copy, "
                 "and "
                 "check it with:\n# ordod --check-config\n"
                 "# A secret may come from a file instead (NAME_FILE=/path) or from a "
                 "credential named NAME;\n"
                 "# the credential comes first, then the file, then the variable. An empty "
                 "variable counts as not set.\n");
        for (unsigned s = 0; s < _SECTION_MAX; s++) {
                text_addf(ret, "\n\n## %s\n", option_sections[s]);
                if (s == SECTION_ACCOUNT)
                        text_add(ret, "# One set for every account: ORDO_<BROKER>_<NAME>_..., here "
                                      "of paper:demo.\n");
                if (s == SECTION_ACCESS)
                        text_add(ret, "# One set for every account of a real broker, here of "
                                      "fyers:main; docs/brokers.md says what each broker needs.\n");
                for (unsigned i = 0; i < n_options; i++)
                        if (options[i].section == s)
                                env_option(ret, &options[i]);
        }
}

/* Table cells may not hold a bar, and angle brackets would be taken for HTML. */
static void add_cell(struct text *t, const char *s)
{
        for (; *s; s++) {
                if (*s == '|')
                        text_add_char(t, '\\');
                text_add_char(t, *s);
        }
}

static void docs_option(struct text *t, const struct option *o)
{
        char name[OPTION_NAME_SIZE];
        option_name(o, o->flags & OPTION_PER_ACCOUNT ? &pattern : NULL, name);
        _cleanup_(text_done) struct text form = TEXT_NULL, notes = TEXT_NULL;
        add_form(&form, o);
        add_notes(&notes, o);
        text_addf(t, "| `%s` | ", name);
        add_cell(t, text_str(&form));
        text_add(t, " | ");
        if (o->fallback)
                text_addf(t, "`%s`", o->fallback);
        else
                add_cell(t, o->absent);
        if (o->fallback_real)
                text_addf(t, "; real accounts `%s`", o->fallback_real);
        text_add(t, " | ");
        add_cell(t, o->help);
        add_cell(t, text_str(&notes));
        text_add(t, " |\n");
}

void config_print_docs(struct text *ret)
{
        text_add(ret,
                 "<!-- Generated from src/config/options.c by ordo-options; do not edit. -->\n\n"
                 "# Options\n\n"
                 "Ordo is configured by environment variables. A secret may come from a file "
                 "instead (`<NAME>_FILE=/path`) or from a\ncredential of the same name in "
                 "`$CREDENTIALS_DIRECTORY`; the credential comes first, then the file, then the "
                 "variable.\nAn empty variable counts as not set. `ordod --check-config` reports "
                 "everything that is wrong at once.\n\n"
                 "Durations are a whole number and `ms`, `s`, `m`, `h` or `d`; sizes a whole "
                 "number and nothing, `KiB`, `MiB` or `GiB`.\nLists are separated by commas.\n");
        for (unsigned s = 0; s < _SECTION_MAX; s++) {
                text_addf(ret, "\n## %s\n\n", option_sections[s]);
                if (s == SECTION_ACCOUNT)
                        text_add(ret, "One set for every account, named in upper case: "
                                      "`paper:demo` has `ORDO_PAPER_DEMO_FUNDS`.\n\n");
                if (s == SECTION_ACCESS)
                        text_add(ret,
                                 "One set for every account of a real broker: `fyers:main` has "
                                 "`ORDO_FYERS_MAIN_CLIENT_ID`.\n"
                                 "[brokers.md](brokers.md) says what each broker needs.\n\n");
                text_add(ret, "| name | value | default | meaning |\n|---|---|---|---|\n");
                for (unsigned i = 0; i < n_options; i++)
                        if (options[i].section == s)
                                docs_option(ret, &options[i]);
        }
}

/* troff: hyphens that are typed are written \-, and no line may begin with a dot or a quote. */
static void add_troff(struct text *t, const char *s)
{
        if (*s == '.' || *s == '\'')
                text_add(t, "\\&");
        for (; *s; s++) {
                if (*s == '\\')
                        text_add(t, "\\e");
                else if (*s == '-')
                        text_add(t, "\\-");
                else
                        text_add_char(t, *s);
        }
}

static void man_option(struct text *t, const struct option *o)
{
        char name[OPTION_NAME_SIZE];
        option_name(o, o->flags & OPTION_PER_ACCOUNT ? &pattern : NULL, name);
        _cleanup_(text_done) struct text form = TEXT_NULL, notes = TEXT_NULL, fallback = TEXT_NULL;
        add_form(&form, o);
        add_notes(&notes, o);
        add_default(&fallback, o);
        text_add(t, ".TP\n\\fB");
        add_troff(t, name);
        text_add(t, "\\fR\n");
        add_troff(t, o->help);
        add_troff(t, text_str(&notes));
        text_add(t, "\n.br\nValue: ");
        add_troff(t, text_str(&form));
        text_add(t, ". Default: ");
        add_troff(t, text_str(&fallback));
        text_add(t, ".\n");
}

void config_print_man(struct text *ret)
{
        text_add(ret, ".SH OPTIONS\n");
        for (unsigned s = 0; s < _SECTION_MAX; s++) {
                text_addf(ret, ".SS %s\n", option_sections[s]);
                for (unsigned i = 0; i < n_options; i++)
                        if (options[i].section == s)
                                man_option(ret, &options[i]);
        }
}
