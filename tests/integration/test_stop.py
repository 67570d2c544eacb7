"""Stopping: what runs is answered, nothing new is taken, nothing is lost."""
import http.client
import signal
import socket
import threading
import time
import uuid

import ordo

ORDER = {"symbol": "NSE:SBIN", "side": "BUY", "type": "LIMIT", "quantity": 1, "price": "1050.00",
         "product": "CNC", "validity": "DAY", "targets": ["paper:demo"]}


class Stop(ordo.Case):
    ENV = {"ORDO_LIMITS": "off", "ORDO_PAPER_DEMO_FUNDS": "100000000000.00"}

    def ended(self, d, code=0, seconds=20):
        self.assertEqual(d.process.wait(timeout=seconds * ordo.SLOW), code, d.log_text())
        d.close()
        d.process = None

    def place(self, d, key, c):
        return d.request("POST", "/api/v1/orders", ORDER, headers={"Idempotency-Key": key}, connection=c)

    def connect(self, d):
        c = http.client.HTTPConnection("127.0.0.1", d.port, timeout=30 * ordo.SLOW)
        c.connect()
        self.addCleanup(c.close)
        return c

    def running(self, d, n):
        """n orders that wait for the ledger: (keys, answers, threads, the lock to be given back)."""
        lock = d.writer()
        self.addCleanup(lock.close)
        keys, answers, threads = [str(uuid.uuid4()) for _ in range(n)], {}, []
        connections = [self.connect(d) for _ in keys]
        token = d.token  # read once
        self.assertTrue(token)
        lock.execute("BEGIN IMMEDIATE")

        def client(key, c):
            try:
                answers[key] = self.place(d, key, c)
            except (OSError, http.client.HTTPException) as e:
                answers[key] = e

        for key, c in zip(keys, connections):
            threads.append(threading.Thread(target=client, args=(key, c), daemon=True))
            threads[-1].start()
        self.until(lambda: d.get("/api/v1/status").json["in_flight"] >= n)
        return keys, answers, threads, lock

    def test_idle(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            d = self.daemon().start()
            began = time.monotonic()
            d.process.send_signal(number)
            self.ended(d)
            self.assertLess(time.monotonic() - began, 5 * ordo.SLOW)

    def test_running_requests_are_answered(self):
        d = self.daemon().start()
        keys, answers, threads, lock = self.running(d, 8)
        d.process.send_signal(signal.SIGTERM)
        lock.execute("ROLLBACK")
        for t in threads:
            t.join(timeout=20 * ordo.SLOW)
        self.ended(d)
        self.assertEqual(sorted(answers), sorted(keys))
        for a in answers.values():
            self.assertEqual(getattr(a, "status", a), 201, a)
            self.assertEqual(a.headers.get("connection"), "close")
        # What was answered is there, and answers the same.
        d.start()
        for key, a in answers.items():
            again = self.place(d, key, None)
            self.assertEqual((again.status, again.raw), (a.status, a.raw))
            self.assertEqual(again.headers["idempotent-replayed"], "true")
        d.stop()

    def test_new_connections_are_refused_and_idle_ones_closed(self):
        d = self.daemon().start()
        idle = self.connect(d)
        self.assertEqual(d.get("/health", token=None, connection=idle).status, 200)
        _, answers, threads, lock = self.running(d, 1)
        d.process.send_signal(signal.SIGTERM)
        self.until(lambda: self.refused(d))
        self.assertIsNone(d.process.poll(), "it still has a request to answer")
        lock.execute("ROLLBACK")
        threads[0].join(timeout=20 * ordo.SLOW)
        self.assertEqual([a.status for a in answers.values()], [201])
        self.assertEqual(idle.sock.recv(1), b"")
        self.ended(d)

    def refused(self, d):
        try:
            socket.create_connection(("127.0.0.1", d.port), timeout=5).close()
        except (ConnectionRefusedError, ConnectionResetError):
            # reset: the listener was closed while this one stood in its queue
            return True
        return False

    def test_a_kept_connection_brings_one_more_request(self):
        """Its client may have sent it before it could know."""
        d = self.daemon().start()
        kept, fresh, half, silent = (self.connect(d) for _ in range(4))
        self.assertEqual(d.get("/health", token=None, connection=kept).status, 200)
        self.assertEqual(d.get("/health", token=None, connection=silent).status, 200)
        half.sock.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n")
        token = d.token
        d.process.send_signal(signal.SIGTERM)
        self.until(lambda: self.refused(d))
        for c in (kept, fresh):
            a = d.request("POST", "/api/v1/orders", ORDER, token=token, connection=c,
                          headers={"Idempotency-Key": str(uuid.uuid4())})
            self.assertEqual((a.status, a.headers.get("connection")), (201, "close"), a)
            self.assertEqual(c.sock and c.sock.recv(1), None, "the connection ends with the answer")
        self.assertEqual(silent.sock.recv(1), b"")  # nothing came for a while
        # Half a request is one that is on its way; but nothing new begins now.
        half.sock.sendall(b"\r\n")
        self.assertIn(b"200 OK", half.sock.recv(4096))
        self.assertEqual(half.sock.recv(4096), b"")
        self.ended(d)

    def test_who_waits_in_our_own_socket_is_served(self):
        """Nobody else holds it, so what waits there would be cut off with it."""
        d = self.daemon(env={"ORDO_MAX_CONNECTIONS": "1"}).start()
        d.close()
        busy = self.connect(d)
        self.assertEqual(d.get("/health", token=None, connection=busy).status, 200)
        waiting = self.connect(d)
        waiting.sock.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        waiting.sock.settimeout(0.2)
        with self.assertRaises(TimeoutError):
            waiting.sock.recv(1)
        waiting.sock.settimeout(20)
        d.process.send_signal(signal.SIGTERM)
        self.assertIn(b"200 OK", waiting.sock.recv(4096))
        self.ended(d)

    def test_event_streams_end(self):
        d = self.daemon().start()
        streams = []
        for _ in range(4):
            c = self.connect(d)
            c.request("GET", "/api/v1/events", headers={"Authorization": "Bearer " + d.token})
            streams.append(c.getresponse())
        self.assertEqual([r.status for r in streams], [200] * 4)
        self.assertEqual(d.order(quantity=1).status, 201)
        d.close()
        d.process.send_signal(signal.SIGTERM)
        for r in streams:
            text = r.read()  # to its end, which is a proper one
            self.assertIn(b"event: order", text)
            self.assertTrue(text.endswith(b"\n\n"), text[-80:])
        self.ended(d)

    def test_second_signal_ends_at_once(self):
        d = self.daemon(env={"ORDO_DRAIN_TIMEOUT": "60s", "ORDO_REQUEST_TIMEOUT": "60s"}).start()
        self.stuck(d)
        d.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        self.assertIsNone(d.process.poll(), "it still has a connection")
        began = time.monotonic()
        d.process.send_signal(signal.SIGTERM)
        self.ended(d)
        self.assertLess(time.monotonic() - began, 5 * ordo.SLOW)

    def test_drain_timeout(self):
        d = self.daemon(env={"ORDO_DRAIN_TIMEOUT": "1s", "ORDO_REQUEST_TIMEOUT": "60s"}).start()
        self.stuck(d)
        began = time.monotonic()
        d.process.send_signal(signal.SIGTERM)
        self.ended(d)
        self.assertGreater(time.monotonic() - began, 0.9)
        self.assertLess(time.monotonic() - began, 10 * ordo.SLOW)
        self.assertIn("connections left", d.log_text())

    def stuck(self, d):
        """A client that takes none of its answers, so that its connection cannot end."""
        d.close()
        s = socket.socket()
        self.addCleanup(s.close)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(1)
        s.connect(("127.0.0.1", d.port))
        request = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
        try:
            for _ in range(20000):
                s.sendall(request)
        except TimeoutError:
            pass

    def test_restart_under_load_loses_nothing(self):
        d = self.daemon().start()
        stop, done, trouble = threading.Event(), [], []
        token = d.token

        def client():
            c = None
            while not stop.is_set():
                key = str(uuid.uuid4())
                while True:
                    try:
                        if c is None:
                            c = http.client.HTTPConnection("127.0.0.1", d.port, timeout=20 * ordo.SLOW)
                        a = d.request("POST", "/api/v1/orders", ORDER, connection=c,
                                      headers={"Idempotency-Key": key, "Authorization": "Bearer " + token})
                    except (OSError, http.client.HTTPException):
                        c = None
                        time.sleep(0.01)
                        continue
                    if a.status == 201:
                        done.append((key, a.json["order_id"], a.json["results"][0]["tag"]))
                        break
                    # stopping, starting, or the first try of this key is still running: again, with the same key
                    if a.status not in (503, 409, 202):
                        trouble.append(a)
                        break
                    time.sleep(0.01)

        threads = [threading.Thread(target=client, daemon=True) for _ in range(8)]
        for t in threads:
            t.start()
        for _ in range(4):
            time.sleep(0.4)
            d.process.send_signal(signal.SIGTERM)
            self.ended(d)
            d.start()
        time.sleep(0.3)
        stop.set()
        for t in threads:
            t.join(timeout=60 * ordo.SLOW)
        self.assertFalse(any(t.is_alive() for t in threads))
        self.assertEqual(trouble, [])
        self.assertGreater(len(done), 50)
        d.stop()
        # Each key exactly one order, each order exactly once in the exchange's book.
        self.assertEqual(len({o for _, o, _ in done}), len(done))
        self.assertEqual(d.rows("select count(*) from orders")[0][0], len(done))
        self.assertEqual(d.rows("select count(*) from legs where outcome='accepted'")[0][0],
                         len(done))
        tags = [t for (t,) in d.rows("select tag from legs")]
        self.assertEqual(sorted(tags), sorted(t for _, _, t in done))
        booked = d.rows("select count(*) from guest_rows where guest='paper' and kind='order'")
        self.assertEqual(booked[0][0], len(done))


if __name__ == "__main__":
    ordo.main()
