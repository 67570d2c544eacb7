"""The integration tests of the daemon, each program and every ordod it starts confined as ordo.service is, with a
filter that kills at a denied system call where the unit's would only refuse it."""
import os
import pathlib
import signal
import unittest

import machine

PLACE = "/srv/ordo"
BUILD = pathlib.Path(os.environ.get("ORDO_BUILD", machine.SOURCE / "build")).resolve()
# Without those that need what the sandbox hides from them: the memory of the daemon in /proc, tools for certificates.
PROGRAMS = ("events", "gates", "idempotency", "killswitch", "ledger", "openapi", "orders", "queries", "reload",
            "restart", "service", "start", "stop")


UNIT = """[Unit]
Description=%i, confined as Ordo is
[Service]
Type=oneshot
Environment=ORDO_BUILD={build} TEST_SLOW=2 PYTHONDONTWRITEBYTECODE=1
ExecStart=python3 {place}/tests/integration/test_%i.py
StandardOutput=truncate:/run/suite-%i.out
StandardError=inherit
TimeoutStartSec=300
"""


def sandbox(m):
    """The sandbox of ordo.service, as it is installed, but that it kills."""
    lines = m.run("systemctl", "cat", "ordo.service").splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("RestrictAddressFamilies="))
    end = next(i for i, line in enumerate(lines) if i > at and line.startswith("["))
    return "\n".join(line for line in lines[at:end] if not line.startswith("SystemCallErrorNumber=")) + "\n"


@unittest.skipIf(machine.SOURCE.stat().st_mode & 0o5 != 0o5, "the source tree is closed to the user of the service")
class Sandbox(machine.Case):
    @classmethod
    def setUpClass(cls):
        cls.m = machine.Machine(source=PLACE)
        cls.addClassCleanup(cls.m.close)
        cls.m.boot()
        cls.m.install()
        cls.m.run("apt-get", "install", "-y", "-q", "--no-install-recommends", "python3")
        build = f"{PLACE}/{BUILD.relative_to(machine.SOURCE)}"
        cls.m.write("/run/systemd/system/suite@.service", UNIT.format(build=build, place=PLACE) + sandbox(cls.m))
        cls.m.run("systemctl", "daemon-reload")

    def confined(self, name):
        """(how the program ended, its output)"""
        unit = f"suite@{name}.service"
        r = self.m.result("systemctl", "start", unit, timeout=320)
        # A unit that ended well may be forgotten by now.
        status = self.m.show(unit, "ExecMainStatus") if r.returncode else "0"
        return int(status), self.m.path(f"/run/suite-{name}.out").read_text(errors="replace")

    def test_it_kills_at_a_denied_call(self):
        self.m.drop_in("suite@nice.service", "[Service]\nExecStart=\nExecStart=python3 -c 'import os; os.nice(1)'\n")
        status, out = self.confined("nice")
        self.assertEqual(status, signal.SIGSYS, out)


def program(name):
    def test(self):
        status, out = self.confined(name)
        self.assertEqual(status, 0, "\n".join(x for x in out.splitlines() if not x.startswith("ok"))[-3000:])
    return test


for one in PROGRAMS:
    setattr(Sandbox, f"test_{one}", program(one))

if __name__ == "__main__":
    machine.main()
