"""A way to the DC that presents another certificate: what a client must refuse.

A front listens on an address of its own and passes what it hears on to the DC's LDAPS port.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial

from tests.lab.certificates import Certificate
from tests.lab.description import Lab, LabError

START_TLS = b"1.3.6.1.4.1.1466.20037"
PATIENCE = 1.0
"""Seconds for an orderly end of TLS, which not everybody takes part in."""
Greeting = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bool]]


@dataclass(frozen=True)
class Front:
    """Where a front listens."""

    address: str

    @property
    def ldaps_url(self) -> str:
        """LDAP over TLS."""
        return f"ldaps://{self.address}"

    @property
    def ldap_url(self) -> str:
        """LDAP that knows StartTLS, and that as the first request only."""
        return f"ldap://{self.address}"


@contextmanager
def front(lab: Lab, certificate: Certificate) -> Iterator[Front]:
    """Open a front that presents a certificate."""
    offered = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    offered.load_cert_chain(lab.tls / f"{certificate}.pem", lab.tls / f"{certificate}.key")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name=f"front {certificate}", daemon=True)
    thread.start()
    try:
        address, servers = asyncio.run_coroutine_threadsafe(listen(lab, offered), loop).result()
        try:
            yield Front(address)
        finally:
            asyncio.run_coroutine_threadsafe(hang_up(servers), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def listen(lab: Lab, offered: ssl.SSLContext) -> tuple[str, list[asyncio.Server]]:
    """Listen on the first of the lab's front addresses that is free."""
    over_tls = partial(serve, lab, offered)
    after_start_tls = partial(over_tls, greet=answer_start_tls)
    for address in lab.front_addresses:
        try:
            tls = await asyncio.start_server(over_tls, address, 636)
        except OSError:
            continue
        return address, [tls, await asyncio.start_server(after_start_tls, address, 389)]
    raise LabError(f"all fronts of {lab.folder} are open: {', '.join(lab.front_addresses)}")


async def hang_up(servers: list[asyncio.Server]) -> None:
    """Stop listening, and end all connections."""
    for server in servers:
        server.close()
    connections = asyncio.all_tasks() - {asyncio.current_task()}
    for connection in connections:
        connection.cancel()
    await asyncio.gather(*connections, return_exceptions=True)
    # Sockets close in a turn of the loop after the one that ends their task.
    await asyncio.sleep(0.01)


async def serve(
    lab: Lab,
    offered: ssl.SSLContext,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    greet: Greeting | None = None,
) -> None:
    """Serve one client: an exchange in plain text where there is one, TLS, and then the DC."""
    # A client that turns away from a bad certificate is what fronts are for.
    with suppress(OSError):
        try:
            if greet is None or await greet(reader, writer):
                await writer.start_tls(offered)
                await relay(lab, reader, writer)
        finally:
            await close(writer)


async def answer_start_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Answer a StartTLS request (RFC 4511 4.14); False if the first request is another."""
    request = await reader.read(1024)
    if START_TLS not in request:
        return False
    # After SEQUENCE and its length: the message's id, whose own length is its second byte.
    message_id = request[2 : 4 + request[3]]
    success = b"\x78\x07\x0a\x01\x00\x04\x00\x04\x00"
    writer.write(b"\x30" + bytes([len(message_id) + len(success)]) + message_id + success)
    return True


async def relay(lab: Lab, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on between a client and the DC until one of them ends."""
    trusted = ssl.create_default_context(cafile=str(lab.ca_file))
    from_dc, to_dc = await asyncio.open_connection(lab.address, 636, ssl=trusted)
    ways = [
        asyncio.create_task(copy(source, target))
        for source, target in ((reader, to_dc), (from_dc, writer))
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await close(to_dc)


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy one way."""
    while chunk := await reader.read(65536):
        writer.write(chunk)
        await writer.drain()


async def close(writer: asyncio.StreamWriter) -> None:
    """Close a connection in order, or without where the other end does not take part."""
    writer.close()
    with suppress(OSError):
        async with asyncio.timeout(PATIENCE):
            await writer.wait_closed()
