"""A Debian 12 with a booted systemd for tests of the package: systemd-nspawn over a cached tree, with a network of
its own that has a loopback only, so that port 8080 is always free. Needs root, mmdebstrap and systemd-nspawn.

The tree (minimal Debian, systemd, and what the package depends on as .debs in apt's own cache) is made once and kept
under ${XDG_CACHE_HOME:-/var/cache}/ordo-tests; a machine is an overlay over it and leaves nothing behind.
ORDO_DEB names the package under test; without it, the newest in dist/.
"""
import contextlib
import ctypes
import fcntl
import hashlib
import http.client
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests/integration"))

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", "/var/cache")) / "ordo-tests"
DEB = pathlib.Path(os.environ.get("ORDO_DEB") or max((SOURCE / "dist").glob("ordo_*.deb"), default="",
                                                     key=lambda p: p.stat().st_mtime))
INCLUDE = "systemd,systemd-sysv,dbus"
EXTRA = "curl, jq, python3"  # not installed, but at hand: debian/tests/control and test_sandbox.py ask for them
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def reason_to_skip():
    """Why no machine can be booted here; None when it can."""
    if os.geteuid() != 0:
        return "needs root"
    for program, package in (("mmdebstrap", "mmdebstrap"), ("systemd-nspawn", "systemd-container")):
        if not shutil.which(program):
            return f"needs {program} (package {package})"
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        return "needs the right to mount (CAP_SYS_ADMIN)"
    probe = control_groups(f"ordo-probe-{os.getpid()}")
    remove_groups(probe)
    return None if probe else "needs a control group file system that can be written"


def call(*argv, **kw):
    """Runs a command of the host; a failure raises with its output."""
    r = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, **kw)
    if r.returncode:
        raise RuntimeError(f"{argv} ended with {r.returncode}:\n{r.stdout[-3000:]}{r.stderr[-3000:]}")
    return r.stdout


def apt_sources():
    """This machine's own sources of Debian, as files or lines; without any, mmdebstrap has a default."""
    files = [s for s in ("/etc/apt/sources.list", "/etc/apt/sources.list.d/debian.sources")
             if os.path.exists(s) and os.path.getsize(s)]
    if files:
        return files
    listed = call("apt-get", "indextargets", "--format", "$(ORIGIN) deb $(REPO_URI) $(RELEASE) $(COMPONENT)",
                  "Created-By: Packages")
    return [line.removeprefix("Debian ") for line in listed.splitlines() if line.startswith("Debian deb ")]


def apt_options():
    """How this machine reaches them: a proxy, say."""
    dump = call("apt-config", "dump").splitlines()
    return [f"--aptopt={line}" for line in dump if re.match(r"Acquire::(http|https|Retries)\b", line)]


def tree(deb, include=INCLUDE):
    """The path of the cached tree for this package's dependencies; it is built when it is missing. Another version
    may use its own at the same time; what nobody has used for two weeks goes."""
    depends = call("dpkg-deb", "-f", deb, "Depends").strip()
    wanted = f"{depends}, {EXTRA}"
    mark = hashlib.sha256(f"1 {include} {wanted}".encode()).hexdigest()
    CACHE.mkdir(parents=True, exist_ok=True)
    path = CACHE / f"bookworm-systemd-{mark[:12]}"
    with open(CACHE / "bookworm-systemd.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Beside the tree: what lies below an overlay must not change.
        complete = path.with_suffix(".complete")
        if not complete.exists():
            shutil.rmtree(path, ignore_errors=True)
            # apt in the machine has no network: the lists and archives stay in the tree.
            fill = ('APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get --yes --no-install-recommends '
                    f'--download-only satisfy "{wanted}"')
            call("mmdebstrap", "--quiet", "--variant=minbase", "--include=" + include, "--skip=cleanup/apt",
                 "--customize-hook=" + fill, *apt_options(), "bookworm", str(path), *apt_sources())
        complete.touch()
        for other in CACHE.glob("bookworm-systemd-*.complete"):
            if other.stat().st_mtime < time.time() - 14 * 86400:
                other.unlink()
                shutil.rmtree(other.with_suffix(""), ignore_errors=True)
    return path


class Connection(http.client.HTTPConnection):
    """HTTP over TCP in the machine's network, or over one of its unix sockets. A kept connection that the server
    has closed meanwhile is not used again; a request is never repeated."""

    def __init__(self, machine, timeout=30, unix=None):
        super().__init__("127.0.0.1", 8080, timeout=timeout)
        self.machine = machine
        self.unix = unix

    def connect(self):
        with self.machine.network():
            self.sock = socket.socket(socket.AF_UNIX if self.unix else socket.AF_INET)
        self.sock.settimeout(self.timeout)
        if self.unix:
            self.sock.connect(str(self.machine.path(self.unix)))
        else:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sock.connect((self.host, self.port))

    def ask(self, method, path, body=None, headers=None):
        """(status, headers, body) of one request."""
        if self.sock and select.select([self.sock], [], [], 0)[0]:
            self.close()
        data = json.dumps(body) if body is not None else None
        h = dict(headers or {})
        if data is not None:
            h.setdefault("Content-Type", "application/json")
        self.request(method, path, body=data, headers=h)
        r = self.getresponse()
        return r.status, {k.lower(): v for k, v in r.getheaders()}, r.read()


class Machine:
    INCLUDE = INCLUDE   # the Debian packages that it has from the start
    NSPAWN = ""         # more options
    BEFORE = ""         # what is done in its mount namespace before it boots

    def __init__(self, deb=None, source=None):
        """`source`: where the machine shall see the source tree, which it cannot write."""
        self.deb = pathlib.Path(deb or DEB)
        self.source = source
        self.process = None
        self.init = None
        self.groups = []
        self.stack = contextlib.ExitStack()

    # --- life -----------------------------------------------------------------------------------

    def boot(self):
        lower = tree(self.deb, self.INCLUDE)
        scratch = pathlib.Path(tempfile.mkdtemp(prefix="machine-", dir=CACHE))
        self.stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        for d in ("upper", "work", "root"):
            (scratch / d).mkdir()
        # Its own control groups, or two machines would take each other's services for their own.
        self.groups = control_groups(scratch.name)
        self.stack.callback(remove_groups, self.groups)
        # The mount lives in a mount namespace of the machine's, and ends with it.
        bind = f"--bind-ro='{SOURCE}:{self.source}'" if self.source else ""
        script = f"""set -e
for g in {' '.join(map(str, self.groups))}; do echo $$ >$g/cgroup.procs; done
cd '{scratch}'
mount -t overlay overlay -o lowerdir='{lower}',upperdir=upper,workdir=work root 2>/dev/null ||
    cp -a --reflink=auto '{lower}/.' root/
{self.BEFORE}
exec systemd-nspawn -q -D root --register=no --keep-unit --private-network {self.NSPAWN} {bind} -b --console=pipe
"""
        self.log = scratch / "console"
        self.stack.callback(self.kill)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=die_with_parent)
        self.wait_booted()
        return self

    def wait_booted(self):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            self.init = self.init or find_init(self.process.pid)
            if self.init:
                state = self.run("systemctl", "is-system-running", check=False).strip()
                if state in ("running", "degraded"):
                    self.mark("booted")
                    return
            time.sleep(0.03)
        raise RuntimeError("the machine does not boot:\n" + self.log.read_text(errors="replace")[-3000:])

    def mark(self, what):
        """A time in the console's log, for whoever reads a failure."""
        with open(self.log, "a") as log:
            log.write(f"[{time.monotonic():.3f}] {what}\n")

    def kill(self):
        """Pulls the plug."""
        if self.init and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.init, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=10)
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.init = None

    def close(self):
        self.stack.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- what happens inside --------------------------------------------------------------------

    def run(self, *argv, check=True, input=None, env=None, timeout=120):
        """Output of a command run inside as root, with a bare environment; raises when it fails."""
        r = self.result(*argv, input=input, env=env, timeout=timeout)
        if check and r.returncode:
            raise RuntimeError(f"{argv} ended with {r.returncode}:\n{r.stdout[-4000:]}{r.stderr[-4000:]}")
        return r.stdout

    def result(self, *argv, input=None, env=None, timeout=120):
        e = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8",
             "DEBIAN_FRONTEND": "noninteractive", **(env or {})}
        kw = {"input": input} if input is not None else {"stdin": subprocess.DEVNULL}
        return subprocess.run(["nsenter", "-t", str(self.init), "-m", "-u", "-i", "-n", "-p", "--wd=/", *argv],
                              capture_output=True, text=True, env=e, timeout=timeout, **kw)

    def sh(self, script, **kw):
        return self.run("sh", "-euc", script, **kw)

    def path(self, name):
        """A file of the machine, as this process sees it. A link in it must be relative."""
        return pathlib.Path(f"/proc/{self.init}/root") / str(name).lstrip("/")

    def write(self, name, text, mode=0o644):
        p = self.path(name)
        p.parent.mkdir(parents=True, exist_ok=True)
        p.write_text(text)
        p.chmod(mode)

    def drop_in(self, unit, text, name="50-test"):
        """Adds to a unit as an administrator would."""
        self.write(f"/etc/systemd/system/{unit}.d/{name}.conf", text)
        self.run("systemctl", "daemon-reload")

    def no_drop_in(self, unit, name="50-test"):
        self.path(f"/etc/systemd/system/{unit}.d/{name}.conf").unlink(missing_ok=True)
        self.run("systemctl", "daemon-reload")

    def install(self, deb=None):
        """apt's own output."""
        deb = pathlib.Path(deb or self.deb)
        shutil.copy(deb, self.path("/root") / deb.name)
        return self.run("apt-get", "install", "-y", "-q", "--no-install-recommends", "--allow-downgrades",
                        f"/root/{deb.name}")

    def show(self, unit, *properties):
        """Properties of a unit: one value, or a tuple."""
        out = self.run("systemctl", "show", unit, *("-p" + p for p in properties))
        values = dict(line.split("=", 1) for line in out.splitlines())
        found = tuple(values.get(p, "") for p in properties)
        return found[0] if len(properties) == 1 else found

    def main_pid(self, unit="ordo.service"):
        """As the machine numbers it."""
        return int(self.show(unit, "MainPID"))

    def signal(self, name, pid):
        self.sh(f"kill -{name} {pid}")  # the shell's: there is no procps

    def journal(self, *arguments):
        """Records as journalctl finds them."""
        out = self.run("journalctl", "-o", "json", "--no-pager", "-a", "-q", *arguments)
        return [json.loads(line) for line in out.splitlines()]

    def until(self, what, seconds=20, why="waited in vain"):
        end = time.monotonic() + seconds
        while True:
            value = what()
            if value:
                return value
            if time.monotonic() > end:
                raise AssertionError(f"{why}; ordo.service says:\n" + self.run(
                    "journalctl", "-u", "ordo", "-n", "30", "--no-pager", check=False))
            time.sleep(0.05)

    # --- its network ----------------------------------------------------------------------------

    @contextlib.contextmanager
    def network(self):
        """Sockets that this thread makes meanwhile are the machine's."""
        with open("/proc/thread-self/ns/net") as own, open(f"/proc/{self.init}/ns/net") as other:
            enter(other)
            try:
                yield
            finally:
                enter(own)

    def curl(self, *arguments, check=True):
        """The host's curl in the machine's network."""
        r = subprocess.run(["nsenter", "-t", str(self.init), "-n", "curl", "-sS", "-m", "30", *arguments],
                           capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if check and r.returncode:
            raise RuntimeError(f"curl ended with {r.returncode}: {r.stderr}")
        return r.stdout

    def background_curl(self, url, seconds=120):
        """Asks until it is answered; the process prints the status."""
        return subprocess.Popen(
            ["nsenter", "-t", str(self.init), "-n", "curl", "-sS", "-m", str(seconds), "-o", "/dev/null",
             "-w", "%{http_code}", url], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            preexec_fn=die_with_parent)

    @property
    def token(self):
        return self.path("/var/lib/ordo/api-token").read_text().strip()

    def ask(self, method, path, body=None, headers=None, token=None):
        """(status, decoded body) on a connection of its own."""
        c = Connection(self)
        try:
            h = {"Authorization": f"Bearer {token or self.token}", **(headers or {})}
            status, _, data = c.ask(method, path, body, h)
            return status, json.loads(data)
        finally:
            c.close()


def enter(namespace):
    if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def die_with_parent():
    libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def find_init(nspawn):
    """The machine's process 1, as this system numbers it; None when it is not there yet."""
    with contextlib.suppress(OSError):
        own = os.readlink("/proc/self/ns/pid")
        for child in pathlib.Path(f"/proc/{nspawn}/task/{nspawn}/children").read_text().split():
            if os.readlink(f"/proc/{child}/ns/pid") != own and \
                    pathlib.Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                return int(child)
    return None


def group_paths(wanted, pid="self"):
    """Directories of a process's control groups: {controller: path}, of those wanted that exist. The unified
    hierarchy's controller is "", the named one's "name=systemd"."""
    mounts = {}
    with open("/proc/self/mountinfo") as lines:
        for line in lines:
            left, right = line.split(" - ")
            kind, _, options = right.split(" ", 2)
            if kind in ("cgroup", "cgroup2"):
                names = [""] if kind == "cgroup2" else options.strip().split(",")
                for name in names:
                    mounts[name] = (left.split()[4], left.split()[3])
    found = {}
    with open(f"/proc/{pid}/cgroup") as lines:
        for line in lines:
            _, controllers, path = line.strip().split(":", 2)
            for name in controllers.split(","):
                if name in wanted and name in mounts:
                    at, root = mounts[name]
                    inside = os.path.relpath(path, root) if root != "/" else path.lstrip("/")
                    found[name] = pathlib.Path(at) / inside
    return found


def control_groups(name):
    groups = []
    for path in group_paths(("", "name=systemd")).values():
        group = path / name
        with contextlib.suppress(OSError):
            group.mkdir()
            groups.append(group)
    return groups


def remove_groups(groups):
    for group in groups:
        for d, _, _ in os.walk(group, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(d)


class NotAccounted(Exception):
    pass


class accounted:
    """Counts the memory of what the machine starts meanwhile: `with accounted(m) as group: start a service`. On a
    unified hierarchy systemd counts by itself. On an older one its process 1 is put into a control group of its own
    for the moment, and what it starts stays there."""

    def __init__(self, m):
        self.m = m
        self.before = group_paths(("memory",), m.init).get("memory")
        self.group = None

    def __enter__(self):
        if self.before:
            self.group = group_paths(("memory",)).get("memory") / f"ordo-service-{self.m.init}"
            self.group.mkdir()
            (self.group / "cgroup.procs").write_text(str(self.m.init))
        return self

    def __exit__(self, *_):
        if self.before:
            (self.before / "cgroup.procs").write_text(str(self.m.init))

    def bytes(self):
        if self.group:
            return int((self.group / "memory.usage_in_bytes").read_text())
        value = self.m.show("ordo.service", "MemoryCurrent")
        if not value.isdigit():
            raise NotAccounted("no control group counts memory here")
        return int(value)

    def close(self):
        if self.group:
            with contextlib.suppress(OSError):
                self.group.rmdir()


def processor_share():
    """How much of all processors a newcomer gets here at the moment: 1 when nobody else runs."""
    spin = ("import time\nend = time.monotonic() + 0.5\nbegan = time.process_time()\n"
            "while time.monotonic() < end: pass\nprint((time.process_time() - began) / 0.5)")
    spinners = [subprocess.Popen([sys.executable, "-c", spin], stdout=subprocess.PIPE, text=True)
                for _ in range(os.cpu_count())]
    return sum(float(s.communicate()[0]) for s in spinners) / len(spinners)


# --- tests ------------------------------------------------------------------------------------------

# Paper accounts without limits at fixed prices, and a sandbox that kills where it would only refuse: then no system
# call that the unit denies stays unseen.
TEST_DROP_IN = """[Service]
Environment=ORDO_ACCOUNTS=paper:demo,paper:second ORDO_LIMITS=off ORDO_API_RATE=0
Environment=ORDO_PAPER_DEMO_MARKET=static ORDO_PAPER_SECOND_MARKET=static ORDO_PAPER_DEMO_FUNDS=100000000000.00
SystemCallErrorNumber=
"""
ORDER = {"symbol": "NSE:SBIN", "side": "BUY", "type": "LIMIT", "quantity": 10, "price": "1050.00", "product": "CNC",
         "validity": "DAY", "targets": ["paper:demo"]}
# {name: MESSAGE_ID} of what Ordo says.
EVENTS = dict(re.findall(r'X\((\w+),[\s\\]+"([0-9a-f]{32})"', (SOURCE / "src/domain/event.h").read_text()))


class Case(unittest.TestCase):
    """A test on one machine with the package installed, that the tests of a class share."""

    @classmethod
    def setUpClass(cls):
        cls.m = Machine()
        cls.addClassCleanup(cls.m.close)
        cls.m.boot()
        cls.prepare()

    @classmethod
    def prepare(cls):
        cls.m.write("/etc/systemd/system/ordo.service.d/10-test.conf", TEST_DROP_IN)
        cls.m.install()

    def run(self, result=None):
        """With the end of the machine's journal below a failure."""
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            lines = self.m.run("journalctl", "--no-pager", check=False).splitlines()
            for line in [x for x in lines if "order.place" not in x][-25:]:
                print("#", line)

    def order(self, key=None, **fields):
        """(status, decoded body) of an order."""
        return self.m.ask("POST", "/api/v1/orders", {**ORDER, **fields},
                          {"Idempotency-Key": key or str(uuid.uuid4())})

    def orders(self):
        """All orders, page by page."""
        cursor = ""
        while True:
            status, page = self.m.ask("GET", "/api/v1/orders?limit=500" + cursor)
            self.assertEqual(status, 200, page)
            yield from page["orders"]
            if not page["next_cursor"]:
                return
            cursor = "&cursor=" + page["next_cursor"]

    def active(self, unit="ordo.service"):
        return self.m.show(unit, "ActiveState")


def main():
    import ordo
    reason = reason_to_skip()
    if reason:
        print(reason)
        sys.exit(77)
    ordo.main()
