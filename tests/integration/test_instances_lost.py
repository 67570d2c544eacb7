"""The machine of an account's owner is lost to the database, in silence: nothing it sends arrives, nothing reaches it,
and nobody says so. It can still reach the broker. The other daemon takes over, the lost one has stopped by then, and
comes back by itself.

In a network namespace of this test, and one more for the lost machine; `./dev instances` does it more often."""

import datetime
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

import brokersim
import netns
import ordo
import postgres
from instances import LONG, Traders, World, figures
from test_brokers import certificate

# Two ways from the lost machine, each with addresses of its own, so that one of them can be lost.
SERVER, LOST_TO_SERVER = "10.77.0.1", "10.77.0.2"
BROKER, LOST_TO_BROKER = "10.77.0.5", "10.77.0.6"
PORT = 7443
NOWHERE = "02:00:00:00:00:99"
LEASE_S = 2
TAKEN_S = 5 + 2  # taken for dead, and an account without an owner is tried


class Machine:
    """A network namespace as long as this object, reached over a cable with an end called `away` here."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        self.into = ["nsenter", "-t", str(self.holder.pid), "-n"]
        self.ip("link", "add", "away", "type", "veth", "peer", "name", "home", "netns", str(self.holder.pid))
        for there, device, addresses in ((False, "away", (SERVER, BROKER)),
                                         (True, "home", (LOST_TO_SERVER, LOST_TO_BROKER))):
            for address in addresses:
                self.ip("address", "add", address + "/30", "dev", device, there=there)
            self.ip("link", "set", device, "up", there=there)
        self.ip("link", "set", "lo", "up", there=True)

    def ip(self, *arguments, there=False):
        subprocess.run((self.into if there else []) + ["ip", *arguments], check=True, capture_output=True)

    def lose(self):
        """Both ends send to a station that is not there: no carrier is lost, no error comes, nothing is reset."""
        self.ip("neighbour", "replace", SERVER, "lladdr", NOWHERE, "nud", "permanent", "dev", "home", there=True)
        self.ip("neighbour", "replace", LOST_TO_SERVER, "lladdr", NOWHERE, "nud", "permanent", "dev", "away")

    def find(self):
        self.ip("neighbour", "del", SERVER, "dev", "home", there=True)
        self.ip("neighbour", "del", LOST_TO_SERVER, "dev", "away")

    def close(self):
        self.holder.stdin.close()
        self.holder.wait()
        self.holder.stdout.close()


def missing():
    """Why it cannot be had here."""
    if not shutil.which("ip"):
        return "needs ip (package iproute2)"
    return netns.enter()


class Lost(World):
    N = 2
    NAMES = tuple(f"a{i}" for i in range(8))
    FREE = True
    TRIALS = 10 if LONG else 1

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        why = missing()
        if why:
            raise unittest.SkipTest(why)
        cls.machine = Machine()
        cls.addClassCleanup(cls.machine.close)
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix="ordo-lost-"))
        cls.addClassCleanup(shutil.rmtree, cls.dir)
        cls.ca = certificate(cls.dir, "ca")
        cls.good = certificate(cls.dir, "good", cls.ca, f"IP:{BROKER}")
        postgres.Server.shared = postgres.Server(address=SERVER, peers=LOST_TO_SERVER + "/32")

    def simulator(self):
        return brokersim.Sim("--listen-tls", f"{BROKER}:{PORT}", "--tls-cert", str(self.good[0]),
                             "--tls-key", str(self.good[1])).start()

    def options(self, name, client_id):
        there = {k: v.replace(self.sim.url, f"https://{BROKER}:{PORT}")
                 for k, v in super().options(name, client_id).items()}
        return there | {f"ORDO_FYERS_{name}_CA_FILE".upper(): str(self.ca[0])}

    def begin(self):
        """The first one is that of the lost machine; its clients are here, over a socket that it inherits."""
        if self.all:
            return super().begin()
        socket = ordo.listening()
        self.addCleanup(socket.close)
        return super().begin(wrapper=self.machine.into, sockets=[socket],
                             env={"ORDO_DATABASE_URL": f"postgresql://ordo@{SERVER}/{self.database}"})

    def sent_by_lost(self):
        return [datetime.datetime.fromisoformat(r["at"]).timestamp()
                for r in self.sim.received() if r["peer"].startswith(LOST_TO_BROKER)]

    def owned_by(self, d, ready=True):
        return all(a["owner"] == d.id and (a["ready"] or not ready) for a in d.get("/api/v1/status").json["accounts"])

    def trial(self, traders):
        """Seconds: until the other daemon has the accounts, and has read their books; until the last order that the
        lost one sent; how long the other one placed nothing; until the lost one is back."""
        lost, other = self.all
        self.until(lambda: self.owned_by(lost), 60)
        n = len(traders.placed)
        self.until(lambda: {d for _, _, d in traders.placed[n:]} == {lost, other}, 60)
        self.machine.lose()
        began, wall = time.monotonic(), time.time()
        self.until(lambda: self.owned_by(other, ready=False), 30)
        owned = time.monotonic() - began
        self.until(lambda: self.owned_by(other), 30)
        read = time.monotonic() - began
        self.until(lambda: any(t > began + read for t, _, d in traders.placed if d is other), 30)
        moments = [t for t, _, d in traders.placed if d is other and t > began]
        gap = max(b - a for a, b in zip([began] + moments, moments))
        self.machine.find()
        found = time.monotonic()
        self.until(lambda: lost.process.poll() is not None, 30)
        lost.start()  # systemd would
        back = time.monotonic() - found
        last = max([t - wall for t in self.sent_by_lost() if t < wall + read], default=0)
        return owned, read, max(last, 0), gap, back

    def test_another_takes_over(self):
        traders = Traders(self, loyal=True, pause_s=1)
        self.addCleanup(traders.stop)
        took = []
        for i in range(self.TRIALS):
            if i:
                self.all[1].stop()  # and gives its accounts back
                self.until(lambda: self.owned_by(self.all[0]), 20)
                self.all[1].start()
            took.append(self.trial(traders))
        traders.end(120)
        sent = traders.judge()
        for what, seconds in zip(("the owner's machine lost, another daemon owns the accounts",
                                  "  and has read their books",
                                  "  the last order of the lost one left",
                                  "  the other one placed nothing for",
                                  "  the lost one was back, once it was found again"), zip(*took)):
            figures(what, seconds)
        print(f"# {len(traders.answers)} keys, {sent} orders sent, none twice, none lost", flush=True)
        owned, _, last, _, _ = (max(t) for t in zip(*took))
        self.assertLess(owned, (TAKEN_S + 2) * ordo.SLOW)
        self.assertLess(last, LEASE_S)


if __name__ == "__main__":
    ordo.main()
