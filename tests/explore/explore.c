/* Every interleaving of a leg's life, within bounds (docs: tests/explore/README.md). */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "judge.h"
#include "search.h"

/* The bounds of the short form. */
static const struct purse usual = {.faults = 1, .crashes = 1, .moments = 1};

struct wanted {
        const char *scenario; /* NULL: all */
        const char *replay;   /* NULL: search */
        struct purse purse;
        bool merge, list;
        bool check;      /* that merging loses nothing */
        int64_t seconds; /* of CPU, for each scenario; 0: no bound */
};

static void usage(void)
{
        fputs("usage: explore [--scenario NAME] [--faults N] [--crashes N] [--delays N]\n"
              "               [--moments N] [--seconds N] [--no-merge | --check-merge] [--list]\n"
              "               [--scenario NAME --replay CHOICE,CHOICE,...]\n",
              stderr);
}

static bool number(const char *text, unsigned *ret)
{
        char *end;
        unsigned long v = strtoul(text, &end, 10);
        *ret = (unsigned)v;
        return *text && !*end && v < 100000;
}

static bool parse(int argc, char **argv, struct wanted *w)
{
        static const struct option options[] = {{"scenario", required_argument, NULL, 's'},
                                                {"replay", required_argument, NULL, 'r'},
                                                {"faults", required_argument, NULL, 'f'},
                                                {"crashes", required_argument, NULL, 'c'},
                                                {"delays", required_argument, NULL, 'd'},
                                                {"moments", required_argument, NULL, 'm'},
                                                {"seconds", required_argument, NULL, 't'},
                                                {"no-merge", no_argument, NULL, 'n'},
                                                {"check-merge", no_argument, NULL, 'k'},
                                                {"list", no_argument, NULL, 'l'},
                                                {}};
        unsigned seconds = 0;
        bool good = true;
        for (int c; good && (c = getopt_long(argc, argv, "", options, NULL)) >= 0;) {
                if (c == 's')
                        w->scenario = optarg;
                else if (c == 'r')
                        w->replay = optarg;
                else if (c == 'n')
                        w->merge = false;
                else if (c == 'k')
                        w->check = true;
                else if (c == 'l')
                        w->list = true;
                else
                        good = c != '?' && number(optarg, c == 'f'   ? &w->purse.faults
                                                          : c == 'c' ? &w->purse.crashes
                                                          : c == 'd' ? &w->purse.delays
                                                          : c == 'm' ? &w->purse.moments
                                                                     : &seconds);
        }
        w->seconds = seconds;
        return good && optind == argc;
}

static void print_path(const struct search *s, const struct path *path)
{
        printf("  --scenario %s --faults %u --crashes %u --delays %u --moments %u --replay ",
               s->scenario->name, s->purse.faults, s->purse.crashes, s->purse.delays,
               s->purse.moments);
        for (unsigned i = 0; i < path->n; i++)
                printf("%s%u", i ? "," : "", path->choices[i]);
        printf("%s\n", path->n ? "" : "0");
}

static void print_tally(const struct search *s, int64_t us)
{
        printf("%-9s %9llu %9llu %10llu %10llu %9llu %6u %7.1f%s\n", s->scenario->name,
               (unsigned long long)s->tally.runs, (unsigned long long)s->tally.ends,
               (unsigned long long)s->tally.steps, (unsigned long long)s->tally.new_steps,
               (unsigned long long)s->tally.states, s->tally.depth, (double)us / USEC_PER_SEC,
               s->cut ? "  (cut)" : "");
        (void)fflush(stdout);
}

static bool explore(const struct wanted *w, const struct scenario *scenario)
{
        static struct path path;
        int64_t from = search_cpu_us();
        struct search s = {.scenario = scenario, .purse = w->purse, .merge = w->merge};
        s.deadline_us = w->seconds ? from + w->seconds * USEC_PER_SEC : 0;
        bool good = search_all(&s, &path);
        if (good) {
                print_tally(&s, search_cpu_us() - from);
                return true;
        }
        search_shrink(&s, &path);
        printf("%s: %s\n", scenario->name, judge_words());
        s.loud = true;
        (void)search_one(&s, &path);
        print_path(&s, &path);
        return false;
}

/* Both ways end alike: what is taken for seen leads nowhere new. */
static bool check_merge(const struct wanted *w, const struct scenario *scenario)
{
        static struct path path;
        uint64_t sums[2] = {}, counts[2] = {};
        bool good = true;
        for (int merge = 0; merge < 2; merge++) {
                struct search s = {.scenario = scenario, .purse = w->purse, .merge = merge};
                int64_t from = search_cpu_us();
                s.ends = seen_new();
                good &= search_all(&s, &path);
                print_tally(&s, search_cpu_us() - from);
                sums[merge] = s.ends_sum;
                counts[merge] = seen_count(s.ends);
                seen_free(s.ends);
        }
        good &= sums[0] == sums[1] && counts[0] == counts[1];
        printf("%-9s %llu different ends without merging, %llu with: %s\n", scenario->name,
               (unsigned long long)counts[0], (unsigned long long)counts[1],
               good ? "the same" : "NOT THE SAME");
        return good;
}

static bool replay(const struct wanted *w, const struct scenario *scenario)
{
        static struct path path;
        char *rest = strdup(w->replay), *one, *from = rest;
        struct search s = {.scenario = scenario, .purse = w->purse, .loud = true};
        while ((one = strsep(&rest, ",")) && path.n < SEARCH_DEPTH_MAX)
                if (!number(one, &path.choices[path.n++]))
                        fprintf(stderr, "%s is no choice\n", one);
        free(from);
        bool good = search_one(&s, &path);
        printf("%s: %s\n", scenario->name, good ? "every rule holds" : judge_words());
        return good;
}

int main(int argc, char **argv)
{
        struct wanted w = {.purse = usual, .merge = true};
        bool good = true, found = false;

        if (!parse(argc, argv, &w) || (w.replay && !w.scenario)) {
                usage();
                return 2;
        }
        scene_prepare(MARKET);
        if (!w.replay && !w.list)
                printf("%-9s %9s %9s %10s %10s %9s %6s %7s\n", "scenario", "runs", "judged",
                       "steps", "new steps", "states", "depth", "seconds");
        for (unsigned i = 0; i < n_scenarios; i++) {
                if (w.scenario && strcmp(w.scenario, scenarios[i].name) != 0)
                        continue;
                found = true;
                if (w.list)
                        printf("%-9s %s\n", scenarios[i].name, scenarios[i].words);
                else
                        good &= w.replay  ? replay(&w, &scenarios[i])
                                : w.check ? check_merge(&w, &scenarios[i])
                                          : explore(&w, &scenarios[i]);
        }
        scene_done();
        if (!found)
                fprintf(stderr, "there is no such scenario\n");
        return good && found ? 0 : 1;
}
