/* The route table and the OpenAPI document say the same. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "http/assets.h"
#include "http/keys.h"
#include "http/routes.h"
#include "http/server.h"
#include "suite.h"

static struct json_object *root;

static struct json_object *get(struct json_object *o, const char *name)
{
        struct json_object *v = NULL;

        ck_assert_msg(json_object_object_get_ex(o, name, &v), "no member %s", name);
        return v;
}

static void load(void)
{
        static const struct json_limits limits = {.depth = 32, .members = 65536};
        struct json_fault fault;

        int r = json_parse((const char *)asset_openapi, asset_openapi_size, &limits, &root, &fault);
        ck_assert_msg(r == 0, "%s: %s", fault.pointer, fault.detail);
        ck_assert_str_eq(json_object_get_string(get(root, "openapi")), "3.1.0");
}

/* What $ref of a local reference points at, or the object itself. */
static struct json_object *resolve(struct json_object *o)
{
        struct json_object *reference;
        char buf[128];

        if (!json_object_object_get_ex(o, "$ref", &reference))
                return o;
        text_copy(buf, sizeof(buf), json_object_get_string(reference));
        ck_assert_int_eq(memcmp(buf, "#/", 2), 0);
        struct json_object *at = root;
        for (char *part = strtok(buf + 2, "/"); part; part = strtok(NULL, "/"))
                at = get(at, part);
        return at;
}

static const struct route *find_route(const char *verb, const char *path)
{
        for (unsigned i = 0; i < n_routes; i++)
                if (strcasecmp(routes[i].method, verb) == 0 && strcmp(routes[i].pattern, path) == 0)
                        return &routes[i];
        return NULL;
}

START_TEST(every_route_is_documented)
{
        char verb[16];

        load();
        for (unsigned i = 0; i < n_routes; i++) {
                struct json_object *path = get(get(root, "paths"), routes[i].pattern);
                size_t n = 0;
                for (; routes[i].method[n]; n++)
                        verb[n] = (char)tolower((unsigned char)routes[i].method[n]);
                verb[n] = '\0';
                struct json_object *operation = get(path, verb), *body;
                const char *scope = json_object_get_string(get(operation, "x-scope"));
                ck_assert_str_eq(scope, routes[i].scope ? scope_name((enum scope)routes[i].scope)
                                                        : "none");
                ck_assert_uint_eq(json_object_array_length(get(operation, "security")),
                                  routes[i].scope ? 1 : 0);
                ck_assert_msg(json_object_object_get_ex(operation, "requestBody", &body) ==
                                      !!(routes[i].flags & ROUTE_BODY),
                              "%s %s: body", routes[i].method, routes[i].pattern);
                ck_assert_ptr_nonnull(get(operation, "operationId"));
                ck_assert_ptr_nonnull(get(operation, "responses"));
        }
        json_object_put(root);
}
END_TEST

START_TEST(every_documented_operation_is_a_route)
{
        load();
        json_object_object_foreach(get(root, "paths"), path, item)
        {
                json_object_object_foreach(item, verb, operation)
                {
                        ck_assert_msg(find_route(verb, path), "%s %s", verb, path);
                        (void)operation;
                }
        }
        json_object_put(root);
}
END_TEST

static bool lists(const char *const *names, const char *name)
{
        for (; names && *names; names++)
                if (strcmp(*names, name) == 0)
                        return true;
        return false;
}

START_TEST(parameters_are_the_same)
{
        load();
        json_object_object_foreach(get(root, "paths"), path, item)
        {
                json_object_object_foreach(item, verb, operation)
                {
                        const struct route *r = find_route(verb, path);
                        struct json_object *parameters = NULL;
                        unsigned query = 0, in_path = 0, known = 0, captures = 0;
                        json_object_object_get_ex(operation, "parameters", &parameters);
                        for (size_t i = 0; parameters && i < json_object_array_length(parameters);
                             i++) {
                                struct json_object *p =
                                        resolve(json_object_array_get_idx(parameters, i));
                                const char *name = json_object_get_string(get(p, "name"));
                                const char *in = json_object_get_string(get(p, "in"));
                                char braced[64];
                                snprintf(braced, sizeof(braced), "{%s}", name);
                                if (strcmp(in, "query") == 0) {
                                        query++;
                                        ck_assert_msg(lists(r->query, name), "%s %s: %s", verb,
                                                      path, name);
                                } else if (strcmp(in, "path") == 0) {
                                        in_path++;
                                        ck_assert_ptr_nonnull(strstr(path, braced));
                                }
                        }
                        while (r->query && r->query[known])
                                known++;
                        for (const char *c = path; *c; c++)
                                captures += *c == '{';
                        ck_assert_msg(query == known, "%s %s: query parameters", verb, path);
                        ck_assert_msg(in_path == captures, "%s %s: path parameters", verb, path);
                }
        }
        json_object_put(root);
}
END_TEST

/* Every local reference leads somewhere, and every component is used. */
static void walk(struct json_object *o, struct text *used)
{
        if (json_object_is_type(o, json_type_array)) {
                for (size_t i = 0; i < json_object_array_length(o); i++)
                        walk(json_object_array_get_idx(o, i), used);
        } else if (json_object_is_type(o, json_type_object)) {
                json_object_object_foreach(o, key, value)
                {
                        if (strcmp(key, "$ref") == 0) {
                                ck_assert_ptr_nonnull(resolve(o));
                                text_addf(used, "%s\n", json_object_get_string(value));
                        }
                        walk(value, used);
                }
        }
}

START_TEST(references)
{
        static const char *const kinds[] = {"schemas", "responses", "parameters", "headers"};
        struct text used = TEXT_NULL;
        char reference[128];

        load();
        walk(root, &used);
        for (size_t i = 0; i < ELEMENTS(kinds); i++) {
                json_object_object_foreach(get(get(root, "components"), kinds[i]), name, value)
                {
                        snprintf(reference, sizeof(reference), "#/components/%s/%s\n", kinds[i],
                                 name);
                        ck_assert_msg(strstr(used.data, reference), "%s is not used", reference);
                        (void)value;
                }
        }
        text_done(&used);
        json_object_put(root);
}
END_TEST

/* The page's one style and one script are allowed by their hashes, and nothing comes from
 * elsewhere. */
START_TEST(page)
{
        struct text t = TEXT_NULL;
        char policy[320];

        text_add_bytes(&t, (const char *)asset_docs, asset_docs_size);
        docs_policy(policy, sizeof(policy));
        ck_assert_ptr_null(strstr(policy, "sha256-'"));
        ck_assert_ptr_nonnull(strstr(policy, "frame-ancestors 'none'"));
        ck_assert_ptr_null(strstr(t.data, "http://"));
        ck_assert_ptr_null(strstr(t.data, "https://"));
        ck_assert_ptr_null(strstr(t.data, " style="));
        ck_assert_ptr_null(strstr(t.data, " onclick="));
        ck_assert_ptr_null(strstr(t.data, "<script "));
        text_done(&t);
}
END_TEST

SUITE("http/openapi", every_route_is_documented, every_documented_operation_is_a_route,
      parameters_are_the_same, references, page)
