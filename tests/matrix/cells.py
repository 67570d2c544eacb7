"""One cell of the matrix: an operation on an account while its fault is there, what came of it by the API, by
the audit, by the events and by the broker's own logs, and the judgement of that."""

import time
import uuid

import ordo
from table import expected

PRICE, NEW_PRICE = "1000.00", "999.00"
LONGEST = 360  # seconds; the last word of an absence is spoken after 300


class Cell:
    """`wrong`: what is not as it must be."""

    def __init__(self, world, fault, account):
        self.world, self.fault, self.account = world, fault, account
        self.expected = expected(fault, account.column, account.operation)
        self.outcome = self.final = self.status = self.code = None
        self.received = self.booked = self.retries = 0
        self.seconds = 0.0
        self.order_id = self.broker_order_id = self.key = None
        self.answer = None
        self.begun = self.calls = self.looked = 0
        self.before = {}
        self.wrong = []

    # --- what every cell has ---------------------------------------------------------------------

    @property
    def writes(self):
        return self.account.operation in ("place", "modify", "cancel")

    def prepare(self):
        """A witness or the order that is to be changed; the book was read since."""
        a = self.account
        if a.operation in ("funds", "quotes"):
            return
        fields = {"quantity": 3, "price": "995.00"} if a.operation == "place" else {}
        r = self.world.place(a, **fields)
        if r.status != 201:
            raise RuntimeError(f"{a.id}: no order to begin with: {r}")
        leg = r.json["results"][0]
        self.order_id, self.broker_order_id = r.json["order_id"], leg["broker_order_id"]

    def count(self):
        """What the broker has got before the fault."""
        a, w = self.account, self.world
        self.before = {"received": len(w.received(a, a.operation)) if self.writes else 0,
                       "calls": w.calls(a, a.operation), "entries": len(w.entries(a))}

    def set_fault(self):
        if self.fault.where == "requests":
            rule = dict(self.fault.rule)
            if self.expected.outcome == "failed":
                rule["count"] = 0  # the daemon reads by itself, too, and this is for the one we see
            self.world.sim.fault(operation=self.account.operation, client_id=self.account.client_id, **rule)

    def act(self):
        """The API's answer to the operation."""
        self.begun = time.monotonic()
        self.answer = getattr(self, "ask_" + self.account.operation)()
        self.status = self.answer.status if self.answer else None
        self.calls = self.world.calls(self.account, self.account.operation) - self.before["calls"]

    def await_final(self):
        getattr(self, "end_" + self.account.operation)()
        self.seconds = time.monotonic() - self.begun
        self.judge()

    def until(self, done, seconds):
        """Whether `done()` came true in time."""
        end = time.monotonic() + seconds * ordo.SLOW
        while not done():
            if time.monotonic() > end:
                return False
            self.world.events.wait(0.5)
        return True

    def leg(self):
        return self.world.leg(self.order_id)

    # --- place -----------------------------------------------------------------------------------

    def ask_place(self):
        self.key = str(uuid.uuid4())
        r = self.world.place(self.account, self.key, price=PRICE)
        body = r.json
        self.order_id = body.get("order_id")
        leg = (body.get("results") or [body])[0]
        self.outcome, self.code = leg.get("outcome"), leg.get("code")
        if r.status == 202 and self.outcome == "none":
            self.outcome = "unknown"  # the deadline's answer came right before the end of the attempt
        return r

    def end_place(self):
        if not self.order_id:
            self.final = self.outcome
            return
        seen = {}

        def settled():
            self.keep_session()
            seen["leg"] = self.leg()
            return seen["leg"]["state"] in ("settled", "needs_operator")
        if not self.until(settled, LONGEST):
            self.final = "never told"
            self.wrong.append(self.why_not())
            return
        leg = seen["leg"]
        # an operator's business until the book shows it after all
        late = self.fault.rule and self.fault.rule.get("book_after_ms") and leg["state"] == "needs_operator"
        if late and self.until(lambda: self.leg()["state"] == "settled", 60):
            leg = self.leg()
        self.broker_order_id = leg["broker_order_id"]
        self.retries = max(0, leg["attempts"] - 1)
        if leg["state"] == "needs_operator":
            self.final = "needs_operator"
        else:
            sure = "" if self.outcome == leg["outcome"] else f", {leg['confidence']}"
            self.final = leg["outcome"] + sure

    def keep_session(self):
        """Sessions end in the morning of India, in the middle of a long wait perhaps."""
        a = self.account
        if a.local or self.fault.kind == "expired" or time.monotonic() < self.looked + 15:
            return
        self.looked = time.monotonic()
        if self.world.ask("GET", f"/api/v1/auth/{a.broker}/{a.name}").json["state"] != "active":
            self.world.log_in(a)

    def why_not(self):
        """What may help to find out why a leg was not told of."""
        w, a = self.world, self.account
        (status,) = [s for s in w.ask("GET", "/api/v1/status").json["accounts"] if s["account"] == a.id]
        read = w.ask("POST", "/api/v1/accounts/reconcile", {"accounts": [a.id]}).json
        return f"{w.calls(a, 'book')} reads of the book; {status}; {read}; {self.leg()}"

    # --- modify and cancel -----------------------------------------------------------------------

    def amended(self, r):
        body = r.json
        leg = (body.get("results") or [body])[0]
        self.outcome, self.code = leg.get("outcome"), leg.get("code")
        return r

    def ask_modify(self):
        return self.amended(self.world.ask("PATCH", f"/api/v1/orders/{self.order_id}", {"price": NEW_PRICE}))

    def ask_cancel(self):
        return self.amended(self.world.ask("DELETE", f"/api/v1/orders/{self.order_id}"))

    def delay(self):
        return (self.fault.rule or {}).get("book_after_ms", 0) / 1000 + 40

    def look(self, what):
        """Until it is as expected. What is to stay as it was is looked at after two more reads of the book,
        after which Ordo might do something about it."""
        wanted = self.expected.final
        if wanted in ("old terms", "open"):
            for _ in range(2):
                self.world.read_books([self.account])
            return what()
        self.until(lambda: what() == wanted, self.delay())
        return what()

    def end_modify(self):
        def terms():
            # an effective price is shown where it differs from the one that was asked for
            leg = self.leg()
            price = (leg["effective"] or {}).get("price") or self.world.order(self.order_id)["price"]
            return {PRICE: "old terms", NEW_PRICE: "new terms"}.get(price, price)
        self.final = self.look(terms)

    def end_cancel(self):
        self.final = self.look(lambda: self.leg()["order_status"].lower())

    # --- reads -----------------------------------------------------------------------------------

    def ask_book(self):
        """An execution that the next read of the book shows, and a read on demand."""
        if not self.account.local:
            self.world.sim.fill(self.broker_order_id, 7, PRICE)
        r = self.world.ask("POST", "/api/v1/accounts/reconcile", {"accounts": [self.account.id]})
        (row,) = r.json["results"]
        self.outcome, self.code = row["status"], row["code"]
        return r

    def end_book(self):
        if self.account.local:
            self.final = "seen"
            return
        seen = self.until(lambda: self.leg()["order_status"] == "FILLED", 60)
        self.final = "seen" if seen else self.leg()["order_status"].lower()

    def ask_funds(self):
        r = self.world.ask("GET", f"/api/v1/funds?accounts={self.account.id}")
        (row,) = r.json["results"]
        self.outcome, self.code = row["status"], row.get("code")
        return r

    def ask_quotes(self):
        r = self.world.ask("GET", f"/api/v1/quotes?symbols=NSE:SBIN&account={self.account.id}")
        self.outcome = "success" if r.status == 200 else "failed"
        self.code = r.json.get("code")
        return r

    def right(self, r):
        """Whether a read that claims to have succeeded tells what the broker has."""
        if self.account.operation == "quotes":
            return [q["last"] for q in r.json["quotes"]] == ["1050.00"]
        (row,) = r.json["results"]
        cash = row["funds"]["available"]
        return float(cash) == (10000000 if self.account.local else 100000000)

    def end_read(self):
        if self.outcome == "success" and not self.right(self.answer):
            self.wrong.append(f"a wrong answer was taken for good: {self.answer}")
        ask = getattr(self, "ask_" + self.account.operation)
        told = (self.outcome, self.code)

        def good():
            r = ask()
            return r.status == 200 and self.outcome == "success" and self.right(r)
        self.final = "right" if self.until(good, 40) else "wrong"
        self.outcome, self.code = told

    end_funds = end_quotes = end_read

    # --- the judgement ---------------------------------------------------------------------------

    def judge(self):
        a, w = self.account, self.world
        self.booked = len(w.entries(a)) - self.before["entries"]
        if self.writes and not a.local:
            self.received = len(w.received(a, a.operation)) - self.before["received"]
            self.retries = max(self.retries, self.received - 1)
        elif not a.local:
            self.retries = max(0, self.calls - 1)
        self.judge_expected()
        if self.writes and self.order_id:
            self.judge_records()
        if a.operation == "place" and self.order_id and not a.local:
            self.judge_book()
            self.judge_replay()
            if self.fault.kind == "twice":
                self.judge_next()

    def differs(self, what, got, wanted):
        self.wrong.append(f"{what} {got}, not {wanted}")

    def judge_expected(self):
        e = self.expected
        if self.answer is not None:
            if self.outcome != e.outcome:
                self.differs("outcome", self.outcome, e.outcome)
            if self.status not in e.status:
                self.differs("status", self.status, "/".join(map(str, e.status)))
        if self.final != e.final:
            self.differs("final", self.final, e.final)
        if self.writes and not self.account.local and not e.received[0] <= self.received <= e.received[1]:
            self.differs("received", self.received, e.received)
        if self.booked != e.booked or self.booked > 1:
            self.differs("booked", self.booked, e.booked)
        if self.account.operation in ("place", "modify") and self.received > 1:
            self.wrong.append("the broker got a write twice")

    def judge_records(self):
        """Nothing ends silently: the audit and the events say what the API says."""
        order, audit = self.world.order(self.order_id), self.world.audit(self.order_id)
        leg, operation = order["legs"][0], self.account.operation
        actions = [r["action"] for r in audit]
        last = {"place": "leg.outcome", "modify": "modify.answered", "cancel": "cancel.answered"}[operation]
        answered = [r for r in audit if r["action"] == last]
        if not answered:
            self.wrong.append(f"no {last} in the audit: {actions}")
        elif answered[0]["outcome"] != self.outcome:
            self.differs("the audit's outcome", answered[0]["outcome"], self.outcome)
        if operation == "place" and self.outcome == "unknown":
            wanted = "leg.needs_operator" if leg["state"] == "needs_operator" else "leg.resolved"
            if wanted not in actions:
                self.wrong.append(f"no {wanted} in the audit: {actions}")
            elif wanted == "leg.resolved" and \
                    [r["outcome"] for r in audit if r["action"] == wanted][-1] != leg["outcome"]:
                self.wrong.append("the audit settles it otherwise")
        # the API's own answer may come before the event; what a later attempt followed is no news
        wanted = {(r["seq"], r["action"], r["outcome"]) for r in audit if r["action"] != "leg.attempt"}

        def told():
            return wanted <= {(e["seq"], e["action"], e["outcome"]) for e in self.world.events.of(self.order_id)}
        if not self.until(told, 5):
            self.wrong.append(f"not all of {actions} are events")

    def judge_book(self):
        """The broker's entry and the leg are the same order."""
        leg = self.leg()
        mine = [e for e in self.world.entries(self.account) if e["quantity"] == 7]
        numbers = [e["order_id"] for e in mine]
        has = [leg["broker_order_id"]] if leg["outcome"] == "accepted" else []
        if numbers != has:
            self.wrong.append(f"the broker has {numbers}, the leg {has}")

    def judge_next(self):
        """The second copy of an answer is not taken for the answer to the next order."""
        answers = []

        def placed():  # its turn in the broker's rate may come later
            answers.append(self.world.place(self.account, quantity=8, price=PRICE))
            return answers[-1].status != 429
        self.until(placed, 20)
        r = answers[-1]
        entries = [e["order_id"] for e in self.world.entries(self.account) if e["quantity"] == 8]
        if r.status != 201 or [r.json["results"][0]["broker_order_id"]] != entries:
            self.wrong.append(f"the next order: {r}, the broker has {entries}")

    def judge_replay(self):
        """The key again: the same answer if it was the last word, else what is known now; nothing is sent."""
        r = self.world.place(self.account, self.key, price=PRICE)
        leg = (r.json.get("results") or [r.json])[0]
        if r.headers.get("idempotent-replayed") != "true" or r.json.get("order_id") != self.order_id:
            self.wrong.append(f"the key is not known any more: {r}")
        elif self.status != 202 and (r.status, r.raw) != (self.status, self.answer.raw):
            self.wrong.append(f"the key answers otherwise: {r}")
        elif self.status == 202 and leg["outcome"] != self.leg()["outcome"]:
            self.wrong.append(f"the key answers {leg['outcome']}, the order is {self.leg()['outcome']}")
        if len(self.world.received(self.account, "place")) - self.before["received"] != self.received:
            self.wrong.append("the key sent the order again")
