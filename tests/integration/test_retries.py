"""A client that repeats itself, at every moment of an order's life at a real broker: exact statuses, headers and
bodies. How keys are told apart is in test_idempotency.py."""

import http.client
import threading
import uuid

import brokersim
import ordo
from test_brokers import ROWS, Daemon, access, log_in, trades

ACCOUNT = "fyers:main"
JSON, PROBLEM = "application/json", "application/problem+json"


class Retries(ordo.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sim = brokersim.Sim("--rows", ROWS).start()
        cls.addClassCleanup(cls.sim.stop)
        cls.shared = Daemon(accounts=ACCOUNT, env=access(cls.sim, ("fyers",)))
        cls.shared.start()
        cls.quantity = 20

    def setUp(self):
        self.sim.clear_faults()
        self.addCleanup(self.sim.clear_faults)
        if self.d.get("/api/v1/auth/fyers/main").json["state"] != "active":
            log_in(self, self.d, self.sim, "fyers")
        self.until(lambda: trades(self.d, ACCOUNT), 60)
        self.before = len(self.sim.received()), len(self.sim.booked())
        self.key = str(uuid.uuid4())
        # each its own: an order that equals an earlier one is refused for a second
        type(self).quantity += 1

    # --- one order, sent any number of times ----------------------------------------------------

    def send(self, key=None, **fields):
        """Over a connection of its own."""
        c = http.client.HTTPConnection("127.0.0.1", self.d.port, timeout=30 * ordo.SLOW)
        body = {"symbol": "NSE:SBIN", "side": "BUY", "type": "LIMIT", "quantity": self.quantity,
                "price": "1000.00", "product": "CNC", "validity": "DAY", "targets": [ACCOUNT], **fields}
        try:
            return self.d.request("POST", "/api/v1/orders", body, connection=c,
                                  headers={"Idempotency-Key": key or self.key})
        finally:
            c.close()

    def fault(self, fault, operation="place", **rule):
        self.sim.fault(fault, broker="fyers", operation=operation, **rule)

    def in_flight(self, ms=1500):
        """The order while the broker takes its time: a thread, and where its answer will be."""
        self.fault("late", ms=ms)
        answers = []
        t = threading.Thread(target=lambda: answers.append(self.send()))
        before = len(self.sim.received())
        t.start()
        self.until(lambda: len(self.sim.received()) > before)
        return t, answers

    def lost(self, book):
        """202: taken or not, the answer was lost, and the book cannot be read."""
        self.fault("error", operation="book", status=502, count=0)
        self.fault("close_after", book=book)
        r = self.send()
        self.expect(r, 202)
        self.assertEqual(r.json["overall_status"], "pending")
        self.assertEqual(self.result(r)["outcome"], "unknown")
        return r

    # --- what is expected -----------------------------------------------------------------------

    def result(self, r):
        (leg,) = r.json["results"]
        return leg

    def expect(self, r, status, replayed=False, retry_after=None):
        self.assertEqual(r.status, status, r)
        self.assertEqual(r.headers["content-type"], JSON if status < 400 else PROBLEM)
        self.assertEqual(r.headers.get("idempotent-replayed"), "true" if replayed else None)
        self.assertEqual(r.headers.get("retry-after"), retry_after)
        self.assertEqual(r.headers["location"], f"/api/v1/orders/{r.json['order_id']}")
        self.assertEqual(r.headers["cache-control"], "no-store")

    def expect_verbatim(self, r, first):
        self.expect(r, first.status, replayed=True)
        self.assertEqual(r.raw, first.raw)
        self.assertNotEqual(r.headers["x-correlation-id"], first.headers["x-correlation-id"])

    def expect_running(self, r, order_id=None):
        self.expect(r, 409, retry_after="1")
        body = r.json
        self.assertEqual(body.pop("correlation_id"), r.headers["x-correlation-id"])
        told = body.pop("order_id")
        self.assertIn(order_id or told, told)
        self.assertEqual(body, {
            "type": "urn:ordo:problem:idempotency-in-flight", "status": 409, "code": "IDEMPOTENCY_IN_FLIGHT",
            "title": "The first request with this key is still running",
            "detail": "the first request is still running", "retry_safe": False})

    def expect_mismatch(self, r, order_id):
        self.expect(r, 422)
        body = r.json
        self.assertEqual(body.pop("correlation_id"), r.headers["x-correlation-id"])
        self.assertEqual(body, {
            "type": "urn:ordo:problem:idempotency-mismatch", "status": 422, "code": "IDEMPOTENCY_MISMATCH",
            "title": "This key was used for another request", "retry_safe": False, "order_id": order_id,
            "detail": "the key was used for a request that differs"})

    def expect_now(self, r, first, http_status, **leg):
        """What is known now of an order whose first answer was 202; the rest of the body is the first one's."""
        self.expect(r, http_status, replayed=True)
        self.assertEqual(r.json["correlation_id"], first.json["correlation_id"])
        wanted = {**self.result(first), **leg}
        self.assertEqual(self.result(r), wanted)
        self.assertEqual(r.json["order_id"], first.json["order_id"])
        self.assertGreaterEqual(r.json["elapsed_ms"], first.json["elapsed_ms"])

    def expect_once(self, booked=1):
        """Received once, whatever was sent here."""
        self.assertEqual((len(self.sim.received()) - self.before[0], len(self.sim.booked()) - self.before[1]),
                         (1, booked))

    def until_settled(self, order_id, seconds=30):
        def settled():
            (leg,) = self.d.get(f"/api/v1/orders/{order_id}").json["legs"]
            return leg if leg["state"] == "settled" else None
        return self.until(settled, seconds)

    # --- in flight ------------------------------------------------------------------------------

    def test_two_at_once(self):
        """The second is told to come again; then it gets the first one's answer to the byte."""
        t, answers = self.in_flight()
        self.expect_running(self.send())
        self.expect_mismatch(self.send(quantity=self.quantity + 100), self.send().json["order_id"])
        t.join()
        (first,) = answers
        self.expect(first, 201)
        self.assertEqual(self.result(first)["outcome"], "accepted")
        self.expect_verbatim(self.send(), first)
        self.expect_verbatim(self.send(f'"{self.key}"'), first)
        self.expect_mismatch(self.send(quantity=self.quantity + 100), first.json["order_id"])
        self.expect_once()

    def test_many_at_once(self):
        """One places it; each of the others is told to wait, or gets its answer."""
        self.fault("late", ms=300)
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.send())) for _ in range(12)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        firsts = [a for a in answers if a.status == 201 and "idempotent-replayed" not in a.headers]
        self.assertEqual(len(firsts), 1, answers)
        for a in answers:
            if a.status == 409:
                self.expect_running(a, firsts[0].json["order_id"])
            elif a is not firsts[0]:
                self.expect_verbatim(a, firsts[0])
        self.expect_verbatim(self.send(), firsts[0])
        self.expect_once()

    def test_the_client_went_away(self):
        """Its order goes on; the key has the answer that nobody read."""
        self.fault("late", ms=700)
        c = http.client.HTTPConnection("127.0.0.1", self.d.port, timeout=30)
        before = len(self.sim.received())
        body = (b'{"symbol": "NSE:SBIN", "side": "BUY", "type": "LIMIT", "quantity": %d, "price": "1000.00",'
                b' "product": "CNC", "validity": "DAY", "targets": ["%s"]}' % (self.quantity, ACCOUNT.encode()))
        c.request("POST", "/api/v1/orders", body=body, headers={
            "Authorization": f"Bearer {self.d.token}", "Content-Type": JSON, "Idempotency-Key": self.key})
        self.until(lambda: len(self.sim.received()) > before)
        c.sock.close()
        c.close()
        self.expect_running(self.send())
        r = self.until(lambda: (lambda a: a if a.status != 409 else None)(self.send()))
        self.expect(r, 201, replayed=True)
        (booked,) = self.sim.booked(quantity=self.quantity)
        self.assertEqual(self.result(r)["broker_order_id"], booked["order_id"])
        self.expect_once()

    # --- unknown --------------------------------------------------------------------------------

    def test_while_the_book_is_asked(self):
        first = self.lost(book=True)
        for _ in range(3):
            self.expect_now(self.send(), first, 202)
        self.expect_mismatch(self.send(quantity=self.quantity + 100), first.json["order_id"])
        self.sim.clear_faults()
        self.until_settled(first.json["order_id"])
        (booked,) = self.sim.booked(quantity=self.quantity)
        found = self.send()
        self.expect_now(found, first, 201, status="success", outcome="accepted", code=None, message=None,
                        broker_order_id=booked["order_id"], order_status="OPEN")
        self.assertEqual(found.json["overall_status"], "success")
        self.expect_once()

    def test_an_operator_settles_it(self):
        """As each of the three, with exact answers to the operator, to a second one and to the key."""
        for outcome, status, code in (("accepted", 201, None), ("not_placed", 422, "NOT_PLACED"),
                                      ("rejected", 422, "BROKER_REJECTED")):
            with self.subTest(outcome):
                self.setUp()
                first = self.lost(book=outcome == "accepted")
                path = f"/api/v1/orders/{first.json['order_id']}/legs/1/resolve"
                body = {"outcome": outcome, "reason": "the broker's desk says so"}
                leg = {"outcome": outcome, "code": code, "message": "the broker's desk says so",
                       "status": "success" if outcome == "accepted" else "failed"}
                if outcome == "accepted":
                    (booked,) = self.sim.booked(quantity=self.quantity)
                    body["broker_order_id"] = leg["broker_order_id"] = booked["order_id"]
                    leg["order_status"] = "OPEN"
                r = self.d.post(path, body)
                self.expect(r, 200)
                self.assertEqual(self.result(r), {**self.result(first), **leg})
                again = self.assertProblem(self.d.post(path, body), 409, "LEG_ALREADY_SETTLED")
                again.pop("correlation_id")
                self.assertEqual(again, {
                    "type": "urn:ordo:problem:leg-already-settled", "title": "The leg is settled", "status": 409,
                    "code": "LEG_ALREADY_SETTLED", "detail": "the outcome of this leg is known", "retry_safe": False})
                r = self.send()
                self.expect_now(r, first, status, **leg)
                if status == 422:
                    self.assertEqual((r.json["code"], r.json["outcome"], r.json["retry_safe"]), (code, outcome, True))
                self.expect_mismatch(self.send(quantity=self.quantity + 100), first.json["order_id"])
                self.expect_once(booked=int(outcome == "accepted"))

    # --- restarts -------------------------------------------------------------------------------

    def restart(self, how):
        getattr(self.d, how)()
        self.d.start(wait=False)
        self.until(lambda: self.answers(), 30)

    def answers(self):
        try:
            return self.d.get("/health", token=None).status == 200
        except (OSError, http.client.HTTPException):
            return False

    def test_finished_and_restarted(self):
        for how in ("stop", "kill"):
            with self.subTest(how):
                self.setUp()
                first = self.send()
                self.expect(first, 201)
                self.restart(how)
                # before the account's book was read, too: nothing is to be sent
                self.expect_verbatim(self.send(), first)
                self.expect_mismatch(self.send(quantity=self.quantity + 100), first.json["order_id"])
                self.expect_once()

    def test_a_definite_no_and_restarted(self):
        self.sim.market(False)
        self.addCleanup(self.sim.market, True)
        first = self.send()
        self.expect(first, 422)
        self.sim.market(True)
        self.expect_verbatim(self.send(), first)
        self.restart("kill")
        self.expect_verbatim(self.send(), first)
        self.expect_once(booked=0)

    def test_unknown_and_restarted(self):
        first = self.lost(book=True)
        self.restart("kill")
        r = self.send()
        self.expect(r, 202, replayed=True)
        self.assertEqual(self.result(r)["outcome"], "unknown")
        self.sim.clear_faults()
        self.until_settled(first.json["order_id"])
        r = self.send()
        self.expect(r, 201, replayed=True)
        (booked,) = self.sim.booked(quantity=self.quantity)
        self.assertEqual(self.result(r)["broker_order_id"], booked["order_id"])
        self.expect_once()

    def test_killed_in_flight(self):
        """Nobody got an answer. The key leads to the order, which the book tells about."""
        self.fault("late", ms=60000)
        before = len(self.sim.received())

        def place():
            try:
                self.send()
            except (OSError, http.client.HTTPException):
                pass
        t = threading.Thread(target=place)
        t.start()
        self.until(lambda: len(self.sim.received()) > before)
        self.fault("error", operation="book", status=502, count=0)
        self.restart("kill")
        t.join()
        # Where there may be several daemons, the one that died is believed to live for a few seconds.
        r = self.until(lambda: (lambda r: r if r.status != 409 else None)(self.send()), 20)
        self.expect(r, 202, replayed=True)
        self.assertEqual((self.result(r)["outcome"], r.json["overall_status"]), ("unknown", "pending"))
        self.expect_mismatch(self.send(quantity=self.quantity + 100), r.json["order_id"])
        self.sim.clear_faults()
        self.until_settled(r.json["order_id"])
        r = self.send()
        self.expect(r, 201, replayed=True)
        (booked,) = self.sim.booked(quantity=self.quantity)
        self.assertEqual(self.result(r)["broker_order_id"], booked["order_id"])
        self.expect_once()


if __name__ == "__main__":
    ordo.main()
