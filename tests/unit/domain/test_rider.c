#include "suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "domain/rider.h"

static unsigned n_settled;
static bool last_durable;
static unsigned rows_seen;

static void settled(struct rider *r, bool durable)
{
        n_settled++;
        last_durable = durable;
        rows_seen = r->n_rows;
        ck_assert_ptr_eq(r->userdata, &n_settled);
        ck_assert(list_empty(&r->link));
        /* the rows are still whole */
        for (unsigned i = 0; i < r->n_rows; i++)
                if (r->rows[i].value)
                        ck_assert_str_eq(r->rows[i].value, "value");
}

static struct rider *make(unsigned n_rows)
{
        struct rider *r;

        ck_assert_int_eq(rider_new("paper", &r), 0);
        for (unsigned i = 0; i < n_rows; i++) {
                char key[16];
                snprintf(key, sizeof(key), "%u", i);
                ck_assert_int_eq(rider_add(r, "paper:demo", "order", key, strdup("value"), 6), 0);
        }
        r->settled = settled;
        r->userdata = &n_settled;
        return r;
}

START_TEST(settling_tells_once_and_frees)
{
        struct rider *r = make(100);

        ck_assert_uint_eq(r->n_rows, 100);
        ck_assert_str_eq(r->guest, "paper");
        ck_assert_str_eq(r->rows[99].key, "99");
        ck_assert_str_eq(r->rows[99].kind, "order");
        ck_assert_str_eq(r->rows[99].account, "paper:demo");
        ck_assert_ptr_null(rider_settle(r, true));
        ck_assert_uint_eq(n_settled, 1);
        ck_assert(last_durable);
        ck_assert_uint_eq(rows_seen, 100);
}
END_TEST

START_TEST(a_rider_that_is_never_stored_is_settled_as_false)
{
        last_durable = true;
        rider_settle(make(1), false);
        ck_assert_uint_eq(n_settled, 1);
        ck_assert(!last_durable);
}
END_TEST

START_TEST(nothing_to_tell_and_nothing_at_all)
{
        struct rider *r = make(3);

        r->settled = NULL;
        ck_assert_ptr_null(rider_settle(r, true));
        ck_assert_uint_eq(n_settled, 0);
        ck_assert_ptr_null(rider_settle(NULL, false));
}
END_TEST

START_TEST(settling_leaves_its_list)
{
        struct list held;
        struct rider *a = make(1), *b = make(2);

        list_init(&held);
        list_append(&held, &a->link);
        list_append(&held, &b->link);
        rider_settle(a, true);
        ck_assert_ptr_eq(held.next, &b->link);
        rider_settle(b, true);
        ck_assert(list_empty(&held));
}
END_TEST

START_TEST(a_row_may_delete)
{
        struct rider *r = make(0);

        ck_assert_int_eq(rider_add(r, "paper:demo", "trade", "7", NULL, 0), 0);
        ck_assert_ptr_null(r->rows[0].value);
        rider_settle(r, true);
}
END_TEST

START_TEST(names_that_do_not_fit_are_refused_and_the_value_stays_the_callers)
{
        struct rider *r = make(0);
        char *value = strdup("value");
        char key[80];

        memset(key, 'k', sizeof(key));
        key[72] = '\0'; /* one too long */
        ck_assert_int_eq(rider_add(r, "paper:demo", "order", key, value, 6), -EINVAL);
        ck_assert_int_eq(rider_add(r, "paper:demo", "twelve_bytes", "1", value, 6), -EINVAL);
        ck_assert_uint_eq(r->n_rows, 0);
        key[71] = '\0';
        ck_assert_int_eq(rider_add(r, "paper:demo", "eleven_byte", key, value, 6), 0);
        rider_settle(r, true);
}
END_TEST

SUITE("rider", settling_tells_once_and_frees, a_rider_that_is_never_stored_is_settled_as_false,
      nothing_to_tell_and_nothing_at_all, settling_leaves_its_list, a_row_may_delete,
      names_that_do_not_fit_are_refused_and_the_value_stays_the_callers)
