#include "orchestrator/market.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

struct market_file {
        const char *name;
        struct text body;
};

static int read_file(const char *dir, struct market_file *f, char *fault)
{
        struct text path = TEXT_NULL;
        text_addf(&path, "%s/%s", dir, f->name);
        _cleanup_(closep) int fd = open(text_str(&path), O_RDONLY | O_CLOEXEC);
        f->body.max = MARKET_FILE_MAX;
        int r = fd < 0 ? -errno : file_read(fd, &f->body);
        if (r < 0)
                snprintf(fault, MARKET_FAULT_SIZE, "%s: %s", text_str(&path), strerror(-r));
        text_done(&path);
        return r;
}

static struct csv_source source(const struct market_file *f)
{
        return (struct csv_source){
                .name = f->name, .data = text_str(&f->body), .size = f->body.len};
}

enum { SESSIONS, HOLIDAYS, INSTRUMENTS, TICKS, CONTRACTS, _FILES };

static int build(const struct market_file *files, int day, char *fault, struct market *m)
{
        int r = calendar_new(text_str(&files[SESSIONS].body), files[SESSIONS].body.len,
                             text_str(&files[HOLIDAYS].body), files[HOLIDAYS].body.len, fault,
                             MARKET_FAULT_SIZE, &m->calendar);
        if (r < 0)
                return r;
        const struct instruments_sources s = {
                .instruments = source(&files[INSTRUMENTS]),
                .ticks = source(&files[TICKS]),
                .contracts = source(&files[CONTRACTS]),
        };
        return instruments_new(&s, day, m->calendar, fault, MARKET_FAULT_SIZE, &m->instruments);
}

int market_load(const char *dir, int day, char fault[static MARKET_FAULT_SIZE], struct market **ret)
{
        struct market_file files[_FILES] = {
                [SESSIONS] = {.name = "sessions.csv"},       [HOLIDAYS] = {.name = "holidays.csv"},
                [INSTRUMENTS] = {.name = "instruments.csv"}, [TICKS] = {.name = "ticks.csv"},
                [CONTRACTS] = {.name = "contracts.csv"},
        };
        _cleanup_(market_freep) struct market *m = calloc(1, sizeof(*m));
        int r = m ? 0 : -ENOMEM;

        fault[0] = '\0';
        for (unsigned i = 0; i < _FILES && r >= 0; i++)
                r = read_file(dir, &files[i], fault);
        if (r >= 0) {
                m->day = day;
                r = build(files, day, fault, m);
        }
        for (unsigned i = 0; i < _FILES; i++)
                text_done(&files[i].body);
        if (r < 0) {
                if (!fault[0])
                        snprintf(fault, MARKET_FAULT_SIZE, "%s: %s", dir, strerror(-r));
                return r;
        }
        *ret = TAKE(m);
        return 0;
}

struct market *market_free(struct market *m)
{
        if (!m)
                return NULL;
        calendar_free(m->calendar);
        instruments_free(m->instruments);
        free(m);
        return NULL;
}
