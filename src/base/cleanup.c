#include <unistd.h>

#include "base/cleanup.h"

void closep(int *fd)
{
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}
