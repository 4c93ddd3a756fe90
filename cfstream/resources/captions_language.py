"""``stream.captions.language``: the caption track in one language."""

from cfstream import endpoints
from cfstream._transport import Transport
from cfstream._types import FileSource
from cfstream.models import Caption
from cfstream.resources._base import Resource
from cfstream.resources.captions_language_vtt import CaptionsLanguageVtt


class CaptionsLanguage(Resource):
    """The caption track in one language: ``stream.captions.language``."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self.vtt = CaptionsLanguageVtt(transport)

    async def get(self, language: str, *, identifier: str) -> Caption:
        """Give the track in one language.

        Args:
            language: BCP 47 tag, such as ``en`` or ``pt-BR``.
            identifier: the uid of the video.
        """
        return await self._send(endpoints.CAPTIONS_LANGUAGE_GET(language=language, identifier=identifier))

    async def create(self, language: str, *, identifier: str) -> Caption:
        """Let the service write a track by speech recognition; it is ``inprogress`` at first.

        The video must be ready and have no track in this language yet. When an answer is lost, the track is looked
        for before the call is repeated.

        Args:
            language: BCP 47 tag of the language that is spoken.
            identifier: the uid of the video.
        """
        return await self._send(endpoints.CAPTIONS_LANGUAGE_CREATE(language=language, identifier=identifier))

    async def update(self, language: str, *, identifier: str, file: FileSource) -> Caption:
        """Upload a WebVTT file of at most 10 MB; it replaces the track there is in this language.

        Args:
            language: BCP 47 tag, such as ``en`` or ``pt-BR``.
            identifier: the uid of the video.
            file: a path, bytes, a binary file object, or the text itself (it begins with ``WEBVTT``).
        """
        return await self._send(
            endpoints.CAPTIONS_LANGUAGE_UPDATE({"file": file}, language=language, identifier=identifier)
        )

    async def delete(self, language: str, *, identifier: str) -> None:
        """Delete the track in one language.

        Args:
            language: BCP 47 tag of the track.
            identifier: the uid of the video.
        """
        await self._send(endpoints.CAPTIONS_LANGUAGE_DELETE(language=language, identifier=identifier))
