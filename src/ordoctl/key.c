/* The API keys file, edited in place; the daemon reads it again on SIGHUP. */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "http/keys.h"
#include "ordoctl/commands.h"
#include "ordoctl/offline.h"
#include "ordoctl/table.h"

#define RELOAD_HINT "ordod reads the file again by a reload: systemctl reload ordo"

/* No file yet is an empty one. */
static int load_keys(struct keyring **ret, struct config **ret_config)
{
        _cleanup_(text_done) struct text faults = TEXT_NULL;
        struct config_faults config_faults;
        int r = offline_config(&config_faults, ret_config);

        if (r != CTL_OK)
                return r;
        const char *path = (*ret_config)->api_keys_file;
        if (access(path, F_OK) < 0 && errno == ENOENT)
                r = keyring_new(ret);
        else
                r = keyring_load(path, &faults, ret);
        if (r == 0)
                return CTL_OK;
        if (r < 0)
                return ctl_fail(CTL_UNEXPECTED, "%s: %s", path, strerror(-r));
        (void)fputs(text_str(&faults), stderr);
        return ctl_fail(CTL_USAGE, "the keys file is not usable");
}

/* What root writes must stay readable for the daemon: the file belongs to whom its directory does.
 */
static int keep_owner(const char *path)
{
        _cleanup_(freep) char *copy = strdup(path);
        struct stat st;

        if (!copy)
                return -ENOMEM;
        if (geteuid() != 0 || stat(dirname(copy), &st) < 0)
                return 0;
        return chown(path, st.st_uid, st.st_gid) < 0 ? -errno : 0;
}

static int save_keys(const struct config *config, const struct keyring *keys)
{
        int r = keyring_save(config->api_keys_file, keys);

        if (r == 0)
                r = keep_owner(config->api_keys_file);
        if (r == 0)
                return CTL_OK;
        return ctl_fail(CTL_REFUSED, "%s cannot be written: %s", config->api_keys_file,
                        strerror(-r));
}

static void add_scopes(const struct api_key *key, struct text *ret)
{
        for (unsigned s = SCOPE_READ; s < SCOPE_ALL; s <<= 1)
                if (key->scopes & s)
                        text_addf(ret, "%s%s", ret->len > 0 ? "," : "", scope_name((enum scope)s));
}

static void add_limits(const struct api_key *key, struct text *ret)
{
        char amount[DECIMAL_TEXT_SIZE];

        for (size_t i = 0; i < KEY_LIMITS; i++) {
                const struct key_limit *k = &key_limits[i];
                int64_t value = key_limit_value(k, &key->limits);
                if (value == 0)
                        continue;
                text_addf(ret, "%s%s=", ret->len > 0 ? "," : "", k->name);
                if (k->decimal)
                        text_add(ret, decimal_print(value, amount));
                else
                        text_addf(ret, "%lld", (long long)value);
        }
}

static void add_key(struct table *t, const struct api_key *key)
{
        _cleanup_(text_done) struct text scopes = TEXT_NULL, accounts = TEXT_NULL,
                                         networks = TEXT_NULL, limits = TEXT_NULL;
        char expires[CLOCK_TEXT_SIZE], network[NETWORK_TEXT_SIZE], dead_man[32];

        add_scopes(key, &scopes);
        add_limits(key, &limits);
        for (unsigned i = 0; i < key->n_accounts; i++)
                text_addf(&accounts, "%s%s", i > 0 ? "," : "", key->account_ids[i]);
        for (unsigned i = 0; i < key->n_networks; i++) {
                network_print(&key->networks[i], network);
                text_addf(&networks, "%s%s", i > 0 ? "," : "", network);
        }
        snprintf(dead_man, sizeof(dead_man), "%lld s %s", (long long)key->dead_man_s,
                 key_dead_man_level(key));
        bool over = key->expires_us && key->expires_us <= clock_wall_us();
        table_add(t, (const char *const[]){
                             key->name, text_str(&scopes), key->n_accounts ? accounts.data : "all",
                             key->n_networks ? networks.data : "any",
                             key->dead_man_s ? dead_man : NULL,
                             limits.len        ? limits.data
                             : key->has_limits ? "none"
                                               : NULL,
                             key->expires_us ? clock_print(key->expires_us, expires) : NULL,
                             over ? "expired" : "ok"});
}

static int list(struct ctl *c)
{
        static const struct column columns[] = {
                {"NAME", "", COLUMN_TEXT},          {"SCOPES", "", COLUMN_TEXT},
                {"ACCOUNTS", "", COLUMN_TEXT},      {"FROM", "", COLUMN_TEXT},
                {"DEAD MAN", "", COLUMN_TEXT},      {"LIMITS", "", COLUMN_TEXT},
                {"EXPIRES (IST)", "", COLUMN_TIME}, {"STATE", "", COLUMN_STATE},
        };
        _cleanup_(table_done) struct table t = TABLE(columns, c->colour);
        _cleanup_(config_freep) struct config *config = NULL;
        _cleanup_(keyring_unrefp) struct keyring *keys = NULL;
        _cleanup_(text_done) struct text out = TEXT_NULL;

        int r = load_keys(&keys, &config);
        if (r != CTL_OK)
                return r;
        if (c->json) {
                keyring_print(keys, &out);
        } else {
                for (unsigned i = 0; i < keys->n; i++)
                        add_key(&t, &keys->keys[i]);
                table_print(&t, "There are no keys besides ORDO_API_TOKEN.", &out);
        }
        return ctl_put(&out);
}

static int take_scopes(struct ctl *c, struct api_key *key)
{
        const char *at = NULL, *item;
        unsigned i = 0;
        size_t n;

        while ((item = ctl_next_item(c, "scope", &i, &at, &n))) {
                int scope = scope_from(item, n);
                if (scope < 0)
                        return ctl_usage(c, "a scope is read, trade or admin, not \"%.*s\"", (int)n,
                                         item);
                key->scopes |= (unsigned)scope;
        }
        return key->scopes ? CTL_OK : ctl_usage(c, "--scope is needed: read, trade, admin");
}

static int take_dead_man(struct ctl *c, struct api_key *key)
{
        const char *after = ctl_option(c, "dead-man"), *level = ctl_option(c, "dead-man-level");

        if (!after && !level)
                return CTL_OK;
        if (!after)
                return ctl_usage(c, "--dead-man-level needs --dead-man SECONDS");
        if (key_set_dead_man(key, after, level ? level : "CANCEL") < 0)
                return ctl_usage(c,
                                 "--dead-man is %d to %d seconds, its level HALT, CANCEL or "
                                 "FLATTEN",
                                 DEAD_MAN_MIN_S, DEAD_MAN_MAX_S);
        if (!(key->scopes & SCOPE_TRADE))
                return ctl_usage(c, "--dead-man is for keys with the trade scope");
        return CTL_OK;
}

static int take_order_limits(struct ctl *c, struct api_key *key)
{
        const char *at = NULL, *item;
        unsigned i = 0;
        size_t n;

        while ((item = ctl_next_item(c, "limit", &i, &at, &n)))
                if (key_set_limit(key, item, n) < 0)
                        return ctl_usage(c,
                                         "--limit is not one like orders_per_day=100, above 0: "
                                         "%.*s",
                                         (int)n, item);
        if (key->has_limits && !(key->scopes & SCOPE_TRADE))
                return ctl_usage(c, "--limit is for keys with the trade scope");
        return CTL_OK;
}

static int take_limits(struct ctl *c, struct api_key *key)
{
        const char *at = NULL, *item, *expires = ctl_option(c, "expires");
        unsigned i = 0;
        size_t n;

        while ((item = ctl_next_item(c, "account", &i, &at, &n)))
                if (key_allow_account(key, item, n) < 0)
                        return ctl_usage(c,
                                         "--account is not an account like paper:demo, or named "
                                         "twice: %.*s",
                                         (int)n, item);
        i = 0;
        at = NULL;
        while ((item = ctl_next_item(c, "cidr", &i, &at, &n)))
                if (key_allow_network(key, item, n) < 0)
                        return ctl_usage(c, "--cidr is not a network like 192.0.2.0/24: %.*s",
                                         (int)n, item);
        if (take_dead_man(c, key) != CTL_OK || take_order_limits(c, key) != CTL_OK)
                return CTL_USAGE;
        if (!expires)
                return CTL_OK;
        if (clock_parse(expires, strlen(expires), &key->expires_us) < 0)
                return ctl_usage(c, "--expires is not a time like 2027-03-31T00:00:00+05:30: %.40s",
                                 expires);
        if (key->expires_us <= clock_wall_us())
                return ctl_usage(c, "--expires is in the past: %.40s", expires);
        return CTL_OK;
}

/* The token goes to standard output, alone in a line, and nowhere else. */
static int put_token(const struct ctl *c, const char *name, const char *token)
{
        _cleanup_(text_done) struct text out = TEXT_NULL;
        struct json_writer w = JSON_WRITER(&out);

        if (c->json) {
                json_object_begin(&w, NULL);
                json_put_string(&w, "name", name);
                json_put_string(&w, "token", token);
                json_object_finish(&w);
        } else {
                text_add(&out, token);
        }
        text_add_char(&out, '\n');
        int r = ctl_put(&out);
        if (out.data)
                secret_wipe(out.data, out.len);
        ctl_note("This is the only time the token is shown. " RELOAD_HINT);
        return r;
}

static int add(struct ctl *c)
{
        _cleanup_(config_freep) struct config *config = NULL;
        _cleanup_(keyring_unrefp) struct keyring *keys = NULL;
        const char *name = c->operands[1];
        char token[KEY_TOKEN_SIZE];
        struct api_key *key;

        if (!key_name_valid(name, strlen(name)))
                return ctl_usage(
                        c, "a key's name is 1 to 32 of A-Z a-z 0-9 . _ - and not one of Ordo's "
                           "own");
        int r = load_keys(&keys, &config);
        if (r != CTL_OK)
                return r;
        if (keyring_find(keys, name))
                return ctl_fail(CTL_REFUSED, "there is a key %s already; remove it first", name);
        if (keyring_add(keys, &key) < 0)
                return ctl_fail(CTL_REFUSED, "no more than %d keys fit into the file", KEYS_MAX);
        text_copy(key->name, sizeof(key->name), name);
        r = take_scopes(c, key);
        if (r == CTL_OK)
                r = take_limits(c, key);
        if (r != CTL_OK)
                return r;
        key_make_token(token);
        key_hash(token, strlen(token), key->hash);
        r = save_keys(config, keys);
        if (r == CTL_OK)
                r = put_token(c, name, token);
        secret_wipe(token, sizeof(token));
        return r;
}

static int remove_key(struct ctl *c)
{
        _cleanup_(config_freep) struct config *config = NULL;
        _cleanup_(keyring_unrefp) struct keyring *keys = NULL;

        int r = load_keys(&keys, &config);
        if (r != CTL_OK)
                return r;
        if (!keyring_remove(keys, c->operands[1]))
                return ctl_fail(CTL_REFUSED, "there is no key %.40s", c->operands[1]);
        r = save_keys(config, keys);
        if (r == CTL_OK)
                ctl_note("%s is removed. " RELOAD_HINT, c->operands[1]);
        return r;
}

int run_key(struct ctl *c)
{
        const char *verb = c->operands[0];
        bool is_list = strcmp(verb, "list") == 0, is_add = strcmp(verb, "add") == 0;

        if (!is_list && !is_add && strcmp(verb, "remove") != 0)
                return ctl_usage(c, "it is list, add or remove, not \"%.40s\"", verb);
        if (is_list != (c->n_operands == 1))
                return ctl_usage(c, is_list ? "list takes no name" : "the key's name is missing");
        return is_list ? list(c) : is_add ? add(c) : remove_key(c);
}
