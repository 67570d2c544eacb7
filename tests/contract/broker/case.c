#include "case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const section_names[_CASE_SECTION_MAX] = {"call", "request", "reply", "result"};

static char *read_file(const char *path)
{
        FILE *f = fopen(path, "re");
        struct text t = TEXT_NULL;
        char buf[4096];
        size_t n;
        if (!f)
                return NULL;
        while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
                text_add_bytes(&t, buf, n);
        fclose(f);
        text_add_char(&t, '\n');
        return text_take(&t);
}

static char *trim(char *s)
{
        while (*s == ' ' || *s == '\t')
                s++;
        char *end = s + strlen(s);
        while (end > s && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
                end--;
        *end = '\0';
        return s;
}

/* Everything up to a line with a single point, in place. */
static char *take_block(char **rest)
{
        char *block = *rest, *end = strncmp(block, ".\n", 2) == 0 ? block : strstr(block, "\n.\n");
        if (!end)
                return NULL;
        *rest = end + (end == block ? 2 : 3);
        *end = '\0';
        return block;
}

static int section_of(const char *line)
{
        for (int i = 0; i < _CASE_SECTION_MAX; i++) {
                size_t n = strlen(section_names[i]);
                if (line[0] == '[' && strncmp(line + 1, section_names[i], n) == 0 &&
                    strcmp(line + 1 + n, "]") == 0)
                        return i;
        }
        return -1;
}

static bool add_line(struct broker_case *c, int section, char *line, char **rest)
{
        char *equals = strstr(line, "="), *block = strstr(line, "<<");
        if (section < 0 || c->n_lines == CASE_LINES_MAX)
                return false;
        struct case_line *l = &c->lines[c->n_lines++];
        l->section = (enum case_section)section;
        l->used = false;
        if (block && (!equals || block < equals)) {
                *block = '\0';
                l->value = take_block(rest);
        } else if (equals) {
                *equals = '\0';
                l->value = trim(equals + 1);
        } else {
                return false;
        }
        l->key = trim(line);
        return l->value && *l->key;
}

static void build_body(struct broker_case *c)
{
        const char *body = case_get(c, CASE_REPLY, "body"), *pad = case_get(c, CASE_REPLY, "pad");
        if (body)
                text_add(&c->body, body);
        for (long n = pad ? strtol(pad, NULL, 10) : 0; n > 0; n--)
                text_add_char(&c->body, 'x');
}

bool case_read(struct broker_case *c, const char *path, char *fault, size_t size)
{
        const char *name = strrchr(path, '/');
        int section = -1;
        *c = (struct broker_case){};
        text_copy(c->name, sizeof(c->name), name ? name + 1 : path);
        c->text = read_file(path);
        if (!c->text) {
                snprintf(fault, size, "cannot be read");
                return false;
        }
        for (char *rest = c->text; *rest;) {
                char *line = rest, *end = strchr(rest, '\n');
                *end = '\0';
                rest = end + 1;
                line = trim(line);
                int begins = section_of(line);
                if (!*line || *line == '#')
                        continue;
                if (begins > section) {
                        section = begins;
                        c->has[section] = true;
                } else if (!add_line(c, section, line, &rest)) {
                        snprintf(fault, size, "line not understood: %s", line);
                        return false;
                }
        }
        build_body(c);
        return true;
}

void case_done(struct broker_case *c)
{
        text_done(&c->body);
        free(c->text);
        c->text = NULL;
}

const char *case_get(struct broker_case *c, enum case_section s, const char *key)
{
        for (unsigned i = 0; i < c->n_lines; i++)
                if (c->lines[i].section == s && strcmp(c->lines[i].key, key) == 0) {
                        c->lines[i].used = true;
                        return c->lines[i].value;
                }
        return NULL;
}

struct case_line *case_next(struct broker_case *c, enum case_section s, const char *prefix,
                            unsigned *at)
{
        for (; *at < c->n_lines; ++*at) {
                struct case_line *l = &c->lines[*at];
                if (l->section == s && strncmp(l->key, prefix, strlen(prefix)) == 0) {
                        l->used = true;
                        ++*at;
                        return l;
                }
        }
        return NULL;
}

const char *case_unused(const struct broker_case *c)
{
        for (unsigned i = 0; i < c->n_lines; i++)
                if (!c->lines[i].used)
                        return c->lines[i].key;
        return NULL;
}
