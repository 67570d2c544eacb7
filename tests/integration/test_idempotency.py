"""All cases of orders.md §4: an order reaches the exchange once per key, whatever the client repeats."""
import http.client
import threading
import uuid

import ordo


class Idempotency(ordo.Case):
    ENV = {"ORDO_LIMITS": "off", "ORDO_PAPER_DEMO_FUNDS": "1000000000.00"}

    def test_replay_is_verbatim(self):
        key = str(uuid.uuid4())
        first = self.d.order(key=key)
        again = self.d.order(key=key)
        self.assertEqual((first.status, first.raw), (again.status, again.raw))
        self.assertEqual(again.headers["idempotent-replayed"], "true")
        self.assertNotIn("idempotent-replayed", first.headers)
        self.assertEqual(again.headers["location"], first.headers["location"])

    def test_quoted_key_is_the_same_key(self):
        key = str(uuid.uuid4())
        first = self.d.order(key=key)
        again = self.d.order(key=f'"{key}"')
        self.assertEqual(first.raw, again.raw)

    def test_replay_after_restart_comes_from_the_ledger(self):
        d = self.daemon().start()
        key = str(uuid.uuid4())
        first = d.order(key=key)
        d.stop()
        d.start()
        again = d.order(key=key)
        self.assertEqual((first.status, first.raw), (again.status, again.raw))
        self.assertEqual(again.headers["idempotent-replayed"], "true")
        d.stop()

    def test_other_request_with_the_same_key(self):
        key = str(uuid.uuid4())
        self.d.order(key=key)
        self.assertProblem(self.d.order(key=key, quantity=11), 422, "IDEMPOTENCY_MISMATCH")

    def test_mismatch_is_seen_in_the_ledger_too(self):
        d = self.daemon().start()
        key = str(uuid.uuid4())
        d.order(key=key)
        d.stop()
        d.start()
        self.assertProblem(d.order(key=key, quantity=11), 422, "IDEMPOTENCY_MISMATCH")
        d.stop()

    def test_key_is_required(self):
        r = self.d.post("/api/v1/orders", {"symbol": "NSE:SBIN"})
        self.assertProblem(r, 400, "IDEMPOTENCY_KEY_REQUIRED")

    def test_refused_by_a_gate_does_not_consume_the_key(self):
        key = str(uuid.uuid4())
        self.assertProblem(self.d.order(key=key, price="1050.03"), 422, "TICK_SIZE")
        self.assertEqual(self.d.order(key=key, price="1050.00").status, 201)

    def test_replay_is_answered_before_the_gates(self):
        d = self.daemon().start()
        key = str(uuid.uuid4())
        first = d.order(key=key)
        d.post("/api/v1/killswitch", {"level": "HALT", "reason": "test"})
        self.assertEqual(d.order(key=key).raw, first.raw)
        self.assertProblem(d.order(), 423, "KILL_SWITCH")
        d.stop()
        d.start()
        self.assertEqual(d.order(key=key).raw, first.raw)
        d.stop()

    def test_rejected_order_is_replayed_too(self):
        key = str(uuid.uuid4())
        first = self.d.order(key=key, side="SELL", symbol="NSE:MRF", price="133000.00", quantity=1)
        self.assertEqual(first.status, 422)
        again = self.d.order(key=key, side="SELL", symbol="NSE:MRF", price="133000.00", quantity=1)
        self.assertEqual((again.status, again.raw), (first.status, first.raw))
        self.assertEqual(again.headers["content-type"], "application/problem+json")

    def test_finished_key_asked_by_many_at_once_is_replayed_to_all(self):
        d = self.daemon().start()
        key = str(uuid.uuid4())
        first = d.order(key=key)
        for _ in range(3):
            d.stop()
            d.start()  # the answer is in the ledger only
            answers = []

            def client():
                c = http.client.HTTPConnection("127.0.0.1", d.port, timeout=30)
                answers.append(d.request(
                    "POST", "/api/v1/orders",
                    {"symbol": "NSE:SBIN", "side": "BUY", "type": "LIMIT", "quantity": 10,
                     "price": "1050.00", "product": "CNC", "validity": "DAY",
                     "targets": ["paper:demo"]},
                    headers={"Idempotency-Key": key}, connection=c))
                c.close()

            threads = [threading.Thread(target=client) for _ in range(16)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            self.assertEqual({(a.status, a.raw) for a in answers}, {(first.status, first.raw)})
        d.stop()

    def test_one_key_from_many_clients_at_once(self):
        for _ in range(5):
            key, answers = str(uuid.uuid4()), []

            def client():
                c = http.client.HTTPConnection("127.0.0.1", self.d.port, timeout=30)
                answers.append(self.d.request(
                    "POST", "/api/v1/orders",
                    {"symbol": "NSE:SBIN", "side": "BUY", "type": "LIMIT", "quantity": 10,
                     "price": "1050.00", "product": "CNC", "validity": "DAY",
                     "targets": ["paper:demo"]},
                    headers={"Idempotency-Key": key}, connection=c))
                c.close()

            threads = [threading.Thread(target=client) for _ in range(16)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            placed = {a.json["order_id"] for a in answers if a.status == 201}
            self.assertEqual(len(placed), 1, answers)
            for a in answers:
                if a.status == 409:
                    self.assertEqual(a.json["code"], "IDEMPOTENCY_IN_FLIGHT")
                    self.assertEqual(a.headers["retry-after"], "1")
                else:
                    self.assertEqual(a.status, 201, a)



if __name__ == "__main__":
    ordo.main()
