#include "fuzz.h"

#include <string.h>

#include "broker/fields.h"

/* One member of each kind; what can be read is written and read again alike. */
struct sample {
        char name[16], note[8];
        int64_t quantity, count, price, fee, at_us;
        int side;
};

static const struct word sides[] = {{0, "BUY"}, {1, "SELL"}, {}};

static const struct field table[] = {
        FIELD_STRING("name", sample, name, 0),
        FIELD_STRING("note", sample, note, FIELD_OPTIONAL),
        FIELD_INT("quantity", sample, quantity, FIELD_AS_NUMBER),
        FIELD_INT("count", sample, count, FIELD_OPTIONAL | FIELD_LENIENT),
        FIELD_DECIMAL("price", sample, price, 0),
        FIELD_DECIMAL("fee", sample, fee, FIELD_OPTIONAL | FIELD_AS_NUMBER | FIELD_LENIENT),
        FIELD_TIME("at", sample, at_us, FIELD_OPTIONAL | FIELD_AS_NUMBER),
        FIELD_WORD("side", sample, side, sides, 0),
        {},
};

static int read_sample(const char *s, size_t n, struct sample *ret)
{
        struct json_fault fault;
        struct json_object *o = NULL;
        const char *bad_key = NULL;

        if (json_parse(s, n, NULL, &o, &fault) != 0)
                return -1;
        int r = fields_read(table, o, ret, &bad_key);
        assert((r < 0) == (bad_key != NULL));
        json_object_put(o);
        return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct sample first = {}, second = {};
        struct text t = {};
        struct json_writer w = JSON_WRITER(&t);

        if (read_sample((const char *)data, size, &first) < 0)
                return 0;
        json_object_begin(&w, NULL);
        fields_write(table, &first, &w);
        json_object_finish(&w);
        assert(!t.failed);
        assert(read_sample(text_str(&t), t.len, &second) == 0);
        assert(strcmp(first.name, second.name) == 0 && strcmp(first.note, second.note) == 0);
        assert(first.quantity == second.quantity && first.count == second.count);
        assert(first.price == second.price && first.fee == second.fee);
        assert(first.at_us == second.at_us && first.side == second.side);
        text_done(&t);
        return 0;
}
