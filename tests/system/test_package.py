"""The package on a minimal Debian 12: what apt leaves, the first connection, ordoctl, the sandbox, the memory."""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time

import machine

COLD_STARTS = 20
COLD_MS = 150
IDLE_MIB = 24
EXPOSURE = 1.2


class Fresh(machine.Case):
    """In this order, as an administrator meets it; nothing is configured."""

    @classmethod
    def prepare(cls):
        cls.apt = cls.m.install()

    def test_01_socket_listens_and_nothing_runs(self):
        m = self.m
        self.assertEqual(m.show("ordo.socket", "ActiveState", "SubState", "UnitFileState"),
                         ("active", "listening", "enabled"))
        self.assertEqual(m.show("ordo.service", "ActiveState", "NRestarts", "MainPID"), ("inactive", "0", "0"))
        for timer in ("ordo-backup.timer", "ordo-preopen.timer"):
            self.assertEqual(m.show(timer, "ActiveState", "UnitFileState"), ("active", "enabled"))
        self.assertFalse(m.path("/var/lib/ordo/ordo.db").exists())
        self.assertEqual(m.run("systemctl", "--failed", "--plain", "--no-legend"), "")
        self.assertNotRegex(self.apt, r"(?i)\b(error|warning|failed)\b")

    def cold_start(self):
        """Milliseconds from the connection to the first answer, as curl counts them."""
        out = self.m.curl("-o", "/dev/null", "-w", "%{http_code} %{time_connect} %{time_total}",
                          "http://127.0.0.1:8080/health").split()
        self.assertEqual(out[0], "200")
        return (float(out[2]) - float(out[1])) * 1000

    def test_02_first_connection_starts_it(self):
        m = self.m
        took = [self.cold_start()]
        self.assertEqual(m.show("ordo.service", "ActiveState", "SubState"), ("active", "running"))
        # What else this machine does meanwhile must not count: the best of a few.
        while len(took) < 3 or min(took) > COLD_MS and len(took) < COLD_STARTS:
            m.run("systemctl", "stop", "ordo.service")
            took.append(self.cold_start())
        print("# cold start from the socket to the first answer: " + ", ".join(f"{t:.0f}" for t in took) + " ms")
        share = machine.processor_share() if min(took) > COLD_MS else 1
        if share < 0.8:
            self.skipTest(f"others leave {share:.0%} of the processors, too little to measure a start")
        self.assertLessEqual(min(took), COLD_MS)

    def test_03_status_line(self):
        # Soon the account's order book has been read.
        self.m.until(lambda: "not reconciled" not in self.m.show("ordo.service", "StatusText"))
        status = self.m.show("ordo.service", "StatusText")
        self.assertRegex(status, r"1 account")
        self.assertIn("127.0.0.1:8080", status)
        self.assertIn(f'Status: "{status}"', self.m.run("systemctl", "status", "--no-pager", "ordo.service"))

    def test_04_ordoctl_needs_no_variable(self):
        m = self.m
        self.assertIn("paper:demo", m.run("ordoctl", "status"))
        # Over the unix socket: with TCP taken away it still answers.
        trace = m.path("/run/ordo.sock").stat()
        self.assertEqual(trace.st_mode & 0o777, 0o660)
        type(self).price = price = json.loads(m.run("ordoctl", "--json", "quote", "NSE:SBIN"))["quotes"][0]["last"]
        out = json.loads(m.run("ordoctl", "--json", "order", "buy", "NSE:SBIN", "10", "--price", price,
                               "--account", "paper:demo", "--client-id", "mine"))
        self.assertEqual(out["overall_status"], "success")
        self.assertIn(out["order_id"], m.run("ordoctl", "orders"))
        self.assertIn("NSE:SBIN", m.run("ordoctl", "show", "client:mine"))
        low = f"{float(price) * 0.99:.1f}0"
        m.run("ordoctl", "order", "buy", "NSE:SBIN", "10", "--price", low, "--account", "paper:demo",
              "--client-id", "patient")
        self.assertIn("CANCELLED", m.run("ordoctl", "cancel", "client:patient"))
        self.assertIn("The audit is whole", m.run("ordoctl", "audit", "verify"))

    def test_05_backup(self):
        m = self.m
        m.run("systemctl", "start", "ordo-backup.service")
        self.assertEqual(m.show("ordo-backup.service", "Result"), "success")
        [copy] = m.path("/var/lib/ordo/backups").glob("ordo-*.db")
        with tempfile.TemporaryDirectory() as d:
            copied = pathlib.Path(d) / "copy.db"
            copied.write_bytes(copy.read_bytes())
            out = machine.call("sqlite3", str(copied), "pragma integrity_check; select count(*) from orders")
        self.assertEqual(out.split(), ["ok", "2"])
        self.assertEqual(copy.stat().st_mode & 0o777, 0o600)

    def test_06_backup_is_restored(self):
        """As docs/systemd.md has it: what was placed after the backup is gone, the rest is there."""
        m = self.m
        before = {o["order_id"] for o in self.orders()}
        self.assertEqual(self.order(price=self.price, quantity=11)[0], 201)
        [copy] = m.path("/var/lib/ordo/backups").glob("ordo-*.db")
        [block] = re.findall(r"To go back to a backup:\n\n```sh\n(.*?)```",
                             (machine.SOURCE / "docs/systemd.md").read_text(), re.S)
        block = block.replace("killswitch release", "killswitch release --yes")  # nobody is there to ask
        said = m.sh(re.sub(r"ordo-\w+\.db", copy.name, block))
        self.assertIn("paper:demo", said)
        self.assertEqual({o["order_id"] for o in self.orders()}, before)

    def test_07_preopen_wakes_the_daemon(self):
        m = self.m
        m.run("systemctl", "stop", "ordo.service")
        m.run("systemctl", "start", "ordo-preopen.service")
        self.assertEqual(m.show("ordo-preopen.service", "Result"), "success")
        self.assertEqual(self.active(), "active")
        said = " ".join(r["MESSAGE"] for r in m.journal("-u", "ordo-preopen.service", "_COMM=ordoctl"))
        self.assertIn("paper:demo", said)

    def test_08_timers(self):
        """Indian time, and woken after a night without power."""
        for timer, at in (("ordo-backup.timer", "01:30"), ("ordo-preopen.timer", "08:30")):
            with self.subTest(timer):
                self.assertEqual(self.m.show(timer, "Persistent"), "yes")
                self.assertIn(f"{at}:00 Asia/Kolkata", self.m.show(timer, "TimersCalendar"))

    def test_09_files_are_as_packaged(self):
        self.assertEqual(self.m.run("dpkg", "-V", "ordo"), "")
        state = self.m.path("/var/lib/ordo")
        uid = int(self.m.run("id", "-u", "ordo"))
        self.assertEqual((state.stat().st_mode & 0o777, state.stat().st_uid), (0o700, uid))
        for p in state.rglob("*"):
            self.assertEqual(p.lstat().st_mode & 0o077, 0, p)

    def test_10_memory(self):
        """As the service's control group counts it, page cache and kernel memory included."""
        m = self.m
        m.run("systemctl", "stop", "ordo.service")
        with machine.accounted(m) as group:
            m.run("systemctl", "start", "ordo.service")
        m.until(lambda: m.curl("-o", "/dev/null", "-w", "%{http_code}", "http://127.0.0.1:8080/ready") == "200")
        time.sleep(1)
        try:
            value = group.bytes() / 2**20
            status = m.path(f"/proc/{m.main_pid()}/status").read_text()
            resident = int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024
        except machine.NotAccounted as e:
            self.skipTest(str(e))
        finally:
            m.run("systemctl", "stop", "ordo.service")
            group.close()
        print(f"# memory of the idle service: {value:.1f} MiB as its control group counts it, "
              f"{resident:.1f} MiB resident")
        self.assertLessEqual(value, IDLE_MIB)
        # Libraries that others have loaded too count where they were loaded first.
        self.assertLessEqual(resident, IDLE_MIB)

    def test_11_autopkgtest(self):
        """The package's own test, which the archive's machines would run."""
        m = self.m
        m.run("apt-get", "install", "-y", "-q", "--no-install-recommends", *machine.EXTRA.split(", "))
        m.write("/root/smoke", (machine.SOURCE / "debian/tests/smoke").read_text(), 0o755)
        self.assertIn("ordo", m.run("/root/smoke"))


class Sandbox(machine.Case):
    UNITS = ("ordo.service", "ordo-backup.service", "ordo-preopen.service", "ordo.socket", "ordo-backup.timer",
             "ordo-preopen.timer")

    def test_units_are_clean(self):
        for unit in self.UNITS:
            with self.subTest(unit):
                r = self.m.result("systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
                                  "/lib/systemd/system/" + unit)
                self.assertEqual((r.returncode, r.stdout + r.stderr), (0, ""))

    def test_exposure(self):
        for unit in self.UNITS[:3]:
            with self.subTest(unit):
                r = self.m.result("systemd-analyze", "security", "--offline=yes", "--no-pager",
                                  f"--threshold={EXPOSURE * 10:.0f}", "/lib/systemd/system/" + unit)
                level = re.search(r"Overall exposure level for \S+: ([\d.]+)", r.stdout)
                self.assertIsNotNone(level, r.stdout + r.stderr)
                print(f"# {unit}: exposure {level[1]}")
                self.assertEqual(r.returncode, 0, r.stdout[-3000:])
                self.assertLessEqual(float(level[1]), EXPOSURE)

    def test_process_is_confined(self):
        m = self.m
        m.run("systemctl", "start", "ordo.service")
        pid = m.main_pid()
        status = dict(re.findall(r"^(\w+):\s+(.*)$", m.path(f"/proc/{pid}/status").read_text(), re.M))
        self.assertEqual((status["Seccomp"], status["NoNewPrivs"]), ("2", "1"))
        self.assertEqual({status[c] for c in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}, {"0" * 16})
        self.assertEqual(status["Uid"].split()[0], m.run("id", "-u", "ordo").strip())
        # No core: neither by limit nor dumpable; what is not dumpable belongs to root in /proc.
        self.assertRegex(m.path(f"/proc/{pid}/limits").read_text(), r"Max core file size +0 +0 ")
        self.assertEqual(m.path(f"/proc/{pid}/environ").stat().st_uid, 0)

    def test_no_core_is_written(self):
        m = self.m
        m.run("systemctl", "start", "ordo.service")
        pid = m.main_pid()
        m.signal("SEGV", pid)
        m.until(lambda: m.main_pid() not in (0, pid), why="it does not come back")
        [record] = m.until(lambda: m.journal("_PID=1", "UNIT=ordo.service", "EXIT_STATUS=11"))
        # "dumped" is what systemd calls a process that left a core.
        self.assertEqual(record["EXIT_CODE"], "killed")
        self.assertEqual(m.sh("find / -xdev -type f -name 'core*' -size +100k -newer /etc/ordo/ordo.env"), "")

    def test_readme_tour_without_a_denied_call(self):
        """The sandbox of this machine kills at a denied system call; the tour has every kind of request."""
        m = self.m
        m.run("systemctl", "restart", "ordo.service")
        before = m.show("ordo.service", "MainPID", "NRestarts")
        self.assertEqual(m.curl("-o", "/dev/null", "-w", "%{http_code}", "http://127.0.0.1:8080/ready"), "200")
        with tempfile.TemporaryDirectory() as d:
            # The machine has no curl; the tour runs here, in its network, with its ordoctl.
            ordoctl = pathlib.Path(d) / "ordoctl"
            ordoctl.write_text(f'#!/bin/sh\nORDO_STATE_DIR=/var/lib/ordo exec nsenter -t {m.init} -m -u -i -n -p --wd=/ '
                               '/usr/bin/ordoctl "$@"\n')
            ordoctl.chmod(0o755)
            script = ["set -euo pipefail", 'curl() { command curl --fail-with-body "$@"; }',
                      f"export PATH={d}:$PATH"]
            blocks = re.findall(r"<!-- tested -->\n```sh\n(.*?)```", (machine.SOURCE / "README.md").read_text(), re.S)
            self.assertGreater(len(blocks), 5)
            for block in blocks:
                block = block.replace("$PWD/.dev/state", str(m.path("/var/lib/ordo")))
                script.append(block.replace(".dev/state", str(m.path("/var/lib/ordo"))))
            r = subprocess.run(["nsenter", "-t", str(m.init), "-n", "bash", "-c", "\n".join(script)],
                               capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=d,
                               env={k: v for k, v in os.environ.items() if not k.startswith("ORDO_")})
        self.assertEqual(r.returncode, 0, r.stdout[-2000:] + r.stderr[-2000:])
        # Beyond the tour: a reload, a stop and a start, a backup of it.
        m.run("systemctl", "reload", "ordo.service")
        time.sleep(0.5)
        self.assertEqual(m.show("ordo.service", "MainPID", "NRestarts"), before)
        m.run("systemctl", "restart", "ordo.service")
        self.assertEqual(self.order()[0], 201)
        for unit in ("ordo-backup", "ordo-preopen"):
            m.drop_in(unit + ".service", "[Service]\nSystemCallErrorNumber=\n")
            m.run("systemctl", "start", unit + ".service")
        everything = m.run("journalctl", "--no-pager")
        self.assertNotIn("status=31/SYS", everything)
        self.assertNotIn("SIGSYS", everything)


if __name__ == "__main__":
    machine.main()
