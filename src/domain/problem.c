#include "domain/problem.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static const struct {
        const char *code;
        int status;
        bool retry_safe;
        const char *title;
        const char *meaning;
} problems[_PROBLEM_MAX] = {
#define X(code_, status_, retry_safe_, title_, meaning_) \
        [PROBLEM_##code_] = {#code_, status_, retry_safe_, title_, meaning_},
        PROBLEM_TABLE(X)
#undef X
};

const char *problem_code(enum problem p)
{
        assert(p < _PROBLEM_MAX);
        return problems[p].code;
}

int problem_status(enum problem p)
{
        assert(p < _PROBLEM_MAX);
        return problems[p].status;
}

bool problem_retry_safe(enum problem p)
{
        assert(p < _PROBLEM_MAX);
        return problems[p].retry_safe;
}

const char *problem_title(enum problem p)
{
        assert(p < _PROBLEM_MAX);
        return problems[p].title;
}

const char *problem_meaning(enum problem p)
{
        assert(p < _PROBLEM_MAX);
        return problems[p].meaning;
}

int problem_from_code(const char *code)
{
        for (int i = 0; code && i < _PROBLEM_MAX; i++)
                if (strcmp(problems[i].code, code) == 0)
                        return i;
        return -EINVAL;
}
