#include "search.h"

#undef NDEBUG
#include <assert.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "judge.h"
#include "picture.h"

/* The path so far: chosen, and out of how many. Behind `n` the first of each list is taken. */
struct trail {
        struct {
                unsigned choice, of;
        } at[SEARCH_DEPTH_MAX];
        unsigned n;
};

static sigjmp_buf fell;
static volatile sig_atomic_t running;

static void on_abort(int number)
{
        if (running)
                siglongjmp(fell, 1);
}

static void tell(const struct search *s, const struct step *step, unsigned choice)
{
        char words[256];
        if (!s->loud)
                return;
        step_words(step, words, sizeof(words));
        printf("  %2u  %s\n", choice, words);
        (void)fflush(stdout);
}

static void pay(struct purse *p, const struct purse *price)
{
        p->faults -= price->faults;
        p->crashes -= price->crashes;
        p->delays -= price->delays;
        p->moments -= price->moments;
}

static uint64_t of_purse(uint64_t h, const struct purse *p)
{
        h = hash_int(h, p->faults);
        h = hash_int(h, p->crashes);
        h = hash_int(h, p->delays);
        return hash_int(h, p->moments);
}

/* The end: nothing goes wrong any more, and the client asks once more. */
static void end_run(struct search *s)
{
        bool closed = scene_close();
        if (closed && judge_content() && scene.told[0].order_id[0] && !scene.ended) {
                scene_act(ACT_RETRY);
                scene_settle();
                closed = scene_close();
        }
        if (judge_content())
                judge_end(closed);
        s->tally.ends++;
        uint64_t end = picture_of_end(&scene);
        if (s->ends && seen_add(s->ends, end))
                s->ends_sum += end;
}

/* Follows the trail and goes on with the first of every list; the trail grows to what was done. */
static void follow(struct search *s, struct trail *t, struct seen *seen, unsigned known)
{
        struct purse left = s->purse;
        struct step steps[STEPS_MAX];
        uint64_t happened = 0;

        for (unsigned depth = 0; judge_content(); depth++) {
                unsigned n = steps_list(&left, steps);
                if (depth == SEARCH_DEPTH_MAX)
                        judge_break("the run is longer than %d steps", SEARCH_DEPTH_MAX);
                if (n == 0 || depth == SEARCH_DEPTH_MAX) {
                        end_run(s);
                        return;
                }
                if (depth >= known && s->merge &&
                    !seen_add(seen, of_purse(happened, &left) ^ picture(&scene)))
                        return;
                if (depth == t->n) {
                        t->at[t->n].choice = 0;
                        t->at[t->n++].of = n;
                }
                if (t->at[depth].choice >= n)
                        t->at[depth].choice = 0;
                t->at[depth].of = n;
                const struct step *step = &steps[t->at[depth].choice];
                tell(s, step, t->at[depth].choice);
                happened += step_hash(step);
                pay(&left, &step->price);
                s->tally.steps++;
                s->tally.new_steps += depth + 1 >= known;
                if (depth + 1 > s->tally.depth)
                        s->tally.depth = depth + 1;
                if (step->kind == STEP_END) {
                        end_run(s);
                        return;
                }
                step_take(step);
        }
}

/* `known`: so many worlds at the trail's beginning were seen by the runs before. */
static bool run(struct search *s, struct trail *t, struct seen *seen, unsigned known)
{
        judge_begin();
        s->tally.runs++;
        if (sigsetjmp(fell, 1) == 0) {
                running = 1;
                scene_begin(s->scenario);
                follow(s, t, seen, known);
                scene_end();
        } else {
                judge_break("an assertion of the daemon failed"); /* what it held is lost */
        }
        running = 0;
        return judge_content();
}

/* The next trail in order; false: that was the last. */
static bool next(struct trail *t)
{
        while (t->n > 0 && t->at[t->n - 1].choice + 1 >= t->at[t->n - 1].of)
                t->n--;
        if (t->n == 0)
                return false;
        t->at[t->n - 1].choice++;
        return true;
}

static void keep(const struct trail *t, struct path *ret)
{
        ret->n = t->n;
        for (unsigned i = 0; i < t->n; i++)
                ret->choices[i] = t->at[i].choice;
        while (ret->n > 0 && ret->choices[ret->n - 1] == 0)
                ret->n--;
}

int64_t search_cpu_us(void)
{
        struct timespec now;
        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        return now.tv_sec * USEC_PER_SEC + now.tv_nsec / 1000;
}

static void catch_aborts(void)
{
        const struct sigaction a = {.sa_handler = on_abort, .sa_flags = SA_NODEFER};
        assert(sigaction(SIGABRT, &a, NULL) == 0);
}

bool search_one(struct search *s, struct path *path)
{
        static struct trail t;
        struct seen *seen = seen_new();
        bool merge = s->merge;

        catch_aborts();
        s->merge = false;
        t.n = path->n;
        for (unsigned i = 0; i < path->n; i++)
                t.at[i].choice = path->choices[i];
        bool good = run(s, &t, seen, 0);
        keep(&t, path);
        s->merge = merge;
        seen_free(seen);
        return good;
}

bool search_all(struct search *s, struct path *path)
{
        static struct trail t;
        struct seen *seen = seen_new();
        bool good = true, more = true;

        catch_aborts();
        t.n = 0;
        for (unsigned known = 0; good && more;) {
                good = run(s, &t, seen, known);
                keep(&t, path);
                more = next(&t);
                known = t.n;
                s->cut = s->deadline_us && search_cpu_us() > s->deadline_us;
                more = more && !s->cut;
        }
        s->tally.states = seen_count(seen);
        seen_free(seen);
        return good;
}

/* Numbers aside, the same rule. */
static bool same_rule(const char *a, const char *b)
{
        size_t n = strcspn(a, " ");
        return strcmp(a + n, b + strcspn(b, " ")) == 0 || strcmp(a, b) == 0;
}

static bool try_path(struct search *s, const struct path *path, const char *words,
                     struct path *best)
{
        struct path tried = *path;
        if (search_one(s, &tried) || !same_rule(judge_words(), words))
                return false;
        *best = tried;
        return true;
}

void search_shrink(struct search *s, struct path *path)
{
        char words[512];
        bool better = true;
        struct tally tally = s->tally;

        snprintf(words, sizeof(words), "%s", judge_words());
        while (better) {
                better = false;
                for (unsigned i = path->n; i > 0 && !better; i--) {
                        struct path p = *path;
                        if (p.choices[i - 1] != 0) {
                                p.choices[i - 1] = 0;
                                better = try_path(s, &p, words, path);
                        }
                        if (better)
                                break;
                        p = *path;
                        memmove(&p.choices[i - 1], &p.choices[i], (p.n - i) * sizeof(p.choices[0]));
                        p.n--;
                        struct path before = *path;
                        better = try_path(s, &p, words, path) && path->n < before.n;
                        if (!better)
                                *path = before;
                }
        }
        s->tally = tally;
        (void)search_one(s, path);
        s->tally = tally;
}
