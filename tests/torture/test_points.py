#!/usr/bin/env python3
"""usage: test_points.py ACCOUNT...

Each crash point of the table in src/base/fault.h by itself, at a broker whose book shows Ordo's tag, at one whose
book does not, and on paper: an order's whole life, with the daemon killed at the point, and the judge.

A new row of the table is tested by its name alone. A point that is passed nowhere is a failure."""

import os
import random
import sys
import tempfile
import threading
import time

import judge
import plan
import torture
import trader
import world as w

BURST = 14  # orders at once; nine go in 1.1 s
WRITES = 8  # CALL_WRITES_MAX: so many are at a broker at once
SLOWLY_MS = 1500  # an answer: longer than those 1.1 s, so that one more has to wait for it
AWAY_MS = 40000  # nobody listens at the broker, at most: an order may have to wait for the broker's minute first
# Paper answers at once, its book is proof, and there is no way to it that could break.
NOT_ON_PAPER = ("adopt-", "queue-", "retry-")


class Life:
    """Everything that can happen to an order, in one account, until all of it is definite. What takes its time
    happens only where the point lies on its way."""

    def __init__(self, world, point, account, symbol, rng, died):
        self.world, self.point, self.account, self.symbol, self.died = world, point, account, symbol, died
        self.broker = account.partition(":")[0]
        self.record = []
        self.trader = trader.Trader(world, rng, self.record)
        self.number = 0

    def order(self, quantity):
        self.number += 1
        return {"symbol": self.symbol, "side": "BUY", "type": "LIMIT", "quantity": quantity,
                "price": f"{w.SHARES[self.symbol] - 10 - self.number}.00", "product": "CNC", "validity": "DAY",
                "targets": [self.account]}

    def lost_reply(self):
        """The broker books it and says nothing: it has to be found."""
        if self.broker != "paper":
            self.world.sim.fault("close_after", broker=self.broker, operation="place", book=True)
        return self.trader.place(self.number, self.order(2))

    def nobody_listens(self):
        """Nothing of it leaves, and it is about to go again; then the broker is back."""
        def come_back():
            self.died.wait(AWAY_MS / 1000)
            self.world.sim.clear_faults()
        self.world.sim.fault("refuse", ms=AWAY_MS)
        back = threading.Thread(target=come_back, daemon=True)
        back.start()
        self.trader.place(self.number, self.order(4))
        back.join()

    def burst(self):
        """More at once than may go in a second, and more than may be at a slow broker: some have to wait for their
        turn, some for an answer to others."""
        if self.point.startswith("queue-") and self.broker != "paper":
            self.world.sim.fault("late", broker=self.broker, operation="place", ms=SLOWLY_MS, count=WRITES + 1)
        traders = [trader.Trader(self.world, random.Random(self.trader.rng.random()), self.record)
                   for _ in range(BURST)]
        bodies = [self.order(3) for _ in traders]
        threads = [threading.Thread(target=t.place, args=(self.number, body), daemon=True)
                   for t, body in zip(traders, bodies)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        for t in traders:
            t.client.close()
        if self.point.startswith("queue-") and self.broker != "paper":
            self.world.sim.clear_faults()

    def kill_switch(self):
        for level in ("HALT", "NONE"):
            body = {"level": level, "scope": f"account:{self.account}", "reason": "torture"}
            a = self.trader.client.patiently("POST", "/api/v1/killswitch", body)
            if a.status != 200:
                raise AssertionError(f"{level}: {a}")

    def run(self):
        placed = self.trader.place(self.number, self.order(1))
        lost = self.lost_reply()
        for meant in (placed, lost):
            if meant.end == "accepted":
                self.trader.modify(meant, meant.keys[-1])
                self.trader.cancel(meant, meant.keys[-1])
        if self.point.startswith("retry-") and self.broker != "paper":
            self.nobody_listens()
        self.burst()
        self.kill_switch()
        self.trader.client.close()


class Points:
    def __init__(self, arguments):
        """Accounts, and how the names of the points begin that are gone through; without such a beginning, all."""
        self.rng = random.Random("points")
        accounts = [a for a in arguments if ":" in a]
        beginnings = tuple(a for a in arguments if ":" not in a) or ("",)
        self.points = [p for p in plan.crash_points() if p.startswith(beginnings)]
        self.accounts = accounts
        # No fault puts a booking off here.
        self.world = w.World(accounts=accounts, env={"ORDO_ORDER_DEADLINE": "6s", "ORDO_LIMITS": "on"}, patience=1)
        self.record = []
        self.passed = {}
        self.over = threading.Event()
        self.number = 0

    def nurse(self, died):
        """Starts the daemon again when it dies, unarmed."""
        d = self.world.d
        while not self.over.wait(0.01):
            if d.process.poll() is None:
                continue
            if d.process.returncode != -9:
                raise AssertionError(f"ordod ended with {d.process.returncode}:\n{d.log_text()}")
            died.set()
            self.world.start()

    def one(self, point, account):
        """True when the point was passed."""
        self.world.kill()
        self.world.start(point)
        died = threading.Event()
        life = Life(self.world, point, account, self.rng.choice(list(w.SHARES)), self.rng, died)
        self.over.clear()
        nurse = threading.Thread(target=self.nurse, args=(died,), daemon=True)
        nurse.start()
        life.run()
        self.over.set()
        nurse.join()
        self.record += life.record
        return died.is_set()

    def run(self):
        world = self.world
        world.start()
        world.wait_listening()
        world.wait_trading()
        for point in self.points:
            for account in self.accounts:
                began = time.monotonic()
                self.passed[point, account] = self.one(point, account)
                print(f"# {point:16} {account:11} {'died' if self.passed[point, account] else 'not passed':10} "
                      f"{time.monotonic() - began:.1f} s", flush=True)

    def judge(self):
        court = judge.Judge(self.world)
        for m in self.record:
            for key in m.keys:
                court.replay(key)
        self.world.until(lambda: torture.Torture.books_agree(court), 120, "the books are not read")
        court.all(self.record)
        self.world.d.stop()
        court.audit()
        return court


def main():
    if os.environ.get("ORDO_TEST_FAULTS") == "false":
        print("1..0 # SKIP this build has no crash points (-Dfaults=true)")
        return 0
    p = Points(sys.argv[1:])
    good = False
    try:
        p.run()
        court = p.judge()
        good = torture.verdict("nothing is doubled, nothing is lost", not court.complaints,
                               "\n".join(court.complaints[:torture.SHOWN]))
        for point in p.points:
            where = [a for a in p.accounts if not p.passed[point, a]]
            where = [a for a in where if not (a.startswith("paper:") and point.startswith(NOT_ON_PAPER))]
            good &= torture.verdict(f"{point} was passed", not where, f"not at {where}" if where else "")
    finally:
        keep = None if good else tempfile.mkdtemp(prefix="ordo-points-evidence-")
        p.world.close(keep)
        if keep:
            print(f"# the evidence is in {keep}", flush=True)
    print(f"1..{torture.verdict.n}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
