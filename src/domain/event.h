/* Journal message ids of the events an administrator may search or alert on: one row per event, the
 * catalog (units/ordo.catalog) holds a text for each, and a test keeps the two in step. Made with
 * systemd-id128 new. */
#pragma once

#define EVENT_TABLE(X)                                                                             \
        X(STARTED, "5b6c1f6a2f5d4c0fb8f0a3d1e7b90c11", "ordod is ready")                           \
        X(STOPPING, "0d5e7cd2c6e94f7b9a4be2f1a6c85d22", "ordod is stopping")                       \
        X(CONFIG_REFUSED, "c2a90e0f1b7d4d3e8f6a5b4c3d2e1f33", "the configuration is not usable")   \
        X(RELOADED, "7e1d3c5b9a8f4e6d8c7b6a5f4e3d2c44", "keys and options were reloaded")          \
        X(ORDER_PLACED, "8f4b2a6c0d1e4f5a9b8c7d6e5f4a3b55", "an order was recorded and sent")      \
        X(ORDER_REFUSED, "1a2b3c4d5e6f4a7b8c9d0e1f2a3b4c66", "an order was refused")               \
        X(LEG_OUTCOME, "9d8c7b6a5f4e4d3c8b2a1f0e9d8c7b77", "a leg came to an outcome")             \
        X(LEG_UPDATED, "2f3e4d5c6b7a4f8e9d0c1b2a3f4e5d88", "a leg changed at the broker")          \
        X(LEG_UNKNOWN, "6a7b8c9d0e1f4a2b8c3d4e5f6a7b8c99", "the outcome of a leg is not known")    \
        X(LEG_RESOLVED, "b1c2d3e4f5a64b7c8d9e0f1a2b3c4daa", "an unknown leg was settled")          \
        X(NEEDS_OPERATOR, "e5f4d3c2b1a04f9e8d7c6b5a4f3e2dbb", "a leg needs an operator")           \
        X(KILL_SWITCH, "4c5d6e7f8a9b4c0d9e1f2a3b4c5d6ecc", "the kill switch changed")              \
        X(SESSION, "d0e1f2a3b4c54d6e8f7a8b9c0d1e2fdd", "an account's session changed")             \
        X(ACCESS, "3b4c5d6e7f804a9b8c1d2e3f4a5b6cee", "an HTTP request was answered")              \
        X(AUTH_FAILED, "a9b8c7d6e5f44a3b9c2d1e0f9a8b7cff", "a token was refused")                  \
        X(STORE_FAILED, "f1e2d3c4b5a64f7e8d9c0b1a2f3e4d00", "the ledger cannot be written")        \
        X(STORE_RECOVERED, "5d4c3b2a1f0e4d9c8b7a6f5e4d3c2b1a", "the ledger can be written again")  \
        X(AUDIT_EXPORT, "c7d8e9f0a1b24c3d8e4f5a6b7c8d9e2b", "an audit segment was written")        \
        X(JOB_FAILED, "0f1e2d3c4b5a4f6e9d7c8b9a0f1e2d3c", "a background job failed")

#define X(name, id, text) static const char EVENT_##name[] __attribute__((unused)) = id;
EVENT_TABLE(X)
#undef X
