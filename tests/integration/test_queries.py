"""Everything that only reads."""
import ordo
import postgres


class Queries(ordo.Case):
    ENV = {"ORDO_LIMITS": "off"}

    def test_health_needs_no_token(self):
        r = self.d.get("/health", token=None)
        self.assertEqual((r.status, r.json), (200, {"status": "ok"}))

    def test_ready(self):
        self.assertEqual(self.d.get("/ready", token=None).status, 200)

    def test_status(self):
        s = self.d.get("/api/v1/status").json
        self.assertEqual([a["account"] for a in s["accounts"]], ["paper:demo", "paper:second"])
        self.assertEqual(s["store"]["driver"], "postgresql" if postgres.WANTED else "sqlite")
        self.assertEqual(s["store"]["vault_key"], "generated")
        self.assertIn(s["status"], ("ok", "degraded"))

    def test_metrics(self):
        self.d.order()
        text = self.d.get("/metrics").raw.decode()
        for name in ("ordo_build_info", "ordo_http_requests_total", "ordo_orders_total",
                     "ordo_store_commit_seconds_bucket", "ordo_broker_requests_total",
                     "process_resident_memory_bytes"):
            self.assertIn(name, text)

    def test_accounts(self):
        a = self.d.get("/api/v1/accounts").json["accounts"]
        self.assertEqual(a[0]["account"], "paper:demo")
        self.assertIn("LIMIT", str(a[0]))

    def test_instruments(self):
        found = self.d.get("/api/v1/instruments?q=SBIN").json["instruments"]
        self.assertEqual(found[0]["symbol"], "NSE:SBIN")
        self.assertEqual(found[0]["tick"], "0.10")
        self.assertEqual(self.d.get("/api/v1/instruments?q=M%26M&exchange=NSE").json["instruments"][0]
                         ["symbol"], "NSE:M&M")
        options = self.d.get("/api/v1/instruments?q=NIFTY&exchange=NFO&limit=500").json["instruments"]
        self.assertTrue([i for i in options if i["symbol"].endswith("CE")])
        for exchange in ("CDS", "MCX", "BFO"):
            q = {"CDS": "USDINR", "MCX": "CRUDEOIL", "BFO": "SENSEX"}[exchange]
            self.assertTrue(self.d.get(
                f"/api/v1/instruments?q={q}&exchange={exchange}").json["instruments"], exchange)

    def test_quotes(self):
        r = self.d.get("/api/v1/quotes?symbols=NSE:SBIN,NSE:M%26M")
        self.assertEqual([q["symbol"] for q in r.json["quotes"]], ["NSE:SBIN", "NSE:M&M"])
        self.assertEqual(r.json["quotes"][0]["last"], "1050.00")
        self.assertProblem(self.d.get("/api/v1/quotes?symbols=NSE:NOSUCH"), 422, "INSTRUMENT_UNKNOWN")

    def test_funds_follow_orders(self):
        before = self.funds("paper:second")
        r = self.d.order(price="1000.00", targets=["paper:second"])
        blocked = self.funds("paper:second")
        self.assertAlmostEqual(before["available"] - blocked["available"], 10000.0)
        self.d.request("DELETE", r.headers["location"])
        self.assertEqual(self.funds("paper:second")["available"], before["available"])

    def funds(self, account):
        f = self.d.get(f"/api/v1/funds?accounts={account}").json["results"][0]["funds"]
        return {k: float(v) for k, v in f.items() if v is not None}

    def test_portfolio_is_consolidated(self):
        self.d.order(targets=["paper:demo", "paper:second"], product="INTRADAY")
        p = self.d.get("/api/v1/portfolio").json
        self.assertEqual([r["account"] for r in p["results"]], ["paper:demo", "paper:second"])
        both = [x for x in p["consolidated"]["positions"]
                if x["symbol"] == "NSE:SBIN" and x["product"] == "INTRADAY"]
        self.assertEqual(both[0]["quantity"], 20, p)

    def test_jobs(self):
        names = [j["name"] for j in self.d.get("/api/v1/jobs").json["jobs"]]
        self.assertIn("audit-export", names)

    def test_audit(self):
        order_id = self.d.order(headers={"X-Correlation-ID": "find-me.1"}).json["order_id"]
        rows = self.d.get("/api/v1/audit?correlation_id=find-me.1").json["records"]
        self.assertEqual([r["action"] for r in rows], ["order.intent", "leg.outcome"])
        self.assertEqual({r["order_id"] for r in rows}, {order_id})
        self.assertEqual(self.d.get(f"/api/v1/audit?order_id={order_id}").json["records"], rows)

    def test_correlation_id_is_everywhere(self):
        r = self.d.order(headers={"X-Correlation-ID": "trace-77"})
        self.assertEqual(r.headers["x-correlation-id"], "trace-77")
        self.assertEqual(r.json["correlation_id"], "trace-77")
        self.until(lambda: self.d.records(correlation_id="trace-77"))

    def test_login_of_a_broker_without_one(self):
        r = self.d.post("/api/v1/auth/paper/demo/login")
        self.assertEqual((r.status, r.json["method"]), (200, "none"))
        self.assertEqual(self.d.get("/api/v1/auth/paper/demo").json["state"], "active")
        r = self.d.post("/api/v1/auth/paper/demo/complete", {"otp": "123456"})
        self.assertProblem(r, 409, "LOGIN_NOT_PENDING")


if __name__ == "__main__":
    ordo.main()
