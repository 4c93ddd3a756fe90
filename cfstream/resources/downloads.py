"""``stream.downloads``: files of a video to download."""

from cfstream import endpoints
from cfstream.models import Downloads, DownloadType
from cfstream.resources._base import Resource


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
