/* The time inside an order id (base/id.h): what makes a day, or all since an order, a range of
 * keys. */
#pragma once

#include <stdint.h>

#include "base/id.h"

/* When the id was made, to the millisecond; 0 for what is no id. */
int64_t ulid_time_us(const char *id);
/* The lowest id of that millisecond. */
void ulid_first(int64_t wall_us, char ret[static ID_SIZE]);
