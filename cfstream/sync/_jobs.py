"""Jobs of a blocking caller: what they call back is called in the caller's thread, and outcomes name them as given."""

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from cfstream.models import UploadProgress
from cfstream.models.video import UploadParams
from cfstream.sync._portal import callbacks_in_callers_thread, read_by_caller
from cfstream.uploads.many import Uploaded, UploadFailed, UploadJob


class UploadJobParams(UploadParams, total=False):
    """The defaults of all uploads of a blocking `upload_many`: those of the async one, with nothing to await."""

    meta: Mapping[str, str]
    """Further free metadata, texts by key."""
    length: int
    """The size in bytes, for a source that does not know it."""
    chunk_size: int
    """Bytes in one request: 5 to 200 MiB in steps of 256 KiB."""
    on_progress: Callable[[UploadProgress], object]
    """Called with an `UploadProgress` of this upload."""


class _Moved(UploadJob):
    """A job whose callbacks run in the thread that waits for the call."""

    def __init__(self, given: UploadJob) -> None:
        self.source = given.source
        self.given = given

    @property
    def options(self) -> Any:  # type: ignore[override]  # read only here
        """Looked at when its turn comes, so that a job whose options are refused fails alone."""
        return callbacks_in_callers_thread(self.given.options)


def jobs_read_by_caller(sources: Any) -> Any:
    """As `read_by_caller`, with what each job calls back moved to the caller's thread, too."""
    return read_by_caller(sources, lambda item: _Moved(item) if isinstance(item, UploadJob) else item)


def as_given(outcome: Uploaded | UploadFailed) -> Uploaded | UploadFailed:
    """Give the outcome with the job that the caller gave."""
    job = outcome.source
    return attrs.evolve(outcome, source=job.given) if isinstance(job, _Moved) else outcome
