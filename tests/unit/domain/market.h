/* The shipped market data files, as the tests' raw material. */
#pragma once

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "domain/instruments.h"

#define MARKET_FILE_MAX 65536

/* Each file is read once; the bytes live until the process ends. */
static inline struct csv_source market_file(const char *name)
{
        static struct {
                struct csv_source source;
                char bytes[MARKET_FILE_MAX];
        } files[8];
        char path[512];
        unsigned n = 0;

        while (files[n].source.name && strcmp(files[n].source.name, name) != 0)
                ck_assert_uint_lt(++n, 8);
        if (files[n].source.name)
                return files[n].source;
        snprintf(path, sizeof(path), "%s/%s", MARKET_DATA, name);
        FILE *f = fopen(path, "re");
        ck_assert_ptr_nonnull(f);
        size_t size = fread(files[n].bytes, 1, MARKET_FILE_MAX, f);
        ck_assert_uint_lt(size, MARKET_FILE_MAX);
        fclose(f);
        files[n].source = (struct csv_source){name, files[n].bytes, size};
        return files[n].source;
}

static inline struct calendar *market_calendar(void)
{
        struct csv_source s = market_file("sessions.csv"), h = market_file("holidays.csv");
        struct calendar *c = NULL;
        char fault[256] = "";

        int r = calendar_new(s.data, s.size, h.data, h.size, fault, sizeof(fault), &c);
        ck_assert_msg(r == 0, "%s", fault);
        return c;
}

static inline struct instruments *market_instruments(const struct calendar *c, int day)
{
        struct instruments_sources s = {market_file("instruments.csv"), market_file("ticks.csv"),
                                        market_file("contracts.csv")};
        struct instruments *set = NULL;
        char fault[256] = "";

        int r = instruments_new(&s, day, c, fault, sizeof(fault), &set);
        ck_assert_msg(r == 0, "%s", fault);
        return set;
}
