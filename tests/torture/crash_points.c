/* Prints the names of all crash points, one a line, for the test that goes through them. */
#include <stdio.h>

#include "base/fault.h"

int main(void)
{
#define X(id, name, what) (void)puts(name);
        CRASH_TABLE(X)
#undef X
        return 0;
}
