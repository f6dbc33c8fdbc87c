"""One turn of the operator, as beside its peers, with few channels."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.contenders import ours
from benchmarks.peer import server_for

pytestmark = pytest.mark.apiserver


def test_a_turn_writes_when_all_is_new_never_again_and_leaves_nothing(tmp_path: Path):
    operator = ours()
    with server_for([operator], tmp_path / "bench") as bench:
        turn = bench.turn(operator, 50)
        assert turn.new.writes >= 5 * 50
        assert turn.again.writes == 0
        assert not any(bench.found(operator, kind) for kind in operator.kinds)
