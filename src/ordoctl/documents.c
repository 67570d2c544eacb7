/* Writes what is made from the tables to standard output: ordoctl-documents bash, or a man page
 * from its frame, where a line @COMMANDS@ stands for ordoctl's commands and @OPTIONS@ for Ordo's
 * options. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "ordoctl/help.h"

static int print_page(const char *path, struct text *ret)
{
        char line[1024];
        FILE *f = fopen(path, "re");

        if (!f)
                return -errno;
        while (fgets(line, sizeof(line), f)) {
                if (strcmp(line, "@COMMANDS@\n") == 0)
                        help_print_man(ret);
                else if (strcmp(line, "@OPTIONS@\n") == 0)
                        config_print_man(ret);
                else
                        text_add(ret, line);
        }
        int r = ferror(f) ? -EIO : 0;
        (void)fclose(f);
        return r;
}

int main(int argc, char *argv[])
{
        _cleanup_(text_done) struct text t = TEXT_NULL;
        int r = -EINVAL;

        if (argc == 2 && strcmp(argv[1], "bash") == 0) {
                help_print_bash(&t);
                r = 0;
        } else if (argc == 3 && strcmp(argv[1], "page") == 0) {
                r = print_page(argv[2], &t);
        }
        if (r < 0)
                return ctl_fail(CTL_USAGE, "usage: ordoctl-documents bash | page FRAME (%s)",
                                strerror(-r));
        return ctl_put(&t);
}
