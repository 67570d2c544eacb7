#include "http/reader.h"

#include <errno.h>
#include <string.h>

#include "base/decimal.h"

void reader_fault(struct reader *r, const char *key, const char *detail)
{
        char pointer[FAULT_POINTER_SIZE];

        faults_pointer(pointer, r->at, key);
        faults_add(r->faults, pointer, "%s", detail);
}

bool reader_open(struct reader *r, struct json_object *value, const char *at,
                 const char *const *names, struct faults *f)
{
        *r = (struct reader){.object = value, .at = at, .faults = f};
        if (!json_object_is_type(value, json_type_object)) {
                faults_add(f, at, "must be an object");
                return false;
        }
        json_object_object_foreach(value, key, member)
        {
                const char *const *name = names;

                (void)member;
                while (*name && strcmp(*name, key) != 0)
                        name++;
                if (!*name)
                        reader_fault(r, key, "is not a known field");
        }
        return true;
}

bool reader_has(const struct reader *r, const char *key)
{
        struct json_object *value;

        return json_object_object_get_ex(r->object, key, &value) && value;
}

/* Handles what every kind of member has in common. True: there is a value and it is good. */
static bool reader_done(struct reader *r, const char *key, enum need need, int result,
                        const char *expected)
{
        if (result == 0)
                return true;
        if (result < 0)
                reader_fault(r, key, expected);
        else if (need == REQUIRED)
                reader_fault(r, key, "is required");
        return false;
}

bool reader_string(struct reader *r, const char *key, enum need need, size_t max, const char **ret)
{
        const char *s;

        if (!reader_done(r, key, need, json_get_string(r->object, key, &s), "must be a string"))
                return false;
        size_t n = strlen(s);
        if (n == 0) {
                reader_fault(r, key, "must not be empty");
                return false;
        }
        if (n > max) {
                char pointer[FAULT_POINTER_SIZE];
                faults_pointer(pointer, r->at, key);
                faults_add(r->faults, pointer, "may hold %zu bytes", max);
                return false;
        }
        *ret = s;
        return true;
}

bool reader_int(struct reader *r, const char *key, enum need need, int64_t min, int64_t max,
                int64_t *ret)
{
        int result = json_get_int(r->object, key, min, max, ret);
        char pointer[FAULT_POINTER_SIZE];

        if (result != -ERANGE)
                return reader_done(r, key, need, result, "must be a whole number");
        faults_pointer(pointer, r->at, key);
        faults_add(r->faults, pointer, "must be from %lld to %lld", (long long)min, (long long)max);
        return false;
}

bool reader_decimal(struct reader *r, const char *key, enum need need, int64_t max, int64_t *ret)
{
        int result = json_get_decimal(r->object, key, ret);
        char pointer[FAULT_POINTER_SIZE], text[DECIMAL_TEXT_SIZE];

        if (!reader_done(r, key, need, result == -ERANGE ? 0 : result,
                         "must be a decimal number, or one in a string, with at most four decimal "
                         "places"))
                return false;
        if (result == 0 && *ret > 0 && *ret <= max)
                return true;
        faults_pointer(pointer, r->at, key);
        faults_add(r->faults, pointer, "must be above 0 and at most %s",
                   decimal_print_short(max, text));
        return false;
}

bool reader_bool(struct reader *r, const char *key, bool *ret)
{
        return reader_done(r, key, OPTIONAL, json_get_bool(r->object, key, ret),
                           "must be true or false");
}

bool reader_word(struct reader *r, const char *key, enum need need,
                 int (*from)(const char *s, size_t n), const char *(*name)(unsigned i), int *ret)
{
        const char *s;

        if (!reader_done(r, key, need, json_get_string(r->object, key, &s), "must be a string"))
                return false;
        int value = from(s, strlen(s));
        if (value >= 0) {
                *ret = value;
                return true;
        }

        char words[FAULT_DETAIL_SIZE], pointer[FAULT_POINTER_SIZE];
        size_t len = 0;
        for (unsigned i = 0; name(i); i++) {
                size_t n = strlen(name(i));
                if (len + n + 2 >= sizeof(words))
                        break;
                if (i > 0) {
                        words[len++] = ',';
                        words[len++] = ' ';
                }
                memcpy(words + len, name(i), n);
                len += n;
        }
        words[len] = '\0';
        faults_pointer(pointer, r->at, key);
        faults_add(r->faults, pointer, "must be one of %.140s", words);
        return false;
}
