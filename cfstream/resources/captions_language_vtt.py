"""``stream.captions.language.vtt``: the text of a caption track."""

from cfstream import endpoints
from cfstream.resources._base import Resource


class CaptionsLanguageVtt(Resource):
    """The text of a caption track: ``stream.captions.language.vtt``."""

    async def get(self, language: str, *, identifier: str) -> str:
        """Give the WebVTT text.

        Args:
            language: BCP 47 tag of the track.
            identifier: the uid of the video.
        """
        return await self._send(endpoints.CAPTIONS_LANGUAGE_VTT_GET(language=language, identifier=identifier))
