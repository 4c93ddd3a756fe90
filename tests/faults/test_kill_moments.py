"""Processes killed at every moment that matters, and killed again while they clear up: nothing lost, nothing twice."""

from pathlib import Path
from typing import Any

import pytest
from kill_kit import CHUNK, SMALL, Account, Work, account, ambiguous, new_work, seeded

FILES, COPIES = 6, 2

# one for each file and each copy, where nothing else is said
MOMENTS = {
    "write.before": FILES,
    "write.after": FILES,
    "creating.before": FILES + COPIES,
    "creating.after": FILES + COPIES,
    "STREAM_CREATE.before": FILES,
    "STREAM_CREATE.after": FILES,
    "created.before": FILES,
    "created.after": FILES,
    "TUS_PATCH.before": FILES,
    "TUS_PATCH.inside": FILES,
    "TUS_PATCH.after": FILES,
    "STREAM_GET.before": FILES,
    "STREAM_GET.after": FILES,
    "write.done.before": FILES,
    "write.done.after": FILES,
    "COPY_CREATE.before": COPIES,
    "COPY_CREATE.after": COPIES,
    "created.done.before": COPIES,
    "created.done.after": COPIES,
}
LOST_ANSWER = "STREAM_CREATE.after", "COPY_CREATE.after"
CLEARING = [
    "STREAM_LIST.before",
    "STREAM_LIST.after",
    "STREAM_DELETE.before",
    "STREAM_DELETE.after",
    "created.done.before",
    "created.done.after",
    "settled.before",
    "settled.after",
]


def work_of(folder: Path) -> Work:
    return new_work(folder, seeded(), files=FILES, copies=COPIES)


def killed_at(made: Account, work: Work, moment: str, **more: Any) -> bool:
    return made.start(work, moment=moment, **more).was_killed()


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_kill_at_any_moment_is_made_good_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    passes = MOMENTS[moment]
    for nth in sorted({1, (passes + 1) // 2, passes}):
        with monkeypatch.context() as patch, account(patch) as made:
            work = work_of(tmp_path / f"{nth}")
            assert killed_at(made, work, moment, nth=nth)
            made.finish(work)
            assert made.sent_again(work) <= len(work.files) * CHUNK


@pytest.mark.parametrize("moment", CLEARING)
def test_a_kill_while_lost_answers_are_settled_is_made_good_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    reached = 0
    for lost in LOST_ANSWER:
        with monkeypatch.context() as patch, account(patch) as made:
            work = work_of(tmp_path / lost)
            assert killed_at(made, work, lost)
            assert ambiguous(made, work) >= 1
            reached += killed_at(made, work, moment)
            made.finish(work)
    assert reached >= 1


@pytest.mark.parametrize("lost", LOST_ANSWER)
def test_a_create_that_waited_long_before_it_was_sent_is_looked_for_as_patiently(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    with account(monkeypatch) as made:
        work = work_of(tmp_path / "work")
        assert killed_at(made, work, lost, queued_for=SMALL.list_lag * 2)
        assert ambiguous(made, work) >= 1
        made.finish(work)
