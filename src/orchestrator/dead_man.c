#include "orchestrator/dead_man.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "domain/event.h"
#include "orchestrator/record.h"
#include "orchestrator/state.h"

#define FILE_NAME "dead-man"
#define LINE_MAX_ (KEY_NAME_SIZE + 64 + ACCOUNTS_MAX * ACCOUNT_SIZE)
#define ACTOR     "dead-man"

struct dead_man {
        struct list link;
        char key_name[KEY_NAME_SIZE];
        enum kill_level level;
        int64_t after_s;
        int day;
        int64_t armed_us;               /* wall clock */
        int64_t heard_us;               /* monotonic */
        char (*accounts)[ACCOUNT_SIZE]; /* NULL: all */
        unsigned n_accounts;
};

/* A change of the switch that a silent key caused. */
struct firing {
        struct kill_request request;
        char scope[KILL_SCOPE_SIZE];
        char reason[MESSAGE_SIZE];
        char correlation[UUID_SIZE];
};

static struct dead_man *find(const struct orchestrator *o, const char *key_name)
{
        LIST_FOREACH (it, &o->dead_men) {
                struct dead_man *d = LIST_ENTRY(it, struct dead_man, link);
                if (strcmp(d->key_name, key_name) == 0)
                        return d;
        }
        return NULL;
}

static void dead_man_free(struct dead_man *d)
{
        list_unlink(&d->link);
        free(d->accounts);
        free(d);
}

/* --- the file: "name level seconds day account,account" or "*" a line --- */

static void save(struct orchestrator *o)
{
        _cleanup_(text_done) struct text path = TEXT_NULL, body = TEXT_NULL;

        text_addf(&path, "%s/" FILE_NAME, o->options.state_dir);
        LIST_FOREACH (it, &o->dead_men) {
                const struct dead_man *d = LIST_ENTRY(it, struct dead_man, link);
                text_addf(&body, "%s %s %lld %d ", d->key_name, kill_level_name(d->level),
                          (long long)d->after_s, d->day);
                for (unsigned i = 0; i < d->n_accounts; i++)
                        text_addf(&body, "%s%s", i ? "," : "", d->accounts[i]);
                text_add(&body, d->accounts ? "\n" : "*\n");
        }
        int r = path.failed ? path.failed : body.failed;
        if (r == 0)
                r = file_replace(text_str(&path), text_str(&body), body.len);
        if (r < 0)
                log_event(
                        LOG_ERR, EVENT_DEAD_MAN, NULL, 0,
                        "what dead-man timers are armed cannot be written, a restart would forget "
                        "it: %s",
                        strerror(-r));
}

static int add_account(struct dead_man *d, const char *id)
{
        char(*grown)[ACCOUNT_SIZE] =
                reallocarray(d->accounts, d->n_accounts + 1, sizeof(*d->accounts));
        if (!grown)
                return -ENOMEM;
        d->accounts = grown;
        text_copy(d->accounts[d->n_accounts++], ACCOUNT_SIZE, id);
        return 0;
}

static struct dead_man *add(struct orchestrator *o, const char *key_name, enum kill_level level,
                            int64_t after_s, int day)
{
        unsigned n = 0;
        LIST_FOREACH (it, &o->dead_men)
                n++;
        struct dead_man *d = n < DEAD_MEN_MAX ? calloc(1, sizeof(*d)) : NULL;
        if (!d)
                return NULL;
        text_copy(d->key_name, sizeof(d->key_name), key_name);
        d->level = level;
        d->after_s = after_s;
        d->day = day;
        d->armed_us = clock_wall_us();
        d->heard_us = clock_mono_us();
        list_append(&o->dead_men, &d->link);
        return d;
}

/* False: the line cannot be understood. */
static bool read_line(struct orchestrator *o, char *line)
{
        char *words[5] = {}, *rest = NULL;
        int64_t after_s, day;

        line[strcspn(line, "\n")] = '\0';
        for (unsigned i = 0; i < ELEMENTS(words); i++) {
                words[i] = strtok_r(i ? NULL : line, " ", &rest);
                if (!words[i])
                        return false;
        }
        int level = kill_level_from(words[1], strlen(words[1]));
        if (level <= KILL_LEVEL_NONE || strlen(words[0]) >= KEY_NAME_SIZE ||
            text_parse_int(words[2], strlen(words[2]), DEAD_MAN_MIN_S, DEAD_MAN_MAX_S, &after_s) <
                    0 ||
            text_parse_int(words[3], strlen(words[3]), 0, INT32_MAX, &day) < 0)
                return false;
        if (day != clock_ist_day(clock_wall_us()))
                return true;
        struct dead_man *d = add(o, words[0], (enum kill_level)level, after_s, (int)day);
        if (!d || strcmp(words[4], "*") == 0)
                return d;
        bool ok = true;
        for (char *s = strtok_r(words[4], ",", &rest); s; s = strtok_r(NULL, ",", &rest))
                ok &= add_account(d, s) == 0;
        /* Without its accounts it would be one for all of them. */
        if (ok && d->n_accounts > 0)
                return true;
        dead_man_free(d);
        return false;
}

void dead_men_restore(struct orchestrator *o)
{
        _cleanup_(text_done) struct text path = TEXT_NULL;
        char line[LINE_MAX_];

        text_addf(&path, "%s/" FILE_NAME, o->options.state_dir);
        FILE *f = fopen(text_str(&path), "re");
        bool clear = f || errno == ENOENT;
        while (f && fgets(line, sizeof(line), f))
                clear &= read_line(o, line);
        if (!clear || (f && ferror(f)))
                log_event(LOG_ERR, EVENT_DEAD_MAN, NULL, 0,
                          "%s cannot be read: some dead-man timers are not armed until their keys "
                          "trade again",
                          text_str(&path));
        if (f)
                (void)fclose(f);
}

void dead_men_done(struct orchestrator *o)
{
        LIST_FOREACH (it, &o->dead_men)
                dead_man_free(LIST_ENTRY(it, struct dead_man, link));
}

/* --- arming --- */

static void say(const struct dead_man *d, const char *what)
{
        log_event(LOG_NOTICE, EVENT_DEAD_MAN, LOG_FIELDS({"ORDO_ACTOR", d->key_name}),
                  "the dead-man timer of the key %s is %s: %s after %lld s of silence", d->key_name,
                  what, kill_level_name(d->level), (long long)d->after_s);
}

static void arm(struct orchestrator *o, const struct dead_man_rule *rule)
{
        struct dead_man *d =
                add(o, rule->key_name, rule->level, rule->after_s, clock_ist_day(clock_wall_us()));
        bool ok = d;
        for (const char *const *a = rule->accounts; ok && a && *a; a++)
                ok = add_account(d, *a) == 0;
        if (!ok) {
                log_event(LOG_ERR, EVENT_DEAD_MAN, LOG_FIELDS({"ORDO_ACTOR", rule->key_name}),
                          "the dead-man timer of the key %s cannot be armed", rule->key_name);
                if (d)
                        dead_man_free(d);
                return;
        }
        save(o);
        say(d, "armed");
}

void dead_man_heard(struct orchestrator *o, const struct dead_man_rule *rule, bool trades)
{
        struct dead_man *d = find(o, rule->key_name);
        if (d)
                d->heard_us = clock_mono_us();
        else if (trades && rule->after_s > 0)
                arm(o, rule);
}

bool dead_man_disarm(struct orchestrator *o, const char *key_name)
{
        struct dead_man *d = find(o, key_name);
        if (!d)
                return false;
        say(d, "disarmed");
        dead_man_free(d);
        save(o);
        return true;
}

bool dead_man_look(const struct orchestrator *o, const char *key_name, unsigned n,
                   struct dead_man_view *ret)
{
        int64_t wall = clock_wall_us(), mono = clock_mono_us();
        LIST_FOREACH (it, &o->dead_men) {
                const struct dead_man *d = LIST_ENTRY(it, struct dead_man, link);
                if (key_name ? strcmp(d->key_name, key_name) != 0 : n-- > 0)
                        continue;
                int64_t heard = wall - (mono - d->heard_us);
                *ret = (struct dead_man_view){.key_name = d->key_name,
                                              .level = d->level,
                                              .after_s = d->after_s,
                                              .armed_us = d->armed_us,
                                              .heard_us = heard,
                                              .fires_us = heard + d->after_s * USEC_PER_SEC};
                return true;
        }
        return false;
}

/* --- firing --- */

static void engaged(struct kill_request *r)
{
        free(CONTAINER_OF(r, struct firing, request));
}

static void engage(struct orchestrator *o, const struct dead_man *d, const char *account)
{
        struct firing *f = calloc(1, sizeof(*f));
        if (!f)
                abort();
        snprintf(f->scope, sizeof(f->scope), "%s%s", account ? "account:" : "global",
                 account ? account : "");
        /* Never less than what stands. */
        if (!killswitch_scope_valid(o, f->scope) ||
            killswitch_scope_level(o, f->scope) >= d->level) {
                free(f);
                return;
        }
        snprintf(f->reason, sizeof(f->reason), "the key %s was silent for %lld s", d->key_name,
                 (long long)d->after_s);
        uuid_make(f->correlation);
        f->request = (struct kill_request){
                .caller = {.key_name = ACTOR, .correlation_id = f->correlation},
                .level = d->level,
                .scope = f->scope,
                .reason = f->reason,
                .done = engaged,
        };
        killswitch_set(o, &f->request);
}

static void fire(struct orchestrator *o, const struct dead_man *d)
{
        log_event(
                LOG_CRIT, EVENT_DEAD_MAN,
                LOG_FIELDS({"ORDO_ACTOR", d->key_name}, {"ORDO_ACTION", kill_level_name(d->level)}),
                "the key %s was silent for %lld s: the kill switch goes to %s", d->key_name,
                (long long)d->after_s, kill_level_name(d->level));
        if (!d->accounts)
                engage(o, d, NULL);
        for (unsigned i = 0; i < d->n_accounts; i++)
                engage(o, d, d->accounts[i]);
}

void dead_men_check(struct orchestrator *o)
{
        int64_t now = clock_mono_us();
        int today = clock_ist_day(clock_wall_us());
        bool changed = false;

        LIST_FOREACH (it, &o->dead_men) {
                struct dead_man *d = LIST_ENTRY(it, struct dead_man, link);
                bool silent = now - d->heard_us > d->after_s * USEC_PER_SEC;
                if (silent)
                        fire(o, d);
                if (!silent && d->day == today)
                        continue;
                dead_man_free(d);
                changed = true;
        }
        if (changed)
                save(o);
}
