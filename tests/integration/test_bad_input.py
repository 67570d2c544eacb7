"""Bad requests against the real daemon: each gets exactly its problem, costs bounded memory, and leaves no trace.

The single requests are those of the HTTP server's own test (tests/unit/http/bad_input.cases, whose head explains
the form); here they meet the whole daemon. What needs a socket of its own follows below."""
import hashlib
import json
import re
import socket
import struct
import time

import ordo

CASES = ordo.SOURCE / "tests/unit/http/bad_input.cases"
KEYS = [  # the cases' keys; a token is the name
    {"name": "limited", "scopes": ["read", "trade"], "accounts": ["paper:demo"]},
    {"name": "reader", "scopes": ["read"], "cidrs": ["127.0.0.0/8"]},
    {"name": "elsewhere", "scopes": ["read"], "cidrs": ["192.0.2.0/24"]},
    {"name": "expired", "scopes": ["read"], "expires": "2020-01-01T00:00:00Z"},
]
# A sanitizer keeps what was freed, so that growth says nothing; it looks for leaks itself.
GROWTH_MEANS_LEAK = not any(mark in (ordo.BUILD / "src/ordod").read_bytes()
                            for mark in (b"__asan_init", b"__tsan_init"))
# An answer that the daemon closed the connection with, or that ended without one.
CLOSED = "closed"
ORDER = (b'{"symbol":"NSE:SBIN","side":"BUY","type":"LIMIT","quantity":1,"price":"1050.00",'
         b'"product":"CNC","targets":["paper:demo"]}')


def expand(text):
    data = text.encode("latin-1")
    data = re.sub(rb"\{\{(.*?)\*(\d+)\}\}", lambda m: m[1] * int(m[2]), data)
    return re.sub(rb"\\x([0-9a-fA-F]{2})", lambda m: bytes([int(m[1], 16)]), data)


class BadCase:
    def __init__(self, text):
        lines = text.split("\n")
        self.name = lines[0]
        method, target = lines[1].split(" ", 1)
        self.method, self.target = method.encode(), expand(target)
        end = next(i for i, line in enumerate(lines) if line.startswith("=> "))
        self.expected = lines[end][3:]
        blank = next((i for i, line in enumerate(lines[:end]) if i > 1 and not line), end)
        self.headers = lines[2:blank]
        self.body = b"\n".join(map(expand, lines[blank + 1:end])) if blank < end else None

    def request(self, token):
        given = {h.lstrip("-").split(":")[0] for h in self.headers}
        out = [self.method + b" " + self.target + b" HTTP/1.1"]
        if "Host" not in given:
            out.append(b"Host: 127.0.0.1")
        if "Authorization" not in given:
            out.append(b"Authorization: Bearer " + token.encode())
        if "Idempotency-Key" not in given and self.target == b"/api/v1/orders":
            out.append(b'Idempotency-Key: "8e03978e"')
        if self.body is not None:
            if "Content-Type" not in given:
                out.append(b"Content-Type: application/json")
            out.append(b"Content-Length: %d" % len(self.body))
        out += [expand(h) for h in self.headers if not h.startswith("-")]
        return b"\r\n".join(out) + b"\r\n\r\n" + (self.body or b"")


def read_cases():
    text = CASES.read_bytes().decode("latin-1")
    return [BadCase(c) for c in re.split(r"^== ", text, flags=re.M)[1:]]


def read_answer(s):
    """The next answer of a connection: (status, headers, body), or None when there is none."""
    data = b""
    try:
        while b"\r\n\r\n" not in data:
            more = s.recv(65536)
            if not more:
                return None
            data += more
        head, body = data.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}
        while len(body) < int(headers.get("content-length", 0)):
            more = s.recv(65536)
            if not more:
                return None
            body += more
    except ConnectionError:
        return None
    return int(lines[0].split()[1]), headers, body


def describe(answer):
    """As the cases say it: "400 CODE /pointer …"."""
    if answer is None:
        return CLOSED
    status, headers, body = answer
    if headers.get("content-type") != "application/problem+json":
        return f"{status} {headers.get('content-type')}"
    problem = json.loads(body)
    wanted = {"type", "title", "status", "detail", "code", "correlation_id", "retry_safe"}
    if wanted - set(problem) or problem["status"] != status or not headers.get("x-correlation-id"):
        return f"incomplete: {problem}"
    pointers = [e["pointer"] or '""' for e in problem.get("errors", [])]
    return " ".join([str(status), problem["code"], *pointers])


class BadInput(ordo.Case):
    ENV = {"ORDO_LIMITS": "off", "ORDO_REQUEST_TIMEOUT": "1s", "ORDO_MAX_CONNECTIONS": "64"}

    @property
    def d(self):
        cls = type(self)
        if not cls.shared:
            d = cls.shared = ordo.Daemon(accounts=cls.ACCOUNTS, env=cls.ENV)
            path = d.state / "keys.json"
            path.write_text(json.dumps({"keys": [
                {**k, "hash": "sha256:" + hashlib.sha256(k["name"].encode()).hexdigest()} for k in KEYS]}))
            path.chmod(0o600)
            d.start()
        return cls.shared

    def trace(self):
        """What a request could have left in the ledger."""
        counts = {table: self.d.rows(f"select count(*) from {table}")[0][0]
                  for table in ("orders", "legs", "answers", "idempotency_keys", "killswitch",
                                "sessions", "guest_rows where kind <> 'account'")}
        return counts, self.d.rows("select action, count(*) from audit where action not like"
                                   " 'daemon.%' group by action order by action")

    def memory(self):
        for line in open(f"/proc/{self.d.process.pid}/status", encoding="ascii"):
            if line.startswith("RssAnon:"):
                return int(line.split()[1])
        raise AssertionError("no RssAnon")

    def setUp(self):
        _ = self.d.token
        self.before = self.trace()

    def tearDown(self):
        self.assertEqual(self.trace(), self.before, "a bad request left a trace in the ledger")
        self.assertEqual(self.d.get("/health", token=None).status, 200)
        self.assertEqual(self.d.get("/ready", token=None).status, 200)
        self.d.close()

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.d.port), timeout=20 * ordo.SLOW)
        self.addCleanup(s.close)
        return s

    def sent(self, data, finish=False):
        s = self.connect()
        s.sendall(data)
        if finish:
            s.shutdown(socket.SHUT_WR)
        answer = describe(read_answer(s))
        s.close()
        return answer

    def head(self, *more, method="POST", path="/api/v1/orders"):
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {self.d.token}",
                 "Idempotency-Key: k", "Content-Type: application/json", *more]
        return "\r\n".join(lines).encode() + b"\r\n\r\n"

    def test_cases(self):
        cases, wrong = read_cases(), []
        self.assertGreaterEqual(len(cases), 100)
        for c in cases:
            s = self.connect()
            s.sendall(c.request(self.d.token))
            got = describe(read_answer(s))
            s.close()
            if got != c.expected:
                wrong.append(f"{c.name}: expected {c.expected}, got {got}")
        self.assertEqual(wrong, [])

    def test_cases_over_and_over_cost_no_memory(self):
        requests = [c.request(self.d.token) for c in read_cases() if b"Bearer wrong" not in c.request("t")]
        for r in requests:
            self.sent(r)
        before = self.memory()
        for _ in range(5):
            for r in requests:
                self.sent(r)
        if GROWTH_MEANS_LEAK:
            self.assertLess(self.memory() - before, 3 * 1024, "kB more")

    def test_connection_survives_a_bad_request(self):
        s = self.connect()
        for _ in range(3):
            s.sendall(self.head("Content-Length: 2") + b"{]")
            self.assertEqual(describe(read_answer(s)), '400 MALFORMED_JSON ""')
        s.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertEqual(read_answer(s)[0], 200)

    def test_pipelined_requests_are_answered_in_order(self):
        s = self.connect()
        bad = self.head("Content-Length: 2") + b"[]"
        good = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
        s.sendall(bad + good + bad + good)
        statuses, data = [], b""
        while len(statuses) < 4:
            data += s.recv(65536)
            statuses = re.findall(rb"HTTP/1\.1 (\d+) ", data)
        self.assertEqual(statuses, [b"400", b"200", b"400", b"200"])

    def test_framing(self):
        body = ORDER
        chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        for name, data, expected in (
            ("two lengths", self.head("Content-Length: 5", f"Content-Length: {len(body)}") + body,
             "400 INVALID_HEADER"),
            ("two equal lengths", self.head(*[f"Content-Length: {len(body)}"] * 2) + body,
             "400 INVALID_HEADER"),
            ("length and chunks", self.head(f"Content-Length: {len(body)}",
                                            "Transfer-Encoding: chunked") + chunk, "400 INVALID_HEADER"),
            ("two encodings", self.head(*["Transfer-Encoding: chunked"] * 2) + chunk,
             "400 INVALID_HEADER"),
            ("folded header", self.head("X-A: b\r\n c", f"Content-Length: {len(body)}") + body,
             "400 INVALID_HEADER"),
            ("bare line feeds", self.head(f"Content-Length: {len(body)}").replace(b"\r\n", b"\n") + body,
             "400 INVALID_HEADER"),
            ("a length of letters", self.head("Content-Length: many") + body, "400 INVALID_HEADER"),
            ("a negative length", self.head("Content-Length: -1") + body, "400 INVALID_HEADER"),
            ("a length past 64 bits", self.head("Content-Length: 99999999999999999999") + body,
             "400 INVALID_HEADER"),
            ("a broken chunk", self.head("Transfer-Encoding: chunked") + b"zz\r\n" + body,
             "400 INVALID_HEADER"),
            ("HTTP/1.0 with chunks",
             self.head("Transfer-Encoding: chunked").replace(b"HTTP/1.1", b"HTTP/1.0") + chunk,
             "400 INVALID_HEADER"),
            ("an expectation", self.head("Expect: miracles", "Content-Length: 2") + b"{}",
             "400 INVALID_HEADER"),
        ):
            with self.subTest(name):
                self.assertEqual(self.sent(data), expected)

    def test_no_http(self):
        for name, data in (
            ("nonsense", b"\x00\x01\x02\x03\r\n\r\n"),
            ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 64),
            ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
            ("a line without an end", b"GET /health HTTP/1.1\r\n" + b"X-A: " + b"a" * 200000),
            ("very many headers", b"GET /health HTTP/1.1\r\n" + b"X-A: b\r\n" * 5000 + b"\r\n"),
            ("no version", b"GET /health\r\n\r\n"),
            ("another version", b"GET /health HTTP/3.7\r\nHost: localhost\r\n\r\n"),
            ("a header without a name", b"GET /health HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n"),
            ("a NUL in a header", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: \x00\r\n\r\n"),
        ):
            with self.subTest(name):
                s = self.connect()
                try:
                    s.sendall(data)
                except ConnectionError:
                    continue
                answer = read_answer(s)
                # Closed, or refused; never taken for a request.
                self.assertTrue(answer is None or answer[0] in (400, 414, 431, 505), answer)
                s.close()

    def test_truncated(self):
        whole = self.head(f"Content-Length: {len(ORDER)}") + ORDER
        for n in range(1, len(whole) - 1, 7):
            self.assertEqual(self.sent(whole[:n], finish=True), CLOSED, n)
        chunked = self.head("Transfer-Encoding: chunked") + b"%x\r\n%s\r\n0\r\n\r\n" % (len(ORDER), ORDER)
        for n in range(1, len(chunked) - 1, 11):
            self.assertIn(self.sent(chunked[:n], finish=True), (CLOSED, "400 INVALID_HEADER"), n)

    def test_reset_in_the_middle(self):
        whole = self.head(f"Content-Length: {len(ORDER)}") + ORDER
        for n in range(1, len(whole) - 1, 13):
            s = self.connect()
            s.sendall(whole[:n])
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()

    def test_slow_heads_and_bodies_are_cut_off(self):
        sockets = []
        for part in (b"", b"POST /api", self.head(f"Content-Length: {len(ORDER)}")[:-2],
                     self.head(f"Content-Length: {len(ORDER)}") + ORDER[:-5]):
            s = self.connect()
            s.sendall(part)
            sockets.append((s, part))
        began = time.monotonic()
        for s, part in sockets:
            answer = read_answer(s)
            self.assertTrue(answer is None or answer[0] in (400, 408), (part, answer))
        self.assertLess(time.monotonic() - began, 5 * ordo.SLOW)

    def test_drip_feed_is_cut_off(self):
        s = self.connect()
        began = time.monotonic()
        with self.assertRaises(OSError):
            for c in self.head("Content-Length: 100000") * 100:
                s.sendall(bytes([c]))
                time.sleep(0.05)
                self.assertLess(time.monotonic() - began, 10 * ordo.SLOW, "a byte at a time goes on and on")

    def test_idle_connections_do_not_lock_others_out(self):
        idle = [self.connect() for _ in range(64)]
        began = time.monotonic()
        self.assertEqual(self.d.get("/health", token=None).status, 200)
        self.assertLess(time.monotonic() - began, 10 * ordo.SLOW)
        for s in idle:
            s.close()

    def test_huge_bodies_are_read_no_further_than_needed(self):
        self.sent(self.head("Content-Length: 70000") + b" " * 70000)
        before = self.memory()
        for size in (65537, 262144):
            self.assertEqual(self.sent(self.head(f"Content-Length: {size}") + b" " * size),
                             "413 PAYLOAD_TOO_LARGE")
        # Announced, never sent.
        self.assertIn(self.sent(self.head("Content-Length: 4000000000")), ("413 PAYLOAD_TOO_LARGE", CLOSED))
        s = self.connect()
        sent = 0
        try:
            s.sendall(self.head("Transfer-Encoding: chunked"))
            while sent < 64 << 20:
                s.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
                sent += 65536
        except ConnectionError:
            pass
        self.assertLess(sent, 16 << 20, "bytes taken of a body without an end")
        s.close()
        if GROWTH_MEANS_LEAK:
            self.assertLess(self.memory() - before, 4 * 1024, "kB more")

    def test_deep_and_wide_json(self):
        for body, expected in (
            (b"[" * 60000, "400 MALFORMED_JSON"),
            (b'{"a":' * 10000, "400 MALFORMED_JSON"),
            (b"[" * 30000 + b"]" * 30000, "400 MALFORMED_JSON"),
            (b"{" + b",".join(b'"k%d":1' % i for i in range(5000)) + b"}", "400 MALFORMED_JSON"),
            (b'{"price":' + b"9" * 60000 + b"}", "400 "),
            (b'{"symbol":"' + b"A" * 60000 + b'"}', "400 INVALID_REQUEST"),
            (b'{"' + b"k" * 60000 + b'":1}', "400 "),
            (b'{"price":1e400}', "400 "),
            (b'{"price":1e-400}', "400 "),
            (b'{"price":-0}', "400 "),
            (b'{"quantity":1e3}', "400 "),
            (b'{"quantity":10.0}', "400 "),
        ):
            with self.subTest(body[:20]):
                answer = self.sent(self.head(f"Content-Length: {len(body)}") + body)
                self.assertTrue(answer.startswith(expected), answer)
                self.assertLess(len(answer), 8000)

    def test_many_at_once(self):
        bad = self.head("Content-Length: 2") + b"{]"
        sockets = [self.connect() for _ in range(50)]
        for _ in range(20):
            for s in sockets:
                s.sendall(bad)
            for s in sockets:
                self.assertEqual(describe(read_answer(s)), '400 MALFORMED_JSON ""')
        for s in sockets:
            s.close()


if __name__ == "__main__":
    ordo.main()
