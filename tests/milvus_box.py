"""A network of its own for a Milvus server, with one door: ``milvus_box.py PORT INNER HEALTH BINARY...``

Milvus 2.3 listens on all addresses whatever its configuration says, and its etcd on fixed ports. So this
process opens a port on loopback, then leaves the machine's network for an empty one, starts the server there
and passes bytes from the one to the other. It prints a line once the server is healthy, and ends with it.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys
import threading
from contextlib import suppress

_NEW_USER, _NEW_NET = 0x10000000, 0x40000000
_FLAGS, _UP = 0x8914, 0x41


def _leave() -> None:
    """Into a network that only has a loopback of its own."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(_NEW_NET) and library.unshare(_NEW_USER | _NEW_NET):
        sys.exit(f"No network of its own: {os.strerror(ctypes.get_errno())}.")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _FLAGS, struct.pack("16sh22x", b"lo", _UP))


def _follow_parent() -> None:
    # The kernel's signal at a parent's death comes at the death of the thread that started us: too early.
    sys.stdin.buffer.read()
    os._exit(1)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(1 << 18):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _serve(door: socket.socket, inner: int, health: int, command: list[str]) -> None:
    async def visitor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inside, outside = await asyncio.open_connection("127.0.0.1", inner)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pass_on(reader, outside), _pass_on(inside, writer))

    server = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=sys.stderr, preexec_fn=_die_with_parent
    )
    await asyncio.start_server(visitor, sock=door)
    asking = asyncio.create_task(_until_healthy(health))
    code = await server.wait()
    asking.cancel()
    sys.exit(f"Milvus ended with {code}.")


async def _until_healthy(port: int) -> None:
    while True:
        with suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
            answer = await reader.read()
            writer.close()
            if b" 200 " in answer.split(b"\r\n")[0] and answer.endswith(b"OK"):
                print("healthy", flush=True)
                return
        await asyncio.sleep(0.1)


def main(port: str, inner: str, health: str, *command: str) -> None:
    """Run until the server ends, or whoever started this: then our standard input ends."""
    threading.Thread(target=_follow_parent, daemon=True).start()
    door = socket.create_server(("127.0.0.1", int(port)))
    _leave()
    asyncio.run(_serve(door, int(inner), int(health), list(command)))


if __name__ == "__main__":
    main(*sys.argv[1:])
