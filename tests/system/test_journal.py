"""The journal tells the story of an order, explains itself, and holds no secret. Every line of docs/journal.md works."""
import re
import time
import uuid

import machine

STALLED_ORDERS = 1000  # two records each: more than the socket takes, less than the log's queue

PAGE = (machine.SOURCE / "docs/journal.md").read_text()


def recipes():
    """Each command of the page's tested blocks."""
    for block in re.findall(r"<!-- tested -->\n```sh\n(.*?)```", PAGE, re.S):
        yield from block.splitlines()


def steps(records):
    return [(r.get("ORDO_ACTION"), r.get("ORDO_ACCOUNT"), r.get("ORDO_OUTCOME"), r.get("ORDO_STATUS"))
            for r in records]


class Journal(machine.Case):
    @classmethod
    def prepare(cls):
        super().prepare()
        m = cls.m
        m.drop_in("ordo.service", "[Service]\nWatchdogSec=1s\nRestartSec=100ms\n")
        m.run("systemctl", "start", "ordo.service")
        cls.scene(cls())

    def runTest(self):
        pass

    @classmethod
    def scene(cls, t):
        """One of each thing that the page searches for."""
        m = t.m
        cls.place_id, cls.cancel_id = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
        status, answer = m.ask("POST", "/api/v1/orders",
                               {**machine.ORDER, "price": "1000.00", "targets": ["paper:demo", "paper:second"]},
                               {"Idempotency-Key": "story", "X-Correlation-ID": cls.place_id})
        t.assertEqual(status, 201, answer)
        cls.story = answer["order_id"]
        status, answer = m.ask("DELETE", f"/api/v1/orders/{cls.story}", headers={"X-Correlation-ID": cls.cancel_id})
        t.assertEqual(status, 200, answer)
        status, answer = t.order(symbol="NSE:SBIN", targets=["paper:demo"])
        t.assertEqual(answer["results"][0]["order_status"], "FILLED")
        cls.filled = answer["order_id"]
        status, answer = m.ask("POST", "/api/v1/killswitch", {"level": "HALT", "reason": "a test"})
        t.assertEqual(status, 200, answer)
        t.assertEqual(t.order()[0], 423)
        m.ask("POST", "/api/v1/killswitch", {"level": "NONE", "reason": "over"})
        t.assertEqual(m.ask("GET", "/api/v1/orders", token="ordo_" + "x" * 43)[0], 401)
        m.run("systemctl", "reload", "ordo.service")
        m.run("systemctl", "start", "ordo-backup.service")
        m.run("systemctl", "start", "ordo-preopen.service", check=False)
        m.signal("STOP", m.main_pid())
        m.until(lambda: m.show("ordo.service", "NRestarts") != "0" and t.active() == "active")
        m.until(lambda: m.curl("-o", "/dev/null", "-w", "%{http_code}", "http://127.0.0.1:8080/ready") == "200")
        m.run("journalctl", "--sync")

    def test_story_by_order(self):
        found = self.m.journal("ORDO_ORDER=" + self.story)
        expected = [("order.place", None, None, None)]
        for action, status in (("order.place", "OPEN"), ("cancel.answered", "CANCELLED")):
            expected += [(action, account, "accepted", status) for account in ("paper:demo", "paper:second")]
        self.assertEqual(steps(found), expected)
        self.assertEqual([r["MESSAGE_ID"] for r in found],
                         [machine.EVENTS["ORDER_PLACED"]] + [machine.EVENTS["LEG_OUTCOME"]] * 2 + [machine.EVENTS["LEG_UPDATED"]] * 2)
        for r in found:
            self.assertEqual(r["ORDO_ACTOR"], "api-token")
            self.assertEqual(r["_SYSTEMD_UNIT"], "ordo.service")
            self.assertEqual(r["SYSLOG_IDENTIFIER"], "ordod")
            self.assertTrue(r["CODE_FILE"] and r["CODE_LINE"] and r["CODE_FUNC"])

    def test_story_by_correlation_id(self):
        found = self.m.journal("ORDO_CORRELATION_ID=" + self.place_id)
        self.assertEqual({r["ORDO_ORDER"] for r in found}, {self.story})
        self.assertEqual([r["ORDO_ACTION"] for r in found], ["order.place"] * 3)
        found = self.m.journal("ORDO_CORRELATION_ID=" + self.cancel_id)
        self.assertEqual([r["ORDO_ACTION"] for r in found], ["cancel.answered"] * 2)

    def test_story_by_account(self):
        found = self.m.journal("ORDO_ACCOUNT=paper:second", "ORDO_ORDER=" + self.story)
        self.assertEqual(steps(found), [("order.place", "paper:second", "accepted", "OPEN"),
                                        ("cancel.answered", "paper:second", "accepted", "CANCELLED")])
        both = self.m.journal("ORDO_ACCOUNT=paper:demo")
        self.assertTrue({self.story, self.filled} <= {r.get("ORDO_ORDER") for r in both})

    def test_events_by_message_id(self):
        for name in ("STARTED", "ORDER_PLACED", "ORDER_REFUSED", "LEG_OUTCOME", "LEG_UPDATED", "KILL_SWITCH",
                     "AUTH_FAILED", "RELOADED"):
            with self.subTest(name):
                self.assertTrue(self.m.journal("MESSAGE_ID=" + machine.EVENTS[name]))
        refused = self.m.journal("MESSAGE_ID=" + machine.EVENTS["ORDER_REFUSED"])
        self.assertEqual([(r["ORDO_CODE"], r["ORDO_ACCOUNT"]) for r in refused], [("KILL_SWITCH", "paper:demo")])

    def test_catalog(self):
        """-x explains each event, with the record's own values."""
        shown = self.m.run("journalctl", "-x", "--no-pager", "ORDO_ORDER=" + self.story)
        self.assertIn("Subject: An order was recorded and sent", shown)
        self.assertIn(f"Order {self.story} is in the ledger", shown)
        listed = self.m.run("journalctl", "--dump-catalog", "--no-pager", *machine.EVENTS.values())
        for name, message_id in machine.EVENTS.items():
            with self.subTest(name):
                self.assertIn("-- " + message_id, listed)
        # No value of a field that the records do not have.
        everything = self.m.run("journalctl", "-x", "--no-pager", "-u", "ordo")
        self.assertEqual(re.findall(r"@ORDO_\w+@", everything), [])

    def test_page_lists_the_events(self):
        table = dict(re.findall(r"^\| `([0-9a-f]{32})` \| (.*) \|$", PAGE, re.M))
        source = (machine.SOURCE / "src/domain/event.h").read_text().replace("\\\n", "")
        self.assertEqual(table, dict(re.findall(r'X\(\w+,\s+"([0-9a-f]{32})",\s+"([^"]+)"\)', source)))

    def test_every_recipe(self):
        lines = list(recipes())
        self.assertGreater(len(lines), 20)
        for line in lines:
            with self.subTest(line):
                follow = " -f" in line
                r = self.m.result("bash", "-c", f"{'timeout 1 ' if follow else ''}{line}",
                                  env={"ORDER": self.story, "CORRELATION": self.place_id,
                                       "SYSTEMD_PAGER": "cat", "SYSTEMD_COLORS": "0"})
                self.assertIn(r.returncode, (124,) if follow else (0,), r.stderr)
                self.assertNotIn("No entries", r.stdout)
                self.assertTrue(r.stdout.strip())

    def test_stalled_journal_stops_nobody(self):
        """Orders go on while journald does not move; what fits into the queue is in the journal afterwards."""
        m = self.m
        journald = m.show("systemd-journald.service", "MainPID")
        correlation, token = "stalled-journal", m.token
        c = machine.Connection(m, timeout=10)
        m.signal("STOP", journald)
        try:
            began = time.monotonic()
            for _ in range(STALLED_ORDERS):
                status, _, body = c.ask("POST", "/api/v1/orders", {**machine.ORDER, "quantity": 1}, {
                    "Authorization": "Bearer " + token, "X-Correlation-ID": correlation,
                    "Idempotency-Key": str(uuid.uuid4())})
                self.assertEqual(status, 201, body)
            took = time.monotonic() - began
        finally:
            m.signal("CONT", journald)
            c.close()
        print(f"# {STALLED_ORDERS} orders in {took:.1f} s while journald was stopped")
        self.assertLess(took, STALLED_ORDERS * 0.1)
        m.until(lambda: len(m.journal("ORDO_CORRELATION_ID=" + correlation)) == 2 * STALLED_ORDERS)

    def test_no_secret(self):
        token = self.m.token
        everything = self.m.run("journalctl", "-o", "export", "--no-pager", "-a")
        self.assertGreater(len(everything), 10000)
        self.assertNotIn(token, everything)
        self.assertNotIn("ordo_" + "x" * 43, everything)


if __name__ == "__main__":
    machine.main()
