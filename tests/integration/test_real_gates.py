"""The gates that look at what a real broker says: positions, money, prices, rejections. The brokers are
played by ordo-brokersim."""

import time

import ordo
import brokersim
from test_brokers import BROKERS, ROWS, Daemon, access, log_in, trades


class Gates(ordo.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sim = brokersim.Sim("--rows", ROWS).start()
        cls.addClassCleanup(cls.sim.stop)

    def setUp(self):
        self.sim.clear_faults()
        self.sim.price("NSE:SBIN", "1050.00")

    def at(self, broker, **options):
        """A daemon with one account at this broker, logged in."""
        env = access(self.sim, (broker,))
        env.update({f"ORDO_{broker.upper()}_MAIN_{k}": str(v) for k, v in options.items()})
        d = Daemon(accounts=f"{broker}:main", env=env).start()
        self.addCleanup(d.stop)
        log_in(self, d, self.sim, broker)
        self.until(lambda: trades(d, f"{broker}:main"), 60)
        return d

    def order(self, d, **fields):
        """Again while the broker's rate is used up."""
        account = d.env["ORDO_ACCOUNTS"]

        def once():
            r = d.order(**{"price": "1000.00", "targets": [account], **fields})
            return None if "BROKER_RATE" in r.raw.decode() else r
        return self.until(once, 20)

    def validate(self, d, **fields):
        """The leg, as the gates see it; asked so often that the brokers' rates do not mind."""
        time.sleep(0.5)
        body = {"symbol": "NSE:SBIN", "side": "BUY", "type": "LIMIT", "quantity": 1, "price": "900.00",
                "product": "CNC", "validity": "DAY", "targets": [d.env["ORDO_ACCOUNTS"]], **fields}
        return d.post("/api/v1/orders/validate", body).json["results"][0]

    def status(self, d):
        return d.get("/api/v1/status").json["accounts"][0]

    # --- orders against one's own ---------------------------------------------------------------

    def test_self_cross(self):
        """What has traded a moment ago is in nobody's way, though the broker's answer did not tell."""
        for broker in BROKERS:
            with self.subTest(broker):
                d = self.at(broker)
                self.assertEqual(self.order(d, price="1050.00", product="INTRADAY").status, 201)
                r = self.order(d, side="SELL", price="1050.00", product="INTRADAY", quantity=4)
                self.assertEqual(r.status, 201, r)
                self.assertEqual(self.order(d, price="1000.00").status, 201)
                r = self.order(d, side="SELL", price="1000.00", product="INTRADAY", quantity=3)
                self.assertProblem(r, 422, "SELF_CROSS")
                d.stop()

    # --- prices and money: what is asked of the broker --------------------------------------------

    def test_collar(self):
        for broker in ("fyers", "mstock"):
            with self.subTest(broker):
                d = self.at(broker)
                self.assertEqual(self.validate(d, price="1150.00")["outcome"], "accepted")
                leg = self.validate(d, price="1156.00")
                self.assertEqual((leg["code"], leg["outcome"]), ("PRICE_COLLAR", "not_sent"), leg)
                d.stop()

    def test_collar_without_quotes(self):
        """Fyers' list of instruments tells no close: in shares the exchange's band is enough."""
        d = self.at("fyers")
        self.sim.fault("error", broker="fyers", operation="quotes", status=500, count=0)
        tcs = {"symbol": "NSE:TCS", "price": "2300.00"}
        self.assertEqual(self.validate(d, **tcs)["outcome"], "accepted")
        d.stop()
        self.sim.clear_faults()
        d = self.at("fyers", COLLAR_WITHOUT_QUOTE="refuse")
        self.sim.fault("error", broker="fyers", operation="quotes", status=500, count=0)
        self.assertEqual(self.validate(d, **tcs)["code"], "NO_REFERENCE_PRICE")

    def test_orders_share_reads(self):
        """A hundred orders: funds, positions and prices are read by the second, not by the order."""
        d = self.at("hdfc", ORDERS_PER_MINUTE=0, MAX_OPEN_ORDERS=0)
        before, began = self.sim.calls("hdfc"), time.monotonic()
        for n in range(100):
            r = self.order(d, quantity=n + 1, price="1000.00")
            self.assertEqual(r.status, 201, r)
        took, after = time.monotonic() - began, self.sim.calls("hdfc")
        calls = {k: after[k] - before.get(k, 0) for k in after}
        self.assertEqual(calls["place"], 100, calls)
        self.assertLessEqual(calls["funds"], took + 2, calls)
        self.assertLessEqual(calls["positions"], took + 2, calls)
        self.assertLessEqual(calls.get("quotes", 0), took / 30 + 2, calls)

    # --- the day's loss -------------------------------------------------------------------------

    def check_daily_loss(self, broker):
        d = self.at(broker, MAX_DAILY_LOSS="1000.00", REPEAT_WINDOW_MS=0)
        bought = self.order(d, price="1050.00", product="INTRADAY")
        self.assertEqual(bought.status, 201, bought)
        self.until(lambda: d.get(bought.headers["location"]).json["legs"][0]["order_status"] == "FILLED", 20)
        self.sim.price("NSE:SBIN", "940.00")

        # orders read the positions again, once a second at most
        self.until(lambda: self.validate(d)["code"] == "MAX_DAILY_LOSS", 40)
        self.assertProblem(self.order(d, quantity=1, price="900.00"), 422, "MAX_DAILY_LOSS")
        status = self.status(d)
        self.assertEqual((status["tripped"], status["left"]["loss_day"]), ("MAX_DAILY_LOSS", "0.00"))
        self.assertLessEqual(float(status["day_pnl"]), -1000)
        self.assertIn(f'ordo_account_tripped{{account="{broker}:main"}} 1', d.get("/metrics").raw.decode())
        r = self.order(d, side="SELL", product="INTRADAY", price="940.00")
        self.assertEqual(r.status, 201, r)

    def test_daily_loss_fyers(self):
        self.check_daily_loss("fyers")

    def test_daily_loss_mstock(self):
        self.check_daily_loss("mstock")


if __name__ == "__main__":
    ordo.main()
