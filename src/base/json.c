#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/json.h"

/* What the scanner let through and json-c did not: the two differ, which is a fault of ours, but
 * the document is refused like any other. */
static int refused(struct json_fault *fault, enum json_tokener_error error)
{
        fault->pointer[0] = '\0';
        snprintf(fault->detail, sizeof(fault->detail), "the document was not understood (%s)",
                 json_tokener_error_desc(error));
        return 1;
}

int json_parse(const char *s, size_t n, const struct json_limits *limits, struct json_object **ret,
               struct json_fault *ret_fault)
{
        unsigned depth = limits && limits->depth ? limits->depth : JSON_DEPTH_MAX;
        int r = json_scan(s, n, limits, ret_fault);
        if (r != 0)
                return r;
        if (n > INT_MAX)
                return refused(ret_fault, json_tokener_error_size);

        struct json_tokener *tokener = json_tokener_new_ex((int)depth + 1); /* scalars count */
        if (!tokener)
                return -ENOMEM;
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
        struct json_object *o = json_tokener_parse_ex(tokener, s, (int)n);
        enum json_tokener_error error = json_tokener_get_error(tokener);
        if (error == json_tokener_continue) { /* a bare number may go on: the NUL ends it */
                o = json_tokener_parse_ex(tokener, "", 1);
                error = json_tokener_get_error(tokener);
        }
        json_tokener_free(tokener);
        if (error != json_tokener_success)
                return refused(ret_fault, error);
        *ret = o;
        return 0;
}

/* 0 with a value that is not NULL; 1 absent; -EINVAL when `o` is no object. */
static int get(struct json_object *o, const char *key, struct json_object **ret)
{
        if (!o)
                return 1;
        if (!json_object_is_type(o, json_type_object))
                return -EINVAL;
        return json_object_object_get_ex(o, key, ret) && *ret ? 0 : 1;
}

int json_get_string(struct json_object *o, const char *key, const char **ret)
{
        struct json_object *value;
        int r = get(o, key, &value);
        if (r != 0)
                return r;
        if (!json_object_is_type(value, json_type_string))
                return -EINVAL;
        *ret = json_object_get_string(value);
        return 0;
}

int json_value_int(struct json_object *value, int64_t min, int64_t max, int64_t *ret)
{
        int64_t number;

        if (!value)
                return 1;
        if (json_object_is_type(value, json_type_double)) { /* 1e3 and 5.0 are whole, too */
                const char *text = json_object_get_string(value);
                int r = decimal_parse_json(text, strlen(text), &number);
                if (r == -ERANGE)
                        return r;
                if (r < 0 || number % DECIMAL_ONE != 0)
                        return -EINVAL;
                number /= DECIMAL_ONE;
        } else if (json_object_is_type(value, json_type_int)) {
                number = json_object_get_int64(value);
        } else {
                return -EINVAL;
        }
        if (number < min || number > max)
                return -ERANGE;
        *ret = number;
        return 0;
}

int json_get_int(struct json_object *o, const char *key, int64_t min, int64_t max, int64_t *ret)
{
        struct json_object *value;
        int r = get(o, key, &value);

        return r != 0 ? r : json_value_int(value, min, max, ret);
}

int json_value_decimal(struct json_object *value, int64_t *ret)
{
        int r;

        if (!value)
                return 1;
        switch (json_object_get_type(value)) {
        case json_type_string:
                r = decimal_parse(json_object_get_string(value),
                                  (size_t)json_object_get_string_len(value), ret);
                break;
        case json_type_int:
        case json_type_double: { /* json-c keeps the digits of a double as they were written */
                const char *text = json_object_get_string(value);
                r = decimal_parse_json(text, strlen(text), ret);
                break;
        }
        default:
                return -EINVAL;
        }
        return r == -EDOM ? -EINVAL : r;
}

int json_get_decimal(struct json_object *o, const char *key, int64_t *ret)
{
        struct json_object *value;
        int r = get(o, key, &value);

        return r != 0 ? r : json_value_decimal(value, ret);
}

int json_get_bool(struct json_object *o, const char *key, bool *ret)
{
        struct json_object *value;
        int r = get(o, key, &value);
        if (r != 0)
                return r;
        if (!json_object_is_type(value, json_type_boolean))
                return -EINVAL;
        *ret = json_object_get_boolean(value);
        return 0;
}
