/* The file that ORDO_ENV_FILE names: lines NAME=value, so that a reload finds what was edited (the
 * environment of a running process cannot be changed from outside).
 *
 * The form is a part of what systemd, a shell and container tools read in the same way; what they
 * read in different ways is refused. Variables of the environment come first. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "config/loading.h"

#define ENV_FILE      "ORDO_ENV_FILE"
#define ENV_FILE_MAX  (64U << 10)
#define BLANKS        " \t\r"
#define LETTERS       "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define NAME_LETTERS  LETTERS "0123456789"
#define QUOTED_SYNTAX "\"\\$`" /* means something between double quotes */
#define PLAIN_SYNTAX  "\"'\\$`"

struct line {
        struct loading *l;
        unsigned number;
        char *name, *value;
};

static void complain(const struct line *line, const char *what, const char *remedy)
{
        char source[SOURCE_SIZE];
        env_file_source(&line->l->file, line->number, source);
        fault_remedy(fault_error(line->l->faults, ENV_FILE, source, "%s", what), "%s", remedy);
}

/* Cuts the blanks at both ends. */
static char *trim(char *s)
{
        s += strspn(s, BLANKS);
        for (size_t n = strlen(s); n > 0 && strchr(BLANKS, s[n - 1]); n--)
                s[n - 1] = '\0';
        return s;
}

static bool take_quoted(struct line *line)
{
        char quote = *line->value, *end = strrchr(line->value, quote);
        if (end == line->value || end[1] != '\0') {
                complain(line, "The value begins with a quotation mark and does not end with it.",
                         "End it with the same mark; a comment has a line of its own.");
                return false;
        }
        *end = '\0';
        line->value++;
        if (strchr(line->value, quote) ||
            (quote == '"' && line->value[strcspn(line->value, QUOTED_SYNTAX)] != '\0')) {
                complain(line,
                         "Inside the quotation marks is a sign that programs read differently.",
                         "Use '…' around values with \", \\, $ or `, and no ' inside.");
                return false;
        }
        return true;
}

static bool take_value(struct line *line)
{
        if (*line->value == '"' || *line->value == '\'')
                return take_quoted(line);
        if (line->value[strcspn(line->value, PLAIN_SYNTAX)] != '\0') {
                complain(line, "The value has a sign that programs read differently.",
                         "Put it between '…'.");
                return false;
        }
        const char *hash = strchr(line->value, '#');
        if (hash && hash > line->value && strchr(BLANKS, hash[-1])) {
                complain(line, "There is a comment behind the value.",
                         "A comment has a line of its own; put a value with # between '…'.");
                return false;
        }
        return true;
}

static bool take_name(struct line *line)
{
        if (strspn(line->name, LETTERS) == 0 ||
            line->name[strspn(line->name, NAME_LETTERS)] != '\0') {
                complain(line, "The line is not NAME=value.",
                         "Write the name in capitals, an equals sign, the value; # begins a "
                         "comment.");
                return false;
        }
        if (text_equal(line->name, ENV_FILE)) {
                complain(line, "The file cannot name itself.", "Remove the line.");
                return false;
        }
        if (text_starts(line->name, "ORDO_"))
                return true;
        char source[SOURCE_SIZE];
        env_file_source(&line->l->file, line->number, source);
        fault_remedy(fault_warning(line->l->faults, line->name, source,
                                   "It is not an option of Ordo and has no effect here."),
                     "Remove the line, or set it in the service's unit.");
        return false;
}

/* A name with its value in place: "NAME\0…value" becomes "NAME=value". */
static char *join(const struct line *line)
{
        size_t n = strlen(line->name);
        line->name[n] = '=';
        memmove(line->name + n + 1, line->value, strlen(line->value) + 1);
        return line->name;
}

static bool same_name(const char *entry, const char *name)
{
        size_t n = strlen(name);
        return strncmp(entry, name, n) == 0 && entry[n] == '=';
}

static void forget(struct env_file *f, unsigned i)
{
        f->n--;
        f->list[i] = f->list[f->n];
        f->lines[i] = f->lines[f->n];
        f->list[f->n] = NULL;
}

/* True when it is given already: by an earlier line, which is an error, or by the environment,
 * which comes first; but an empty variable there counts as not set. */
static bool given(const struct line *line)
{
        struct env_file *f = &line->l->file;
        char text[SOURCE_SIZE];

        for (unsigned i = 0; i < f->n; i++) {
                if (!same_name(f->list[i], line->name))
                        continue;
                if (f->lines[i] > 0) {
                        snprintf(text, sizeof(text), "%.48s stands on line %u already.", line->name,
                                 f->lines[i]);
                        complain(line, text, "Keep one of the two lines.");
                        return true;
                }
                if (f->list[i][strlen(line->name) + 1] == '\0') {
                        forget(f, i);
                        return false;
                }
                env_file_source(f, line->number, text);
                fault_remedy(fault_warning(line->l->faults, line->name, "environment",
                                           "It is also given by %s, which is not used.", text),
                             "Give it in one place only.");
                return true;
        }
        return false;
}

static void take_line(struct loading *l, unsigned number, char *text)
{
        struct line line = {.l = l, .number = number};
        struct env_file *f = &l->file;

        text = trim(text);
        if (*text == '\0' || *text == '#' || *text == ';')
                return;
        char *equals = strchr(text, '=');
        if (equals)
                *equals = '\0';
        /* Without the sign it is no name, whatever it is. */
        line.name = equals ? trim(text) : text + strlen(text);
        line.value = equals ? trim(equals + 1) : line.name;
        if (!take_name(&line) || !take_value(&line) || given(&line) || *line.value == '\0')
                return;
        f->lines[f->n] = number;
        f->list[f->n++] = join(&line);
}

/* The text as lines; 1 when it is no text. */
static int take_text(struct loading *l, const char *path)
{
        struct env_file *f = &l->file;
        unsigned lines = 1, n = 0;

        if (memchr(f->text, '\0', f->size) || !text_utf8_valid(f->text, f->size)) {
                fault_remedy(fault_error(l->faults, ENV_FILE, path, "The file is not text."),
                             "Write lines of the form NAME=value.");
                return 1;
        }
        for (const char *c = f->text; *c; c++)
                lines += *c == '\n';
        while (l->environ_[n])
                n++;
        f->list = calloc(n + lines + 1, sizeof(*f->list));
        f->lines = calloc(n + lines + 1, sizeof(*f->lines));
        if (!f->list || !f->lines)
                return -ENOMEM;
        memcpy(f->list, l->environ_, n * sizeof(*f->list));
        f->n = n;
        l->environ_ = f->list;
        unsigned number = 0;
        for (char *line = f->text, *next; line; line = next) {
                next = strchr(line, '\n');
                if (next)
                        *next++ = '\0';
                take_line(l, ++number, line);
        }
        return 0;
}

/* 0; 1 a fault was added; -ENOMEM. */
static int read_text(struct loading *l, const char *path, int fd)
{
        struct env_file *f = &l->file;
        struct stat st;
        const char *what = NULL;

        if (fstat(fd, &st) < 0)
                what = strerror(errno);
        else if (!S_ISREG(st.st_mode))
                what = "it is not a regular file";
        else if (st.st_size > ENV_FILE_MAX)
                what = "it is larger than 64 KiB";
        if (!what) {
                f->open_to_others = st.st_mode & S_IROTH;
                f->text = calloc(1, ENV_FILE_MAX + 1);
                if (!f->text)
                        return -ENOMEM;
                ssize_t n = file_read_bytes(fd, f->text, ENV_FILE_MAX);
                if (n >= 0)
                        f->size = (size_t)n;
                else
                        what = strerror((int)-n);
        }
        if (!what)
                return 0;
        fault_remedy(fault_error(l->faults, ENV_FILE, path, "It cannot be read: %s.", what),
                     "Give a text file that the user of ordod may read.");
        return 1;
}

int env_file_load(struct loading *l)
{
        const char *path = source_environment(l->environ_, ENV_FILE);

        if (!path || *path != '/') /* what is not absolute is a fault of the option */
                return 0;
        l->file.path = path;
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0 && errno == ENOENT) {
                fault_remedy(fault_warning(l->faults, ENV_FILE, path, "There is no such file."),
                             "Make it, or remove the variable; without it the defaults hold.");
                return 0;
        }
        if (fd < 0) {
                fault_remedy(fault_error(l->faults, ENV_FILE, path, "It cannot be read: %s.",
                                         strerror(errno)),
                             "Check that the user of ordod may read it.");
                return 0;
        }
        int r = read_text(l, path, fd);
        if (r == 0)
                r = take_text(l, path);
        return r < 0 ? r : 0;
}

int env_file_export(const struct env_file *f)
{
        for (unsigned i = 0; i < f->n; i++) {
                if (f->lines[i] == 0)
                        continue;
                const char *equals = strchr(f->list[i], '=');
                _cleanup_(freep) char *name = strndup(f->list[i], (size_t)(equals - f->list[i]));
                if (!name || setenv(name, equals + 1, 1) < 0)
                        return -ENOMEM;
        }
        return 0;
}

void env_file_done(struct env_file *f)
{
        if (f->text)
                secret_wipe(f->text, ENV_FILE_MAX);
        free(f->text);
        free(f->list);
        free(f->lines);
        *f = (struct env_file){};
}

/* The end of a path says more than its beginning. */
void env_file_source(const struct env_file *f, unsigned line, char buf[static SOURCE_SIZE])
{
        char number[16];
        int digits = snprintf(number, sizeof(number), ":%u", line);
        size_t n = strlen(f->path), room = SOURCE_SIZE - 1 - (size_t)digits;
        snprintf(buf, SOURCE_SIZE, "%s%s", n > room ? f->path + n - room : f->path, number);
}
