#include "brokersim/faults.h"

#include <string.h>

#include "brokersim/server.h"
#include "domain/words.h"

#define REFUSE_MS 1000 /* and whatever else listeners do */
#define LATE_MS   1000
#define STALL_MS  600000
#define DRIP_MS   50
#define DRIP_SIZE 16
#define HUGE_SIZE (64 << 20)

static const struct {
        const char *name;
        bool carried;
} kinds[_FAULT_MAX] = {
#define X(name, text, carried) {text, carried},
        FAULT_TABLE(X)
#undef X
};

const char *fault_name(enum fault f)
{
        return kinds[f].name;
}

static bool of_connections(const struct fault_rule *r)
{
        return r->kind == FAULT_CLOSE_BEFORE || faults_of_listeners(r);
}

bool faults_of_listeners(const struct fault_rule *r)
{
        return r->kind == FAULT_REFUSE || r->kind == FAULT_UNREACHABLE ||
               r->kind == FAULT_CERTIFICATE;
}

static void forget(struct faults *f, unsigned i)
{
        memmove(&f->rules[i], &f->rules[i + 1], (--f->n - i) * sizeof(*f->rules));
}

/* Rules that have done their work are forgotten. */
static void count(struct faults *f, unsigned i)
{
        struct fault_rule *r = &f->rules[i];

        r->hits++;
        if (r->left > 0 && --r->left == 0)
                forget(f, i);
}

bool faults_take(struct faults *f, enum broker_name b, enum operation o, const struct user *u,
                 struct fault_rule *ret)
{
        for (unsigned i = 0; i < f->n; i++) {
                struct fault_rule *r = &f->rules[i];
                if (of_connections(r) || (r->broker >= 0 && r->broker != (int)b) ||
                    (r->operation >= 0 && r->operation != (int)o) ||
                    (r->client_id[0] && (!u || strcmp(u->client_id, r->client_id) != 0)))
                        continue;
                if (r->skip > 0) {
                        r->skip--;
                        continue;
                }
                *ret = *r;
                count(f, i);
                return true;
        }
        return false;
}

bool faults_take_connection(struct faults *f)
{
        for (unsigned i = 0; i < f->n; i++) {
                struct fault_rule *r = &f->rules[i];
                if (r->kind != FAULT_CLOSE_BEFORE)
                        continue;
                if (r->skip > 0) {
                        r->skip--;
                        continue;
                }
                count(f, i);
                return true;
        }
        return false;
}

void faults_clear(struct faults *f)
{
        f->n = 0;
}

/* --- from JSON ----------------------------------------------------------------------------------
 */

static const char *unknown_member(struct json_object *o)
{
        static const char *const known[] = {"fault",  "broker",       "operation", "client_id",
                                            "count",  "skip",         "book",      "book_after_ms",
                                            "ms",     "bytes",        "chunk",     "retry_after",
                                            "status", "order_status", "text",      "number"};

        json_object_object_foreach(o, key, value)
        {
                bool found = false;
                (void)value;
                for (size_t i = 0; i < ELEMENTS(known) && !found; i++)
                        found = strcmp(key, known[i]) == 0;
                if (!found)
                        return "There is a member that no rule has; see ordo-brokersim(1)";
        }
        return NULL;
}

static int find_kind(const char *s)
{
        for (int i = 0; i < _FAULT_MAX; i++)
                if (strcmp(s, kinds[i].name) == 0)
                        return i;
        return -1;
}

static const char *read_target(struct json_object *o, struct fault_rule *r)
{
        const char *s = NULL;
        int found = json_get_string(o, "broker", &s);

        r->broker = r->operation = -1;
        if (found < 0 || (found == 0 && (r->broker = broker_from(s)) < 0))
                return "broker is fyers, hdfc or mstock";
        found = json_get_string(o, "operation", &s);
        if (found < 0 || (found == 0 && (r->operation = operation_from(s)) < 0))
                return "operation is login, profile, place, modify, cancel, book, order, trades, "
                       "funds, holdings, positions, quotes, margin, logout, master or other";
        found = json_get_string(o, "client_id", &s);
        if (found < 0 || (found == 0 && !text_copy(r->client_id, sizeof(r->client_id), s)))
                return "client_id is a string";
        return NULL;
}

static const char *read_numbers(struct json_object *o, struct fault_rule *r)
{
        int64_t status = 0;
        const char *s = NULL;

        r->left = 1;
        r->retry_after = -1;
        if (json_get_int(o, "count", 0, INT32_MAX, &r->left) < 0 ||
            json_get_int(o, "skip", 0, INT32_MAX, &r->skip) < 0)
                return "count (0: always) and skip are numbers";
        if (r->left == 0)
                r->left = -1;
        if (json_get_bool(o, "book", &r->book) < 0 ||
            json_get_int(o, "book_after_ms", 0, FAULT_MS_MAX, &r->book_after_ms) < 0)
                return "book is true or false, book_after_ms a number";
        if (json_get_int(o, "ms", 0, FAULT_MS_MAX, &r->ms) < 0 ||
            json_get_int(o, "bytes", 1, FAULT_BYTES_MAX, &r->bytes) < 0 ||
            json_get_int(o, "chunk", 1, 1 << 20, &r->chunk) < 0 ||
            json_get_int(o, "retry_after", 0, 86400, &r->retry_after) < 0 ||
            json_get_int(o, "number", 1, CERTIFICATES_MAX, &r->number) < 0)
                return "ms, bytes, chunk, retry_after and number are numbers above 0, and not too "
                       "large";
        if (json_get_int(o, "status", 200, 599, &status) < 0)
                return "status is an HTTP status, 200 to 599";
        r->status = (int)status;
        int found = json_get_string(o, "order_status", &s);
        r->order_status = found == 0 ? order_status_from(s, strlen(s)) : ORDER_STATUS_REJECTED;
        if (found < 0 || r->order_status < 0)
                return "order_status is one of Ordo's, as REJECTED";
        found = json_get_string(o, "text", &s);
        if (found < 0 || (found == 0 && !text_copy(r->text, sizeof(r->text), s)))
                return "text is a string of at most 511 bytes";
        return NULL;
}

/* What the rule does not say. */
static void set_defaults(struct fault_rule *r)
{
        static const int64_t ms[_FAULT_MAX] = {
                [FAULT_REFUSE] = REFUSE_MS,      [FAULT_UNREACHABLE] = REFUSE_MS,
                [FAULT_CERTIFICATE] = REFUSE_MS, [FAULT_LATE] = LATE_MS,
                [FAULT_STALL] = STALL_MS,        [FAULT_DRIP] = DRIP_MS};
        static const int status[_FAULT_MAX] = {[FAULT_ERROR] = 500,
                                               [FAULT_RATE_LIMIT] = 429,
                                               [FAULT_HTML] = 200,
                                               [FAULT_GARBAGE] = 200};

        if (r->ms == 0)
                r->ms = ms[r->kind];
        if (r->status == 0)
                r->status = status[r->kind];
        if (r->number == 0)
                r->number = 2;
        if (r->bytes == 0)
                r->bytes = HUGE_SIZE;
        if (r->chunk == 0)
                r->chunk = DRIP_SIZE;
}

const struct fault_rule *faults_add(struct faults *f, struct json_object *o, const char **ret_wrong)
{
        struct fault_rule r = {};
        const char *name = "";
        int kind = json_get_string(o, "fault", &name) == 0 ? find_kind(name) : -1;

        if (kind < 0) {
                *ret_wrong = "fault is one of refuse, unreachable, certificate, close_before, "
                             "close_after, reset_after, stall, reset, truncate, error, garbage, "
                             "html, late, duplicate, rate_limit, drip, "
                             "huge, wrong_types, expired, flip, unacknowledged";
                return NULL;
        }
        r.kind = (enum fault)kind;
        r.book = kinds[kind].carried;
        if ((*ret_wrong = unknown_member(o)) || (*ret_wrong = read_target(o, &r)) ||
            (*ret_wrong = read_numbers(o, &r)))
                return NULL;
        if (of_connections(&r) && (r.broker >= 0 || r.operation >= 0 || r.client_id[0])) {
                *ret_wrong = "A connection has no broker, operation or client_id yet";
                return NULL;
        }
        if (f->n == FAULT_RULES_MAX) {
                *ret_wrong = "There are 256 rules already";
                return NULL;
        }
        set_defaults(&r);
        r.id = ++f->serial;
        static struct fault_rule once;
        once = r;
        if (faults_of_listeners(&r))
                return &once; /* done at once */
        f->rules[f->n] = r;
        return &f->rules[f->n++];
}

void faults_put(const struct faults *f, struct json_writer *w)
{
        json_object_begin(w, NULL);
        json_array_begin(w, "faults");
        for (unsigned i = 0; i < f->n; i++) {
                const struct fault_rule *r = &f->rules[i];
                json_object_begin(w, NULL);
                json_put_int(w, "id", r->id);
                json_put_string(w, "fault", fault_name(r->kind));
                json_put_string(w, "broker",
                                r->broker < 0 ? NULL : broker_name((enum broker_name)r->broker));
                json_put_string(w, "operation",
                                r->operation < 0 ? NULL
                                                 : operation_name((enum operation)r->operation));
                json_put_int(w, "count", r->left < 0 ? 0 : r->left);
                json_put_int(w, "skip", r->skip);
                json_put_int(w, "hits", r->hits);
                json_put_bool(w, "book", r->book);
                json_object_finish(w);
        }
        json_array_finish(w);
        json_object_finish(w);
}

/* --- wrong types --------------------------------------------------------------------------------
 */

static void put_wrong(struct json_writer *w, const char *key, struct json_object *v);

static void put_members(struct json_writer *w, struct json_object *o)
{
        json_object_object_foreach(o, key, value) put_wrong(w, key, value);
}

/* Text for numbers, lists for texts, numbers for truths and nothing; objects keep their form so
 * that the mistakes lie where they are looked for. */
static void put_wrong(struct json_writer *w, const char *key, struct json_object *v)
{
        switch (json_object_get_type(v)) {
        case json_type_object:
                json_object_begin(w, key);
                put_members(w, v);
                json_object_finish(w);
                break;
        case json_type_array:
                json_array_begin(w, key);
                for (size_t i = 0; i < json_object_array_length(v); i++)
                        put_wrong(w, NULL, json_object_array_get_idx(v, i));
                json_array_finish(w);
                break;
        case json_type_string:
                json_array_begin(w, key);
                json_put_string(w, NULL, json_object_get_string(v));
                json_array_finish(w);
                break;
        case json_type_int:
        case json_type_double:
                json_object_begin(w, key);
                json_put_string(w, "value", json_object_get_string(v));
                json_object_finish(w);
                break;
        default:
                json_put_int(w, key, 7);
        }
}

void faults_wrong_types(const struct text *reply, struct text *ret)
{
        const struct json_limits limits = {.depth = 16, .members = 10000000};
        _cleanup_(json_freep) struct json_object *o = NULL;
        struct json_writer w = JSON_WRITER(ret);
        struct json_fault fault;

        if (json_parse(text_str(reply), reply->len, &limits, &o, &fault) == 0)
                put_wrong(&w, NULL, o);
        else
                text_add(ret, "[true]");
}
