/* Before the market opens: wakes the daemon through its socket, waits until it has read the books
 * of its accounts, logs in where that needs nobody, and says which accounts cannot trade today. */
#include <string.h>

#include "base/clock.h"
#include "ordoctl/login_flow.h"

#define WAIT_S_DEFAULT 60
#define WAIT_S_MAX     3600
#define PAUSE_MS       500
#define REMEDY_SIZE    160

struct preopen {
        struct ctl *c;
        int64_t until_us; /* monotonic */
        struct answer answer;
};

static const char *word_at(struct json_object *o, const char *key)
{
        struct json_object *value = json_at(o, key);
        const char *s =
                json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
        return s ? s : "";
}

static int64_t number_at(struct json_object *o, const char *key)
{
        return json_object_get_int64(json_at(o, key));
}

/* The list of instruments of the account's broker; NULL: it has none of its own. */
static struct json_object *master_of(const struct preopen *p, struct json_object *account)
{
        struct json_object *list = json_at(p->answer.json, "masters");
        size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
        const char *id = word_at(account, "account");

        for (size_t i = 0; i < n; i++) {
                struct json_object *m = json_object_array_get_idx(list, i);
                const char *broker = word_at(m, "broker");
                if (text_starts(id, broker) && id[strlen(broker)] == ':')
                        return m;
        }
        return NULL;
}

/* What the account lacks for the day, in words; "" nothing. */
static void find_remedy(const struct preopen *p, struct json_object *account,
                        char remedy[static REMEDY_SIZE])
{
        struct json_object *master = master_of(p, account);
        const char *id = word_at(account, "account"), *session = word_at(account, "session");

        remedy[0] = '\0';
        if (!text_equal(session, "active"))
                snprintf(remedy, REMEDY_SIZE, "It has no session: ordoctl login %.40s", id);
        else if (!login_lasts(word_at(account, "session_expires_at")))
                snprintf(remedy, REMEDY_SIZE,
                         "Its session ends before the market closes: ordoctl login %.40s", id);
        else if (!json_object_get_boolean(json_at(account, "ready")))
                snprintf(remedy, REMEDY_SIZE,
                         "Its order book could not be read yet: ordoctl status tells the last "
                         "error");
        else if (master && text_equal(word_at(master, "state"), "missing"))
                snprintf(remedy, REMEDY_SIZE,
                         "Its broker's instruments are missing: ordoctl status tells the last "
                         "error");
}

/* What does not keep it from trading, but somebody should know. */
static void find_note(const struct preopen *p, struct json_object *account,
                      char note[static REMEDY_SIZE])
{
        struct json_object *master = master_of(p, account);
        int64_t operator= number_at(account, "needs_operator");
        int64_t unresolved = number_at(account, "unresolved_legs");
        const char *kill = word_at(account, "kill_switch");

        note[0] = '\0';
        if (operator> 0)
                snprintf(note, REMEDY_SIZE, "%lld legs need an operator: ordoctl resolve",
                         (long long)operator);
        else if (unresolved > 0)
                snprintf(note, REMEDY_SIZE, "The outcome of %lld legs is being looked for",
                         (long long)unresolved);
        else if (*kill && !text_equal(kill, "NONE"))
                snprintf(note, REMEDY_SIZE, "The kill switch is at %.20s", kill);
        else if (master && text_equal(word_at(master, "state"), "stale"))
                snprintf(note, REMEDY_SIZE,
                         "Its broker's instruments are of an earlier day: ordoctl status");
}

static struct json_object *accounts_of(const struct preopen *p, size_t *ret_n)
{
        struct json_object *list = json_at(p->answer.json, "accounts");

        *ret_n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
        return list;
}

/* True while a session is there and its account's book is not read, or the first instruments are on
 * their way: a matter of seconds. */
static bool settling(const struct preopen *p)
{
        size_t n;
        struct json_object *list = accounts_of(p, &n);

        for (size_t i = 0; i < n; i++) {
                struct json_object *a = json_object_array_get_idx(list, i);
                struct json_object *m = master_of(p, a);
                bool fetching = m && text_equal(word_at(m, "state"), "missing") &&
                                !*word_at(m, "last_error");
                if (text_equal(word_at(a, "session"), "active") &&
                    (!json_object_get_boolean(json_at(a, "ready")) || fetching))
                        return true;
        }
        return !text_equal(word_at(p->answer.json, "store.state"), "ok");
}

/* Asks until nothing is settling or the time is over. False: `*ret_exit`, and it was said why. */
static bool watch(struct preopen *p, int *ret_exit)
{
        const struct request request = {.method = "GET", .path = "/api/v1/status"};

        *ret_exit = client_open(p->c);
        if (*ret_exit != CTL_OK)
                return false;
        for (;; ctl_pause_ms(PAUSE_MS)) {
                enum client_result r = client_call(p->c->client, &request, &p->answer);
                bool over = clock_mono_us() >= p->until_us;
                /* It may be starting: asking changes nothing, so it is asked again. */
                if (r != CLIENT_ANSWERED && over) {
                        *ret_exit = client_unreachable(p->c->client, r);
                        return false;
                }
                if (r != CLIENT_ANSWERED)
                        continue;
                if (p->answer.status != 200 && (p->answer.status != 503 || over))
                        return ask_judge(p->c, &p->answer, ret_exit);
                if (p->answer.status != 200)
                        continue;
                if (!json_object_is_type(json_at(p->answer.json, "accounts"), json_type_array)) {
                        *ret_exit = ctl_fail(CTL_UNEXPECTED,
                                             "the answer is not Ordo's; is this the right "
                                             "address?");
                        return false;
                }
                if (over || !settling(p))
                        return true;
        }
}

/* Whoever can log in without a person does; true when somebody tried. What came of it shows in the
 * next look. */
static bool log_in(const struct preopen *p)
{
        struct login_line line = {};
        bool tried = false;
        size_t n;
        struct json_object *list = accounts_of(p, &n);

        for (size_t i = 0; i < n; i++) {
                struct json_object *a = json_object_array_get_idx(list, i);
                if (text_equal(word_at(a, "session"), "active") &&
                    login_lasts(word_at(a, "session_expires_at")))
                        continue;
                text_copy(line.account, sizeof(line.account), word_at(a, "account"));
                if (!login_by_itself(p->c, &line))
                        continue;
                tried = true;
                if (line.end != LOGIN_OK)
                        ctl_note("ordoctl: %s: %s", line.account, line.message);
        }
        return tried;
}

static void put_account(struct json_writer *w, struct json_object *account, const char *remedy,
                        const char *note)
{
        json_object_begin(w, NULL);
        json_put_string(w, "account", word_at(account, "account"));
        json_put_bool(w, "ready", !*remedy);
        json_put_string(w, "session", word_at(account, "session"));
        if (*remedy)
                json_put_string(w, "remedy", remedy);
        if (*note)
                json_put_string(w, "note", note);
        json_object_finish(w);
}

static int report(const struct preopen *p)
{
        static const struct column columns[] = {{"ACCOUNT", "", COLUMN_TEXT},
                                                {"SESSION", "", COLUMN_STATE},
                                                {"EXPIRES (IST)", "", COLUMN_TIME},
                                                {"READY", "", COLUMN_TEXT},
                                                {"WHAT TO DO", "", COLUMN_TEXT}};
        _cleanup_(table_done) struct table t = TABLE(columns, p->c->colour);
        _cleanup_(text_done) struct text out = TEXT_NULL, json = TEXT_NULL;
        struct json_writer w = JSON_WRITER(&json);
        bool store = text_equal(word_at(p->answer.json, "store.state"), "ok");
        unsigned lacking = 0;
        size_t n;
        struct json_object *list = accounts_of(p, &n);

        json_object_begin(&w, NULL);
        json_array_begin(&w, "accounts");
        for (size_t i = 0; i < n; i++) {
                struct json_object *a = json_object_array_get_idx(list, i);
                char remedy[REMEDY_SIZE], note[REMEDY_SIZE];
                find_remedy(p, a, remedy);
                find_note(p, a, note);
                lacking += *remedy != '\0';
                table_add(&t,
                          (const char *const[]){word_at(a, "account"), word_at(a, "session"),
                                                word_at(a, "session_expires_at"),
                                                *remedy ? "no" : "yes", *remedy ? remedy : note});
                put_account(&w, a, remedy, note);
        }
        json_array_finish(&w);
        json_put_bool(&w, "ledger", store);
        json_put_bool(&w, "ready", lacking == 0 && store);
        json_object_finish(&w);
        text_add_char(&json, '\n');
        table_print(&t, "The daemon has no accounts that this token may see.", &out);
        if (!store) {
                text_add(&out, "The ledger cannot be written: ");
                show_json(json_at(p->answer.json, "store.error"), &out);
                text_add(&out, "\n");
        }
        int r = ctl_put(p->c->json ? &json : &out);
        if (r != CTL_OK)
                return r;
        return lacking > 0 || !store ? CTL_PARTIAL : CTL_OK;
}

int run_preopen(struct ctl *c)
{
        struct preopen p = {.c = c};
        const char *s = ctl_option(c, "wait");
        int64_t wait_s = WAIT_S_DEFAULT;
        int r;

        if (s && text_parse_int(s, strlen(s), 0, WAIT_S_MAX, &wait_s) < 0)
                return ctl_usage(c, "--wait is a number of seconds up to %d", WAIT_S_MAX);
        p.until_us = clock_mono_us() + wait_s * USEC_PER_SEC;
        bool seen = watch(&p, &r);
        if (seen && log_in(&p))
                seen = watch(&p, &r);
        if (seen)
                r = report(&p);
        answer_done(&p.answer);
        return r;
}
