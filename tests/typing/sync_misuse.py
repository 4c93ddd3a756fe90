"""Mistakes that type checkers must find: a comment that nothing needs is an error of its own; nothing here is run."""

from cfstream.sync import Stream


def mistakes(stream: Stream) -> None:
    stream.edit("uid", required_signed_urls=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    stream.edit("uid", creator=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    stream.list(status="done")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    stream.create()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    stream.watermarks.create(name="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    stream.captions.language.vtt.get("en")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    stream.upload(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Stream("token", "account", session=None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def not_both(stream: Stream) -> None:
    await stream.get("uid")  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
    async with stream:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]
        pass
    aiter(stream.list())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
