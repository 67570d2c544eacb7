"""docker and podman for tests of the image, each started by the test over data of its own: no registry is asked, no
packet filter is touched, and the network is a namespace with a loopback only, so that port 8080 is always free. Needs
root. Both show the Debian 12 of today, one hierarchy of control groups, whatever the machine has.

The base image is made from this machine's own sources of Debian; it and the layers of earlier builds are kept below
${XDG_CACHE_HOME:-/var/cache}/ordo-tests.
"""
import contextlib
import fcntl
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

import machine

SOURCE = machine.SOURCE
CACHE = machine.CACHE
BASE = "docker.io/library/debian:bookworm-slim"
# What Debian's own slim image leaves out.
SLIM = ("man", "doc", "locale", "info")
# Nothing needs it once the file system is merged, and perl comes with it.
UNNEEDED = "usrmerge libfile-find-rule-perl libnumber-compare-perl libtext-glob-perl perl perl-modules-5.36 " \
           "libperl5.36 libgdbm6 libgdbm-compat4"
PACKAGES = {"dockerd": "docker.io", "docker": "docker.io", "podman": "podman", "runc": "runc", "conmon": "conmon",
            "docker-compose": "docker-compose", "mmdebstrap": "mmdebstrap"}


def reason_to_skip(name):
    """Why this engine cannot run here; None when it can."""
    if os.geteuid() != 0:
        return "needs root"
    wanted = {"docker": ("dockerd",), "podman": ("podman", "runc", "conmon")}[name]
    for program in wanted + ("docker", "docker-compose", "mmdebstrap"):
        if not shutil.which(program):
            return f"needs {program} (package {PACKAGES[program]})"
    probe = 'mount -t cgroup2 none /sys/fs/cgroup && d=$(mktemp -d /sys/fs/cgroup/ordo-XXXXXX) && rmdir "$d"'
    if subprocess.run(["unshare", "--mount", "--net", "sh", "-c", probe], capture_output=True).returncode:
        return "needs the right to mount a control group file system that can be written"
    return None


def base_image():
    """A tar of what Debian's slim image holds, made once; another one after a month."""
    CACHE.mkdir(parents=True, exist_ok=True)
    tar = CACHE / "bookworm-slim-1.tar"
    with open(CACHE / "bookworm-slim.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tar.exists() or tar.stat().st_mtime < time.time() - 30 * 86400:
            part = tar.with_suffix(".part.tar")
            leave = [f"--dpkgopt=path-exclude=/usr/share/{d}/*" for d in SLIM]
            machine.call("mmdebstrap", "--quiet", "--variant=apt", "--include=usr-is-merged", *leave,
                         "--dpkgopt=path-include=/usr/share/doc/*/copyright",
                         f'--customize-hook=chroot "$1" apt-get -y -q purge {UNNEEDED} >/dev/null',
                         *machine.apt_options(), "bookworm", str(part), *machine.apt_sources())
            part.rename(tar)
    return tar


class Engine:
    """A running engine. docker's client talks to both: podman has the same API on its socket."""

    def __init__(self, name):
        self.name = name
        self.init = None   # the engine's process: whose network and files a test looks at
        self.stack = contextlib.ExitStack()
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix=f"ordo-{name}-"))
        self.stack.callback(shutil.rmtree, self.scratch, ignore_errors=True)
        self.data = CACHE / name
        self.data.mkdir(parents=True, exist_ok=True)
        # Two engines must not share their data.
        lock = self.stack.enter_context(open(CACHE / f"{name}.lock", "w"))
        fcntl.flock(lock, fcntl.LOCK_EX)
        self.socket = self.scratch / "engine.sock"
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("DOCKER_", "COMPOSE_", "CONTAINER_"))}
        self.env.update(DOCKER_HOST=f"unix://{self.socket}", DOCKER_BUILDKIT="0", COMPOSE_PROJECT_NAME="ordotest",
                        HOME=str(self.scratch), CONTAINERS_CONF=str(self.scratch / "containers.conf"),
                        CONTAINERS_STORAGE_CONF=str(self.scratch / "storage.conf"))
        self.stack.callback(self.stop)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    # --- life -----------------------------------------------------------------------------------

    def command(self):
        if self.name == "docker":
            return ["dockerd", "--iptables=false", "--ip6tables=false", "--bridge=none", "-H", f"unix://{self.socket}",
                    "--data-root", str(self.data), "--exec-root", str(self.scratch / "exec"),
                    "--pidfile", str(self.scratch / "pid")]
        # No more than this process may give (CAP_SYS_RESOURCE may be missing); runc, because crun asks for more
        # all the same. No number of processes: the hierarchy mounted below may be without that controller.
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        most = int(pathlib.Path("/proc/sys/kernel/pid_max").read_text())
        hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
        processes = most if hard < 0 else min(most, hard)
        (self.scratch / "containers.conf").write_text(
            '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n[containers]\n'
            f'pids_limit = 0\ndefault_ulimits = ["nofile={files}:{files}", "nproc={processes}:{processes}"]\n')
        (self.scratch / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{self.data}"\nrunroot = "{self.scratch}/run"\n')
        return ["podman", "system", "service", "-t", "0", f"unix://{self.socket}"]

    def start(self, alone=True):
        """`alone`: without this machine's network, as all tests run; a build needs it."""
        script = """set -e
mount -t cgroup2 none /sys/fs/cgroup
[ "$1" = no ] || ip link set lo up
shift
exec "$@"
"""
        namespaces = ["--mount", "--propagation", "private"] + (["--net"] if alone else [])
        self.log = open(self.scratch / "log", "ab")
        self.process = subprocess.Popen(
            ["unshare", *namespaces, "sh", "-c", script, "sh", "yes" if alone else "no", *self.command()],
            env=self.env, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True,
            preexec_fn=machine.die_with_parent)
        self.init = self.process.pid
        end = time.monotonic() + 60
        while self.docker("version", check=False).returncode:
            if self.process.poll() is not None or time.monotonic() > end:
                # What it lacks is said by its log alone: a file system for layers, a right.
                raise unittest.SkipTest(f"{self.name} does not start here: "
                                        + " ".join((self.scratch / "log").read_text().split())[-400:])
            time.sleep(0.05)
        return self

    def stop(self):
        if not self.init:
            return
        left = self.docker("ps", "-aq", check=False).stdout.split()
        if left:
            self.docker("rm", "-f", "-v", *left, check=False)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self.init = None

    # --- what it is told ------------------------------------------------------------------------

    def run(self, *argv, check=True, timeout=2400, env=None, **kw):
        """A command on this machine whose engine is this one, in the engine's network."""
        r = subprocess.run(["nsenter", "-t", str(self.init), "-n", *argv], env={**self.env, **(env or {})},
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, **kw)
        if check and r.returncode:
            raise RuntimeError(f"{argv} ended with {r.returncode}:\n{r.stdout[-3000:]}{r.stderr[-3000:]}")
        return r

    def docker(self, *argv, **kw):
        return self.run("docker", *argv, **kw)

    def images(self):
        """The images under test: built as `./dev image` does it, from layers that are kept. Once in a run of many
        scripts is enough: then IMAGES_BUILT=yes."""
        if os.environ.get("IMAGES_BUILT") == "yes":
            return ""
        self.start(alone=False)
        try:
            if self.docker("image", "inspect", BASE, check=False).returncode:
                self.docker("import", str(base_image()), BASE)
            # What builds of two weeks ago have left.
            self.docker("image", "prune", "-f", "--filter", "until=336h", check=False)
            self.docker("build", "-q", "--network", "host", "-t", "ordo-postgres:15", "-f",
                        "container/postgres/Containerfile", ".", cwd=SOURCE)
            return self.run(str(SOURCE / "dev"), "image", env={"ENGINE": "docker"}, cwd=SOURCE).stdout
        finally:
            self.stop()

    def load(self, tar):
        self.docker("load", "-i", str(tar))

    # --- its network, as machine.Connection wants it ----------------------------------------------

    network = machine.Machine.network
    path = machine.Machine.path
    curl = machine.Machine.curl
    background_curl = machine.Machine.background_curl


class Project:
    """What a compose file makes of an engine: the service `ordo`."""

    def __init__(self, engine, *files, directory=SOURCE, env=None):
        self.engine = engine
        self.env = env or {}
        self.files = [a for f in files for a in ("-f", str(directory / "container" / f))]

    def compose(self, *argv, **kw):
        return self.engine.run("docker-compose", *self.files, *argv, env=self.env, **kw).stdout

    def up(self, start=True):
        self.compose("up", "-d" if start else "--no-start")
        [self.id] = self.compose("ps", "-q", "ordo").split()

    def down(self, volumes=True):
        self.compose("down", "-t", "60", *(["-v"] if volumes else []), check=False)

    def sh(self, script, check=True):
        return self.compose("exec", "-T", "ordo", "sh", "-c", script, check=check)

    def inspect(self):
        return json.loads(self.engine.docker("inspect", self.id).stdout)[0]

    def until(self, what, seconds=30, why="waited in vain"):
        end = time.monotonic() + seconds
        while True:
            value = what()
            if value:
                return value
            if time.monotonic() > end:
                raise AssertionError(why)
            time.sleep(0.05)

    # What the load of the other tests asks of a machine.
    def __getattr__(self, name):
        return getattr(self.engine, name)

    def ask(self, method, path, body=None, headers=None, token=None):
        """(status, decoded body) on a connection of its own."""
        c = machine.Connection(self)
        try:
            h = {"Authorization": f"Bearer {token or self.token}", **(headers or {})}
            status, _, data = c.ask(method, path, body, h)
            return status, json.loads(data)
        finally:
            c.close()

    def order(self, key=None, **fields):
        return self.ask("POST", "/api/v1/orders", {**machine.ORDER, **fields},
                        {"Idempotency-Key": key or str(uuid.uuid4())})

    @property
    def token(self):
        return self.sh("cat /var/lib/ordo/api-token").strip()


class Case(unittest.TestCase):
    """A test on an engine; classes that derive from it say which ENGINE. Without it every test is skipped by name."""

    ENGINE = None

    @classmethod
    def setUpClass(cls):
        reason = reason_to_skip(cls.ENGINE)
        if reason:
            raise unittest.SkipTest(f"{cls.ENGINE} {reason}")
        cls.e = Engine(cls.ENGINE)
        cls.addClassCleanup(cls.e.__exit__)
        cls.images()
        cls.e.start()

    @classmethod
    def images(cls):
        """docker builds them; podman is given those, so that both are tested with the same bytes."""
        tar = CACHE / "ordo-image.tar"
        if cls.ENGINE == "docker" or reason_to_skip("docker"):
            print("".join(f"# {line}\n" for line in cls.e.images().splitlines()), end="")
            return
        with Engine("docker") as docker:
            docker.images()
            docker.start()
            docker.docker("save", "-o", str(tar), "ordo:latest", "ordo:latest-plain", "ordo-postgres:15")
        cls.addClassCleanup(tar.unlink)
        cls.e.start()
        cls.e.load(tar)
        cls.e.stop()

    def clean_clone(self):
        """The directory of a work tree as a newcomer gets it."""
        directory = pathlib.Path(tempfile.mkdtemp(prefix="ordo-clone-"))
        self.addCleanup(shutil.rmtree, directory)
        names = machine.call("git", "-C", str(SOURCE), "ls-files", "-co", "--exclude-standard", "-z").split("\0")
        for name in names:
            if name and (SOURCE / name).is_file():
                (directory / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(SOURCE / name, directory / name)
        return directory

    def project(self, *files, start=True, **kw):
        p = Project(self.e, *files, **kw)
        self.addCleanup(p.down)
        p.up(start)
        return p


def main():
    reasons = [reason_to_skip(name) for name in ("docker", "podman")]
    if all(reasons):
        print("; ".join(f"{name} {reason}" for name, reason in zip(("docker", "podman"), reasons)))
        sys.exit(77)
    import ordo
    ordo.main()
