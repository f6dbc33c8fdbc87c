"""Waits for the runs of a channel, and says at once why one fails."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from demo.installation import get, wait_for
from demo.narration import DemoFailed
from devcluster.kubectl import Kubectl

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Runs:
    """The runs of a channel, by its status.

    Attributes:
        begin_anew: the command that removes what earlier demos left.
    """

    kubectl: Kubectl
    namespace: str
    channel: str
    begin_anew: str

    def history(self) -> Sequence[Entry]:
        """Return what the status tells of runs, the newest first."""
        status: Any = get(self.kubectl, "collectionchannel", self.channel, namespace=self.namespace).get("status")
        return (status or {}).get("history") or ()

    def wait_for(self, request: str | None, *, seconds: float) -> Entry:
        """Return how the run of *request*, or the first run, ended. That it failed is printed at once.

        Raises:
            DemoFailed: it failed for good. TimeoutError: it didn't end within *seconds*.
        """
        told = set[str]()
        what = "the requested run" if request else "the first run"

        def ended() -> Entry | None:
            entry = next((one for one in self.history() if one.get("request") == request), None)
            if entry is None or entry["result"] != "Failed":
                return entry
            reason, text = entry["reason"], f"  A run failed, {entry['reason']}: {entry['message']}"
            if text not in told:
                told.add(text)
                print(text, flush=True)
            if self._has_given_up(entry):
                what_to_do = advice(reason, begin_anew=self.begin_anew)
                raise DemoFailed(f"{what.capitalize()} failed, {reason}, and isn't tried again.{what_to_do}")
            return None

        found = wait_for(what, ended, seconds=seconds)
        assert isinstance(found, Mapping)
        return found

    def _has_given_up(self, entry: Entry) -> bool:
        """Whether the Job of a run that failed doesn't try again."""
        words = ("get", "job", str(entry.get("job")), "--ignore-not-found", "-o", "json")
        found = self.kubectl("-n", self.namespace, *words)
        conditions = (json.loads(found).get("status") or {}).get("conditions") or () if found.strip() else None
        return conditions is None or any(one["type"] == "Failed" and one["status"] == "True" for one in conditions)


def advice(reason: str, *, begin_anew: str) -> str:
    """Return what to do about a run that failed, where the demo knows more than the run's message."""
    if reason != "BinderReplaced":
        return ""
    return (
        " The resources were deleted and made again since the last `make run`, and the volume stayed. To begin anew: "
        f"`{begin_anew}`, then `make run`."
    )
