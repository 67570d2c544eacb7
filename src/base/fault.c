#include "base/fault.h"

#ifdef ORDO_FAULTS
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

static atomic_bool wanted[_FAULT_MAX];

void fault_set(enum fault f)
{
        atomic_store(&wanted[f], true);
}

void fault_point(enum fault f)
{
        while (atomic_load(&wanted[f]))
                (void)pause();
}
#endif
