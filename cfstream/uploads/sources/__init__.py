"""What can be uploaded: one file for each kind, and `open_source`, which tells them apart."""

from cfstream.uploads.sources.base import PIECE, Source
from cfstream.uploads.sources.opening import UploadSource, open_source
from cfstream.uploads.sources.ranges import RangeSource

__all__ = ["PIECE", "RangeSource", "Source", "UploadSource", "open_source"]
