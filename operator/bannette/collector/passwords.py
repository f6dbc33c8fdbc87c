"""The passwords that a channel has for encrypted documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bannette.errors import PersonNeeded

_MOST: Final = 100
# In bytes of UTF-8: what PDF 2.0 (ISO 32000-2, 7.6.4) takes of a password.
_LONGEST: Final = 127


def passwords_in(secret: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return the passwords in the members of Secret *name*: one on each line, each once; empty lines say nothing.

    Raises:
        PersonNeeded: PasswordsInvalid: there is none, there are too many, or one is too long.
    """
    lines = (line for key in sorted(secret) for line in secret[key].splitlines())
    passwords = tuple(dict.fromkeys(line for line in lines if line.strip()))
    if not passwords:
        problem = "holds no password: write one on each line"
    elif len(passwords) > _MOST:
        problem = f"holds {len(passwords)} passwords: keep at most {_MOST}, since each is tried on each document"
    elif any(len(password.encode()) > _LONGEST for password in passwords):
        problem = f"holds a line of more than {_LONGEST} bytes, which is no password: write one on each line"
    else:
        return passwords
    raise PersonNeeded(f'Secret "{name}" of spec.ocr.passwordsSecret {problem}.', reason="PasswordsInvalid")
