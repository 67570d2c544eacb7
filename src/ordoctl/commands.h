/* The one table of commands. Help, the bash completion and the command list of ordoctl(1) are made
 * from it, and the command line is read by it. */
#pragma once

#include <stdbool.h>

#include "ordoctl/ctl.h"

struct command_option {
        const char *name;
        const char *argument; /* NULL: a flag. "FILE" is completed as a path */
        const char *help;
        const char *words; /* what its value may be, for the completion: "DAY IOC" */
        bool many;         /* may be given more than once */
};

struct command {
        const char *name;
        const char *synopsis; /* operands and the most important options */
        const char *help;     /* one line */
        const char *details;  /* a paragraph, or NULL */
        const char *words;    /* what the first operand may be, for the completion */
        unsigned min_operands, max_operands;
        bool offline;                         /* needs no daemon */
        const struct command_option *options; /* ends with a NULL name; NULL: none */
        int (*run)(struct ctl *c);
};

extern const struct command commands[];
extern const unsigned n_commands;
/* Understood by every command. */
extern const struct command_option global_options[];

const struct command *command_find(const char *name);
/* The name that was probably meant, or NULL. */
const char *command_nearest(const char *name);
const struct command_option *command_option_find(const struct command *command, const char *name,
                                                 size_t n);

/* The functions of the table, by file. All return an exit code. */
int run_order(struct ctl *c);  /* order_place.c */
int run_orders(struct ctl *c); /* order_list.c */
int run_reconcile(struct ctl *c);
int run_show(struct ctl *c);
int run_modify(struct ctl *c); /* order_change.c */
int run_cancel(struct ctl *c);
int run_resolve(struct ctl *c);
int run_trades(struct ctl *c); /* portfolio.c */
int run_portfolio(struct ctl *c);
int run_positions(struct ctl *c);
int run_preopen(struct ctl *c);
int run_reload(struct ctl *c);
int run_holdings(struct ctl *c);
int run_funds(struct ctl *c);
int run_quote(struct ctl *c); /* market.c */
int run_instruments(struct ctl *c);
int run_status(struct ctl *c); /* status.c */
int run_accounts(struct ctl *c);
int run_jobs(struct ctl *c);
int run_killswitch(struct ctl *c); /* killswitch.c */
int run_login(struct ctl *c);      /* login.c */
int run_logout(struct ctl *c);
int run_events(struct ctl *c);       /* events.c */
int run_audit(struct ctl *c);        /* audit.c */
int run_key(struct ctl *c);          /* key.c */
int run_check_config(struct ctl *c); /* offline.c */
int run_migrate(struct ctl *c);
int run_backup(struct ctl *c);
int run_restore(struct ctl *c); /* restore.c */
int run_db(struct ctl *c);      /* db.c */
int run_version(struct ctl *c); /* help.c */
int run_help(struct ctl *c);
