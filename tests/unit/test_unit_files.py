"""``_files``: small files that go into one request whole."""

import io
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from unit_kit import PNG

from cfstream import InvalidInputError
from cfstream._files import DiskFile, check_png, check_vtt, open_large, read_caption, read_file


def test_a_path_gives_its_name_and_bytes(tmp_path: Path) -> None:
    path = tmp_path / "logo.png"
    path.write_bytes(PNG)
    assert read_file(path, size_max=100) == ("logo.png", PNG)
    assert read_file(str(path), size_max=100) == ("logo.png", PNG)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_of_any_kind_are_taken_as_they_are(kind: Any) -> None:
    name, data = read_file(kind(PNG), size_max=100)
    assert (name, data) == ("file", PNG)
    assert type(data) is bytes


def test_a_file_object_is_read_from_where_it_stands_and_left_open(tmp_path: Path) -> None:
    path = tmp_path / "logo.png"
    path.write_bytes(b"xx" + PNG)
    with path.open("rb") as file:
        file.seek(2)
        assert read_file(file, size_max=100) == ("logo.png", PNG)
        assert not file.closed
    assert read_file(io.BytesIO(PNG), size_max=100) == ("file", PNG)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("no/such/file.png", r"file: cannot open 'no/such/file\.png': No such file or directory"),
        (os.curdir, r"file: '\.' is a directory"),
        (b"", "file: file is empty"),
        (b"x" * 11, "file: file is larger than the limit of 10 bytes"),
        (io.StringIO("text"), r"open it in binary mode \('rb'\)"),
        (5, "expected a path, bytes or a binary file object, got int"),
        (None, "got NoneType"),
        (["a.png"], "got list"),
        ("nul\0byte.png", "file: "),
        ("", "file: "),
    ],
    ids=str,
)
def test_what_cannot_be_sent_is_refused_in_one_line(source: Any, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said) as caught:
        read_file(source, size_max=10)
    assert "\n" not in str(caught.value)


def test_no_more_is_read_than_can_be_sent() -> None:
    class Endless(io.RawIOBase):
        asked = 0

        def read(self, size: int = -1) -> bytes:
            self.asked += size
            return b"x" * size

    source = Endless()
    with pytest.raises(InvalidInputError, match="larger than the limit of 10 bytes"):
        read_file(source, size_max=10)  # type: ignore[arg-type]  # raw files are not typed as BinaryIO
    assert source.asked == 11


def test_a_closed_file_object_is_refused_as_such(tmp_path: Path) -> None:
    path = tmp_path / "logo.png"
    path.write_bytes(PNG)
    file = path.open("rb")
    file.close()
    with pytest.raises(InvalidInputError, match="file: "):
        read_file(file, size_max=100)


def test_a_file_object_that_only_writes_is_refused_as_such(tmp_path: Path) -> None:
    with (tmp_path / "out.png").open("wb") as file, pytest.raises(InvalidInputError, match="file: "):
        read_file(file, size_max=100)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are a POSIX matter")
def test_a_named_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe.png"
    os.mkfifo(path)
    ended: list[BaseException] = []

    def read() -> None:
        try:
            read_file(path, size_max=100)
        except BaseException as error:  # noqa: BLE001  # handed to the test
            ended.append(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(0.5)
    waited = thread.is_alive()
    if waited:  # let it go on: somebody opens the pipe for writing and goes away
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
        thread.join(5)
    assert not waited
    assert isinstance(ended[0], InvalidInputError)


def test_a_name_with_a_line_break_does_not_break_the_line_of_the_error(tmp_path: Path) -> None:
    path = tmp_path / "two\nlines.png"
    path.touch()
    with pytest.raises(InvalidInputError) as caught:
        read_file(path, size_max=100)
    assert "\n" not in str(caught.value)


def test_a_watermark_must_be_a_png() -> None:
    check_png("logo.png", PNG)
    for data in (b"GIF89a", b"\x89PNG", b"\xff\xd8\xff\xe0 JFIF", b"<svg/>"):
        with pytest.raises(InvalidInputError, match=r"file: logo\.png is not a PNG image"):
            check_png("logo.png", data)


def test_captions_must_be_webvtt() -> None:
    check_vtt("en.vtt", b"WEBVTT\n\n")
    check_vtt("en.vtt", b"\xef\xbb\xbfWEBVTT - with a byte order mark\n")
    for data in (b"1\n00:00:01,000 --> 00:00:02,000\nSubRip\n", b"", b" WEBVTT", b"webvtt"):
        with pytest.raises(InvalidInputError, match=r"file: en\.vtt is not WebVTT"):
            check_vtt("en.vtt", data)


@pytest.mark.parametrize("text", ["WEBVTT\n\nhello", "WEBVTT - named\r\n", "\ufeffWEBVTT\n"])
def test_captions_may_be_given_as_their_text(text: str) -> None:
    assert read_caption(text, size_max=100) == ("file", text.encode())


def test_captions_given_as_a_text_that_cannot_be_sent_are_refused_in_one_short_line() -> None:
    with pytest.raises(InvalidInputError, match=r"^file: is not valid Unicode text$"):
        read_caption("WEBVTT\n\n\ud800", size_max=100)
    with pytest.raises(InvalidInputError, match=r"^file: cannot open '1\\n00:00") as caught:
        read_caption("1\n00:00:00,000 --> 00:00:01,000\nSubRip\n" * 1000, size_max=100)
    assert len(str(caught.value)) < 300


def test_a_path_that_only_looks_like_captions_is_a_path(tmp_path: Path) -> None:
    path = tmp_path / "WEBVTT"
    path.write_bytes(b"WEBVTT\n")
    assert read_caption(str(path), size_max=100) == ("WEBVTT", b"WEBVTT\n")
    with pytest.raises(InvalidInputError, match="file: cannot open 'WEBVTT'"):
        read_caption("WEBVTT", size_max=100)


def test_a_large_file_stays_on_disk_until_it_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "track.mp3"
    path.write_bytes(b"x" * 50)
    name, content = open_large(path, size_max=50)
    assert (name, content) == ("track.mp3", DiskFile(str(path)))
    assert isinstance(content, DiskFile)
    for _ in range(2):
        with content.open() as file:
            assert file.read() == b"x" * 50
    assert open_large(b"x" * 50, size_max=50) == ("file", b"x" * 50)


@pytest.mark.parametrize(("size", "said"), [(0, "track.mp3 is empty"), (51, "larger than the limit of 50 bytes")])
def test_a_large_file_is_measured_before_it_is_sent(tmp_path: Path, size: int, said: str) -> None:
    path = tmp_path / "track.mp3"
    path.write_bytes(b"x" * size)
    with pytest.raises(InvalidInputError, match=said):
        open_large(path, size_max=50)
    with pytest.raises(InvalidInputError, match="is a directory"):
        open_large(tmp_path, size_max=50)
