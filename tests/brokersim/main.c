#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "brokersim/server.h"
#include "brokersim/sim.h"
#include "brokersim/users.h"

#define DEFAULT_LISTEN "127.0.0.1:7700"

static volatile int stopping;

static void on_signal(int signal_number)
{
        (void)signal_number;
        stopping = 1;
}

struct arguments {
        const char *listen[LISTENERS_MAX], *listen_tls[LISTENERS_MAX];
        unsigned n_listen, n_listen_tls;
        const char *tls_cert[CERTIFICATES_MAX], *tls_key[CERTIFICATES_MAX], *market_dir;
        unsigned n_tls_cert, n_tls_key;
        const char *users[USERS_MAX];
        unsigned n_users;
        int64_t rows, latency_ms, orders_max, funds;
        bool auto_login;
};

static const char usage[] =
        "usage: ordo-brokersim [OPTION...]\n"
        "\n"
        "Plays Fyers, HDFC Securities and m.Stock over HTTP, and misbehaves on request.\n"
        "\n"
        "  --listen ADDRESS:PORT      plain HTTP, " DEFAULT_LISTEN " unless given; port 0: any\n"
        "  --listen-tls ADDRESS:PORT  HTTPS; with --tls-cert FILE and --tls-key FILE (PEM),\n"
        "                             repeated for the certificates of the fault `certificate`\n"
        "  --user BROKER:CLIENT_ID:API_KEY:API_SECRET\n"
        "                             one more account at fyers, hdfc or mstock\n"
        "  --funds RUPEES             in every account, 100000000 unless given\n"
        "  --auto-login               login pages send the browser back by themselves\n"
        "  --rows N                   masters are filled up to N rows, 30000 unless given\n"
        "  --latency MS               every broker answers that much later\n"
        "  --orders-max N             orders in all books together, 1000000 unless given\n"
        "  --market-dir DIR           instruments.csv and the other files of the market\n"
        "  --version, --help\n"
        "\n"
        "It is controlled under /_sim/; see ordo-brokersim(1).\n";

enum {
        OPTION_LISTEN = 256,
        OPTION_LISTEN_TLS,
        OPTION_TLS_CERT,
        OPTION_TLS_KEY,
        OPTION_USER,
        OPTION_FUNDS,
        OPTION_AUTO_LOGIN,
        OPTION_ROWS,
        OPTION_LATENCY,
        OPTION_ORDERS_MAX,
        OPTION_MARKET_DIR,
        OPTION_VERSION,
        OPTION_HELP,
};

static const struct option options[] = {
        {"listen", required_argument, NULL, OPTION_LISTEN},
        {"listen-tls", required_argument, NULL, OPTION_LISTEN_TLS},
        {"tls-cert", required_argument, NULL, OPTION_TLS_CERT},
        {"tls-key", required_argument, NULL, OPTION_TLS_KEY},
        {"user", required_argument, NULL, OPTION_USER},
        {"funds", required_argument, NULL, OPTION_FUNDS},
        {"auto-login", no_argument, NULL, OPTION_AUTO_LOGIN},
        {"rows", required_argument, NULL, OPTION_ROWS},
        {"latency", required_argument, NULL, OPTION_LATENCY},
        {"orders-max", required_argument, NULL, OPTION_ORDERS_MAX},
        {"market-dir", required_argument, NULL, OPTION_MARKET_DIR},
        {"version", no_argument, NULL, OPTION_VERSION},
        {"help", no_argument, NULL, OPTION_HELP},
        {},
};

static _Noreturn void die(const char *what)
{
        fprintf(stderr, "ordo-brokersim: %s\n", what);
        exit(1);
}

static int64_t read_number(const char *option, const char *s, int64_t max)
{
        int64_t n = 0;

        if (text_parse_int(s, strlen(s), 0, max, &n) != 0) {
                fprintf(stderr, "ordo-brokersim: --%s takes a number from 0 to %lld\n", option,
                        (long long)max);
                exit(2);
        }
        return n;
}

static const char *one_more(const char **array, unsigned *n, unsigned max, const char *value)
{
        if (*n == max)
                die("too many of one option");
        return array[(*n)++] = value;
}

static void read_arguments(int argc, char **argv, struct arguments *a)
{
        int o;

        while ((o = getopt_long(argc, argv, "", options, NULL)) != -1)
                switch (o) {
                case OPTION_LISTEN:
                        one_more(a->listen, &a->n_listen, LISTENERS_MAX, optarg);
                        break;
                case OPTION_LISTEN_TLS:
                        one_more(a->listen_tls, &a->n_listen_tls, LISTENERS_MAX, optarg);
                        break;
                case OPTION_TLS_CERT:
                        one_more(a->tls_cert, &a->n_tls_cert, CERTIFICATES_MAX, optarg);
                        break;
                case OPTION_TLS_KEY:
                        one_more(a->tls_key, &a->n_tls_key, CERTIFICATES_MAX, optarg);
                        break;
                case OPTION_USER:
                        one_more(a->users, &a->n_users, USERS_MAX, optarg);
                        break;
                case OPTION_FUNDS:
                        a->funds = read_number("funds", optarg, INT64_C(10000000000)) * DECIMAL_ONE;
                        break;
                case OPTION_AUTO_LOGIN:
                        a->auto_login = true;
                        break;
                case OPTION_ROWS:
                        a->rows = read_number("rows", optarg, ROWS_MAX);
                        break;
                case OPTION_LATENCY:
                        a->latency_ms = read_number("latency", optarg, FAULT_MS_MAX);
                        break;
                case OPTION_ORDERS_MAX:
                        a->orders_max = read_number("orders-max", optarg, INT32_MAX);
                        break;
                case OPTION_MARKET_DIR:
                        a->market_dir = optarg;
                        break;
                case OPTION_VERSION:
                        puts("ordo-brokersim " ORDO_VERSION);
                        exit(0);
                case OPTION_HELP:
                        fputs(usage, stdout);
                        exit(0);
                default:
                        fputs(usage, stderr);
                        exit(2);
                }
        if (optind < argc) {
                fputs(usage, stderr);
                exit(2);
        }
}

static void prepare(struct sim *s, const struct arguments *a)
{
        char fault[MARKET_FAULT_SIZE] = "out of memory";

        if (market_load(&s->market, a->market_dir, fault) < 0)
                die(fault);
        book_init(&s->book, &s->market, (unsigned)a->orders_max);
        s->book.words = refusal_words;
        s->rows = (unsigned)a->rows;
        s->latency_us = a->latency_ms * USEC_PER_MS;
        s->auto_login = a->auto_login;
        users_default(s, a->funds);
        for (unsigned i = 0; i < a->n_users; i++)
                if (!users_from_argument(s, a->users[i], a->funds))
                        die("--user takes BROKER:CLIENT_ID:API_KEY:API_SECRET");
}

static void listen_all(struct server *v, const struct arguments *a)
{
        char fault[SERVER_FAULT_MAX];

        if (a->n_tls_cert != a->n_tls_key)
                die("--tls-cert and --tls-key go together");
        for (unsigned i = 0; i < a->n_tls_cert; i++)
                if (server_tls(v, a->tls_cert[i], a->tls_key[i], fault) < 0)
                        die(fault);
        for (unsigned i = 0; i < a->n_listen; i++)
                if (server_listen(v, a->listen[i], false, fault) < 0)
                        die(fault);
        for (unsigned i = 0; i < a->n_listen_tls; i++)
                if (server_listen(v, a->listen_tls[i], true, fault) < 0)
                        die(fault);
        if (a->n_listen + a->n_listen_tls == 0 &&
            server_listen(v, DEFAULT_LISTEN, false, fault) < 0)
                die(fault);
        const char *url;
        for (unsigned i = 0; (url = server_url(v, i)); i++)
                printf("ordo-brokersim listens at %s\n", url);
        fflush(stdout);
}

int main(int argc, char **argv)
{
        static struct sim sim;
        struct arguments a = {
                .market_dir = BROKERSIM_MARKET_DIR,
                .orders_max = ORDERS_MAX_DEFAULT,
                .funds = FUNDS_DEFAULT,
                .rows = ROWS_DEFAULT,
        };
        struct sigaction action = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};

        read_arguments(argc, argv, &a);
        (void)sigaction(SIGTERM, &action, NULL);
        (void)sigaction(SIGINT, &action, NULL);
        (void)sigaction(SIGPIPE, &ignore, NULL);
        prepare(&sim, &a);
        sim.server = server_new(&sim);
        listen_all(sim.server, &a);
        server_run(sim.server, &stopping);
        /* All that is left is memory. */
        fflush(NULL);
        _exit(0);
}
