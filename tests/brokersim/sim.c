#include "brokersim/sim.h"

#include <string.h>

static const struct wire *const wires[] = {&wire_fyers, &wire_hdfc, &wire_mstock};

/* "…/orders/STAR/sync": what stands for the star goes into `argument`. */
static bool fits(const char *pattern, struct bytes path, char *argument, size_t size)
{
        const char *star = strchr(pattern, '*');
        size_t head = star ? (size_t)(star - pattern) : strlen(pattern);

        if (!star)
                return path.n == head && memcmp(path.s, pattern, head) == 0;
        size_t tail = strlen(star + 1);
        if (path.n <= head + tail || memcmp(path.s, pattern, head) != 0 ||
            memcmp(path.s + path.n - tail, star + 1, tail) != 0)
                return false;
        size_t n = path.n - head - tail;
        return !memchr(path.s + head, '/', n) && text_copy_bytes(argument, size, path.s + head, n);
}

static const struct wire *find_wire(struct bytes *path)
{
        for (size_t i = 0; i < ELEMENTS(wires); i++) {
                size_t n = strlen(wires[i]->prefix);
                if (path->n > n && memcmp(path->s, wires[i]->prefix, n) == 0 && path->s[n] == '/') {
                        path->s += n;
                        path->n -= n;
                        return wires[i];
                }
        }
        return NULL;
}

bool sim_route(struct sim *s, struct call *c, struct bytes path)
{
        bool known = false;

        c->sim = s;
        c->wire = find_wire(&path);
        c->path = path;
        if (!c->wire) {
                call_answer(c, 404, "text/plain");
                text_add(&c->out, "No broker lives here. See ordo-brokersim(1).\n");
                return false;
        }
        for (size_t i = 0; i < c->wire->n_routes && !c->route; i++) {
                const struct route *r = &c->wire->routes[i];
                if (!fits(r->path, path, c->argument, sizeof(c->argument)))
                        continue;
                known = true;
                if (call_is(c, r->method))
                        c->route = r;
        }
        if (!c->route) {
                c->wire->fail(c, known ? 405 : 404, known ? "Method not allowed" : "Not found");
                return false;
        }
        s->journal.calls[c->wire->broker][c->route->operation]++;
        if (!c->route->open && !c->wire->admit(c))
                return false;
        if (c->user)
                c->user->calls[c->route->operation]++;
        return true;
}

void sim_receive(struct call *c, const struct ticket *t, const char *id)
{
        if (c->quiet)
                return;
        struct receipt *r = journal_receive(&c->sim->journal, c);
        r->listing = t->listing;
        r->side = t->side;
        r->quantity = t->quantity;
        r->price = t->price;
        (void)text_copy(r->tag, sizeof(r->tag), t->tag);
        (void)text_copy(r->id, sizeof(r->id), id);
}

struct entry *sim_place(struct call *c, const struct ticket *t, enum refusal *ret_why)
{
        struct sim *s = c->sim;

        sim_receive(c, t, "");
        struct entry *e = c->dry ? NULL : book_place(&s->book, c->user, t, ret_why);
        if (!e) {
                c->wire->fail(c, 500, "The simulator's book is full (--orders-max)");
                return NULL;
        }
        (void)text_copy(c->placed, sizeof(c->placed), e->id);
        if (!c->quiet)
                (void)text_copy(s->journal.received[s->journal.n_received - 1].id, ENTRY_ID_SIZE,
                                e->id);
        if (*ret_why == REFUSAL_NONE)
                journal_book(&s->journal, e);
        return e;
}

enum refusal sim_modify(struct call *c, struct entry *e, const struct ticket *t)
{
        sim_receive(c, t, e->id);
        return c->dry ? REFUSAL_NONE : book_modify(&c->sim->book, e, t);
}

enum refusal sim_cancel(struct call *c, struct entry *e, const char *message)
{
        sim_receive(c, &e->t, e->id);
        return c->dry ? REFUSAL_NONE : book_cancel(&c->sim->book, e, message);
}
