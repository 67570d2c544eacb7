/* Every statement of the SQLite driver that is used more than once: prepared at its first use,
 * kept. */
#pragma once

#define SQL_ORDER_COLUMNS                                                                     \
        "id,created_us,day,key_name,correlation_id,client_order_id,symbol,side,type,product," \
        "validity,quantity,price,trigger_price,disclosed_quantity,reduce_only,market_policy"
#define SQL_ORDER_COLUMNS_N 17

#define SQL_LEG_ROWS       "64" /* LEG_ROWS */
#define SQL_LEGS_OF(order) "BETWEEN " order "*" SQL_LEG_ROWS " AND " order "*" SQL_LEG_ROWS "+63"

/* The first parameters of INSERT and UPDATE are the same, and so are the first columns of SELECT.
 */
#define SQL_LEG_CHANGES                                                                          \
        "state,worth,watch,outcome,status,quantity,effective_type,effective_price,"              \
        "effective_trigger,confidence,problem,message,broker_code,broker_message,"               \
        "broker_order_id,filled_quantity,average_price,cancel_requested,attempts,modifications," \
        "sending_us,latency_us,updated_us,evidence"
#define SQL_LEG_CHANGES_N 24
#define SQL_LEG_FIXED     "day,account,client_order_id,tag,multiplier"

#define SQL_TABLE(X)                                                                               \
        X(BEGIN, "BEGIN IMMEDIATE")                                                                \
        X(COMMIT, "COMMIT")                                                                        \
        X(ORDER_INSERT, "INSERT INTO orders (" SQL_ORDER_COLUMNS ",row) VALUES "                   \
                        "(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18)")        \
        /* only writes when a modify has changed something */                                      \
        X(ORDER_UPDATE,                                                                            \
          "UPDATE orders SET type=?2,validity=?3,quantity=?4,price=?5,"                            \
          "trigger_price=?6,disclosed_quantity=?7 WHERE row=?1 AND (quantity<>?4 OR price<>?5 OR " \
          "trigger_price<>?6 OR type<>?2 OR validity<>?3 OR disclosed_quantity<>?7)")              \
        X(ORDER_LAST, "SELECT max(row) FROM orders")                                               \
        X(ORDER_ROW, "SELECT row FROM orders WHERE id=?1")                                         \
        X(ORDER_LOAD, "SELECT " SQL_ORDER_COLUMNS ",row FROM orders WHERE id=?1")                  \
        X(LEGS_LOAD, "SELECT row," SQL_LEG_CHANGES "," SQL_LEG_FIXED                               \
                     " FROM legs WHERE row " SQL_LEGS_OF("?1") " ORDER BY row DESC")               \
        X(LEG_INSERT,                                                                              \
          "INSERT INTO legs (row," SQL_LEG_CHANGES "," SQL_LEG_FIXED                               \
          ") VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,"  \
          "?22,?23,?24,?25,?26,?27,?28,?29,?30)")                                                  \
        X(LEG_UPDATE,                                                                              \
          "UPDATE legs SET (" SQL_LEG_CHANGES ")=(?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,"            \
          "?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24,?25) WHERE row=?1")                     \
        X(LEG_BY_TAG, "SELECT o.id FROM legs l JOIN orders o ON o.row=l.row/" SQL_LEG_ROWS         \
                      " WHERE l.account=?1 AND l.tag=?2 AND l.tag<>''")                            \
        X(LEG_BY_CLIENT_ID,                                                                        \
          "SELECT o.id FROM legs l JOIN orders o ON o.row=l.row/" SQL_LEG_ROWS                     \
          " WHERE l.client_order_id=?1 AND l.day=?2 AND (?3 IS NULL OR l.account=?3) "             \
          "ORDER BY l.row DESC LIMIT 1")                                                           \
        X(LEG_UNSETTLED, "SELECT 1 FROM legs WHERE row " SQL_LEGS_OF("?1") " AND watch=2 LIMIT 1") \
        X(ANSWER_PUT, "INSERT INTO answers (order_row,status,body) VALUES (?1,?2,?3) ON CONFLICT " \
                      "DO UPDATE SET status=?2,body=?3")                                           \
        X(ANSWER_STATUS, "SELECT status FROM answers WHERE order_row=?1")                          \
        X(ANSWER_GET, "SELECT status,body FROM answers WHERE order_row=?1")                        \
        X(KEY_INSERT, "INSERT INTO idempotency_keys (hash,key,scope,order_row,fingerprint,"        \
                      "expires_us) VALUES (?1,?2,?3,?4,?5,?6)")                                    \
        X(KEY_GET,                                                                                 \
          "SELECT o.id,k.fingerprint,k.expires_us,k.order_row FROM idempotency_keys k "            \
          "JOIN orders o ON o.row=k.order_row WHERE k.hash=?1 AND k.key=?2 AND k.scope=?3")        \
        X(KEY_SWEEP, "SELECT order_row,expires_us FROM idempotency_keys WHERE order_row>?1 ORDER " \
                     "BY order_row LIMIT ?2")                                                      \
        X(KEY_DELETE, "DELETE FROM idempotency_keys WHERE order_row=?1")                           \
        X(AUDIT_INSERT, "INSERT INTO audit (seq,at_us,action,account,order_id,record) VALUES "     \
                        "(?1,?2,?3,?4,?5,?6)")                                                     \
        X(AUDIT_LAST, "SELECT seq,record FROM audit ORDER BY seq DESC LIMIT 1")                    \
        X(AUDIT_AT, "SELECT at_us FROM audit WHERE seq>=?1 ORDER BY seq LIMIT 1")                  \
        X(AUDIT_FIRST, "SELECT seq FROM audit ORDER BY seq LIMIT 1")                               \
        X(AUDIT_LIST,                                                                              \
          "SELECT seq,at_us,action,account,order_id,record FROM audit WHERE seq>?1 "               \
          "AND seq<=?2 AND (?3 IS NULL OR account=?3) AND (?4 IS NULL OR instr(record,?4)>0) AND " \
          "at_us>=?5 AND at_us<=?6 AND (?8 IS NULL OR order_id=?8) ORDER BY seq LIMIT ?7")         \
        X(AUDIT_PRUNE,                                                                             \
          "WITH n AS (SELECT seq,at_us FROM audit WHERE seq<=?1 ORDER BY seq LIMIT ?3) "           \
          "DELETE FROM audit WHERE seq IN (SELECT seq FROM n WHERE seq<IFNULL((SELECT min(seq) "   \
          "FROM n WHERE at_us>=?2),?1+1))")                                                        \
        X(KILLSWITCH_PUT,                                                                          \
          "INSERT INTO killswitch (scope,level,reason,actor,at_us) VALUES "                        \
          "(?1,?2,?3,?4,?5) ON CONFLICT DO UPDATE SET level=?2,reason=?3,actor=?4,at_us=?5")       \
        X(KILLSWITCH_ALL, "SELECT scope,level,reason,actor,at_us FROM killswitch ORDER BY scope")  \
        X(EPOCH_SET, "UPDATE killswitch_epoch SET epoch=?1")                                       \
        X(SESSION_PUT, "INSERT INTO sessions (account,name,value,expires_us) VALUES (?1,?2,?3,?4)" \
                       " ON CONFLICT DO UPDATE SET value=?3,expires_us=?4")                        \
        X(SESSION_DELETE, "DELETE FROM sessions WHERE account=?1 AND name=?2")                     \
        X(SESSION_ALL, "SELECT account,name,value,expires_us FROM sessions ORDER BY account,name") \
        X(GUEST_PUT, "INSERT INTO guest_rows (guest,account,kind,key,value) VALUES "               \
                     "(?1,?2,?3,?4,?5) ON CONFLICT DO UPDATE SET value=?5")                        \
        X(GUEST_DELETE, "DELETE FROM guest_rows WHERE guest=?1 AND account=?2 AND kind=?3 AND "    \
                        "key=?4")                                                                  \
        X(GUEST_ALL, "SELECT account,kind,key,value FROM guest_rows WHERE guest=?1")               \
        /* newest first; ?4: accounts, each between line feeds */                                  \
        X(LIST_ALL,                                                                                \
          "SELECT id FROM orders o WHERE id<?1 AND id>=?2 AND created_us>=?3 AND "                 \
          "(?6 IS NULL OR symbol=?6) AND EXISTS (SELECT 1 FROM legs l WHERE l.row " SQL_LEGS_OF(   \
                  "o.row") " AND (?4 IS NULL OR instr(?4,char(10)||account||char(10))>0) AND "     \
                           "(?5 IS NULL OR status=?5)) ORDER BY id DESC LIMIT ?7")                 \
        X(LIST_WATCHED,                                                                            \
          "SELECT DISTINCT o.id FROM legs l INDEXED BY legs_watched JOIN orders o ON "             \
          "o.row=l.row/" SQL_LEG_ROWS " WHERE l.watch>0 AND l.watch BETWEEN ?8 AND ?9 AND "        \
          "o.id<?1 AND o.id>=?2 AND o.created_us>=?3 AND (?6 IS NULL OR o.symbol=?6) AND "         \
          "(?4 IS NULL OR instr(?4,char(10)||l.account||char(10))>0) AND (?5 IS NULL OR "          \
          "l.status=?5) ORDER BY o.id DESC LIMIT ?7")                                              \
        X(RESTORE_ORDERS,                                                                          \
          "SELECT DISTINCT o.id FROM legs l INDEXED BY legs_watched LEFT JOIN orders o "           \
          "ON o.row=l.row/" SQL_LEG_ROWS " WHERE l.watch>0 AND (l.watch=2 OR "                     \
          "l.day=?1) ORDER BY o.id")                                                               \
        X(RESTORE_COUNTS,                                                                          \
          "SELECT l.account,o.key_name,l.worth,l.modifications,l.filled_quantity FROM legs l "     \
          "JOIN orders o ON o.row=l.row/" SQL_LEG_ROWS " WHERE l.row>=" SQL_LEG_ROWS "*(SELECT "   \
          "row FROM orders WHERE id>=?1 ORDER BY id LIMIT 1) AND l.day=?2 AND "                    \
          "l.state<>'refused'")                                                                    \
        X(RESTORE_SENT,                                                                            \
          "SELECT account,state,sending_us,evidence FROM legs WHERE row>=" SQL_LEG_ROWS            \
          "*(SELECT row FROM orders WHERE id>=?1 ORDER BY id LIMIT 1) AND sending_us>=?2 "         \
          "ORDER BY row DESC LIMIT ?3")                                                            \
        X(RESTORE_ASKED, "SELECT account,action,at_us FROM audit ORDER BY seq DESC LIMIT ?1")      \
        X(PROBE, "SELECT 1 FROM killswitch_epoch")

enum sql {
#define X(name, text) SQL_##name,
        SQL_TABLE(X)
#undef X
                _SQL_MAX
};
