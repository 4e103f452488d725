"""A slow link to the DC: a TCP forwarder on an address of the lab's that delays every byte."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.description import Lab

PORT = 636


@contextmanager
def delayed(lab: Lab, milliseconds: float) -> Iterator[str]:
    """An ``ldaps://`` URL of the DC, each direction slower by ``milliseconds``."""
    address = lab.front_addresses[-1]
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(
        asyncio.start_server(
            lambda reader, writer: _join(lab, reader, writer, milliseconds / 1000), address, PORT
        )
    )
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"ldaps://{address}"
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    links = asyncio.all_tasks() - {asyncio.current_task()}
    for link in links:
        link.cancel()
    await asyncio.gather(*links, return_exceptions=True)


async def _join(
    lab: Lab, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float
) -> None:
    far_reader, far_writer = await asyncio.open_connection(lab.address, PORT)
    ways = [_forward(reader, far_writer, seconds), _forward(far_reader, writer, seconds)]
    try:
        await asyncio.gather(*ways)
    except (ConnectionError, asyncio.CancelledError):
        return  # one side hung up, or the bench has ended


async def _forward(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float
) -> None:
    """Deliver each piece ``seconds`` after it came, without holding up the ones behind it."""
    loop = asyncio.get_running_loop()
    while data := await reader.read(65536):
        loop.call_later(seconds, writer.write, data)
    loop.call_later(seconds, writer.close)
