"""Restarting under load, as `systemctl restart` does it while the socket unit holds the socket: no request fails,
no order is lost or placed twice. The clients are strict: one try, no repeat, no look whether a kept connection has
ended meanwhile."""
import http.client
import signal
import socket
import threading
import time
import uuid

import ordo

RESTARTS = 10
RATE = 200  # requests a second, of all clients together
CLIENTS = 20
ORDER = {"symbol": "NSE:SBIN", "side": "BUY", "type": "LIMIT", "quantity": 1, "price": "1050.00",
         "product": "CNC", "validity": "DAY", "targets": ["paper:demo"]}


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30 * ordo.SLOW)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Load:
    """Sends orders at a steady pace; every answer that is not 201 and every error is a failure."""

    def __init__(self, d, token, connect, keep):
        self.d, self.token, self.connect, self.keep = d, token, connect, keep
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.good, self.failed, self.closed, self.slowest = [], [], 0, 0.0
        self.threads = [threading.Thread(target=self.client, args=(i,), daemon=True) for i in range(CLIENTS)]
        for t in self.threads:
            t.start()

    def one(self, c):
        headers = {"Idempotency-Key": str(uuid.uuid4()), "Authorization": "Bearer " + self.token}
        if not self.keep:
            headers["Connection"] = "close"
        return self.d.request("POST", "/api/v1/orders", ORDER, headers=headers, connection=c)

    def client(self, i):
        pause = CLIENTS / RATE * ordo.SLOW
        due, c = time.monotonic() + pause * i / CLIENTS, self.connect()
        while not self.stop.is_set():
            time.sleep(max(0.0, due - time.monotonic()))
            due = max(due + pause, time.monotonic() - pause)
            began = time.monotonic()
            try:
                # http.client connects again by itself, but only after an answer with Connection: close.
                a = self.one(c)
            except Exception as e:  # whatever it is, the client has no answer
                with self.lock:
                    self.failed.append(f"{type(e).__name__}: {e}")
                c = self.connect()
                continue
            with self.lock:
                self.slowest = max(self.slowest, time.monotonic() - began)
                if a.status == 201:
                    self.good.append((a.json["order_id"], a.json["results"][0]["tag"]))
                    self.closed += a.headers.get("connection") == "close"
                else:
                    self.failed.append(repr(a))

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join(timeout=60 * ordo.SLOW)
        return not any(t.is_alive() for t in self.threads)


class Restart(ordo.Case):
    ENV = {"ORDO_LIMITS": "off", "ORDO_PAPER_DEMO_FUNDS": "100000000000.00"}

    def judge(self, d, load):
        self.assertEqual(load.failed, [], f"{len(load.failed)} failed, {len(load.good)} good")
        self.assertEqual(sorted(o for (o,) in d.rows("select id from orders")), sorted(o for o, _ in load.good))
        self.assertEqual(sorted(t for (t,) in d.rows("select tag from legs where outcome='accepted'")),
                         sorted(t for _, t in load.good))
        booked = d.rows("select count(*) from guest_rows where guest='paper' and kind='order'")
        self.assertEqual(booked[0][0], len(load.good))

    def restarts(self, listener, connect, keep):
        self.addCleanup(listener.close)
        d = self.daemon(sockets=[listener])
        d.start(wait=False)
        self.until(lambda: "is ready" in d.log_text())
        load = Load(d, d.token, lambda: connect(d), keep)
        began = time.monotonic()
        time.sleep(0.5)
        for _ in range(RESTARTS):
            d.process.send_signal(signal.SIGTERM)
            self.assertEqual(d.process.wait(timeout=30 * ordo.SLOW), 0, d.log_text())
            d.start(wait=False)
            time.sleep(0.3 * ordo.SLOW)  # a signal that comes before it listens to signals ends it at once
        self.assertTrue(load.end())
        took = time.monotonic() - began
        d.stop()
        self.judge(d, load)
        print(f"# {len(load.good)} orders in {took:.1f} s over {RESTARTS} restarts, none failed, "
              f"slowest {load.slowest * 1000:.0f} ms", flush=True)
        # A busy machine, or a build with sanitizers, does not reach the rate; what was sent must have met the restarts.
        self.assertGreater(len(load.good), RATE * took * 0.1, "not the load that was meant")
        if keep:
            self.assertGreaterEqual(load.closed, RESTARTS)  # the test did meet what it is about

    def tcp(self, d):
        return http.client.HTTPConnection("127.0.0.1", d.port, timeout=30 * ordo.SLOW)

    def test_with_keep_alive(self):
        self.restarts(ordo.listening(), self.tcp, True)

    def test_without_keep_alive(self):
        self.restarts(ordo.listening(), self.tcp, False)

    def test_unix_socket(self):
        path = str(self.daemon().state / "http.sock")
        self.restarts(ordo.listening(socket.AF_UNIX, path), lambda d: UnixConnection(path), True)


if __name__ == "__main__":
    ordo.main()
