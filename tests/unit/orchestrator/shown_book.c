#include "shown_book.h"

#include <stdio.h>

#include "base/clock.h"
#include "world.h"

static char body[65536];

static void show_row(const struct row *r)
{
        static const char *const defaults[] = {"NSE:SBIN", "BUY",  "LIMIT", "CNC",
                                               "OPEN",     "1000", "0"};
        const char *words[] = {r->symbol, r->side,  r->type,   r->product,
                               r->status, r->price, r->trigger};
        for (unsigned i = 0; i < ELEMENTS(words); i++)
                words[i] = words[i] ? words[i] : defaults[i];
        size_t n = strlen(body);
        int64_t placed = r->placed_us ? r->placed_us : clock_wall_us();
        snprintf(body + n, sizeof(body) - n,
                 "%s{\"order_id\":\"%s\",\"tag\":\"%s\",\"symbol\":\"%s\",\"side\":\"%s\","
                 "\"type\":\"%s\",\"product\":\"%s\",\"validity\":\"DAY\",\"quantity\":%d,"
                 "\"filled_quantity\":%d,\"price\":\"%s\",\"trigger_price\":\"%s\","
                 "\"average_price\":\"%s\",\"status\":\"%s\",\"placed_at\":%lld,"
                 "\"updated_at\":%lld,\"message\":\"\"}",
                 n > 11 ? "," : "", r->id, r->tag ? r->tag : "", words[0], words[1], words[2],
                 words[3], r->quantity ? r->quantity : 10, r->filled, words[5], words[6],
                 r->filled ? words[5] : "0", words[4], (long long)placed, (long long)placed);
}

void show_book(const struct row *rows, unsigned n)
{
        snprintf(body, sizeof(body), "{\"orders\":[");
        for (unsigned i = 0; i < n; i++)
                show_row(&rows[i]);
        strcat(body, "]}");
        wire_say(world.wires[0], BROKER_BOOK, 200, body);
}
