#include "store/ulid.h"

#include <string.h>

#include "base/clock.h"

#define TIME_DIGITS 10

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* Crockford's */

int64_t ulid_time_us(const char *id)
{
        int64_t ms = 0;

        if (!id_valid(id, strlen(id)))
                return 0;
        for (int i = 0; i < TIME_DIGITS; i++)
                ms = ms << 5 | (strchr(alphabet, id[i]) - alphabet);
        return ms * USEC_PER_MS;
}

void ulid_first(int64_t wall_us, char ret[static ID_SIZE])
{
        int64_t ms = wall_us > 0 ? wall_us / USEC_PER_MS : 0;

        memset(ret, '0', ID_SIZE - 1);
        ret[ID_SIZE - 1] = '\0';
        for (int i = TIME_DIGITS - 1; i >= 0; i--, ms >>= 5)
                ret[i] = alphabet[ms & 31];
}
