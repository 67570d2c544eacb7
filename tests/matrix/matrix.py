"""The fault matrix: every fault, operation and broker, against the daemon and the simulated brokers. `./dev matrix`
runs it and prints the table; as a test (--tap) the cells without long waits.

The rows run at the same time, each with a daemon and a market of its own: the end of an order that was not
taken is known after 240 to 300 seconds, and all of them wait for it together."""

import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

from world import Account, Certificates, World  # first: it knows where the tests' modules are
import ordo
from cells import Cell
from table import COLUMNS, FAULTS, OPERATIONS, PAPER, expected, impossible, is_long

STARTING = 3       # worlds that start at one time
HEADINGS = ("fault", "account", "operation", "outcome", "status", "received", "booked", "retries", "end", "seconds", "")


class Row(threading.Thread):
    """All cells of one fault."""

    starting = threading.Semaphore(STARTING)

    def __init__(self, fault, options, certificates, masters, directory):
        super().__init__(name=fault.name)
        self.fault, self.options = fault, options
        self.directory = directory
        directory.mkdir()
        self.trouble = None
        accounts = [Account(c, o) for c in COLUMNS for o in OPERATIONS if self.runs(c, o)]
        self.world = World(fault.name, accounts, certificates, masters, directory)
        self.cells = [Cell(self.world, fault, a) for a in accounts]

    def runs(self, column, operation):
        o = self.options
        e = expected(self.fault, column, operation)
        return e is not None and not (o.short and is_long(self.fault, e)) and \
            (not o.accounts or column.name in o.accounts) and (not o.operations or operation in o.operations)

    def run(self):
        try:
            try:
                with self.starting:
                    self.world.start(by_name=self.fault.where == "name")
                self.prepare()
                self.go()
            finally:
                self.world.stop(self.check_audit)
        except Exception:  # of any kind: the row has failed, the others go on
            self.trouble = traceback.format_exc()

    def check_audit(self, env):
        """The chain of records is whole, through all of it."""
        r = subprocess.run([ordo.BUILD / "src/ordoctl/ordoctl", "audit", "verify"], env=env, capture_output=True,
                           text=True, timeout=60 * ordo.SLOW)
        if r.returncode != 0:
            self.trouble = f"the audit: {r.stdout}{r.stderr}"

    def prepare(self):
        for c in self.cells:
            c.prepare()
        self.world.read_books([c.account for c in self.cells if c.order_id])
        for c in self.cells:
            c.count()

    def begin_fault(self):
        sim = self.world.sim
        if self.fault.where == "listener":
            rule = dict(self.fault.rule)
            if rule["fault"] != "close_before":
                rule.setdefault("ms", 600000)
            sim.fault(**rule)
        elif self.fault.where == "name":
            # libcurl remembers an address for 60 seconds
            self.world.know_host(False)
            time.sleep(62)
            sim.fault("close_before")  # what is connected is cut, and the next one
        for c in self.cells:
            c.set_fault()

    def end_fault(self):
        if self.fault.where == "name":
            self.world.know_host(True)
        self.world.sim.clear_faults()

    def log_in_again(self):
        if self.fault.kind == "expired":
            for c in self.cells:
                self.world.log_in(c.account)

    def go(self):
        self.begin_fault()
        self.together("act")
        self.end_fault()
        self.log_in_again()
        self.together("await_final")

    def together(self, what):
        threads = [threading.Thread(target=self.guarded, args=(c, what)) for c in self.cells]
        for t in threads:
            t.start()
        for t in threads:
            t.join()

    @staticmethod
    def guarded(cell, what):
        try:
            getattr(cell, what)()
        except Exception:
            cell.wrong.append(traceback.format_exc(limit=3).replace("\n", " | "))


def load_masters(certificates, directory):
    """Instruments, loaded once for all worlds."""
    directory.mkdir()
    accounts = [Account(c, "first") for c in COLUMNS if c is not PAPER and not c.name.endswith("+echo")]
    w = World("masters", accounts, certificates, None, directory)
    try:
        w.start()
        shutil.copytree(w.d.state / "masters", directory / "masters")
    finally:
        w.stop()
    return directory / "masters"


def line_of(cell):
    status = "" if cell.status is None else str(cell.status)
    sent = cell.writes and not cell.account.local
    return (cell.fault.name, cell.account.column.name, cell.account.operation, cell.outcome or "", status,
            str(cell.received) if sent else "", str(cell.booked) if cell.writes else "", str(cell.retries),
            cell.final or "", f"{cell.seconds:.1f}", "" if not cell.wrong else "≠ " + "; ".join(cell.wrong))


def print_table(rows, out):
    lines = [HEADINGS]
    for row in rows:
        lines += [line_of(c) for c in row.cells]
        for c in COLUMNS:
            whys = [impossible(row.fault, c, o) for o in OPERATIONS]
            for why in dict.fromkeys(w for w in whys if w):
                which = "all" if all(whys) else "reads"
                lines.append((row.fault.name, c.name, which, "n/a") + ("",) * 6 + (why,))
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADINGS) - 1)]
    for line in lines:
        print("  ".join(v.ljust(w) for v, w in zip(line, widths)) + "  " + line[-1].rstrip(), file=out)


def json_of(c):
    names = ("outcome", "status", "code", "final", "received", "booked", "retries")
    return {"fault": c.fault.name, "account": c.account.column.name, "operation": c.account.operation,
            **{n: getattr(c, n) for n in names}, "seconds": round(c.seconds, 1), "wrong": c.wrong}


def print_json(rows, out):
    cells = [json_of(c) for r in rows for c in r.cells]
    cells += [{"fault": r.fault.name, "account": c.name, "operation": o, "not_applicable": impossible(r.fault, c, o)}
              for r in rows for c in COLUMNS for o in OPERATIONS if impossible(r.fault, c, o)]
    json.dump(cells, out, indent=1)
    print(file=out)


def print_tap(rows, out):
    print(f"1..{len(rows)}", file=out)
    for i, row in enumerate(rows):
        bad = [c for c in row.cells if c.wrong]
        ok = "not ok" if row.trouble or bad else "ok"
        print(f"{ok} {i + 1} - {row.fault.name}: {len(row.cells)} cells", file=out)
        for c in bad:
            print(f"# {c.account.column.name} {c.account.operation}: {'; '.join(c.wrong)}", file=out)
        for trouble in (row.trouble or "").splitlines():
            print("# " + trouble, file=out)


def arguments():
    p = argparse.ArgumentParser(prog="./dev matrix", description="What goes wrong, and what comes of it.")
    p.add_argument("--json", action="store_true", help="for programs")
    p.add_argument("--tap", action="store_true", help="as a test: one line for each fault")
    p.add_argument("--short", action="store_true", help="leave out what takes minutes")
    p.add_argument("--fault", dest="faults", action="append", metavar="NAME", choices=[f.name for f in FAULTS])
    p.add_argument("--account", dest="accounts", action="append", choices=[c.name for c in COLUMNS])
    p.add_argument("--operation", dest="operations", action="append", choices=OPERATIONS)
    options = p.parse_args()
    if ordo.SLOW > 1 and not options.accounts:  # sanitizers: one broker of each sort
        options.accounts = ["fyers", "mstock"]
    return options


def main():
    options = arguments()
    begun = time.monotonic()
    threading.stack_size(256 << 10)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="ordo-matrix-") as name:
        directory = pathlib.Path(name)
        certificates = Certificates(directory)
        masters = load_masters(certificates, directory / "first")
        faults = [f for f in FAULTS if not options.faults or f.name in options.faults]
        faults.sort(key=lambda f: not f.long)  # the longest begin first
        rows = [Row(f, options, certificates, masters, directory / str(i)) for i, f in enumerate(faults)]
        rows = [r for r in rows if r.cells]
        try:
            for r in rows:
                r.start()
            for r in rows:
                r.join()
        except KeyboardInterrupt:
            for r in rows:
                r.world.kill()
            shutil.rmtree(name, ignore_errors=True)
            os._exit(130)  # the rows' threads wait for daemons that are gone
    rows.sort(key=lambda r: [f.name for f in FAULTS].index(r.fault.name))
    (print_json if options.json else print_tap if options.tap else print_table)(rows, sys.stdout)
    cells = [c for r in rows for c in r.cells]
    wrong = sum(bool(c.wrong) for c in cells)
    if not options.json and not options.tap:
        print(f"\n{len(cells)} cells in {time.monotonic() - begun:.0f} s; {wrong} not as expected; "
              f"most bookings of one order: {max((c.booked for c in cells), default=0)}")
    for r in rows:
        if r.trouble:
            print(f"{r.fault.name}: {r.trouble}", file=sys.stderr)
    sys.exit(1 if wrong or any(r.trouble for r in rows) else 0)


if __name__ == "__main__":
    main()
