#include "paper/wire.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"

static const char *const thing_names[_WIRE_THING_MAX] = {
        [WIRE_ORDERS] = "orders",     [WIRE_TRADES] = "trades",       [WIRE_FUNDS] = "funds",
        [WIRE_HOLDINGS] = "holdings", [WIRE_POSITIONS] = "positions", [WIRE_QUOTES] = "quotes",
        [WIRE_PROFILE] = "profile",
};

static int hex(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* `n` percent-encoded bytes into `dst[size]`. 0 or -EINVAL: cut short, a NUL, too long. */
static int decode(const char *s, size_t n, char *dst, size_t size)
{
        size_t at = 0;
        for (size_t i = 0; i < n; i++) {
                int c = (unsigned char)s[i];
                if (c == '%') {
                        if (n - i < 3 || hex(s[i + 1]) < 0 || hex(s[i + 2]) < 0)
                                return -EINVAL;
                        c = hex(s[i + 1]) * 16 + hex(s[i + 2]);
                        i += 2;
                }
                if (c == 0 || at + 1 >= size)
                        return -EINVAL;
                dst[at++] = (char)c;
        }
        dst[at] = '\0';
        return 0;
}

static int no_such_path(struct refusal *r)
{
        return refuse(r, 404, "NOT_FOUND", "There is nothing at this path");
}

int wire_read_target(const char *path, struct wire_target *ret, struct refusal *ret_refusal)
{
        char thing[16];
        *ret = (struct wire_target){};
        size_t n = strcspn(path, "?");
        ret->query = path[n] == '?' ? path + n + 1 : "";
        if (*path != '/' || n > PAPER_PATH_MAX)
                return no_such_path(ret_refusal);
        const char *end = path + n, *account = path + 1;
        const char *slash = memchr(account, '/', (size_t)(end - account));
        if (!slash ||
            decode(account, (size_t)(slash - account), ret->account, sizeof(ret->account)) < 0)
                return no_such_path(ret_refusal);
        const char *name = slash + 1;
        slash = memchr(name, '/', (size_t)(end - name));
        if (decode(name, (size_t)((slash ? slash : end) - name), thing, sizeof(thing)) < 0)
                return no_such_path(ret_refusal);
        while (ret->thing < _WIRE_THING_MAX && strcmp(thing, thing_names[ret->thing]) != 0)
                ret->thing++;
        if (ret->thing == _WIRE_THING_MAX || (slash && ret->thing != WIRE_ORDERS))
                return no_such_path(ret_refusal);
        if (slash && (decode(slash + 1, (size_t)(end - slash - 1), ret->id, sizeof(ret->id)) < 0 ||
                      !*ret->id))
                return refuse(ret_refusal, 404, "ORDER_NOT_FOUND", "16060: there is no such order");
        return 0;
}

static int bad_field(struct refusal *r, const char *key)
{
        return refuse(r, 400, "INVALID_REQUEST", "%s is missing or not valid", key);
}

static int read_word(struct json_object *o, const char *key, int (*from)(const char *, size_t),
                     bool needed, int *value)
{
        const char *s;
        int r = json_get_string(o, key, &s);
        if (r != 0)
                return r < 0 || needed ? -EINVAL : 0;
        r = from(s, strlen(s));
        if (r < 0)
                return r;
        *value = r;
        return 1;
}

static int read_name(struct json_object *o, const char *key, char *dst, size_t size)
{
        const char *s;
        int r = json_get_string(o, key, &s);
        if (r != 0)
                return r < 0 ? r : 0;
        return text_copy(dst, size, s) ? 1 : -EINVAL;
}

/* Negative: not valid. Otherwise how many were there. */
static int read_decimal(struct json_object *o, const char *key, int64_t *value)
{
        int64_t v;
        int r = json_get_decimal(o, key, &v);
        if (r != 0)
                return r < 0 ? r : 0;
        if (v < 0 || v > PAPER_VALUE_MAX)
                return -ERANGE;
        *value = v;
        return 1;
}

static int read_quantity(struct json_object *o, const char *key, bool needed, int64_t *value)
{
        int r = json_get_int(o, key, needed ? 1 : 0, QUANTITY_MAX, value);
        if (r != 0)
                return r < 0 || needed ? -EINVAL : 0;
        return 1;
}

struct reading {
        struct json_object *o;
        struct refusal *refusal;
        int members; /* understood */
        bool bad;
};

static void took(struct reading *in, const char *key, int r)
{
        if (r < 0 && !in->bad)
                in->bad = bad_field(in->refusal, key);
        if (r > 0)
                in->members++;
}

#define WORD(in, key, from, needed, member)                                   \
        do {                                                                  \
                int word_ = (int)(member);                                    \
                took(in, key, read_word((in)->o, key, from, needed, &word_)); \
                (member) = (__typeof__(member))word_;                         \
        } while (0)

static void read_changes(struct reading *in, bool needed, struct entry *e)
{
        WORD(in, "type", order_type_from, needed, e->type);
        WORD(in, "validity", validity_from, needed, e->validity);
        int r = read_quantity(in->o, "quantity", needed, &e->quantity);
        took(in, "quantity", r > 0 && e->quantity < 1 ? -EINVAL : r);
        took(in, "price", read_decimal(in->o, "price", &e->price));
        took(in, "trigger_price", read_decimal(in->o, "trigger_price", &e->trigger_price));
}

static void read_new(struct reading *in, struct entry *e)
{
        took(in, "tag", read_name(in->o, "tag", e->tag, sizeof(e->tag)));
        if (strchr(e->tag, '|'))
                took(in, "tag", -EINVAL); /* the rows' separator */
        int r = read_name(in->o, "symbol", e->symbol, sizeof(e->symbol));
        took(in, "symbol", r == 0 ? -EINVAL : r);
        WORD(in, "side", side_from, true, e->side);
        WORD(in, "product", product_from, true, e->product);
        took(in, "disclosed_quantity",
             read_quantity(in->o, "disclosed_quantity", false, &e->disclosed_quantity));
}

int wire_read_entry(const struct text *body, bool changes, struct entry *e,
                    struct refusal *ret_refusal)
{
        _cleanup_(json_freep) struct json_object *o = NULL;
        struct json_fault fault;
        if (body->len > PAPER_BODY_MAX)
                return refuse(ret_refusal, 413, "TOO_LARGE", "The body is too large");
        int r = json_parse(text_str(body), body->len, NULL, &o, &fault);
        if (r < 0)
                return r;
        if (r > 0 || !json_object_is_type(o, json_type_object))
                return refuse(ret_refusal, 400, "INVALID_REQUEST", "The body is not a JSON object");
        struct reading in = {.o = o, .refusal = ret_refusal};
        read_changes(&in, !changes, e);
        if (!changes)
                read_new(&in, e);
        if (in.bad)
                return 1;
        if (in.members != json_object_object_length(o))
                return refuse(ret_refusal, 400, "INVALID_REQUEST", "The body has an unknown field");
        if (e->type == ORDER_TYPE_MARKET || e->type == ORDER_TYPE_STOP)
                e->price = 0;
        if (e->type == ORDER_TYPE_MARKET || e->type == ORDER_TYPE_LIMIT)
                e->trigger_price = 0;
        return 0;
}

int wire_read_since(const char *query, int64_t *ret, struct refusal *ret_refusal)
{
        *ret = 0;
        if (!*query)
                return 0;
        const char *value = query + strlen("since=");
        if (!text_starts(query, "since=") ||
            text_parse_int(value, strlen(value), 0, INT64_MAX, ret) < 0)
                return refuse(ret_refusal, 400, "INVALID_REQUEST", "since is not valid");
        return 0;
}

int wire_next_symbol(const char **list, char ret[static SYMBOL_SIZE])
{
        if (!**list)
                return 1;
        size_t n = strcspn(*list, ",");
        int r = decode(*list, n, ret, SYMBOL_SIZE);
        *list += n + ((*list)[n] == ',');
        return r;
}
