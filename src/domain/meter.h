/* The one table of Ordo's metrics (operations.md "Metrics and alerts"). */
#pragma once

#include "base/metrics.h"

#define METER_TABLE(X)                                                                             \
        X(BUILD_INFO, GAUGE, "ordo_build_info", "version", "Version of the running daemon")        \
        X(INSTANCE_INFO, GAUGE, "ordo_instance_info", "instance",                                  \
          "Id of this daemon among those over one ledger")                                         \
        X(HTTP_REQUESTS, COUNTER, "ordo_http_requests_total", "route,method,status",               \
          "Answered HTTP requests")                                                                \
        X(HTTP_DURATION, HISTOGRAM, "ordo_http_request_duration_seconds", "route",                 \
          "Time from request to answer")                                                           \
        X(HTTP_CONNECTIONS, GAUGE, "ordo_http_connections", "", "Open client connections")         \
        X(ORDER_OVERHEAD, HISTOGRAM, "ordo_order_overhead_seconds", "",                            \
          "Own time of an order, without the broker's")                                            \
        X(ORDERS, COUNTER, "ordo_orders_total", "overall", "Orders by what came of them")          \
        X(BROKER_REQUESTS, COUNTER, "ordo_broker_requests_total", "account,operation,outcome",     \
          "Requests to brokers")                                                                   \
        X(BROKER_DURATION, HISTOGRAM, "ordo_broker_request_duration_seconds", "account,operation", \
          "Time of requests to brokers")                                                           \
        X(RETRIES, COUNTER, "ordo_retries_total", "account,operation", "Requests sent again")      \
        X(BREAKER_STATE, GAUGE, "ordo_breaker_state", "account,routes",                            \
          "0 closed, 1 half open, 2 open")                                                         \
        X(WAITING, GAUGE, "ordo_waiting", "account,what",                                          \
          "Orders and cancels that wait for a turn")                                               \
        X(TRIPPED, GAUGE, "ordo_account_tripped", "account",                                       \
          "1: its own limits let only reducing orders pass")                                       \
        X(DAY_LOSS, GAUGE, "ordo_day_loss_rupees", "account",                                      \
          "Loss of the day, realised and not, as last read; below 0 a profit")                     \
        X(UNRESOLVED_LEGS, GAUGE, "ordo_unresolved_legs", "account",                               \
          "Legs whose outcome is not known")                                                       \
        X(NEEDS_OPERATOR, GAUGE, "ordo_needs_operator_legs", "account",                            \
          "Of these, the ones that only a person can settle")                                      \
        X(OPEN_LEGS, GAUGE, "ordo_open_legs", "account", "Legs live at the broker")                \
        X(LATE_ORDERS, COUNTER, "ordo_late_orders_total", "account",                               \
          "Orders found in the book that were taken not to exist")                                 \
        X(TWIN_ORDERS, COUNTER, "ordo_twin_orders_total", "account",                               \
          "Second orders with the tag of one leg")                                                 \
        X(EXTERNAL_ORDERS, GAUGE, "ordo_external_orders", "account",                               \
          "Orders in the book that are not Ordo's and not over")                                   \
        X(BOOK_TIME, GAUGE, "ordo_book_timestamp_seconds", "account",                              \
          "When the last complete read of the order book began; 0 none yet")                       \
        X(BOOK_UNREAD, GAUGE, "ordo_book_unread", "account",                                       \
          "1: the last read of the order book failed")                                             \
        X(SESSION_EXPIRY, GAUGE, "ordo_session_expiry_timestamp_seconds", "account",               \
          "When the broker session ends; 0 without one")                                           \
        X(IDEMPOTENCY, COUNTER, "ordo_idempotency_total", "result",                                \
          "Keys: first, replayed, in_flight, mismatch")                                            \
        X(ERRORS, COUNTER, "ordo_errors_total", "code,component", "Problems answered or met")      \
        X(AUTH_FAILURES, COUNTER, "ordo_auth_failures_total", "reason", "Refused tokens")          \
        X(KILL_SWITCH_LEVEL, GAUGE, "ordo_kill_switch_level", "scope",                             \
          "0 none, 1 halt, 2 cancel, 3 flatten")                                                   \
        X(EVENT_STREAMS, GAUGE, "ordo_event_streams", "", "Open event streams")                    \
        X(JOB_RUNS, COUNTER, "ordo_job_runs_total", "job,result", "Runs of background jobs")       \
        X(JOB_DURATION, HISTOGRAM, "ordo_job_duration_seconds", "job", "Time of background jobs")  \
        X(MASTER_INSTRUMENTS, GAUGE, "ordo_master_instruments", "broker",                          \
          "Instruments in the broker's master; 0: it was never loaded")                            \
        X(MASTER_TIME, GAUGE, "ordo_master_timestamp_seconds", "broker",                           \
          "When the master in use was fetched")                                                    \
        X(MASTER_LOADS, COUNTER, "ordo_master_loads_total", "broker,result",                       \
          "Masters that were fetched, by what came of it")                                         \
        X(STORE_COMMIT, HISTOGRAM, "ordo_store_commit_seconds", "", "Time of a group commit")      \
        X(STORE_GROUP, HISTOGRAM, "ordo_store_group_size", "", "Jobs in a group commit")           \
        X(STORE_QUEUE, GAUGE, "ordo_store_queue", "", "Jobs that the ledger has not answered yet") \
        X(STORE_ERRORS, COUNTER, "ordo_store_errors_total", "result", "Failed store jobs")         \
        X(LOG_DROPPED, COUNTER, "ordo_log_dropped_total", "",                                      \
          "Records the log queue had no room for")

enum meter {
#define X(name, type, metric, labels, help) METER_##name,
        METER_TABLE(X)
#undef X
                _METER_MAX
};
extern const struct metric meter_table[_METER_MAX];
