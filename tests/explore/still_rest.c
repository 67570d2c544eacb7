/* What else of the daemon has no place in the explorer's world, in place of orchestrator/job.c (a
 * thread of its own), orchestrator/sweep.c (its duties are the explorer's, see scene.c) and
 * base/id.c (random: here the n-th id of a run is always the same). */
#include <stdio.h>
#include <unistd.h>

#include "base/id.h"
#include "orchestrator/job.h"
#include "orchestrator/sweep.h"
#include "still_rest.h"

static unsigned made;

void still_rest_begin(void)
{
        made = 0;
}

void id_make(char buf[static ID_SIZE])
{
        snprintf(buf, ID_SIZE, "01EXPL%020u", ++made);
}

bool id_valid(const char *s, size_t n)
{
        return n == ID_SIZE - 1;
}

void tag_make(char buf[static TAG_SIZE])
{
        snprintf(buf, TAG_SIZE, "T%015u", ++made);
}

void tag_make_number(char buf[static TAG_SIZE])
{
        snprintf(buf, TAG_SIZE, "%016u", ++made);
}

void uuid_make(char buf[static UUID_SIZE])
{
        snprintf(buf, UUID_SIZE, "00000000-0000-4000-8000-%012u", ++made);
}

int jobs_new(struct orchestrator *o, char error[static STORE_ERROR_SIZE])
{
        return 0;
}

void jobs_start(struct orchestrator *o)
{
}

void jobs_free(struct orchestrator *o)
{
}

void jobs_kick(struct orchestrator *o)
{
}

void sweep_start(struct orchestrator *o)
{
}

void sweep_stop(struct orchestrator *o)
{
}

unsigned jobs_list(const struct orchestrator *o, const struct job_view **ret)
{
        *ret = NULL;
        return 0;
}

/* The marker of the kill switch must outlive a daemon here, not a machine. */
int fsync(int fd)
{
        return 0;
}

/* Asked by the leak sanitizer at the end: what a daemon that died held is not given back. */
int __lsan_is_turned_off(void); /* NOLINT(bugprone-reserved-identifier) */
int __lsan_is_turned_off(void)  /* NOLINT(bugprone-reserved-identifier) */
{
        return 1;
}
