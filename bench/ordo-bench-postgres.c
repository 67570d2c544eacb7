#include "ordo-bench-postgres.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../tests/contract/postgres_server.h"
#include "base/cleanup.h"

#define FLOOR_SECONDS "4"

/* What an order writes, in two transactions with one trip each; every client by itself, and nothing
 * is looked up, hashed or locked. */
static const char script[] =
        "\\set n random(1, 9000000000000000000)\n"
        "\\startpipeline\n"
        "BEGIN;\n"
        "INSERT INTO orders VALUES "
        "(nextval('floor_row'),'01ARZ3ND'||:n::bigint,1,1,'key','3b241101-e2bb-4255-"
        "8caf-4136c566a962','','NSE.SBIN','BUY','LIMIT','CNC','DAY',1,10500000,0,0,0,'');\n"
        "INSERT INTO legs VALUES "
        "(currval('floor_row')*64+1,1,'paper.bench','sending',0,2,'unknown',"
        "'PENDING',NULL,'T'||:n::bigint,1,1,'LIMIT',10500000,0,'','NONE','','','','',0,0,0,1,0,1,0,"
        "1,'');\n"
        "INSERT INTO idempotency_keys VALUES (currval('floor_row'),:n::bigint,'key POST "
        "/api/v1/orders',"
        "'0123456789abcdef'||:n::bigint,decode('0123456789abcdef0123456789abcdef','hex'),1);\n"
        "INSERT INTO audit VALUES "
        "(currval('floor_row')*2,1,'order.intent','paper.bench','01ARZ3ND',"
        "repeat('0123456789',80));\n"
        "COMMIT;\n"
        "\\endpipeline\n"
        "\\startpipeline\n"
        "BEGIN;\n"
        "UPDATE legs SET state='settled',worth=10500000,watch=0,outcome='accepted',status='FILLED',"
        "broker_order_id='26112800000121',filled_quantity=1,average_price=10500000,updated_us=2,"
        "evidence='1 2 3 4 200 1 1 local' WHERE row=currval('floor_row')*64+1;\n"
        "INSERT INTO answers VALUES (currval('floor_row'),201,repeat('0123456789',60));\n"
        "INSERT INTO audit VALUES "
        "(currval('floor_row')*2+1,1,'leg.updated','paper.bench','01ARZ3ND',"
        "repeat('0123456789',80));\n"
        "INSERT INTO guest_rows VALUES "
        "(:n::bigint::text,'order','paper.bench','paper',decode('0123456789abcdef"
        "0123456789abcdef','hex'));\n"
        "COMMIT;\n"
        "\\endpipeline\n";

int bench_postgres_start(struct bench *b)
{
        const char *why = postgres_server_start(b->paths.place, true);
        if (why) {
                (void)snprintf(b->fault, sizeof(b->fault), "%s", why);
                return -ENOENT;
        }
        b->paths.new_database = postgres_server_database;
        return 0;
}

void bench_postgres_stop(void)
{
        postgres_server_stop();
}

static const char schema[] = BENCH_SOURCE "/migrations/postgres/0001_ledger.sql";

/* The ledger's tables in a database of their own, and the script beside it. */
static int prepare(const char *url, const char *file, char fault[static LOAD_FAULT_SIZE])
{
        const char *const arguments[] = {"psql",
                                         "-X",
                                         "-q",
                                         "-v",
                                         "ON_ERROR_STOP=1",
                                         "-f",
                                         schema,
                                         "-c",
                                         "CREATE SEQUENCE floor_row",
                                         url,
                                         NULL};
        char out[512];

        FILE *f = fopen(file, "we");
        if (!f)
                return -errno;
        (void)fputs(script, f);
        if (fclose(f) != 0)
                return -errno;
        if (postgres_server_run(arguments, out, sizeof(out)))
                return 0;
        (void)snprintf(fault, LOAD_FAULT_SIZE, "psql: %.100s", out);
        return -EIO;
}

static int measure(struct bench *b, const char *url, const char *file, unsigned crowd)
{
        char out[8192], name[REPORT_NAME_SIZE], clients[12];
        const char *const arguments[] = {"pgbench", "-n", "-M",    "prepared", "-j",
                                         "1",       "-c", clients, "-T",       FLOOR_SECONDS,
                                         "-f",      file, url,     NULL};

        (void)snprintf(clients, sizeof(clients), "%u", bench_crowds[crowd]);
        bool ran = postgres_server_run(arguments, out, sizeof(out));
        const char *tps = ran ? strstr(out, "tps = ") : NULL;
        double rate = tps ? strtod(tps + strlen("tps = "), NULL) : 0;
        if (rate <= 0) {
                (void)snprintf(b->fault, sizeof(b->fault), "pgbench: %.100s", out);
                return -EIO;
        }
        b->commit[crowd] =
                (struct spread){.p50_ms = 1000 / rate * bench_crowds[crowd] / ORDER_COMMITS};
        (void)snprintf(name, sizeof(name), "floor: pgbench, the two commits, %u",
                       bench_crowds[crowd]);
        report_value(&b->report, name, rate, "/s");
        return 0;
}

int bench_postgres_floors(struct bench *b)
{
        _cleanup_(freep) char *file = NULL, *url = strdup(postgres_server_database());

        if (!url || asprintf(&file, "%s/floor.sql", postgres_server_dir()) < 0)
                return -ENOMEM;
        int r = prepare(url, file, b->fault);
        for (unsigned i = 0; i < BENCH_CROWDS && r == 0; i++)
                r = measure(b, url, file, i);
        return r;
}
