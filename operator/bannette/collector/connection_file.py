"""Where the connection of an account is kept without Kubernetes: in a file of the channel's state folder."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bannette.errors import PersonNeeded
from bannette.onedrive import Connection, same_account, settled
from bannette.resources import format_time, parse_time

_NAME: Final = "connection.json"
_LOCK: Final = "connection.lock"


@dataclass(frozen=True)
class ConnectionFile:
    """The connection in *folder*: readable by its owner alone, and replaced as a whole."""

    folder: Path
    advice: str = "run `bannette connect -f FILE`"

    def load(self) -> Connection | None:
        try:
            text = (self.folder / _NAME).read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise self._unreadable() from error
        try:
            body = json.loads(text)
            return Connection(
                id=str(body["connectionId"]),
                account=str(body["account"]),
                connected_at=parse_time(body["connectedAt"]),
                tokens=str(body["tokenCache"]),
            )
        except (ValueError, LookupError, TypeError) as error:
            raise self._unreadable() from error

    def save(self, held: Connection, tokens: str) -> Connection:
        with self._locked():
            stored = self.load()
            kept = settled(stored, held, tokens, advice=self.advice)
            if kept != stored:
                self._write(kept)
            return kept

    def connect(self, connection: Connection) -> None:
        """Keep a new connection in place of an earlier one of the same account.

        Raises:
            PersonNeeded: the earlier one is of another account, or the folder can't be written.
        """
        with self._locked():
            try:
                stored = self.load()
            except PersonNeeded:
                # What can't be read any more is no reason to keep out whoever connects again.
                stored = None
            if stored is not None and not same_account(stored, connection):
                raise PersonNeeded(
                    "Another account was connected before: if this one is to take its place, run "
                    "`bannette connect -f FILE --disconnect`, then connect again.",
                    reason="WrongAccount",
                )
            self._write(connection)

    def try_folder(self) -> None:
        """Make sure that a connection can be kept here.

        Raises: PersonNeeded.
        """
        with self._locked():
            pass

    def disconnect(self) -> bool:
        """Forget the connection; whether there was one.

        Raises: PersonNeeded.
        """
        if not (self.folder / _NAME).exists():
            return False
        with self._locked():
            try:
                self._sweep()
                (self.folder / _NAME).unlink()
                self._make_durable()
            except FileNotFoundError:
                return False
            except OSError as error:
                raise self._unwritable(error) from error
        return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let nobody else write meanwhile, as this takes milliseconds."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, connection: Connection) -> None:
        body = {
            "connectionId": connection.id,
            "account": connection.account,
            "connectedAt": format_time(connection.connected_at),
            "tokenCache": connection.tokens,
        }
        try:
            self._sweep()
            # mkstemp: for the owner alone.
            descriptor, beside = tempfile.mkstemp(prefix=f".{_NAME}.", dir=self.folder)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    json.dump(body, file)
                    file.flush()
                    os.fsync(file.fileno())
                Path(beside).replace(self.folder / _NAME)
            except BaseException:
                Path(beside).unlink(missing_ok=True)
                raise
            self._make_durable()
        except OSError as error:
            raise self._unwritable(error) from error

    def _sweep(self) -> None:
        """Remove what a killed writer left, which holds tokens too; with the lock, nobody else is writing."""
        for left in self.folder.glob(f".{_NAME}.*"):
            left.unlink()

    def _make_durable(self) -> None:
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _unreadable(self) -> PersonNeeded:
        return PersonNeeded(
            f"The connection in the state folder {self.folder} can't be read. To connect the account again, "
            f"{self.advice}.",
            reason="ConnectionUnreadable",
        )

    def _unwritable(self, error: OSError) -> PersonNeeded:
        return PersonNeeded(
            f"The state folder {self.folder} can't be written ({error.strerror}): name another one with --state.",
            reason="StateUnwritable",
        )
