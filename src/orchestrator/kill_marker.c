#include "orchestrator/kill_marker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define MARKER "killswitch"

int kill_marker_write(const char *state_dir, const struct kill_entry *entries, unsigned n)
{
        _cleanup_(text_done) struct text path = TEXT_NULL, body = TEXT_NULL;
        text_addf(&path, "%s/" MARKER, state_dir);
        for (unsigned i = 0; i < n; i++)
                text_addf(&body, "%s %s\n", entries[i].scope, kill_level_name(entries[i].level));
        if (path.failed || body.failed)
                return path.failed ? path.failed : body.failed;
        if (n > 0)
                return file_replace(text_str(&path), text_str(&body), body.len);
        if (unlink(text_str(&path)) == 0)
                return file_sync_directory(text_str(&path));
        return errno == ENOENT ? 0 : -errno;
}

/* False: the line cannot be understood. */
static bool read_line(char *line, enum kill_level *ret_level)
{
        char *space = strrchr(line, ' ');
        line[strcspn(line, "\n")] = '\0';
        if (!space)
                return false;
        *space++ = '\0';
        int level = kill_level_from(space, strlen(space));
        if (level < 0 || strlen(line) >= KILL_SCOPE_SIZE)
                return false;
        *ret_level = (enum kill_level)level;
        return true;
}

void kill_marker_read(const char *state_dir,
                      void (*take)(void *userdata, const char *scope, enum kill_level level,
                                   const char *reason),
                      void *userdata)
{
        struct text path = TEXT_NULL;
        char line[KILL_SCOPE_SIZE + 16];
        enum kill_level level;
        text_addf(&path, "%s/" MARKER, state_dir);
        FILE *f = fopen(text_str(&path), "re");
        bool clear = f || errno == ENOENT;
        text_done(&path);
        while (f && fgets(line, sizeof(line), f)) {
                bool understood = read_line(line, &level);
                clear &= understood;
                if (understood)
                        take(userdata, line, level, "marker file");
        }
        if (!clear || (f && ferror(f)))
                take(userdata, "global", KILL_LEVEL_HALT, "the marker file cannot be read");
        if (f)
                (void)fclose(f);
}
