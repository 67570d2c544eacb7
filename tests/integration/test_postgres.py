"""A daemon on PostgreSQL: the server goes away and comes back, it is killed in mid-load; secrets, schema, rights."""

import contextlib
import json
import os
import pathlib
import pty
import shutil
import subprocess
import tempfile
import threading
import time
import unittest
import uuid

import ordo
import postgres
import test_brokers

CTL = str(ordo.BUILD / "src/ordoctl/ordoctl")


def seconds(n):
    return n * ordo.SLOW


class Away(ordo.Case):
    """The server ends by kill -9 and starts again later."""

    def setUp(self):
        self.server = postgres.Server.get()
        self.k = self.daemon().start()
        self.addCleanup(self.k.stop)
        self.addCleanup(self.server.running)

    def back(self):
        self.server.start()
        self.until(lambda: self.k.get("/ready", token=None).status == 200, 30)

    def test_refuses_and_recovers(self):
        d = self.k
        key = str(uuid.uuid4())
        first = d.order(key=key)
        self.assertEqual(first.status, 201, first)
        pid = d.process.pid
        self.server.kill()
        refused = str(uuid.uuid4())
        a = d.order(key=refused, quantity=2)
        self.assertProblem(a, 503, "STORE_UNAVAILABLE")
        # reads that come from brokers, and the state of the daemon
        self.assertEqual(d.get("/api/v1/positions").status, 200)
        self.assertEqual(d.get("/api/v1/status").status, 200)
        self.assertEqual(d.get("/health", token=None).status, 200)
        ready = d.get("/ready", token=None)
        self.assertEqual(ready.status, 503)
        self.assertIn("the ledger cannot be written", ready.json["reasons"])
        # the kill switch holds, without the ledger
        r = d.post("/api/v1/killswitch", {"level": "HALT", "reason": "the database is away"})
        self.assertProblem(r, 503, "STORE_UNAVAILABLE")
        self.assertIn("in force", r.json["detail"])
        self.assertEqual(d.get("/api/v1/killswitch").json["level"], "HALT")
        self.back()
        self.assertEqual(d.process.pid, pid)
        self.assertIsNone(d.process.poll())
        # in the ledger by itself
        self.until(lambda: d.rows("select level from killswitch where scope='global'") == [(1,)], 30)
        self.assertProblem(d.order(quantity=3), 423, "KILL_SWITCH")
        self.assertEqual(d.post("/api/v1/killswitch", {"level": "NONE", "reason": "it is back"}).status, 200)
        # the key of the refused one was not consumed; the first one is answered again
        self.assertEqual(d.order(key=refused, quantity=2).status, 201)
        again = d.order(key=key)
        self.assertEqual((again.status, again.headers.get("idempotent-replayed")), (201, "true"))
        self.assertEqual(again.json["order_id"], first.json["order_id"])
        self.assertEqual(len(d.book()), 2)

    def test_it_is_told_before_an_order_meets_it(self):
        self.server.kill()
        self.until(lambda: self.k.get("/ready", token=None).status == 503, 10)
        self.back()

    def test_it_rests_and_stops_while_the_server_is_away(self):
        d = self.daemon(env={"ORDO_DRAIN_TIMEOUT": "2s"}).start()
        self.server.kill()
        self.until(lambda: d.get("/ready", token=None).status == 503, 10)
        before = d.cpu_seconds()
        time.sleep(1)
        self.assertLess(d.cpu_seconds() - before, 0.5)
        d.process.terminate()
        d.process.wait(timeout=seconds(10))
        d.process = None
        self.back()

    def test_a_restart_of_the_server_is_over_at_once(self):
        """Refused at most while it lasts, and until the daemon has looked again."""
        d = self.k
        self.assertEqual(d.order().status, 201)
        self.server.stop()
        self.server.start()
        self.until(lambda: d.order(quantity=2, key="after").status == 201, 5)

    def test_a_daemon_that_starts_first_waits_for_its_server(self):
        d = self.daemon()
        self.server.stop()
        d.start(wait=False)
        self.assertIsNone(d.process.poll())
        self.server.start()
        d.wait_ready()
        self.assertEqual(d.order().status, 201)
        d.stop()


class Load(ordo.Case):
    """kill -9 of the server while orders come: each key is one order, every accepted one is known."""
    CLIENTS = 8
    ORDERS = 60  # of each
    KILLS = 3
    ENV = {"ORDO_LIMITS": "off"}

    def client(self, d, n, answers, stop):
        connection = None
        for i in range(self.ORDERS):
            key = f"load-{n}-{i}"
            body = {"symbol": "NSE:SBIN", "side": "BUY", "type": "LIMIT", "quantity": 1 + n, "price": "1050.00",
                    "product": "CNC", "validity": "DAY", "targets": ["paper:demo"]}
            while not stop.is_set():
                try:
                    if connection is None:
                        connection = ordo.http.client.HTTPConnection("127.0.0.1", d.port, timeout=seconds(30))
                    r = d.request("POST", "/api/v1/orders", body, headers={"Idempotency-Key": key},
                                  connection=connection)
                except (OSError, ordo.http.client.HTTPException):
                    connection = None
                    continue
                if r.status in (202, 409, 503):  # not known yet, running, refused: the same key again
                    time.sleep(0.02)
                    continue
                answers[key] = r
                break

    def test_killed_in_mid_load(self):
        server = postgres.Server.get()
        d = self.daemon().start()
        self.addCleanup(d.stop)
        answers, stop = {}, threading.Event()
        self.addCleanup(stop.set)
        self.addCleanup(server.running)
        threads = [threading.Thread(target=self.client, args=(d, n, answers, stop)) for n in range(self.CLIENTS)]
        for t in threads:
            t.start()
        gaps = []
        for kill in range(self.KILLS):
            goal = (kill + 1) * self.CLIENTS * self.ORDERS // (self.KILLS + 1)
            self.until(lambda goal=goal: len(answers) >= goal, seconds(60))
            server.kill()
            time.sleep(0.5 * (kill + 1))  # clients meet an absent server
            began = time.monotonic()
            server.start()
            self.until(lambda: d.get("/ready", token=None).status == 200, 30)
            gaps.append(time.monotonic() - began)
        for t in threads:
            t.join(seconds(120))
        self.assertEqual(len(answers), self.CLIENTS * self.ORDERS)
        self.judge(d, answers)
        print("# ready again " + ", ".join(f"{g:.2f}" for g in gaps) + " s after the server's start began", flush=True)

    def judge(self, d, answers):
        placed = {r.json["order_id"] for r in answers.values() if r.status == 201}
        booked = [row["tag"] if isinstance(row, dict) else row for row in d.book()]
        rows = dict(postgres.query(d.state, "select k.key,o.id from idempotency_keys k join orders o on "
                                            "o.row=k.order_row"))
        accepted = {i for (i,) in postgres.query(
            d.state, "select o.id from orders o join legs l on l.row/64=o.row where l.outcome='accepted'")}
        # one order for each key, whatever became of it
        self.assertEqual(len(rows), len(answers))
        self.assertEqual(len(set(rows.values())), len(rows))
        for key, r in answers.items():
            self.assertEqual(r.json["order_id"], rows[key], r)
            self.assertIn(r.status, (201, 422, 424), r)
        # what was said to be accepted is there, and as often as the exchange has it
        self.assertLessEqual(placed, accepted)
        self.assertEqual(len(booked), len(accepted))
        self.assertEqual(d.rows("select count(*) from legs where watch=2"), [(0,)])
        self.assertGreater(len(placed), len(answers) // 2)
        # the chain is whole, in files and ledger
        r = subprocess.run([CTL, "audit", "verify"], env=d.env, capture_output=True, text=True, check=False,
                           timeout=seconds(60))
        self.assertEqual(r.returncode, 0, r)
        self.assertIn("The audit is whole: records 1 to ", r.stdout)


class Operator(ordo.Case):
    """What an administrator sees."""
    SECRET = "hunter2-hunter2"

    def ctl(self, env, *args):
        return subprocess.run([CTL, *args], env=env, capture_output=True, text=True, check=False, timeout=60,
                              stdin=subprocess.DEVNULL)

    def env(self, **more):
        d = self.daemon()
        env = dict(d.env, **more)
        del env["ORDO_AUTO_MIGRATE"]
        return d, env

    def test_migrate(self):
        d, env = self.env()
        r = self.ctl(env, "--json", "migrate", "status")
        self.assertEqual({m["state"] for m in json.loads(r.stdout)["migrations"]}, {"pending"}, r)
        # without leave the daemon does not touch the schema
        del d.env["ORDO_AUTO_MIGRATE"]
        d.start(wait=False)
        self.assertNotEqual(d.process.wait(seconds(30)), 0)
        self.assertIn("run ordoctl migrate up", d.log_text())
        r = self.ctl(env, "migrate", "up")
        self.assertEqual(r.returncode, 0, r)
        self.assertIn("The schema is version ", r.stdout)
        r = self.ctl(env, "migrate", "verify")
        self.assertEqual(r.returncode, 0, r)
        r = self.ctl(env, "--json", "migrate", "status")
        self.assertEqual({m["state"] for m in json.loads(r.stdout)["migrations"]}, {"applied"}, r)
        d.start()
        self.assertEqual(d.order().status, 201)
        d.stop()
        postgres.query(d.state, "update schema_migrations set checksum='x'")
        r = self.ctl(env, "migrate", "verify")
        self.assertEqual(r.returncode, 1 if r.returncode == 1 else r.returncode)
        self.assertNotEqual(r.returncode, 0)
        self.assertIn("was edited", r.stderr)
        d.start(wait=False)
        self.assertNotEqual(d.process.wait(seconds(30)), 0)
        self.assertIn("was edited", d.log_text())

    def test_a_long_migration_is_watched(self):
        d, env = self.env()
        more = d.state / "migrations"
        shutil.copytree(ordo.SOURCE / "migrations", more)
        n = len(list((more / "postgres").glob("*.sql"))) + 1
        slow = more / "postgres" / f"{n:04d}_slow.sql"
        slow.write_text("SELECT pg_sleep(2.2);\n")
        env = {**env, "ORDO_MIGRATIONS_DIR": str(more)}
        main, end = pty.openpty()  # a terminal for what is told beside the result
        p = subprocess.Popen([CTL, "migrate", "up"], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=end)
        os.close(end)
        shown = b""
        with contextlib.suppress(OSError):  # at the end of a terminal
            while block := os.read(main, 4096):
                shown += block
        os.close(main)
        said, _ = p.communicate(timeout=seconds(30))
        self.assertEqual(p.returncode, 0, shown)
        self.assertEqual(said.decode(), f"The schema is version {n}.\n")
        for words in (f"migration 0001_ledger (1 of {n}), 0 s", f"migration {n:04d}_slow ({n} of {n}), 1 s"):
            self.assertIn(words, shown.decode())
        self.assertTrue(shown.endswith(b"\r\033[K"), shown)
        # for scripts a line each; nothing is drawn where there is no terminal
        (more / "postgres" / f"{n + 1:04d}_next.sql").write_text("SELECT 1;\n")
        r = self.ctl(env, "--json", "migrate", "up")
        self.assertEqual([json.loads(line) for line in r.stdout.splitlines()], [
            {"event": "migrate", "version": n + 1, "name": "next", "of": n + 1}, {"event": "done", "version": n + 1}])
        self.assertEqual(r.stderr, "")
        # one that fails is named
        (more / "postgres" / f"{n + 2:04d}_bad.sql").write_text("SELECT x FROM nowhere;\n")
        r = self.ctl(env, "migrate", "up")
        self.assertIn(f"migration {n + 2:04d}_bad", r.stderr)
        self.assertEqual((r.returncode, r.stdout), (2, ""))

    def test_tools_of_sqlite_say_so(self):
        _, env = self.env()
        for args in (("backup", "/tmp/never"), ("restore", "/tmp/never")):
            r = self.ctl(env, *args)
            self.assertEqual(r.returncode, 1 if r.returncode == 1 else 2, r)
            self.assertIn("PostgreSQL", r.stderr)

    def test_the_audit_is_verified(self):
        """Also beyond one page of rows; and the first broken record is named."""
        d = self.daemon(env={"ORDO_LIMITS": "off", "ORDO_PAPER_DEMO_FUNDS": "100000000000.00"}).start()
        for i in range(250):
            self.assertEqual(d.order(key=f"row-{i}", quantity=1).status, 201)
        rows = d.rows("select count(*) from audit")[0][0]
        self.assertGreater(rows, 500)
        r = self.ctl(d.env, "--json", "audit", "verify")
        self.assertEqual((r.returncode, json.loads(r.stdout)["ledger_rows"]), (0, rows), r)
        d.rows("update audit set record=replace(record,'api-token','somebody') where seq=400")
        r = self.ctl(d.env, "--json", "audit", "verify")
        self.assertNotEqual(r.returncode, 0)
        self.assertEqual(json.loads(r.stdout)["seq"], 400)
        d.stop()

    def test_a_password_is_never_shown(self):
        server = postgres.Server.get()
        d = self.daemon()
        d.env["ORDO_DATABASE_URL"] = (f"postgresql://nobody:{self.SECRET}@/{postgres.STATES[d.state]}"
                                      f"?host={server.dir}")
        d.start(wait=False)
        self.assertNotEqual(d.process.wait(seconds(40)), 0)
        self.assertIn("nobody", d.log_text())
        for args in (("migrate", "status"), ("migrate", "up"), ("check-config",)):
            r = self.ctl(d.env, *args)
            self.assertNotIn(self.SECRET, r.stdout + r.stderr)
        self.assertNotIn(self.SECRET, d.log_text())

    def test_from_a_file(self):
        d = self.daemon()
        path = d.state / "url"
        path.write_text(d.env.pop("ORDO_DATABASE_URL") + "\n")
        path.chmod(0o600)
        d.env["ORDO_DATABASE_URL_FILE"] = str(path)
        d.start()
        self.assertEqual(d.get("/api/v1/status").json["store"]["driver"], "postgresql")
        self.assertEqual(d.order().status, 201)
        d.stop()


@unittest.skipUnless(shutil.which("openssl"), "there is no openssl to make certificates with")
class Tls(ordo.Case):
    """The server proves who it is, or nothing is sent to it. A password stands in the URL all the while."""
    SECRET = "Tr0ub4dor-und-3"
    HOST = "db.test"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix="ordo-tls-"))
        cls.dir.chmod(0o755)
        ca, other = (test_brokers.certificate(cls.dir, name) for name in ("ca", "other"))
        cls.certificates = {
            "good": test_brokers.certificate(cls.dir, "good", ca, f"DNS:{cls.HOST}"),
            "expired": test_brokers.certificate(cls.dir, "expired", ca, f"DNS:{cls.HOST}", days="-1"),
            "elsewhere": test_brokers.certificate(cls.dir, "elsewhere", ca, "DNS:elsewhere.test"),
            "stranger": test_brokers.certificate(cls.dir, "stranger", other, f"DNS:{cls.HOST}"),
        }
        n = os.getpid()
        cls.address = f"127.{64 + (n >> 16) % 64}.{n >> 8 & 255}.{n & 255}"  # whose port 5432 is nobody's
        cls.server = postgres.Server(settings=["ssl=off"], address=cls.address, peers=f"{cls.address}/32")
        for cert, key in cls.certificates.values():
            for path in (cert, key):
                os.chmod(path, 0o600)
                if cls.server.user:
                    os.chown(path, cls.server.user["user"], cls.server.user["group"])

    @classmethod
    def tearDownClass(cls):
        cls.server.remove()
        shutil.rmtree(cls.dir)
        super().tearDownClass()

    def serve(self, name):
        """With this certificate; None: without TLS."""
        settings = ["ssl=off"]
        if name:
            cert, key = self.certificates[name]
            settings = [f"ssl_cert_file='{cert}'", f"ssl_key_file='{key}'", "ssl=on"]
        for setting in settings:
            self.server.query("postgres", f"ALTER SYSTEM SET {setting}")
        self.server.query("postgres", "SELECT pg_reload_conf()")
        shows = "SELECT current_setting('ssl'),current_setting('ssl_cert_file')"
        wanted = [("on", str(self.certificates[name][0]))] if name else [("off",)]
        self.until(lambda: [row[:len(wanted[0])] for row in self.server.query("postgres", shows)] == wanted)

    def url(self, database, ca="ca.crt"):
        return (f"postgresql://ordo:{self.SECRET}@{self.HOST}/{database}?hostaddr={self.address}&sslmode=verify-full"
                f"&sslrootcert={self.dir / ca}")

    def said(self, *args, **env):
        r = subprocess.run([CTL, *args], env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                           timeout=seconds(30), check=False)
        self.assertNotIn(self.SECRET, r.stdout + r.stderr)
        return r

    def test_it_is_verified(self):
        self.serve("good")
        name = self.server.database()
        d = self.daemon(env={"ORDO_DATABASE_URL": self.url(name)}).start()
        self.assertEqual(d.order().status, 201)
        used = self.server.query("postgres", "SELECT bool_and(s.ssl),count(*) FROM pg_stat_ssl s JOIN pg_stat_activity a "
                                             f"USING (pid) WHERE a.datname='{name}' AND client_addr IS NOT NULL")
        self.assertEqual(used[0][0], "t")
        self.assertGreaterEqual(used[0][1], 1)
        d.stop()
        self.assertNotIn(self.SECRET, d.log_text())

    def test_what_is_refused(self):
        """Each with the remedy, and at once: it is not waited for as for a server that is starting."""
        name = self.server.database()
        d = self.daemon(env={"ORDO_DATABASE_URL": self.url(name)})
        for served, ca, words in (
                ("stranger", "ca.crt", "sslrootcert"),
                ("expired", "ca.crt", "expired"),
                ("elsewhere", "ca.crt", f'does not match host name "{self.HOST}"'),
                (None, "ca.crt", "ssl=on"),
                ("good", "absent.crt", "sslrootcert")):
            with self.subTest(served=served, ca=ca):
                self.serve(served)
                d.env["ORDO_DATABASE_URL"] = self.url(name, ca)
                r = self.said("migrate", "status", **d.env)
                self.assertNotEqual(r.returncode, 0)
                self.assertIn("TLS: ", r.stderr)
                self.assertIn(words, r.stderr)
                self.assertNotIn("disable", r.stderr)  # what libpq proposes
                began = time.monotonic()
                d.start(wait=False)
                self.assertNotEqual(d.process.wait(seconds(30)), 0)
                self.assertLess(time.monotonic() - began, seconds(5))
                self.assertIn(words, d.log_text().replace('\\"', '"'))
                self.assertNotIn(self.SECRET, d.log_text())
                d.log.unlink()


if __name__ == "__main__":
    ordo.main()
