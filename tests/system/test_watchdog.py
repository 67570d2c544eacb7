"""A daemon that hangs or crashes: systemd ends it and starts it again, the port stays, the journal says why.
ORDO_FAULTS names an ordod built with -Dfaults=true, for the hangs that must be asked for."""
import http.client
import os
import shutil
import threading
import time
import uuid

import machine

FAULTS = os.environ.get("ORDO_FAULTS")
SAYS = ("MESSAGE_ID=" + machine.EVENTS["WATCHDOG"],)

QUICK = "[Service]\nWatchdogSec=2s\nRestartSec=100ms\nTimeoutAbortSec=2s\n"
CRASHES = 50


class Watched(machine.Case):
    @classmethod
    def prepare(cls):
        super().prepare()
        cls.m.drop_in("ordo.service", QUICK)

    def setUp(self):
        self.m.run("systemctl", "restart", "ordo.service")
        self.assertEqual(self.order()[0], 201)
        self.ended, self.said = len(self.ends()), len(self.m.journal(*SAYS))

    def ends(self):
        """What systemd says of each time that the watchdog ended the service."""
        return [r["MESSAGE"] for r in self.m.journal("UNIT=ordo.service", "UNIT_RESULT=watchdog")]

    def hang_is_noticed(self, hang, seconds=15):
        """What became of a request that came during the hang: 200, or 000 when it was taken by the one that hung."""
        m = self.m
        old, restarts = m.main_pid(), int(m.show("ordo.service", "NRestarts"))
        orders = {o["order_id"] for o in self.orders()}
        hang(old)
        waiting = m.background_curl("http://127.0.0.1:8080/health")
        began = time.monotonic()
        m.until(lambda: int(m.show("ordo.service", "NRestarts")) > restarts, seconds, "it is not restarted")
        took = time.monotonic() - began
        m.until(lambda: self.active() == "active", seconds, "it does not come back")
        self.assertNotEqual(m.main_pid(), old)
        meanwhile = waiting.communicate(timeout=30)[0]
        self.assertIn(meanwhile, ("200", "000"))
        self.assertEqual(self.active("ordo.socket"), "active")
        status, answer = self.order()
        self.assertEqual(status, 201)
        self.assertLessEqual(orders | {answer["order_id"]}, {o["order_id"] for o in self.orders()})
        self.assertEqual(self.ends()[self.ended:], ["ordo.service: Failed with result 'watchdog'."])
        print(f"# restarted after {took:.1f} s with WatchdogSec=2s")
        return meanwhile

    def reasons(self):
        """What the daemon itself says about not progressing."""
        return [r["MESSAGE"] for r in self.m.journal(*SAYS)][self.said:]


class Stopped(Watched):
    def test_stopped_process(self):
        self.assertEqual(self.hang_is_noticed(lambda pid: self.m.signal("STOP", pid)), "200")


class Fault(Watched):
    """Threads that hang inside a process which otherwise runs."""

    @classmethod
    def prepare(cls):
        super().prepare()
        if FAULTS:
            shutil.copy(FAULTS, cls.m.path("/usr/sbin/ordod"))

    def setUp(self):
        if not FAULTS:
            self.skipTest("ORDO_FAULTS names no ordod that was built with -Dfaults=true")
        super().setUp()

    def test_hung_store(self):
        key = str(uuid.uuid4())
        lost = []

        def order_meanwhile(pid):
            self.m.signal("USR2", pid)
            thread = threading.Thread(target=lambda: lost.append(self.outcome(key)))
            thread.start()
            self.addCleanup(thread.join)
        self.hang_is_noticed(order_meanwhile)
        self.assertTrue(any("store" in r for r in self.reasons()), self.reasons())
        # Who was not answered repeats with the key: there is one order.
        status, answer = self.order(key=key, client_order_id="during-the-hang")
        self.assertEqual(status, 201, answer)
        self.assertEqual(len([o for o in self.orders() if o["client_order_id"] == "during-the-hang"]), 1)

    def outcome(self, key):
        try:
            return self.order(key=key, client_order_id="during-the-hang")[0]
        except (OSError, http.client.HTTPException) as e:
            return e

    def test_hung_loop(self):
        self.hang_is_noticed(lambda pid: self.m.signal("ALRM", pid))


class CrashLoop(machine.Case):
    def break_it(self, text):
        self.m.drop_in("ordo.service", text)
        self.addCleanup(self.m.no_drop_in, "ordo.service")

    def test_port_survives_a_crash_loop(self):
        m = self.m
        m.run("systemctl", "start", "ordo.service")
        self.assertEqual(self.order()[0], 201)
        self.break_it("[Service]\nExecStart=\nExecStart=/bin/sh -c 'kill -SEGV $$$$'\nRestartSec=100ms\n")
        m.run("systemctl", "restart", "ordo.service", check=False)
        waiting = m.background_curl("http://127.0.0.1:8080/health")
        m.until(lambda: int(m.show("ordo.service", "NRestarts")) >= CRASHES, 120, "it is not tried again")
        self.assertEqual(self.active("ordo.socket"), "active")
        m.no_drop_in("ordo.service")
        # Who has waited all that time is answered too.
        out, _ = waiting.communicate(timeout=60)
        self.assertEqual(out, "200")
        self.assertEqual(m.curl("-o", "/dev/null", "-w", "%{http_code}", "http://127.0.0.1:8080/health"), "200")
        self.assertEqual(self.order()[0], 201)
        self.assertEqual(self.active(), "active")

    def test_port_survives_a_bad_configuration(self):
        m = self.m
        m.run("systemctl", "stop", "ordo.service")
        self.break_it("[Service]\nEnvironment=ORDO_ACCUONTS=paper:demo\nRestartSec=100ms\n")
        waiting = m.background_curl("http://127.0.0.1:8080/health")
        m.until(lambda: int(m.show("ordo.service", "NRestarts")) >= 10, 60, "it is not tried again")
        self.assertEqual(self.active("ordo.socket"), "active")
        said = [r["MESSAGE"] for r in m.journal("-u", "ordo.service", "_COMM=ordod")]
        said = "\n".join(said)
        self.assertIn("ORDO_ACCUONTS", said)
        self.assertIn("Did you mean ORDO_ACCOUNTS?", said)
        m.no_drop_in("ordo.service")
        out, _ = waiting.communicate(timeout=60)
        self.assertEqual(out, "200")


if __name__ == "__main__":
    machine.main()
