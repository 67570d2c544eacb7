#include "domain/meter.h"

const struct metric meter_table[_METER_MAX] = {
#define X(name_, type_, metric_, labels_, help_) \
        [METER_##name_] = {                      \
                .name = metric_, .help = help_, .labels = labels_, .type = METRIC_##type_},
        METER_TABLE(X)
#undef X
};
