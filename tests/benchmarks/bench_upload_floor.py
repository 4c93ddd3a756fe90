"""The floor under all uploads: a blocking socket, with the bytes of the requests written by hand."""

import os
import re
import socket
import ssl
from pathlib import Path

from bench_process import MIB
from bench_upload_job import CHUNK, Job

_PIECE = MIB
_OFFSET = re.compile(rb"\r\nUpload-Offset: (\d+)")
_LOCATION = re.compile(rb"\r\nLocation: https?://[^/]+(\S+)")
_HOST = b"Host: 127.0.0.1\r\nTus-Resumable: 1.0.0\r\n"


def connection(job: Job, context: ssl.SSLContext | None) -> socket.socket:
    """Connect, over TLS where there is a context."""
    plain = socket.create_connection(("127.0.0.1", job.port))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(plain, server_hostname="127.0.0.1") if context else plain


def send_file(connection: socket.socket, piece: memoryview, path: Path) -> None:
    """Upload one file, piece by piece through the buffer."""
    size = path.stat().st_size
    connection.sendall(b"POST / HTTP/1.1\r\n" + _HOST + b"Upload-Length: %d\r\nContent-Length: 0\r\n\r\n" % size)
    location = _found(_LOCATION, connection.recv(4096))
    offset = 0
    with path.open("rb", buffering=0) as file:
        while offset < size:
            length = min(CHUNK, size - offset)
            told = b"Upload-Offset: %d\r\nContent-Length: %d\r\n\r\n" % (offset, length)
            connection.sendall(b"PATCH " + location + b" HTTP/1.1\r\n" + _HOST + told)
            for start in range(offset, offset + length, _PIECE):
                count = os.preadv(file.fileno(), [piece[: min(_PIECE, offset + length - start)]], start)
                connection.sendall(piece[:count])
            offset = int(_found(_OFFSET, connection.recv(4096)))


def piece() -> memoryview:
    """Make a buffer for `send_file`."""
    return memoryview(bytearray(_PIECE))


def _found(pattern: re.Pattern[bytes], answer: bytes) -> bytes:
    match = pattern.search(answer)
    assert match, answer
    return match[1]
