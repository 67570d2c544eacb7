-- The ledger. Money and prices are counts of 1e-4 rupee, times are microseconds since 1970 in UTC, words
-- are those of the API. Empty text means "none". Tables are keyed by whole numbers that rise, so that rows
-- are appended, which is what SQLite does fastest; in an index of several columns the one that tells rows
-- apart comes first, which makes comparing cheap.

CREATE TABLE orders (
  row                INTEGER NOT NULL PRIMARY KEY, -- given by the driver, one after the other
  id                 TEXT    NOT NULL,
  created_us         INTEGER NOT NULL,
  day                INTEGER NOT NULL,
  key_name           TEXT    NOT NULL,
  correlation_id     TEXT    NOT NULL,
  client_order_id    TEXT    NOT NULL,
  symbol             TEXT    NOT NULL,
  side               TEXT    NOT NULL,
  type               TEXT    NOT NULL,
  product            TEXT    NOT NULL,
  validity           TEXT    NOT NULL,
  quantity           INTEGER NOT NULL,
  price              INTEGER NOT NULL,
  trigger_price      INTEGER NOT NULL,
  disclosed_quantity INTEGER NOT NULL,
  reduce_only        INTEGER NOT NULL,
  market_policy      TEXT    NOT NULL
) STRICT;

CREATE UNIQUE INDEX orders_by_id ON orders (id);

CREATE TABLE legs (
  row               INTEGER NOT NULL PRIMARY KEY, -- the order's row times 64, and the leg's number
  day               INTEGER NOT NULL,
  account           TEXT    NOT NULL,
  state             TEXT    NOT NULL,
  worth             INTEGER NOT NULL, -- what it adds to the day's value of its account
  watch             INTEGER NOT NULL, -- 0 nothing, 1 live at the broker, 2 not settled
  outcome           TEXT    NOT NULL,
  status            TEXT    NOT NULL,
  client_order_id   TEXT,             -- the order's; NULL: none, or refused before the intent
  tag               TEXT    NOT NULL,
  multiplier        INTEGER NOT NULL,
  quantity          INTEGER NOT NULL,
  effective_type    TEXT    NOT NULL,
  effective_price   INTEGER NOT NULL,
  effective_trigger INTEGER NOT NULL,
  confidence        TEXT    NOT NULL,
  problem           TEXT    NOT NULL,
  message           TEXT    NOT NULL,
  broker_code       TEXT    NOT NULL,
  broker_message    TEXT    NOT NULL,
  broker_order_id   TEXT    NOT NULL,
  filled_quantity   INTEGER NOT NULL,
  average_price     INTEGER NOT NULL,
  cancel_requested  INTEGER NOT NULL,
  attempts          INTEGER NOT NULL,
  modifications     INTEGER NOT NULL,
  sending_us        INTEGER NOT NULL,
  latency_us        INTEGER NOT NULL,
  updated_us        INTEGER NOT NULL,
  -- of the last attempt: started, sent, ended, bytes sent, HTTP status, may have left, complete reply,
  -- transport, and the transport's words to the end
  evidence          TEXT    NOT NULL
) STRICT;

CREATE UNIQUE INDEX legs_by_tag ON legs (tag, account) WHERE tag <> '';
CREATE UNIQUE INDEX legs_by_client_order_id ON legs (client_order_id, day, account)
  WHERE client_order_id IS NOT NULL;
CREATE INDEX legs_watched ON legs (watch) WHERE watch > 0;

-- What a replay of the key is answered with, verbatim.
CREATE TABLE answers (
  order_row INTEGER NOT NULL PRIMARY KEY,
  status    INTEGER NOT NULL,
  body      TEXT    NOT NULL
) STRICT;

-- Keys come in no order, so their index is the one thing of which every order changes another page. A hash
-- in place of the text makes it small enough to stay in memory. Two keys with one hash are two rows; that
-- there is one row for a scope and key is the driver's care.
CREATE TABLE idempotency_keys (
  order_row   INTEGER NOT NULL PRIMARY KEY,
  hash        INTEGER NOT NULL, -- 64 bits of BLAKE2b over scope, a zero byte and key
  scope       TEXT    NOT NULL,
  key         TEXT    NOT NULL,
  fingerprint BLOB    NOT NULL,
  expires_us  INTEGER NOT NULL
) STRICT;

CREATE INDEX keys_by_hash ON idempotency_keys (hash);

-- The chain: `record` is the whole line with its hash; the other columns repeat parts of it for searching.
CREATE TABLE audit (
  seq      INTEGER NOT NULL PRIMARY KEY,
  at_us    INTEGER NOT NULL,
  action   TEXT    NOT NULL,
  account  TEXT    NOT NULL,
  order_id TEXT    NOT NULL,
  record   TEXT    NOT NULL
) STRICT;

CREATE TABLE killswitch (
  scope  TEXT    NOT NULL PRIMARY KEY,
  level  INTEGER NOT NULL,
  reason TEXT    NOT NULL,
  actor  TEXT    NOT NULL,
  at_us  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row: raised by every change of the kill switch.
CREATE TABLE killswitch_epoch (
  epoch INTEGER NOT NULL
) STRICT;
INSERT INTO killswitch_epoch (epoch) VALUES (1);

-- Sealed by the vault; the associated data names table, account and column.
CREATE TABLE sessions (
  account    TEXT    NOT NULL,
  name       TEXT    NOT NULL,
  value      BLOB    NOT NULL,
  expires_us INTEGER NOT NULL,
  PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;

-- What local exchanges keep between runs; only they know what it means.
CREATE TABLE guest_rows (
  key     TEXT NOT NULL,
  kind    TEXT NOT NULL,
  account TEXT NOT NULL,
  guest   TEXT NOT NULL,
  value   BLOB NOT NULL,
  PRIMARY KEY (key, kind, account, guest)
) STRICT, WITHOUT ROWID;
