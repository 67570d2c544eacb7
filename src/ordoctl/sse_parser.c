#include "ordoctl/sse_parser.h"

#include <string.h>

void sse_parser_done(struct sse_parser *p)
{
        text_done(&p->line);
        text_done(&p->data);
}

void sse_parser_restart(struct sse_parser *p)
{
        text_clear(&p->line);
        text_clear(&p->data);
        p->type[0] = '\0';
        p->after_cr = false;
}

/* An empty line ends an event; one without data is none. */
static bool dispatch(struct sse_parser *p)
{
        bool go_on = true;

        if (p->data.len > 0) {
                struct sse_event e = {
                        .type = *p->type ? p->type : "message", .id = p->id, .data = p->data.data};
                p->data.data[--p->data.len] = '\0'; /* the line feed of the last line */
                go_on = p->event(p, &e);
        }
        text_clear(&p->data);
        p->type[0] = '\0';
        return go_on;
}

static void take_field(struct sse_parser *p, const char *name, size_t n, const char *value)
{
        int64_t ms;

        if (n == 4 && memcmp(name, "data", n) == 0) {
                text_add(&p->data, value);
                text_add_char(&p->data, '\n');
        } else if (n == 5 && memcmp(name, "event", n) == 0) {
                text_copy(p->type, sizeof(p->type), value);
        } else if (n == 2 && memcmp(name, "id", n) == 0) {
                text_copy(p->id, sizeof(p->id), value);
        } else if (n == 5 && memcmp(name, "retry", n) == 0 &&
                   text_parse_int(value, strlen(value), 1, 600000, &ms) == 0) {
                p->retry_ms = (long)ms;
        }
}

/* A line that begins with a colon is a comment: the heartbeat. */
static bool take_line(struct sse_parser *p)
{
        const char *s = text_str(&p->line);
        size_t n = strcspn(s, ":");

        if (*s == '\0')
                return dispatch(p);
        if (n > 0) {
                const char *value = s + n + (s[n] == ':');
                take_field(p, s, n, value + (*value == ' '));
        }
        return true;
}

int sse_parser_feed(struct sse_parser *p, const char *s, size_t n)
{
        p->line.max = SSE_LINE_MAX;
        p->data.max = SSE_DATA_MAX;
        for (size_t i = 0; i < n; i++) {
                bool feed_of_crlf = s[i] == '\n' && p->after_cr;
                p->after_cr = s[i] == '\r';
                if (feed_of_crlf)
                        continue;
                if (s[i] != '\n' && s[i] != '\r') {
                        text_add_char(&p->line, s[i]);
                        if (p->line.failed)
                                return p->line.failed;
                        continue;
                }
                bool go_on = take_line(p);
                text_clear(&p->line);
                if (p->data.failed)
                        return p->data.failed;
                if (!go_on)
                        return 1;
        }
        return 0;
}
