"""What goes over loopback to a port, as the kernel sends it: the moment at which the first byte of each HTTP request
left its program. Whoever receives it may look at it much later, on a busy machine. As root, or with CAP_NET_RAW."""

import ctypes
import socket
import struct
import threading

SO_TIMESTAMPNS, SO_ATTACH_FILTER, SO_RCVBUFFORCE = 35, 26, 33
ETH_P_ALL, PACKET_OUTGOING = 3, 4
METHODS = (b"GET ", b"POST ", b"PUT ", b"PATCH ", b"DELETE ")


def only_to(port):
    """IPv4, TCP, to this port: a classic packet filter, which keeps the rest out of Python."""
    code = [(0x28, 0, 0, 12), (0x15, 0, 6, 0x0800), (0x30, 0, 0, 23), (0x15, 0, 4, 6),
            (0xB1, 0, 0, 14), (0x48, 0, 0, 16), (0x15, 0, 1, port), (0x06, 0, 0, 0xFFFF), (0x06, 0, 0, 0)]
    return ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *c) for c in code)), len(code)


class Tap:
    def __init__(self, port):
        """Raises PermissionError where it cannot be had."""
        self.requests = []  # (moment by the wall clock, b"POST /path")
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        program, n = only_to(port)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                               struct.pack("HP", n, ctypes.addressof(program)))
        self.socket.bind(("lo", 0))
        self.socket.settimeout(0.1)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.over.is_set():
            try:
                frame, extra, _, where = self.socket.recvmsg(256, 64, socket.MSG_TRUNC)
            except TimeoutError:
                continue
            if where[2] != PACKET_OUTGOING:
                continue  # the same one again, received
            ip = 14 + 4 * (frame[14] & 15)
            payload = frame[ip + 4 * (frame[ip + 12] >> 4):]
            if payload.startswith(METHODS):
                seconds, nanoseconds = struct.unpack("qq", extra[0][2])
                self.requests.append((seconds + nanoseconds / 1e9, b" ".join(payload.split(b" ", 2)[:2])))

    def times(self, *starts):
        """Of the requests that begin with one of these."""
        return [t for t, what in list(self.requests) if what.startswith(starts)]

    def close(self):
        self.over.set()
        self.thread.join()
        self.socket.close()
