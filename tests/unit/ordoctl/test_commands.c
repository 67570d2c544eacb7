#include "suite.h"

#include <ctype.h>
#include <string.h>

#include "domain/words.h"
#include "ordoctl/ask.h"
#include "ordoctl/help.h"

START_TEST(test_rows_are_whole)
{
        for (unsigned i = 0; i < n_commands; i++) {
                const struct command *c = &commands[i];
                ck_assert_ptr_nonnull(c->run);
                ck_assert_ptr_nonnull(c->synopsis);
                ck_assert_ptr_eq(command_find(c->name), c);
                ck_assert(islower((unsigned char)c->help[0]));
                ck_assert_int_ne(c->help[strlen(c->help) - 1], '.');
                ck_assert_uint_le(c->min_operands, c->max_operands);
                ck_assert_uint_le(c->max_operands, ARGUMENTS_MAX);
        }
}
END_TEST

/* A command's option that hides a global one, or itself, would be read as the other. */
START_TEST(test_option_names_are_unique)
{
        for (unsigned i = 0; i < n_commands; i++)
                for (const struct command_option *o = commands[i].options; o && o->name; o++)
                        ck_assert_ptr_eq(
                                command_option_find(&commands[i], o->name, strlen(o->name)), o);
}
END_TEST

START_TEST(test_nearest_name)
{
        ck_assert_str_eq(command_nearest("ordrs"), "orders");
        ck_assert_str_eq(command_nearest("kill"), "killswitch");
        ck_assert_str_eq(command_nearest("cancle"), "cancel");
        ck_assert_ptr_null(command_nearest("zzzzzzzz"));
        ck_assert_ptr_null(command_nearest("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}
END_TEST

static void each_word(const char *command, const char *option, int (*from)(const char *s, size_t n),
                      int n)
{
        const struct command *c = command_find(command);
        const char *s = command_option_find(c, option, strlen(option))->words;
        int count = 0;

        while (*s) {
                size_t k = strcspn(s, " ");
                ck_assert_int_ge(from(s, k), 0);
                count++;
                s += k + (s[k] == ' ');
        }
        ck_assert_int_eq(count, n);
}

START_TEST(test_words_are_those_of_the_domain)
{
        each_word("order", "type", order_type_from, _ORDER_TYPE_MAX);
        each_word("order", "product", product_from, _PRODUCT_MAX);
        each_word("order", "validity", validity_from, _VALIDITY_MAX);
        each_word("orders", "status", order_status_from, _ORDER_STATUS_MAX);
        each_word("instruments", "exchange", exchange_from, _EXCHANGE_MAX);
}
END_TEST

START_TEST(test_documents_name_everything)
{
        _cleanup_(text_done) struct text bash = TEXT_NULL, man = TEXT_NULL, all = TEXT_NULL;
        help_print_bash(&bash);
        help_print_man(&man);
        help_print_all(&all);
        ck_assert_int_eq(bash.failed | man.failed | all.failed, 0);
        for (unsigned i = 0; i < n_commands; i++) {
                _cleanup_(text_done) struct text row = TEXT_NULL, section = TEXT_NULL;
                text_addf(&row, "\n  %s ", commands[i].name);
                text_addf(&section, ".SS \"%s ", commands[i].name);
                ck_assert_ptr_nonnull(strstr(bash.data, commands[i].name));
                ck_assert_ptr_nonnull(strstr(man.data, section.data));
                ck_assert_ptr_nonnull(strstr(all.data, row.data));
                for (const struct command_option *o = commands[i].options; o && o->name; o++)
                        ck_assert_ptr_nonnull(strstr(bash.data, o->name));
        }
}
END_TEST

START_TEST(test_exit_codes_by_status)
{
        static const struct {
                long status;
                int code;
        } cases[] = {{200, CTL_OK},         {201, CTL_OK},         {202, CTL_PARTIAL},
                     {207, CTL_PARTIAL},    {400, CTL_REFUSED},    {401, CTL_REFUSED},
                     {404, CTL_REFUSED},    {409, CTL_REFUSED},    {422, CTL_REFUSED},
                     {423, CTL_REFUSED},    {429, CTL_REFUSED},    {503, CTL_REFUSED},
                     {500, CTL_UNEXPECTED}, {502, CTL_UNEXPECTED}, {302, CTL_UNEXPECTED},
                     {204, CTL_UNEXPECTED}, {0, CTL_UNEXPECTED}};
        for (size_t i = 0; i < ELEMENTS(cases); i++)
                ck_assert_int_eq(ask_exit(cases[i].status), cases[i].code);
}
END_TEST

static int results(const char *text)
{
        _cleanup_(json_freep) struct json_object *o = json_tokener_parse(text);
        return ask_results_exit(o);
}

START_TEST(test_exit_codes_by_results)
{
        ck_assert_int_eq(results("[]"), CTL_OK);
        ck_assert_int_eq(results("{}"), CTL_OK);
        ck_assert_int_eq(results("[{\"status\":\"success\"}]"), CTL_OK);
        ck_assert_int_eq(results("[{\"status\":\"failed\"}]"), CTL_REFUSED);
        ck_assert_int_eq(results("[{\"status\":\"failed\"},{\"status\":\"success\"}]"),
                         CTL_PARTIAL);
        ck_assert_int_eq(results("[{\"status\":\"pending\"}]"), CTL_PARTIAL);
}
END_TEST

START_TEST(test_query_strings)
{
        _cleanup_(text_done) struct text path = TEXT_NULL;
        text_add(&path, "/x");
        path_add(&path, "a", NULL);
        path_add(&path, "b", "NSE:M&M");
        path_add(&path, "c", "1");
        ck_assert_str_eq(path.data, "/x?b=NSE%3AM%26M&c=1");
}
END_TEST

SUITE("commands", test_rows_are_whole, test_option_names_are_unique, test_nearest_name,
      test_words_are_those_of_the_domain, test_documents_name_everything, test_exit_codes_by_status,
      test_exit_codes_by_results, test_query_strings)
