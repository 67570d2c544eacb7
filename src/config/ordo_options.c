/* Writes what is generated from the option table to standard output. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/config.h"

int main(int argc, char *argv[])
{
        static const struct {
                const char *word;
                void (*print)(struct text *ret);
        } documents[] = {
                {"env", config_print_env_example},
                {"docs", config_print_docs},
                {"man", config_print_man},
        };
        for (unsigned i = 0; argc == 2 && i < ELEMENTS(documents); i++) {
                if (strcmp(argv[1], documents[i].word) != 0)
                        continue;
                _cleanup_(text_done) struct text t = TEXT_NULL;
                documents[i].print(&t);
                if (t.failed < 0 || fputs(text_str(&t), stdout) == EOF || fflush(stdout) == EOF) {
                        fprintf(stderr, "ordo-options: %s\n",
                                strerror(t.failed < 0 ? -t.failed : errno));
                        return 1;
                }
                return 0;
        }
        fputs("usage: ordo-options env|docs|man\n", stderr);
        return 2;
}
