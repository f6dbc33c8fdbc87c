"""The named faults: OneDrive's misbehaviours, one row each.

A test adds one by its name, or like it with other values: ``{"like": "throttled", "times": 5, "item": "/Invoices/*"}``.
"""

from __future__ import annotations

from simulator.faults import Fault, Pages, Request
from simulator.hostile import Hostile

_GRAPH = (Request.DRIVE, Request.ITEM, Request.CHILDREN, Request.DELTA, Request.CONTENT)
_WALK = (Request.CHILDREN, Request.DELTA)
_ITEMS = (Request.ITEM, Request.CHILDREN, Request.DELTA)
_DELTA = (Request.DELTA,)
_CONTENT = (Request.CONTENT,)
_DOWNLOAD = (Request.DOWNLOAD,)
_TOKEN = (Request.TOKEN,)
_WITH_TOKEN = "*token=[D']*"  # noqa: S105 - a glob: a cursor that the feed gave, not "latest"
_HTML = {"Content-Type": "text/html"}
_CLAIMS = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxNzY3MjI1NjAwIn19fQ=="
_ZERO_HASH = "AAAAAAAAAAAAAAAAAAAAAAAAAAA="

_ROWS = (
    # Sign-in
    Fault(name="sign-in unavailable", kinds=_TOKEN, status=503, code="temporarily_unavailable/90033"),
    Fault(
        name="sign-in throttled",
        kinds=_TOKEN,
        status=429,
        code="temporarily_unavailable/90055",
        headers={"Retry-After": "2"},
    ),
    Fault(name="sign-in slow", kinds=_TOKEN, delay=30.0),
    Fault(name="sign-in cut", kinds=_TOKEN, abort=True),
    Fault(name="secret expired", kinds=_TOKEN, times=None, status=401, code="invalid_client/7000222"),
    Fault(name="application unknown", kinds=_TOKEN, times=None, status=400, code="unauthorized_client/700016"),
    Fault(name="refresh token inactive", kinds=_TOKEN, times=None, status=400, code="invalid_grant/700082"),
    Fault(name="refresh token revoked", kinds=_TOKEN, times=None, status=400, code="invalid_grant/50173"),
    Fault(name="password changed", kinds=_TOKEN, times=None, status=400, code="invalid_grant/50133"),
    Fault(name="sign-in frequency", kinds=_TOKEN, times=None, status=400, code="invalid_grant/70043"),
    Fault(name="conditional access", kinds=_TOKEN, times=None, status=400, code="invalid_grant/53003"),
    Fault(name="second factor needed", kinds=_TOKEN, times=None, status=400, code="interaction_required/50076"),
    Fault(name="consent withdrawn", kinds=_TOKEN, times=None, status=400, code="invalid_grant/65001"),
    Fault(name="device slow down", kinds=_TOKEN, status=400, code="slow_down/0"),
    Fault(name="discovery unavailable", kinds=(Request.DISCOVERY,), status=503, body="<h1>Unavailable</h1>"),
    Fault(name="tenant unknown", kinds=(Request.DISCOVERY,), times=None, status=400, code="invalid_tenant/90002"),
    # Tokens at Graph
    Fault(name="token refused once", kinds=_GRAPH, status=401, code="InvalidAuthenticationToken"),
    Fault(name="token refused", kinds=_GRAPH, times=None, status=401, code="InvalidAuthenticationToken"),
    Fault(
        name="claims challenge",
        kinds=_GRAPH,
        status=401,
        code="InvalidAuthenticationToken",
        headers={"WWW-Authenticate": f'Bearer realm="", error="insufficient_claims", claims="{_CLAIMS}"'},
    ),
    # Drive
    Fault(name="no drive", kinds=(Request.DRIVE,), times=None, status=404, code="itemNotFound/ResourceNotFound"),
    Fault(name="no licence", kinds=(Request.DRIVE,), times=None, status=400, code="BadRequest"),
    Fault(name="drive locked", kinds=_GRAPH, times=None, status=423, code="resourceLocked"),
    Fault(name="drive refused", kinds=_GRAPH, times=None, status=403, code="accessDenied"),
    Fault(
        name="paths refused", kinds=(Request.ITEM,), target="*root:/*", times=None, status=400, code="invalidRequest"
    ),
    # Delta
    Fault(name="no delta", kinds=_DELTA, times=None, status=501, code="notSupported"),
    Fault(name="delta refused", kinds=_DELTA, times=None, status=400, code="invalidRequest"),
    Fault(
        name="resync",
        kinds=_DELTA,
        target=_WITH_TOKEN,
        status=410,
        code="resyncRequired",
        headers={"Location": "{fresh}"},
    ),
    Fault(name="resync without location", kinds=_DELTA, target=_WITH_TOKEN, status=410, code="resyncRequired"),
    Fault(
        name="resync to nowhere",
        kinds=_DELTA,
        target=_WITH_TOKEN,
        status=410,
        code="resyncRequired",
        headers={"Location": "{origin}/v1.0/broken"},
    ),
    Fault(name="resync, apply", kinds=_DELTA, target=_WITH_TOKEN, status=410, code="resyncChangesApplyDifferences"),
    Fault(name="resync, upload", kinds=_DELTA, target=_WITH_TOKEN, status=410, code="resyncChangesUploadDifferences"),
    Fault(name="resync, short code", kinds=_DELTA, target=_WITH_TOKEN, status=410, code="resyncApplyDifferences"),
    Fault(
        name="resync, code inside", kinds=_DELTA, target=_WITH_TOKEN, status=410, code="invalidRequest/resyncRequired"
    ),
    Fault(name="sync state lost", kinds=_DELTA, target=_WITH_TOKEN, status=410, code="syncStateNotFound"),
    Fault(name="resync mid-walk", kinds=_DELTA, target=_WITH_TOKEN, skip=2, status=410, code="resyncRequired"),
    Fault(name="cursor refused 400", kinds=_DELTA, target=_WITH_TOKEN, times=None, status=400, code="invalidRequest"),
    Fault(name="cursor refused 404", kinds=_DELTA, target=_WITH_TOKEN, times=None, status=404, code="itemNotFound"),
    Fault(name="cursor refused 500", kinds=_DELTA, target=_WITH_TOKEN, times=None, status=500, code="generalException"),
    Fault(name="empty page", kinds=_DELTA, pages=Pages.EMPTY, link="{url}&again"),
    Fault(name="same item twice", kinds=_DELTA, times=None, pages=Pages.TWICE),
    Fault(name="children before parents", kinds=_DELTA, times=None, pages=Pages.REVERSED),
    Fault(name="parents never sent", kinds=_DELTA, times=None, pages=Pages.WITHOUT_PARENTS),
    Fault(name="endless link", kinds=_WALK, times=None, link="{url}"),
    Fault(name="never-ending link", kinds=_WALK, times=None, link="{url}&again"),
    Fault(name="items made up without end", kinds=_WALK, times=None, pages=Pages.MADE_UP, link="{url}&again"),
    Fault(
        name="folders made up without end",
        kinds=(Request.CHILDREN,),
        times=None,
        status=200,
        body='{"value":[{"id":"{new}","name":"Folder","folder":{"childCount":1}}]}',
        headers={"Content-Type": "application/json"},
    ),
    Fault(name="foreign link", kinds=_WALK, link="https://graph.attacker.example/v1.0/me/drive/root/delta?token=1"),
    Fault(name="plain link", kinds=_WALK, link="http://graph.microsoft.com/v1.0/me/drive/root/delta?token=1"),
    Fault(name="no link", kinds=_DELTA, link="none"),
    Fault(name="children lead astray", kinds=(Request.CHILDREN,), link="{root}/children"),
    Fault(name="folder not listed", kinds=(Request.CHILDREN,), status=404, code="itemNotFound"),
    Fault(
        name="walk throttled",
        kinds=(Request.CHILDREN,),
        skip=1,
        status=429,
        code="activityLimitReached",
        headers={"Retry-After": "1"},
    ),
    # Items
    Fault(name="no download url", kinds=_ITEMS, times=None, remove=("@microsoft.graph.downloadUrl",)),
    Fault(name="no hash", kinds=_ITEMS, times=None, remove=("file.hashes",)),
    Fault(name="empty hashes", kinds=_ITEMS, times=None, set={"file.hashes": {}}),
    Fault(name="wrong hash once", kinds=_ITEMS, set={"file.hashes.quickXorHash": _ZERO_HASH}),
    Fault(name="wrong hash", kinds=_ITEMS, times=None, set={"file.hashes.quickXorHash": _ZERO_HASH}),
    Fault(name="wrong size", kinds=_ITEMS, times=None, set={"size": 17}),
    Fault(name="zero bytes", kinds=_ITEMS, times=None, set={"size": 0, "file.hashes": {}}),
    Fault(name="no parent", kinds=_ITEMS, times=None, remove=("parentReference",)),
    Fault(name="no etag", kinds=_ITEMS, times=None, remove=("eTag", "cTag")),
    Fault(name="content pending", kinds=_ITEMS, times=None, set={"pendingOperations": {"pendingContentUpdate": {}}}),
    Fault(name="malware facet", kinds=_ITEMS, times=None, set={"malware": {"description": "EICAR"}}),
    Fault(
        name="item gone",
        kinds=(Request.ITEM, Request.CONTENT, Request.DOWNLOAD),
        times=None,
        status=404,
        code="itemNotFound",
    ),
    Fault(name="item refused", kinds=(Request.CONTENT, Request.DOWNLOAD), times=None, status=403, code="accessDenied"),
    Fault(name="item locked", kinds=(Request.CONTENT, Request.DOWNLOAD), times=None, status=423, code="resourceLocked"),
    # Download
    Fault(
        name="malware",
        kinds=(Request.CONTENT, Request.DOWNLOAD),
        times=None,
        status=403,
        code="malwareDetected/virusSuspicious",
        headers={"X-Virus-Infected": "EICAR"},
    ),
    Fault(name="url expired", kinds=_DOWNLOAD, status=401, body="Token expired"),
    Fault(name="url expired 403", kinds=_DOWNLOAD, status=403, body="Token expired"),
    Fault(name="url expired 404", kinds=_DOWNLOAD, status=404, body="Token expired"),
    Fault(name="url expired 410", kinds=_DOWNLOAD, status=410, body="Token expired"),
    Fault(
        name="redirect to another host",
        kinds=_CONTENT,
        times=None,
        location="https://files.attacker.example/document?sig=1",
    ),
    Fault(name="redirect to http", kinds=_CONTENT, times=None, location="http://acme-my.sharepoint.com/document?sig=1"),
    Fault(name="redirect inside", kinds=_CONTENT, times=None, location="https://169.254.169.254/latest/meta-data"),
    Fault(name="redirect endless", kinds=_CONTENT, times=None, location="{url}"),
    Fault(name="download redirected", kinds=_DOWNLOAD, status=302, headers={"Location": "{download}"}),
    Fault(name="connection cut", kinds=_DOWNLOAD, cut_at=1000),
    Fault(name="connection cut always", kinds=_DOWNLOAD, times=None, cut_at=1000),
    Fault(name="connection refused", kinds=_DOWNLOAD, abort=True),
    Fault(name="stalled half-way", kinds=_DOWNLOAD, cut_at=1000, stall=3600.0),
    Fault(name="edited after a download", kinds=_DOWNLOAD, edit=(99, 300_000)),
    Fault(name="edited before a download", kinds=_CONTENT, edit=(99, 300_000)),
    Fault(name="slow", kinds=_DOWNLOAD, bytes_per_second=20_000),
    Fault(name="stalled", kinds=_DOWNLOAD, delay=3600.0),
    Fault(name="range ignored", kinds=_DOWNLOAD, times=None, ignore_range=True),
    Fault(name="wrong content range", kinds=_DOWNLOAD, content_range="bytes 0-9/10"),
    Fault(name="range not satisfiable", kinds=_DOWNLOAD, status=416, body=""),
    Fault(name="chunked", kinds=_DOWNLOAD, times=None, chunked=True),
    Fault(name="gzip", kinds=_DOWNLOAD, times=None, gzip=True),
    Fault(name="different bytes each time", kinds=_DOWNLOAD, times=None, garble=True),
    Fault(name="nothing instead", kinds=_DOWNLOAD, times=None, replace=""),
    Fault(name="html instead", kinds=_DOWNLOAD, times=None, replace="<html><body>Sign in</body></html>"),
    # Throttling and bad days
    Fault(name="throttled", kinds=_GRAPH, status=429, code="activityLimitReached", headers={"Retry-After": "1"}),
    Fault(
        name="throttled for hours",
        kinds=_GRAPH,
        times=None,
        status=429,
        code="activityLimitReached",
        headers={"Retry-After": "10000"},
    ),
    Fault(name="throttled, zero", kinds=_GRAPH, status=429, code="TooManyRequests", headers={"Retry-After": "0"}),
    Fault(name="throttled, silent", kinds=_GRAPH, status=429, code="TooManyRequests"),
    Fault(name="throttled, date", kinds=_GRAPH, status=429, code="TooManyRequests", headers={"Retry-After": "{soon}"}),
    Fault(name="download throttled", kinds=_DOWNLOAD, status=429, body="", headers={"Retry-After": "1"}),
    Fault(name="unavailable", kinds=_GRAPH, status=503, code="serviceNotAvailable", headers={"Retry-After": "1"}),
    Fault(name="download unavailable", kinds=_DOWNLOAD, status=503, body="", headers={"Retry-After": "1"}),
    Fault(name="bandwidth limit", kinds=_GRAPH, status=509, code="activityLimitReached", headers={"Retry-After": "1"}),
    Fault(
        name="budget low",
        kinds=_GRAPH,
        times=None,
        headers={"RateLimit-Limit": "1200", "RateLimit-Remaining": "60", "RateLimit-Reset": "5"},
    ),
    Fault(name="error 500", kinds=_GRAPH, status=500, code="generalException"),
    Fault(name="error 502", kinds=_GRAPH, status=502, body="<html><h1>502 Bad Gateway</h1></html>", headers=_HTML),
    Fault(name="error 504", kinds=_GRAPH, status=504, code="UnknownError"),
    Fault(name="error 504, later", kinds=_GRAPH, status=504, code="UnknownError", headers={"Retry-After": "1"}),
    Fault(name="wrong content type", kinds=_WALK, headers={"Content-Type": "text/html"}),
    Fault(name="html page", kinds=_WALK, status=200, body="<html>Sign in</html>", headers=_HTML),
    Fault(
        name="truncated json",
        kinds=_WALK,
        status=200,
        body='{"value":[{"id":"01',
        headers={"Content-Type": "application/json"},
    ),
    Fault(name="graph cut", kinds=_GRAPH, abort=True),
    # What no honest service answers
    Fault(name="json huge", kinds=_WALK, times=None, hostile=Hostile.HUGE),
    Fault(name="json dense", kinds=_WALK, times=None, hostile=Hostile.DENSE),
    Fault(name="json bomb", kinds=_WALK, times=None, hostile=Hostile.BOMB),
    Fault(name="json deep", kinds=_WALK, times=None, hostile=Hostile.DEEP),
    Fault(name="json drips", kinds=_WALK, times=None, hostile=Hostile.DRIP),
    Fault(name="json claimed", kinds=_WALK, times=None, hostile=Hostile.CLAIMED),
    Fault(name="headers without end", kinds=_WALK, times=None, hostile=Hostile.HEADERS),
    Fault(name="header drips", kinds=_WALK, times=None, hostile=Hostile.HEADER_DRIP),
    Fault(name="body claimed", kinds=_DOWNLOAD, times=None, hostile=Hostile.CLAIMED),
    Fault(name="body endless", kinds=_DOWNLOAD, times=None, hostile=Hostile.ENDLESS),
    Fault(name="body drips", kinds=_DOWNLOAD, times=None, hostile=Hostile.DRIP),
    Fault(name="body header drips", kinds=_DOWNLOAD, times=None, hostile=Hostile.HEADER_DRIP),
)

FAULTS = {fault.name: fault for fault in _ROWS}


def named(name: str) -> Fault:
    """Return the fault of this name.

    Raises:
        LookupError: there is none.
    """
    if name not in FAULTS:
        raise LookupError(f"No fault is named {name!r}; GET /control/catalogue lists them.")
    return FAULTS[name]
