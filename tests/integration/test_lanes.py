"""Rates at the broker's own clock: a burst of orders, a kill -9 in the middle of it, cancels beside it and
by the dozen, and what a 429 teaches. The judge is the simulator's log of what it received."""

import collections
import concurrent.futures
import datetime
import http.client
import itertools
import time
import uuid

import brokersim
import ordo
from test_brokers import Daemon, ROWS, access, log_in, trades

BURST = 1000
CLIENTS = 128
MOST = {"mstock": 10, "fyers": 10, "hdfc": 5}  # writes a second: the regulator's, or the broker's own
WINDOW = 1.1    # seconds; 9 writes, of which orders leave two
CANCEL_WITHIN = 0.2
SHARES = (("NSE:IDEA", "13.00"), ("NSE:YESBANK", "22.00"), ("NSE:SUZLON", "46.00"), ("NSE:PNB", "116.00"),
          ("NSE:WIPRO", "180.00"), ("NSE:TATASTEEL", "182.00"), ("NSE:ONGC", "235.00"))
FUTURE = "NFO:NIFTY29DEC26FUT"


def at(receipt):
    return datetime.datetime.fromisoformat(receipt["at"]).timestamp()


class Lanes(ordo.Case):
    BROKERS = ("mstock",)
    ENV = {}
    quantities = itertools.count(1)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shares = iter(SHARES)
        cls.sim = brokersim.Sim(*(["--rows", ROWS] if "hdfc" in cls.BROKERS else [])).start()
        env = access(cls.sim, cls.BROKERS) | cls.ENV
        for b in cls.BROKERS:
            cls.sim.user(b, funds="1000000000.00")
            for limit in ("ORDERS_PER_MINUTE", "REPEAT_WINDOW_MS", "MAX_OPEN_ORDERS", "MAX_ORDER_VALUE",
                          "REJECT_STORM", "MAX_DAILY_VALUE"):
                env[f"ORDO_{b.upper()}_MAIN_{limit}"] = "0"
        cls.shared = Daemon(accounts=",".join(cls.account(b) for b in cls.BROKERS), env=env).start()

    @classmethod
    def tearDownClass(cls):
        try:
            super().tearDownClass()
        finally:
            cls.sim.stop()

    @staticmethod
    def account(broker):
        return f"{broker}:main"

    def setUp(self):
        self.sim.clear_faults()
        for b in self.BROKERS:
            if self.d.get(f"/api/v1/auth/{b}/main").json["state"] != "active":
                log_in(self, self.d, self.sim, b)
        self.until_all_trade()
        self.share = next(self.shares)
        time.sleep(WINDOW)  # what an earlier test sent is out of the second's window
        self.seen = len(self.sim.received(None))

    def until_all_trade(self):
        for b in self.BROKERS:
            self.until(lambda b=b: trades(self.d, self.account(b)), 60)

    def received(self, operation=None, broker=None):
        broker = broker or self.BROKERS[0]
        return [r for r in self.sim.received(None)[self.seen:]
                if operation in (None, r["operation"]) and r["broker"] == broker]

    def order(self, broker=None, **fields):
        """Over a connection of its own: `ordo.Daemon` has one for all."""
        c = http.client.HTTPConnection("127.0.0.1", self.d.port, timeout=60 * ordo.SLOW)
        # No two are equal, or the second would wait for the first one's number.
        symbol, price = self.share
        body = {"symbol": symbol, "side": "BUY", "type": "LIMIT", "price": price,
                "quantity": next(self.quantities), "product": "CNC", "validity": "DAY",
                "targets": [self.account(broker or self.BROKERS[0])], **fields}
        try:
            return self.d.request("POST", "/api/v1/orders", body, connection=c,
                                  headers={"Idempotency-Key": str(uuid.uuid4())})
        finally:
            c.close()

    def burst(self, n, broker=None, **fields):
        """n orders from CLIENTS clients at once; futures of their answers. Of a daemon that dies: None."""
        def one(_):
            try:
                return self.order(broker, **fields)
            except (OSError, http.client.HTTPException):
                return None
        pool = concurrent.futures.ThreadPoolExecutor(CLIENTS)
        self.addCleanup(pool.shutdown)
        return [pool.submit(one, i) for i in range(n)]

    def assertRate(self, broker=None, exchange=""):
        """Never more than the most in a rolling second, nor in one of the clock."""
        times = sorted(at(r) for r in self.received(broker=broker) if r["symbol"].startswith(exchange))
        most = MOST[broker or self.BROKERS[0]]
        for i in range(len(times) - most):
            self.assertGreaterEqual(times[i + most] - times[i], 1.0, times[i:i + most + 1])
        for _, second in itertools.groupby(times, key=int):
            self.assertLessEqual(len(list(second)), most)
        return times

    def judge(self, answers, broker=None):
        """No accepted order is missing at the broker, and none is there twice."""
        tags = [r["tag"] for r in self.received("place", broker)]
        self.assertEqual(len(tags), len(set(tags)))
        accepted = [a for a in answers if a is not None and a.status == 201]
        for a in accepted:
            self.assertIn(a.json["results"][0]["tag"], tags)
        return accepted


class Rates(Lanes):
    def test_burst(self):
        path = self.order().headers["location"]
        time.sleep(WINDOW)
        began = time.time()
        answers = self.burst(BURST)
        time.sleep(2)
        asked = time.time()
        self.assertEqual(self.d.request("DELETE", path).status, 200)
        answers = [a.result() for a in answers]
        took = time.time() - began
        cancel = self.received("cancel")
        self.assertEqual(len(cancel), 1)
        late = at(cancel[0]) - asked
        print(f"# the cancel was at the broker after {late * 1000:.1f} ms")
        self.assertLess(late, CANCEL_WITHIN * ordo.SLOW)
        times = self.assertRate()
        accepted = self.judge(answers)
        refused = [a for a in answers if a.status == 429]
        print(f"# {BURST} orders in {took:.1f} s: {len(accepted)} accepted, {len(refused)} refused, "
              f"{len(times)} calls at the broker")
        others = collections.Counter(a.json["code"] for a in answers if a.status not in (201, 429))
        self.assertEqual(others, {})
        self.assertTrue(all(int(a.headers["retry-after"]) > 0 for a in refused))
        # What can go goes: seven in each window, while anybody waits.
        self.assertGreater(len(accepted), 7 * 0.8 * (took / WINDOW))

    def test_cancels_of_sixty_orders(self):
        answers = [a.result() for a in self.burst(60)]
        self.assertEqual({a.status for a in answers}, {201})
        opened = {r["order_id"] for r in self.received("place")}
        self.seen = len(self.sim.received(None))
        r = self.d.post("/api/v1/orders/cancel", {"accounts": ["mstock:main"], "symbol": self.share[0]})
        self.assertEqual(r.status, 200, r)
        cancels = self.received("cancel")
        self.assertEqual(opened, {c["order_id"] for c in cancels})
        self.assertEqual(len(cancels), len(opened))
        times = self.assertRate()
        took = times[-1] - times[0]
        print(f"# {len(times)} cancels in {took:.2f} s")
        rounds = (len(times) - 1) // 9
        self.assertGreaterEqual(took, rounds * WINDOW - 0.2)
        self.assertLess(took, (rounds + 1) * WINDOW * 1.5 * ordo.SLOW)


class Trouble(Lanes):
    """With an account of its own: m.Stock allows 250 orders a minute."""

    def test_kill_in_the_burst(self):
        answers = []
        for _ in range(3):
            answers += self.burst(200)
            n = len(self.received("place"))
            self.until(lambda n=n: len(self.received("place")) >= n + 9, 30)
            self.d.kill()
            self.d.start()
            # What was on its way is unknown, and its instrument waits for the book.
            self.share = next(self.shares)
            self.until_all_trade()
        more = [a.result() for a in self.burst(30)]
        self.assertRate()
        self.judge([a.result() for a in answers] + more)
        self.assertEqual({a.status for a in more}, {201})

    def test_two_exchanges(self):
        """The regulator's ceiling is one of each exchange: what waits for one does not hold up the other."""
        shares = self.burst(30)
        self.until(lambda: len(self.received("place")) >= 7, 30)
        began = time.time()
        futures = [self.burst(1, symbol=FUTURE, price="24000.00", product="MARGIN", quantity=65 * n)
                   for n in range(1, 15)]
        answers = [a.result() for (a,) in futures]
        took = time.time() - began
        self.assertEqual({a.status for a in answers}, {201}, answers)
        self.assertLess(took, 2 * WINDOW * ordo.SLOW)
        self.assertTrue(any(not a.done() for a in shares))
        self.assertEqual({a.result().status for a in shares}, {201})
        self.assertRate(exchange="NSE:")
        self.assertRate(exchange="NFO:")
        self.judge(answers + [a.result() for a in shares])

    def test_what_a_429_teaches(self):
        self.sim.fault("rate_limit", broker="mstock", operation="place", retry_after=3, count=1)
        asked = time.time()
        first = self.order()
        self.assertIn(first.status, (202, 429), first)
        s = self.d.get("/api/v1/status").json["accounts"][0]
        self.assertGreater(s["rate_pause_seconds"], 0)
        r = self.order(symbol="NSE:SBIN", price="1000.00")
        self.assertEqual(r.status, 201, r)
        self.assertGreaterEqual(at(self.received("place")[-1]) - asked, 3)
        s = self.d.get("/api/v1/status").json["accounts"][0]
        self.assertEqual(s["rate_pause_seconds"], 0)


class Others(Lanes):
    """Brokers that count other things: at FYERS and at HDFC every call is in the windows of the orders."""
    BROKERS = ("fyers", "hdfc")
    ENV = {"ORDO_ORDER_DEADLINE": "6s"}  # short, so that those who wait in vain are told soon
    WAITED = 4    # seconds of it: what comes later would be sent too late for its answer
    AT_ONCE = {"fyers": 7, "hdfc": 3}  # orders in WINDOW: two of the least window are the cancels'

    def test_burst_with_a_kill(self):
        """Both at once, and neither takes from the other."""
        paths = {b: self.order(b).headers["location"] for b in self.BROKERS}
        time.sleep(WINDOW)
        answers = {b: self.burst(150, b) for b in self.BROKERS}
        time.sleep(2)
        for b, path in paths.items():
            asked = time.time()
            self.assertEqual(self.d.request("DELETE", path).status, 200)
            (cancel,) = self.received("cancel", b)
            late = at(cancel) - asked
            print(f"# {b}: the cancel was at the broker after {late * 1000:.1f} ms")
            self.assertLess(late, CANCEL_WITHIN * ordo.SLOW)
        for b in self.BROKERS:
            told = [a.result() for a in answers[b]]
            self.assertEqual({a.status for a in told}, {201, 429}, b)
            accepted = self.judge(told, b)
            print(f"# {b}: {len(accepted)} of {len(told)} orders accepted")
            # Reads have a part of it, and what waited for its turn does not say so when it is there.
            self.assertGreater(len(accepted), self.AT_ONCE[b] * 0.5 * (self.WAITED / WINDOW))
            self.assertEqual({a.json["results"][0]["message"] for a in accepted}, {None}, b)
        dying = {b: self.burst(50, b) for b in self.BROKERS}
        sent = {b: len(self.received("place", b)) for b in self.BROKERS}
        self.until(lambda: all(len(self.received("place", b)) > sent[b] + 2 for b in self.BROKERS), 30)
        self.d.kill()
        self.d.start(wait=False)
        # What was on its way is unknown, and its instrument waits for the book.
        self.share = next(self.shares)
        self.d.wait_ready(60)
        self.until_all_trade()
        more = {b: self.burst(self.AT_ONCE[b] * 2, b) for b in self.BROKERS}
        for b in self.BROKERS:
            statuses = {a.result().status for a in more[b]}
            self.assertIn(201, statuses, b)
            self.assertLessEqual(statuses, {201, 429}, b)
            self.judge([a.result() for a in answers[b] + dying[b] + more[b]], b)
            self.assertRate(b)


if __name__ == "__main__":
    ordo.main()
