/* Background jobs: long work that must delay neither the loop nor the ledger, on one jobs thread. A
 * job is a row of the table in job.c: every so often, or when it is kicked, it runs on that thread
 * and reports back. */
#pragma once

#include "orchestrator/orchestrator.h"

struct jobs;
struct job_view;

/* `error` may stay empty. */
int jobs_new(struct orchestrator *o, char error[static STORE_ERROR_SIZE]);
void jobs_start(struct orchestrator *o);
/* Waits for the running one. */
void jobs_free(struct orchestrator *o);
/* A master waits to be loaded. */
void jobs_kick(struct orchestrator *o);
/* Does not wait for its time. */
void jobs_export_now(struct orchestrator *o);
unsigned jobs_list(const struct orchestrator *o, const struct job_view **ret);
