"""The judge: compares what programs were told, what the ledger has, and what the brokers' own logs say. It
returns complaints, each naming the leg, its records and the broker's lines."""

import json
import subprocess

import world as w  # finds the modules of the integration tests
import postgres

PLACED = ("accepted",)
NOT_THERE = ("rejected", "not_sent", "not_placed")


def pages(client):
    cursor = ""
    while True:
        page = client.patiently("GET", f"/api/v1/orders?limit=500{cursor}").json
        yield from page["orders"]
        if not page["next_cursor"]:
            return
        cursor = "&cursor=" + page["next_cursor"]


def difference(before, after):
    """Of two answers: what a member was and is."""
    if isinstance(before, dict) and isinstance(after, dict):
        return {k: difference(before.get(k), after.get(k)) for k in {**before, **after} if before.get(k) != after.get(k)}
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [difference(b, a) for b, a in zip(before, after)]
    return f"{before} -> {after}"


class Judge:
    def __init__(self, world):
        self.world = world
        self.complaints = []
        self.client = w.Client(world)
        self.orders, self.legs, self.received, self.booked = {}, {}, {}, {}

    def look(self):
        """Takes the picture that is judged."""
        world = self.world
        self.received, self.booked = {}, {}
        self.orders = {o["order_id"]: o for o in pages(self.client)}
        self.legs = {(leg["account"], leg["tag"]): (o, leg)
                     for o in self.orders.values() for leg in o["legs"] if leg["tag"]}
        accounts = {(a.partition(":")[0], client_id): a for a, (client_id, _) in w.REAL.items()}
        for r in world.sim.received("place"):
            self.received.setdefault((accounts[r["broker"], r["client_id"]], r["tag"]), []).append(r)
        for b in world.sim.booked():
            self.booked.setdefault((accounts[b["broker"], b["client_id"]], b["tag"]), []).append(b)
        for account, order_id, fields in self.paper_rows():
            row = {"order_id": order_id, "tag": fields[2], "symbol": fields[1], "paper": True}
            self.received.setdefault((account, fields[2]), []).append(row)
            self.booked.setdefault((account, fields[2]), []).append(row)

    def paper_rows(self):
        """The paper exchange's own rows."""
        value = "convert_from(value,'UTF8')" if postgres.WANTED else "value"
        for account, key, value in self.world.d.rows(
                f"select account, key, {value} from guest_rows where guest='paper' and kind='order'"):
            yield account, str(key), (value.decode() if isinstance(value, bytes) else value).split("|")

    def records(self, order_id):
        """What the audit has of an order."""
        a = self.client.patiently("GET", f"/api/v1/audit?order_id={order_id}&limit=100")
        return [(r["timestamp"], r["action"], r["outcome"]) for r in a.json.get("records", [])] \
            if a.status == 200 else str(a)

    def complain(self, what, who=None):
        more = ""
        if who:
            order, leg = self.legs.get(who, ({}, None))
            more = (f"\n  leg {who}: {json.dumps(leg)}\n  records: {self.records(order.get('order_id'))}"
                    f"\n  received: {json.dumps(self.received.get(who, []))}"
                    f"\n  booked: {json.dumps(self.booked.get(who, []))}")
        self.complaints.append(what + more)

    # --- at most once ---------------------------------------------------------------------------

    def once(self):
        for who, lines in self.received.items():
            if len(lines) > 1:
                self.complain(f"sent {len(lines)} times with one tag", who)
        for who, lines in self.booked.items():
            if len(lines) > 1:
                self.complain(f"booked {len(lines)} times with one tag", who)

    def no_stranger(self):
        """No booking that no leg knows."""
        for who in self.booked:
            if who not in self.legs:
                self.complain(f"{who} is in the broker's book, and Ordo does not know it")

    # --- each leg -------------------------------------------------------------------------------

    def leg(self, who, order, leg):
        booked = self.booked.get(who, [])
        live = [b for b in booked if b.get("status") != "REJECTED"]
        if leg["status"] == "pending":
            self.unsettled(who, leg, booked)
        elif leg["outcome"] in PLACED:
            if not booked:
                self.complain("is accepted, and not in the broker's book", who)
            elif leg["broker_order_id"] != booked[0]["order_id"]:
                self.complain("has another order's number", who)
        elif leg["outcome"] in NOT_THERE and live:
            self.complain(f"is {leg['outcome']}, and in the broker's book", who)
        elif leg["outcome"] not in NOT_THERE:
            self.complain(f"has the outcome {leg['outcome']}", who)
        if leg["confidence"] == "inferred" and self.world.echoes(who[0]) and leg["outcome"] in PLACED:
            self.complain("was inferred where the book shows tags", who)
        if leg["outcome"] in PLACED and booked and not booked[0].get("paper"):
            self.same_terms(who, leg, booked[0])

    def unsettled(self, who, leg, booked):
        """orders.md, section 3: only where the book cannot tell."""
        if booked and self.world.echoes(who[0]):
            self.complain("is unknown although the book shows its tag", who)
        elif not booked and who[0].startswith("paper:"):
            self.complain("is unknown although the paper book is proof", who)

    def same_terms(self, who, leg, entry):
        theirs = (entry["status"], entry["filled_quantity"])
        ours = (leg["order_status"], leg["filled_quantity"])
        # An order that was over for us before the exchange changed its mind is not looked at any more.
        if ours != theirs and not (entry["message"] == w.FLIPPED and ours[0] in ("CANCELLED", "FILLED")):
            self.complain(f"is {ours} here and {theirs} at the broker", who)

    # --- each order that somebody meant --------------------------------------------------------------

    def meant(self, m):
        bookings = {}
        for key in m.keys:
            order = self.orders.get(key.order_id)
            if key.order_id and not order:
                self.complain(f"order {key.order_id} was acknowledged with {key.key} and is not in the ledger")
                continue
            for leg in order["legs"] if order else []:
                who = (leg["account"], leg["tag"])
                live = [b for b in self.booked.get(who, []) if b.get("status") != "REJECTED"]
                bookings.setdefault(leg["account"], []).extend((who, b["order_id"]) for b in live)
        for account, found in bookings.items():
            if len(found) > 1:
                self.complain(f"order {m.number} of the program stands {len(found)} times at {account}: "
                              f"{found}, keys {[k.order_id for k in m.keys]}", found[0][0])
        if m.end == "accepted":
            for target in m.keys[-1].body["targets"]:
                whole = self.booked.get((target, self.tag(m.keys[-1], target)), [])
                if len(whole) != 1:
                    self.complain(f"order {m.number} was acknowledged and stands {len(whole)} times at {target}",
                                  (target, self.tag(m.keys[-1], target)))
            self.confirmed(m)
        elif not m.end or m.end.startswith(("two", "no end")):
            self.complain(f"order {m.number}: {m.end}; keys {[(k.key, k.order_id) for k in m.keys]}")

    def confirmed(self, m):
        """A change or cancel that was answered with 200 has happened, and stays."""
        for leg in (self.orders.get(m.keys[-1].order_id) or {"legs": []})["legs"]:
            who = (leg["account"], leg["tag"])
            if m.cancelled and leg["order_status"] not in w.OVER:
                self.complain(f"order {m.number} was cancelled, and is {leg['order_status']}", who)
            entry = (self.booked.get(who) or [{"paper": True}])[0]
            price = m.terms.get(leg["account"])
            if price and not entry.get("paper") and entry["price"] != price:
                self.complain(f"order {m.number} was changed to {price}, and the broker has {entry['price']}", who)

    def tag(self, key, account):
        order = self.orders.get(key.order_id) or {"legs": []}
        return next((leg["tag"] for leg in order["legs"] if leg["account"] == account), None)

    # --- replays --------------------------------------------------------------------------------

    def replay(self, key):
        """Every key answers what it answered first, and makes nothing."""
        if not key.answer:
            return
        a = self.world.until(lambda: self.repeat(key), 60, "no answer to a replay")
        if (a.status, a.raw) != (key.answer.status, key.answer.raw):
            self.complain(f"key {key.key} answered {key.answer.status}, and now {a.status}: "
                          f"{difference(key.answer.json, a.json)}; {a.json}")
        elif "idempotent-replayed" not in a.headers:
            self.complain(f"key {key.key} was answered anew: {a}")
        other = self.client.patiently("POST", "/api/v1/orders", {**key.body, "quantity": 11}, key=key.key)
        if other.json.get("code") != "IDEMPOTENCY_MISMATCH":
            self.complain(f"key {key.key} with another body: {other}")

    def repeat(self, key):
        try:
            a = self.client.request("POST", "/api/v1/orders", key.body, key.key)
        except w.GONE:
            return None
        return None if a.status in (429, 503) and not a.json.get("order_id") else a

    def audit(self):
        check = subprocess.run([str(w.ordo.BUILD / "src/ordoctl/ordoctl"), "audit", "verify"],
                               env=self.world.d.env, capture_output=True, text=True, timeout=300)
        if check.returncode != 0:
            self.complain("the audit chain is broken: " + check.stdout + check.stderr)

    def all(self, record):
        self.look()
        self.once()
        self.no_stranger()
        for who, (order, leg) in self.legs.items():
            self.leg(who, order, leg)
        for m in record:
            self.meant(m)
        return self
