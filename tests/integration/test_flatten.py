"""The kill switch against ordo-brokersim: what is open goes, at the broker's rate and at its clock, also
after a crash in the middle; what is held goes, also where a book keeps filling; and nothing is said to be
closed that is not."""
import calendar
import http.client
import subprocess
import time

import ordo
from test_brokers import CTL
from test_reconcile import World


def seconds(at):
    """2026-11-28T00:15:12.123456Z or with an offset, as seconds since the epoch."""
    whole, _, rest = at.partition(".")
    digits = "".join(c for c in rest[:9] if c.isdigit())
    offset = 0
    if "+" in at:
        h, m = at.rpartition("+")[2].split(":")
        offset = int(h) * 3600 + int(m) * 60
        whole = whole.partition("+")[0]
    base = calendar.timegm(time.strptime(whole.rstrip("Z"), "%Y-%m-%dT%H:%M:%S"))
    return base - offset + (int(digits) / 10 ** len(digits) if digits else 0)


class Closing(World):
    brokers = ("fyers",)
    account = "fyers:main"

    def setUp(self):
        super().setUp()
        self.addCleanup(self.release)

    def release(self):
        self.sim.price("NSE:SBIN", liquidity=-1)
        self.d.post("/api/v1/killswitch", {"level": "NONE", "reason": "test"})

    def kill(self, level):
        r = self.d.post("/api/v1/killswitch", {"level": level, "reason": "test"})
        self.assertEqual(r.status, 200, r)
        return r

    def state(self):
        return self.d.get("/api/v1/killswitch").json

    def until_closed(self, limit=60):
        """What it shows then."""
        def closed():
            s = self.state()
            return None if s["entries"][0]["closing"] else s
        try:
            return self.until(closed, limit)
        except AssertionError:
            self.fail(f"it is not closed: {self.state()}")

    def positions(self):
        def read():
            r = self.d.get(f"/api/v1/positions?accounts={self.account}")
            return r.json["results"][0].get("positions") if r.status == 200 else None
        rows = self.until(lambda: [] if read() == [] else read(), 20)
        return {(p["symbol"], p["product"]): p["quantity"] for p in rows if p["quantity"]}

    def filled(self, **fields):
        r = self.place(self.account, **fields)
        self.assertEqual(r.status, 201, r)
        self.until(lambda: self.leg(r.json["order_id"])["order_status"] == "FILLED", 20)


class Squared:
    """What is tried at every broker; with Closing."""

    @property
    def broker(self):
        return self.brokers[0]

    def test_ends_flat(self):
        """Ours and those of others are cancelled, what is held on margin goes, delivery stays."""
        price = "1090.00"
        self.filled(product="INTRADAY", quantity=9, price=price, symbol="NSE:SBIN")
        self.filled(product="CNC", quantity=4, price=price, symbol="NSE:SBIN")
        ours = self.place(self.account, price="950.00", quantity=3).json["results"][0]["broker_order_id"]
        other = self.sim.place_elsewhere(self.broker, symbol="NSE:INFY", side="BUY", quantity=3,
                                         price="1100.00")["order_id"]
        self.kill("FLATTEN")
        tasks = {(t["kind"], t["symbol"]): t for t in self.until_closed()["tasks"]}
        status = {o["order_id"]: o["status"] for o in self.sim.orders(self.broker)}
        self.assertEqual((status[ours], status[other]), ("CANCELLED", "CANCELLED"))
        self.assertEqual(tasks["position", "NSE:SBIN"]["state"], "flat")
        self.assertEqual(tasks["external", "NSE:INFY"]["state"], "cancelled")
        self.assertEqual(tasks["external", "NSE:INFY"]["broker_order_id"], other)
        left = self.positions()
        self.assertNotIn(("NSE:SBIN", "INTRADAY"), left)
        self.assertEqual(left["NSE:SBIN", "CNC"], 4)
        shown = subprocess.run([CTL, "killswitch", "--wait", "5"], env=self.d.env, check=False,
                               capture_output=True, text=True, timeout=60)
        self.assertEqual(shown.returncode, 0, shown)
        self.assertRegex(shown.stdout, r"(?m)^position +" + self.account + " .*NSE:SBIN .* flat")

    def test_a_book_that_does_not_fill_and_then_does(self):
        """Cancelled and priced anew, one order at a time; flat when somebody takes it."""
        self.filled(product="INTRADAY", quantity=5, price="1090.00")
        before = {o["order_id"] for o in self.sim.orders(self.broker)}
        self.sim.price("NSE:SBIN", liquidity=0)
        self.kill("FLATTEN")

        def exits():
            return [o for o in self.sim.orders(self.broker) if o["order_id"] not in before]
        self.until(lambda: len(exits()) >= 2, 60)
        self.assertTrue(self.state()["entries"][0]["closing"])
        self.assertLessEqual(len([o for o in exits() if o["status"] == "OPEN"]), 1, exits())
        prices = [float(o["price"]) for o in exits()]
        self.assertLess(prices[1], prices[0])
        self.sim.price("NSE:SBIN", liquidity=-1)
        self.until_closed()
        self.assertNotIn(("NSE:SBIN", "INTRADAY"), self.positions())
        self.assertEqual(sum(o["filled_quantity"] for o in exits()), 5)


class Flatten(Squared, Closing):
    def test_a_book_that_keeps_filling(self):
        """An order fills in pieces while the broker does not cancel it: what that made is squared off, too."""
        number = self.place(self.account, product="INTRADAY", symbol="NSE:INFY", price="1000.00",
                            quantity=30).json["results"][0]["broker_order_id"]
        self.sim.fault("error", broker="fyers", operation="cancel", status=503, count=2, book=False)
        self.kill("FLATTEN")
        self.until(lambda: self.sim.received("cancel"), 30)
        self.sim.fill(number, 10, "1000.00")
        self.until(lambda: [t for t in self.state()["tasks"]
                            if t["kind"] == "position" and t["symbol"] == "NSE:INFY"], 60)
        shown = self.until_closed(90)
        self.assertNotIn(("NSE:INFY", "INTRADAY"), self.positions())
        (task,) = [t for t in shown["tasks"] if t["broker_order_id"] == number]
        self.assertEqual((task["state"], task["filled_quantity"]), ("cancelled", 10))

    def test_positions_that_cannot_be_read(self):
        self.sim.fault("error", broker="fyers", operation="positions", status=502, count=0)
        self.kill("FLATTEN")
        self.until(lambda: [t for t in self.state()["tasks"]
                            if (t["kind"], t["blocked"]) == ("account", "unread")], 30)
        self.assertTrue(self.state()["entries"][0]["closing"])
        self.sim.clear_faults()
        self.until_closed()


class Reducing(Closing):
    """What passes while halted, and what reduce_only means: opposite to the position that the broker shows,
    and no larger than it together with what is open on that side, stops too."""

    def sell(self, quantity, **fields):
        def once():
            r = self.d.order(symbol="NSE:TCS", side="SELL", product="INTRADAY", quantity=quantity,
                             targets=[self.account], **fields)
            return None if r.status in (429, 503) else r
        return self.until(once, 60)

    def test_reducing(self):
        self.filled(symbol="NSE:TCS", product="INTRADAY", quantity=10, price="2400.00")
        self.assertProblem(self.sell(11, price="2300.00", reduce_only=True), 422, "NOT_REDUCING")
        self.assertEqual(self.sell(2, price="2390.00", reduce_only=True).status, 201)
        self.kill("HALT")
        r = self.d.order(symbol="NSE:TCS", product="INTRADAY", quantity=1, price="2200.00",
                         targets=[self.account])
        self.assertProblem(r, 423, "KILL_SWITCH")
        self.assertProblem(self.sell(9, price="2390.00"), 423, "KILL_SWITCH")
        stop = self.sell(5, type="STOP_LIMIT", price="2200.00", trigger_price="2210.00")
        self.assertEqual(stop.status, 201, stop)
        self.assertProblem(self.sell(4, price="2390.00"), 423, "KILL_SWITCH")
        # delivery is another position
        self.assertProblem(self.d.order(symbol="NSE:TCS", side="SELL", product="CNC", quantity=1,
                                        price="2390.00", targets=[self.account]), 423, "KILL_SWITCH")
        self.assertEqual(self.sell(3, price="2390.00").status, 201)
        self.assertProblem(self.sell(1, price="2390.00"), 423, "KILL_SWITCH")
        # a cancel passes, and makes room
        self.assertEqual(self.d.request("DELETE", stop.headers["location"]).status, 200)
        self.until(lambda: self.d.get(stop.headers["location"]).json["legs"][0]["order_status"]
                   == "CANCELLED", 30)
        # once the position is read anew: an old one is not believed
        self.until(lambda: self.sell(5, price="2390.00").status == 201, 20)


class Sixty(Closing):
    N = 60

    def place_all(self):
        known = {o["order_id"] for o in self.sim.orders("fyers")}
        for i in range(self.N):
            def once(i=i):
                r = self.d.order(price=f"{900 + i}.00", quantity=1, targets=[self.account])
                return None if r.status == 429 else r
            r = self.until(once, 90)
            self.assertEqual(r.status, 201, r)
        return {o["order_id"] for o in self.sim.orders("fyers")} - known

    def check_rate(self, first_number):
        """Never more than the rate, at the broker's own clock; what arrived, in order."""
        times = sorted(seconds(r["at"]) for r in self.sim.received("cancel")
                       if r["number"] > first_number)
        for i, t in enumerate(times):
            self.assertLessEqual(len([x for x in times[i:] if x < t + 1.0]), 10, times)
        return times

    def answers(self):
        try:
            return self.d.get("/health", token=None).status == 200
        except (OSError, http.client.HTTPException):
            return False

    def last_number(self):
        lines = self.sim.received(None)
        return lines[-1]["number"] if lines else 0

    def test_cancelled_in_rate_and_in_order(self):
        numbers = self.place_all()
        before = self.last_number()
        self.kill("CANCEL")
        returned = time.time()
        self.until_closed(60)
        times = self.check_rate(before)
        status = {o["order_id"]: o["status"] for o in self.sim.orders("fyers")}
        self.assertEqual({status[n] for n in numbers}, {"CANCELLED"})
        asked = [r["order_id"] for r in self.sim.received("cancel") if r["number"] > before]
        self.assertEqual(len(asked), self.N, "each was asked for once")
        price = {o["order_id"]: float(o["price"]) for o in self.sim.orders("fyers")}
        # the largest first; those that went together may arrive in any order
        self.assertGreater(min(price[n] for n in asked[:15]), max(price[n] for n in asked[-15:]))
        print(f"# {len(times)} cancels in {times[-1] - times[0]:.2f} s; the first one was at the broker "
              f"{1000 * (times[0] - returned):+.1f} ms after the call returned", flush=True)
        self.assertLess(times[0] - returned, 0.5 * ordo.SLOW)

    def test_goes_on_after_a_crash(self):
        numbers = self.place_all()
        before = self.last_number()
        self.kill("CANCEL")
        self.until(lambda: len([r for r in self.sim.received("cancel") if r["number"] > before]) > 10, 30)
        self.d.kill()
        # Not until its book was read: that may have to wait for the broker's minute.
        self.d.start(wait=False)
        self.until(self.answers, 30)
        self.assertEqual(self.state()["level"], "CANCEL")
        self.until_closed(120)
        self.check_rate(before)
        status = {o["order_id"]: o["status"] for o in self.sim.orders("fyers")}
        self.assertEqual({status[n] for n in numbers}, {"CANCELLED"})


if __name__ == "__main__":
    ordo.main()
