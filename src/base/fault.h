/* Faults that a system test asks for, to see that the watchdog notices. They are compiled in by
 * -Dfaults=true only, which no package and no ordinary build has. */
#pragma once

enum fault {
        FAULT_STORE, /* the store thread hangs before its next group */
        FAULT_LOOP,  /* the loop hangs */
        _FAULT_MAX
};

#ifdef ORDO_FAULTS
void fault_set(enum fault f); /* any thread */
/* Never returns once the fault is set. */
void fault_point(enum fault f);
#else
#define fault_point(f) ((void)0)
#endif
