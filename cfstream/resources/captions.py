"""``stream.captions``: captions and subtitles of a video."""

from cfstream._transport import Transport
from cfstream.resources._base import Resource
from cfstream.resources.captions_language import CaptionsLanguage


class Captions(Resource):
    """Captions and subtitles of a video: ``stream.captions``."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self.language = CaptionsLanguage(transport)
