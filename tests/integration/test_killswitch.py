"""HALT, CANCEL and FLATTEN, their scopes, and what they survive."""
import json
import resource
import signal
import subprocess
import time
import uuid

import ordo

CTL = ordo.BUILD / "src/ordoctl/ordoctl"


class KillSwitch(ordo.Case):
    ENV = {"ORDO_LIMITS": "off"}

    def setUp(self):
        self.k = self.daemon().start()
        self.addCleanup(self.k.stop)

    def set(self, level, scope=None, status=200, **kw):
        body = {"level": level, "reason": "test"}
        if scope:
            body["scope"] = scope
        r = self.k.post("/api/v1/killswitch", body, **kw)
        self.assertEqual(r.status, status, r)
        return r

    def test_halt_refuses_risk_and_lets_reducing_pass(self):
        self.assertEqual(self.k.order(product="INTRADAY").status, 201)
        self.set("HALT")
        self.assertProblem(self.k.order(product="INTRADAY"), 423, "KILL_SWITCH")
        self.assertProblem(self.k.order(side="SELL", product="INTRADAY", quantity=11), 423,
                           "KILL_SWITCH")
        r = self.k.order(side="SELL", product="INTRADAY")
        self.assertEqual(r.status, 201, r)
        self.set("NONE")
        self.assertEqual(self.k.order(product="INTRADAY").status, 201)

    def test_scope_of_one_account(self):
        self.set("HALT", "account:paper:demo")
        self.assertProblem(self.k.order(), 423, "KILL_SWITCH")
        self.assertEqual(self.k.order(targets=["paper:second"]).status, 201)
        r = self.k.order(targets=["paper:demo", "paper:second"])
        self.assertEqual(r.status, 207, r)
        self.set("NONE", "account:paper:demo")

    def test_scope_of_a_broker(self):
        self.set("HALT", "broker:paper")
        self.assertProblem(self.k.order(), 423, "KILL_SWITCH")

    def test_cancel_cancels_everything_open(self):
        ids = [self.k.order(price=p, targets=["paper:demo", "paper:second"]).headers["location"]
               for p in ("1000.00", "1001.00", "1002.00")]
        self.set("CANCEL")
        for path in ids:
            self.until(lambda path=path: all(
                leg["order_status"] == "CANCELLED" for leg in self.k.get(path).json["legs"]))
        self.until(lambda: not self.k.get("/api/v1/killswitch").json["entries"][0]["closing"])

    def test_flatten_squares_off_but_leaves_delivery(self):
        self.assertEqual(self.k.order(product="INTRADAY").status, 201)
        self.assertEqual(self.k.order(product="CNC").status, 201)
        self.assertEqual(self.k.order(symbol="NSE:TCS", price="2300.00", side="SELL",
                                      product="INTRADAY", quantity=7).status, 201)
        self.set("FLATTEN")

        def flat():
            rows = self.k.get("/api/v1/positions?accounts=paper:demo").json["results"][0]["positions"]
            return all(p["quantity"] == 0 for p in rows if p["product"] != "CNC")

        self.until(flat, 20)
        rows = self.k.get("/api/v1/positions?accounts=paper:demo").json["results"][0]["positions"]
        self.assertTrue([p for p in rows if p["product"] == "CNC" and p["quantity"] == 10], rows)
        self.until(lambda: not self.k.get("/api/v1/killswitch").json["entries"][0]["closing"])

    def test_survives_kill_and_restart(self):
        self.set("HALT")
        self.k.kill()
        self.k.start()
        self.assertProblem(self.k.order(), 423, "KILL_SWITCH")

    def test_signal_halts(self):
        self.k.process.send_signal(signal.SIGUSR1)
        self.until(lambda: self.k.order().status == 423)

    def test_bad_scope(self):
        r = self.k.post("/api/v1/killswitch", {"level": "HALT", "scope": "account:paper:nobody",
                                               "reason": "x"})
        self.assertEqual(r.status // 100, 4, r)

    def test_modification_that_adds_risk_is_refused_while_halted(self):
        path = self.k.order(price="1000.00", quantity=10).headers["location"]
        self.set("HALT")
        self.assertProblem(self.k.request("PATCH", path, {"quantity": 20}), 423, "KILL_SWITCH")
        r = self.k.request("PATCH", path, {"quantity": 5})
        self.assertEqual(r.status, 200, r)
        self.assertEqual(self.k.request("DELETE", path).status, 200)


@ordo.sqlite_only
class StoreDown(ordo.Case):
    """However it is engaged while nothing can be written to the ledger: it holds at once, over a crash,
    and in the ledger once that can be written again."""
    LIMIT = 64 << 20

    def fill_disk(self, d):
        size = max((d.state / n).stat().st_size for n in ("ordo.db", "ordo.db-wal"))
        resource.prlimit(d.process.pid, resource.RLIMIT_FSIZE, (min(size, 4096), self.LIMIT))

    def start(self):
        d = self.daemon()

        def small():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.LIMIT, self.LIMIT))
        with open(d.log, "ab") as log:
            d.process = subprocess.Popen([str(ordo.BUILD / "src/ordod")], env=d.env, preexec_fn=small,
                                         stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        d.wait_ready()
        self.addCleanup(d.stop)
        for i in range(20):
            d.order(quantity=1 + i)
        self.fill_disk(d)
        self.until(lambda: d.order(quantity=50).status == 503)
        return d

    def by_api(self, d):
        r = d.post("/api/v1/killswitch", {"level": "HALT", "reason": "test"})
        self.assertProblem(r, 503, "STORE_UNAVAILABLE")
        self.assertIn("in force", r.json["detail"])

    def by_ctl(self, d):
        r = subprocess.run([CTL, "killswitch", "halt", "--reason", "test"], env=d.env, check=False,
                           capture_output=True, text=True, timeout=60)
        self.assertEqual(r.returncode, 2, r)
        self.assertIn("in force", r.stderr)

    def by_signal(self, d):
        d.process.send_signal(signal.SIGUSR1)

    def engaged(self, engage, actor):
        d = self.start()
        engage(d)
        self.until(lambda: d.get("/api/v1/killswitch").json["level"] == "HALT")
        d.kill()
        d.start()
        self.assertEqual(d.get("/api/v1/killswitch").json["level"], "HALT")
        self.assertProblem(d.order(quantity=60), 423, "KILL_SWITCH")
        # once more, and the disk gets well while the daemon runs
        d.stop()
        (d.state / "killswitch").unlink()
        d = self.start()
        engage(d)
        resource.prlimit(d.process.pid, resource.RLIMIT_FSIZE, (self.LIMIT, self.LIMIT))
        self.until(lambda: d.get("/ready", token=None).status == 200, 30)

        def written():
            rows = d.get("/api/v1/audit?limit=500").json["records"]
            return [r for r in rows if r["action"] == "killswitch.set" and r["actor"] == actor]
        self.until(written, 30)
        d.kill()
        (d.state / "killswitch").unlink()
        d.start()
        self.assertEqual(d.get("/api/v1/killswitch").json["level"], "HALT")

    def test_by_api(self):
        self.engaged(self.by_api, "api-token")

    def test_by_ctl(self):
        self.engaged(self.by_ctl, "api-token")

    def test_by_signal(self):
        self.engaged(self.by_signal, "signal")

    def test_marker_that_cannot_be_written_either(self):
        """Then memory alone holds it, which is said; and both are made good."""
        d = self.start()
        (d.state / "killswitch").mkdir()
        self.by_signal(d)
        self.until(lambda: d.get("/api/v1/killswitch").json["level"] == "HALT")
        (d.state / "killswitch").rmdir()
        self.until(lambda: (d.state / "killswitch").is_file(), 30)
        d.kill()
        d.start()
        self.assertEqual(d.get("/api/v1/killswitch").json["level"], "HALT")


class DeadMan(ordo.Case):
    """A key that promised to be heard: what arms it, what silence does, what a restart remembers."""
    SECONDS = 5

    def setUp(self):
        self.k = self.daemon()
        made = self.ctl("--json", "key", "add", "desk", "--scope", "read,trade", "--account",
                        "paper:demo", "--dead-man", f"{self.SECONDS}s", "--dead-man-level", "CANCEL")
        self.token = json.loads(made.stdout)["token"]
        self.k.start()
        self.addCleanup(self.k.stop)

    def ctl(self, *args, code=0):
        r = subprocess.run([CTL, *args], env=self.k.env, check=False, capture_output=True, text=True,
                           timeout=60, stdin=subprocess.DEVNULL)
        self.assertEqual(r.returncode, code, r)
        return r

    def place(self, price):
        r = self.k.post("/api/v1/orders", {
            "symbol": "NSE:SBIN", "side": "BUY", "type": "LIMIT", "quantity": 10, "price": price,
            "product": "CNC", "validity": "DAY", "targets": ["paper:demo"]},
            headers={"Idempotency-Key": str(uuid.uuid4())}, token=self.token)
        self.assertEqual(r.status, 201, r)
        return r

    def beat(self):
        return self.k.post("/api/v1/killswitch/heartbeat", token=self.token).json

    def levels(self):
        return {e["scope"]: (e["level"], e["actor"])
                for e in self.k.get("/api/v1/killswitch").json["entries"]}

    def test_silence(self):
        self.assertEqual(self.beat(), {"armed": False})
        path = self.place("1000.00").headers["location"]
        state = self.beat()
        self.assertEqual((state["armed"], state["key"], state["level"], state["after_s"]),
                         (True, "desk", "CANCEL", self.SECONDS))
        (shown,) = self.k.get("/api/v1/killswitch").json["dead_men"]
        self.assertEqual(shown["key"], "desk")
        (in_status,) = self.k.get("/api/v1/status").json["dead_men"]
        self.assertEqual({k: v for k, v in in_status.items() if k not in ("heard_at", "fires_at")},
                         {k: v for k, v in shown.items() if k not in ("heard_at", "fires_at")})
        # any request of the key is a sign of life, that of another one is not
        for _ in range(2 * self.SECONDS):
            self.until(lambda: self.k.get("/api/v1/status", token=self.token).status == 200)
            self.assertEqual(self.levels(), {})
            time.sleep(0.7)  # less than it promised, and more than that in all
        self.until(lambda: self.levels() == {"account:paper:demo": ("CANCEL", "dead-man")}, 20)
        self.until(lambda: self.k.get(path).json["legs"][0]["order_status"] == "CANCELLED")
        self.assertEqual(self.k.order(targets=["paper:second"]).status, 201)
        self.assertIn("the key desk was silent for 5 s", self.k.log.read_text())

    def test_disarmed(self):
        self.place("1000.00")
        self.assertTrue(self.beat()["armed"])
        r = self.k.request("DELETE", "/api/v1/killswitch/heartbeat", token=self.token)
        self.assertEqual((r.status, r.json), (200, {"armed": False}))
        r = self.k.request("DELETE", "/api/v1/killswitch/heartbeat?key=api-token", token=self.token)
        self.assertProblem(r, 403, "FORBIDDEN")
        self.place("1001.00")
        self.assertTrue(self.beat()["armed"])
        r = self.k.request("DELETE", "/api/v1/killswitch/heartbeat?key=desk")
        self.assertEqual((r.status, r.json), (200, {"armed": False}))

    def test_its_own_accounts_alone(self):
        """A key that is limited to accounts stops these, and no others."""
        def engage(**body):
            return self.k.post("/api/v1/killswitch", {"level": "CANCEL", "reason": "test", **body},
                               token=self.token)
        order = self.k.order(targets=["paper:second"], price="1000.00")
        self.assertEqual(order.status, 201, order)
        for body in ({}, {"scope": "global"}, {"scope": "broker:paper"}, {"scope": "account:paper:second"}):
            r = engage(**body)
            self.assertProblem(r, 403, "ACCOUNT_FORBIDDEN")
            self.assertIn("account:BROKER:NAME", r.json["detail"])
        self.assertEqual(self.levels(), {})
        self.assertEqual(engage(scope="account:paper:demo").status, 200)
        self.assertEqual(self.levels(), {"account:paper:demo": ("CANCEL", "desk")})
        self.assertEqual(self.k.order(targets=["paper:second"], price="1001.00").status, 201)
        self.assertEqual(self.k.get(order.headers["location"]).json["legs"][0]["order_status"], "OPEN")
        self.assertEqual(self.k.get("/api/v1/status").json["dead_men"], [])
        # what others' accounts are stopped for is not its business
        r = self.k.post("/api/v1/killswitch", {"level": "HALT", "reason": "theirs", "scope": "account:paper:second"})
        self.assertEqual(r.status, 200, r)
        self.assertEqual(len(r.json["entries"]), 2)
        r = self.k.get("/api/v1/killswitch", token=self.token)
        self.assertEqual([e["scope"] for e in r.json["entries"]], ["account:paper:demo"])
        self.assertNotIn(b"theirs", r.raw)

    def test_restart(self):
        self.place("1000.00")
        self.k.kill()
        self.k.start()
        (shown,) = self.k.get("/api/v1/killswitch").json["dead_men"]
        self.assertEqual(shown["key"], "desk")
        self.until(lambda: "account:paper:demo" in self.levels(), 30)

    def test_usage(self):
        for args, words in ((("--dead-man", "4"), "5 to 86400"), (("--dead-man", "soon"), "seconds"),
                            (("--dead-man", "60", "--dead-man-level", "NONE"), "FLATTEN"),
                            (("--dead-man-level", "HALT"), "needs --dead-man")):
            r = self.ctl("key", "add", "other", "--scope", "trade", *args, code=1)
            self.assertIn(words, r.stderr)
        r = self.ctl("key", "add", "other", "--scope", "read", "--dead-man", "60", code=1)
        self.assertIn("trade scope", r.stderr)
        self.assertRegex(self.ctl("key", "list").stdout, r"desk .* 5 s CANCEL")


if __name__ == "__main__":
    ordo.main()
