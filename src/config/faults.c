#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/loading.h"

/* Cut text never ends inside a character. */
static void print_cut(char *buf, size_t size, const char *format, va_list args)
        __attribute__((format(printf, 3, 0)));
static void print_cut(char *buf, size_t size, const char *format, va_list args)
{
        if (vsnprintf(buf, size, format, args) < 0)
                buf[0] = '\0';
        size_t n = strlen(buf);
        while (n > 0 && !text_utf8_valid(buf, n))
                buf[--n] = '\0';
}

/* Names and sources come from outside as they are; a line of the log must stay one line. */
static void copy_plain(char *dst, size_t size, const char *src)
{
        text_copy(dst, size, src);
        size_t left = strlen(dst);
        for (char *p = dst; left > 0;) {
                size_t n = text_utf8_length(p, left);
                if (n == 0 || (unsigned char)*p < 0x20 || *p == 0x7f) {
                        *p = '?';
                        n = 1;
                }
                p += n;
                left -= n;
        }
}

static struct config_fault *slot_for_error(struct config_faults *f)
{
        for (unsigned i = f->n; i > 0; i--)
                if (f->list[i - 1].warning)
                        return &f->list[i - 1];
        return NULL;
}

static struct config_fault *fault_add(struct config_faults *f, bool warning, const char *name,
                                      const char *source, const char *format, va_list args)
        __attribute__((format(printf, 5, 0)));
static struct config_fault *fault_add(struct config_faults *f, bool warning, const char *name,
                                      const char *source, const char *format, va_list args)
{
        if (!warning)
                f->errors++;
        struct config_fault *fault;
        if (f->n < CONFIG_FAULTS_MAX) {
                fault = &f->list[f->n++];
        } else {
                f->omitted++;
                fault = warning ? NULL : slot_for_error(f);
                if (!fault)
                        return NULL;
        }
        memset(fault, 0, sizeof(*fault));
        fault->warning = warning;
        copy_plain(fault->name, sizeof(fault->name), name);
        copy_plain(fault->source, sizeof(fault->source), source);
        print_cut(fault->detail, sizeof(fault->detail), format, args);
        return fault;
}

struct config_fault *fault_error(struct config_faults *f, const char *name, const char *source,
                                 const char *format, ...)
{
        va_list args;
        va_start(args, format);
        struct config_fault *fault = fault_add(f, false, name, source, format, args);
        va_end(args);
        return fault;
}

struct config_fault *fault_warning(struct config_faults *f, const char *name, const char *source,
                                   const char *format, ...)
{
        va_list args;
        va_start(args, format);
        struct config_fault *fault = fault_add(f, true, name, source, format, args);
        va_end(args);
        return fault;
}

void fault_remedy(struct config_fault *f, const char *format, ...)
{
        if (!f)
                return;
        va_list args;
        va_start(args, format);
        print_cut(f->remedy, sizeof(f->remedy), format, args);
        va_end(args);
}

void config_faults_list(const struct config_faults *f, struct text *ret)
{
        for (unsigned i = 0; i < f->n; i++) {
                const struct config_fault *fault = &f->list[i];
                if (!fault->warning)
                        text_addf(ret, "%s (from %s): %s %s\n", fault->name, fault->source,
                                  fault->detail, fault->remedy);
        }
        if (f->omitted > 0)
                text_addf(ret, "and %u more\n", f->omitted);
}

void config_faults_print(const struct config_faults *f, struct text *ret)
{
        for (unsigned i = 0; i < f->n; i++) {
                const struct config_fault *fault = &f->list[i];
                text_addf(ret, "%s: %s (from %s)\n", fault->warning ? "warning" : "error",
                          fault->name, fault->source);
                text_addf(ret, "    %s\n", fault->detail);
                if (fault->remedy[0])
                        text_addf(ret, "    %s\n", fault->remedy);
                text_add(ret, "\n");
        }
        if (f->omitted > 0)
                text_addf(ret, "… and %u more.\n\n", f->omitted);
}
