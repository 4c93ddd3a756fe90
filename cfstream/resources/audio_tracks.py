"""``stream.audio_tracks``: additional audio tracks of a video."""

from typing import Unpack

from cfstream import endpoints
from cfstream.models import Audio, AudioTrackCopyParams, AudioTrackEditParams, AudioTrackUploadParams
from cfstream.pages import Pager
from cfstream.resources._base import Resource


class AudioTracks(Resource):
    """Additional audio tracks of a video: ``stream.audio_tracks``."""

    def get(self, identifier: str) -> Pager[Audio]:
        """List the tracks that were added to a video; the one it was uploaded with is not among them.

        Args:
            identifier: the uid of the video.
        """
        return self._whole(endpoints.AUDIO_TRACKS_GET(identifier=identifier))

    async def copy(self, identifier: str, **params: Unpack[AudioTrackCopyParams]) -> Audio:
        """Add a track that the service fetches from an address; it is ``queued`` at first.

        A longer track is cut to the length of the video, a shorter one ends in silence.
        """
        return await self._send(endpoints.AUDIO_TRACKS_COPY(params, identifier=identifier))

    async def upload(self, identifier: str, **params: Unpack[AudioTrackUploadParams]) -> Audio:
        """Add a track from a file of at most 200 MB; a file given by its path is read while it is sent.

        A lost connection is not repeated once bytes were sent, because that could add the track twice. The client's
        timeout bounds the whole call: over a slow line, give it longer by ``with_options(timeout=...)``.

        Raises:
            AmbiguousResultError: nobody knows whether the track was added; list them to see.
        """
        return await self._send(endpoints.AUDIO_TRACKS_UPLOAD(params, identifier=identifier))

    async def edit(self, audio_identifier: str, *, identifier: str, **params: Unpack[AudioTrackEditParams]) -> Audio:
        """Rename a track, or let players begin with it.

        Args:
            audio_identifier: the uid of the track.
            identifier: the uid of the video.
            params: what to change.
        """
        return await self._send(
            endpoints.AUDIO_TRACKS_EDIT(params, identifier=identifier, audio_identifier=audio_identifier)
        )

    async def delete(self, audio_identifier: str, *, identifier: str) -> None:
        """Delete a track; the service refuses this for the default one.

        Args:
            audio_identifier: the uid of the track.
            identifier: the uid of the video.
        """
        await self._send(endpoints.AUDIO_TRACKS_DELETE(identifier=identifier, audio_identifier=audio_identifier))
