"""Whether the pages where people connect their accounts work, and their public address leads to them. Pure."""

from __future__ import annotations

from typing import Any, Final

from bannette.cli.plugin.findings import Finding, note, ok, problem
from bannette.cli.plugin.installation import Pages
from bannette.errors import BannetteError
from bannette.web.readiness import heard

PAGES: Final = "Pages"

Json = dict[str, Any]


def judge_pages(pages: Pages, deployment: Json | None, said: str | BannetteError) -> Finding:
    """Return how the pages are.

    Args:
        deployment: theirs; None: there is none.
        said: by the pages when they are asked whether they are ready, or why they couldn't be asked.
    """
    where = f"Deployment {pages.namespace}/{pages.name}"
    if deployment is None:
        return problem(
            PAGES,
            f"{where} is missing, so nobody can open {pages.url}: install the chart with connect.enabled.",
        )
    if not (deployment.get("status") or {}).get("availableReplicas"):
        describe = f"kubectl -n {pages.namespace} describe pods -l app.kubernetes.io/component=connect"
        return problem(PAGES, f"{where} has no pod that is ready: `{describe}` tells why.")
    if isinstance(said, BannetteError):
        why = "that takes the right to get services/proxy." if said.reason == "Forbidden" else str(said)
        return note(PAGES, f"{where} is available; it couldn't be asked whether {pages.url} leads there: {why}")
    trouble = heard(said)
    if trouble == "":
        return note(PAGES, f"{where} is available; it doesn't know yet whether {pages.url} leads there: ask again.")
    if trouble is not None:
        return problem(PAGES, f"{where} is available, but clients may not reach it: {trouble}")
    return ok(PAGES, f"{where} is available at {pages.url}.")
