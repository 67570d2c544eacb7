"""FLATTEN at HDFC, where the exits share five calls a second with the reads that prove them, and at m.Stock."""

import ordo
from test_flatten import Closing, Squared


class Hdfc(Squared, Closing):
    brokers = ("hdfc",)
    account = "hdfc:main"


class Mstock(Squared, Closing):
    brokers = ("mstock",)
    account = "mstock:main"


if __name__ == "__main__":
    ordo.main()
