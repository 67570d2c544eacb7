"""A socket unit of the host starts the container on demand: a booted Debian 12 with its own podman, and the units of
container/quadlet/."""
import json
import pathlib
import resource
import shutil
import sys
import uuid

import engine
import machine

QUADLET = engine.SOURCE / "container/quadlet"


class Host(machine.Machine):
    INCLUDE = machine.INCLUDE + ",podman,runc,conmon,iproute2"
    # podman's layers cannot lie on layers; it makes keyrings, which nspawn keeps from a machine otherwise.
    NSPAWN = "--tmpfs=/var/lib/containers --system-call-filter='add_key keyctl request_key bpf'"
    BEFORE = "mount -t cgroup2 none /sys/fs/cgroup"


class Activated(engine.Case):
    ENGINE = "podman"

    @classmethod
    def setUpClass(cls):
        reason = machine.reason_to_skip() or engine.reason_to_skip("docker")
        if reason:
            raise engine.unittest.SkipTest(reason)
        tar = engine.CACHE / "ordo-image.tar"
        with engine.Engine("docker") as docker:
            docker.images()
            docker.start()
            docker.docker("save", "-o", str(tar), "ordo:latest-plain")
            cls.m = Host()
            cls.addClassCleanup(cls.m.close)
            cls.m.boot()
            shutil.move(tar, cls.m.path("/root/image.tar"))
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        most = int(pathlib.Path("/proc/sys/kernel/pid_max").read_text())
        cls.m.write("/etc/containers/containers.conf",
                    '[engine]\nruntime = "runc"\n[containers]\npids_limit = 0\n'
                    f'default_ulimits = ["nofile={files}:{files}", "nproc={most}:{most}"]\n')
        cls.m.run("podman", "load", "-i", "/root/image.tar")
        for unit in ("ordo.socket", "ordo.service"):
            shutil.copy(QUADLET / unit, cls.m.path("/etc/systemd/system") / unit)
        cls.m.run("systemctl", "daemon-reload")
        cls.m.run("systemctl", "enable", "--now", "ordo.socket")

    def test_on_demand(self):
        m = self.m
        self.assertEqual(m.run("podman", "ps", "-q"), "")
        self.assertEqual(m.curl("-m", "60", "http://127.0.0.1:8080/health"), '{"status":"ok"}')
        self.assertEqual(m.show("ordo.service", "ActiveState", "SubState"), ("active", "running"))
        self.assertEqual(len(m.run("podman", "ps", "-q").split()), 1)
        # The client's own address, in the host's journal, as the daemon wrote it.
        m.run("ip", "address", "add", "127.8.9.10/8", "dev", "lo")
        for _ in range(2):
            m.curl("--interface", "127.8.9.10", "-H", "Authorization: Bearer ordo_" + "0" * 40,
                   "http://127.0.0.1:8080/api/v1/funds")
        [record, *_] = m.until(lambda: m.journal("MESSAGE_ID=" + machine.EVENTS["AUTH_FAILED"]), why="no record")
        self.assertEqual(record["_SYSTEMD_UNIT"], "ordo.service", record)
        self.assertIn("127.8.9.10", json.dumps(record))

    def test_watchdog(self):
        """READY and the watchdog through podman: what hangs is ended and started again, the port stays."""
        m = self.m
        m.curl("-m", "60", "http://127.0.0.1:8080/health")
        token = m.run("podman", "exec", "ordo", "cat", "/var/lib/ordo/api-token").strip()
        m.until(lambda: m.ask("GET", "/ready", token=token)[0] == 200)
        placed = m.ask("POST", "/api/v1/orders", machine.ORDER, {"Idempotency-Key": "k"}, token)
        self.assertEqual(placed[0], 201, placed)
        pid = int(m.run("podman", "inspect", "-f", "{{.State.Pid}}", "ordo"))
        m.signal("STOP", pid)
        restarts = int(m.show("ordo.service", "NRestarts"))
        m.until(lambda: int(m.show("ordo.service", "NRestarts")) > restarts, 90, "the watchdog does not bite")
        self.assertEqual(m.curl("-m", "90", "http://127.0.0.1:8080/health"), '{"status":"ok"}')
        m.until(lambda: m.ask("GET", "/ready", token=token)[0] == 200)
        self.assertEqual(m.ask("POST", "/api/v1/orders", machine.ORDER, {"Idempotency-Key": "k"}, token), placed)


if __name__ == "__main__":
    engine.main()
