"""A TCP port that leads to PostgreSQL's socket, which none but the server's own user may enter."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import parse_qs, urlsplit

from config.embedded.addresses import NAME


@contextmanager
def door(url: str) -> Iterator[str]:
    """Yield an address on this machine that leads to the same database, open meanwhile; url as in DATABASE_URL."""
    parts = urlsplit(url)
    sockets = parse_qs(parts.query).get("host", [])
    if not sockets:
        yield url
        return
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(_listen(f"{sockets[0]}/.s.PGSQL.5432"))
    port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, name="door")
    thread.start()
    try:
        yield f"postgresql://{NAME}:{NAME}@127.0.0.1:{port}{parts.path}"
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        _end(loop)


def _end(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.close()


async def _listen(path: str) -> asyncio.Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(path)
        await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))

    return await asyncio.start_server(serve, "127.0.0.1", 0)


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
    sink.close()
