"""The stub service: answers calls from memory, and takes resumable uploads only to forget their bytes."""

import asyncio
import itertools
import re
import ssl
import sys

from bench_video import one_answer

_BUFFER = 512 * 1024
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_SIZE = re.compile(rb"\r\nupload-length:\s*(\d+)", re.IGNORECASE)
_HEAD_MAX = 64 * 1024

# What the service sends beside the body, in number and length.
_COMMON = (
    b"Date: Sun, 01 Mar 2026 12:00:00 GMT\r\n"
    b"Connection: keep-alive\r\n"
    b"Vary: Accept-Encoding\r\n"
    b"CF-Cache-Status: DYNAMIC\r\n"
    b"CF-RAY: 8d5f7a1b2c3d4e5f-FRA\r\n"
    b"Server: cloudflare\r\n"
    b"Api-Version: 2026-03-01\r\n"
    b'Ratelimit: "default";r=1199;t=300\r\n'
    b'Ratelimit-Policy: "default";q=1200;w=300\r\n'
)


def _answer(status: bytes, headers: bytes = b"", body: bytes = b"") -> bytes:
    length = b"Content-Length: %d\r\n" % len(body)
    return b"HTTP/1.1 " + status + b"\r\n" + _COMMON + headers + length + b"\r\n" + body


_VIDEO = _answer(b"200 OK", b"Content-Type: application/json\r\n", one_answer())
_TUS = b"Tus-Resumable: 1.0.0\r\n"


class Upload:
    """How many bytes of an upload came, of how many."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.offset = 0


_uploads: dict[bytes, Upload] = {}
_numbers = itertools.count(1)


class Stub(asyncio.BufferedProtocol):
    """One connection."""

    def __init__(self) -> None:
        self._buffer = memoryview(bytearray(_BUFFER))
        self._head = bytearray()
        self._left = 0
        self._upload = Upload(0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        start = 0
        while start < nbytes:
            start += self._body(nbytes - start) if self._left else self._request(start, nbytes)

    def _body(self, there: int) -> int:
        taken = min(self._left, there)
        self._left -= taken
        self._upload.offset += taken
        if not self._left:
            self._standing(b"204 No Content")
        return taken

    def _request(self, start: int, end: int) -> int:
        """Take the head, or the part of it that is there, and answer it."""
        before = len(self._head)
        self._head += self._buffer[start : min(end, start + _HEAD_MAX)]
        found = self._head.find(b"\r\n\r\n")
        if found < 0:
            return end - start
        head = bytes(self._head[: found + 2])
        self._head.clear()
        self._answer(head)
        return found + 4 - before

    def _answer(self, head: bytes) -> None:
        verb, path, _ = head.split(b" ", 2)
        if verb == b"GET":
            self._transport.write(_VIDEO)
        elif verb == b"POST":
            self._create(head)
        elif verb == b"HEAD":
            self._upload = _uploads[path]
            self._standing(b"200 OK")
        else:
            self._take(path, head)

    def _create(self, head: bytes) -> None:
        size = _SIZE.search(head)
        assert size, "an upload needs a length"
        path = b"/files/%d" % next(_numbers)
        _uploads[path] = Upload(int(size[1]))
        host, port = self._transport.get_extra_info("sockname")
        scheme = b"https" if self._transport.get_extra_info("sslcontext") else b"http"
        location = b"Location: %s://%s:%d%s\r\n" % (scheme, host.encode(), port, path)
        self._transport.write(_answer(b"201 Created", _TUS + location + b"stream-media-id: " + b"0" * 32 + b"\r\n"))

    def _take(self, path: bytes, head: bytes) -> None:
        length = _LENGTH.search(head)
        if not length:
            self._transport.write(_answer(b"411 Length Required"))
            self._transport.close()
            return
        self._upload, self._left = _uploads[path], int(length[1])

    def _standing(self, status: bytes) -> None:
        told = b"Upload-Offset: %d\r\nUpload-Length: %d\r\n" % (self._upload.offset, self._upload.size)
        self._transport.write(_answer(status, _TUS + told))


async def _serve(certificate: str | None = None) -> None:
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    server = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", 0, backlog=512, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))
