"""Jobs of a blocking caller: what they call back is called in the caller's thread, and outcomes name them as given."""

from typing import Any

import attrs

from cfstream.sync._portal import callbacks_in_callers_thread, read_by_caller
from cfstream.uploads.many import Uploaded, UploadFailed, UploadJob


class _Moved(UploadJob):
    """A job whose callbacks run in the thread that waits for the call."""

    def __init__(self, given: UploadJob) -> None:
        super().__init__(given.source, **callbacks_in_callers_thread(given.options))
        self.given = given


def jobs_read_by_caller(sources: Any) -> Any:
    """As `read_by_caller`, with what each job calls back moved to the caller's thread, too."""
    return read_by_caller(sources, lambda item: _Moved(item) if isinstance(item, UploadJob) else item)


def as_given(outcome: Uploaded | UploadFailed) -> Uploaded | UploadFailed:
    """Give the outcome with the job that the caller gave."""
    job = outcome.source
    return attrs.evolve(outcome, source=job.given) if isinstance(job, _Moved) else outcome
