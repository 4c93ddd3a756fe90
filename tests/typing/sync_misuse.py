"""Mistakes that type checkers must find: a comment that nothing needs is an error of its own; nothing here is run."""

from cfstream import CopyJob, UploadJob
from cfstream.sync import Stream


def mistakes(stream: Stream) -> None:
    stream.edit("uid", required_signed_urls=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    stream.edit("uid", creator=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    stream.list(status="done")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    stream.create()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    stream.watermarks.create(file=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    stream.audio_tracks.copy("uid")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    stream.downloads.create_type("video", identifier="uid")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    stream.clip.create(clipped_from_video_uid="uid")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    stream.live_inputs.outputs.update("output", "uid", enabled=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    stream.webhooks.update(body_notification_url_1="https://a.example")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    stream.edit_many([("uid", {"creater": "a"})])  # type: ignore[typeddict-unknown-key]  # pyright: ignore[reportArgumentType]
    for outcome in stream.edit_many([]):
        outcome.video  # type: ignore[union-attr]  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    stream.captions.language.vtt.get("en")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Stream("token", "account", session=None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def mistaken_files(stream: Stream) -> None:
    stream.upload(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    stream.upload("a.mp4", resume=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    stream.upload("a.mp4", length="5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    stream.upload_many([5])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    stream.upload_many(["a.mp4"], creater="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    stream.upload_many(["a.mp4"], journal=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    UploadJob("a.mp4", creater="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    CopyJob("https://a.example", length=5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    for done in stream.upload_many([]):
        done.video  # type: ignore[union-attr]  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    stream.wait_many([5])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    stream.downloads.save("uid")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    stream.downloads.save("uid", "a.mp4", download_type="video")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    stream.captions.language.vtt.save("en", "a.vtt")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def not_both(stream: Stream) -> None:
    await stream.get("uid")  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
    async with stream:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]
        pass
    async for _ in stream.delete_many([]):  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
        pass
    aiter(stream.list())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
