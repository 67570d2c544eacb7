#include "ordoctl/ask.h"

int run_quote(struct ctl *c)
{
        static const struct column columns[] = {
                {"SYMBOL", "symbol", COLUMN_TEXT},   {"LAST", "last", COLUMN_NUMBER},
                {"BID", "bid", COLUMN_NUMBER},       {"BID QTY", "bid_quantity", COLUMN_NUMBER},
                {"ASK", "ask", COLUMN_NUMBER},       {"ASK QTY", "ask_quantity", COLUMN_NUMBER},
                {"OPEN", "open", COLUMN_NUMBER},     {"HIGH", "high", COLUMN_NUMBER},
                {"LOW", "low", COLUMN_NUMBER},       {"CLOSE", "previous_close", COLUMN_NUMBER},
                {"VOLUME", "volume", COLUMN_NUMBER}, {"TIME (IST)", "at", COLUMN_TIME},
        };
        _cleanup_(text_done) struct text path = TEXT_NULL, symbols = TEXT_NULL;

        for (unsigned i = 0; i < c->n_operands; i++)
                text_addf(&symbols, "%s%s", i > 0 ? "," : "", c->operands[i]);
        text_add(&path, "/api/v1/quotes");
        path_add(&path, "symbols", text_str(&symbols));
        path_add_option(c, &path, "account", "account");
        return ask_table(c, text_str(&path), "quotes", columns, ELEMENTS(columns),
                         "There are no quotes.");
}

int run_instruments(struct ctl *c)
{
        static const struct column columns[] = {
                {"SYMBOL", "symbol", COLUMN_TEXT},
                {"NAME", "name", COLUMN_TEXT},
                {"SEGMENT", "segment", COLUMN_TEXT},
                {"EXPIRY", "expiry", COLUMN_TEXT},
                {"STRIKE", "strike", COLUMN_NUMBER},
                {"OPTION", "option", COLUMN_TEXT},
                {"LOT", "lot", COLUMN_NUMBER},
                {"TICK", "tick", COLUMN_NUMBER},
                {"FREEZE", "freeze_quantity", COLUMN_NUMBER},
                {"CLOSE", "previous_close", COLUMN_NUMBER},
                {"TRADABLE", "tradable", COLUMN_TEXT},
        };
        _cleanup_(text_done) struct text path = TEXT_NULL;

        text_add(&path, "/api/v1/instruments");
        path_add(&path, "q", c->operands[0]);
        path_add_option(c, &path, "exchange", "exchange");
        path_add_option(c, &path, "limit", "limit");
        return ask_table(c, text_str(&path), "instruments", columns, ELEMENTS(columns),
                         "No instrument fits.");
}
