"""ordoctl restore: a backup becomes the ledger, and everything is halted until somebody has compared it
with the brokers. Files that are no good backup change nothing."""
import contextlib
import hashlib
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import uuid

import ordo

CTL = ordo.BUILD / "src/ordoctl/ordoctl"
OK, USAGE, REFUSED = 0, 1, 2


class Restore(ordo.Case):
    def setUp(self):
        self.k = self.daemon().start()
        self.addCleanup(self.k.stop)
        self.backup = self.k.state / "copy.db"

    def ctl(self, *args, code=OK, **kw):
        r = subprocess.run([CTL, *map(str, args)], env=self.k.env, capture_output=True, text=True,
                           timeout=60, check=False, stdin=subprocess.DEVNULL, **kw)
        self.assertEqual(r.returncode, code, r)
        return r

    def fingerprint(self):
        """All that a refused restore may not change."""
        return {p.name: hashlib.sha256(p.read_bytes()).hexdigest()
                for p in self.k.state.iterdir()
                if p.name.startswith("ordo.db") and not p.name.endswith((".lock", "-shm"))
                or p.name == "killswitch" or p.name.startswith("before-restore")}

    def back_up(self):
        self.ctl("backup", self.backup)
        return self.backup

    def aside(self):
        found = list(self.k.state.glob("before-restore-*"))
        self.assertEqual(len(found), 1, found)
        return found[0]

    def test_back_to_a_backup(self):
        key = str(uuid.uuid4())
        before = self.k.order(price="1000.00").headers["location"]
        self.back_up()
        r = self.k.order(price="1001.00", headers={"Idempotency-Key": key})
        self.assertEqual(r.status, 201, r)
        after = r.headers["location"]
        self.k.stop()
        said = self.ctl("restore", self.backup).stdout
        self.assertIn("HALT", said)
        self.assertIn("killswitch release", said)
        self.assertTrue((self.aside() / "ordo.db").exists())
        self.assertFalse((self.k.state / "ordo.db.restoring").exists())
        self.assertEqual((self.k.state / "ordo.db").stat().st_mode & 0o777, 0o600)
        self.k.start()
        self.assertEqual(self.k.get("/api/v1/killswitch").json["level"], "HALT")
        self.assertEqual(self.k.get(before).json["legs"][0]["order_status"], "OPEN")
        self.assertEqual(self.k.get(after).status, 404)
        # the key looks unused: it is the halt that keeps the order from being placed twice
        r = self.k.order(price="1001.00", headers={"Idempotency-Key": key})
        self.assertProblem(r, 423, "KILL_SWITCH")
        self.ctl("killswitch", "release", "--yes", "--reason", "compared", "--url",
                 f"http://127.0.0.1:{self.k.port}")
        self.assertEqual(self.k.order().status, 201)
        self.k.stop()
        self.ctl("audit", "verify")
        # and back again to what was there
        with contextlib.closing(sqlite3.connect(self.aside() / "ordo.db")) as db:
            self.assertEqual(db.execute("select count(*) from orders").fetchone()[0], 2)

    def test_by_hand(self):
        """A copy of the file is put back without the command: the audit's files know more."""
        self.assertEqual(self.k.order(key="known").status, 201)
        self.back_up()
        self.assertEqual(self.k.order(key="lost", quantity=3).status, 201)
        last = self.k.rows("select max(seq) from audit")[0][0]
        self.until(lambda: self.k.exported() >= last, 20)
        self.k.stop()
        for suffix in ("", "-wal", "-shm"):
            (self.k.state / f"ordo.db{suffix}").unlink(missing_ok=True)
        shutil.copy(self.backup, self.k.state / "ordo.db")
        for _ in range(2):  # a restart is no consent
            self.k.start(wait=False)
            ready = self.until(self.answer)
            self.assertEqual(ready.status, 503)
            self.assertIn("the audit's files", ready.raw.decode())
            self.assertProblem(self.k.order(key="lost", quantity=3), 423, "KILL_SWITCH")
            self.assertEqual(self.k.order(key="known").status, 201)  # what it does know is answered
            self.k.stop()
        self.k.start(wait=False)
        self.until(self.answer)
        self.ctl("killswitch", "release", "--yes", "--reason", "compared", "--url", f"http://127.0.0.1:{self.k.port}")
        self.k.wait_ready()
        self.assertEqual(self.k.order(key="new").status, 201)
        self.until(lambda: list(self.k.state.glob("audit-before-*")) and self.k.exported() > 0, 20)
        self.k.stop()
        self.ctl("audit", "verify")
        self.k.start()

    def answer(self):
        """Of /ready, once it listens."""
        with contextlib.suppress(OSError):
            return self.k.get("/ready", token=None)
        return None

    def test_what_stands_already_is_kept(self):
        self.back_up()
        self.k.post("/api/v1/killswitch", {"level": "CANCEL", "scope": "account:paper:demo",
                                           "reason": "test"})
        self.k.stop()
        self.ctl("restore", self.backup)
        self.k.start()
        levels = {e["scope"]: e["level"] for e in self.k.get("/api/v1/killswitch").json["entries"]}
        self.assertEqual(levels, {"global": "HALT", "account:paper:demo": "CANCEL"})

    def test_not_beside_a_running_daemon(self):
        self.k.order()
        self.back_up()
        r = self.ctl("restore", self.backup, code=REFUSED)
        self.assertIn("stop that one first", r.stderr)
        self.assertIn("Nothing was changed", r.stderr)
        self.assertFalse((self.k.state / "killswitch").exists())
        self.assertEqual(self.k.order(quantity=3).status, 201)

    def refused(self, path, words):
        before = self.fingerprint()
        r = self.ctl("restore", path, code=REFUSED)
        self.assertIn(words, r.stderr)
        self.assertIn("Nothing was changed", r.stderr)
        self.assertEqual(self.fingerprint(), before)

    def change(self, statement):
        with contextlib.closing(sqlite3.connect(self.backup)) as db:
            self.assertEqual(db.execute(statement).rowcount, 1)
            db.commit()

    def test_no_good_backup(self):
        for _ in range(5):
            self.k.order(quantity=1)
        good = self.back_up().read_bytes()
        self.k.stop()
        other = self.k.state / "other"
        self.refused(other, "No such file")
        other.write_text("not a database, but long enough to be looked at\n" * 100)
        self.refused(other, "not a database")
        with contextlib.closing(sqlite3.connect(self.k.state / "foreign.db")) as db:
            db.execute("create table orders(id)")
            db.commit()
        self.refused(self.k.state / "foreign.db", "not a ledger of Ordo")
        self.backup.write_bytes(good[:len(good) // 2])
        self.refused(self.backup, "malformed")
        self.backup.write_bytes(good)
        self.change("update audit set record=replace(record, '\"actor\":\"api-token\"', "
                    "'\"actor\":\"nobody-1\"') where seq=4")
        self.refused(self.backup, "audit is broken at record 4")
        self.backup.write_bytes(good)
        self.change("delete from audit where seq=3")
        self.refused(self.backup, "audit is broken at record 3")
        self.backup.write_bytes(good)
        self.change("insert into schema_migrations select max(version) + 1, max(version) + 1, 'later', "
                    "checksum, applied_us from schema_migrations")
        self.refused(self.backup, "newer")
        self.backup.write_bytes(good)
        self.ctl("restore", self.backup)

    def test_full_disk(self):
        for _ in range(5):
            self.k.order(quantity=1)
        self.back_up()
        size = self.backup.stat().st_size
        self.k.stop()
        before = self.fingerprint()

        def small():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2))
        r = self.ctl("restore", self.backup, code=REFUSED, preexec_fn=small)
        self.assertIn("Nothing was changed", r.stderr)
        self.assertEqual(self.fingerprint(), before)
        self.assertFalse((self.k.state / "ordo.db.restoring").exists())
        self.k.start()
        self.assertEqual(self.k.order(quantity=3).status, 201)

    def test_state_of_another_user(self):
        if os.geteuid() != 0:
            self.skipTest("only root can give files away")
        self.back_up()
        self.k.stop()
        owner = self.k.state.stat().st_uid
        os.chown(self.k.state, 12345, -1)
        try:
            self.assertIn("setpriv", self.ctl("restore", self.backup, code=USAGE).stderr)
        finally:
            os.chown(self.k.state, owner, -1)

    def test_no_ledger_yet(self):
        self.k.order(price="1000.00")
        copy = shutil.copy(self.back_up(), self.k.state / "kept")
        self.k.stop()
        for p in self.k.state.glob("ordo.db*"):
            p.unlink()
        shutil.rmtree(self.k.state / "audit")
        self.ctl("restore", copy)
        self.k.start()
        self.assertEqual(len(self.k.get("/api/v1/orders").json["orders"]), 1)


if __name__ == "__main__":
    ordo.main()
