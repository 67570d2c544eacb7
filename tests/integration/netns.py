"""A network of one's own: this process and those that it starts see a loopback interface only, to which a test
may add addresses and take them away. As root, or where user namespaces are allowed."""

import ctypes
import fcntl
import os
import socket
import struct

CLONE_NEWNET = 0x40000000
CLONE_NEWUSER = 0x10000000
SIOCGIFINDEX, SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8933, 0x8913, 0x8914
SIOCSIFADDR, SIOCSIFNETMASK, SIOCDIFADDR = 0x8916, 0x891C, 0x8936
IFF_UP = 1
libc = ctypes.CDLL(None, use_errno=True)


def enter():
    """None, or why it cannot be had here. To be called before threads are."""
    flags = CLONE_NEWNET if os.geteuid() == 0 else CLONE_NEWNET | CLONE_NEWUSER
    if libc.unshare(flags) != 0:
        return "needs a network namespace: " + os.strerror(ctypes.get_errno())
    set_up("lo")
    return None


def ask(family, request, data):
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        return fcntl.ioctl(s, request, data)


def set_up(name, up=True):
    flags, = struct.unpack_from("H", ask(socket.AF_INET, SIOCGIFFLAGS, struct.pack("16sH22x", name.encode(), 0)), 16)
    flags = flags | IFF_UP if up else flags & ~IFF_UP
    ask(socket.AF_INET, SIOCSIFFLAGS, struct.pack("16sH22x", name.encode(), flags))


def ipv4(alias, address):
    """`alias` is a name like "lo:1", for taking it away again."""
    for request, value in ((SIOCSIFADDR, address), (SIOCSIFNETMASK, "255.255.255.255")):
        ask(socket.AF_INET, request, struct.pack("16sHH4s8x8x", alias.encode(), socket.AF_INET, 0,
                                                 socket.inet_aton(value)))


def without_ipv4(alias):
    set_up(alias, up=False)


def ipv6(address, request=SIOCSIFADDR):
    index, = struct.unpack_from("i", ask(socket.AF_INET, SIOCGIFINDEX, struct.pack("16si20x", b"lo", 0)), 16)
    ask(socket.AF_INET6, request, struct.pack("16sIi", socket.inet_pton(socket.AF_INET6, address), 128, index))


def without_ipv6(address):
    ipv6(address, SIOCDIFADDR)
