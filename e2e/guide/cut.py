"""Runs a command with FLOWGATE_URL set to a proxy that cuts connections: the first one, and then every second one, half
a second after it was opened. The command must succeed, and a connection must have been cut."""

import asyncio
import os
import sys
import urllib.parse

upstream = urllib.parse.urlsplit(os.environ["FLOWGATE_URL"])
opened = 0


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    global opened
    opened += 1
    lifetime = 0.5 if opened % 2 else None
    upstream_reader, upstream_writer = await asyncio.open_connection(upstream.hostname, upstream.port)
    copies = [asyncio.ensure_future(copy(reader, upstream_writer)), asyncio.ensure_future(copy(upstream_reader, writer))]
    await asyncio.wait(copies, timeout=lifetime, return_when=asyncio.FIRST_COMPLETED)
    for task in copies:
        task.cancel()
    writer.transport.abort()
    upstream_writer.transport.abort()


async def main() -> int:
    proxy = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = proxy.sockets[0].getsockname()[1]
    command = await asyncio.create_subprocess_exec(*sys.argv[1:], env=os.environ | {"FLOWGATE_URL": f"http://127.0.0.1:{port}"})
    status = await command.wait()
    if opened < 2:
        sys.exit(f"the command opened {opened} connections, so none was cut while it waited")
    return status


sys.exit(asyncio.run(main()))
