-- The ledger, table by table as in migrations/sqlite, which says what the columns mean; a test compares the two.
-- Every whole number is a BIGINT. Texts that are compared by more than "equal", or are in an index, are compared
-- byte by byte (COLLATE "C"), whatever the language of the database.
--
-- The one row of killswitch_epoch is the lock of the ledger: every transaction that writes takes it first (FOR
-- UPDATE) and holds it to its end. So groups of several daemons come one after the other: the audit chain has one
-- end, numbers of rows rise in the order of the commits, and what was looked up still holds when it is written.

CREATE TABLE orders (
  row                BIGINT  NOT NULL PRIMARY KEY, -- given by the driver, one after the other
  id                 TEXT COLLATE "C" NOT NULL,
  created_us         BIGINT  NOT NULL,
  day                BIGINT  NOT NULL,
  key_name           TEXT    NOT NULL,
  correlation_id     TEXT    NOT NULL,
  client_order_id    TEXT    NOT NULL,
  symbol             TEXT    NOT NULL,
  side               TEXT    NOT NULL,
  type               TEXT    NOT NULL,
  product            TEXT    NOT NULL,
  validity           TEXT    NOT NULL,
  quantity           BIGINT  NOT NULL,
  price              BIGINT  NOT NULL,
  trigger_price      BIGINT  NOT NULL,
  disclosed_quantity BIGINT  NOT NULL,
  reduce_only        BIGINT  NOT NULL,
  market_policy      TEXT    NOT NULL
);

CREATE UNIQUE INDEX orders_by_id ON orders (id);

CREATE TABLE legs (
  row               BIGINT  NOT NULL PRIMARY KEY, -- the order's row times 64, and the leg's number
  day               BIGINT  NOT NULL,
  account           TEXT COLLATE "C" NOT NULL,
  state             TEXT    NOT NULL,
  worth             BIGINT  NOT NULL, -- what it adds to the day's value of its account
  watch             BIGINT  NOT NULL, -- 0 nothing, 1 live at the broker, 2 not settled
  outcome           TEXT    NOT NULL,
  status            TEXT    NOT NULL,
  client_order_id   TEXT COLLATE "C", -- the order's; NULL: none, or refused before the intent
  tag               TEXT COLLATE "C" NOT NULL,
  multiplier        BIGINT  NOT NULL,
  quantity          BIGINT  NOT NULL,
  effective_type    TEXT    NOT NULL,
  effective_price   BIGINT  NOT NULL,
  effective_trigger BIGINT  NOT NULL,
  confidence        TEXT    NOT NULL,
  problem           TEXT    NOT NULL,
  message           TEXT    NOT NULL,
  broker_code       TEXT    NOT NULL,
  broker_message    TEXT    NOT NULL,
  broker_order_id   TEXT    NOT NULL,
  filled_quantity   BIGINT  NOT NULL,
  average_price     BIGINT  NOT NULL,
  cancel_requested  BIGINT  NOT NULL,
  attempts          BIGINT  NOT NULL,
  modifications     BIGINT  NOT NULL,
  sending_us        BIGINT  NOT NULL,
  latency_us        BIGINT  NOT NULL,
  updated_us        BIGINT  NOT NULL,
  -- of the last attempt: started, sent, ended, bytes sent, HTTP status, may have left, complete reply,
  -- transport, and the transport's words to the end
  evidence          TEXT    NOT NULL
);

CREATE UNIQUE INDEX legs_by_tag ON legs (tag, account) WHERE tag <> '';
CREATE UNIQUE INDEX legs_by_client_order_id ON legs (client_order_id, day, account)
  WHERE client_order_id IS NOT NULL;
CREATE INDEX legs_watched ON legs (watch) WHERE watch > 0;

-- What a replay of the key is answered with, verbatim.
CREATE TABLE answers (
  order_row BIGINT  NOT NULL PRIMARY KEY,
  status    BIGINT  NOT NULL,
  body      TEXT    NOT NULL
);

-- Keys come in no order, so their index is the one thing of which every order changes another page. A hash
-- in place of the text keeps it small. That no key is written twice is the lock's doing; the index would refuse
-- it, too (and, once in 300,000 times at ten million keys, another key with the same hash).
CREATE TABLE idempotency_keys (
  order_row   BIGINT  NOT NULL PRIMARY KEY,
  hash        BIGINT  NOT NULL, -- 64 bits of BLAKE2b over scope, a zero byte and key
  scope       TEXT    NOT NULL,
  key         TEXT    NOT NULL,
  fingerprint BYTEA   NOT NULL,
  expires_us  BIGINT  NOT NULL
);

CREATE UNIQUE INDEX keys_by_hash ON idempotency_keys (hash);

-- One row for each daemon: the number of its last group that was committed, written in that very transaction.
-- When the connection is lost during a commit, the daemon connects again, takes the ledger's lock (the lost
-- transaction held it before its commit was sent, so it is over once the lock is free) and reads its row: that
-- tells whether the group is there, on this server or on the standby that took its place.
CREATE TABLE writers (
  writer TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- made anew by each start
  mark   BIGINT NOT NULL,
  at_us  BIGINT NOT NULL
);

-- The chain: `record` is the whole line with its hash; the other columns repeat parts of it for searching.
CREATE TABLE audit (
  seq      BIGINT  NOT NULL PRIMARY KEY,
  at_us    BIGINT  NOT NULL,
  action   TEXT    NOT NULL,
  account  TEXT    NOT NULL,
  order_id TEXT    NOT NULL,
  record   TEXT    NOT NULL
);

CREATE TABLE killswitch (
  scope  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  level  BIGINT  NOT NULL,
  reason TEXT    NOT NULL,
  actor  TEXT    NOT NULL,
  at_us  BIGINT  NOT NULL
);

-- One row: raised by every change of the kill switch.
CREATE TABLE killswitch_epoch (
  epoch BIGINT  NOT NULL
);
INSERT INTO killswitch_epoch (epoch) VALUES (1);

-- Sealed by the vault; the associated data names table, account and column.
CREATE TABLE sessions (
  account    TEXT COLLATE "C" NOT NULL,
  name       TEXT COLLATE "C" NOT NULL,
  value      BYTEA   NOT NULL,
  expires_us BIGINT  NOT NULL,
  PRIMARY KEY (account, name)
);

-- What local exchanges keep between runs; only they know what it means.
CREATE TABLE guest_rows (
  key     TEXT COLLATE "C" NOT NULL,
  kind    TEXT COLLATE "C" NOT NULL,
  account TEXT COLLATE "C" NOT NULL,
  guest   TEXT COLLATE "C" NOT NULL,
  value   BYTEA NOT NULL,
  PRIMARY KEY (key, kind, account, guest)
);
