/* What the cases of tests/fixtures/hdfc cannot say: addresses for a browser, accounts that lack
 * something, the state of the leg at hand, closes that the scrips of a case do not have. */
#include "suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/http_message.h"
#include "broker/broker.h"

static struct account account;
static struct leg leg;
static struct order order;
static struct scrip share, contract, index_;
static struct secret *token;
static struct http_request request;
static struct broker_result result;

static const struct broker *hdfc(void)
{
        return broker_find("hdfc");
}

static void before(void)
{
        account = (struct account){.id = "hdfc:main", .broker = "hdfc", .name = "main"};
        account.access.api_key = secret_new("a/b+c", 5);
        account.access.api_secret = secret_new("s", 1);
        token = secret_new("T", 1);
        leg = (struct leg){.number = 1, .quantity = 10, .broker_order_id = "42", .tag = "17"};
        order = (struct order){.symbol = "NSE:X", .quantity = 10, .n_legs = 1, .legs = &leg};
        share = (struct scrip){
                .instrument = {.symbol = "NSE:X", .lot = 1, .previous_close = 800 * DECIMAL_ONE},
                .key = "NSE:X",
                .token = "NSE:3045"};
        contract = (struct scrip){.instrument = {.symbol = "NFO:X29DEC26FUT",
                                                 .exchange = EXCHANGE_NFO,
                                                 .segment = SEGMENT_FUTURE,
                                                 .expiry = 20261229,
                                                 .lot = 100,
                                                 .previous_close = 90 * DECIMAL_ONE},
                                  .key = "NFO:3045",
                                  .token = "NFO:3045",
                                  .detail = "FUTSTK XEQNR"};
        index_ = (struct scrip){.instrument = {.symbol = "NSE:NIFTY", .segment = SEGMENT_INDEX},
                                .token = "NSE_INDEX:3045"};
}

static void after(void)
{
        http_request_done(&request);
        broker_result_done(&result);
        token = secret_free(token);
        account.access.api_key = secret_free(account.access.api_key);
        account.access.api_secret = secret_free(account.access.api_secret);
}

static struct broker_call call_of(enum broker_op op)
{
        return (struct broker_call){.op = op,
                                    .account = &account,
                                    .token = token,
                                    .order = &order,
                                    .leg = &leg,
                                    .scrip = &share};
}

static int ask(const struct broker_call *c)
{
        http_request_done(&request);
        request = (struct http_request){};
        return hdfc()->request(c, &request);
}

static void answer(const struct broker_call *c, int status, const char *body)
{
        struct http_reply reply = {.status = status};

        broker_result_done(&result);
        result = (struct broker_result){};
        text_add(&reply.body, body);
        ck_assert_int_eq(hdfc()->reply(c, &reply, &result), 0);
        http_reply_done(&reply);
}

START_TEST(the_browser_goes_to_the_login_page)
{
        struct text url = TEXT_NULL;

        before();
        ck_assert_int_eq(hdfc()->logins[0].method, BROKER_LOGIN_REDIRECT);
        ck_assert_int_eq(hdfc()->logins[0].url(&account, "state", &url), 0);
        ck_assert_str_eq(text_str(&url), "/oapi/v1/login?api_key=a%2Fb%2Bc");
        account.access.api_key = secret_free(account.access.api_key);
        ck_assert_int_eq(hdfc()->logins[0].url(&account, "state", &url), -EINVAL);
        ck_assert_int_eq(hdfc()->logins[1].method, BROKER_LOGIN_OTP);
        ck_assert_ptr_null(hdfc()->logins[1].url);
        ck_assert_ptr_null(hdfc()->callback.state_key);
        ck_assert_str_eq(hdfc()->callback.code_keys[0], "request_token");
        ck_assert_str_eq(hdfc()->callback.code_keys[1], "requestToken");
        text_done(&url);
        after();
}
END_TEST

START_TEST(the_browsers_code_goes_straight_to_the_exchange)
{
        struct broker_call c;

        before();
        c = call_of(BROKER_LOGIN);
        c.code = token;
        c.step = hdfc()->logins[0].first_step;
        ck_assert_int_eq(ask(&c), 0);
        ck_assert_str_eq(text_str(&request.url),
                         "/oapi/v1/access-token?api_key=a%2Fb%2Bc&request_token=T");
        after();
}
END_TEST

START_TEST(an_account_that_lacks_something_asks_nothing)
{
        struct broker_call c;

        before();
        c = call_of(BROKER_LOGIN);
        c.carry = token;
        c.step = 1;
        ck_assert_int_eq(ask(&c), -EINVAL); /* no user name */
        c.step = 4;
        account.access.api_secret = secret_free(account.access.api_secret);
        ck_assert_int_eq(ask(&c), -EINVAL);
        account.access.api_key = secret_free(account.access.api_key);
        for (int op = 0; op < _BROKER_OP_MAX; op++) {
                c = call_of((enum broker_op)op);
                if (op != BROKER_MASTER)
                        ck_assert_int_lt(ask(&c), 0);
        }
        c = call_of(_BROKER_OP_MAX);
        ck_assert_int_eq(ask(&c), -EINVAL);
        c = call_of(BROKER_BOOK);
        c.account = NULL;
        ck_assert_int_eq(ask(&c), -EINVAL);
        after();
}
END_TEST

/* §4.2: total or rest? While nothing is filled both are the same. */
START_TEST(what_is_partly_filled_is_not_modified)
{
        struct broker_call c;

        before();
        c = call_of(BROKER_MODIFY);
        ck_assert_int_eq(ask(&c), 0);
        leg.filled_quantity = 1;
        ck_assert_int_eq(ask(&c), -ENOTSUP);
        after();
}
END_TEST

START_TEST(a_contract_is_spelled_out_or_not_ordered)
{
        struct broker_call c;

        before();
        c = call_of(BROKER_PLACE);
        c.scrip = &contract;
        ck_assert_int_eq(ask(&c), 0);
        contract.detail[6] = '\0';
        ck_assert_int_eq(ask(&c), -EINVAL);
        text_copy(contract.detail, sizeof(contract.detail), "FUTSTK ");
        ck_assert_int_eq(ask(&c), -EINVAL);
        text_copy(contract.detail, sizeof(contract.detail), "FUTSTK X");
        contract.instrument.expiry = 0;
        ck_assert_int_eq(ask(&c), -EINVAL);
        text_copy(contract.key, sizeof(contract.key), "3045");
        ck_assert_int_eq(ask(&c), -EINVAL);
        after();
}
END_TEST

START_TEST(a_cancelled_order_is_what_it_was_until_the_book_tells)
{
        struct broker_call c;

        before();
        leg.status = ORDER_STATUS_PARTIALLY_FILLED;
        leg.filled_quantity = 4;
        leg.average_price = 5 * DECIMAL_ONE;
        c = call_of(BROKER_CANCEL);
        answer(&c, 200, "{\"status\":\"success\",\"data\":{\"order_id\":\"42\"}}");
        ck_assert_int_eq(result.outcome, OUTCOME_ACCEPTED);
        ck_assert(result.has_state);
        ck_assert_int_eq(result.status, ORDER_STATUS_PARTIALLY_FILLED);
        ck_assert_int_eq(result.filled_quantity, 4);
        ck_assert_int_eq(result.average_price, 5 * DECIMAL_ONE);
        c.op = BROKER_PLACE;
        answer(&c, 200, "{\"status\":\"success\",\"data\":{\"order_id\":\"42\"}}");
        ck_assert(!result.has_state);
        after();
}
END_TEST

/* One price under one exchange and token: whose is it? */
static const char *priced(const struct scrip *const *scrips, unsigned n, const char *exchange,
                          const char *close)
{
        struct broker_call c = call_of(BROKER_QUOTES);
        char body[256];

        c.scrips = scrips;
        c.n_scrips = n;
        snprintf(body, sizeof(body),
                 "{\"data\":[{\"exchange\":\"%s\",\"token\":3045,\"ltp\":100,\"prev_close\":%s}]}",
                 exchange, close);
        answer(&c, 200, body);
        ck_assert_int_eq(result.outcome, OUTCOME_ACCEPTED);
        ck_assert_uint_le(result.n_quotes, 1);
        return result.n_quotes ? result.quotes[0].symbol : "";
}

START_TEST(a_price_is_given_to_nobody_it_may_not_belong_to)
{
        before();
        const struct scrip *const only[] = {&contract}, *const both[] = {&share, &contract},
                                  *const three[] = {&index_, &share};

        /* a contract's close tells that the price is the share's with the same token */
        ck_assert_str_eq(priced(only, 1, "NSE", "90"), "NFO:X29DEC26FUT");
        ck_assert_str_eq(priced(only, 1, "NSE", "92.5"), "NFO:X29DEC26FUT");
        ck_assert_str_eq(priced(only, 1, "NSE", "50"), "NFO:X29DEC26FUT");
        ck_assert_str_eq(priced(only, 1, "NSE", "800"), "");
        ck_assert_str_eq(priced(only, 1, "NSE", "10"), "");
        ck_assert_str_eq(priced(only, 1, "NSE", "0"), "NFO:X29DEC26FUT");
        ck_assert_str_eq(priced(only, 1, "BSE", "90"), "");
        /* both were asked for */
        ck_assert_str_eq(priced(both, 2, "NSE", "90"), "NFO:X29DEC26FUT");
        ck_assert_str_eq(priced(both, 2, "NSE", "800"), "NSE:X");
        ck_assert_str_eq(priced(both, 2, "NSE", "91"), "");
        ck_assert_str_eq(priced(both, 2, "NSE", "0"), "");
        contract.instrument.previous_close = share.instrument.previous_close;
        ck_assert_str_eq(priced(both, 2, "NSE", "800"), "");
        /* an index under its exchange's name, when no share with that token was asked for */
        ck_assert_str_eq(priced(three, 2, "NSE", "800"), "NSE:X");
        ck_assert_str_eq(priced(three, 2, "NSE_INDEX", "800"), "NSE:NIFTY");
        ck_assert_str_eq(priced(three, 1, "NSE", "26000"), "NSE:NIFTY");
        after();
}
END_TEST

START_TEST(what_has_no_reply_is_unreadable)
{
        static const enum broker_op ops[] = {BROKER_MASTER, BROKER_LOGOUT, BROKER_MARGIN};

        before();
        for (size_t i = 0; i < ELEMENTS(ops); i++) {
                struct broker_call c = call_of(ops[i]);
                answer(&c, 200, "{\"status\":\"success\",\"data\":[]}");
                ck_assert_int_eq(result.outcome, OUTCOME_UNKNOWN);
        }
        struct broker_call c = call_of(BROKER_LOGIN);
        c.step = 9;
        answer(&c, 200, "{\"tokenId\":\"x\"}");
        ck_assert_int_eq(result.outcome, OUTCOME_UNKNOWN);
        /* a step that carries what it was not given */
        for (c.step = 1; c.step < 4; c.step++) {
                answer(&c, 200, "{\"loginId\":\"x\",\"requestToken\":\"\",\"callbackUrl\":\"u\"}");
                ck_assert_int_eq(result.outcome, OUTCOME_UNKNOWN);
        }
        c.step = 2;
        answer(&c, 200, "{\"requestToken\":\"r\"}");
        ck_assert_int_eq(result.outcome, OUTCOME_UNKNOWN);
        after();
}
END_TEST

SUITE("hdfc", the_browser_goes_to_the_login_page, the_browsers_code_goes_straight_to_the_exchange,
      an_account_that_lacks_something_asks_nothing, what_is_partly_filled_is_not_modified,
      a_contract_is_spelled_out_or_not_ordered,
      a_cancelled_order_is_what_it_was_until_the_book_tells,
      a_price_is_given_to_nobody_it_may_not_belong_to, what_has_no_reply_is_unreadable)
