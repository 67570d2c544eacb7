"""kill -9 in the middle of a load of keyed orders: nothing acknowledged is lost, nothing is booked twice."""
import http.client
import os
import random
import subprocess
import threading
import time
import uuid

import ordo

ROUNDS = int(os.environ.get("ORDO_TORTURE_KILLS", "3"))
CLIENTS = 8


class Crash(ordo.Case):
    def client(self, d, stop, done, trouble):
        """Places orders until told to stop; repeats each with its key until there is a definite answer. An order
        that was provably not sent is placed again with a new key, as its answer says."""
        rng = random.Random()
        while not stop.is_set():
            logical, key = uuid.uuid4().hex[:16], str(uuid.uuid4())
            body = {"symbol": "NSE:SBIN", "side": "BUY", "type": "LIMIT",
                    "quantity": rng.randint(1, 5), "price": rng.choice(["1050.00", "1000.00"]),
                    "product": "CNC", "validity": "DAY", "targets": ["paper:demo"]}
            while True:
                try:
                    c = http.client.HTTPConnection("127.0.0.1", d.port, timeout=20)
                    a = d.request("POST", "/api/v1/orders", body,
                                  headers={"Idempotency-Key": key}, connection=c)
                    c.close()
                except (OSError, http.client.HTTPException):
                    time.sleep(0.02)
                    continue
                if a.status in (201, 422) and a.status == 201:
                    done.append((logical, key, a.json["order_id"], a.json["results"][0]["tag"]))
                    break
                if a.status == 422 and a.json.get("retry_safe") and a.json["code"] in (
                        "NOT_SENT", "NOT_PLACED"):
                    key = str(uuid.uuid4())
                    continue
                if a.status in (202, 409, 503):
                    time.sleep(0.02)
                    continue
                trouble.append(a)
                break

    def test_kill_in_mid_load(self):
        d = self.daemon(env={"ORDO_LIMITS": "off", "ORDO_PAPER_DEMO_FUNDS": "100000000000.00"}).start()
        stop, done, trouble = threading.Event(), [], []
        threads = [threading.Thread(target=self.client, args=(d, stop, done, trouble), daemon=True)
                   for _ in range(CLIENTS)]
        token = d.token
        for t in threads:
            t.start()
        for _ in range(ROUNDS):
            time.sleep(random.uniform(0.3, 0.8))
            d.process.kill()
            d.process.wait()
            d.start()
        time.sleep(0.5)
        stop.set()
        for t in threads:
            t.join(timeout=60)
        self.assertFalse(any(t.is_alive() for t in threads))
        self.assertEqual(trouble, [])
        self.assertEqual(token, d.token)
        self.assertGreater(len(done), 20)
        self.until(lambda: all(a["unresolved_legs"] == 0
                               for a in d.get("/api/v1/status").json["accounts"]))

        # each logical order once, each acknowledged tag in the exchange's own book exactly once
        rows = self.book_rows(d)
        tags = [r["tag"] for r in rows]
        self.assertEqual(len(tags), len(set(tags)), "a tag was booked twice")
        for _, key, order_id, tag in done:
            self.assertEqual(tags.count(tag), 1, f"{order_id} was acknowledged and is lost")
        self.assertEqual(len(rows), len(done), "an order was booked that nobody got an answer for")
        for _, key, order_id, _ in random.sample(done, min(20, len(done))):
            self.assertEqual(d.get(f"/api/v1/orders/{order_id}").status, 200)
        d.stop()
        check = subprocess.run([str(ordo.BUILD / "src/ordoctl/ordoctl"), "audit", "verify"], env=d.env,
                               capture_output=True, text=True)
        self.assertEqual(check.returncode, 0, check.stdout + check.stderr)

    def book_rows(self, d):
        rows, cursor = [], ""
        for o in self.pages(d):
            for leg in o["legs"]:
                if leg["outcome"] == "accepted":
                    rows.append(leg)
        return rows

    @staticmethod
    def pages(d):
        cursor = ""
        while True:
            page = d.get(f"/api/v1/orders?limit=500{cursor}").json
            yield from page["orders"]
            if not page["next_cursor"]:
                return
            cursor = "&cursor=" + page["next_cursor"]


if __name__ == "__main__":
    ordo.main()
