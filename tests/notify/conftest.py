"""The credentials of a mail server."""

from __future__ import annotations

import pytest

from tests.notify.mail_server import PASSWORD, USER


@pytest.fixture
def credentials(tmp_path):
    """A mounted Secret."""
    (tmp_path / "username").write_text(f"{USER}\n")
    (tmp_path / "password").write_text(PASSWORD)
    return {"username_file": tmp_path / "username", "password_file": tmp_path / "password"}
