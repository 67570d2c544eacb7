"""Placing, reading, modifying and cancelling orders on paper accounts."""
import unittest

import ordo


class Orders(ordo.Case):
    ENV = {"ORDO_LIMITS": "off", "ORDO_PAPER_DEMO_FUNDS": "1000000000.00"}

    def test_two_accounts_at_once(self):
        r = self.d.order(targets=["paper:demo", {"account": "paper:second", "multiplier": "0.5"}])
        self.assertEqual(r.status, 201, r)
        body = r.json
        self.assertEqual(body["overall_status"], "success")
        self.assertEqual(r.headers["location"], "/api/v1/orders/" + body["order_id"])
        one, two = body["results"]
        self.assertEqual((one["account"], two["account"]), ("paper:demo", "paper:second"))
        self.assertEqual(one["leg_id"], body["order_id"] + "-1")
        self.assertEqual([leg["outcome"] for leg in body["results"]], ["accepted"] * 2)
        self.assertEqual([leg["order_status"] for leg in body["results"]], ["FILLED"] * 2)
        self.assertEqual([leg["filled_quantity"] for leg in body["results"]], [10, 5])
        self.assertNotEqual(one["tag"], two["tag"])

    def test_resting_order_is_open_then_cancelled(self):
        r = self.d.order(price="1000.00")
        self.assertEqual(r.json["results"][0]["order_status"], "OPEN", r)
        path = r.headers["location"]
        got = self.d.get(path)
        self.assertEqual(got.status, 200)
        self.assertEqual(got.json["legs"][0]["order_status"], "OPEN", got)
        cancelled = self.d.request("DELETE", path)
        self.assertEqual(cancelled.status, 200, cancelled)
        self.assertEqual(cancelled.json["results"][0]["order_status"], "CANCELLED")
        self.assertEqual(self.d.get(path).json["legs"][0]["order_status"], "CANCELLED")
        self.assertProblem(self.d.request("DELETE", path), 409, "ORDER_NOT_OPEN")

    def test_modify_price_and_quantity(self):
        path = self.d.order(price="1000.00").headers["location"]
        r = self.d.request("PATCH", path, {"price": "1001.00", "quantity": 20})
        self.assertEqual(r.status, 200, r)
        leg = self.d.get(path).json["legs"][0]
        self.assertEqual((leg["quantity"], leg["effective"]), (20, None), leg)
        order = self.d.get(path).json
        self.assertEqual((order["quantity"], order["price"]), (20, "1001.00"), order)
        fill = self.d.request("PATCH", path, {"price": "1060.00"})
        self.assertEqual(fill.status, 200, fill)
        self.until(lambda: self.d.get(path).json["legs"][0]["order_status"] == "FILLED")

    def test_modify_refusals(self):
        path = self.d.order(price="1000.00").headers["location"]
        self.assertProblem(self.d.request("PATCH", path, {"price": "1000.03"}), 422, "TICK_SIZE")
        self.assertProblem(self.d.request("PATCH", path, {"type": "STOP"}), 400, "INVALID_REQUEST",
                           "/trigger_price")
        self.assertProblem(self.d.request("PATCH", path, {}), 400, "INVALID_REQUEST")
        self.d.request("DELETE", path)
        self.assertProblem(self.d.request("PATCH", path, {"price": "1001.00"}), 409, "ORDER_NOT_OPEN")

    def test_market_order_is_protected(self):
        r = self.d.order(type="MARKET", price=None)
        self.assertEqual(r.status, 201, r)
        leg = self.d.get(r.headers["location"]).json["legs"][0]
        self.assertEqual(leg["effective"]["type"], "LIMIT")
        self.assertEqual(leg["effective"]["price"], "1060.50")
        self.assertEqual(leg["order_status"], "FILLED")

    def test_client_policy_reject_is_obeyed(self):
        self.assertProblem(self.d.order(type="MARKET", price=None, market_policy="reject"), 422,
                           "MARKET_ORDER_REFUSED")

    def test_stop_limit_waits_for_its_trigger(self):
        r = self.d.order(type="STOP_LIMIT", price="1062.00", trigger_price="1060.00")
        self.assertEqual(r.json["results"][0]["order_status"], "TRIGGER_PENDING", r)
        self.assertEqual(self.d.request("DELETE", r.headers["location"]).status, 200)

    def test_ioc_does_not_rest(self):
        r = self.d.order(price="1000.00", validity="IOC")
        self.assertEqual(r.json["results"][0]["order_status"], "CANCELLED", r)

    def test_client_order_id(self):
        r = self.d.order(client_order_id="mine-1", price="1000.00")
        self.assertEqual(r.status, 201, r)
        again = self.d.order(client_order_id="mine-1", price="1000.00")
        self.assertProblem(again, 409, "CLIENT_ORDER_ID_TAKEN")
        found = self.d.get("/api/v1/orders/client:mine-1")
        self.assertEqual(found.json["order_id"], r.json["order_id"])
        self.assertEqual(self.d.request("DELETE", "/api/v1/orders/client:mine-1").status, 200)

    def test_unknown_order(self):
        for path in ("/api/v1/orders/01KAR8Z6J2AAAAAAAAAAAAAAAA", "/api/v1/orders/client:nobody"):
            self.assertProblem(self.d.get(path), 404, "ORDER_NOT_FOUND")
            self.assertProblem(self.d.request("DELETE", path), 404, "ORDER_NOT_FOUND")

    def test_broker_refusal_is_422_with_the_brokers_words(self):
        r = self.d.order(symbol="NSE:TCS", side="SELL", price="2300.00")
        body = self.assertProblem(r, 422, "BROKER_REJECTED")
        leg = body["results"][0]
        self.assertEqual(leg["outcome"], "rejected")
        self.assertTrue(leg["broker_message"])
        self.assertEqual(self.d.get("/api/v1/orders/" + body["order_id"]).status, 200)

    def test_mixed_is_207(self):
        self.assertEqual(self.d.order(symbol="NSE:ITC", price="269.00").status, 201)
        r = self.d.order(symbol="NSE:ITC", side="SELL", price="269.00",
                         targets=["paper:demo", "paper:second"])
        self.assertEqual(r.status, 207, r)
        self.assertEqual(r.json["overall_status"], "partial_success")
        self.assertEqual([x["status"] for x in r.json["results"]], ["success", "failed"])

    def test_cancel_many(self):
        for symbol in ("NSE:WIPRO", "NSE:WIPRO", "NSE:ONGC"):
            price = {"NSE:WIPRO": "175.00", "NSE:ONGC": "230.00"}[symbol]
            self.assertEqual(self.d.order(symbol=symbol, price=price,
                                          targets=["paper:demo", "paper:second"]).status, 201)
        r = self.d.post("/api/v1/orders/cancel", {"accounts": ["paper:demo"], "symbol": "NSE:WIPRO"})
        self.assertEqual(r.status, 200, r)
        results = r.json["results"]
        self.assertEqual(len(results), 2, r)
        self.assertTrue(all(x["account"] == "paper:demo" and x["order_status"] == "CANCELLED"
                            for x in results), r)
        rest = self.d.post("/api/v1/orders/cancel", {})
        self.assertGreaterEqual(len(rest.json["results"]), 4, rest)

    def test_validate_sends_nothing(self):
        before = len(self.d.get("/api/v1/orders?limit=500").json["orders"])
        order = {"symbol": "NSE:SBIN", "side": "BUY", "type": "LIMIT", "quantity": 1,
                 "price": "1050.00", "product": "CNC", "validity": "DAY", "targets": ["paper:demo"]}
        good = self.d.post("/api/v1/orders/validate", order)
        self.assertEqual(good.status, 200, good)
        bad = self.d.post("/api/v1/orders/validate", {**order, "price": "1050.03"})
        self.assertProblem(bad, 422, "TICK_SIZE")
        self.assertEqual(len(self.d.get("/api/v1/orders?limit=500").json["orders"]), before)

    def test_list_pages_and_filters(self):
        for i in range(5):
            self.assertEqual(self.d.order(symbol="NSE:PNB", price="110.00").status, 201)
        page = self.d.get("/api/v1/orders?symbol=NSE:PNB&limit=2").json
        ids = [o["order_id"] for o in page["orders"]]
        while page["next_cursor"]:
            page = self.d.get(f"/api/v1/orders?symbol=NSE:PNB&limit=2&cursor={page['next_cursor']}").json
            ids += [o["order_id"] for o in page["orders"]]
        self.assertEqual(len(ids), 5)
        self.assertEqual(ids, sorted(ids, reverse=True))
        self.assertEqual(self.d.get("/api/v1/orders?status=REJECTED&symbol=NSE:PNB").json["orders"], [])
        self.assertEqual(
            self.d.get("/api/v1/orders?accounts=paper:second&symbol=NSE:PNB").json["orders"], [])

    def test_trades_and_positions_follow(self):
        self.assertEqual(self.d.order(symbol="NSE:IDEA", price="14.00", quantity=100,
                                      targets=["paper:second"]).status, 201)
        trades = self.d.get("/api/v1/trades?accounts=paper:second").json
        self.assertTrue([t for t in trades["trades"] if t["symbol"] == "NSE:IDEA"], trades)
        portfolio = self.d.get("/api/v1/portfolio?accounts=paper:second").json
        self.assertEqual(portfolio["results"][0]["account"], "paper:second")
        self.assertTrue(portfolio["results"][0]["as_of"])

    def test_records_tell_the_story(self):
        """Placed, one account refused by its kill switch, the other cancelled by another request."""
        self.d.post("/api/v1/killswitch", {"level": "HALT", "scope": "account:paper:second", "reason": "story"})
        try:
            placed = self.d.order(targets=["paper:demo", "paper:second"], price="1000.00",
                                  headers={"X-Correlation-ID": "story-place"})
        finally:
            self.d.post("/api/v1/killswitch", {"level": "NONE", "scope": "account:paper:second", "reason": "over"})
        self.assertEqual(placed.status, 207, placed)
        self.d.request("DELETE", placed.headers["location"], headers={"X-Correlation-ID": "story-cancel"})
        story = self.until(lambda: self.d.records(correlation_id="story-cancel") and
                           self.d.records(order=placed.json["order_id"]))
        self.assertEqual([(r["action"], r.get("account"), r["correlation_id"], r.get("status")) for r in story],
                         [("order.place", None, "story-place", None),
                          ("order.refused", "paper:second", "story-place", "REJECTED"),
                          ("order.place", "paper:demo", "story-place", "OPEN"),
                          ("cancel.answered", "paper:demo", "story-cancel", "CANCELLED")])


if __name__ == "__main__":
    ordo.main()
