"""``stream.captions.language.vtt``: the text of a caption track."""

from pathlib import Path

from cfstream import endpoints
from cfstream._types import PathSource
from cfstream.resources._base import Resource
from cfstream.saving.captions import save_vtt


class CaptionsLanguageVtt(Resource):
    """The text of a caption track: ``stream.captions.language.vtt``."""

    async def get(self, language: str, *, identifier: str) -> str:
        """Give the WebVTT text.

        Args:
            language: BCP 47 tag of the track.
            identifier: the uid of the video.
        """
        return await self._send(endpoints.CAPTIONS_LANGUAGE_VTT_GET(language=language, identifier=identifier))

    async def save(self, language: str, path: PathSource, *, identifier: str, overwrite: bool = False) -> Path:
        """Save the WebVTT text as a file, which is there only once it is whole.

        Args:
            language: BCP 47 tag of the track.
            path: the new file, or a folder that gets ``<uid>.<language>.vtt``.
            identifier: the uid of the video.
            overwrite: replace a file that is there.

        Returns:
            Where the file is.

        Raises:
            InvalidInputError: an argument is refused, or there is something at ``path``; nothing was asked for.
            NotFoundError: the video has no such track.
            OSError: the file cannot be written.
        """
        return await save_vtt(self._transport, language, path, uid=identifier, overwrite=overwrite)
