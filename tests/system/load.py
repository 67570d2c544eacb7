"""Clients that place orders on a machine at a steady rate, each over its own connections, until told to stop. A
request is sent once; whatever is not answered by 201 is a failure."""
import threading
import time
import uuid

import machine

CLIENTS = 8


class Load:
    def __init__(self, m, rate=200, keep_alive=True):
        self.m = m
        self.token = m.token
        self.interval = CLIENTS / rate
        self.keep_alive = keep_alive
        self.ending = threading.Event()
        self.placed = []    # (client_order_id, order_id)
        self.failures = []  # what happened instead of 201
        self.slowest = 0.0
        self.connections = 0
        self.started = 0.0
        self.seconds = 0.0
        self.threads = [threading.Thread(target=self.client, args=(n,), daemon=True) for n in range(CLIENTS)]

    def __enter__(self):
        self.started = time.monotonic()
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for t in self.threads:
            t.join(timeout=60)
        self.seconds = time.monotonic() - self.started

    @property
    def rate(self):
        return (len(self.placed) + len(self.failures)) / self.seconds

    def client(self, n):
        connection = machine.Connection(self.m)
        connect = connection.connect

        def counting():
            self.connections += 1
            connect()
        connection.connect = counting
        due = self.started + self.interval * n / CLIENTS
        while not self.ending.wait(max(0.0, due - time.monotonic())):
            due += self.interval
            self.place(connection)
        connection.close()

    def place(self, connection):
        name = uuid.uuid4().hex[:20]
        headers = {"Authorization": "Bearer " + self.token, "Idempotency-Key": str(uuid.uuid4())}
        if not self.keep_alive:
            headers["Connection"] = "close"
        began = time.monotonic()
        try:
            status, answer, body = connection.ask(
                "POST", "/api/v1/orders", {**machine.ORDER, "quantity": 1, "client_order_id": name}, headers)
            if status == 201:
                self.placed.append((name, answer["location"].rsplit("/", 1)[1]))
            else:
                self.failures.append(f"{status} {body[:300]!r}")
        except Exception as e:  # each is a request that failed
            self.failures.append(f"{type(e).__name__}: {e}")
            connection.close()
        self.slowest = max(self.slowest, time.monotonic() - began)
        if not self.keep_alive:
            connection.close()
