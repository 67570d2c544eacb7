"""A program that trades as docs/api.md tells it to: a key for each order that it means, repeated until there is a
definite answer; after `not_sent` a new key. It keeps what it was told, for the judge."""

import contextlib
import threading
import time
from dataclasses import dataclass, field

import world as w

NOT_NOW = (207, 409, 423, 424, 429, 503)  # without an order_id: nothing was written, the key is as new
# With an order_id and `retry_safe`: the broker never had it, and the program still wants it.
AGAIN = ("NOT_SENT", "NOT_PLACED", "BROKER_UNREACHABLE", "SESSION_REQUIRED", "KILL_SWITCH", "RATE_LIMITED", "ORDER_RATE",
         "BROKER_RATE", "BREAKER_OPEN")
PATIENCE_S = 180
TWINS = 0.05  # of the requests are sent twice at once


@dataclass
class Key:
    """One Idempotency-Key and what it led to."""
    key: str
    body: dict
    order_id: str = None
    answer: object = None  # the first definite one
    replayed: bool = False


@dataclass
class Meant:
    """One order that the program means, over all the keys it took."""
    number: int
    keys: list = field(default_factory=list)
    end: str = None  # accepted, rejected, mixed, refused CODE
    cancelled: bool = False  # the program was told that it is
    terms: dict = field(default_factory=dict)  # account: the price of the last change that was confirmed
    doubts: int = 0  # answers 202


class Trader:
    def __init__(self, world, rng, record):
        self.world, self.rng, self.record = world, rng, record
        self.client = w.Client(world)
        self.unsettled = {}  # tag: since when it is unknown

    def choose(self):
        """An order, and what it becomes."""
        rng = self.rng
        targets = self.world.some_accounts(rng, 3 if rng.random() < 0.08 else 1)
        symbol = rng.choice(list(w.SHARES))
        price = w.SHARES[symbol] + (rng.randint(1, 20) if rng.random() < 0.3 else -rng.randint(5, 40))
        return {"symbol": symbol, "side": "BUY", "type": "LIMIT", "quantity": rng.randint(1, 9),
                "price": f"{price}.00", "product": rng.choice(("CNC", "INTRADAY")), "validity": "DAY",
                "targets": targets}

    def twin(self, body, key):
        """The same request once more at the same moment, over another connection: what it is told must be the same
        order. Returns how to hear of it."""
        told = []

        def run():
            client = w.Client(self.world)
            with contextlib.suppress(*w.GONE):
                told.append(client.request("POST", "/api/v1/orders", body, key))
            client.close()
        t = threading.Thread(target=run, daemon=True)
        t.start()

        def hear():
            t.join(30 * w.ordo.SLOW)
            return told[0].json.get("order_id") if told else None
        return hear

    # --- placing --------------------------------------------------------------------------------

    def send(self, method, path, body=None, key=None):
        """One request; None without an answer."""
        try:
            return self.client.request(method, path, body, key)
        except w.GONE:
            time.sleep(0.05)
            return None

    def place(self, number, body=None):
        """Until it is definite."""
        meant = Meant(number)
        body = body or self.choose()
        end = time.monotonic() + PATIENCE_S * w.ordo.SLOW
        while not meant.end:
            if time.monotonic() > end:
                # Refused all the while, which is an answer; but an order that was begun has to end.
                meant.end = "no end" if meant.keys[-1].order_id and not meant.keys[-1].answer else "refused too long"
                break
            self.once(meant, body, end)
        self.record.append(meant)
        return meant

    def once(self, meant, body, end):
        """One key, until it is definite or was not used up."""
        key = Key(w.fresh_key(self.rng), body)
        meant.keys.append(key)
        hear = self.twin(body, key.key) if self.rng.random() < TWINS else lambda: None
        self.repeat(meant, key, end)
        other = hear()
        if other and key.order_id and other != key.order_id:
            meant.end = f"two orders with one key: {key.order_id} and {other}"

    def repeat(self, meant, key, end):
        while time.monotonic() < end:
            a = self.send("POST", "/api/v1/orders", key.body, key.key)
            if a is None:
                continue
            told = a.json.get("order_id")
            if told and a.json.get("code") not in ("IDEMPOTENCY_IN_FLIGHT", "IDEMPOTENCY_MISMATCH"):
                if key.order_id not in (None, told):
                    meant.end = f"two orders with one key: {key.order_id} and {told}"
                    return
                key.order_id = told
            if a.status == 202:
                meant.doubts += 1
                self.await_settled(key)
                continue
            if told and a.json.get("code") != "IDEMPOTENCY_IN_FLIGHT":
                self.definite(meant, key, a)
                return
            if int(a.headers.get("retry-after", 0)) > PATIENCE_S:  # the hour of a broker is used up
                meant.end = f"refused {a.status} {a.json.get('code')}"
                return
            if a.status in NOT_NOW:
                time.sleep(self.rng.uniform(0.02, 0.3))
                continue
            meant.end = f"refused {a.status} {a.json.get('code')}"
            return

    def definite(self, meant, key, a):
        key.answer, key.replayed = a, "idempotent-replayed" in a.headers
        if a.status == 201:
            meant.end = "accepted"
        elif a.status == 207:
            meant.end = "mixed"
        elif a.json.get("retry_safe") and a.json["code"] in AGAIN:
            return  # with a new key
        elif a.status == 422 and a.json.get("outcome") == "rejected":
            meant.end = "rejected"
        else:
            meant.end = f"refused {a.status} {a.json.get('code')}"

    def await_settled(self, key):
        """A leg is unknown: what a program does is wait, and what its owner does is look at the broker's."""
        for _ in range(10):
            a = self.send("GET", f"/api/v1/orders/{key.order_id}")
            if a is None or a.status != 200:
                continue
            open_legs = [leg for leg in a.json["legs"] if leg["status"] == "pending"]
            if not open_legs:
                return
            for leg in open_legs:
                since = self.unsettled.setdefault(leg["tag"], time.monotonic())
                if (leg["state"] in ("unknown", "needs_operator") and
                        time.monotonic() - since > self.world.patience):
                    self.world.settle_by_hand(self.client, key.order_id, leg)
            time.sleep(0.2)

    # --- what becomes of it ---------------------------------------------------------------------

    def go_on(self, meant):
        """Changes and cancels some of what rests."""
        if meant.end != "accepted":
            return
        key = meant.keys[-1]
        if self.rng.random() < 0.25:
            self.modify(meant, key)
        if self.rng.random() < 0.8:
            self.cancel(meant, key)

    def act(self, method, key, body=None):
        """Until it is definite: the last answer, or None after a long time."""
        end = time.monotonic() + 30 * w.ordo.SLOW
        while time.monotonic() < end:
            a = self.send(method, f"/api/v1/orders/{key.order_id}", body)
            if a is None:
                continue
            if a.status in (202, 424, 429, 503) or a.json.get("code") == "LEG_UNRESOLVED":
                time.sleep(self.rng.uniform(0.05, 0.4))
                continue
            return a
        return None

    def modify(self, meant, key):
        price = int(float(key.body["price"])) - self.rng.randint(1, 5)
        a = self.act("PATCH", key, {"price": f"{price}.00"})
        if a is not None and a.status == 200:
            # Legs that were over already are not in the answer.
            meant.terms = {r["account"]: f"{price}.00" for r in a.json["results"] if r["outcome"] == "accepted"}

    def cancel(self, meant, key):
        a = self.act("DELETE", key)
        meant.cancelled = a is not None and a.status == 200

    def run(self, numbers, stop):
        for number in numbers:
            if stop():
                break
            meant = self.place(number)
            with contextlib.suppress(*w.GONE):
                self.go_on(meant)
        self.client.close()
