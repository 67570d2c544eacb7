#include "paper/market.h"

#include "base/cleanup.h"
#include "base/decimal.h"

/* Offsets are in 1e-8 of the previous close. The amplitudes add up to 1.5 %: the walk cannot leave
 * it. */
#define OFFSET_ONE INT64_C(100000000)

static const struct octave {
        unsigned shift; /* one lattice point every 2^shift ticks */
        int64_t amplitude;
} octaves[] = {
        {16, 600000}, {14, 400000}, {12, 220000}, {10, 130000},
        {8, 70000},   {6, 40000},   {4, 25000},   {2, 15000},
};
#define OFFSET_MAX INT64_C(1500000)
#define LEAP_MAX   16 /* the longest leap is 2^16 ticks, the coarsest lattice */

/* What the shown sizes are worth: between 10 and 100 lakh rupees. */
#define DEPTH_VALUE_MIN (INT64_C(1000000) * DECIMAL_ONE)
#define DEPTH_VALUE_VAR INT64_C(9000000)

static uint64_t mix(uint64_t x)
{
        x += UINT64_C(0x9e3779b97f4a7c15);
        x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
        return x ^ (x >> 31);
}

uint64_t market_seed(uint64_t seed, const char *symbol)
{
        uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
        for (const char *c = symbol; *c; c++)
                h = (h ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
        return mix(h ^ mix(seed));
}

struct market market_of(const struct instrument *i, uint64_t seed, bool still)
{
        struct market m = {
                .seed = seed,
                .still = still,
                .close = i->lot > 0 || i->segment == SEGMENT_INDEX ? i->previous_close : 0,
                .grid = i->tick > 0 ? i->tick : 1,
                .lot = i->lot > 0 ? i->lot : 1,
        };
        int64_t low = instrument_band_low(i), high = instrument_band_high(i);
        m.low = low > m.grid ? (low + m.grid - 1) / m.grid * m.grid : m.grid;
        m.high = high == INT64_MAX ? INT64_MAX : high / m.grid * m.grid;
        if (m.high < m.low)
                m.high = m.low;
        return m;
}

static int64_t clamp(const struct market *m, int64_t price)
{
        return price < m->low ? m->low : price > m->high ? m->high : price;
}

static int64_t noise(const struct market *m, unsigned octave, int64_t point)
{
        uint64_t h = mix(m->seed ^ mix(((uint64_t)octave << 56) ^ (uint64_t)point));
        int64_t amplitude = octaves[octave].amplitude;
        return (int64_t)(h % (uint64_t)(2 * amplitude + 1)) - amplitude;
}

/* The octave `span` ticks behind `tick`, where both lie in one cell of its lattice (its far edge
 * included). */
static int64_t octave_at(const struct market *m, unsigned octave, int64_t tick, int64_t span)
{
        unsigned shift = octaves[octave].shift;
        int64_t cell = tick >> shift, size = INT64_C(1) << shift;
        int64_t at = tick - (cell << shift) + span;
        return (noise(m, octave, cell) * (size - at) + noise(m, octave, cell + 1) * at) >> shift;
}

/* Monotonic in `offset`. */
static int64_t price_at(const struct market *m, int64_t offset)
{
        int64_t price = decimal_muldiv(m->close, OFFSET_ONE + offset, OFFSET_ONE);
        return clamp(m, (price + m->grid / 2) / m->grid * m->grid);
}

int64_t market_last(const struct market *m, int64_t tick)
{
        if (m->still || m->close <= 0)
                return m->close;
        int64_t offset = 0;
        for (unsigned i = 0; i < ELEMENTS(octaves); i++)
                offset += octave_at(m, i, tick, 0);
        return price_at(m, offset);
}

static int64_t depth(const struct market *m, int64_t last, uint64_t h)
{
        int64_t value = DEPTH_VALUE_MIN + (int64_t)(h % DEPTH_VALUE_VAR) * DECIMAL_ONE;
        int64_t quantity = value / last / m->lot * m->lot;
        return quantity < m->lot ? m->lot : quantity > QUANTITY_MAX ? QUANTITY_MAX : quantity;
}

struct market_quote market_quote(const struct market *m, int64_t tick)
{
        int64_t last = market_last(m, tick);
        if (last <= 0)
                return (struct market_quote){};
        if (m->still)
                return (struct market_quote){last, last, last, MARKET_UNLIMITED, MARKET_UNLIMITED};
        uint64_t h = mix(m->seed ^ mix(~(uint64_t)tick));
        struct market_quote q = {
                .last = last,
                .bid = clamp(m, last - (int64_t)(h & 1) * m->grid),
                .ask = clamp(m, last + m->grid),
                .bid_quantity = depth(m, last, h >> 8),
                .ask_quantity = depth(m, last, mix(h)),
        };
        return q;
}

/* No tick of [tick, tick + 2^n) leaves [low, high]. Octaves with wider cells are straight lines
 * there, the finer ones are within their amplitude. */
static bool quiet(const struct market *m, int64_t tick, unsigned n, int64_t low, int64_t high)
{
        int64_t first = 0, final = 0, fine = (int64_t)ELEMENTS(octaves); /* one for each rounding */
        for (unsigned i = 0; i < ELEMENTS(octaves); i++)
                if (octaves[i].shift >= n) {
                        first += octave_at(m, i, tick, 0);
                        final += octave_at(m, i, tick, INT64_C(1) << n);
                } else {
                        fine += octaves[i].amplitude;
                }
        int64_t least = first < final ? first : final, most = first < final ? final : first;
        return price_at(m, least - fine) >= low && price_at(m, most + fine) <= high;
}

int64_t market_next(const struct market *m, int64_t from, int64_t to, int64_t low, int64_t high)
{
        if (m->still || m->close <= 0)
                return from <= to && m->close > 0 && (m->close < low || m->close > high) ? from
                                                                                         : to + 1;
        int64_t tick = from;
        unsigned n = 0;
        while (tick <= to) {
                while (n < LEAP_MAX && !(tick & ((INT64_C(2) << n) - 1)) &&
                       tick + (INT64_C(2) << n) - 1 <= to)
                        n++;
                while (n > 0 &&
                       (tick + (INT64_C(1) << n) - 1 > to || !quiet(m, tick, n, low, high)))
                        n--;
                if (n == 0) {
                        int64_t last = market_last(m, tick);
                        if (last < low || last > high)
                                return tick;
                }
                tick += INT64_C(1) << n;
        }
        return to + 1;
}

int64_t market_ceiling(const struct market *m)
{
        if (m->still || m->close <= 0)
                return m->close;
        return clamp(m, price_at(m, OFFSET_MAX) + m->grid);
}

int64_t market_volume(const struct market *m, int64_t ticks_of_day)
{
        return m->close > 0 ? ticks_of_day * m->lot : 0;
}
