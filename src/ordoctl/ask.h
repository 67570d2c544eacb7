/* Asking the daemon, and what every command does with an answer: verbatim JSON on request, problems
 * in words, exit codes. */
#pragma once

#include "ordoctl/client.h"
#include "ordoctl/commands.h"
#include "ordoctl/table.h"

/* Sends the request. True: a 2xx with JSON, for the caller to show unless c->json printed it
 * already; otherwise everything was said. `*ret_exit` in both cases. */
bool ask(struct ctl *c, const struct request *r, struct answer *a, int *ret_exit);
/* The same for an answer with "results" of accounts: `*ret_exit` says whether some or all failed.
 * True: for the caller to show. */
bool ask_results(struct ctl *c, const struct request *r, struct answer *a, int *ret_exit);
/* What ask() does, for an answer that is there. */
bool ask_judge(struct ctl *c, const struct answer *a, int *ret_exit);
/* By HTTP status. */
int ask_exit(long status);
/* A problem document on standard error: title, detail, every error, the remedy. */
void ask_print_problem(const struct answer *a);

/* Results of accounts or legs with status "failed" among good ones: CTL_PARTIAL; all: CTL_REFUSED.
 */
int ask_results_exit(struct json_object *results);

/* A path with a query in it: path_add() for each parameter with a value. */
void path_add(struct text *path, const char *name, const char *value);
/* Joins every --account into one parameter. */
void path_add_accounts(const struct ctl *c, struct text *path, const char *name);
/* --name VALUE becomes name=VALUE. */
void path_add_option(const struct ctl *c, struct text *path, const char *option, const char *name);
/* One part of a path, encoded. */
void path_add_part(struct text *path, const char *s);

/* GET `path` and one table of the array `member`; `columns` as of struct table. An exit code. */
int ask_table(struct ctl *c, const char *path, const char *member, const struct column *columns,
              unsigned n_columns, const char *when_empty);
/* The line that says how to go on, when there is a next page. */
void ask_add_cursor(struct json_object *answer, struct text *out);
/* The results of legs, as placing, modifying and cancelling answer them. */
void ask_add_results(const struct ctl *c, struct json_object *answer, struct text *out);
