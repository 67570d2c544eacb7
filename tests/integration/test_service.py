"""What the service manager hears, and what it may rely on: readiness, status, watchdog, leaving when idle."""
import os
import re
import signal
import socket
import sqlite3
import subprocess
import time
import unittest

import ordo

ORDER = {"symbol": "NSE:SBIN", "side": "BUY", "type": "LIMIT", "quantity": 1, "price": "500.00",
         "product": "CNC", "validity": "DAY", "targets": ["paper:demo"]}
WATCHDOG = "1bf0fa1a6e0e4b85999f9ece9df8c0e7"
FAULTS = os.environ.get("ORDO_TEST_FAULTS") == "true"


class Service(ordo.Case):
    def start(self, env=None, wait=True, **kw):
        m = self.manager()
        d = self.daemon(env={"NOTIFY_SOCKET": m.path, **(env or {})}, **kw)
        d.start(wait=wait)
        return d, m

    def ended(self, d, code=0, seconds=20):
        self.assertEqual(d.process.wait(timeout=seconds * ordo.SLOW), code, d.log_text())
        d.close()
        d.process = None


class Notify(Service):
    def test_start_and_stop(self):
        d, m = self.start()
        heard = m.listen()
        # The ledger first: opening it may take long. READY only behind everything else.
        self.assertEqual(heard[0], "EXTEND_TIMEOUT_USEC=60000000")
        ready = [x for x in heard if "READY=1" in x]
        self.assertEqual(len(ready), 1)
        self.assertRegex(ready[0], rf"^READY=1\nSTATUS=serving 2 accounts on 127\.0\.0\.1:{d.port}(;|$)")
        self.until(lambda: m.lines("STATUS")[-1] == f"serving 2 accounts on 127.0.0.1:{d.port}")
        before = len(m.listen())
        d.close()
        d.process.send_signal(signal.SIGTERM)
        self.ended(d)
        self.assertEqual(m.listen()[before], "STOPPING=1")

    def test_quiet_when_nothing_changes(self):
        d, m = self.start()
        self.until(lambda: m.lines("STATUS")[-1].endswith(str(d.port)))
        before = len(m.listen())
        time.sleep(2.5)
        self.assertEqual(m.listen()[before:], [])
        d.stop()

    def test_status_says_what_an_operator_should_know(self):
        d, m = self.start()
        status = lambda: m.lines("STATUS")[-1]
        self.assertEqual(d.post("/api/v1/killswitch", {"level": "HALT", "scope": "global",
                                                       "reason": "test"}).status, 200)
        self.until(lambda: "kill switch HALT" in status())
        self.assertEqual(d.request("DELETE", "/api/v1/auth/paper/second").status, 200)
        self.until(lambda: "; 1 account without a session" in status())
        lock = sqlite3.connect(d.state / "ordo.db", timeout=5, isolation_level=None)
        self.addCleanup(lock.close)
        lock.execute("BEGIN IMMEDIATE")
        d.post("/api/v1/killswitch", {"level": "CANCEL", "scope": "global", "reason": "test"})
        self.until(lambda: "the ledger cannot be written: " in status())
        self.assertIn("kill switch CANCEL", status())
        lock.execute("ROLLBACK")
        self.until(lambda: "ledger" not in status())
        d.stop()

    def test_status_while_stopping(self):
        d, m = self.start()
        idle = socket.create_connection(("127.0.0.1", d.port))
        self.addCleanup(idle.close)
        d.close()
        d.process.send_signal(signal.SIGTERM)
        self.ended(d)
        # How many are still there when it is told first depends on who is quicker.
        self.assertRegex("\n".join(m.lines("STATUS")), r"stopping: 0 operations and [12] connections left, (20|19) s at most")
        stopping = m.listen().index("STOPPING=1")
        self.assertIn("EXTEND_TIMEOUT_USEC=10000000", m.listen()[stopping:])
        self.assertLess(len(m.listen()[stopping:]), 10, "once a second is enough")

    def test_failed_start(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            d, m = self.start(env={"ORDO_LISTEN": f"127.0.0.1:{s.getsockname()[1]}"}, wait=False)
            self.assertGreater(d.process.wait(timeout=20 * ordo.SLOW), 0)
        d.process = None
        self.assertEqual(m.lines("READY"), [])
        self.assertTrue(m.lines("ERRNO"))
        self.assertIn("cannot start", m.lines("STATUS")[-1])

    def test_bad_configuration(self):
        d, m = self.start(env={"ORDO_LOG_LEVEL": "loud"}, wait=False)
        self.assertEqual(d.process.wait(timeout=20 * ordo.SLOW), 1)
        d.process = None
        self.assertEqual(m.listen(), ["ERRNO=22\nSTATUS=the configuration has errors; see ordod --check-config"])


class Watchdog(Service):
    ENV = {"WATCHDOG_USEC": "1000000"}

    def pings(self, m):
        return len(m.times("WATCHDOG=1"))

    def test_pings(self):
        d, m = self.start()
        before = self.pings(m)
        time.sleep(2)
        self.assertGreaterEqual(self.pings(m) - before, 3)
        self.assertLessEqual(self.pings(m) - before, 5)
        d.stop()

    def test_backup_does_not_trip_it(self):
        d, m = self.start(env={"ORDO_LIMITS": "off"})
        for _ in range(200):
            self.assertEqual(d.post("/api/v1/orders", ORDER, headers={
                "Idempotency-Key": os.urandom(8).hex()}).status, 201)
        ctl = str(ordo.BUILD / "src/ordoctl/ordoctl")
        end, n = time.monotonic() + 2.5, 0
        while time.monotonic() < end:
            subprocess.run([ctl, "backup", str(d.state / f"copy-{n}")], env=d.env, check=True,
                           capture_output=True)
            n += 1
        times = m.times("WATCHDOG=1")
        self.assertGreaterEqual(len(times), 5)
        self.assertLess(max(b - a for a, b in zip(times, times[1:])), 0.95 * ordo.SLOW)
        d.stop()

    def test_not_for_this_process(self):
        d, m = self.start(env={"WATCHDOG_PID": "1"})
        time.sleep(1)
        self.assertEqual(self.pings(m), 0)
        d.stop()

    @unittest.skipUnless(FAULTS, "a build without -Dfaults=true")
    def test_hung_store_thread(self):
        d, m = self.start()
        d.process.send_signal(signal.SIGUSR2)
        self.until(lambda: any("store thread has not answered" in s for s in m.lines("STATUS")))
        pings = self.pings(m)
        # The loop is alive and says so: it serves what needs no ledger.
        self.assertEqual(d.get("/health", token=None).status, 200)
        time.sleep(1.5)
        self.assertEqual(self.pings(m), pings)
        records = d.records(message_id=WATCHDOG)
        self.assertEqual(len(records), 1, "said once")
        self.assertEqual(records[0]["level"], "crit")
        self.assertIn("store thread", records[0]["reason"])
        self.assertIn("store thread", m.lines("STATUS")[-1], "nothing else replaces the reason")
        d.kill()

    @unittest.skipUnless(FAULTS, "a build without -Dfaults=true")
    def test_hung_loop(self):
        d, m = self.start()
        d.process.send_signal(signal.SIGALRM)
        time.sleep(0.3)
        pings = self.pings(m)
        time.sleep(1.5)
        self.assertEqual(self.pings(m), pings)
        d.kill()


class Idle(Service):
    ACCOUNTS = "paper:demo"

    def activated(self, **env):
        s = ordo.listening()
        self.addCleanup(s.close)
        return self.start(env={"ORDO_IDLE_EXIT": "1s", **env}, sockets=[s])

    def test_leaves_and_comes_back(self):
        d, m = self.activated()
        began = time.monotonic()
        d.close()
        self.ended(d)
        self.assertGreater(time.monotonic() - began, 0.8)
        self.assertIn("STOPPING=1", m.listen())
        self.assertRegex(d.log_text(), "ordod is stopping: idle")
        # A connection that comes now waits in the socket, and is served by the next start.
        with socket.create_connection(("127.0.0.1", d.port)) as s:
            s.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            d.start(wait=False)
            self.assertIn(b"200 OK", s.recv(4096))
        self.ended(d)

    def test_stays_while_there_is_something_to_do(self):
        d, m = self.activated()
        with socket.create_connection(("127.0.0.1", d.port)):  # an open connection
            d.close()
            time.sleep(2.5)
            self.assertIsNone(d.process.poll(), d.log_text())
        self.assertEqual(d.post("/api/v1/orders", ORDER, headers={"Idempotency-Key": "idle-1"}).status, 201)
        orders = d.get("/api/v1/orders").json["orders"]
        self.assertEqual(orders[0]["legs"][0]["order_status"], "OPEN")
        d.close()
        time.sleep(2.5)  # an open order must be watched
        self.assertIsNone(d.process.poll(), d.log_text())
        self.assertEqual(d.request("DELETE", f"/api/v1/orders/{orders[0]['order_id']}").status, 200)
        d.close()
        self.ended(d)

    def test_not_without_a_socket_of_systemd(self):
        d, m = self.start(env={"ORDO_IDLE_EXIT": "1s"})
        d.close()
        time.sleep(2.5)
        self.assertIsNone(d.process.poll(), "nobody would start it again")
        d.stop()


if __name__ == "__main__":
    ordo.main()
