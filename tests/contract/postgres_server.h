/* A PostgreSQL server of the test's own: Debian's package, a temporary directory, a unix socket,
 * and never root. It ends with the test program, however that ends. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Starts it in a directory of its own below `place`. Not `durable`: nothing is synced, for tests
 * that lose no power. NULL, or why it cannot run here. */
const char *postgres_server_start(const char *place, bool durable);
void postgres_server_stop(void);
/* As kill -9 would end it, and as it comes back. */
void postgres_server_kill(void);
void postgres_server_restart(void);

/* The directory with the server's socket. */
const char *postgres_server_dir(void);
/* Runs one of its programs, named first: its output, and whether it succeeded. */
bool postgres_server_run(const char *const *arguments, char *out, size_t size);
/* A new, empty database; its URL, overwritten by the next call. */
const char *postgres_server_database(void);
/* The same with what another one has in it. */
const char *postgres_server_database_like(const char *template);
/* The URL of the database for a role; overwritten by the next call. */
const char *postgres_server_url_as(const char *role);
/* Runs a file as psql would that has one statement, or \connect, on each line. */
void postgres_server_script(const char *path);
/* The same database behind another socket directory, for a proxy. */
const char *postgres_server_url_at(const char *directory);
/* Runs statements on the database, as a person with psql would. */
void postgres_server_sql(const char *statements);
/* The first cell of the first row. */
void postgres_server_ask(const char *query, char *ret, size_t size);
int64_t postgres_server_count(const char *query);
/* A session of its own runs them and stays open, until it is let go. */
void postgres_server_hold(const char *statements);
void postgres_server_let_go(void);
/* Everybody but the tests' own role must have one. */
void postgres_server_demand_passwords(bool on);
