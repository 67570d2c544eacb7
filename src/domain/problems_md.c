/* Prints docs/problems.md, every code a client can meet, from the one table. */
#include <ctype.h>
#include <stdio.h>

#include "domain/problem.h"

static void print_slug(const char *code)
{
        for (; *code; code++)
                putchar(*code == '_' ? '-' : tolower((unsigned char)*code));
}

int main(void)
{
        printf("# Problems\n"
               "\n"
               "Every answer that is not a success is a problem document (RFC 9457, "
               "`application/problem+json`).\n"
               "`code` is stable and meant for programs; `detail` is for people and may change. "
               "\"Repeat\" says whether\n"
               "the same request may be sent again with a new `Idempotency-Key` without the "
               "danger of a second order.\n"
               "This page is generated from `src/domain/problem.h`.\n"
               "\n"
               "| code | status | repeat | what it means, what to do |\n"
               "|---|---|---|---|\n");
        for (int p = PROBLEM_NONE + 1; p < _PROBLEM_MAX; p++) {
                printf("| <a id=\"");
                print_slug(problem_code(p));
                printf("\"></a>`%s` | %d | %s | %s. %s |\n", problem_code(p), problem_status(p),
                       problem_retry_safe(p) ? "yes" : "no", problem_title(p), problem_meaning(p));
        }
        return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
