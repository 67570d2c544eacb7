#!/usr/bin/env python3
"""Prints docs/guarantees.md with its tables as table.py has them; `./dev fmt` writes it."""

import pathlib
import re

from table import COLUMNS, FAULTS, KINDS, expected

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/guarantees.md"
FINALS = {
    "accepted": "live",
    "accepted, proven": "found in the broker's book by its tag",
    "accepted, inferred": "found in the broker's book as the only order like it (`inferred`)",
    "rejected": "refused, nothing is live",
    "not_sent": "nothing is at the broker",
    "not_placed, inferred": "`not_placed`, when complete books did not have it for 5 minutes (15 seconds after an HTTP "
                            "error without an order id)",
    "needs_operator": "`needs_operator`, after 2 minutes of looking for it",
    "old terms": "as it was",
    "new terms": "changed",
    "cancelled": "cancelled",
    "open": "still open",
    "seen": "an execution is seen by a later read",
    "right": "the next read is right",
}
BROKERS = {"fyers": "FYERS", "echo": "tags shown", "silent": "no tags", "*": ""}


def lines(operation):
    """One for each class, and sort of broker where they differ."""
    seen = []
    for f in FAULTS:
        for c in COLUMNS[1:]:
            e = expected(f, c, operation)
            if e and e not in seen:
                seen.append(e)
    return sorted(seen, key=lambda e: list(KINDS).index(e.kind))


def outcomes(operation):
    rows = ["| what goes wrong | the answer | the end |", "|---|---|---|"]
    several = [e.kind for e in lines(operation)]
    for e in lines(operation):
        where = BROKERS[e.where] or ("the others" if several.count(e.kind) > 1 else "")
        title = KINDS[e.kind] + (f" ({where})" if where else "")
        rows.append(f"| {title} | {'/'.join(map(str, e.status))} `{e.outcome}` | {FINALS[e.final]} |")
    return "\n".join(rows)


def faults():
    rows = ["| what goes wrong | to Ordo it is |", "|---|---|"]
    for f in FAULTS:
        if f.kind == "none" or f.name.endswith(", not taken"):
            continue
        kind = "the answer is lost; it looks the same whether the broker has done it or not" \
            if f.name.endswith(", taken") else KINDS[f.kind]
        rows.append(f"| {f.title} | {kind} |")
    return "\n".join(rows)


def page():
    text = PAGE.read_text()
    tables = {"faults": faults(), **{o: outcomes(o) for o in ("place", "modify", "cancel", "funds", "quotes")}}
    for name, table in tables.items():
        block = re.compile(rf"(<!-- table: {name} -->\n).*?(<!-- end -->)", re.S)
        text, n = block.subn(lambda m, t=table: m.group(1) + t + "\n" + m.group(2), text)
        assert n == 1, name
    return text


if __name__ == "__main__":
    print(page(), end="")
