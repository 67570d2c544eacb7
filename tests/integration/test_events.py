"""The event stream: what happened, in order, resumable over reconnects and restarts."""
import http.client
import json
import threading

import ordo


class Stream:
    """One GET /events; collects (id, type, data)."""

    def __init__(self, d, last=None, query="", token=None):
        self.events = []
        headers = {"Authorization": "Bearer " + (token or d.token)}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        self.c = http.client.HTTPConnection("127.0.0.1", d.port, timeout=30)
        self.c.request("GET", "/api/v1/events" + query, headers=headers)
        self.r = self.c.getresponse()
        self.thread = threading.Thread(target=self.read, daemon=True)
        if self.r.status == 200:
            self.thread.start()

    def read(self):
        event = {}
        try:
            while True:
                line = self.r.fp.readline() if self.r.chunked is False else self.r.readline()
                if not line:
                    return
                line = line.decode().rstrip("\n")
                if not line:
                    if "data" in event:
                        self.events.append((int(event.get("id", 0)), event.get("event"),
                                            json.loads(event["data"])))
                    event = {}
                elif not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    event[name] = value
        except (OSError, ValueError, http.client.HTTPException, AttributeError):
            return

    def close(self):
        self.c.close()


class Events(ordo.Case):
    ENV = {"ORDO_LIMITS": "off"}

    def test_order_and_leg_events(self):
        s = Stream(self.d)
        self.assertEqual(s.r.status, 200)
        self.assertEqual(s.r.headers["content-type"], "text/event-stream")
        order_id = self.d.order().json["order_id"]
        self.until(lambda: len([e for e in s.events if e[2].get("order_id") == order_id]) >= 2)
        mine = [e for e in s.events if e[2].get("order_id") == order_id]
        self.assertEqual([e[1] for e in mine[:2]], ["order", "leg"])
        self.assertEqual(mine[1][2]["account"], "paper:demo")
        self.assertEqual(mine[1][2]["outcome"], "accepted")
        self.assertEqual([e[0] for e in s.events], sorted(e[0] for e in s.events))
        s.close()

    def test_resume_after_restart_misses_nothing(self):
        d = self.daemon().start()
        s = Stream(d)
        first = d.order().json["order_id"]
        self.until(lambda: [e for e in s.events if e[2].get("order_id") == first and e[1] == "leg"])
        last = max(e[0] for e in s.events)
        s.close()
        ids = [d.order().json["order_id"] for _ in range(5)]
        d.stop()
        d.start()
        ids.append(d.order().json["order_id"])
        s = Stream(d, last=last)
        self.until(lambda: len([e for e in s.events if e[1] == "leg"]) >= 6)
        legs = [e[2]["order_id"] for e in s.events if e[1] == "leg"]
        self.assertEqual(legs, ids)
        numbers = [e[0] for e in s.events]
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertGreater(numbers[0], last)
        s.close()
        d.stop()

    def test_fill_of_a_resting_order_arrives(self):
        s = Stream(self.d)
        path = self.d.order(price="1000.00").headers["location"]
        order_id = path.rsplit("/", 1)[1]
        self.d.request("PATCH", path, {"price": "1060.00"})
        self.until(lambda: [e for e in s.events if e[2].get("order_id") == order_id and e[1] == "leg"
                            and e[2]["payload"].get("order_status") == "FILLED"])
        s.close()

    def test_streams_are_bounded(self):
        d = self.daemon().start()  # streams that were left are only noticed at the next write
        streams = [Stream(d) for _ in range(8)]
        self.assertEqual([s.r.status for s in streams], [200] * 8)
        ninth = Stream(d)
        self.assertEqual(ninth.r.status, 429)
        for s in streams:
            s.close()

    def test_bad_last_event_id(self):
        s = Stream(self.d, last="nonsense")
        self.assertEqual(s.r.status, 400)


if __name__ == "__main__":
    ordo.main()
