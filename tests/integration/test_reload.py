"""Reloading: keys, TLS files and options are checked together and exchanged together, or nothing changes."""
import hashlib
import json
import pathlib
import shutil
import signal
import ssl
import tempfile
import time
import unittest

import ordo
from test_tls import make_certificate

RELOADED = "7ecf1f755014468e8d21ebf45fa48f93"
REFUSED = "6c068f2151794d1d8e97627eb0f37009"
TOKEN = "correct-horse-battery-staple"


class Reload(ordo.Case):
    def start(self, lines, env=None):
        """A daemon whose options stand in a file, as the package has it."""
        self.m = self.manager()
        d = self.daemon(env={"NOTIFY_SOCKET": self.m.path, **(env or {})})
        d.env["ORDO_ENV_FILE"] = str(d.state / "ordo.env")
        del d.env["ORDO_API_RATE"]
        self.write(d, lines)
        d.start(wait=False)
        self.until(lambda: d.records(message_id="d82c2e918ae141149722ff41b52457a5") or self.m.lines("READY"))
        return d

    def write(self, d, lines, mode=0o600):
        path = d.state / "ordo.env"
        path.write_text("".join(line + "\n" for line in lines))
        path.chmod(mode)

    def keys(self, d, *names, text=None):
        path = d.state / "keys.json"
        path.write_text(text if text is not None else json.dumps({"keys": [
            {"name": n, "hash": "sha256:" + hashlib.sha256(n.encode()).hexdigest(), "scopes": ["read"]}
            for n in names]}))
        path.chmod(0o600)

    def reload(self, d, **kw):
        return d.post("/api/v1/admin/reload", **kw)

    def reloaded(self, d, changed, waiting=(), **kw):
        a = self.reload(d, **kw)
        self.assertEqual(a.status, 200, a)
        self.assertEqual(a.json, {"status": "reloaded", "changed": list(changed),
                                  "restart_needed": list(waiting)})

    def refused(self, d, *words):
        a = self.reload(d)
        p = self.assertProblem(a, 400, "INVALID_REQUEST")
        for w in words:
            self.assertTrue([e for e in p["errors"] if w in e["detail"]], p)
        self.record(d, REFUSED, lambda r: r["level"] == "err" and all(w in r["message"] for w in words))
        return p

    def record(self, d, message_id, like):
        """The log thread writes it a moment later."""
        return self.until(lambda: [r for r in d.records(message_id=message_id) if like(r)])[-1]

    def status(self, d, path="/api/v1/status", **kw):
        return d.get(path, **kw).status

    def audits(self, d):
        rows = [json.loads(r) for (r,) in d.rows("select record from audit order by seq")]
        return [r for r in rows if r["action"] == "config.reloaded"]

    def test_options(self):
        d = self.start([])
        self.assertEqual(self.status(d, token=None), 401)
        self.assertEqual(self.status(d, "/metrics", token=None), 401)
        self.assertEqual(self.status(d, headers={"Host": "desk.example.org"}), 400)
        self.assertEqual(d.order(quantity=20).status, 201)
        self.write(d, ["ORDO_STATUS_PUBLIC=yes", "ORDO_METRICS_PUBLIC=yes",
                       "ORDO_ALLOWED_HOSTS=desk.example.org", "ORDO_PAPER_DEMO_MAX_ORDER_QUANTITY=10",
                       "ORDO_IDEMPOTENCY_REQUIRED=no", "ORDO_LOG_ACCESS=yes"])
        self.assertEqual(self.status(d, token=None), 401, "read before it was asked to")
        self.reloaded(d, ["ORDO_ALLOWED_HOSTS", "ORDO_METRICS_PUBLIC", "ORDO_STATUS_PUBLIC",
                          "ORDO_IDEMPOTENCY_REQUIRED", "ORDO_LOG_ACCESS",
                          "ORDO_PAPER_DEMO_MAX_ORDER_QUANTITY"])
        self.assertEqual(self.status(d, token=None), 200)
        self.assertEqual(self.status(d, "/metrics", token=None), 200)
        self.assertEqual(self.status(d, headers={"Host": "desk.example.org"}), 200)
        self.assertProblem(d.order(quantity=11), 422, "MAX_ORDER_QUANTITY")
        self.assertEqual(d.order(quantity=9).status, 201)
        self.assertEqual(d.order(quantity=11, targets=["paper:second"]).status, 201)
        d.get("/health", token=None, headers={"X-Correlation-ID": "after-reload"})
        self.until(lambda: d.records(correlation_id="after-reload"))
        self.record(d, RELOADED, lambda r: "ORDO_PAPER_DEMO_MAX_ORDER_QUANTITY" in r["changed"])
        self.until(lambda: self.audits(d))
        self.assertIn("ORDO_LOG_ACCESS", json.dumps(self.audits(d)[-1]))
        # And back again: what is no longer there has its default.
        self.write(d, [])
        self.assertEqual(self.reload(d).status, 200)
        self.assertEqual(self.status(d, token=None), 401)
        self.assertEqual(self.status(d, headers={"Host": "desk.example.org"}), 400)
        self.assertEqual(d.order(quantity=12).status, 201)
        d.stop()

    def test_log_level(self):
        d = self.start(["ORDO_LOG_LEVEL=err"])
        self.assertEqual(d.records(level="notice"), [])
        self.write(d, ["ORDO_LOG_LEVEL=info"])
        self.reloaded(d, ["ORDO_LOG_LEVEL"])
        self.until(lambda: d.records(message_id=RELOADED))
        d.stop()

    def test_rates(self):
        d = self.start(["ORDO_API_RATE=0", "ORDO_PAPER_DEMO_ORDERS_PER_MINUTE=1"])
        self.assertEqual(d.order(quantity=1).status, 201)
        self.assertProblem(d.order(quantity=2), 429, "ORDER_RATE")
        self.write(d, ["ORDO_API_RATE=3", "ORDO_PAPER_DEMO_ORDERS_PER_MINUTE=8"])
        self.reloaded(d, ["ORDO_API_RATE", "ORDO_PAPER_DEMO_ORDERS_PER_MINUTE"])
        self.assertEqual(d.order(quantity=3).status, 201)
        answers = [d.get("/api/v1/status") for _ in range(6)]
        self.assertIn(429, [a.status for a in answers])
        self.assertEqual(answers[0].headers["ratelimit-policy"], '"api";q=3;w=1')
        d.stop()

    def test_token(self):
        d = self.start([f"ORDO_API_TOKEN={TOKEN}"], env={"ORDO_STATUS_PUBLIC": "yes"})
        self.assertEqual(self.status(d, token=TOKEN), 200)
        self.assertFalse((d.state / "api-token").exists())
        self.write(d, [f"ORDO_API_TOKEN={TOKEN}-2"])
        self.reloaded(d, ["ORDO_API_TOKEN"], token=TOKEN)
        self.assertEqual(self.status(d, token=TOKEN), 401)
        self.assertEqual(self.status(d, token=TOKEN + "-2"), 200)
        # Without one the daemon makes its own, as at a first start.
        self.write(d, [])
        self.reloaded(d, ["ORDO_API_TOKEN"], token=TOKEN + "-2")
        self.assertEqual(self.status(d), 200)
        self.assertEqual(self.status(d, token=TOKEN + "-2"), 401)
        self.assertNotIn(TOKEN, d.log.read_text())
        self.assertNotIn(TOKEN, json.dumps(self.audits(d)))
        d.stop()

    def test_what_waits_for_a_restart_is_named(self):
        d = self.start([])
        self.write(d, ["ORDO_REQUEST_TIMEOUT=7s", "ORDO_PAPER_DEMO_FUNDS=5.00", "ORDO_STATUS_PUBLIC=yes"])
        self.reloaded(d, ["ORDO_STATUS_PUBLIC"], ["ORDO_REQUEST_TIMEOUT", "ORDO_PAPER_DEMO_FUNDS"])
        record = self.record(d, RELOADED, lambda r: r["changed"] == "ORDO_STATUS_PUBLIC")
        self.assertEqual(record["restart_needed"], "ORDO_REQUEST_TIMEOUT ORDO_PAPER_DEMO_FUNDS")
        self.assertIn("wait for a restart", record["message"])
        # It is so until then.
        self.reloaded(d, [], ["ORDO_REQUEST_TIMEOUT", "ORDO_PAPER_DEMO_FUNDS"])
        d.stop()

    def test_a_bad_value_changes_nothing(self):
        d = self.start([])
        self.keys(d, "first-key")
        self.write(d, ["ORDO_STATUS_PUBLIC=yes", "ORDO_LOG_LEVEL=loud", "ORDO_API_RAT=7"])
        p = self.refused(d, "ORDO_LOG_LEVEL (from ", "ordo.env:2): \"loud\" is not one of its words.",
                         "ordo.env:3): There is no option of this name. Did you mean ORDO_API_RATE?")
        self.assertEqual(len(p["errors"]), 2)
        self.assertEqual(self.status(d, token=None), 401)
        self.assertEqual(self.status(d, token="first-key"), 401, "not even the keys")
        self.until(lambda: self.audits(d))
        self.assertEqual(self.audits(d)[-1]["outcome"], "refused")
        for lines in (["ORDO_STATUS_PUBLIC=yes", "nonsense"], ["ORDO_STATUS_PUBLIC=yes", "ORDO_LOG=$X"]):
            self.write(d, lines)
            self.refused(d, "ordo.env:2")
            self.assertEqual(self.status(d, token=None), 401)
        (d.state / "ordo.env").unlink()
        (d.state / "ordo.env").mkdir()
        self.refused(d, "It is not a regular file".lower())
        (d.state / "ordo.env").rmdir()
        self.assertEqual(self.reload(d).status, 200, "a file that is gone holds nothing")
        self.assertEqual(self.status(d, token="first-key"), 200)
        d.stop()

    def test_bad_keys_leave_the_options_alone(self):
        d = self.start([])
        self.write(d, ["ORDO_STATUS_PUBLIC=yes"])
        self.keys(d, text='{"keys": [{"name": "x"}]}')
        self.refused(d, "/keys/0/hash")
        self.assertEqual(self.status(d, token=None), 401)
        self.keys(d, "good-key")
        self.reloaded(d, ["ORDO_STATUS_PUBLIC"])
        self.assertEqual(self.status(d, token="good-key"), 200)
        # Another file altogether.
        (d.state / "keys.json").rename(d.state / "other.json")
        self.write(d, [f"ORDO_API_KEYS_FILE={d.state / 'other.json'}"])
        self.reloaded(d, ["ORDO_API_KEYS_FILE", "ORDO_STATUS_PUBLIC"])
        self.assertEqual(self.status(d, token="good-key"), 200)
        d.stop()

    def test_signal_and_manager(self):
        d = self.start([])
        before = len(self.m.listen())
        self.write(d, ["ORDO_STATUS_PUBLIC=yes"])
        d.process.send_signal(signal.SIGHUP)
        self.until(lambda: self.status(d, token=None) == 200)
        heard = self.until(lambda: len(self.m.listen()) >= before + 2 and self.m.listen()[before:])
        self.assertRegex(heard[0], r"^RELOADING=1\nMONOTONIC_USEC=\d+$")
        self.assertRegex(heard[1], r"^READY=1\nSTATUS=serving 2 accounts on ")
        # A refused one ends too, or the manager would wait for ever.
        self.write(d, ["ORDO_LOG_LEVEL=loud"])
        before = len(self.m.listen())
        d.process.send_signal(signal.SIGHUP)
        self.until(lambda: d.records(message_id=REFUSED))
        self.until(lambda: [m for m in self.m.listen()[before:] if m.startswith("READY=1")])
        self.assertEqual(self.status(d, token=None), 200)
        d.stop()

    def test_environment_holds_against_the_file(self):
        d = self.start([], env={"ORDO_STATUS_PUBLIC": "no"})
        self.write(d, ["ORDO_STATUS_PUBLIC=yes"])
        self.reloaded(d, [])
        self.assertEqual(self.status(d, token=None), 401)
        self.record(d, REFUSED, lambda r: "ordo.env:1, which is not used" in r["message"])
        d.stop()

    @unittest.skipUnless(shutil.which("openssl"), "there is no openssl to make certificates with")
    def test_certificate(self):
        d = self.daemon()
        cert, key = make_certificate(d.state, "localhost")
        d.env.update(ORDO_TLS_CERT=str(cert), ORDO_TLS_KEY=str(key))
        d.start(wait=False)
        self.until(lambda: "is ready" in d.log_text())

        def served():
            return ssl.get_server_certificate(("127.0.0.1", d.port)).strip()

        old = cert.read_text().strip()
        self.assertEqual(served(), old)
        make_certificate(d.state, "localhost")  # the same paths: certbot renews so
        self.assertNotEqual(cert.read_text().strip(), old)
        d.process.send_signal(signal.SIGHUP)
        self.until(lambda: served() == cert.read_text().strip())
        # A key that does not belong to it: what was good stays.
        good = served()
        key.write_text(make_certificate(d.state, "other")[1].read_text())
        d.process.send_signal(signal.SIGHUP)
        self.until(lambda: "private key" in d.log_text())
        self.assertEqual(served(), good)
        d.stop()


class MarketData(ordo.Case):
    """Sessions and holidays are files: what a circular says today holds after a reload."""

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ordo-market-"))
        self.addCleanup(shutil.rmtree, self.dir)
        for f in (ordo.SOURCE / "data/market").glob("*.csv"):
            shutil.copy(f, self.dir)
        self.today = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 19800))
        self.sessions = (self.dir / "sessions.csv").read_text()

    def special(self, hours):
        """NSE is open at these hours today, whatever the weekday and the holidays."""
        line = f"NSE,all,special,{self.today},{self.today},{hours},-\n" if hours else ""
        (self.dir / "sessions.csv").write_text(self.sessions + line)

    def test_hours(self):
        d = self.daemon(env={"ORDO_MARKET_DIR": str(self.dir),
                             "ORDO_PAPER_DEMO_SESSION_HOURS": "refuse"})
        self.special("00:00,23:59")
        d.start()
        self.addCleanup(d.stop)
        self.until(lambda: d.order(price="1000.00").status == 201)
        # read again and again: nobody looks at what was there before
        for n in range(4):
            self.special("00:00,00:01")
            self.assertEqual(d.post("/api/v1/admin/reload").status, 200)
            r = d.order(price="1000.00", quantity=n + 20)
            self.assertProblem(r, 422, "MARKET_CLOSED")
            self.special("00:00,23:59")
            self.assertEqual(d.post("/api/v1/admin/reload").status, 200)
            r = d.order(price="1000.00", quantity=n + 30)
            self.assertEqual(r.status, 201, r)
        # a fault changes nothing, and is named
        (self.dir / "sessions.csv").write_text(self.sessions + "NSE,all,special,soon\n")
        p = self.assertProblem(d.post("/api/v1/admin/reload"), 400, "INVALID_REQUEST")
        self.assertIn("sessions.csv:", p["errors"][0]["detail"])
        self.assertEqual(d.order(price="1000.00", quantity=40).status, 201)

    def test_missing_holidays(self):
        path = self.dir / "holidays.csv"
        whole = path.read_text()
        year = self.today[:4]
        path.write_text("".join(line + "\n" for line in whole.splitlines()
                                if not line.startswith((year, str(int(year) + 1)))))
        d = self.daemon(env={"ORDO_MARKET_DIR": str(self.dir)}).start()
        self.addCleanup(d.stop)
        records = self.until(lambda: d.records(message_id="21b47f867b904b2fa42f946e172619a3"))
        self.assertIn("holidays of NSE for", records[0]["message"])


if __name__ == "__main__":
    ordo.main()
