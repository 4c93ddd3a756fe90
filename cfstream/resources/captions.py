"""``stream.captions``: captions and subtitles of a video."""

from cfstream import endpoints
from cfstream._transport import Transport
from cfstream.models import Caption
from cfstream.pages import Pager
from cfstream.resources._base import Resource
from cfstream.resources.captions_language import CaptionsLanguage


class Captions(Resource):
    """Captions and subtitles of a video: ``stream.captions``."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self.language = CaptionsLanguage(transport)

    def get(self, identifier: str) -> Pager[Caption]:
        """List the tracks of a video, also those that are being generated or failed.

        Args:
            identifier: the uid of the video.
        """
        return self._whole(endpoints.CAPTIONS_GET(identifier=identifier))
