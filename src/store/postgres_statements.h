/* Every statement of the PostgreSQL driver: all of them are prepared when a connection is made, so
 * that a schema or a right that is missing shows then and not with an order.
 *
 * What a group writes to one table is one statement over arrays, a row for each element, so that
 * sixty orders cost hardly more than one. Rows with one key in one group: the last one counts. */
#pragma once

#define PG_ORDER_COLUMNS                                                                      \
        "id,created_us,day,key_name,correlation_id,client_order_id,symbol,side,type,product," \
        "validity,quantity,price,trigger_price,disclosed_quantity,reduce_only,market_policy," \
        "writer"
#define PG_ORDER_COLUMNS_N 18

#define PG_LEG_ROWS       "64" /* LEG_ROWS */
#define PG_LEGS_OF(order) "BETWEEN " order "*" PG_LEG_ROWS " AND " order "*" PG_LEG_ROWS "+63"

/* The first parameters of INSERT and UPDATE are the same, and so are the columns of SELECT. */
#define PG_LEG_CHANGES                                                                           \
        "state,worth,watch,outcome,status,quantity,effective_type,effective_price,"              \
        "effective_trigger,confidence,problem,message,broker_code,broker_message,"               \
        "broker_order_id,filled_quantity,average_price,cancel_requested,attempts,modifications," \
        "sending_us,latency_us,updated_us,evidence"
#define PG_LEG_ARRAYS                                                                            \
        "$1::bigint[],$2::text[],$3::bigint[],$4::bigint[],$5::text[],$6::text[],$7::bigint[],"  \
        "$8::text[],$9::bigint[],$10::bigint[],$11::text[],$12::text[],$13::text[],$14::text[]," \
        "$15::text[],$16::text[],$17::bigint[],$18::bigint[],$19::bigint[],$20::bigint[],"       \
        "$21::bigint[],$22::bigint[],$23::bigint[],$24::bigint[],$25::text[]"
#define PG_LEG_FIXED "day,account,client_order_id,tag,multiplier"

/* Orders with their legs, a row for each leg, one order's behind one another. The limit keeps the
 * legs a short walk along their key, whatever the planner knows of the table. */
#define PG_LOAD(more)                                                                      \
        "SELECT " PG_ORDER_COLUMNS ",o.row," more ",l.* FROM orders o CROSS JOIN LATERAL " \
        "(SELECT row AS leg,account,tag,multiplier," PG_LEG_CHANGES_AS                     \
        " FROM legs WHERE row " PG_LEGS_OF("o.row") " ORDER BY row LIMIT 64) l "
/* No name of a leg's column may stand beside one of an order's. */
#define PG_LEG_CHANGES_AS                                                                        \
        "state,outcome,status,quantity AS leg_quantity,effective_type,effective_price,"          \
        "effective_trigger,confidence,problem,message,broker_code,broker_message,"               \
        "broker_order_id,filled_quantity,average_price,cancel_requested,attempts,modifications," \
        "sending_us,latency_us,updated_us,evidence"
#define PG_LOAD_ORDER "ORDER BY o.id DESC,l.leg"

/* $1 cursor, $2 since, $3 symbol, $4 accounts, $5 status, $6 limit */
#define PG_LIST_ORDERS \
        "o.id<$1::text AND o.created_us>=$2::bigint AND ($3::text IS NULL OR o.symbol=$3)"
#define PG_LIST_LEGS                                                  \
        "($4::text[] IS NULL OR l.account=ANY($4)) AND ($5::text IS " \
        "NULL OR l.status=$5)"

#define PG_TABLE(X)                                                                                \
        X(BEGIN, "BEGIN ISOLATION LEVEL READ COMMITTED")                                           \
        X(BEGIN_READ, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")                           \
        X(READ_LIMIT, "SELECT set_config('statement_timeout','500',true)") /* ms */                \
        X(COMMIT, "COMMIT")                                                                        \
        X(ROLLBACK, "ROLLBACK")                                                                    \
        /* the ledger's lock: see migrations/postgres/0001_ledger.sql */                           \
        X(LOCK, "SELECT epoch FROM killswitch_epoch FOR UPDATE")                                   \
        X(HEAD, "SELECT (SELECT max(row) FROM orders),a.seq,a.record FROM (SELECT 1) one LEFT "    \
                "JOIN LATERAL (SELECT seq,record FROM audit ORDER BY seq DESC LIMIT 1) a ON true") \
        X(MARK, "INSERT INTO writers (writer,mark,at_us) VALUES ($1::text,$2::bigint,$3::bigint) " \
                "ON CONFLICT (writer) DO UPDATE SET mark=excluded.mark,at_us=excluded.at_us")      \
        X(WRITER_SIGN,                                                                             \
          "INSERT INTO writers AS w (writer,mark,at_us) VALUES ($1::text,0,$2::bigint) "           \
          "ON CONFLICT (writer) DO UPDATE SET at_us=excluded.at_us RETURNING w.mark")              \
        X(WRITER_LEAVE, "DELETE FROM writers WHERE writer=$1::text OR at_us<$2::bigint")           \
        X(KEYS_FIND,                                                                               \
          "SELECT i.entry,o.id,k.fingerprint,k.expires_us,k.order_row,EXISTS(SELECT 1 FROM legs "  \
          "WHERE row " PG_LEGS_OF(                                                                 \
                  "k.order_row") " AND watch=2) FROM unnest($1::bigint[],$2::bigint[],"            \
                                 "$3::text[],$4::text[]) i(entry,hash,key,scope) JOIN "            \
                                 "idempotency_keys k ON k.hash=i.hash AND k.key=i.key AND "        \
                                 "k.scope=i.scope JOIN orders o ON o.row=k.order_row")             \
        X(CLIENT_IDS_FIND,                                                                         \
          "SELECT i.entry FROM unnest($1::bigint[],$2::text[],$3::bigint[],$4::text[]) "           \
          "i(entry,id,day,account) JOIN legs l ON l.client_order_id=i.id AND l.day=i.day AND "     \
          "l.account=i.account")                                                                   \
        X(ORDERS_FIND, "SELECT i.entry,o.row FROM unnest($1::bigint[],$2::text[]) i(entry,id) "    \
                       "JOIN orders o ON o.id=i.id")                                               \
        X(ORDERS_INSERT,                                                                           \
          "INSERT INTO orders (" PG_ORDER_COLUMNS                                                  \
          ",row) SELECT * FROM unnest($1::text[],$2::bigint[],$3::bigint[],$4::text[],$5::text[]," \
          "$6::text[],$7::text[],$8::text[],$9::text[],$10::text[],$11::text[],$12::bigint[],"     \
          "$13::bigint[],$14::bigint[],$15::bigint[],$16::bigint[],$17::text[],$18::text[],"       \
          "$19::bigint[])")                                                                        \
        /* only writes when a modify has changed something */                                      \
        X(ORDER_UPDATE,                                                                            \
          "UPDATE orders SET type=$2::text,validity=$3::text,quantity=$4::bigint,"                 \
          "price=$5::bigint,trigger_price=$6::bigint,disclosed_quantity=$7::bigint WHERE "         \
          "row=$1::bigint AND (quantity<>$4 OR price<>$5 OR trigger_price<>$6 OR type<>$2 OR "     \
          "validity<>$3 OR disclosed_quantity<>$7)")                                               \
        X(LEGS_INSERT, "INSERT INTO legs (row," PG_LEG_CHANGES "," PG_LEG_FIXED                    \
                       ") SELECT * FROM unnest(" PG_LEG_ARRAYS                                     \
                       ",$26::bigint[],$27::text[],$28::text[],$29::text[],$30::bigint[])")        \
        /* dividing by zero where a leg is missing */                                              \
        X(LEGS_UPDATE,                                                                             \
          "WITH u AS MATERIALIZED (SELECT DISTINCT ON (row) * FROM unnest(" PG_LEG_ARRAYS          \
          ") WITH ORDINALITY AS t(row," PG_LEG_CHANGES                                             \
          ",nth) ORDER BY row,nth DESC), w AS (UPDATE legs l SET (" PG_LEG_CHANGES                 \
          ")=(u.state,u.worth,u.watch,u.outcome,u.status,u.quantity,u.effective_type,"             \
          "u.effective_price,u.effective_trigger,u.confidence,u.problem,u.message,u.broker_code,"  \
          "u.broker_message,u.broker_order_id,u.filled_quantity,u.average_price,"                  \
          "u.cancel_requested,u.attempts,u.modifications,u.sending_us,u.latency_us,u.updated_us,"  \
          "u.evidence) FROM u WHERE l.row=u.row RETURNING 1) SELECT 1/(CASE WHEN (SELECT "         \
          "count(*) FROM u)=(SELECT count(*) FROM w) THEN 1 ELSE 0 END)")                          \
        X(ANSWERS_PUT,                                                                             \
          "INSERT INTO answers (order_row,status,body) SELECT DISTINCT ON (order_row) "            \
          "order_row,status,body FROM unnest($1::bigint[],$2::bigint[],$3::text[]) WITH "          \
          "ORDINALITY AS t(order_row,status,body,nth) ORDER BY order_row,nth DESC ON CONFLICT "    \
          "(order_row) DO UPDATE SET status=excluded.status,body=excluded.body")                   \
        X(KEYS_DELETE, "DELETE FROM idempotency_keys WHERE order_row=ANY($1::bigint[])")           \
        X(KEYS_INSERT,                                                                             \
          "INSERT INTO idempotency_keys (hash,key,scope,order_row,fingerprint,expires_us) SELECT " \
          "* FROM unnest($1::bigint[],$2::text[],$3::text[],$4::bigint[],$5::bytea[],"             \
          "$6::bigint[])")                                                                         \
        X(AUDIT_INSERT,                                                                            \
          "INSERT INTO audit (seq,at_us,action,account,order_id,record) SELECT * FROM "            \
          "unnest($1::bigint[],$2::bigint[],$3::text[],$4::text[],$5::text[],$6::text[])")         \
        X(GUESTS_PUT,                                                                              \
          "WITH u AS MATERIALIZED (SELECT DISTINCT ON (key,kind,account,guest) * FROM "            \
          "unnest($1::text[],$2::text[],$3::text[],$4::text[],$5::bytea[]) WITH ORDINALITY AS "    \
          "t(guest,account,kind,key,value,nth) ORDER BY key,kind,account,guest,nth DESC), d AS "   \
          "(DELETE FROM guest_rows g USING u WHERE u.value IS NULL AND g.key=u.key AND "           \
          "g.kind=u.kind AND g.account=u.account AND g.guest=u.guest) INSERT INTO guest_rows "     \
          "(guest,account,kind,key,value) SELECT guest,account,kind,key,value FROM u WHERE value " \
          "IS NOT NULL ON CONFLICT (key,kind,account,guest) DO UPDATE SET value=excluded.value")   \
        X(GUEST_ALL, "SELECT account,kind,key,value FROM guest_rows WHERE guest=$1::text")         \
        X(KILLSWITCH_PUT,                                                                          \
          "INSERT INTO killswitch (scope,level,reason,actor,at_us) VALUES ($1::text,$2::bigint,"   \
          "$3::text,$4::text,$5::bigint) ON CONFLICT (scope) DO UPDATE SET level=excluded.level,"  \
          "reason=excluded.reason,actor=excluded.actor,at_us=excluded.at_us")                      \
        X(KILLSWITCH_ALL, "SELECT scope,level,reason,actor,at_us FROM killswitch ORDER BY scope")  \
        X(ANNOUNCE, "SELECT pg_notify('ordo',$1::text)")                                           \
        X(EPOCH_SET, "UPDATE killswitch_epoch SET epoch=$1::bigint")                               \
        X(SESSION_PUT,                                                                             \
          "INSERT INTO sessions (account,name,value,expires_us) VALUES ($1::text,$2::text,"        \
          "$3::bytea,$4::bigint) ON CONFLICT (account,name) DO UPDATE SET value=excluded.value,"   \
          "expires_us=excluded.expires_us")                                                        \
        X(SESSION_DELETE, "DELETE FROM sessions WHERE account=$1::text AND name=$2::text")         \
        X(SESSION_ALL, "SELECT account,name,value,expires_us FROM sessions ORDER BY account,name") \
        X(AUDIT_PRUNE,                                                                             \
          "WITH n AS MATERIALIZED (SELECT seq,at_us FROM audit WHERE seq<=$1::bigint ORDER BY "    \
          "seq LIMIT $3::bigint) DELETE FROM audit WHERE seq=ANY(ARRAY(SELECT seq FROM n WHERE "   \
          "seq<coalesce((SELECT min(seq) FROM n WHERE at_us>=$2::bigint),$1::bigint+1)))")         \
        X(KEYS_SWEEP,                                                                              \
          "WITH n AS MATERIALIZED (SELECT order_row,expires_us FROM idempotency_keys WHERE "       \
          "order_row>$1::bigint ORDER BY order_row LIMIT $2::bigint), d AS (DELETE FROM "          \
          "idempotency_keys k USING n WHERE k.order_row=n.order_row AND n.expires_us<=$3::bigint " \
          "AND NOT EXISTS(SELECT 1 FROM legs WHERE row " PG_LEGS_OF(                               \
                  "n.order_row") " AND watch=2)) SELECT count(*),max(order_row) FROM n")           \
        X(AUDIT_AT, "SELECT at_us FROM audit WHERE seq>=$1::bigint ORDER BY seq LIMIT 1")          \
        X(AUDIT_ENDS, "SELECT (SELECT min(seq) FROM audit),(SELECT max(seq) FROM audit)")          \
        X(AUDIT_LIST,                                                                              \
          "SELECT seq,at_us,action,account,order_id,record FROM audit WHERE seq>$1::bigint AND "   \
          "seq<=$2::bigint AND ($3::text IS NULL OR account=$3) AND ($4::text IS NULL OR "         \
          "strpos(record,$4)>0) AND at_us>=$5::bigint AND at_us<=$6::bigint AND ($8::text IS "     \
          "NULL OR order_id=$8) ORDER BY seq LIMIT $7::bigint")                                    \
        X(ORDER_GET, PG_LOAD("a.status,a.body") "LEFT JOIN answers a ON a.order_row=o.row WHERE "  \
                                                "o.id=$1::text " PG_LOAD_ORDER)                    \
        X(ORDER_BY_TAG,                                                                            \
          PG_LOAD("a.status,a.body") "LEFT JOIN answers a ON a.order_row=o.row WHERE o.row=("      \
                                     "SELECT row/" PG_LEG_ROWS " FROM legs WHERE account="         \
                                     "$1::text AND tag=$2::text AND tag<>'') " PG_LOAD_ORDER)      \
        X(ORDER_BY_CLIENT_ID,                                                                      \
          PG_LOAD("a.status,a.body") "LEFT JOIN answers a ON a.order_row=o.row WHERE o.row=("      \
                                     "SELECT row/" PG_LEG_ROWS " FROM legs WHERE client_order_id=" \
                                     "$1::text AND day=$2::bigint AND ($3::text IS NULL OR "       \
                                     "account=$3) ORDER BY row DESC LIMIT 1) " PG_LOAD_ORDER)      \
        X(KEY_GET,                                                                                 \
          "SELECT o.id,k.fingerprint,k.expires_us,EXISTS(SELECT 1 FROM legs WHERE "                \
          "row " PG_LEGS_OF(                                                                       \
                  "k.order_row") " AND watch=2),a.status,a.body FROM idempotency_keys k JOIN "     \
                                 "orders o ON o.row=k.order_row LEFT JOIN answers a ON "           \
                                 "a.order_row=k.order_row WHERE k.hash=$1::bigint AND "            \
                                 "k.key=$2::text AND k.scope=$3::text")                            \
        X(LIST_ALL,                                                                                \
          "WITH x AS MATERIALIZED (SELECT o.row FROM orders o WHERE " PG_LIST_ORDERS               \
          " AND EXISTS(SELECT 1 FROM (SELECT account,status FROM legs WHERE row " PG_LEGS_OF(      \
                  "o.row") " LIMIT 64) l WHERE " PG_LIST_LEGS                                      \
                           ") ORDER BY o.id DESC LIMIT $6::bigint) " PG_LOAD(                      \
                                   "1,1") "WHERE "                                                 \
                                          "o.row IN (SELECT row FROM x) " PG_LOAD_ORDER)           \
        X(LIST_WATCHED,                                                                            \
          "WITH x AS MATERIALIZED (SELECT DISTINCT o.row,o.id FROM legs l JOIN orders o ON "       \
          "o.row=l.row/" PG_LEG_ROWS " WHERE l.watch>0 AND l.watch BETWEEN $7::bigint AND "        \
          "$8::bigint AND " PG_LIST_ORDERS " AND " PG_LIST_LEGS                                    \
          " ORDER BY o.id DESC LIMIT $6::bigint) " PG_LOAD("1,1") "WHERE o.row IN (SELECT row "    \
                                                                  "FROM x) " PG_LOAD_ORDER)        \
        X(RESTORE_ORDERS,                                                                          \
          PG_LOAD("1,1") "WHERE o.row IN (SELECT row/" PG_LEG_ROWS " FROM legs WHERE watch>0 AND " \
                         "(watch=2 OR day=$1::bigint)) ORDER BY o.id,l.leg")                       \
        X(RESTORE_COUNTS,                                                                          \
          "SELECT l.account,o.key_name,l.worth,l.modifications,l.filled_quantity FROM legs l "     \
          "JOIN orders o ON o.row=l.row/" PG_LEG_ROWS " WHERE l.row>=" PG_LEG_ROWS "*(SELECT row " \
          "FROM orders WHERE id>=$1::text ORDER BY id LIMIT 1) AND l.day=$2::bigint AND "          \
          "l.state<>'refused'")                                                                    \
        X(RESTORE_SENT,                                                                            \
          "SELECT account,state,sending_us,evidence FROM legs WHERE row>=" PG_LEG_ROWS             \
          "*(SELECT row FROM orders WHERE id>=$1::text ORDER BY id LIMIT 1) AND "                  \
          "sending_us>=$2::bigint ORDER BY row DESC LIMIT $3::bigint")                             \
        X(RESTORE_ASKED, "SELECT account,action,at_us FROM audit ORDER BY seq DESC LIMIT "         \
                         "$1::bigint")                                                             \
        X(RESTORE_HEAD, "SELECT epoch,(SELECT max(seq) FROM audit) FROM killswitch_epoch")         \
        X(PROBE, "SELECT epoch FROM killswitch_epoch")

enum postgres_statement {
#define X(name, text) PG_##name,
        PG_TABLE(X)
#undef X
                _PG_MAX
};
