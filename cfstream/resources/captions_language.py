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

    async def update(self, language: str, *, identifier: str, file: FileSource) -> Caption:
        """Upload a WebVTT file of at most 10 MB; it replaces the track there is in this language.

        Args:
            language: BCP 47 tag, such as ``en`` or ``pt-BR``.
            identifier: the uid of the video.
            file: a path, bytes or a binary file object.
        """
        return await self._send(
            endpoints.CAPTIONS_LANGUAGE_UPDATE({"file": file}, language=language, identifier=identifier)
        )
