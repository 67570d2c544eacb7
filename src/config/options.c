#include "config/options.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/clock.h"
#include "base/decimal.h"

#define RUPEES(n)  (INT64_C(n) * DECIMAL_ONE)
#define PERCENT(n) (INT64_C(n) * DECIMAL_ONE)
#define KIB        INT64_C(1024)
#define HOUR       (3600 * USEC_PER_SEC)
#define DAY        (24 * HOUR)

/* offsetof() that refuses to compile when the member is of another type than the row says. */
#define SAME(a, b) (sizeof(char[__builtin_types_compatible_p(a, b) ? 1 : -1]) - 1)
#define AT(object, member, type) \
        (offsetof(struct object, member) + SAME(__typeof__(((struct object *)0)->member), type))

#define GLOBAL(name_, section_, type_, member_, ctype_, ...)                                  \
        {                                                                                     \
                .name = "ORDO_" name_, .section = SECTION_##section_, .type = OPTION_##type_, \
                .offset = AT(config, member_, ctype_), __VA_ARGS__                            \
        }
/* A limit of each key for which the keys file has none of its own. */
#define KEY_LIMIT(name_, type_, member_, max_, ...)                                 \
        GLOBAL("KEY_" name_, CALLERS, type_, key_limits.member_, int64_t,           \
               .flags = OPTION_RELOADABLE | OPTION_NO_LIMIT, .min = 0, .max = max_, \
               .fallback = "0", __VA_ARGS__)
#define ACCESS(name_, type_, member_, ctype_, flags_, ...)                               \
        {                                                                                \
                .name = name_, .section = SECTION_ACCESS, .type = OPTION_##type_,        \
                .flags = OPTION_PER_ACCOUNT | OPTION_REAL_ONLY | (flags_),               \
                .offset = AT(account_draft, account.access.member_, ctype_), __VA_ARGS__ \
        }
#define ACCOUNT(name_, type_, member_, ctype_, ...)                                \
        {                                                                          \
                .name = name_, .section = SECTION_ACCOUNT, .type = OPTION_##type_, \
                .offset = AT(account_draft, member_, ctype_), __VA_ARGS__          \
        }

/* hdfc: its own page asks for user and password, so only a login by OTP needs them here. */
const struct config_broker config_brokers[] = {
        {"paper", {}},
        {"fyers", {"CLIENT_ID", "API_KEY", "API_SECRET", "REDIRECT_URI"}},
        {"hdfc", {"CLIENT_ID", "API_KEY", "API_SECRET"}},
        {"mstock", {"CLIENT_ID", "API_KEY", "TOTP_SECRET|PASSWORD"}},
        {},
};

const char *const option_sections[_SECTION_MAX] = {
        [SECTION_LISTENING] = "Listening", [SECTION_CALLERS] = "Callers",
        [SECTION_ORDERS] = "Orders",       [SECTION_PLACES] = "Places",
        [SECTION_AUDIT] = "Audit",         [SECTION_LOG] = "Log",
        [SECTION_ACCOUNT] = "Accounts",    [SECTION_ACCESS] = "Access to real brokers",
};

static const struct option_word log_targets[] = {{"auto", LOG_TARGET_AUTO},
                                                 {"journal", LOG_TARGET_JOURNAL},
                                                 {"json", LOG_TARGET_JSON},
                                                 {"text", LOG_TARGET_TEXT},
                                                 {}};
static const struct option_word log_levels[] = {{"debug", LOG_DEBUG},   {"info", LOG_INFO},
                                                {"notice", LOG_NOTICE}, {"warning", LOG_WARNING},
                                                {"err", LOG_ERR},       {}};
static const struct option_word limits[] = {{"on", false}, {"off", true}, {}};
static const struct option_word markets[] = {{"live", false}, {"static", true}, {}};
static const struct option_word without_quote[] = {
        {"cash", COLLAR_CASH}, {"pass", COLLAR_PASS}, {"refuse", COLLAR_REFUSE}, {}};
static const struct option_word self_crosses[] = {{"refuse", false}, {"pass", true}, {}};
static const struct option_word session_hours[] = {{"pass", false}, {"refuse", true}, {}};

/* A name as it may stand in a Host header, without the port. */
static bool host_valid(const char *s, size_t n)
{
        static const char set[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
        return n > 0 && n <= 253 && s[0] != '-' && s[0] != '.' && text_only(s, n, set);
}

/* "https://host" or "https://host:port", as a browser writes it. */
static bool origin_valid(const char *s, size_t n)
{
        size_t skip = n > 8 && !memcmp(s, "https://", 8)  ? 8
                      : n > 7 && !memcmp(s, "http://", 7) ? 7
                                                          : 0;
        if (skip == 0)
                return false;
        s += skip;
        n -= skip;
        const char *colon = memchr(s, ':', n);
        size_t host = colon ? (size_t)(colon - s) : n;
        int64_t port;
        return host_valid(s, host) &&
               (!colon || text_parse_int(colon + 1, n - host - 1, 1, 65535, &port) == 0);
}

/* What a broker calls its customers and their logins. */
static bool client_valid(const char *s, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (s[i] <= ' ' || s[i] >= 0x7f)
                        return false;
        return n > 0;
}

static bool base32_valid(const char *s, size_t n)
{
        while (n > 0 && s[n - 1] == '=')
                n--;
        return n >= 16 &&
               text_only(s, n, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz234567");
}

static bool egress_valid(const char *s, size_t n)
{
        char copy[INET6_ADDRSTRLEN];
        struct in6_addr any;
        return text_copy_bytes(copy, sizeof(copy), s, n) &&
               (inet_pton(AF_INET, copy, &any) == 1 || inet_pton(AF_INET6, copy, &any) == 1);
}

const struct option options[] = {
        GLOBAL("LISTEN", LISTENING, STRING, listen, char *, .min = 1, .max = 255,
               .fallback = "127.0.0.1:8080",
               .help = "Where to listen when systemd passes no socket: address:port, "
                       "[address]:port or unix:/path."),
        GLOBAL("TLS_CERT", LISTENING, PATH, tls_cert, char *,
               .flags = OPTION_RELOADABLE | OPTION_NO_SWITCH | OPTION_READABLE,
               .absent = "plain HTTP", .example = "/etc/ordo/tls.crt",
               .help = "Certificate chain (PEM); with it the listener speaks HTTPS."),
        GLOBAL("TLS_KEY", LISTENING, PATH, tls_key, char *,
               .flags = OPTION_RELOADABLE | OPTION_NO_SWITCH | OPTION_READABLE, .absent = "none",
               .example = "/etc/ordo/tls.key", .help = "Private key (PEM) of ORDO_TLS_CERT."),
        GLOBAL("TLS_CLIENT_CA", LISTENING, PATH, tls_client_ca, char *,
               .flags = OPTION_RELOADABLE | OPTION_READABLE,
               .absent = "clients need no certificate", .example = "/etc/ordo/clients.crt",
               .help = "Authorities (PEM) one of which must have signed the certificate of every "
                       "client."),
        GLOBAL("BEHIND_PROXY", LISTENING, BOOL, behind_proxy, bool, .fallback = "no",
               .help = "Says that a proxy ends TLS, which permits plain HTTP on other addresses "
                       "than loopback."),
        GLOBAL("ALLOWED_HOSTS", LISTENING, LIST, allowed_hosts, char * [CONFIG_LIST_MAX + 1],
               .flags = OPTION_RELOADABLE, .item = host_valid,
               .absent = "addresses and localhost only", .example = "ordo.example.org",
               .help = "Names that the Host header may have beside addresses and localhost."),
        GLOBAL("CORS_ORIGINS", LISTENING, LIST, cors_origins, char * [CONFIG_LIST_MAX + 1],
               .flags = OPTION_RELOADABLE, .item = origin_valid, .absent = "CORS is off",
               .example = "https://desk.example.org",
               .help = "Origins whose pages may call the API from a browser; there is no "
                       "wildcard."),
        GLOBAL("MAX_CONNECTIONS", LISTENING, INT, max_connections, int64_t,
               .flags = OPTION_RELOADABLE, .min = 1, .max = 65536, .fallback = "1024",
               .unit = "connections", .help = "Client connections at one time; further ones wait."),
        GLOBAL("REQUEST_TIMEOUT", LISTENING, DURATION, request_timeout_us, int64_t,
               .min = USEC_PER_SEC, .max = 300 * USEC_PER_SEC, .fallback = "10s",
               .help = "Time a client has to send one request, idling on a kept connection "
                       "included."),

        GLOBAL("API_TOKEN", CALLERS, SECRET, api_token, struct secret *,
               .flags = OPTION_IS_SECRET | OPTION_RELOADABLE, .min = 16, .max = 1024,
               .absent = "made at the first start, in api-token in the state directory",
               .help = "The bearer token that may do everything."),
        GLOBAL("API_KEYS_FILE", CALLERS, PATH, api_keys_file, char *, .flags = OPTION_RELOADABLE,
               .absent = "keys.json in the state directory", .example = "/etc/ordo/keys.json",
               .help = "Hashes of further keys with scopes, made by ordoctl key."),
        GLOBAL("API_RATE", CALLERS, INT, api_rate, int64_t,
               .flags = OPTION_RELOADABLE | OPTION_NO_LIMIT, .min = 0, .max = 1000000,
               .fallback = "100", .unit = "requests per second",
               .help = "Requests a key may make."),
        KEY_LIMIT("MAX_ORDER_VALUE", DECIMAL, max_order_value, LIMIT_ORDER_VALUE_MAX,
                  .unit = "rupees",
                  .help = "Highest value of one order of a key. This and the other limits of keys "
                          "hold for each key without limits in the keys file, API_TOKEN's too, "
                          "over all accounts; the account's own hold beside them."),
        KEY_LIMIT("MAX_ORDER_QUANTITY", INT, max_order_quantity, QUANTITY_MAX,
                  .unit = "exchange units", .help = "Highest quantity of one order of a key."),
        KEY_LIMIT("MAX_OPEN_ORDERS", INT, max_open_orders, LIMIT_OPEN_ORDERS_MAX, .unit = "orders",
                  .help = "Orders of a key that may be open at one time."),
        KEY_LIMIT("MAX_DAILY_VALUE", DECIMAL, max_daily_value, LIMIT_DAILY_VALUE_MAX,
                  .unit = "rupees", .help = "Highest value of all orders of a key in a day."),
        KEY_LIMIT("ORDERS_PER_SECOND", INT, orders_per_second, LIMIT_PER_SECOND_MAX,
                  .unit = "orders per 1.1 s",
                  .help = "Orders and modifies of a key in any 1.1 seconds; what is more is "
                          "refused and does not wait."),
        KEY_LIMIT("ORDERS_PER_MINUTE", INT, orders_per_minute, LIMIT_PER_MINUTE_MAX,
                  .unit = "orders per minute",
                  .help = "Orders and modifies of a key in any minute; what is more is refused."),
        KEY_LIMIT("MAX_ORDERS_PER_DAY", INT, orders_per_day, LIMIT_PER_DAY_MAX, .unit = "orders",
                  .help = "Orders and modifies of a key in one day."),
        KEY_LIMIT("PRICE_COLLAR", DECIMAL, price_collar_percent, LIMIT_COLLAR_MAX,
                  .unit = "percent",
                  .help = "How far beyond the last known price a limit of a key's order may lie, "
                          "but for options."),
        KEY_LIMIT("REPEAT_WINDOW_MS", INT, repeat_window_us, LIMIT_REPEAT_MS_MAX,
                  .scale = USEC_PER_MS, .unit = "milliseconds",
                  .help = "Time in which an order that equals an earlier one of the same key, at "
                          "the same account, is refused."),
        GLOBAL("METRICS_PUBLIC", CALLERS, BOOL, metrics_public, bool, .flags = OPTION_RELOADABLE,
               .fallback = "no", .help = "Answers /metrics without a token."),
        GLOBAL("STATUS_PUBLIC", CALLERS, BOOL, status_public, bool, .flags = OPTION_RELOADABLE,
               .fallback = "no", .help = "Answers /api/v1/status without a token."),

        GLOBAL("ACCOUNTS", ORDERS, ACCOUNT, accounts, struct account[ACCOUNTS_MAX],
               .fallback = "paper:demo",
               .help = "The accounts, each written broker:name; a name is a letter and up to 15 "
                       "letters or digits, lower case."),
        GLOBAL("LIMITS", ORDERS, CHOICE, limits_off, bool, .flags = OPTION_RELOADABLE,
               .words = limits, .fallback = "on",
               .help = "Off lifts the limits and rate windows of paper accounts, and the rate of "
                       "callers while every account is paper."),
        GLOBAL("ORDER_DEADLINE", ORDERS, DURATION, order_deadline_us, int64_t,
               .flags = OPTION_RELOADABLE, .min = USEC_PER_SEC, .max = 60 * USEC_PER_SEC,
               .fallback = "12s",
               .help = "Time after which an order is answered with what is known by then."),
        GLOBAL("IDEMPOTENCY_REQUIRED", ORDERS, BOOL, idempotency_required, bool,
               .flags = OPTION_RELOADABLE, .fallback = "yes",
               .help = "Refuses orders that come without an Idempotency-Key."),
        GLOBAL("IDEMPOTENCY_TTL", ORDERS, DURATION, idempotency_ttl_us, int64_t,
               .flags = OPTION_RELOADABLE, .min = HOUR, .max = 30 * DAY, .fallback = "24h",
               .help = "How long a key is remembered, so that repeating its request answers the "
                       "same."),

        GLOBAL("STATE_DIR", PLACES, PATH, state_dir, char *,
               .absent = "$STATE_DIRECTORY, else $XDG_STATE_HOME/ordo, else ~/.local/state/ordo",
               .example = "/var/lib/ordo",
               .help = "The directory of everything that must survive: ledger, audit, generated "
                       "secrets."),
        GLOBAL("ENV_FILE", PLACES, PATH, env_file, char *, .absent = "none",
               .example = "/etc/ordo/ordo.env",
               .help = "A file with lines NAME=value of further options, read at the start and by "
                       "a "
                       "reload; the variables of the environment come first."),
        GLOBAL("DATABASE_URL", PLACES, URL, database_url, char *, .flags = OPTION_IS_SECRET,
               .absent = "SQLite, ordo.db in the state directory",
               .example = "postgresql://ordo@db.example.org/ordo?sslmode=verify-full",
               .help = "A ledger in PostgreSQL instead, which may be on another machine."),
        GLOBAL("AUTO_MIGRATE", PLACES, BOOL, auto_migrate, bool, .fallback = "no",
               .help = "Brings the schema of a ledger in PostgreSQL up to date at the start, "
                       "instead "
                       "of asking for ordoctl migrate up; a SQLite ledger always is."),
        GLOBAL("MARKET_DIR", PLACES, PATH, market_dir, char *, .flags = OPTION_READABLE,
               .absent = "the installed files, /usr/share/ordo/market of the package",
               .example = "/etc/ordo/market",
               .help = "The directory of the market's data: instruments, ticks, sessions, "
                       "holidays."),
        GLOBAL("MIGRATIONS_DIR", PLACES, PATH, migrations_dir, char *, .flags = OPTION_READABLE,
               .absent = "the installed files, /usr/share/ordo/migrations of the package",
               .example = "/usr/share/ordo/migrations",
               .help = "The directory of the ledger's migrations."),
        GLOBAL("VAULT_KEY", PLACES, KEY, vault_key, struct secret *, .flags = OPTION_IS_SECRET,
               .absent = "made at the first start, in the state directory",
               .help = "The key that seals broker tokens in the ledger: 64 hexadecimal digits, or "
                       "32 raw bytes in a file."),

        GLOBAL("AUDIT_SEGMENT_SIZE", AUDIT, BYTES, audit_segment_bytes, int64_t, .min = 64 * KIB,
               .max = 1024 * KIB * KIB, .fallback = "16MiB",
               .help = "Size at which an audit file is closed and a new one begun, as at the end "
                       "of a day."),
        GLOBAL("AUDIT_RETENTION_DAYS", AUDIT, INT, audit_retention_days, int64_t,
               .flags = OPTION_RELOADABLE, .min = 1, .max = 36500, .fallback = "1826",
               .unit = "days",
               .help = "Days for which audit files are kept; the regulator asks for five years."),

        GLOBAL("LOG", LOG, ENUM, log_target, enum log_target, .words = log_targets,
               .fallback = "auto",
               .help = "Where records go; auto takes the journal when there is one, readable lines "
                       "on a terminal, else JSON lines."),
        GLOBAL("LOG_LEVEL", LOG, ENUM, log_level, int, .flags = OPTION_RELOADABLE,
               .words = log_levels, .fallback = "info",
               .help = "The least important records that are written."),
        GLOBAL("LOG_ACCESS", LOG, BOOL, log_access, bool, .flags = OPTION_RELOADABLE,
               .fallback = "no", .help = "Writes a record for every HTTP request."),
        GLOBAL("DRAIN_TIMEOUT", LOG, DURATION, drain_timeout_us, int64_t,
               .flags = OPTION_RELOADABLE, .min = USEC_PER_SEC, .max = 600 * USEC_PER_SEC,
               .fallback = "20s",
               .help = "Time that running requests have to finish when the daemon stops."),
        GLOBAL("IDLE_EXIT", LOG, DURATION, idle_exit_us, int64_t,
               .flags = OPTION_RELOADABLE | OPTION_NO_LIMIT, .min = USEC_PER_SEC, .max = 7 * DAY,
               .fallback = "0",
               .help = "Ends the daemon after so long without anything to do or to watch, if a "
                       "systemd socket starts it again; 0: never."),

        ACCOUNT("FUNDS", DECIMAL, account.paper_funds, int64_t,
                .flags = OPTION_PER_ACCOUNT | OPTION_PAPER_ONLY, .min = 0,
                .max = RUPEES(1000000000000), .fallback = "10000000.00", .unit = "rupees",
                .help = "Cash of a paper account when its book is opened for the first time."),
        ACCOUNT("MARKET", CHOICE, account.paper_static_market, bool,
                .flags = OPTION_PER_ACCOUNT | OPTION_PAPER_ONLY, .words = markets,
                .fallback = "live",
                .help = "Whether the prices of a paper account walk (from a fixed seed) or stand "
                        "still."),
        ACCOUNT("MARKET_POLICY", POLICY, account.market_policy, struct market_policy,
                .flags = OPTION_RELOADABLE | OPTION_PER_ACCOUNT, .fallback = "protect(1)",
                .help = "Market orders: reject, protect(percent) turns them into limits, or broker "
                        "passes them on."),
        ACCOUNT("SESSION_HOURS", CHOICE, account.enforce_session_hours, bool,
                .flags = OPTION_RELOADABLE | OPTION_PER_ACCOUNT, .words = session_hours,
                .fallback = "pass", .fallback_real = "refuse",
                .help = "Whether orders outside the market's hours are passed on or refused."),
        ACCOUNT("SELF_CROSS", CHOICE, account.self_cross_pass, bool,
                .flags = OPTION_RELOADABLE | OPTION_PER_ACCOUNT, .words = self_crosses,
                .fallback = "refuse",
                .help = "Whether an order that would trade against an open one of the same owner "
                        "is refused or passed on."),
        ACCOUNT("OWNER", STRING, account.owner, char *,
                .flags = OPTION_RELOADABLE | OPTION_PER_ACCOUNT, .min = 1, .max = OWNER_SIZE - 1,
                .item = client_valid, .absent = "an owner of its own", .example = "ramesh",
                .help = "Whose account it is; accounts with the same owner are one trader's for "
                        "SELF_CROSS."),
        ACCOUNT("MAX_ORDER_VALUE", DECIMAL, account.limits.max_order_value, int64_t,
                .flags = OPTION_RELOADABLE | OPTION_PER_ACCOUNT | OPTION_NO_LIMIT, .min = 0,
                .max = LIMIT_ORDER_VALUE_MAX, .fallback = "1000000.00", .unit = "rupees",
                .help = "Highest value of one order."),
        ACCOUNT("MAX_ORDER_QUANTITY", INT, account.limits.max_order_quantity, int64_t,
                .flags = OPTION_RELOADABLE | OPTION_PER_ACCOUNT | OPTION_NO_LIMIT, .min = 0,
                .max = QUANTITY_MAX, .fallback = "100000", .unit = "exchange units",
                .help = "Highest quantity of one order."),
        ACCOUNT("MAX_OPEN_ORDERS", INT, account.limits.max_open_orders, int64_t,
                .flags = OPTION_RELOADABLE | OPTION_PER_ACCOUNT | OPTION_NO_LIMIT, .min = 0,
                .max = LIMIT_OPEN_ORDERS_MAX, .fallback = "200", .unit = "orders",
                .help = "Orders that may be open at one time."),
        ACCOUNT("MAX_DAILY_VALUE", DECIMAL, account.limits.max_daily_value, int64_t,
                .flags = OPTION_RELOADABLE | OPTION_PER_ACCOUNT | OPTION_NO_LIMIT, .min = 0,
                .max = LIMIT_DAILY_VALUE_MAX, .fallback = "10000000.00", .unit = "rupees",
                .help = "Highest value of all orders of a day."),
        ACCOUNT("MAX_DAILY_LOSS", DECIMAL, account.limits.max_daily_loss, int64_t,
                .flags = OPTION_RELOADABLE | OPTION_PER_ACCOUNT | OPTION_NO_LIMIT, .min = 0,
                .max = RUPEES(10000000000000), .fallback = "100000.00", .unit = "rupees",
                .help = "Loss of a day, realised and not, from which on only orders that reduce a "
                        "position pass."),
        ACCOUNT("ORDERS_PER_SECOND", INT, account.limits.orders_per_second, int64_t,
                .flags = OPTION_RELOADABLE | OPTION_PER_ACCOUNT | OPTION_NO_LIMIT, .min = 0,
                .max = LIMIT_PER_SECOND_MAX, .fallback = "9", .unit = "orders per 1.1 s",
                .help = "Orders, modifies and cancels at one exchange in any 1.1 seconds; more "
                        "than 10, or no limit, needs ALGO_REGISTERED."),
        ACCOUNT("ALGO_REGISTERED", BOOL, algo_registered, bool,
                .flags = OPTION_RELOADABLE | OPTION_PER_ACCOUNT, .fallback = "no",
                .help = "Says that the exchange has registered your algorithm, so that more than "
                        "10 orders a second are lawful."),
        ACCOUNT("ORDERS_PER_MINUTE", INT, account.limits.orders_per_minute, int64_t,
                .flags = OPTION_RELOADABLE | OPTION_PER_ACCOUNT | OPTION_NO_LIMIT, .min = 0,
                .max = LIMIT_PER_MINUTE_MAX, .fallback = "200", .unit = "orders per minute",
                .help = "Orders, modifies and cancels in any minute."),
        ACCOUNT("MAX_ORDERS_PER_DAY", INT, account.limits.orders_per_day, int64_t,
                .flags = OPTION_RELOADABLE | OPTION_PER_ACCOUNT | OPTION_NO_LIMIT, .min = 0,
                .max = LIMIT_PER_DAY_MAX, .fallback = "3000", .unit = "orders",
                .help = "Orders and modifies of one day."),
        ACCOUNT("MAX_MODIFICATIONS", INT, account.limits.max_modifications, int64_t,
                .flags = OPTION_RELOADABLE | OPTION_PER_ACCOUNT | OPTION_NO_LIMIT, .min = 0,
                .max = 10000, .fallback = "20", .unit = "modifications",
                .help = "Modifications of one order; several brokers take 25."),
        ACCOUNT("MAX_ORDERS_PER_TRADE", INT, account.limits.max_orders_per_trade, int64_t,
                .flags = OPTION_RELOADABLE | OPTION_PER_ACCOUNT | OPTION_NO_LIMIT, .min = 0,
                .max = 100000, .fallback = "50", .unit = "orders",
                .help = "Orders and modifies of a day for each order that has traded."),
        ACCOUNT("ORDERS_PER_TRADE_FLOOR", INT, account.limits.orders_per_trade_floor, int64_t,
                .flags = OPTION_RELOADABLE | OPTION_PER_ACCOUNT, .min = 0, .max = 10000000,
                .fallback = "500", .unit = "orders",
                .help = "Orders and modifies of a day up to which MAX_ORDERS_PER_TRADE does not "
                        "count."),
        ACCOUNT("REJECT_STORM", INT, account.limits.storm_rejections, int64_t,
                .flags = OPTION_RELOADABLE | OPTION_PER_ACCOUNT | OPTION_NO_LIMIT, .min = 0,
                .max = 10000, .fallback = "10", .unit = "orders",
                .help = "Orders and modifies rejected by the broker within REJECT_STORM_WINDOW "
                        "after which only orders that reduce a position pass for a while."),
        ACCOUNT("REJECT_STORM_WINDOW", DURATION, account.limits.storm_window_us, int64_t,
                .flags = OPTION_RELOADABLE | OPTION_PER_ACCOUNT, .min = USEC_PER_SEC, .max = HOUR,
                .fallback = "1m", .help = "The window of REJECT_STORM."),
        ACCOUNT("REJECT_STORM_PAUSE", DURATION, account.limits.storm_pause_us, int64_t,
                .flags = OPTION_RELOADABLE | OPTION_PER_ACCOUNT, .min = USEC_PER_SEC, .max = DAY,
                .fallback = "5m",
                .help = "How long only orders that reduce a position pass after a REJECT_STORM."),
        ACCOUNT("RETRIES", INT, account.limits.retries, int64_t,
                .flags = OPTION_RELOADABLE | OPTION_PER_ACCOUNT, .min = 0, .max = 10,
                .fallback = "3", .unit = "attempts more",
                .help = "How often a read without an answer, or an order of which no byte was "
                        "sent, is sent again within its time."),
        ACCOUNT("BREAKER_FAILURES", INT, account.limits.breaker_failures, int64_t,
                .flags = OPTION_RELOADABLE | OPTION_PER_ACCOUNT, .min = 0, .max = 1000,
                .fallback = "5", .unit = "calls, 0 for never",
                .help = "Orders (or reads) within BREAKER_WINDOW that got no complete reply, after "
                        "which new ones are refused until the broker can be reached again."),
        ACCOUNT("BREAKER_WINDOW", DURATION, account.limits.breaker_window_us, int64_t,
                .flags = OPTION_RELOADABLE | OPTION_PER_ACCOUNT, .min = USEC_PER_SEC, .max = HOUR,
                .fallback = "1m", .help = "The window of BREAKER_FAILURES."),
        ACCOUNT("PRICE_COLLAR", DECIMAL, account.limits.price_collar_percent, int64_t,
                .flags = OPTION_RELOADABLE | OPTION_PER_ACCOUNT | OPTION_NO_LIMIT, .min = 0,
                .max = LIMIT_COLLAR_MAX, .fallback = "10", .unit = "percent",
                .help = "How far beyond the last known price a limit may lie, but for options."),
        ACCOUNT("COLLAR_WITHOUT_QUOTE", ENUM, account.collar_without_quote,
                enum collar_without_quote, .flags = OPTION_RELOADABLE | OPTION_PER_ACCOUNT,
                .words = without_quote, .fallback = "cash",
                .help = "Which limit orders pass PRICE_COLLAR where no price is known: cash those "
                        "in shares, pass all, refuse none."),
        ACCOUNT("REPEAT_WINDOW_MS", INT, account.limits.repeat_window_us, int64_t,
                .flags = OPTION_RELOADABLE | OPTION_PER_ACCOUNT | OPTION_NO_LIMIT, .min = 0,
                .max = LIMIT_REPEAT_MS_MAX, .scale = USEC_PER_MS, .fallback = "1000",
                .unit = "milliseconds",
                .help = "Time in which an order that equals an earlier one is refused."),

        ACCESS("CLIENT_ID", STRING, client_id, char *, 0, .min = 1, .max = CLIENT_ID_SIZE - 1,
               .item = client_valid, .absent = "none; needed", .example = "XA00001",
               .help = "Whose account it is at the broker; a session of anybody else is refused."),
        ACCESS("API_KEY", SECRET, api_key, struct secret *, OPTION_IS_SECRET, .min = 1, .max = 256,
               .absent = "none; needed",
               .help = "The key (or id) of the program that you registered at the broker."),
        ACCESS("API_SECRET", SECRET, api_secret, struct secret *, OPTION_IS_SECRET, .min = 1,
               .max = 256, .absent = "none; needed for fyers and hdfc",
               .help = "The secret that belongs to API_KEY."),
        ACCESS("REDIRECT_URI", ADDRESS, redirect_uri, char *, OPTION_RELOADABLE | OPTION_VERBATIM,
               .min = 1, .max = 512, .absent = "none; needed for fyers",
               .example = "http://127.0.0.1:8080/api/v1/auth/callback/fyers/main",
               .help = "Where the broker sends the browser after a login, letter for letter as it "
                       "is registered there."),
        ACCESS("USERNAME", STRING, username, char *, OPTION_RELOADABLE, .min = 1, .max = 64,
               .item = client_valid, .absent = "none", .example = "MA0000000",
               .help = "The user of a login without a browser."),
        ACCESS("PASSWORD", SECRET, password, struct secret *,
               OPTION_IS_SECRET | OPTION_RELOADABLE | OPTION_ANY_TEXT, .min = 1, .max = 256,
               .absent = "none", .help = "The password of USERNAME."),
        ACCESS("TOTP_SECRET", SECRET, totp_secret, struct secret *,
               OPTION_IS_SECRET | OPTION_RELOADABLE, .min = 16, .max = 256, .item = base32_valid,
               .absent = "a person logs in every day",
               .example = "the letters and digits A-Z, 2-7 that the broker shows beside its QR "
                          "code, without blanks",
               .help = "The seed (base32) of the one-time passwords; with it Ordo logs in by "
                       "itself, and whoever has it has the second factor."),
        ACCESS("BROKER_RATES", RATES, rates, struct broker_rates, 0,
               .absent = "those of the broker's documents", .example = "orders:50/1s,calls:60/1s",
               .help = "Rates that the broker has agreed to for your registered algorithm, each "
                       "kind:count/window with the kinds orders, exchange-orders (at each exchange "
                       "by itself), quotes and calls (all of them); they replace the broker's own "
                       "of the same kind. Needs ALGO_REGISTERED."),
        ACCESS("EGRESS_ADDRESS", STRING, egress_address, char *, 0, .min = 2,
               .max = INET6_ADDRSTRLEN - 1, .item = egress_valid, .absent = "the kernel's choice",
               .example = "203.0.113.7",
               .help = "The address of this machine from which every call leaves: the one that is "
                       "registered at the broker."),
        ACCESS("BASE_URL", ADDRESS, base_url, char *, 0, .min = 1, .max = 512,
               .absent = "the broker's", .example = "https://sandbox.example.org",
               .help = "Another address of the broker's API, for example of a test system."),
        ACCESS("MASTER_URL", ADDRESS, master_url, char *, 0, .min = 1, .max = 512,
               .absent = "the broker's", .example = "https://sandbox.example.org/masters",
               .help = "Another address of the directory with the broker's list of instruments."),
        ACCESS("CA_FILE", PATH, ca_file, char *, OPTION_READABLE, .absent = "the system's",
               .example = "/etc/ordo/broker-ca.crt",
               .help = "Authorities (PEM) that are trusted for this account's broker instead of "
                       "the system's."),
};
const unsigned n_options = ELEMENTS(options);
_Static_assert(ELEMENTS(options) <= OPTIONS_MAX, "account_draft.given has a place for each");

const char *option_type_name(enum option_type t)
{
        static const char *const names[_OPTION_TYPE_MAX] = {
                [OPTION_STRING] = "text",         [OPTION_PATH] = "absolute path",
                [OPTION_SECRET] = "secret",       [OPTION_KEY] = "secret",
                [OPTION_URL] = "secret",          [OPTION_ADDRESS] = "https address",
                [OPTION_BOOL] = "word",           [OPTION_CHOICE] = "word",
                [OPTION_ENUM] = "word",           [OPTION_INT] = "whole number",
                [OPTION_DURATION] = "duration",   [OPTION_BYTES] = "size",
                [OPTION_DECIMAL] = "decimal",     [OPTION_LIST] = "list",
                [OPTION_POLICY] = "policy",       [OPTION_ACCOUNT] = "list of accounts",
                [OPTION_RATES] = "list of rates",
        };
        return names[t];
}

bool option_of_account(const struct option *o, const struct account *account)
{
        return o->flags & OPTION_PER_ACCOUNT &&
               !(o->flags & (account->paper ? OPTION_REAL_ONLY : OPTION_PAPER_ONLY));
}

const char *option_fallback(const struct option *o, const struct account *account)
{
        return account && !account->paper && o->fallback_real ? o->fallback_real : o->fallback;
}

static void add_upper(char buf[static OPTION_NAME_SIZE], const char *s)
{
        size_t n = strlen(buf);
        for (; *s && n + 1 < OPTION_NAME_SIZE; s++)
                buf[n++] = (char)toupper((unsigned char)*s);
        buf[n] = '\0';
}

void option_name(const struct option *o, const struct account *account,
                 char buf[static OPTION_NAME_SIZE])
{
        buf[0] = '\0';
        if (account) {
                add_upper(buf, "ORDO_");
                add_upper(buf, account->broker);
                add_upper(buf, "_");
                add_upper(buf, account->name);
                add_upper(buf, "_");
        }
        add_upper(buf, o->name);
}

const char *option_words(const struct option *o, char buf[static OPTION_WORDS_SIZE])
{
        static const struct option_word booleans[] = {{"yes", true}, {"no", false}, {}};
        const struct option_word *words = o->type == OPTION_BOOL ? booleans : o->words;
        buf[0] = '\0';
        size_t n = 0;
        for (const struct option_word *w = words; w && w->word; w++) {
                const char *joint = w == words ? "" : w[1].word ? ", " : " or ";
                int r = snprintf(buf + n, OPTION_WORDS_SIZE - n, "%s%s", joint, w->word);
                if (r < 0 || (size_t)r >= OPTION_WORDS_SIZE - n)
                        break;
                n += (size_t)r;
        }
        return buf;
}

bool option_numeric(const struct option *o)
{
        return o->type == OPTION_INT || o->type == OPTION_DURATION || o->type == OPTION_BYTES ||
               o->type == OPTION_DECIMAL;
}

struct unit {
        const char *suffix;
        int64_t size;
};

static void add_largest(struct text *t, int64_t value, const struct unit *units)
{
        for (const struct unit *u = units; u->suffix; u++)
                if (value % u->size == 0 && (value >= u->size || !u[1].suffix)) {
                        text_addf(t, "%lld%s", (long long)(value / u->size), u->suffix);
                        return;
                }
}

void option_bound(const struct option *o, int64_t value, struct text *ret)
{
        static const struct unit times[] = {{"d", DAY},          {"h", HOUR},
                                            {"m", HOUR / 60},    {"s", USEC_PER_SEC},
                                            {"ms", USEC_PER_MS}, {}};
        static const struct unit sizes[] = {
                {"GiB", KIB * KIB * KIB}, {"MiB", KIB * KIB}, {"KiB", KIB}, {"B", 1}, {}};
        char buf[DECIMAL_TEXT_SIZE];
        switch (o->type) {
        case OPTION_DURATION:
                add_largest(ret, value, times);
                break;
        case OPTION_BYTES:
                add_largest(ret, value, sizes);
                break;
        case OPTION_DECIMAL:
                text_add(ret, decimal_print_short(value, buf));
                break;
        default:
                text_add_int(ret, value);
        }
}
