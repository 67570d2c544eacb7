#include "domain/account.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

/* [a-z][a-z0-9]*, at most size - 1 characters. */
static bool account_part_valid(const char *s, size_t n, size_t size)
{
        if (n == 0 || n >= size || s[0] < 'a' || s[0] > 'z')
                return false;
        return text_only(s, n, "abcdefghijklmnopqrstuvwxyz0123456789");
}

int account_id_parse(const char *s, size_t n, char ret_id[static ACCOUNT_SIZE])
{
        _Static_assert(BROKER_SLUG_SIZE - 1 + 1 + ACCOUNT_NAME_SIZE <= ACCOUNT_SIZE,
                       "slug, colon and name fit");

        const char *colon = memchr(s, ':', n);
        if (!colon)
                return -EINVAL;
        size_t slug = (size_t)(colon - s);
        if (!account_part_valid(s, slug, BROKER_SLUG_SIZE) ||
            !account_part_valid(colon + 1, n - slug - 1, ACCOUNT_NAME_SIZE))
                return -EINVAL;
        memcpy(ret_id, s, n);
        ret_id[n] = '\0';
        return 0;
}
