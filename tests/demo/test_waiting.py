"""What the demos, and tests on a node, wait for."""

from __future__ import annotations

import pytest

from demo.installation import wait_for
from devcluster.errors import CommandFailed

BUSY = CommandFailed("kubectl get pods", code=1, stdout="", stderr="net/http: TLS handshake timeout")


def test_a_command_that_fails_meanwhile_is_asked_again() -> None:
    given = iter([BUSY, None, "here it is"])

    def look() -> object:
        found = next(given)
        if isinstance(found, CommandFailed):
            raise found
        return found

    assert wait_for("it", look, seconds=60, every=0.01) == "here it is"


def test_a_command_that_always_fails_is_told() -> None:
    def look() -> object:
        raise BUSY

    with pytest.raises(TimeoutError, match=r"in vain for it\. .*kubectl get pods .*TLS handshake timeout"):
        wait_for("it", look, seconds=0.1, every=0.01)
