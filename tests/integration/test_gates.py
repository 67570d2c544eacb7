"""Every gate refuses with its own code and the numbers, and nothing is sent or consumed."""
import time

import ordo


class Instruments(ordo.Case):
    ENV = {"ORDO_LIMITS": "off"}

    def test_unknown_instrument(self):
        self.assertProblem(self.d.order(symbol="NSE:NOSUCH"), 422, "INSTRUMENT_UNKNOWN")

    def test_index_is_not_tradable(self):
        self.assertProblem(self.d.order(symbol="NSE:NIFTY 50", price="24400.00"), 422,
                           "INSTRUMENT_NOT_TRADABLE")

    def test_tick(self):
        body = self.assertProblem(self.d.order(price="1050.03"), 422, "TICK_SIZE")
        self.assertIn("0.10", body["results"][0]["message"])

    def test_lot_and_freeze(self):
        future = next(i["symbol"] for i in self.d.get(
            "/api/v1/instruments?q=NIFTY&exchange=NFO&limit=500").json["instruments"]
            if i["symbol"].startswith("NFO:NIFTY") and i["symbol"].endswith("FUT"))
        base = {"symbol": future, "product": "MARGIN", "price": "24400.00"}
        self.assertProblem(self.d.order(quantity=64, **base), 422, "LOT_SIZE")
        self.assertProblem(self.d.order(quantity=65 * 28, **base), 422, "FREEZE_QUANTITY")

    def test_product(self):
        future = next(i["symbol"] for i in self.d.get(
            "/api/v1/instruments?q=NIFTY&exchange=NFO&limit=500").json["instruments"]
            if i["symbol"].endswith("FUT"))
        self.assertProblem(self.d.order(symbol=future, product="CNC", quantity=65, price="24400.00"),
                           422, "PRODUCT_UNSUPPORTED")
        self.assertProblem(self.d.order(product="MARGIN"), 422, "PRODUCT_UNSUPPORTED")

    def test_disclosed(self):
        self.assertProblem(self.d.order(quantity=100, disclosed_quantity=5), 422,
                           "DISCLOSED_UNSUPPORTED")
        self.assertProblem(self.d.order(quantity=100, disclosed_quantity=50, validity="IOC"), 422,
                           "DISCLOSED_UNSUPPORTED")

    def test_multiplier_to_zero(self):
        r = self.d.order(quantity=1, targets=[{"account": "paper:demo", "multiplier": "0.5"}])
        self.assertProblem(r, 422, "MULTIPLIER_ROUNDS_TO_ZERO")

    def test_funds(self):
        body = self.assertProblem(self.d.order(quantity=20000), 422, "INSUFFICIENT_FUNDS")
        self.assertIn("21000000.00", body["results"][0]["message"])

    def test_reduce_only(self):
        self.assertProblem(self.d.order(side="SELL", product="INTRADAY", reduce_only=True), 422,
                           "NOT_REDUCING")
        self.assertEqual(self.d.order(product="INTRADAY").status, 201)
        r = self.d.order(side="SELL", product="INTRADAY", reduce_only=True)
        self.assertEqual(r.status, 201, r)

    def test_one_leg_refused_the_other_sent(self):
        r = self.d.order(quantity=1, targets=["paper:demo",
                                              {"account": "paper:second", "multiplier": "0.5"}])
        self.assertEqual(r.status, 207, r)
        self.assertEqual([x["outcome"] for x in r.json["results"]], ["accepted", "not_sent"])

    def test_unknown_account(self):
        self.assertProblem(self.d.order(targets=["paper:nobody"]), 404, "ACCOUNT_NOT_FOUND")

    def test_logged_out_account(self):
        self.assertEqual(self.d.request("DELETE", "/api/v1/auth/paper/second").status, 200)
        self.assertProblem(self.d.order(targets=["paper:second"]), 424, "SESSION_REQUIRED")
        self.assertEqual(self.d.post("/api/v1/auth/paper/second/login").status, 200)
        self.until(lambda: self.d.order(targets=["paper:second"]).status == 201)


def account_status(d, account="paper:demo"):
    return next(a for a in d.get("/api/v1/status").json["accounts"] if a["account"] == account)


class Limited(ordo.Case):
    def limited(self, **env):
        d = self.daemon(env={"ORDO_PAPER_DEMO_" + k: str(v) for k, v in env.items()}).start()
        self.addCleanup(d.stop)
        return d


class Modifications(Limited):
    """What an order becomes passes the gates of a new one."""

    def refused(self, d, change, status, code, **order):
        path = d.order(price="1000.00", **order).headers["location"]
        before = d.get(path).json["legs"][0]
        body = self.assertProblem(d.request("PATCH", path, change), status, code)
        self.assertIn(code, d.get("/openapi.json", token=None).json["paths"]["/api/v1/orders/{id}"]
                      ["patch"]["description"])
        self.assertEqual(body["results"][0]["outcome"], "not_sent")
        after = d.get(path).json["legs"][0]
        self.assertEqual((after["quantity"], after["effective"], after["modifications"]),
                         (before["quantity"], before["effective"], 0))
        return body

    def test_size(self):
        d = self.limited(MAX_ORDER_QUANTITY=15, MAX_ORDER_VALUE="14000.00")
        self.refused(d, {"quantity": 16}, 422, "MAX_ORDER_QUANTITY")
        self.refused(d, {"quantity": 15}, 422, "MAX_ORDER_VALUE", quantity=11)

    def test_price_collar(self):
        self.refused(self.limited(), {"price": "1200.00", "quantity": 1}, 422, "PRICE_COLLAR")

    def test_funds(self):
        d = self.limited(FUNDS="15000.00")
        self.refused(d, {"quantity": 16}, 422, "INSUFFICIENT_FUNDS")

    def test_daily_value(self):
        d = self.limited(MAX_DAILY_VALUE="15000.00")
        self.refused(d, {"quantity": 16}, 422, "MAX_DAILY_VALUE")

    def test_rate(self):
        d = self.limited(ORDERS_PER_MINUTE=2)
        path = d.order(price="1000.00").headers["location"]
        self.assertEqual(d.request("PATCH", path, {"price": "1001.00"}).status, 200)
        r = d.request("PATCH", path, {"price": "1002.00"})
        self.assertProblem(r, 429, "ORDER_RATE")
        self.assertTrue(r.headers["retry-after"])
        self.assertEqual(d.request("DELETE", path).status, 200)

    def test_cancels_count_in_the_rate(self):
        d = self.limited(ORDERS_PER_MINUTE=2)
        path = d.order(price="1000.00").headers["location"]
        self.assertEqual(d.request("DELETE", path).status, 200)
        self.assertProblem(d.order(price="1001.00"), 429, "ORDER_RATE")

    def test_day_survives_a_restart(self):
        d = self.limited(MAX_ORDERS_PER_DAY=3)
        path = d.order(price="1000.00").headers["location"]
        self.assertEqual(d.request("PATCH", path, {"price": "1001.00"}).status, 200)
        d.stop()
        d.start()
        self.assertEqual(d.request("PATCH", path, {"price": "1002.00"}).status, 200)
        self.assertProblem(d.request("PATCH", path, {"price": "1003.00"}), 422,
                           "MAX_ORDERS_PER_DAY")

    def test_modifications_survive_a_restart(self):
        d = self.limited(MAX_MODIFICATIONS=2)
        path = d.order(price="1000.00").headers["location"]
        self.assertEqual(d.request("PATCH", path, {"price": "1001.00"}).status, 200)
        d.stop()
        d.start()
        self.assertEqual(d.request("PATCH", path, {"price": "1002.00"}).status, 200)
        body = self.assertProblem(d.request("PATCH", path, {"price": "1003.00"}), 422,
                                  "MAX_MODIFICATIONS")
        self.assertIn("modified 2 times", body["results"][0]["message"])
        self.assertEqual(d.request("DELETE", path).status, 200)

    def test_some_legs(self):
        d = self.limited(MAX_ORDER_QUANTITY=15)
        path = d.order(price="1000.00", targets=["paper:demo", "paper:second"]).headers["location"]
        r = d.request("PATCH", path, {"quantity": 16})
        self.assertEqual(r.status, 207, r)
        self.assertEqual([(x["outcome"], x["code"]) for x in r.json["results"]],
                         [("not_sent", "MAX_ORDER_QUANTITY"), ("accepted", None)])
        self.assertEqual([x["quantity"] for x in d.get(path).json["legs"]], [10, 16])

    def test_market_policy(self):
        d = self.limited(MARKET_POLICY="reject")
        self.refused(d, {"type": "MARKET"}, 422, "MARKET_ORDER_REFUSED")

    def test_to_a_protected_market_order(self):
        path = self.d.order(price="1000.00").headers["location"]
        r = self.d.request("PATCH", path, {"type": "MARKET"})
        self.assertEqual(r.status, 200, r)
        self.until(lambda: self.d.get(path).json["legs"][0]["order_status"] == "FILLED")
        self.assertEqual(self.d.get(path).json["legs"][0]["effective"]["type"], "LIMIT")


class Limits(Limited):
    def test_defaults_are_on(self):
        d = self.limited()
        self.assertProblem(d.order(quantity=1000, price="1050.00"), 422, "MAX_ORDER_VALUE")

    def test_order_quantity(self):
        d = self.limited(MAX_ORDER_QUANTITY=5)
        self.assertProblem(d.order(quantity=6), 422, "MAX_ORDER_QUANTITY")
        self.assertEqual(d.order(quantity=5).status, 201)

    def test_open_orders(self):
        d = self.limited(MAX_OPEN_ORDERS=2)
        for price in ("1000.00", "1001.00"):
            self.assertEqual(d.order(price=price).status, 201)
        self.assertProblem(d.order(price="1002.00"), 422, "MAX_OPEN_ORDERS")

    def test_orders_per_day_survive_a_restart(self):
        d = self.limited(MAX_ORDERS_PER_DAY=2)
        self.assertEqual(d.order(quantity=1).status, 201)
        d.stop()
        d.start()
        self.assertEqual(d.order(quantity=2).status, 201)
        self.assertProblem(d.order(quantity=3), 422, "MAX_ORDERS_PER_DAY")

    def test_daily_value(self):
        d = self.limited(MAX_DAILY_VALUE="20000.00")
        self.assertEqual(d.order(quantity=10).status, 201)
        self.assertProblem(d.order(quantity=11), 422, "MAX_DAILY_VALUE")

    def test_orders_per_second(self):
        d = self.limited(ORDERS_PER_SECOND=3)
        began = time.monotonic()
        self.assertEqual([d.order(quantity=i + 1).status for i in range(3)], [201] * 3)
        self.assertLess(time.monotonic() - began, 1)
        r = d.order(quantity=4)  # waits for its turn
        self.assertEqual(r.status, 201, r)
        self.assertGreaterEqual(time.monotonic() - began, 1.1)

    def test_orders_per_minute(self):
        d = self.limited(ORDERS_PER_MINUTE=3)
        answers = [d.order(quantity=i + 1) for i in range(4)]
        self.assertEqual([a.status for a in answers[:3]], [201] * 3)
        body = self.assertProblem(answers[3], 429, "ORDER_RATE")
        self.assertGreater(int(answers[3].headers["retry-after"]), 50)
        self.assertIn("3 orders in 60 s", body["results"][0]["message"])

    def test_identical_order(self):
        d = self.limited(REPEAT_WINDOW_MS=60000)
        self.assertEqual(d.order().status, 201)
        self.assertProblem(d.order(), 422, "IDENTICAL_ORDER")
        self.assertEqual(d.order(quantity=11).status, 201)

    def test_price_collar(self):
        d = self.limited()
        self.assertProblem(d.order(price="1200.00", quantity=1), 422, "PRICE_COLLAR")

    def test_self_cross(self):
        d = self.limited(OWNER="ramesh")
        self.assertEqual(d.order(price="1000.00", product="INTRADAY").status, 201)
        sell = {"side": "SELL", "price": "1000.00", "product": "INTRADAY", "quantity": 3}
        body = self.assertProblem(d.order(**sell), 422, "SELF_CROSS")
        self.assertIn("BUY at 1000.00", body["results"][0]["message"])
        self.assertEqual(d.order(**{**sell, "targets": ["paper:second"]}).status, 201)
        d.stop()
        d.env["ORDO_PAPER_SECOND_OWNER"] = "ramesh"
        d.start()  # what is open is known again, and so is whose it is
        r = d.order(**{**sell, "targets": ["paper:second"], "price": "999.00"})
        self.assertProblem(r, 422, "SELF_CROSS")
        d.stop()
        d.env["ORDO_PAPER_DEMO_SELF_CROSS"] = "pass"
        d.start()
        self.assertEqual(d.order(**{**sell, "price": "1001.00"}).status, 201)

    def test_orders_per_trade(self):
        d = self.limited(MAX_ORDERS_PER_TRADE=2, ORDERS_PER_TRADE_FLOOR=1)
        self.assertEqual(d.order(quantity=1, type="MARKET", price=None).status, 201)
        self.assertEqual(d.order(quantity=2, price="1000.00").status, 201)
        d.stop()
        d.start()
        body = self.assertProblem(d.order(quantity=3, price="1000.00"), 422, "MAX_ORDERS_PER_TRADE")
        self.assertIn("3 orders and modifications today, 1 orders", body["results"][0]["message"])

    def test_reject_storm(self):
        d = self.limited(REJECT_STORM=3, REJECT_STORM_PAUSE="2s", SELF_CROSS="pass")
        self.assertEqual(d.order(price="1000.00", product="INTRADAY").status, 201)
        # the simulated exchange refuses what would trade against the same account
        sell = {"side": "SELL", "price": "1000.00", "product": "INTRADAY"}
        for n in (1, 2, 3):
            self.assertProblem(d.order(quantity=n, **sell), 422, "BROKER_REJECTED")
        r = d.order(quantity=4, **sell)
        self.assertProblem(r, 429, "REJECT_STORM")
        self.assertIn(r.headers["retry-after"], ("1", "2"))
        self.assertEqual(account_status(d)["tripped"], "REJECT_STORM")
        self.until(lambda: d.order(quantity=5, price="999.00").status == 201, 10)
        self.assertIsNone(account_status(d)["tripped"])
        # a person need not wait
        for n in (6, 7, 8):
            self.assertProblem(d.order(quantity=n, **sell), 422, "BROKER_REJECTED")
        self.assertProblem(d.order(quantity=9, **sell), 429, "REJECT_STORM")
        self.assertEqual(d.post("/api/v1/admin/reload").status, 200)
        self.assertEqual(d.order(quantity=10, price="998.00").status, 201)

    def test_limits_off_is_for_paper(self):
        d = self.daemon(env={"ORDO_LIMITS": "off"}).start()
        for _ in range(30):
            self.assertEqual(d.order(quantity=1).status, 201)
        d.stop()

    def test_closed_market_when_asked_for(self):
        d = self.limited(SESSION_HOURS="refuse")
        r = d.order()
        self.assertIn(r.status, (201, 422), r)
        if r.status == 422:
            self.assertProblem(r, 422, "MARKET_CLOSED")


if __name__ == "__main__":
    ordo.main()
