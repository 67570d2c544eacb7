"""What goes wrong, and when: drawn from a seed, so that a run can be repeated. How the threads of two
processes meet cannot be; that is why a failure keeps its evidence."""

import random
import subprocess

import world as w

# What a request may meet: (weight, operations, rule). Times are short against the deadline of an order.
ANY = ("place", "modify", "cancel", "book")
WRITES = ("place", "modify", "cancel")
FAULTS = (
    (6, WRITES, lambda r: {"fault": "close_after", "book": True}),
    (4, WRITES, lambda r: {"fault": "close_after", "book": False}),
    (3, ("place",), lambda r: {"fault": "close_after", "book": True, "book_after_ms": r.randint(200, 5000)}),
    (4, ANY, lambda r: {"fault": "stall", "ms": r.randint(100, 2500)}),
    (2, ("place",), lambda r: {"fault": "stall", "ms": 6000}),  # beyond the deadline
    (4, ANY, lambda r: {"fault": "reset"}),
    (3, ANY, lambda r: {"fault": "truncate"}),
    (4, ANY, lambda r: {"fault": "error", "status": r.choice((500, 502, 503, 504))}),
    (2, ANY, lambda r: {"fault": "error", "status": 502, "book": False}),
    (3, ANY, lambda r: {"fault": "garbage"}),
    (3, ANY, lambda r: {"fault": "html", "status": r.choice((200, 502))}),
    (6, ANY, lambda r: {"fault": "late", "ms": r.randint(50, 2500)}),
    (4, ANY, lambda r: {"fault": "duplicate"}),
    (3, ANY, lambda r: {"fault": "rate_limit", "retry_after": 1}),
    (2, ANY, lambda r: {"fault": "rate_limit"}),
    (2, ANY, lambda r: {"fault": "drip", "ms": r.randint(5, 40)}),
    (2, ANY, lambda r: {"fault": "wrong_types"}),
    (1, ANY, lambda r: {"fault": "expired"}),
    (2, ("place",), lambda r: {"fault": "flip", "ms": r.randint(50, 1500), "text": w.FLIPPED}),
    (3, ("place",), lambda r: {"fault": "unacknowledged"}),
    (1, (None,), lambda r: {"fault": "refuse", "ms": r.randint(100, 800)}),
    (1, (None,), lambda r: {"fault": "close_before"}),
)
RULES_MAX = 8  # rules that wait for their request at one time


def crash_points():
    program = w.ordo.BUILD / "tests/torture/crash-points"
    return subprocess.run([program], check=True, capture_output=True, text=True).stdout.split()


class Plan:
    def __init__(self, seed):
        self.seed = seed

    def rng(self, what):
        return random.Random(f"{self.seed}/{what}")

    def faults(self):
        """Without end: (seconds to wait, rule)."""
        rng = self.rng("faults")
        weights = [weight for weight, _, _ in FAULTS]
        while True:
            _, operations, make = rng.choices(FAULTS, weights)[0]
            rule = make(rng)
            operation = rng.choice(operations)
            if operation:
                rule.update(operation=operation, broker=rng.choice(w.BROKERS))
            yield rng.uniform(0.02, 0.3), rule

    def kills(self, gap_s):
        """Without end: (seconds until the kill, crash point or None for a kill from outside)."""
        rng = self.rng("kills")
        points = crash_points()
        while True:
            # More than half of them at a point: some of these are not passed in time.
            if rng.random() < 0.65:
                yield 2 * gap_s, f"{rng.choice(points)}:{rng.randint(1, 5)}"
            else:
                yield rng.uniform(0.2, 2 * gap_s - 0.2), None
