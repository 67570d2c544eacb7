#include "http/key_limit.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/decimal.h"
#include "base/text.h"

#define WHOLE(name_, member_, max_, scale_)                                                     \
        {                                                                                       \
                .name = name_, .offset = offsetof(struct account_limits, member_), .max = max_, \
                .scale = scale_                                                                 \
        }
#define DECIMAL(name_, member_, max_)                                              \
        {                                                                          \
                .name = name_, .offset = offsetof(struct account_limits, member_), \
                .decimal = true, .max = max_, .scale = 1                           \
        }

const struct key_limit key_limits[KEY_LIMITS] = {
        DECIMAL("max_order_value", max_order_value, LIMIT_ORDER_VALUE_MAX),
        WHOLE("max_order_quantity", max_order_quantity, QUANTITY_MAX, 1),
        WHOLE("max_open_orders", max_open_orders, LIMIT_OPEN_ORDERS_MAX, 1),
        DECIMAL("max_daily_value", max_daily_value, LIMIT_DAILY_VALUE_MAX),
        WHOLE("orders_per_second", orders_per_second, LIMIT_PER_SECOND_MAX, 1),
        WHOLE("orders_per_minute", orders_per_minute, LIMIT_PER_MINUTE_MAX, 1),
        WHOLE("orders_per_day", orders_per_day, LIMIT_PER_DAY_MAX, 1),
        DECIMAL("price_collar_percent", price_collar_percent, LIMIT_COLLAR_MAX),
        WHOLE("repeat_window_ms", repeat_window_us, LIMIT_REPEAT_MS_MAX, USEC_PER_MS),
};

int64_t *key_limit_at(const struct key_limit *k, struct account_limits *set)
{
        return (int64_t *)((char *)set + k->offset);
}

int64_t key_limit_value(const struct key_limit *k, const struct account_limits *set)
{
        return *(const int64_t *)((const char *)set + k->offset) / k->scale;
}

int key_limit_parse(const char *s, size_t n, struct account_limits *set)
{
        const char *equals = memchr(s, '=', n);
        int64_t value;

        if (!equals)
                return -EINVAL;
        const char *text = equals + 1;
        size_t name_size = (size_t)(equals - s), size = n - name_size - 1;
        for (size_t i = 0; i < KEY_LIMITS; i++) {
                const struct key_limit *k = &key_limits[i];
                if (strlen(k->name) != name_size || memcmp(k->name, s, name_size) != 0)
                        continue;
                int r = k->decimal ? decimal_parse(text, size, &value)
                                   : text_parse_int(text, size, 1, k->max, &value);
                if (r < 0 || value <= 0 || value > k->max)
                        return -EINVAL;
                *key_limit_at(k, set) = value * k->scale;
                return 0;
        }
        return -EINVAL;
}
