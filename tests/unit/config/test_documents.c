/* The generated documents: the ones in the tree are what the table says, and they say everything.
 */
#include "config/options.h"
#include "fixture.h"

static char *read_file(const char *name)
{
        char path[512];
        snprintf(path, sizeof(path), "%s/%s", SOURCE_ROOT, name);
        FILE *file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        char *data = calloc(1, 1 << 20);
        size_t n = fread(data, 1, (1 << 20) - 1, file);
        ck_assert_uint_gt(n, 0);
        fclose(file);
        return data;
}

static void check_in_sync(const char *name, void (*print)(struct text *ret))
{
        struct text t = TEXT_NULL;
        print(&t);
        ck_assert_int_eq(t.failed, 0);
        char *tree = read_file(name);
        ck_assert_str_eq(tree, text_str(&t));
        free(tree);
        text_done(&t);
}

START_TEST(test_env_example_in_sync)
{
        check_in_sync(".env.example", config_print_env_example);
}
END_TEST

START_TEST(test_docs_in_sync)
{
        check_in_sync("docs/options.md", config_print_docs);
}
END_TEST

/* Every row: named once in each document, with a help sentence, a default of its own type. */
START_TEST(test_rows)
{
        void (*const prints[])(struct text *) = {config_print_env_example, config_print_docs,
                                                 config_print_man};
        for (unsigned d = 0; d < ELEMENTS(prints); d++) {
                struct text t = TEXT_NULL;
                prints[d](&t);
                for (unsigned i = 0; i < n_options; i++)
                        ck_assert_msg(strstr(text_str(&t), options[i].name), "%s is missing in %u",
                                      options[i].name, d);
                text_done(&t);
        }
        for (unsigned i = 0; i < n_options; i++) {
                const struct option *o = &options[i];
                size_t n = strlen(o->help);
                ck_assert_msg(n > 10 && o->help[n - 1] == '.', "%s has no sentence", o->name);
                ck_assert_msg(o->fallback || o->absent, "%s has no default", o->name);
                ck_assert_msg(o->fallback || o->example || option_secret(o), "%s: no example",
                              o->name);
                /* A text may be left out; a limit has a number. */
                if (o->flags & OPTION_PER_ACCOUNT && !(o->flags & OPTION_REAL_ONLY) &&
                    o->type != OPTION_STRING)
                        ck_assert_ptr_nonnull(o->fallback);
                if (o->fallback_real)
                        ck_assert_str_ne(o->fallback_real, o->fallback);
                else
                        ck_assert(o->flags & OPTION_PER_ACCOUNT || text_starts(o->name, "ORDO_"));
                for (unsigned k = 0; k < i; k++)
                        ck_assert_str_ne(o->name, options[k].name);
        }
}
END_TEST

/* With every comment taken away the example says what holds without it. */
START_TEST(test_env_example_loads)
{
        struct fixture f;
        fixture_init(&f);
        char *example = read_file(".env.example");
        for (char *save, *line = strtok_r(example, "\n", &save); line;
             line = strtok_r(NULL, "\n", &save)) {
                char *equals = strchr(line, '=');
                if (!text_starts(line, "#ORDO_") || !equals)
                        continue;
                *equals = '\0';
                /* files that are not on this machine */
                static const char *const skipped[] = {"TLS_", "_DIR", "ENV_FILE", "CA_FILE"};
                bool skip = false;
                for (unsigned i = 0; i < ELEMENTS(skipped); i++)
                        skip |= strstr(line, skipped[i]) != NULL;
                if (skip)
                        continue;
                /* The account of the last section is not one of the default, its secrets are to be
                 * filled in. */
                if (text_equal(line, "#ORDO_ACCOUNTS"))
                        equals = "=paper:demo,fyers:main";
                if (text_starts(line, "#ORDO_FYERS_") && equals[1] == '\0')
                        equals = strstr(line, "TOTP") ? "=JBSWY3DPEHPK3PXP" : "=abc";
                fixture_set(&f, line + 1, equals + 1);
        }
        /* What the example of BROKER_RATES is for. */
        fixture_set(&f, "ORDO_FYERS_MAIN_ALGO_REGISTERED", "yes");
        ck_assert_uint_gt(f.n, 30);
        ck_assert_int_eq(fixture_load(&f), 0);
        ck_assert_uint_eq(f.faults.n, 0);
        free(example);
        fixture_done(&f);
}
END_TEST

/* No line of the man page is taken for a request by accident. */
START_TEST(test_man)
{
        struct text t = TEXT_NULL;
        config_print_man(&t);
        for (const char *line = text_str(&t); line && *line;
             line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
                if (line[0] == '.')
                        ck_assert(text_starts(line, ".SH ") || text_starts(line, ".SS ") ||
                                  text_starts(line, ".TP\n") || text_starts(line, ".br\n"));
                ck_assert(line[0] != '\'');
        }
        text_done(&t);
}
END_TEST

SUITE("config/documents", test_env_example_in_sync, test_docs_in_sync, test_rows,
      test_env_example_loads, test_man)
