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

-- What went to the brokers lately, whoever sent it: a stamp for each call, at the moment of its permit. Every daemon
-- asks here before a call that its broker, or a limit of the account, counts in a rolling window. The row of
-- rate_accounts is the lock; it is held inside the function alone, so that no daemon can hold it while it sleeps.
CREATE TABLE rate_accounts (
  account TEXT COLLATE "C" NOT NULL PRIMARY KEY
);

CREATE TABLE rate_stamps (
  account  TEXT COLLATE "C" NOT NULL,
  at_us    BIGINT NOT NULL,
  op       BIGINT NOT NULL, -- what was called, and the exchange it was for: numbers of this program
  exchange BIGINT NOT NULL
);

CREATE INDEX rate_stamps_by_account ON rate_stamps (account, at_us);

-- 0: granted, and stamped. Else the microseconds until it is worth asking again. A window counts the calls whose bit
-- is in `ops`, at its exchange (-1: any) or at one that nobody knows (`anywhere`).
CREATE FUNCTION rate_permit(who TEXT, what BIGINT, place BIGINT, anywhere BIGINT, spans BIGINT[], caps BIGINT[],
                            ops BIGINT[], places BIGINT[], keep_us BIGINT) RETURNS BIGINT
LANGUAGE plpgsql AS $$
DECLARE
  now_us  BIGINT;
  full_us BIGINT;
  wait_us BIGINT := 0;
BEGIN
  INSERT INTO rate_accounts VALUES (who) ON CONFLICT DO NOTHING;
  PERFORM 1 FROM rate_accounts WHERE account = who FOR UPDATE;
  now_us := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
  FOR i IN 1 .. coalesce(array_length(spans, 1), 0) LOOP
    SELECT s.at_us + spans[i] - now_us INTO full_us FROM rate_stamps s
      WHERE s.account = who AND s.at_us > now_us - spans[i] AND (ops[i] >> s.op::int) & 1 = 1
        AND (places[i] < 0 OR s.exchange = places[i] OR s.exchange = anywhere OR place = anywhere)
      ORDER BY s.at_us DESC OFFSET caps[i] - 1 LIMIT 1;
    IF FOUND AND full_us > wait_us THEN
      wait_us := full_us;
    END IF;
  END LOOP;
  IF wait_us > 0 THEN
    RETURN wait_us;
  END IF;
  INSERT INTO rate_stamps VALUES (who, now_us, what, place);
  DELETE FROM rate_stamps WHERE account = who AND at_us < now_us - keep_us;
  RETURN 0;
END
$$;
