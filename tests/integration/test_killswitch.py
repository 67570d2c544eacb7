"""HALT, CANCEL and FLATTEN, their scopes, and what they survive."""
import signal

import ordo


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


if __name__ == "__main__":
    ordo.main()
