#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "domain/order.h"

#define PROTECT "protect("

const char *market_policy_print(const struct market_policy *p, char *buf, size_t size)
{
        char percent[DECIMAL_TEXT_SIZE];

        switch (p->kind) {
        case MARKET_REJECT:
                snprintf(buf, size, "reject");
                break;
        case MARKET_BROKER:
                snprintf(buf, size, "broker");
                break;
        case MARKET_PROTECT:
                snprintf(buf, size, PROTECT "%s)", decimal_print_short(p->percent, percent));
                break;
        }
        return buf;
}

int market_policy_parse(const char *s, size_t n, struct market_policy *ret)
{
        const size_t head = sizeof(PROTECT) - 1;
        int64_t percent;

        if (n == 6 && memcmp(s, "reject", 6) == 0) {
                *ret = (struct market_policy){.kind = MARKET_REJECT};
                return 0;
        }
        if (n == 6 && memcmp(s, "broker", 6) == 0) {
                *ret = (struct market_policy){.kind = MARKET_BROKER};
                return 0;
        }
        if (n == 7 && memcmp(s, "protect", 7) == 0) {
                *ret = (struct market_policy){.kind = MARKET_PROTECT, .percent = DECIMAL_ONE};
                return 0;
        }
        if (n < head + 2 || memcmp(s, PROTECT, head) != 0 || s[n - 1] != ')')
                return -EINVAL;
        if (decimal_parse(s + head, n - head - 1, &percent) < 0 || percent <= 0 ||
            percent > MARKET_PROTECT_PERCENT_MAX)
                return -EINVAL;
        *ret = (struct market_policy){.kind = MARKET_PROTECT, .percent = percent};
        return 0;
}
