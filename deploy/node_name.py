"""Runs the given command under its container's name: in `throughline-fastapi-2` the instance is `fastapi-2`.

A scaled container does not know its number; Docker's name server knows which container has this one's address. It is
not asked where SERVICE_NODE_NAME is given, as in Kubernetes.
"""

import os
import re
import socket
import struct
import sys
from typing import Final

_PTR: Final = 12
_SECONDS: Final = 2


def main() -> None:
    if not os.environ.get("SERVICE_NODE_NAME"):
        found = re.search(r"(?:^|[-_])([a-z]+)[-_](\d+)$", _container_name())
        if found:
            os.environ["SERVICE_NODE_NAME"] = f"{found[1]}-{found[2]}"
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - the command is this image's own


def _container_name() -> str:
    """Empty where no name server knows it (another runtime): the instance then uses its host name."""
    try:
        address = socket.gethostbyname(socket.gethostname())
        return _asked_of(_name_server(), address)
    except (OSError, ValueError, IndexError, struct.error):
        return ""


def _name_server() -> str:
    # /etc/hosts, which the C library asks first, knows the container's ID only.
    with open("/etc/resolv.conf", encoding="utf-8") as file:  # noqa: PTH123 - one import less at every start
        return next(line.split()[1] for line in file if line.startswith("nameserver"))


def _asked_of(server: str, address: str) -> str:
    labels = [*reversed(address.split(".")), "in-addr", "arpa"]
    name = b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"
    question = struct.pack(">6H", 1, 0x0100, 1, 0, 0, 0) + name + struct.pack(">2H", _PTR, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(_SECONDS)
        asking.sendto(question, (server, 53))
        answer = asking.recv(512)
    if not struct.unpack_from(">H", answer, 6)[0]:
        return ""
    at = len(question)
    at += 2 if answer[at] >= 0xC0 else len(name)  # the question's name again, as a pointer or in full
    at += 10  # type, class, time to live, length
    return answer[at + 1 : at + 1 + answer[at]].decode()


if __name__ == "__main__":
    main()
