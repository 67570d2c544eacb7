#include <string.h>

#include "brokersim/call.h"
#include "brokersim/sim.h"

static void add_html(struct text *t, const char *s)
{
        for (; *s; s++)
                switch (*s) {
                case '<':
                        text_add(t, "&lt;");
                        break;
                case '>':
                        text_add(t, "&gt;");
                        break;
                case '&':
                        text_add(t, "&amp;");
                        break;
                case '"':
                        text_add(t, "&quot;");
                        break;
                default:
                        text_add_char(t, *s);
                }
}

void call_login_page(struct call *c, const char *broker, const struct user *u, const char *why)
{
        call_answer(c, why ? 401 : 200, "text/html; charset=utf-8");
        text_addf(&c->out,
                  "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>%s "
                  "(simulated)</title><h1>%s, simulated</h1><p>Account ",
                  broker, broker);
        add_html(&c->out, u->client_id);
        text_add(&c->out, "</p>");
        if (why) {
                text_add(&c->out, "<p><strong>");
                add_html(&c->out, why);
                text_add(&c->out, "</strong></p>");
        }
        text_add(&c->out, "<form method=\"post\"><p><label>One-time password <input name=\"otp\" "
                          "value=\"");
        add_html(&c->out, u->otp);
        text_add(&c->out, "\"></label></p><p><label>PIN <input name=\"pin\" value=\"");
        add_html(&c->out, u->pin);
        text_add(&c->out, "\"></label></p><p><button name=\"action\" value=\"approve\">Log "
                          "in</button> <button name=\"action\" value=\"refuse\">Refuse</button>"
                          "</p></form></html>\n");
}

const char *call_login_check(const struct call *c, const struct user *u, bool *ret_approved)
{
        char otp[32], pin[32], action[16];

        (void)call_form(c, "action", action, sizeof(action));
        *ret_approved = strcmp(action, "refuse") != 0;
        if (!*ret_approved)
                return NULL;
        if (!call_form(c, "otp", otp, sizeof(otp)) ||
            (strcmp(otp, u->otp) != 0 && !totp_good(u->totp_secret, otp)))
                return "The one-time password is wrong";
        if (u->pin[0] && (!call_form(c, "pin", pin, sizeof(pin)) || strcmp(pin, u->pin) != 0))
                return "The PIN is wrong";
        return NULL;
}
