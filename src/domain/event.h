/* Journal message ids of the events an administrator may search or alert on: one row per event, the
 * catalog (units/ordo.catalog) holds a text for each, and a test keeps the two in step. Made with
 * systemd-id128 new. */
#pragma once

#define EVENT_TABLE(X)                                                                             \
        X(STARTED, "d82c2e918ae141149722ff41b52457a5", "ordod is ready")                           \
        X(STOPPING, "ff1e06373ac04fdd86d07c74be8f2897", "ordod is stopping")                       \
        X(DRAIN_CUT, "8747b7f8ba904ae4b8d926420a3d97a8", "stopped before all work was done")       \
        X(START_FAILED, "c97c2ec4c1ac4c2b8ec4cf1dfc2ca15d", "ordod cannot start")                  \
        X(MARKET_STALE, "21b47f867b904b2fa42f946e172619a3", "instruments are of another day")      \
        X(WATCHDOG, "1bf0fa1a6e0e4b85999f9ece9df8c0e7", "work does not progress")                  \
        X(CONFIG_REFUSED, "6c068f2151794d1d8e97627eb0f37009", "the configuration is not usable")   \
        X(RELOADED, "7ecf1f755014468e8d21ebf45fa48f93", "keys and options were reloaded")          \
        X(ORDER_PLACED, "412ebce4ce344bceb73a0bc87ee6937b", "an order was recorded and sent")      \
        X(ORDER_REFUSED, "4646089e5c9f4ee68a1ad94321e80c0c", "an order was refused")               \
        X(LEG_OUTCOME, "adeceae2781244919bc2b3e23bc5509c", "a leg came to an outcome")             \
        X(LEG_UPDATED, "3a6aa61ee9384301a50a6b2f634b2e0e", "a leg changed at the broker")          \
        X(LEG_UNKNOWN, "f9528e5b27be47939110cf87fb8d33e0", "the outcome of a leg is not known")    \
        X(LEG_RESOLVED, "0b806925f1a849c5bd9eb8f1f87f23f8", "an unknown leg was settled")          \
        X(NEEDS_OPERATOR, "b66260c596334f44aaed4238da153440", "a leg needs an operator")           \
        X(LEG_LATE, "3be7c303924643748e0a2886e5731938", "an order was found that was not there")   \
        X(LEG_TWIN, "7df85a71812c48c7931beff3f2284f0e", "two orders are where one was asked for")  \
        X(KILL_SWITCH, "cada1d44627a49f59ea453ccf9c35db0", "the kill switch changed")              \
        X(KILL_MARKER, "9090c121c97b4a5ea89be09cd154fb3d", "the kill switch's marker failed")      \
        X(ACCOUNT_TRIPPED, "eace48f313f943c48146c68cbe14a4b7", "an account was stopped")           \
        X(DEAD_MAN, "8cba5f8ea29c4a29b82666dc39cd9918", "a key's dead-man timer")                  \
        X(BREAKER, "9f2cfad8742a4b9b92ae30deec570749", "a broker cannot be reached, or can again") \
        X(BOOK, "642178ecf7534c78b334ce18cb0dfe78", "an order book cannot be read, or can again")  \
        X(SESSION, "9f80cd4260344e0f9e7cb93718cbc2ad", "an account's session changed")             \
        X(LOGIN_NEEDED, "1f549c251fb741f0a28843de21e1140a",                                        \
          "an account has no session for the day")                                                 \
        X(ACCESS, "96de2b7a60ae428ea09f9a79669af6e2", "an HTTP request was answered")              \
        X(AUTH_FAILED, "296ffea4e89241529ee055ee6a8b610c", "a token was refused")                  \
        X(ACCOUNT_OWNED, "b1f0c6d1e87f4f0fa5a9de3fd2f0f7a1",                                       \
          "which daemon looks after an account")                                                   \
        X(EVICTED, "0d6a9f7c55a94c1e9a52be6ab0f4c3d8", "taken for dead by the other daemons")      \
        X(STORE_FAILED, "fd8c04641ca94739adbff05fd760d310", "the ledger cannot be written")        \
        X(STORE_RECOVERED, "7495f813c90b4140bd23936d2c15f4ed", "the ledger can be written again")  \
        X(AUDIT_EXPORT, "8e7efa6589da4887929cb980e646a5cd", "an audit segment was written")        \
        X(AUDIT_GAP, "d5c40f457d15433399318bfd38d1b8b7", "audit records were gone before export")  \
        X(LEDGER_OLDER, "0348d33fda5b4921be7f3a90c61c6700",                                        \
          "the ledger is older than the audit's files")                                            \
        X(JOB_FAILED, "41e48593caac4c8fb55529d4dc124e32", "a background job failed")               \
        X(MASTER_LOADED, "849735c0953e4ca09e7290f1bbb4fe80", "a broker's instruments were loaded") \
        X(MASTER_KEPT, "8134da8ecd1340719e2c1c78e66ae0f6", "a broker's instruments stay old ones") \
        X(MASTER_MISSING, "46bb20df127340089a1f71761feb6300", "a broker has no instruments")

#define X(name, id, text) static const char EVENT_##name[] __attribute__((unused)) = id;
EVENT_TABLE(X)
#undef X
