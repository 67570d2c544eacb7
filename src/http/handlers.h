/* What the routes do; routes.c names each once. A handler either answers, or starts something whose
 * done callback answers. */
#pragma once

struct http_exchange;

/* handle_system.c */
void handle_health(struct http_exchange *x);
void handle_ready(struct http_exchange *x);
void handle_metrics(struct http_exchange *x);
void handle_openapi(struct http_exchange *x);
void handle_docs(struct http_exchange *x);
void handle_status(struct http_exchange *x);
void handle_accounts(struct http_exchange *x);
void handle_jobs(struct http_exchange *x);
void handle_reload(struct http_exchange *x);
/* handle_session.c */
void handle_login(struct http_exchange *x);
void handle_complete(struct http_exchange *x);
void handle_callback(struct http_exchange *x);
void handle_session(struct http_exchange *x);
void handle_logout(struct http_exchange *x);
void handle_report(struct http_exchange *x);
/* handle_orders.c */
void handle_place(struct http_exchange *x);
void handle_validate(struct http_exchange *x);
void handle_orders(struct http_exchange *x);
void handle_order(struct http_exchange *x);
void handle_modify(struct http_exchange *x);
void handle_cancel(struct http_exchange *x);
void handle_cancel_many(struct http_exchange *x);
void handle_resolve(struct http_exchange *x);
void handle_reconcile(struct http_exchange *x);
/* handle_portfolio.c */
void handle_trades(struct http_exchange *x);
void handle_portfolio(struct http_exchange *x);
void handle_funds(struct http_exchange *x);
void handle_holdings(struct http_exchange *x);
void handle_positions(struct http_exchange *x);
/* handle_market.c */
void handle_quotes(struct http_exchange *x);
void handle_instruments(struct http_exchange *x);
/* handle_killswitch.c */
void handle_killswitch(struct http_exchange *x);
void handle_killswitch_set(struct http_exchange *x);
void handle_heartbeat(struct http_exchange *x);
void handle_disarm(struct http_exchange *x);
/* handle_audit.c */
void handle_audit(struct http_exchange *x);
/* sse.c */
void handle_events(struct http_exchange *x);
