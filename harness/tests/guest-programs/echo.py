#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""serve PORT: sends each line back. ask HOST PORT: one line there and back."""
import asyncio
import sys


async def answer(reader, writer):
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
    writer.close()


async def serve(port):
    async with await asyncio.start_server(answer, port=port) as server:
        await server.serve_forever()


async def ask(host, port):
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"hello\n")
    line = await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    sys.exit(line != b"hello\n")


if sys.argv[1] == "serve":
    asyncio.run(serve(int(sys.argv[2])))
else:
    asyncio.run(ask(sys.argv[2], int(sys.argv[3])))
