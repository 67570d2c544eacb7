/* units/ordo.catalog against the table of events: one entry each, in order, whole. */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "domain/event.h"

#define WIDTH       100
#define SEPARATOR   "\n-- "
#define ID_SIZE     32
#define TEXT_AT_MIN 80 /* a sentence of what it means and one of what to do */

static const struct {
        const char *name, *id;
} events[] = {
#define X(name, id, text) {#name, id},
        EVENT_TABLE(X)
#undef X
};
#define N_EVENTS (sizeof(events) / sizeof(events[0]))

static char catalog[64 << 10];

static void read_catalog(void)
{
        FILE *file = fopen(CATALOG, "re");
        ck_assert_ptr_nonnull(file);
        size_t n = fread(catalog, 1, sizeof(catalog) - 1, file);
        ck_assert_uint_gt(n, 0);
        ck_assert_uint_lt(n, sizeof(catalog) - 1);
        fclose(file);
}

/* The next entry at or behind `from`, or NULL. */
static char *entry(char *from)
{
        char *at = strstr(from, SEPARATOR);
        return at ? at + strlen(SEPARATOR) : NULL;
}

static const char *line_after(const char *s)
{
        const char *end = strchr(s, '\n');
        ck_assert_ptr_nonnull(end);
        return end + 1;
}

START_TEST(every_event_has_its_entry_in_order)
{
        read_catalog();
        char *at = catalog;
        for (size_t i = 0; i < N_EVENTS; i++) {
                at = entry(at);
                ck_assert_msg(at, "there is no entry for %s", events[i].name);
                ck_assert_msg(strncmp(at, events[i].id, ID_SIZE) == 0 && at[ID_SIZE] == '\n',
                              "the entry of %s should be here, not %.32s", events[i].name, at);
        }
        ck_assert_msg(!entry(at), "an entry of no event: %.32s", entry(at));
}
END_TEST

START_TEST(every_entry_is_whole)
{
        read_catalog();
        char *at = catalog;
        for (size_t i = 0; i < N_EVENTS && (at = entry(at)); i++) {
                const char *name = events[i].name, *s = line_after(at);
                ck_assert_msg(strncmp(s, "Subject: ", 9) == 0 && s[9] != '\n', "%s: Subject", name);
                s = line_after(s);
                ck_assert_msg(strncmp(s, "Defined-By: Ordo\n", 17) == 0, "%s: Defined-By", name);
                s = line_after(s);
                ck_assert_msg(strncmp(s, "Support: ", 9) == 0 && s[9] != '\n', "%s: Support", name);
                s = line_after(s);
                ck_assert_msg(*s == '\n', "%s: an empty line before the text", name);
                const char *end = strstr(s, SEPARATOR);
                ck_assert_msg((end ? (size_t)(end - s) : strlen(s)) > TEXT_AT_MIN, "%s: text",
                              name);
        }
}
END_TEST

/* @ORDO_ACCOUNT@: what is no field of ours would be printed as it stands. */
START_TEST(fields_are_ours_and_lines_are_short)
{
        read_catalog();
        for (const char *s = catalog; *s; s = line_after(s))
                ck_assert_msg(strcspn(s, "\n") <= WIDTH, "too long: %.60s", s);
        for (const char *s = strchr(catalog, '@'); s; s = strchr(s, '@')) {
                size_t n = strspn(s + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
                ck_assert_msg(strncmp(s + 1, "ORDO_", 5) == 0 && s[n + 1] == '@',
                              "not a field: %.20s", s);
                s += n + 2;
        }
}
END_TEST

SUITE("catalog", every_event_has_its_entry_in_order, every_entry_is_whole,
      fields_are_ours_and_lines_are_short)
