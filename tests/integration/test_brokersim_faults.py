"""The simulated brokers misbehave as they are told, and their logs tell what really happened."""
import http.client
import json
import pathlib
import shutil
import socket
import ssl
import tempfile
import time
import unittest

import brokersim
import ordo
from test_tls import make_certificate

BROKERS = ("fyers", "hdfc", "mstock")
GONE = (ConnectionError, http.client.HTTPException, OSError)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sim = brokersim.Sim().start()

    @classmethod
    def tearDownClass(cls):
        cls.sim.stop()

    def setUp(self):
        self.sim.reset()

    def both(self):
        return len(self.sim.received()), len(self.sim.booked())

    def raw(self, port=None, wrap=lambda s: s):
        """The bytes that come back for a place at Fyers, and how the connection ended."""
        token = self.sim.token("fyers")
        body = json.dumps({"symbol": "NSE:SBIN-EQ", "qty": 10, "type": 1, "side": 1, "productType": "CNC",
                           "limitPrice": 1000, "stopPrice": 0, "disclosedQty": 0, "validity": "DAY",
                           "offlineOrder": False})
        got, end = b"", "closed"
        with wrap(socket.create_connection(("127.0.0.1", port or self.sim.port), timeout=5)) as s:
            s.sendall((f"POST /fyers/api/v3/orders/sync HTTP/1.1\r\nHost: x\r\nAuthorization: SIMFYERS01-100:"
                       f"{token}\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode())
            try:
                while part := s.recv(65536):
                    got += part
                    if b"\r\n\r\n" in got and end == "closed" and self.whole(got):
                        s.settimeout(0.3)
            except ConnectionResetError:
                end = "reset"
            except TimeoutError:
                end = "open"
            except ssl.SSLError:
                end = "cut"
        return got, end

    @staticmethod
    def whole(got):
        head, _, body = got.partition(b"\r\n\r\n")
        sizes = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        return bool(sizes) and len(body) >= int(sizes[0].split(b":")[1])

    def until(self, what, seconds=5):
        end = time.monotonic() + seconds * brokersim.SLOW
        while not what():
            self.assertLess(time.monotonic(), end, "waited in vain")
            time.sleep(0.01)


class Wire(Case):
    def test_without_a_fault(self):
        got, end = self.raw()
        self.assertTrue(got.startswith(b"HTTP/1.1 200 OK\r\n"), got)
        self.assertEqual(end, "open")

    def test_close_after(self):
        for book in (False, True):
            self.sim.reset()
            self.sim.fault("close_after", broker="fyers", operation="place", book=book)
            self.assertEqual(self.raw(), (b"", "closed"))
            self.assertEqual(self.both(), (1, int(book)))

    def test_close_before(self):
        self.sim.fault("close_before")
        with self.assertRaises(GONE):
            self.sim.place("fyers")
        self.assertEqual(self.both(), (0, 0))
        self.assertEqual(self.sim.place("fyers").status, 200)

    def test_close_before_ends_idle_connections(self):
        c = http.client.HTTPConnection("127.0.0.1", self.sim.port, timeout=5)
        c.request("GET", "/fyers/master/NSE_CM.csv")
        c.getresponse().read()
        self.sim.fault("close_before", count=0)
        c.sock.settimeout(5)
        self.assertEqual(c.sock.recv(1), b"")
        c.close()
        self.sim.clear_faults()

    def test_refuse(self):
        self.sim.fault("refuse", ms=400)
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", self.sim.port), timeout=5)
        self.assertEqual(self.both(), (0, 0), "the control connection is still there")

        def back():
            try:
                return self.sim.place("fyers").status == 200
            except OSError:
                return False
        self.until(back)

    def test_refuse_ends_with_the_faults(self):
        self.sim.fault("refuse", ms=600000)
        self.sim.clear_faults()
        self.assertEqual(self.sim.place("fyers").status, 200)

    def test_unreachable(self):
        self.sim.fault("unreachable", ms=600000)
        with self.assertRaises(TimeoutError):
            socket.create_connection(("127.0.0.1", self.sim.port), timeout=0.5)
        self.assertEqual(self.both(), (0, 0), "the control connection is still there")
        self.sim.clear_faults()
        self.assertEqual(self.sim.place("fyers").status, 200)

    def test_reset_after(self):
        for book in (False, True):
            self.sim.reset()
            self.sim.fault("reset_after", broker="fyers", operation="place", book=book)
            self.assertEqual(self.raw(), (b"", "reset"))
            self.assertEqual(self.both(), (1, int(book)))

    def test_stall(self):
        self.sim.fault("stall", broker="fyers", operation="place", ms=300)
        begun = time.monotonic()
        self.assertEqual(self.raw(), (b"", "closed"))
        self.assertGreater(time.monotonic() - begun, 0.29)
        self.assertEqual(self.both(), (1, 1))
        self.sim.fault("stall", broker="fyers", operation="place", book=False)
        with self.assertRaises(TimeoutError):
            self.sim.place("fyers", timeout=0.3)
        self.assertEqual(self.both(), (2, 1))

    def test_reset_and_truncate(self):
        for fault, how in (("reset", "reset"), ("truncate", "closed")):
            self.sim.reset()
            self.sim.fault(fault, broker="fyers", operation="place")
            got, end = self.raw()
            self.assertTrue(got.startswith(b"HTTP/1.1 200"), got)
            self.assertFalse(self.whole(got), got)
            self.assertEqual((end, self.both()), (how, (1, 1)))

    def test_duplicate(self):
        self.sim.fault("duplicate", broker="fyers", operation="place")
        got, end = self.raw()
        self.assertEqual(got.count(b"HTTP/1.1 200 OK"), 2, got)
        self.assertEqual((end, self.both()), ("open", (1, 1)))

    def test_drip(self):
        self.sim.fault("drip", broker="fyers", operation="place", ms=20, chunk=16)
        begun = time.monotonic()
        got, end = self.raw()
        self.assertTrue(self.whole(got), got)
        self.assertGreater(time.monotonic() - begun, 0.2)
        self.assertEqual(json.loads(got.partition(b"\r\n\r\n")[2])["code"], 1101)
        self.assertEqual(end, "closed")

    def test_huge(self):
        self.sim.fault("huge", broker="hdfc", operation="book", bytes=20_000_000)
        r = self.sim.call("hdfc", "GET", "/orders")
        self.assertEqual((len(r.raw), r.json["status"]), (20_000_000, "success"))

    def test_late(self):
        self.sim.fault("late", broker="mstock", operation="place", ms=300)
        begun = time.monotonic()
        r = self.sim.place("mstock")
        self.assertGreater(time.monotonic() - begun, 0.29)
        self.assertEqual((r.status, self.both()), (200, (1, 1)))

    def test_books_later(self):
        for broker in BROKERS:
            with self.subTest(broker):
                self.sim.reset()
                self.sim.fault("close_after", broker=broker, operation="place", book=True, book_after_ms=300)
                with self.assertRaises(GONE):
                    self.sim.place(broker)
                self.assertEqual(self.both(), (1, 0))
                self.until(lambda: self.both() == (1, 1))


    def test_a_reset_forgets_what_was_to_come(self):
        self.sim.fault("close_after", broker="fyers", operation="place", book=True, book_after_ms=200)
        with self.assertRaises(GONE):
            self.sim.place("fyers")
        self.sim.reset()
        time.sleep(0.4)
        self.assertEqual((self.both(), self.sim.orders()), ((0, 0), []))


class Answers(Case):
    def test_error(self):
        for broker in BROKERS:
            self.sim.fault("error", broker=broker, operation="place", status=502)
            r = self.sim.place(broker)
            self.assertEqual((r.status, r.json.get("status", r.json.get("s"))), (502, "error"))
        self.assertEqual(self.both(), (3, 3))
        self.sim.fault("error", broker="fyers", operation="place", status=400, text="words", book=False)
        self.assertEqual(self.sim.place("fyers").json["message"], "words")
        self.assertEqual(self.both(), (4, 3))

    def test_garbage_and_html(self):
        for broker in BROKERS:
            self.sim.fault("garbage", broker=broker, operation="place")
            with self.assertRaises(ValueError):
                self.sim.place(broker).json
            self.sim.fault("html", broker=broker, operation="place")
            r = self.sim.place(broker)
            self.assertEqual((r.status, r.headers["content-type"]), (200, "text/html"))
        self.assertEqual(self.both(), (6, 6))

    def test_rate_limit(self):
        for broker in BROKERS:
            self.sim.fault("rate_limit", broker=broker, operation="place", retry_after=2)
            r = self.sim.place(broker)
            self.assertEqual((r.status, r.headers["retry-after"]), (429, "2"))
            self.sim.fault("rate_limit", broker=broker, operation="place")
            r = self.sim.place(broker)
            self.assertEqual((r.status, r.headers.get("retry-after")), (429, None))
        self.assertEqual(self.both(), (6, 0))

    def test_wrong_types(self):
        self.sim.place("fyers")
        self.sim.fault("wrong_types", broker="fyers", operation="book")
        row = self.sim.call("fyers", "GET", "/api/v3/orders").json["orderBook"][0]
        self.assertIsInstance(row["qty"], dict)
        self.assertIsInstance(row["id"], list)

    def test_expired(self):
        for broker in BROKERS:
            token = self.sim.token(broker)
            self.sim.fault("expired", broker=broker)
            self.assertEqual(self.sim.place(broker, token=token).status, 401)
            self.assertEqual(self.sim.place(broker, token=token).status, 200)
        self.assertEqual(self.both(), (6, 3))

    def test_flip(self):
        for broker in BROKERS:
            self.sim.fault("flip", broker=broker, operation="place", ms=50, order_status="REJECTED",
                           text="RMS says no")
            i = self.sim.order_id(self.sim.place(broker))
            self.until(lambda: {o["order_id"]: (o["status"], o["message"])
                                for o in self.sim.orders()}[i] == ("REJECTED", "RMS says no"))

    def test_unacknowledged(self):
        for broker in BROKERS:
            self.sim.fault("unacknowledged", broker=broker, operation="place")
        r = self.sim.place("fyers").json
        self.assertEqual((r["s"], r["code"]), ("ok", 201))
        self.assertIn("20104", self.sim.place("hdfc").json["message"])
        self.assertEqual(self.sim.place("mstock").json["message"], "something went wrong")
        self.assertEqual(self.both(), (3, 3))

    def test_cancel_and_modify_too(self):
        i = self.sim.order_id(self.sim.place("fyers"))
        self.sim.fault("close_after", broker="fyers", operation="cancel", book=True)
        with self.assertRaises(GONE):
            self.sim.call("fyers", "DELETE", "/api/v3/orders/sync", {"id": i})
        self.assertEqual(self.sim.orders()[0]["status"], "CANCELLED")
        i = self.sim.order_id(self.sim.place("fyers"))
        self.sim.fault("error", broker="fyers", operation="modify", book=False)
        self.sim.call("fyers", "PATCH", "/api/v3/orders/sync", {"id": i, "type": 1, "qty": 20})
        self.assertEqual(self.sim.orders()[1]["quantity"], 10)


class Rules(Case):
    def test_count_and_skip(self):
        self.sim.fault("error", broker="fyers", operation="place", skip=1, count=2, book=False)
        self.assertEqual([self.sim.place("fyers").status for _ in range(5)], [200, 500, 500, 200, 200])
        self.assertEqual(self.sim.faults(), [])
        self.sim.fault("error", broker="fyers", operation="place", count=0, book=False)
        self.assertEqual([self.sim.place("fyers").status for _ in range(3)], [500] * 3)
        self.assertEqual(self.sim.faults()[0]["hits"], 3)
        self.sim.clear_faults()
        self.assertEqual(self.sim.place("fyers").status, 200)

    def test_only_what_it_names(self):
        self.sim.fault("error", broker="fyers", operation="place")
        self.assertEqual(self.sim.place("hdfc").status, 200)
        self.assertEqual(self.sim.call("fyers", "GET", "/api/v3/orders").status, 200)
        self.assertEqual(self.sim.place("fyers").status, 500)
        self.sim.fault("error", client_id="XS00009")
        self.assertEqual(self.sim.place("fyers").status, 200)

    def test_there_is_a_limit(self):
        for _ in range(256):
            self.sim.fault("late", client_id="nobody")
        r = self.sim.request("POST", "/_sim/faults", {"fault": "late"})
        self.assertEqual(r.status, 400, r)

    def test_calls_are_counted(self):
        before = self.sim.calls("hdfc")["funds"]
        self.sim.call("hdfc", "GET", "/user/margins")
        self.assertEqual(self.sim.calls("hdfc")["funds"], before + 1)

    def test_calls_of_one_account_are_counted(self):
        self.sim.user("hdfc", "TWO")
        before = self.sim.calls("hdfc", "10000001")["funds"]
        self.sim.call("hdfc", "GET", "/user/margins")
        self.assertEqual(self.sim.calls("hdfc", "10000001")["funds"], before + 1)
        self.assertEqual(self.sim.call("hdfc", "GET", "/user/margins", token="bad").status, 401)
        self.assertEqual(self.sim.calls("hdfc", "10000001")["funds"], before + 1)
        self.assertEqual(self.sim.calls("hdfc", "TWO")["funds"], 0)


@unittest.skipUnless(shutil.which("openssl"), "there is no openssl to make certificates with")
class Tls(Case):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        cls.tls = make_certificate(pathlib.Path(cls.dir.name), "localhost")
        cls.other = make_certificate(pathlib.Path(cls.dir.name), "other")
        cls.sim = brokersim.Sim("--tls-cert", str(cls.other[0]), "--tls-key", str(cls.other[1]),
                                tls=cls.tls).start()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.dir.cleanup()

    def test_orders_and_faults(self):
        self.assertEqual(self.sim.place("fyers", tls=self.tls[0]).status, 200)
        context = ssl.create_default_context(cafile=self.tls[0])

        def wrap(s):
            return context.wrap_socket(s, server_hostname="localhost")
        self.sim.fault("close_after", broker="fyers", operation="place")
        got, end = self.raw(self.sim.tls_port, wrap)
        self.assertEqual((got, end in ("cut", "closed")), (b"", True))
        for fault in ("reset", "truncate"):
            self.sim.fault(fault, broker="fyers", operation="place")
            got, end = self.raw(self.sim.tls_port, wrap)
            self.assertTrue(got.startswith(b"HTTP/1.1 200") and not self.whole(got), (got, end))
        self.sim.fault("drip", broker="fyers", operation="place", ms=2)
        self.assertTrue(self.whole(self.raw(self.sim.tls_port, wrap)[0]))
        self.assertEqual(self.both(), (5, 4))

    def test_another_certificate(self):
        self.sim.fault("certificate", ms=600000)
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.sim.place("fyers", tls=self.tls[0])
        self.assertEqual(self.sim.place("fyers", tls=self.other[0]).status, 200)
        self.sim.fault("certificate", number=1, ms=600000)
        self.assertEqual(self.sim.place("fyers", tls=self.tls[0]).status, 200)
        self.sim.fault("certificate", ms=100)
        self.until(lambda: self.shown(self.other) is False)
        r = self.sim.request("POST", "/_sim/faults", {"fault": "certificate", "number": 3})
        self.assertEqual(r.status, 400, r)

    def shown(self, certificate):
        try:
            return self.sim.place("fyers", tls=certificate[0]).status == 200
        except ssl.SSLCertVerificationError:
            return False


class Program(unittest.TestCase):
    def test_bad_arguments(self):
        for arguments in (["--listen", "nowhere"], ["--user", "x:y"], ["--rows", "many"],
                          ["--tls-cert", "/nothing"], ["--listen-tls", "127.0.0.1:0"]):
            with self.assertRaises(RuntimeError):
                brokersim.Sim(*arguments).start()

    def test_ids_do_not_come_again_after_a_restart(self):
        sim = brokersim.Sim().start()
        first = sim.order_id(sim.place("fyers"))
        sim.stop()
        time.sleep(1.1)
        sim.start()
        self.assertNotEqual(sim.order_id(sim.place("fyers")), first)
        sim.stop()

    def test_the_book_has_an_end(self):
        with brokersim.Sim("--orders-max", "2") as sim:
            self.assertEqual([sim.place("hdfc").status for _ in range(3)], [200, 200, 500])
            self.assertEqual((len(sim.received()), len(sim.booked())), (3, 2))


if __name__ == "__main__":
    ordo.main()
