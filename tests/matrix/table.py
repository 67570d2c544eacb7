"""What goes wrong, and what is expected of Ordo then: data only. docs/guarantees.md is compared with it.

A *fault* belongs to a class; a class and an operation have one line in EXPECTED. Both kinds of brokers
are there: those whose book shows our tag ("echo") and those that do not ("silent")."""

from typing import NamedTuple, Optional


class Column(NamedTuple):
    name: str
    broker: str
    short: str  # of the accounts' names
    echo: bool  # the order book shows the tag


PAPER = Column("paper", "paper", "p", True)
COLUMNS = (
    PAPER,
    Column("fyers", "fyers", "f", True),
    Column("hdfc", "hdfc", "h", False),
    Column("hdfc+echo", "hdfc", "he", True),
    Column("mstock", "mstock", "m", False),
    Column("mstock+echo", "mstock", "me", True),
)

OPERATIONS = ("place", "modify", "cancel", "book", "funds", "quotes")
READS = ("book", "funds", "quotes")

# The classes of faults, in words.
KINDS = {
    "none": "nothing goes wrong",
    "nothing left": "nothing has left",
    "back soon": "nothing has left, and the way is back before the deadline",
    "lost, taken": "the answer is lost, the broker has done it",
    "lost, not taken": "the answer is lost, the broker has not done it",
    "broken off": "the connection breaks off",
    "useless": "no answer in time, or one that cannot be used",
    "slow": "a slow answer",
    "twice": "an answer that comes twice",
    "too many": "too many requests",
    "expired": "the session has ended",
}


class Fault(NamedTuple):
    name: str
    title: str
    kind: str  # EXPECTED's class
    where: str  # "none", "requests": a rule for each account; "listener", "name": for all at once
    rule: Optional[dict] = None
    long: bool = False  # not in the short form
    reads: bool = True  # means something for reads
    read_kind: Optional[str] = None  # their class, where it is another one


def lost(name, title, taken, **rule):
    """The request arrives and no usable answer comes back; `taken`: the broker carries it out."""
    return Fault(name + (", taken" if taken else ", not taken"), title, "lost, taken" if taken else "lost, not taken",
                 "requests", {**rule, "book": taken}, reads=not taken,
                 read_kind="broken off" if rule["fault"] in ("reset_after", "close_after") else "useless")


FAULTS = (
    Fault("none", "nothing goes wrong", "none", "none"),
    Fault("refused", "nobody listens at the broker", "nothing left", "listener", {"fault": "refuse"}),
    Fault("refused 1 s", "nobody listens for a second", "back soon", "listener", {"fault": "refuse", "ms": 1000}),
    Fault("dns", "the broker's name is not found", "nothing left", "name", long=True),
    Fault("tls stranger", "a stranger signed the certificate", "nothing left", "listener",
          {"fault": "certificate", "number": 2}),
    Fault("tls expired", "the certificate has expired", "nothing left", "listener",
          {"fault": "certificate", "number": 3}),
    Fault("tls other host", "the certificate is another host's", "nothing left", "listener",
          {"fault": "certificate", "number": 4}),
    Fault("connect timeout", "nobody answers the connect", "nothing left", "listener", {"fault": "unreachable"}),
    Fault("reset before", "reset before anything was read", "nothing left", "listener",
          {"fault": "close_before", "count": 0}),
    lost("reset after", "read, then reset", True, fault="reset_after"),
    lost("reset after", "read, then reset", False, fault="reset_after"),
    lost("close after", "read, then closed", True, fault="close_after"),
    lost("close after", "read, then closed", False, fault="close_after"),
    lost("stall", "no answer before the deadline", True, fault="stall"),
    lost("stall", "no answer before the deadline", False, fault="stall"),
    lost("503", "an error of the server", True, fault="error", status=503),
    lost("503", "an error of the server", False, fault="error", status=503),
    lost("page 200", "a gateway's page with 200", True, fault="html"),
    lost("page 200", "a gateway's page with 200", False, fault="html"),
    lost("page 502", "a gateway's page with 502", True, fault="html", status=502),
    lost("page 502", "a gateway's page with 502", False, fault="html", status=502),
    lost("garbage", "200 and bytes that mean nothing", True, fault="garbage"),
    lost("garbage", "200 and bytes that mean nothing", False, fault="garbage"),
    Fault("late 8 s", "done 8 s later, the answer lost", "lost, taken", "requests",
          {"fault": "close_after", "book": True, "book_after_ms": 8000}, reads=False),
    Fault("late 90 s", "done 90 s later, the answer lost", "lost, taken", "requests",
          {"fault": "close_after", "book": True, "book_after_ms": 90000}, long=True, reads=False),
    Fault("slow 2 s", "the answer comes 2 s later", "slow", "requests", {"fault": "late", "ms": 2000}),
    Fault("duplicate", "the answer comes twice", "twice", "requests", {"fault": "duplicate"}),
    Fault("429", "too many requests", "too many", "requests", {"fault": "rate_limit"}),
    Fault("429 after 2", "the same, with Retry-After: 2", "too many", "requests",
          {"fault": "rate_limit", "retry_after": 2}),
    Fault("expired", "the session has ended", "expired", "requests", {"fault": "expired"}),
)


class Expected(NamedTuple):
    kind: str
    operation: str
    where: str  # a broker's slug, "echo", "silent" or "*"
    outcome: str
    status: tuple  # of the API's answer, any of these
    final: str
    received: tuple  # writes that the broker got, least and most
    booked: int  # orders that stand in the broker's book because of it


def line(kind, operation, where, outcome, status, final, received=(0, 0), booked=0):
    status = status if isinstance(status, tuple) else (status,)
    received = received if isinstance(received, tuple) else (received, received)
    return Expected(kind, operation, where, outcome, status, final, received, booked)


CANCELS_MOST = 4  # a cancel may be repeated: the first, and as often as a book showed the order live


def not_taken(kind):
    """No usable answer, and the broker has not done it; Ordo has to find that out."""
    return (
        line(kind, "place", "echo", "unknown", 202, "not_placed, inferred", 1, 0),
        line(kind, "place", "silent", "unknown", 202, "needs_operator", 1, 0),
        line(kind, "modify", "*", "unknown", 202, "old terms", 1),
        line(kind, "cancel", "*", "unknown", 202, "cancelled", (2, CANCELS_MOST)),
    )


# The first that fits counts. `final` of an order: outcome and, where it was not the broker's answer
# that told, how sure that is; of a modification: which terms hold; of a read: whether the next one
# is right.
EXPECTED = (
    line("none", "place", "*", "accepted", 201, "accepted", 1, 1),
    line("none", "modify", "*", "accepted", 200, "new terms", 1),
    line("none", "cancel", "*", "accepted", 200, "cancelled", 1),
    line("none", "book", "*", "success", 200, "seen"),
    line("none", "*", "*", "success", 200, "right"),

    line("nothing left", "place", "*", "not_sent", 424, "not_sent", 0, 0),
    line("nothing left", "modify", "*", "not_sent", 424, "old terms", 0),
    line("nothing left", "cancel", "*", "not_sent", 424, "open", 0),
    line("nothing left", "book", "*", "failed", 207, "seen"),
    line("nothing left", "funds", "*", "failed", 207, "right"),
    line("nothing left", "quotes", "*", "failed", 424, "right"),

    # What has not left is tried again; what is read, too.
    line("back soon", "place", "*", "accepted", 201, "accepted", 1, 1),
    line("back soon", "modify", "*", "accepted", 200, "new terms", 1),
    line("back soon", "cancel", "*", "accepted", 200, "cancelled", 1),
    line("back soon", "book", "*", "success", 200, "seen"),
    line("back soon", "*", "*", "success", 200, "right"),

    line("lost, taken", "place", "echo", "unknown", 202, "accepted, proven", 1, 1),
    line("lost, taken", "place", "silent", "unknown", 202, "accepted, inferred", 1, 1),
    line("lost, taken", "modify", "*", "unknown", 202, "new terms", 1),
    line("lost, taken", "cancel", "*", "unknown", 202, "cancelled", (1, CANCELS_MOST)),

    *not_taken("lost, not taken"),

    line("broken off", "book", "*", "success", 200, "seen"),
    line("broken off", "*", "*", "success", 200, "right"),

    line("useless", "book", "*", "failed", 207, "seen"),
    line("useless", "funds", "*", "failed", 207, "right"),
    line("useless", "quotes", "*", "failed", 424, "right"),

    line("slow", "place", "*", "accepted", 201, "accepted", 1, 1),
    line("slow", "modify", "*", "accepted", 200, "new terms", 1),
    line("slow", "cancel", "*", "accepted", 200, "cancelled", 1),
    line("slow", "book", "*", "success", 200, "seen"),
    line("slow", "*", "*", "success", 200, "right"),

    line("twice", "place", "*", "accepted", 201, "accepted", 1, 1),
    line("twice", "modify", "*", "accepted", 200, "new terms", 1),
    line("twice", "cancel", "*", "accepted", 200, "cancelled", 1),
    line("twice", "book", "*", "success", 200, "seen"),
    line("twice", "*", "*", "success", 200, "right"),

    # Fyers documents that such a request was not processed; the others say nothing.
    line("too many", "place", "fyers", "rejected", 429, "rejected", 1, 0),
    line("too many", "modify", "fyers", "rejected", 429, "old terms", 1),
    line("too many", "cancel", "fyers", "rejected", 429, "open", 1),
    *not_taken("too many"),
    line("too many", "book", "*", "failed", 207, "seen"),
    line("too many", "funds", "*", "failed", 207, "right"),
    line("too many", "quotes", "*", "failed", 429, "right"),

    line("expired", "place", "*", "rejected", 424, "rejected", 1, 0),
    line("expired", "modify", "*", "rejected", 424, "old terms", 1),
    line("expired", "cancel", "*", "rejected", 424, "open", 1),
    line("expired", "book", "*", "failed", 207, "seen"),
    line("expired", "funds", "*", "failed", 207, "right"),
    line("expired", "quotes", "*", "failed", 424, "right"),
)

# Paper is an exchange inside the daemon: its answers cannot get lost on the way, and it has neither
# name, certificate, session nor a rate of its own. What can happen to it is a crash between two
# commits (the torture suite), and everything that goes right.
PAPER_FAULTS = ("none",)
NOT_FOR_PAPER = "inside the daemon there is no way that could break"
NOT_FOR_READS = "a read changes nothing: see the row of what was not taken"


# Ends that take minutes of looking into the book.
LONG_FINALS = ("not_placed, inferred", "needs_operator")


def is_long(fault, e):
    return fault.long or e.final in LONG_FINALS


def impossible(fault, column, operation):
    """Why this cannot happen; None: it can."""
    if column is PAPER and fault.name not in PAPER_FAULTS:
        return NOT_FOR_PAPER
    return NOT_FOR_READS if operation in READS and not fault.reads else None


def expected(fault, column, operation):
    """None: this cannot happen."""
    if impossible(fault, column, operation):
        return None
    kind = fault.read_kind or fault.kind if operation in READS else fault.kind
    for e in EXPECTED:
        if e.kind == kind and e.operation in (operation, "*") and \
                e.where in (column.broker, "echo" if column.echo else "silent", "*"):
            return e
    raise KeyError((fault.kind, operation, column.name))
