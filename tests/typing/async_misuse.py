"""Mistakes that type checkers must find: a comment that nothing needs is an error of its own; nothing here is run."""

from datetime import UTC, datetime

from cfstream import CopyJob, RetryPolicy, Stream, UploadJob
from cfstream.models import AccessRule

NOW = datetime.now(UTC)


async def mistakes(stream: Stream) -> None:
    await stream.edit("uid", required_signed_urls=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await stream.edit("uid", creator=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await stream.edit("uid", meta=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await stream.edit("uid", scheduled_deletion="2026-01-01")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await stream.edit("uid", public_details={"titel": "x"})  # type: ignore[typeddict-unknown-key]  # pyright: ignore[reportArgumentType]
    await stream.edit()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    stream.list(status="done")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    stream.list(limit="5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await stream.create()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await stream.watermarks.create(file=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await stream.audio_tracks.copy("uid")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await stream.audio_tracks.edit("track", "uid", label="l")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await stream.downloads.create_type("video", identifier="uid")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await stream.clip.create(clipped_from_video_uid="uid")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await stream.copy.create(input="https://a.example", watermark="uid")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await stream.direct_upload.create()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await stream.live_inputs.create(recording={"mode": "on"})  # type: ignore[typeddict-item]  # pyright: ignore[reportArgumentType]
    await stream.live_inputs.outputs.update("output", "uid", enabled=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await stream.webhooks.update(body_notification_url_1="https://a.example")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await stream.keys.get("id")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    stream.edit_many([("uid", {"creater": "a"})])  # type: ignore[typeddict-unknown-key]  # pyright: ignore[reportArgumentType]
    stream.delete_many([5])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    live = await stream.live_inputs.get("uid")
    live.rtmps.url  # type: ignore[union-attr]  # noqa: B018  # pyright: ignore[reportOptionalMemberAccess]
    async for outcome in stream.edit_many([]):
        outcome.video  # type: ignore[union-attr]  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    await stream.watermarks.create(file=b"", position="middle")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await stream.captions.language.vtt.get("en")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await stream.captions.language.vtt.get("en", "uid")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await stream.token.create("uid", exp=NOW)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await stream.wait_until_ready("uid", until="done")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    AccessRule("ip", "allow")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Stream("token", "account", "http://x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    RetryPolicy(4)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    list(stream.list())  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    video = await stream.get("uid")
    video.uid = "other"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    video.created.nonsense  # type: ignore[attr-defined]  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    len(video.creator)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def mistaken_files(stream: Stream) -> None:
    await stream.upload(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await stream.upload("a.mp4", resume=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await stream.upload("a.mp4", length="5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    stream.upload_many([5])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    stream.upload_many(["a.mp4"], creater="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    stream.upload_many(["a.mp4"], journal=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    UploadJob("a.mp4", creater="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    CopyJob("https://a.example", length=5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    async for done in stream.upload_many([]):
        done.video  # type: ignore[union-attr]  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    stream.wait_many([5])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    await stream.downloads.save("uid")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await stream.downloads.save("uid", "a.mp4", download_type="video")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await stream.captions.language.vtt.save("en", "a.vtt")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
