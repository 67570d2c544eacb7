#include "ordoctl/commands.h"

#include <string.h>

#include "base/cleanup.h"

#define OPTIONS(...)                    \
        (const struct command_option[]) \
        {                               \
                __VA_ARGS__,            \
                {                       \
                        .name = NULL    \
                }                       \
        }
#define ACCOUNTS_OPTION                                                                         \
        {                                                                                       \
                "account", "ACCOUNT", "only this account; may be repeated, or be a list", NULL, \
                        true                                                                    \
        }
#define TYPES      "MARKET LIMIT STOP STOP_LIMIT"
#define PRODUCTS   "CNC INTRADAY MARGIN MTF"
#define VALIDITIES "DAY IOC"
#define EXCHANGES  "NSE BSE NFO BFO CDS MCX"
#define STATUSES   "PENDING OPEN PARTIALLY_FILLED TRIGGER_PENDING FILLED CANCELLED REJECTED EXPIRED"

const struct command_option global_options[] = {
        {"json", NULL, "print the daemon's answer as it is, for scripts", NULL, false},
        {"url", "URL", "where the daemon is: http://…, https://…, ADDRESS:PORT or unix:/PATH", NULL,
         false},
        {"token-file", "FILE", "the API token, in a file", NULL, false},
        {"ca-file", "FILE", "who may have signed the daemon's certificate", NULL, false},
        {"client-cert", "FILE", "certificate to show to the daemon", NULL, false},
        {"client-key", "FILE", "its private key", NULL, false},
        {"help", NULL, "print the help of the command", NULL, false},
        {NULL, NULL, NULL, NULL, false},
};

const struct command commands[] = {
        {
                .name = "login",
                .synopsis = "[ACCOUNT…] [--otp CODE] [--non-interactive] [--wait SECONDS]",
                .help = "log accounts in to their brokers",
                .details =
                        "Without names every account is taken in turn; those whose session lasts "
                        "until the market closes are left alone. A broker with a page of its own: "
                        "its address is printed, and the login is complete when the browser comes "
                        "back to the daemon, or when the address that it ended at is pasted. A "
                        "one-time password is taken from --otp (one account only), from the "
                        "variable OTP_<BROKER>_<ACCOUNT>, from the list OTP_CODES "
                        "(fyers:main=123456,hdfc:main=654321), or asked for without showing it. "
                        "Accounts with a TOTP_SECRET log in by themselves. The summary goes into "
                        "the daemon's audit. Ends with 0 when every account has a session, 4 when "
                        "nothing failed but input was missing, 3 when some failed, 2 when all did.",
                .max_operands = ARGUMENTS_MAX,
                .options = OPTIONS({"otp", "CODE", "the one-time password", NULL, false},
                                   {"non-interactive", NULL,
                                    "never ask; what would need it is left out", NULL, false},
                                   {"quiet", NULL, "print only what went wrong", NULL, false},
                                   {"retry-failed", NULL,
                                    "try accounts that failed once more at the end", NULL, false},
                                   {"wait", "SECONDS",
                                    "wait so long for a browser (600 on a terminal, else 0)", NULL,
                                    false},
                                   {"log-file", "FILE", "append a line of JSON for each account",
                                    NULL, false}),
                .run = run_login,
        },
        {
                .name = "logout",
                .synopsis = "ACCOUNT…",
                .help = "end sessions and forget their tokens",
                .min_operands = 1,
                .max_operands = ARGUMENTS_MAX,
                .run = run_logout,
        },
        {
                .name = "order",
                .synopsis = "buy|sell SYMBOL QUANTITY [--price PRICE] [--account "
                            "ACCOUNT[:MULTIPLIER]]…",
                .help = "place an order",
                .details = "Without --type the prices tell: none MARKET, --price LIMIT, --trigger "
                           "STOP, "
                           "both STOP_LIMIT. Without --product it is CNC on NSE and BSE, MARGIN "
                           "elsewhere. "
                           "Without --account it is the daemon's only account. Every order has an "
                           "Idempotency-Key; when the connection breaks the same request is "
                           "repeated with "
                           "the same key, so that it stays one order. If ordoctl has to give up, "
                           "run the "
                           "same command again with --key and the key that it printed.",
                .words = "buy sell",
                .min_operands = 3,
                .max_operands = 3,
                .options = OPTIONS(
                        {"price", "PRICE", "limit price", NULL, false},
                        {"trigger", "PRICE", "trigger price of a stop", NULL, false},
                        {"account", "ACCOUNT[:MULTIPLIER]",
                         "target, with its share of the quantity; may be repeated", NULL, true},
                        {"type", "TYPE", "kind of order", TYPES, false},
                        {"product", "PRODUCT", "what it is settled as", PRODUCTS, false},
                        {"validity", "VALIDITY", "how long it stays (DAY)", VALIDITIES, false},
                        {"disclosed", "QUANTITY", "quantity shown to the market", NULL, false},
                        {"client-id", "ID", "your own name for the order", NULL, false},
                        {"reduce-only", NULL, "refuse it unless it reduces the position", NULL,
                         false},
                        {"market-policy", "POLICY", "how a market order is protected",
                         "reject protect broker", false},
                        {"key", "KEY", "the Idempotency-Key (a new one)", NULL, false},
                        {"validate", NULL, "check everything, send nothing", NULL, false}),
                .run = run_order,
        },
        {
                .name = "orders",
                .synopsis = "[--account ACCOUNT] [--status STATUS] [--symbol SYMBOL]",
                .help = "list orders, the newest first",
                .details = "Orders that were placed at the broker without Ordo stand at the end of "
                           "the "
                           "first page.",
                .options = OPTIONS(
                        ACCOUNTS_OPTION,
                        {"status", "STATUS", "only with a leg in this status", STATUSES, false},
                        {"symbol", "SYMBOL", "only of this instrument", NULL, false},
                        {"since", "TIME", "only from this time on (RFC 3339)", NULL, false},
                        {"limit", "N", "at most so many (100)", NULL, false},
                        {"cursor", "CURSOR", "go on where an earlier list ended", NULL, false}),
                .run = run_orders,
        },
        {
                .name = "show",
                .synopsis = "ORDER",
                .help = "show one order with its legs",
                .details = "ORDER is an order's id or client:ID with your own name for it.",
                .min_operands = 1,
                .max_operands = 1,
                .run = run_show,
        },
        {
                .name = "modify",
                .synopsis = "ORDER [--quantity N] [--price PRICE] [--trigger PRICE]",
                .help = "change an open order",
                .details = "The quantity is the new total of a leg with multiplier 1.",
                .min_operands = 1,
                .max_operands = 1,
                .options = OPTIONS({"quantity", "N", "new total quantity", NULL, false},
                                   {"price", "PRICE", "new limit price", NULL, false},
                                   {"trigger", "PRICE", "new trigger price", NULL, false},
                                   {"type", "TYPE", "new kind of order", TYPES, false},
                                   {"validity", "VALIDITY", "new validity", VALIDITIES, false}),
                .run = run_modify,
        },
        {
                .name = "cancel",
                .synopsis = "ORDER | --all [--account ACCOUNT] [--symbol SYMBOL]",
                .help = "cancel one order, or many",
                .details =
                        "ORDER may also be the id of an external order: external:ACCOUNT:NUMBER. "
                        "--all leaves external orders alone.",
                .max_operands = 1,
                .options = OPTIONS({"all", NULL, "every open order", NULL, false}, ACCOUNTS_OPTION,
                                   {"symbol", "SYMBOL", "only of this instrument", NULL, false}),
                .run = run_cancel,
        },
        {
                .name = "resolve",
                .synopsis = "ORDER LEG accepted|rejected|not_placed --reason TEXT",
                .help = "settle a leg whose outcome is not known",
                .details =
                        "Look into the broker's own order book first. Needs a key with the admin "
                        "scope.",
                .min_operands = 3,
                .max_operands = 3,
                .options = OPTIONS(
                        {"reason", "TEXT", "why; kept in the audit", NULL, false},
                        {"broker-order-id", "ID", "with accepted: the broker's id", NULL, false}),
                .run = run_resolve,
        },
        {
                .name = "reconcile",
                .synopsis = "[ACCOUNT...]",
                .help = "read the brokers' order books now",
                .details =
                        "Without ACCOUNT all are read. The answer comes when they were: what was "
                        "found, what changed, what is still not known.",
                .max_operands = ARGUMENTS_MAX,
                .run = run_reconcile,
        },
        {
                .name = "trades",
                .synopsis = "[--account ACCOUNT]",
                .help = "list the trades of the day",
                .options = OPTIONS(
                        ACCOUNTS_OPTION, {"limit", "N", "at most so many", NULL, false},
                        {"cursor", "CURSOR", "go on where an earlier list ended", NULL, false}),
                .run = run_trades,
        },
        {
                .name = "portfolio",
                .synopsis = "[--account ACCOUNT]",
                .help = "show funds, holdings and positions",
                .options = OPTIONS(ACCOUNTS_OPTION),
                .run = run_portfolio,
        },
        {
                .name = "positions",
                .synopsis = "[--account ACCOUNT]",
                .help = "show positions",
                .options = OPTIONS(ACCOUNTS_OPTION),
                .run = run_positions,
        },
        {
                .name = "holdings",
                .synopsis = "[--account ACCOUNT]",
                .help = "show delivery holdings",
                .options = OPTIONS(ACCOUNTS_OPTION),
                .run = run_holdings,
        },
        {
                .name = "funds",
                .synopsis = "[--account ACCOUNT]",
                .help = "show what is available",
                .options = OPTIONS(ACCOUNTS_OPTION),
                .run = run_funds,
        },
        {
                .name = "quote",
                .synopsis = "SYMBOL… [--account ACCOUNT]",
                .help = "show prices",
                .min_operands = 1,
                .max_operands = ARGUMENTS_MAX,
                .options = OPTIONS({"account", "ACCOUNT", "whose broker is asked", NULL, false}),
                .run = run_quote,
        },
        {
                .name = "instruments",
                .synopsis = "TEXT [--exchange EXCHANGE]",
                .help = "search instruments by symbol or name",
                .min_operands = 1,
                .max_operands = 1,
                .options =
                        OPTIONS({"exchange", "EXCHANGE", "only of this exchange", EXCHANGES, false},
                                {"limit", "N", "at most so many (50)", NULL, false}),
                .run = run_instruments,
        },
        {
                .name = "status",
                .synopsis = "",
                .help = "show the daemon and its accounts",
                .run = run_status,
        },
        {
                .name = "accounts",
                .synopsis = "",
                .help = "show what each account can do, and its limits",
                .run = run_accounts,
        },
        {
                .name = "preopen",
                .synopsis = "[--wait SECONDS]",
                .help = "check that every account can trade today",
                .details =
                        "Wakes the daemon through its socket, waits until it has read the order "
                        "books of its accounts, logs in those with a TOTP_SECRET, and ends with 3 "
                        "when an account has no session that lasts until the market closes, or "
                        "cannot be read; what to do stands beside it. ordo-preopen.timer runs it "
                        "on trading days.",
                .options = OPTIONS({"wait", "SECONDS", "wait at most so long (60)", NULL, false}),
                .run = run_preopen,
        },
        {
                .name = "reload",
                .synopsis = "",
                .help = "have options, keys and certificates read again",
                .details = "Says what has changed, and what waits for a restart. When something is "
                           "wrong nothing changes, and it ends with 2. Needs a key with the admin "
                           "scope.",
                .run = run_reload,
        },
        {
                .name = "killswitch",
                .synopsis = "[LEVEL --reason TEXT [--scope SCOPE]] [--wait SECONDS]",
                .help = "show or set the kill switch",
                .details =
                        "halt refuses what may add risk; cancel also cancels every open order; "
                        "flatten also squares positions off. SCOPE is global, broker:NAME or "
                        "account:BROKER:NAME. release says what will be possible again, asks "
                        "first and needs a key with the admin scope. The tasks tell what came of "
                        "each order and position; with --wait it ends when the books prove that "
                        "all is closed, or with 3 when they do not in that time.",
                .words = "halt cancel flatten release",
                .max_operands = 1,
                .options = OPTIONS(
                        {"scope", "SCOPE", "for what it holds (global)", NULL, false},
                        {"reason", "TEXT", "why; kept in the audit", NULL, false},
                        {"yes", NULL, "release without asking", NULL, false},
                        {"wait", "SECONDS", "until it is closed, at most so long", NULL, false}),
                .run = run_killswitch,
        },
        {
                .name = "events",
                .synopsis = "[--types TYPE,…] [--account ACCOUNT]",
                .help = "follow what happens, live",
                .details = "Reconnects by itself and misses nothing. With --json each event is one "
                           "line. Ends with Ctrl-C.",
                .options = OPTIONS(
                        {"types", "TYPES", "only these kinds",
                         "order leg session killswitch account", true},
                        ACCOUNTS_OPTION,
                        {"after", "ID", "begin behind this event instead of now", NULL, false},
                        {"limit", "N", "end after so many events", NULL, false}),
                .run = run_events,
        },
        {
                .name = "jobs",
                .synopsis = "",
                .help = "show background jobs",
                .run = run_jobs,
        },
        {
                .name = "audit",
                .synopsis = "[list|verify] [--order ORDER] [--account ACCOUNT]",
                .help = "list audit records, or verify their chain",
                .details = "verify reads the segment files and the ledger itself, beside a running "
                           "daemon too, and names the first record that is broken. It ends with 2 "
                           "then.",
                .words = "list verify",
                .max_operands = 1,
                .options = OPTIONS(
                        {"order", "ORDER", "only of this order", NULL, false},
                        {"account", "ACCOUNT", "only of this account", NULL, false},
                        {"correlation-id", "ID", "only of this request", NULL, false},
                        {"since", "TIME", "only from this time on (RFC 3339)", NULL, false},
                        {"until", "TIME", "only before this time", NULL, false},
                        {"limit", "N", "at most so many (100)", NULL, false},
                        {"cursor", "CURSOR", "go on where an earlier list ended", NULL, false}),
                .run = run_audit,
        },
        {
                .name = "key",
                .synopsis = "list | add NAME --scope SCOPE,… | remove NAME",
                .help = "manage the API keys file",
                .details = "The daemon reads the file again by a reload (systemctl reload ordo). A "
                           "new key's token is printed once; the file holds its hash "
                           "only.\n\nLimits of a "
                           "key: max_order_value, max_order_quantity, max_open_orders, "
                           "max_daily_value, orders_per_second, orders_per_minute, orders_per_day, "
                           "price_collar_percent, repeat_window_ms. A key without any has those of "
                           "the options ORDO_KEY_….",
                .words = "list add remove",
                .min_operands = 1,
                .max_operands = 2,
                .offline = true,
                .options = OPTIONS(
                        {"scope", "SCOPES", "read, trade, admin", "read trade admin", true},
                        {"account", "ACCOUNT", "limit it to this account; may be repeated", NULL,
                         true},
                        {"cidr", "NETWORK", "limit it to this network; may be repeated", NULL,
                         true},
                        {"expires", "TIME", "until when it is good (RFC 3339)", NULL, false},
                        {"limit", "LIMIT=N", "its own limit, over all accounts; may be repeated",
                         NULL, true},
                        {"dead-man", "SECONDS", "once it has traded: how long it may be silent",
                         NULL, false},
                        {"dead-man-level", "LEVEL", "of the kill switch then (CANCEL)",
                         "HALT CANCEL FLATTEN", false}),
                .run = run_key,
        },
        {
                .name = "check-config",
                .synopsis = "",
                .help = "report every error of the configuration",
                .offline = true,
                .run = run_check_config,
        },
        {
                .name = "migrate",
                .synopsis = "status|up|verify",
                .help = "look at or change the ledger's schema",
                .details = "up applies what is pending, with SQLite after a verified copy of the "
                           "ledger; the daemon must be stopped. On a terminal it shows which one "
                           "runs and for how long; with --json it prints a line for each and one "
                           "at the end. verify finds applied migrations that were edited.",
                .words = "status up verify",
                .min_operands = 1,
                .max_operands = 1,
                .offline = true,
                .run = run_migrate,
        },
        {
                .name = "backup",
                .synopsis = "FILE",
                .help = "write a verified copy of the ledger",
                .details =
                        "Works beside a running daemon. FILE must not exist. restore puts it back.",
                .min_operands = 1,
                .max_operands = 1,
                .offline = true,
                .run = run_backup,
        },
        {
                .name = "restore",
                .synopsis = "FILE",
                .help = "put a backup in the place of the ledger",
                .details =
                        "The daemon must be stopped. FILE is checked first: its schema, its pages, "
                        "the chain of its audit. What is there goes into before-restore-TIME "
                        "beside "
                        "it, with the audit's files. The kill switch stands at HALT afterwards, "
                        "because orders placed after the backup are not in it.",
                .min_operands = 1,
                .max_operands = 1,
                .offline = true,
                .run = run_restore,
        },
        {
                .name = "db",
                .synopsis = "copy FROM TO",
                .help = "copy the whole ledger between SQLite and PostgreSQL",
                .details =
                        "FROM and TO are written sqlite:/path/ordo.db and "
                        "postgresql://user@host/database, or @FILE with one of them in it. No "
                        "daemon may run on either. TO is made and must be empty; in PostgreSQL it "
                        "needs the role that owns the schema. When it was stopped, the same "
                        "command "
                        "goes on; no daemon starts on a copy that is not finished. At the end both "
                        "sides are compared, row by row, and the audit is verified. A password "
                        "comes from @FILE, ~/.pgpass or PGPASSWORD.",
                .words = "copy",
                .min_operands = 3,
                .max_operands = 3,
                .offline = true,
                .options = OPTIONS({"restart", NULL,
                                    "forget what an unfinished copy left in TO, and begin again",
                                    NULL, false}),
                .run = run_db,
        },
        {
                .name = "version",
                .synopsis = "",
                .help = "print the version",
                .offline = true,
                .run = run_version,
        },
        {
                .name = "help",
                .synopsis = "[COMMAND]",
                .help = "explain a command",
                .max_operands = 1,
                .offline = true,
                .run = run_help,
        },
};
const unsigned n_commands = ELEMENTS(commands);

const struct command *command_find(const char *name)
{
        for (unsigned i = 0; i < n_commands; i++)
                if (strcmp(commands[i].name, name) == 0)
                        return &commands[i];
        return NULL;
}

#define NAME_MAX_COMPARED 31

/* Edit distance; both are shorter than NAME_MAX_COMPARED. */
static unsigned distance(const char *a, const char *b)
{
        unsigned rows[2][NAME_MAX_COMPARED + 1];
        unsigned *above = rows[0], *row = rows[1];
        size_t n = strlen(a), m = strlen(b);

        for (unsigned j = 0; j <= m; j++)
                above[j] = j;
        for (unsigned i = 1; i <= n; i++) {
                row[0] = i;
                for (unsigned j = 1; j <= m; j++) {
                        unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);
                        if (above[j] + 1 < best)
                                best = above[j] + 1;
                        if (row[j - 1] + 1 < best)
                                best = row[j - 1] + 1;
                        row[j] = best;
                }
                unsigned *spare = above;
                above = row;
                row = spare;
        }
        return above[m];
}

const char *command_nearest(const char *name)
{
        const char *nearest = NULL;
        unsigned best = 3; /* more than two slips are another word */

        if (strlen(name) >= NAME_MAX_COMPARED)
                return NULL;
        for (unsigned i = 0; i < n_commands; i++) {
                unsigned d = distance(name, commands[i].name);
                if (strlen(name) >= 3 && text_starts(commands[i].name, name))
                        d = 1;
                if (d < best) {
                        best = d;
                        nearest = commands[i].name;
                }
        }
        return nearest;
}

static const struct command_option *find_in(const struct command_option *o, const char *name,
                                            size_t n)
{
        for (; o && o->name; o++)
                if (strlen(o->name) == n && memcmp(o->name, name, n) == 0)
                        return o;
        return NULL;
}

const struct command_option *command_option_find(const struct command *command, const char *name,
                                                 size_t n)
{
        const struct command_option *o = find_in(global_options, name, n);

        return o || !command ? o : find_in(command->options, name, n);
}
