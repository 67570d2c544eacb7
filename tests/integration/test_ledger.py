"""When the ledger cannot be written: orders are refused, nothing is acknowledged that is not durable."""
import resource
import shutil
import signal
import sqlite3
import subprocess

import ordo


class Ledger(ordo.Case):
    ENV = {"ORDO_LIMITS": "off"}

    def fails_to_start(self, d, *words):
        d.start(wait=False)
        code = d.process.wait(timeout=20 * ordo.SLOW)
        self.assertNotEqual(code, 0)
        text = d.log_text()
        for w in words:
            self.assertIn(w, text)

    def test_second_daemon_is_told_who_holds_it(self):
        d = self.daemon().start()
        other = self.daemon(state=d.state)
        self.fails_to_start(other, str(d.process.pid))
        self.assertEqual(d.order().status, 201)
        d.stop()

    def test_corrupt_database(self):
        d = self.daemon().start()
        d.order()
        d.stop()
        for name in ("ordo.db-wal", "ordo.db-shm"):
            (d.state / name).unlink(missing_ok=True)
        with open(d.state / "ordo.db", "r+b") as f:
            f.write(b"this is not a database file at all" * 40)
        self.fails_to_start(d, "ledger")

    def test_edited_migration(self):
        d = self.daemon().start()
        d.stop()
        copy = d.state / "migrations"
        shutil.copytree(ordo.SOURCE / "migrations", copy)
        first = sorted((copy / "sqlite").glob("*.sql"))[0]
        first.write_text(first.read_text() + "\n-- edited\n")
        d.env["ORDO_MIGRATIONS_DIR"] = str(copy)
        self.fails_to_start(d, first.name.split("_")[0])

    def test_disk_full(self):
        d = self.daemon()
        limit = 64 << 20

        def small():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        log = open(d.log, "ab")
        d.process = subprocess.Popen([str(ordo.BUILD / "src/ordod")], env=d.env, preexec_fn=small,
                                     stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        log.close()
        d.wait_ready()
        placed = [d.order(quantity=1).json["order_id"] for _ in range(20)]
        # No write to the ledger's files goes through any more.
        size = max((d.state / n).stat().st_size for n in ("ordo.db", "ordo.db-wal"))
        resource.prlimit(d.process.pid, resource.RLIMIT_FSIZE, (min(size, 4096), limit))
        answers = [d.order(quantity=1) for _ in range(5)]
        for a in answers:
            self.assertIn(a.status, (202, 503), a)
        self.assertProblem(answers[-1], 503, "STORE_UNAVAILABLE")
        self.assertEqual(d.get("/ready", token=None).status, 503)
        self.assertEqual(d.get("/health", token=None).status, 200)
        resource.prlimit(d.process.pid, resource.RLIMIT_FSIZE, (limit, limit))
        self.until(lambda: d.order(quantity=1).status == 201)
        self.until(lambda: d.get("/ready", token=None).status == 200)
        d.kill()
        d.start()
        for order_id in placed:
            self.assertEqual(d.get(f"/api/v1/orders/{order_id}").status, 200)
        d.stop()

    def test_locked_by_another_process(self):
        d = self.daemon().start()
        self.assertEqual(d.order(quantity=1).status, 201)
        db = sqlite3.connect(d.state / "ordo.db", timeout=1, isolation_level=None)
        db.execute("BEGIN IMMEDIATE")
        a = d.order(quantity=2)
        self.assertProblem(a, 503, "STORE_UNAVAILABLE")
        self.assertEqual(d.get("/ready", token=None).status, 503)
        db.execute("ROLLBACK")
        db.close()
        self.until(lambda: d.get("/ready", token=None).status == 200)
        self.until(lambda: d.order(quantity=2).status == 201)
        d.stop()


if __name__ == "__main__":
    ordo.main()
