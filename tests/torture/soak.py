#!/usr/bin/env python3
"""Hours in minutes: steady orders, changes, cancels, reads and event streams at brokers that misbehave, without a
kill. Nothing may grow that has no reason to: memory, descriptors, threads, unresolved legs, the WAL.

usage: soak.py [--minutes N] [--seed N]

Memory is the daemon's own (RssAnon), sampled every second. After the warm-up (a quarter of the run, at least 30 s) a
straight line is laid through it; its slope, less what the day's orders may leave, is what leaks. Memory comes in steps
of an arena, up to 1 MiB, which two minutes may take for a slope: where it seems to grow, the run goes on, up to three
times as long. A leak goes on too."""

import argparse
import contextlib
import http.client
import os
import pathlib
import re
import sys
import tempfile
import threading
import time

import judge
import plan
import torture
import trader
import world as w

ACCOUNTS = ("fyers:main", "hdfc:second", "mstock:second", *w.PAPER)
ORDERS_PER_S = 15
TRADERS = 12
STREAMS = 3
WARM_UP, WARM_UP_LEAST_S = 0.25, 30
LONGER = 3  # times the time, in doubt
MEMORY_TELLS = not {"ASAN_OPTIONS", "TSAN_OPTIONS"} & set(os.environ)  # a sanitizer keeps what was freed
READS = ("/api/v1/status", "/api/v1/orders?limit=50", "/api/v1/funds", "/api/v1/positions", "/api/v1/portfolio",
         "/api/v1/quotes?symbols=NSE:SBIN,NSE:INFY", "/api/v1/trades", "/health", "/ready", "/metrics", "/api/v1/killswitch")

# Bounds. What the day's orders leave in memory is theirs: keys with their answers, the paper book.
ORDER_BYTES = 1024
FILLED_BYTES, FILLERS = 12 << 20, 16  # the ledger's page cache is 8000 KiB
SLOPE_KIB_PER_MIN = 256
DESCRIPTORS = 24  # connections of clients and to brokers come and go
THREADS = 1  # copying, which comes with load
WAL_KIB = 64 << 10
UNRESOLVED = 12  # at one time; each is looked for until its book tells


class Sample:
    def __init__(self, soak):
        proc = pathlib.Path(f"/proc/{soak.world.d.process.pid}")
        self.at = time.monotonic() - soak.began
        self.memory = int(re.search(r"RssAnon:\s+(\d+) kB", (proc / "status").read_text()).group(1))
        self.descriptors = len(list((proc / "fd").iterdir()))
        self.threads = len(list((proc / "task").iterdir()))
        self.orders = len(soak.record)
        status = soak.world.status() or {}
        self.unresolved = sum(s["unresolved_legs"] for s in status.values())
        self.open = sum(s["open_legs"] for s in status.values())
        self.ledger, self.wal = ((soak.world.d.state / f"ordo.db{end}").stat().st_size >> 10 for end in ("", "-wal"))


def slope(points):
    """Of the straight line through (x, y), by least squares."""
    n = len(points)
    mx, my = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    return sum((x - mx) * (y - my) for x, y in points) / (sum((x - mx) ** 2 for x, _ in points) or 1)


class Soak:
    def __init__(self, minutes, seed):
        self.seconds = minutes * 60
        self.plan = plan.Plan(seed)
        self.world = w.World(accounts=ACCOUNTS)
        self.record, self.samples = [], []
        self.over = threading.Event()
        self.events = 0
        self.reads = 0
        self.faults = 0
        self.began = time.monotonic()

    def fill(self):
        """What has a bound is brought to it first: the ledger's page cache, the keys with their answers."""
        def run(t):
            while (self.world.d.state / "ordo.db").stat().st_size < FILLED_BYTES and not self.over.is_set():
                body = t.choose()
                meant = t.place(0, {**body, "targets": list(w.PAPER)})
                t.cancel(meant, meant.keys[-1])
        threads = [threading.Thread(target=run, args=(trader.Trader(self.world, self.plan.rng(f"filler {i}"), []),),
                                    daemon=True) for i in range(FILLERS)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()

    def pace(self, per_s, what):
        """In a thread, until it is over: so often, never faster to make up for what was slow."""
        def run():
            while not self.over.wait(1 / per_s):
                with contextlib.suppress(*w.GONE):
                    what()
        self.world.thread(run)

    def misbehave(self):
        for pause, rule in self.plan.faults():
            if self.over.wait(pause * 4):
                return
            if len(self.world.sim.faults()) < plan.RULES_MAX:
                self.world.sim.fault(**rule)
                self.faults += 1

    def stream(self):
        """Reads events for a while, then comes again, as a page does that is reloaded."""
        while not self.over.is_set():
            with contextlib.suppress(*w.GONE):
                c = http.client.HTTPConnection("127.0.0.1", self.world.d.port, timeout=5)
                c.request("GET", "/api/v1/events", headers={"Authorization": "Bearer " + self.world.token})
                r = c.getresponse()
                end = time.monotonic() + 20
                while not self.over.is_set() and time.monotonic() < end:
                    self.events += r.readline().startswith(b"id:")
                c.close()

    def one_order(self, t, rng):
        meant = t.place(len(self.record))
        t.go_on(meant)
        if meant.end == "accepted" and not meant.cancelled and rng.random() < 0.9:
            t.cancel(meant, meant.keys[-1])

    def run(self):
        world = self.world
        world.start()
        world.wait_listening()
        world.wait_trading()
        world.keep_logged_in()
        self.fill()
        self.began = time.monotonic()
        for i in range(TRADERS):
            rng = self.plan.rng(f"trader {i}")
            t = trader.Trader(world, rng, self.record)
            self.pace(ORDERS_PER_S / TRADERS, lambda t=t, rng=rng: self.one_order(t, rng))
        reader = w.Client(world)
        rng = self.plan.rng("reads")

        def read():
            self.reads += 1
            reader.request("GET", rng.choice(READS))
        self.pace(8, read)
        world.thread(self.misbehave)
        for _ in range(STREAMS):
            world.thread(self.stream)
        while self.lasts():
            time.sleep(1)
            if world.d.process.poll() is not None:
                raise AssertionError(f"ordod ended: {world.d.log_text()}")
            self.samples.append(Sample(self))
        self.over.set()
        world.sim.clear_faults()
        world.rest()
        with contextlib.suppress(AssertionError):
            world.until(self.settle, 60, "legs stay unresolved")

    def lasts(self):
        took = time.monotonic() - self.began
        return took < self.seconds or (took < LONGER * self.seconds and MEMORY_TELLS and self.leak() > self.allowed())

    def settle(self):
        """By the book; where the order never came to the broker, the operator does not wait for the proof."""
        for o in judge.pages(self.world.people):
            for leg in o["legs"]:
                if leg["status"] == "pending":
                    self.world.settle_by_hand(self.world.people, o["order_id"], leg)
        return self.settled()

    def settled(self):
        status = self.world.status()
        return status and not any(s["unresolved_legs"] or s["needs_operator"] for s in status.values())

    # --- what it shows --------------------------------------------------------------------------

    def warm(self):
        return [x for x in self.samples if x.at > max(WARM_UP * self.seconds, WARM_UP_LEAST_S)]

    def a_minute(self, name):
        return 60 * slope([(x.at, getattr(x, name)) for x in self.warm()])

    def leak(self):
        return self.a_minute("memory")

    def allowed(self):
        return SLOPE_KIB_PER_MIN + self.a_minute("orders") * ORDER_BYTES / 1024

    def table(self):
        warm = self.warm()
        print(f"# {'':24} {'first':>10} {'last':>10} {'least':>10} {'most':>10} {'a minute':>10}")
        for name, unit in (("memory", "KiB"), ("descriptors", ""), ("threads", ""), ("unresolved", "legs"), ("open", "legs"),
                           ("ledger", "KiB"), ("wal", "KiB"), ("orders", "")):
            values = [getattr(x, name) for x in warm]
            print(f"# {name + ' ' + unit:24} {values[0]:10} {values[-1]:10} {min(values):10} {max(values):10} "
                  f"{self.a_minute(name):10.1f}")
        print(f"# {len(self.record)} orders, {self.reads} reads, {self.events} events, {self.faults} faults in "
              f"{self.samples[-1].at:.0f} s; the first {warm[0].at:.0f} s are warming up", flush=True)

    def verdicts(self):
        warm = self.warm()
        late = warm[len(warm) // 2:]
        if MEMORY_TELLS:
            leak, allowed = self.leak(), self.allowed()
            yield "memory does not grow", leak <= allowed, f"{leak:.0f} KiB a minute, allowed {allowed:.0f}"
        most = max(x.descriptors for x in warm)
        yield "descriptors are constant", most <= warm[0].descriptors + DESCRIPTORS, f"{warm[0].descriptors}, then {most}"
        threads = {x.threads for x in warm}
        yield "threads are constant", max(threads) - min(threads) <= THREADS, f"{sorted(threads)}"
        most = max(x.unresolved for x in late)
        yield "unresolved legs do not add up", most <= UNRESOLVED and self.settled(), f"{most} at one time"
        most = max(x.wal for x in self.samples)
        yield "the WAL is bounded", most <= WAL_KIB, f"{most} KiB"
        yield "enough was done", len(self.record) > self.seconds and self.events and self.reads, ""


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "))
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    s = Soak(options.minutes, options.seed)
    good = False
    try:
        s.run()
        s.table()
        good = all([torture.verdict(name, ok, trouble) for name, ok, trouble in s.verdicts()])
    finally:
        s.over.set()
        keep = None if good else tempfile.mkdtemp(prefix="ordo-soak-evidence-")
        s.world.close(keep)
        if keep:
            print(f"# the evidence is in {keep}", flush=True)
    print(f"1..{torture.verdict.n}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
