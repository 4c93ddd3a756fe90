"""``stream.downloads``: files of a video to download."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from cfstream import endpoints
from cfstream._types import PathSource
from cfstream.models import DownloadProgress, Downloads, DownloadType
from cfstream.resources._base import Resource
from cfstream.saving.download import save_download


class VideoDownloads(Resource):
    """Files of a video to download: ``stream.downloads``."""

    async def get(self, identifier: str) -> Downloads:
        """Give the downloads that were made, and how far they are.

        Args:
            identifier: the uid of the video.
        """
        return await self._send(endpoints.DOWNLOADS_GET(identifier=identifier))

    async def create(self, identifier: str) -> Downloads:
        """Make the MP4 download of a ready video, or give the one there is.

        Args:
            identifier: the uid of the video.
        """
        return await self._send(endpoints.DOWNLOADS_CREATE(identifier=identifier))

    async def delete(self, identifier: str) -> None:
        """Delete the MP4 download; others stay.

        Args:
            identifier: the uid of the video.
        """
        await self._send(endpoints.DOWNLOADS_DELETE(identifier=identifier))

    async def create_type(self, download_type: DownloadType, *, identifier: str) -> Downloads:
        """Make the download of one type, or give the one there is.

        Args:
            download_type: ``default`` for MP4, ``audio`` for M4A.
            identifier: the uid of the video.
        """
        return await self._send(endpoints.DOWNLOADS_CREATE_TYPE(identifier=identifier, download_type=download_type))

    async def delete_type(self, download_type: DownloadType, *, identifier: str) -> None:
        """Delete the download of one type.

        Args:
            download_type: ``default`` for MP4, ``audio`` for M4A.
            identifier: the uid of the video.
        """
        await self._send(endpoints.DOWNLOADS_DELETE_TYPE(identifier=identifier, download_type=download_type))

    async def save(
        self,
        identifier: str,
        path: PathSource,
        *,
        download_type: DownloadType = "default",
        token: str | None = None,
        on_progress: Callable[[DownloadProgress], Awaitable[object] | object] | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Save a ready video as a file: have it made where it is not, wait until it can be fetched, and fetch it.

        The bytes go to ``<path>.part``, with the permissions that the umask leaves; ``path`` itself is there only
        when the file is whole. A lost connection is taken up where the file ends. So is a call that failed, was
        cancelled or killed, by the next one for the same file, in whole blocks of 64 MiB; less than a block is
        removed. Where the file has changed on the media host in the meantime it is fetched from its beginning: two
        versions are never joined. The credentials of the API are not sent to the media host.

        There is no total timeout. The call ends when the service tells no progress of the making for an hour, and
        when eight attempts in a row, or ten minutes, bring nothing new; an attempt ends when nothing comes for
        ``RetryPolicy.response_timeout``.

        Args:
            identifier: the uid of the video.
            path: the new file, or a folder that gets ``<uid>.mp4`` or ``<uid>.m4a``.
            download_type: ``default`` for MP4, ``audio`` for M4A.
            token: for a video with signed URLs: a token for it, made with ``downloadable=True``.
            on_progress: called with a `DownloadProgress` about ten times a second; may be async.
            overwrite: replace a file that is there, once the new one is whole.

        Returns:
            Where the file is.

        Raises:
            InvalidInputError: an argument is refused, or there is something at ``path``; nothing was asked for.
            BadRequestError: the video is not ready.
            EncodingFailedError: the video could not be encoded.
            PermissionDeniedError: the token is missing, expired, for another video or not for downloads; or
                `AuthenticationError`, by the media host's answer.
            WaitTimeoutError: the service told no progress for an hour.
            TransportError: nothing more came, or the media host sends to an address without TLS.
            DecodeError: the media host gave something else than a video or audio file.
            StreamError: the service could not make the file, or another download writes to the same ``.part``.
            OSError: the file cannot be written.
        """
        return await save_download(
            self._transport,
            identifier,
            path,
            kind=download_type,
            token=token,
            on_progress=on_progress,
            overwrite=overwrite,
        )
