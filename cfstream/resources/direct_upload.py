"""``stream.direct_upload``: one-time addresses for uploads by end users."""

from typing import Unpack

from cfstream import endpoints
from cfstream.models import DirectUpload, DirectUploadCreateParams
from cfstream.resources._base import Resource


class DirectUploads(Resource):
    """One-time addresses for uploads by end users: ``stream.direct_upload``."""

    async def create(self, **params: Unpack[DirectUploadCreateParams]) -> DirectUpload:
        """Make an address that takes one form upload of up to 200 MB without credentials.

        For larger files make a resumable one: ``stream.create(upload_length=..., direct_user=True)``.
        """
        return await self._send(endpoints.DIRECT_UPLOAD_CREATE(params))
