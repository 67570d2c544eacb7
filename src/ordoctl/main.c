/* ordoctl: the command line of Ordo. It finds the command in the table (commands.c) and runs it. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ordoctl/arguments.h"
#include "ordoctl/client.h"
#include "ordoctl/commands.h"
#include "ordoctl/help.h"
#include "ordoctl/host.h"

static bool colour_wanted(void)
{
        const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

        return isatty(STDOUT_FILENO) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

int main(int argc, char *argv[])
{
        struct ctl c;

        if (argc == 2 && strcmp(argv[1], "--version") == 0)
                return run_version(&c);
        int r = arguments_read(argc, argv, &c);
        if (r != CTL_OK)
                return r;
        c.colour = colour_wanted();
        c.host = &host_installed;
        host_fill(c.host);
        (void)sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
        if (!c.command) {
                if (ctl_flag(&c, "help"))
                        return help_all();
                (void)help_all();
                return CTL_USAGE;
        }
        r = ctl_flag(&c, "help") ? help_command(c.command) : c.command->run(&c);
        c.client = client_close(c.client);
        return r;
}
