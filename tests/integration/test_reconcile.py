"""What the books say, against ordo-brokersim: orders placed by hand, lost ones with and without tags, late
ones, twins, books that are read because somebody asks."""

import contextlib
import http.client
import json
import os
import subprocess
import threading

import brokersim
import ordo
from test_brokers import ALL, BROKERS, CTL, Daemon, ROWS, access, log_in


class World(ordo.Case):
    """A daemon with accounts at `brokers`, logged in, whose books were read."""
    brokers = BROKERS

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sim = brokersim.Sim("--rows", ROWS).start()
        cls.shared = Daemon(accounts=",".join(f"{b}:main" for b in cls.brokers),
                            env=access(cls.sim, cls.brokers))
        cls.shared.start()

    @classmethod
    def tearDownClass(cls):
        try:
            super().tearDownClass()
        finally:
            cls.sim.stop()

    def setUp(self):
        self.sim.clear_faults()
        for b in self.brokers:
            if self.d.get(f"/api/v1/auth/{b}/main").json["state"] != "active":
                log_in(self, self.d, self.sim, b)
        for b in self.brokers:
            self.until(lambda a=f"{b}:main": self.may_trade(a), 60)

    def may_trade(self, account):
        """Its book was read and its instruments are there; not in SBIN, which a lost order may freeze."""
        r = self.d.post("/api/v1/orders/validate", {
            "symbol": "NSE:INFY", "side": "BUY", "type": "LIMIT", "quantity": 1, "price": "1050.00",
            "product": "CNC", "validity": "DAY", "targets": [account]})
        return r.status == 200

    def patiently(self, once, seconds=20):
        """Again while the broker's rate is used up."""
        def tried():
            r = once()
            return None if "BROKER_RATE" in r.raw.decode() else r
        return self.until(tried, seconds)

    def place(self, account, **fields):
        fields = {"price": "1000.00", "quantity": 7, "targets": [account], **fields}
        return self.patiently(lambda: self.d.order(**fields))

    def leg(self, order_id):
        return self.d.get(f"/api/v1/orders/{order_id}").json["legs"][0]

    def reconcile(self, account):
        def read():
            r = self.d.post("/api/v1/accounts/reconcile", {"accounts": [account]})
            return r if r.status == 200 else None
        (result,) = self.until(read, 20).json["results"]
        self.assertEqual((result["account"], result["status"]), (account, "success"))
        return result

    def status(self, account):
        return [a for a in self.d.get("/api/v1/status").json["accounts"] if a["account"] == account][0]

    def external(self, account, **query):
        extra = "".join(f"&{k}={v}" for k, v in query.items())
        return self.d.get(f"/api/v1/orders?accounts={account}{extra}").json["external"]

    def audit(self, action, **query):
        extra = "".join(f"&{k}={v}" for k, v in query.items())
        rows = self.d.get(f"/api/v1/audit?limit=500{extra}").json["records"]
        return [r for r in rows if r["action"] == action]

    def ctl(self, *args):
        env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **self.d.env}
        r = subprocess.run([CTL, *args], env=env, stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, timeout=60 * ordo.SLOW)
        return r.returncode, r.stdout, r.stderr

    def prove(self, account):
        """An order that the book shows with its tag, if it shows tags."""
        r = self.place(account, price="998.00", quantity=2)
        self.assertEqual(r.status, 201, r)
        self.reconcile(account)
        return r.json["order_id"]


class Absent(World):
    brokers = ("mstock",)

    def test_after_an_error(self):
        """An error without an order id, nothing booked: 15 s of books with other tags settle it."""
        self.sim.user("mstock", echo_tags=True)
        self.prove("mstock:main")
        self.assertEqual(self.status("mstock:main")["tag_echo"], "proven")
        self.sim.fault("error", broker="mstock", operation="place", status=500, book=False)
        r = self.place("mstock:main", price="997.00", quantity=3, key="k1")
        self.assertEqual(r.status, 202, r)
        order_id = r.json["order_id"]
        leg = self.until(lambda: (lambda x: x if x["outcome"] != "unknown" else None)(self.leg(order_id)), 40)
        self.assertEqual((leg["outcome"], leg["confidence"], leg["state"], leg["code"]),
                         ("not_placed", "inferred", "settled", "NOT_PLACED"), leg)
        self.assertEqual(len(self.sim.received(broker="mstock", quantity=3)), 1)
        self.assertEqual(self.sim.booked(broker="mstock", quantity=3), [])
        again = self.place("mstock:main", price="997.00", quantity=3, key="k1")
        self.assertEqual((again.status, again.json["outcome"]), (422, "not_placed"), again)
        self.assertEqual(len(self.sim.received(broker="mstock", quantity=3)), 1)


class Large(World):
    """Books of a busy day."""
    brokers = ("fyers",)
    MOST = 32 << 20  # CALL_BOOK_MAX

    def raised(self):
        return self.d.records(message_id="642178ecf7534c78b334ce18cb0dfe78")

    def test_larger_than_may_be(self):
        """Somebody is told why an account is not ready, everywhere; and it recovers by itself."""
        told = len(self.raised())
        self.d.stop()
        self.sim.fault("huge", broker="fyers", operation="book", bytes=self.MOST + 1, count=0)
        self.d.start(wait=False)

        def shown():
            with contextlib.suppress(OSError, http.client.HTTPException):
                s = self.status("fyers:main")
                return s if s["book_error"] else None
            return None
        s = self.until(shown, 30)
        self.assertEqual((s["book_error"], s["ready"]), ("the reply is too large", False))
        r = self.d.order(targets=["fyers:main"])
        self.assertProblem(r, 503, "NOT_READY")
        self.assertIn("the reply is too large", r.json["detail"])
        self.assertRegex(self.d.get("/metrics").raw.decode(), r'ordo_book_unread\{account="fyers:main"\} 1\n')
        (record,) = self.raised()[told:]
        self.assertEqual((record["account"], record["status"]), ("fyers:main", "unread"))
        self.assertIn("the reply is too large", record["message"])
        self.sim.clear_faults()
        self.until(lambda: self.may_trade("fyers:main"), 30)
        self.assertIsNone(self.status("fyers:main")["book_error"])
        self.assertEqual(self.raised()[told + 1]["status"], "read")

    def test_as_large_as_may_be(self):
        self.sim.fault("huge", broker="fyers", operation="book", bytes=self.MOST, count=0)
        self.reconcile("fyers:main")
        self.sim.clear_faults()


class Reconcile(World):
    # --- orders of others -----------------------------------------------------------------------

    def test_placed_by_hand(self):
        """Seen, shown with all that it is, cancelled by its id, and never taken for one of ours."""
        for account in ALL:
            broker = account.partition(":")[0]
            number = self.sim.place_elsewhere(broker, symbol="NSE:INFY", side="BUY", quantity=3,
                                              price="1100.00")["order_id"]
            result = self.reconcile(account)
            self.assertGreaterEqual(result["external"], 1, result)
            (row,) = [x for x in self.external(account, status="OPEN") if x["broker_order_id"] == number]
            self.assertEqual(row["id"], f"external:{account}:{number}")
            self.assertEqual({k: row[k] for k in ("external", "symbol", "side", "type", "product", "quantity",
                                                  "price", "order_status", "filled_quantity")},
                             {"external": True, "symbol": "NSE:INFY", "side": "BUY", "type": "LIMIT",
                              "product": "CNC", "quantity": 3, "price": "1100.00", "order_status": "OPEN",
                              "filled_quantity": 0})
            self.assertGreaterEqual(row["as_of"], row["placed_at"][:10])
            self.assertEqual(self.external(account, symbol="NSE:SBIN"), [])
            code, out, err = self.ctl("orders", "--account", account)
            self.assertEqual(code, 0, err)
            self.assertIn(row["id"], out)
            r = self.patiently(lambda i=row["id"]: self.d.request("DELETE", f"/api/v1/orders/{i}"))
            self.assertEqual(r.status, 200, r)
            self.assertEqual((r.json["order_id"], r.json["results"][0]["outcome"]), (None, "accepted"), r)
            (entry,) = [o for o in self.sim.orders(broker) if o["order_id"] == number]
            self.assertEqual(entry["status"], "CANCELLED")
            self.until(lambda a=account, n=number: [x for x in self.external(a, status="CANCELLED")
                                                    if x["broker_order_id"] == n], 20)
            r = self.d.request("DELETE", f"/api/v1/orders/{row['id']}")
            self.assertEqual((r.status, r.json["code"]), (409, "ORDER_NOT_OPEN"), r)
            self.assertEqual([x["payload"]["broker_order_id"] for x in
                              self.audit("external.cancel", account=account)][-1], number)

    def test_ours_are_not_external_after_a_restart(self):
        numbers = {}
        for account in ALL:
            r = self.place(account, price="999.00")
            self.assertEqual(r.status, 201, r)
            number = r.json["results"][0]["broker_order_id"]
            self.sim.fill(number, 7, "999.00")
            self.until(lambda i=r.json["order_id"]: self.leg(i)["order_status"] == "FILLED", 20)
            numbers[account] = (number, r.json["order_id"])
        self.d.stop()
        self.d.start()
        for account, (number, order_id) in numbers.items():
            self.reconcile(account)
            self.assertNotIn(number, [x["broker_order_id"] for x in self.external(account)])
            r = self.patiently(lambda a=account: self.d.get(f"/api/v1/trades?accounts={a}"))
            self.assertEqual({t["order_id"] for t in r.json["trades"] if t["broker_order_id"] == number},
                             {order_id})

    # --- on demand ------------------------------------------------------------------------------

    def test_on_demand(self):
        code, out, err = self.ctl("reconcile", *ALL)
        self.assertEqual(code, 0, out + err)
        for account in ALL:
            self.assertIn(account, out)
        self.sim.fault("error", broker="hdfc", operation="book", status=502, count=0)
        r = self.d.post("/api/v1/accounts/reconcile", {})
        self.assertEqual(r.status, 207, r)
        self.assertEqual([(x["account"], x["status"], x["code"]) for x in r.json["results"]],
                         [("fyers:main", "success", None), ("hdfc:main", "failed", "BROKER_UNREACHABLE"),
                          ("mstock:main", "success", None)])
        code, out, _ = self.ctl("reconcile", "hdfc:main", "--json")
        self.assertNotEqual(code, 0)
        self.assertEqual(json.loads(out)["results"][0]["code"], "BROKER_UNREACHABLE")

    # --- tags -----------------------------------------------------------------------------------

    def test_echo(self):
        """Fyers echoes; HDFC and m.Stock here only if the simulator is told to."""
        self.prove("fyers:main")
        self.assertEqual(self.status("fyers:main")["tag_echo"], "proven")
        for broker in ("hdfc", "mstock"):
            account = f"{broker}:main"
            self.sim.user(broker, echo_tags=True)
            try:
                order_id = self.prove(account)
                state = self.status(account)["tag_echo"]
                self.assertIn(state, ("proven", "broken"))
            finally:
                self.sim.user(broker, echo_tags=False)
            if self.leg(order_id)["order_status"] == "OPEN":
                self.reconcile(account)
                self.assertEqual(self.status(account)["tag_echo"], "broken")

    def test_late(self):
        """Lost, settled by an operator as not placed, and then it is in the book."""
        self.sim.fault("close_after", broker="fyers", operation="place", book=False)
        key = "late-1"
        r = self.place("fyers:main", price="996.00", quantity=4, key=key)
        self.assertEqual(r.status, 202, r)
        order_id, tag = r.json["order_id"], r.json["results"][0]["tag"]
        r = self.d.post(f"/api/v1/orders/{order_id}/legs/1/resolve",
                        {"outcome": "not_placed", "reason": "the broker says so"})
        self.assertEqual(r.status, 200, r)
        self.assertEqual(self.place("fyers:main", price="996.00", quantity=4, key=key).status, 422)
        late = self.status("fyers:main")["late_orders"]
        number = self.sim.place_elsewhere("fyers", symbol="NSE:SBIN", side="BUY", quantity=4, price="996.00",
                                          tag=tag)["order_id"]
        self.reconcile("fyers:main")
        leg = self.until(lambda: (lambda x: x if x["outcome"] == "accepted" else None)(self.leg(order_id)), 20)
        self.assertEqual((leg["broker_order_id"], leg["order_status"], leg["confidence"]),
                         (number, "OPEN", "proven"), leg)
        self.assertEqual(self.status("fyers:main")["late_orders"], late + 1)
        self.until(lambda: self.audit("leg.late", order_id=order_id))
        self.assertEqual(len(self.audit("leg.late", order_id=order_id)), 1)
        again = self.place("fyers:main", price="996.00", quantity=4, key=key)
        self.assertEqual((again.status, again.headers.get("idempotent-replayed")), (201, "true"), again)
        self.assertIn('ordo_late_orders_total{account="fyers:main"}', self.d.get("/metrics").raw.decode())

    def test_twin(self):
        """A second order with one tag is raised, shown as external, and can be cancelled."""
        r = self.place("fyers:main", price="995.00", quantity=5)
        self.assertEqual(r.status, 201, r)
        order_id, leg = r.json["order_id"], r.json["results"][0]
        self.reconcile("fyers:main")
        number = self.sim.place_elsewhere("fyers", symbol="NSE:SBIN", side="BUY", quantity=5, price="995.00",
                                          tag=leg["tag"])["order_id"]
        self.reconcile("fyers:main")
        self.until(lambda: self.leg(order_id)["message"], 20)
        self.assertIn(number, self.leg(order_id)["message"])
        self.assertEqual(self.leg(order_id)["broker_order_id"], leg["broker_order_id"])
        self.assertEqual(len(self.audit("leg.twin", order_id=order_id)), 1)
        self.assertIn(number, [x["broker_order_id"] for x in self.external("fyers:main")])
        code, out, err = self.ctl("cancel", f"external:fyers:main:{number}")
        self.assertEqual(code, 0, out + err)
        (entry,) = [o for o in self.sim.orders("fyers") if o["order_id"] == number]
        self.assertEqual(entry["status"], "CANCELLED")

    # --- without tags ---------------------------------------------------------------------------

    def on_the_way(self, account, key, body):
        """Places it, and comes back while the broker has it and does not answer yet; the thread ends with the answer."""
        broker = account.partition(":")[0]
        whole = {"symbol": "NSE:SBIN", "side": "BUY", "type": "LIMIT", "product": "CNC", "validity": "DAY",
                 "targets": [account], **body}
        before = self.sim.calls(broker)["place"]
        self.sim.fault("late", broker=broker, operation="place", ms=3000)

        def place():
            c = http.client.HTTPConnection("127.0.0.1", self.d.port, timeout=30 * ordo.SLOW)
            self.d.post("/api/v1/orders", whole, headers={"Idempotency-Key": key}, connection=c)
        t = threading.Thread(target=place)
        t.start()
        self.until(lambda: self.sim.calls(broker)["place"] > before, 5)
        return t

    def test_equal_orders_wait(self):
        """m.Stock shows no tags: of two equal orders at once the second is told to wait."""
        if self.status("mstock:main")["tag_echo"] == "proven":
            self.skipTest("the echo was proven")
        body = {"price": "994.00", "quantity": 6}
        t = self.on_the_way("mstock:main", "equal-1", body)
        r = self.d.order(targets=["mstock:main"], **body)
        t.join()
        self.assertEqual((r.status, r.json["code"]), (409, "LEG_UNRESOLVED"), r)
        self.assertEqual(r.headers["retry-after"], "1")

    def test_steps_of_a_ladder_do_not_wait(self):
        """Another price, or another product: the book tells them apart."""
        for account in ("hdfc:main", "mstock:main"):
            if self.status(account)["tag_echo"] == "proven":
                self.skipTest("the echo was proven")
            t = self.on_the_way(account, f"ladder-{account}", {"price": "993.00", "quantity": 8})
            answers = [self.place(account, quantity=8, **step)
                       for step in ({"price": "992.00"}, {"price": "993.00", "product": "INTRADAY"})]
            self.assertTrue(t.is_alive())
            t.join()
            self.assertEqual([r.status for r in answers], [201, 201], answers)
            booked = self.sim.booked(broker=account.partition(":")[0], quantity=8)
            self.assertEqual(len({o["order_id"] for o in booked}), 3, booked)


if __name__ == "__main__":
    ordo.main()
