"""TLS and client certificates, by option, and that there is no way around them."""
import http.client
import shutil
import socket
import ssl
import subprocess
import unittest
import warnings

import ordo


def openssl(*args):
    subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, timeout=30)


def make_certificate(directory, name, ca=None):
    """A certificate and key, signed by itself or by `ca`."""
    cert, key = directory / f"{name}.crt", directory / f"{name}.key"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
             "-subj", f"/CN={name}"]
    if ca is None:
        openssl("req", "-x509", *curve, "-out", cert, "-days", "2", "-addext",
                "subjectAltName=IP:127.0.0.1,DNS:localhost")
    else:
        openssl("req", *curve, "-out", directory / "request")
        openssl("x509", "-req", "-in", directory / "request", "-CA", ca[0], "-CAkey", ca[1],
                "-CAcreateserial", "-days", "2", "-out", cert)
    return cert, key


@unittest.skipUnless(shutil.which("openssl"), "there is no openssl to make certificates with")
class Tls(ordo.Case):
    def tls(self, client_ca=False, **env):
        """A daemon that speaks TLS only; started, with self.ca, self.good and self.other."""
        d = self.daemon()
        self.server = make_certificate(d.state, "localhost")
        env.update({"ORDO_TLS_CERT": str(self.server[0]), "ORDO_TLS_KEY": str(self.server[1])})
        if client_ca:
            self.ca = make_certificate(d.state, "ca")
            self.good = make_certificate(d.state, "desk", self.ca)
            self.other = make_certificate(d.state, "stranger", make_certificate(d.state, "other-ca"))
            env["ORDO_TLS_CLIENT_CA"] = str(self.ca[0])
        d.env.update(env)
        d.start(wait=False)
        self.until(lambda: "is ready" in d.log_text() or d.process.poll() is not None)
        self.assertIsNone(d.process.poll(), d.log_text())
        self.addCleanup(d.stop)
        return d

    def context(self, certificate=None, trust=True, highest=None):
        c = ssl.create_default_context(cafile=self.server[0] if trust else None)
        if certificate:
            c.load_cert_chain(*certificate)
        if highest:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                c.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
                c.maximum_version = highest
            c.set_ciphers("ALL:@SECLEVEL=0")
        return c

    def get(self, d, path, context, host="127.0.0.1"):
        c = http.client.HTTPSConnection(host, d.port, timeout=10 * ordo.SLOW, context=context)
        try:
            return d.get(path, connection=c), c.sock.version() if c.sock else None
        finally:
            c.close()

    def test_requests_go_through(self):
        d = self.tls()
        a, version = self.get(d, "/api/v1/status", self.context())
        self.assertEqual((a.status, version), (200, "TLSv1.3"))
        c = http.client.HTTPSConnection("127.0.0.1", d.port, timeout=10, context=self.context())
        for i in range(5):  # kept alive
            r = d.post("/api/v1/orders/validate", {
                "symbol": "NSE:SBIN", "side": "BUY", "type": "LIMIT", "quantity": i + 1,
                "price": "1050.00", "product": "CNC", "targets": ["paper:demo"]}, connection=c)
            self.assertEqual(r.status, 200, r)
        c.close()

    def test_large_answers_are_whole(self):
        d = self.tls()
        a, _ = self.get(d, "/openapi.json", self.context())
        self.assertEqual(a.json["openapi"], "3.1.0")

    def test_versions(self):
        d = self.tls()
        a, version = self.get(d, "/health", self.context(highest=ssl.TLSVersion.TLSv1_2))
        self.assertEqual((a.status, version), (200, "TLSv1.2"))
        for old in (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1):
            with self.assertRaises(OSError):
                self.get(d, "/health", self.context(highest=old))
        self.assertEqual(self.get(d, "/health", self.context())[0].status, 200)

    def test_the_client_notices_another_server(self):
        d = self.tls()
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.get(d, "/health", self.context(trust=False))

    def test_plain_http_gets_nothing(self):
        d = self.tls()
        with socket.create_connection(("127.0.0.1", d.port), timeout=10 * ordo.SLOW) as s:
            s.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            data = b""
            try:
                while more := s.recv(4096):
                    data += more
            except ConnectionError:
                pass
        self.assertNotIn(b"HTTP/1.1 200", data)
        self.assertNotIn(b'"status"', data)
        self.assertEqual(self.get(d, "/health", self.context())[0].status, 200)

    def test_handshakes_that_go_nowhere(self):
        d = self.tls(ORDO_REQUEST_TIMEOUT="1s")
        sockets = []
        for data in (b"", b"\x16", b"\x16\x03\x01\x02\x00\x01", b"\x16\x03\x01\x00\x05hello", b"\x00" * 300):
            s = socket.create_connection(("127.0.0.1", d.port), timeout=10 * ordo.SLOW)
            self.addCleanup(s.close)
            s.sendall(data)
            sockets.append(s)
        for s in sockets:
            try:
                while s.recv(4096):
                    pass
            except ConnectionError:
                pass
        self.assertEqual(self.get(d, "/health", self.context())[0].status, 200)

    def test_client_certificates(self):
        d = self.tls(client_ca=True)
        a, _ = self.get(d, "/api/v1/status", self.context(self.good))
        self.assertEqual(a.status, 200)
        for certificate in (None, self.other):
            with self.assertRaises((OSError, http.client.HTTPException)):
                self.get(d, "/health", self.context(certificate))
        # The certificate opens the door, the token is still asked for.
        c = http.client.HTTPSConnection("127.0.0.1", d.port, timeout=10, context=self.context(self.good))
        self.assertProblem(d.get("/api/v1/status", token=None, connection=c), 401, "UNAUTHORIZED")
        c.close()

    def test_stops_with_open_connections(self):
        d = self.tls()
        s = self.context().wrap_socket(socket.create_connection(("127.0.0.1", d.port), timeout=10),
                                       server_hostname="localhost")
        s.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertIn(b"200 OK", s.recv(4096))
        d.stop()
        s.close()


@unittest.skipUnless(shutil.which("openssl"), "there is no openssl to make certificates with")
class Refused(ordo.Case):
    def fails(self, env, *words):
        d = self.daemon(env=env)
        d.start(wait=False)
        self.assertEqual(d.process.wait(timeout=20 * ordo.SLOW) != 0, True)
        for w in words:
            self.assertIn(w, d.log_text())

    def test_files_that_are_not_certificates(self):
        d = self.daemon()
        cert, key = make_certificate(d.state, "localhost")
        _, other = make_certificate(d.state, "other")
        junk = d.state / "junk"
        junk.write_text("not a certificate\n")
        self.fails({"ORDO_TLS_CERT": str(junk), "ORDO_TLS_KEY": str(key)}, str(junk))
        self.fails({"ORDO_TLS_CERT": str(cert), "ORDO_TLS_KEY": str(junk)}, str(junk))
        self.fails({"ORDO_TLS_CERT": str(cert), "ORDO_TLS_KEY": str(other)}, str(other))
        self.fails({"ORDO_TLS_CERT": str(cert), "ORDO_TLS_KEY": str(key),
                    "ORDO_TLS_CLIENT_CA": str(junk)}, str(junk))

    def test_half_of_it(self):
        d = self.daemon()
        cert, key = make_certificate(d.state, "localhost")
        self.fails({"ORDO_TLS_CERT": str(cert)}, "ORDO_TLS_KEY")
        self.fails({"ORDO_TLS_KEY": str(key)}, "ORDO_TLS_CERT")
        self.fails({"ORDO_TLS_CLIENT_CA": str(cert)}, "ORDO_TLS_CLIENT_CA")

    def test_plain_http_to_the_network(self):
        self.fails({"ORDO_LISTEN": f"0.0.0.0:{ordo.free_port()}"}, "loopback", "ORDO_TLS_CERT",
                   "ORDO_BEHIND_PROXY")

    def test_network_with_tls_or_behind_a_proxy(self):
        d = self.daemon()
        cert, key = make_certificate(d.state, "localhost")
        for more in ({"ORDO_TLS_CERT": str(cert), "ORDO_TLS_KEY": str(key)},
                     {"ORDO_BEHIND_PROXY": "yes"}):
            env = {**d.env, "ORDO_LISTEN": f"0.0.0.0:{ordo.free_port()}", **more}
            r = subprocess.run([str(ordo.BUILD / "src/ordod"), "--check-config"], env=env,
                               capture_output=True, text=True, timeout=20)
            self.assertEqual(r.returncode, 0, r.stderr)


if __name__ == "__main__":
    ordo.main()
