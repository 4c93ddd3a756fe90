"""What came of the files of an upload, and how it is told at the end."""

from collections.abc import Iterator
from pathlib import Path

import attrs

from cfstream.cli.failures import advice, code_of, line_of
from cfstream.cli.text import clean, many, size

_REASONS_MOST = 20


@attrs.define
class _Alike:
    """Files that failed for the same reason."""

    first: str
    line: str
    """The reason of the first."""
    advice: str | None
    count: int = 0


@attrs.define
class Tally:
    """Counts; of failures only what can be told is kept."""

    resumable: bool
    """Whether a journal is kept."""
    done: int = attrs.field(default=0, init=False)
    known: int = attrs.field(default=0, init=False)
    """Of those done, how many the journal knew."""
    bytes: int = attrs.field(default=0, init=False)
    """Of the files that were uploaded now."""
    failed: int = attrs.field(default=0, init=False)
    codes: set[int] = attrs.field(factory=set[int], init=False)
    """The exit codes of the failures."""
    # by what is left of a reason without that which differs from file to file
    _reasons: dict[tuple[str, str | None], _Alike] = attrs.field(factory=dict, init=False)

    @property
    def over(self) -> int:
        """How many are done or failed."""
        return self.done + self.failed

    def succeed(self, count: int, *, known: bool) -> None:
        """Count a file of so many bytes that is on the service."""
        self.done += 1
        self.known += known
        self.bytes += count

    def fail(self, file: str, error: Exception) -> None:
        """Count a file that is not."""
        self.failed += 1
        self.codes.add(code_of(error))
        line, what = line_of(error), advice(error, resumable=self.resumable)
        reason = line
        for own in (clean(file), clean(Path(file).name), getattr(error, "ray_id", None)):
            if own:
                reason = reason.replace(own, "")
        alike = self._reasons.setdefault((reason, what), _Alike(clean(file), line, what))
        alike.count += 1

    def summary(self) -> str:
        """Tell in a line what is there."""
        uploaded = f"uploaded {many(self.done - self.known, 'file')} ({size(self.bytes)})"
        return f"{uploaded}, {self.known:,} known from the journal" if self.resumable else uploaded

    def reasons(self) -> Iterator[str]:
        """Tell line by line what failed, and what to do about it; reasons that are alike once."""
        told, further = list(self._reasons.values())[:_REASONS_MOST], list(self._reasons.values())[_REASONS_MOST:]
        for alike in told:
            others = f" and {alike.count - 1:,} more" if alike.count > 1 else ""
            yield f"error: {alike.first}{others}: {alike.line}"
            if alike.advice:
                yield f"  {alike.advice}"
        if further:
            yield f"error: {many(sum(alike.count for alike in further), 'further file')} failed for other reasons"
