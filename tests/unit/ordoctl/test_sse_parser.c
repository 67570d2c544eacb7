#include "suite.h"

#include <errno.h>
#include <string.h>

#include "ordoctl/sse_parser.h"

static struct text seen;
static unsigned enough;
static unsigned count;

static bool on_event(struct sse_parser *p, const struct sse_event *e)
{
        text_addf(&seen, "[%s|%s|%s]", e->id, e->type, e->data);
        return ++count != enough;
}

static struct sse_parser parser(void)
{
        text_clear(&seen);
        count = enough = 0;
        return (struct sse_parser){.event = on_event};
}

static int feed(struct sse_parser *p, const char *s)
{
        return sse_parser_feed(p, s, strlen(s));
}

START_TEST(test_events)
{
        _cleanup_(sse_parser_done) struct sse_parser p = parser();
        ck_assert_int_eq(feed(&p, "retry: 3000\n\n: alive\n\nid: 7\nevent: leg\ndata: {\"a\":1}\n\n"
                                  "data: two\ndata:lines\n\nevent: nothing\n\n"),
                         0);
        ck_assert_str_eq(seen.data, "[7|leg|{\"a\":1}][7|message|two\nlines]");
        ck_assert_int_eq(p.retry_ms, 3000);
}
END_TEST

START_TEST(test_every_cut_gives_the_same)
{
        static const char stream[] = "id: 1\r\nevent: order\r\ndata: x\r\n\r\nid: 2\ndata: y\n\n";
        for (size_t cut = 0; cut < sizeof(stream); cut++) {
                _cleanup_(sse_parser_done) struct sse_parser p = parser();
                ck_assert_int_eq(sse_parser_feed(&p, stream, cut), 0);
                ck_assert_int_eq(sse_parser_feed(&p, stream + cut, sizeof(stream) - 1 - cut), 0);
                ck_assert_str_eq(seen.data, "[1|order|x][2|message|y]");
        }
}
END_TEST

START_TEST(test_broken_connection_leaves_no_half_event)
{
        _cleanup_(sse_parser_done) struct sse_parser p = parser();
        ck_assert_int_eq(feed(&p, "id: 5\ndata: whole\n\nevent: leg\ndata: ha"), 0);
        sse_parser_restart(&p);
        ck_assert_str_eq(p.id, "5");
        ck_assert_int_eq(feed(&p, "id: 6\ndata: next\n\n"), 0);
        ck_assert_str_eq(seen.data, "[5|message|whole][6|message|next]");
}
END_TEST

START_TEST(test_callback_ends_it)
{
        _cleanup_(sse_parser_done) struct sse_parser p = parser();
        enough = 1;
        ck_assert_int_eq(feed(&p, "data: a\n\ndata: b\n\n"), 1);
        ck_assert_str_eq(seen.data, "[|message|a]");
}
END_TEST

START_TEST(test_memory_is_bounded)
{
        static char block[65536];
        _cleanup_(sse_parser_done) struct sse_parser p = parser();
        int r = 0;
        memset(block, 'x', sizeof(block));
        for (unsigned i = 0; r == 0 && i < 2 * SSE_LINE_MAX / sizeof(block); i++)
                r = sse_parser_feed(&p, block, sizeof(block));
        ck_assert_int_eq(r, -E2BIG);

        _cleanup_(sse_parser_done) struct sse_parser q = parser();
        r = 0;
        for (unsigned i = 0; r == 0 && i < SSE_DATA_MAX; i++)
                r = feed(&q, "data: 0123456789\n");
        ck_assert_int_eq(r, -E2BIG);
}
END_TEST

SUITE("sse_parser", test_events, test_every_cut_gives_the_same,
      test_broken_connection_leaves_no_half_event, test_callback_ends_it, test_memory_is_bounded)
