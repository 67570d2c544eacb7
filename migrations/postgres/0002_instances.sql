-- Several daemons over one ledger. None of this has a twin in SQLite, which one daemon alone may open.

-- Which daemon placed it: while that one lives, nobody else says what became of a leg that is on its way. Empty:
-- it was written before there was this column.
ALTER TABLE orders ADD COLUMN writer TEXT COLLATE "C" NOT NULL DEFAULT '';

-- A row for each daemon that runs, renewed by itself twice a second; moments are the server's. Until `lease_us` it
-- may begin to send orders. The lease is renewed only when the daemon obeys the kill switch as it stands in the
-- ledger: `epoch` is the one that it obeys.
CREATE TABLE instances (
  id         TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- as in table writers
  host       TEXT   NOT NULL,
  pid        BIGINT NOT NULL,
  backend    BIGINT NOT NULL, -- the server's process that holds its locks
  started_us BIGINT NOT NULL,
  seen_us    BIGINT NOT NULL,
  lease_us   BIGINT NOT NULL,
  epoch      BIGINT NOT NULL
);

-- Who looks after an account: reads its books, resolves its legs, logs it in. For people and for the other daemons
-- to see; what counts is the advisory lock of the daemon's session, which goes with the session.
CREATE TABLE owners (
  account  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  instance TEXT COLLATE "C" NOT NULL,
  since_us BIGINT NOT NULL
);
