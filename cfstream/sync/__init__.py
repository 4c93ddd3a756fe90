"""The blocking twin: the same names as `cfstream`, without ``await``."""

from cfstream.sync._base import Bulk, Pager, Uploads
from cfstream.sync._client import Stream

__all__ = ["Bulk", "Pager", "Stream", "Uploads"]
