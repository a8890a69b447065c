"""Leave the machine's network: Milvus 2.3 listens on all addresses, whatever its configuration says."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct

__all__ = ["leave_the_network"]

_NEW_USER, _NEW_NET = 0x10000000, 0x40000000
_SET_FLAGS, _UP = 0x8914, 0x41


def leave_the_network() -> None:
    """Put this process, and those it starts, into a network that has a loopback of its own and nothing else.

    Call it before there are threads. Needs Linux, and root or user namespaces.
    """
    system = ctypes.CDLL(None, use_errno=True)
    if system.unshare(_NEW_NET) and system.unshare(_NEW_USER | _NEW_NET):
        raise SystemExit(f"No network of its own can be had: {os.strerror(ctypes.get_errno())}.")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh22x", b"lo", _UP))
