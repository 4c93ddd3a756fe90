"""Every kind of fault at every place of an upload ends in a whole video or in an error one can act on."""

import os
from pathlib import Path

import pytest
import special_cells
from matrix_kit import KINDS, Kind, cells_of, schedule, violations

SEEDS = max(1, int(os.environ.get("CFSTREAM_FAULTS", "1")) // 40)
"""A seed has two thousand cells: seven of them take as long as 300 kills."""
SCHEDULES = 60
MET_WHOLE = 55
"""Schedules of a seed that are met to their last fault at least; others end by an error before."""


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_a_fault_at_any_place_costs_no_byte_and_no_second_video(kind: Kind, tmp_path: Path) -> None:
    cells = [cell for seed in range(SEEDS) for cell in cells_of(kind, seed)]
    assert not (found := await violations(cells, tmp_path)), "\n".join(found)


@pytest.mark.parametrize("name", special_cells.ALL)
async def test_special(name: str, tmp_path: Path) -> None:
    assert not (found := await violations(special_cells.ALL[name](), tmp_path)), "\n".join(found)


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_several_faults_in_one_upload(seed: int, tmp_path: Path) -> None:
    cells = [schedule(number, seed) for number in range(SCHEDULES)]
    assert not (found := await violations(cells, tmp_path)), "\n".join(found)
    met_whole = [cell for cell in cells if all(one.met for one in cell.plan)]
    assert len(met_whole) >= MET_WHOLE


def test_the_matrix_has_the_cells_it_promises() -> None:
    assert sum(len(cells_of(kind, seed)) for kind in KINDS for seed in range(SEEDS)) >= 1900 * SEEDS
