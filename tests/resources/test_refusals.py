"""A bad resource is refused with a message that says what to write instead: by the API server, and by parse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from bannette.resources import Channel, InvalidResource
from tests.resources.api import Api
from tests.resources.bad import Bad
from tests.resources.bad_changes import BAD_CHANGES, BadChange
from tests.resources.bad_resources import BAD_FOR_THE_SERVER, BAD_RESOURCES
from tests.resources.samples import BINDER, CHANNEL, RECIPIENT, REMOVED, parse, variant


def complaints(answer: requests.Response) -> list[tuple[str, str]]:
    """Return what a refusal says about which field, without the note that rules weren't looked at."""
    assert answer.status_code == 422, answer.text
    causes = answer.json()["details"]["causes"]
    return [(cause["field"], cause["message"]) for cause in causes if cause["field"] != "<nil>"]


@pytest.mark.apiserver
@pytest.mark.parametrize("case", [*BAD_RESOURCES, *BAD_FOR_THE_SERVER], ids=lambda case: case.name)
def test_the_api_server_refuses(case: Bad, api: Api) -> None:
    assert complaints(api.create(variant(case.resource, case.changes))) == [(case.field, case.says)]


@pytest.mark.parametrize("case", BAD_RESOURCES, ids=lambda case: case.name)
def test_parse_refuses_what_the_api_server_refuses(case: Bad) -> None:
    bad = variant(case.resource, case.changes)
    with pytest.raises(InvalidResource) as refusal:
        parse(bad)
    name, namespace = bad["metadata"]["name"], bad["metadata"]["namespace"]
    assert refusal.value.path == case.field
    assert refusal.value.reason == "InvalidResource"
    assert str(refusal.value).startswith(
        f'{bad["kind"]} "{name}" of namespace "{namespace}": {case.field}: {case.parse}'
    )


@pytest.mark.apiserver
def test_one_refusal_names_all_mistakes(api: Api) -> None:
    bad = variant(
        CHANNEL, {"spec.schedule.time": "5h30", "spec.schedule.timeZone": "Local", "spec.onedrive.folder": "Factures"}
    )
    fields = [field for field, _ in complaints(api.create(bad))]
    assert sorted(fields) == ["spec.onedrive.folder", "spec.schedule.time", "spec.schedule.timeZone"]


@pytest.fixture(scope="module")
def existing(api: Api) -> Iterator[None]:
    for resource in (CHANNEL, BINDER):
        assert api.create(resource, really=True).status_code == 201
    yield
    for resource in (CHANNEL, BINDER):
        assert api.call("DELETE", api.path(resource)).ok


@pytest.mark.apiserver
@pytest.mark.usefixtures("existing")
@pytest.mark.parametrize("case", BAD_CHANGES, ids=lambda case: case.name)
def test_what_can_not_be_changed_is_refused(case: BadChange, api: Api) -> None:
    assert complaints(api.change(case.resource, case.patch)) == [(case.field, case.says)]


@pytest.mark.apiserver
@pytest.mark.usefixtures("existing")
@pytest.mark.parametrize(
    ("resource", "patch"),
    [
        (CHANNEL, {"spec": {"recipient": {"name": "jean"}}}),
        (CHANNEL, {"spec": {"onedrive": {"folder": "/", "drive": "b!x", "include": None}}}),
        (CHANNEL, {"spec": {"onedrive": {"account": {"application": {"user": "achats@acme.example"}}}}}),
        (CHANNEL, {"spec": {"schedule": {"time": "22:15"}, "suspend": True}}),
        (BINDER, {"spec": {"company": "Acme SAS", "onDuplicate": "Deliver"}}),
    ],
    ids=["recipient", "folder", "user", "schedule", "company"],
)
def test_the_rest_can_be_changed(resource: dict[str, Any], patch: dict[str, Any], api: Api) -> None:
    answer = api.change(resource, patch)
    assert answer.ok, answer.text


MISSPELT = [
    (CHANNEL, {"spec.shedule": {"time": "05:30"}}, "spec.shedule", 'did you mean "schedule"?'),
    (CHANNEL, {"spec.onedrive.path": "/Factures"}, "spec.onedrive.path", "known here: account, cloud"),
    (CHANNEL, {"spec.ocr": {"limits": {"page": 5}}}, "spec.ocr.limits.page", 'did you mean "pages"?'),
    (BINDER, {"spec.storage.persistentVolumeClaim.name": "x"}, "spec.storage.persistentVolumeClaim.name", "claimName"),
    (RECIPIENT, {"spec.displayname": "Marie Dupont"}, "spec.displayname", 'did you mean "displayName"?'),
]


@pytest.mark.parametrize(("resource", "changes", "path", "hint"), MISSPELT, ids=[case[2] for case in MISSPELT])
def test_a_file_with_a_misspelt_field_is_refused(
    resource: dict[str, Any], changes: dict[str, object], path: str, hint: str
) -> None:
    with pytest.raises(InvalidResource, match="is not a field") as refusal:
        parse(variant(resource, changes), strict=True)
    assert refusal.value.path == path
    assert hint in str(refusal.value)
    parse(variant(resource, changes))


@pytest.mark.apiserver
@pytest.mark.parametrize(("resource", "changes", "path", "_hint"), MISSPELT, ids=[case[2] for case in MISSPELT])
def test_kubectl_refuses_a_misspelt_field(
    resource: dict[str, Any], changes: dict[str, object], path: str, _hint: str, api: Api
) -> None:
    answer = api.create(variant(resource, changes))
    assert answer.status_code == 400
    assert f'unknown field "{path}"' in answer.json()["message"]


@pytest.mark.apiserver
def test_a_folder_of_a_machine_is_no_storage_in_a_cluster(api: Api) -> None:
    answer = api.create(variant(BINDER, {"spec.storage": {"path": "/srv/binder"}}))
    assert 'unknown field "spec.storage.path"' in answer.json()["message"]


@pytest.mark.parametrize(
    ("changes", "path", "says"),
    [
        ({"kind": "Binder"}, "kind", 'write "CollectionChannel"'),
        ({"apiVersion": "bannette.io/v1"}, "apiVersion", 'write "bannette.io/v1alpha1"'),
        ({"metadata": REMOVED}, "metadata", "is missing"),
        ({"metadata.name": REMOVED}, "metadata.name", "is missing"),
        ({"spec": REMOVED}, "spec", "is missing"),
    ],
)
def test_a_file_with_something_else_is_refused(changes: dict[str, object], path: str, says: str) -> None:
    with pytest.raises(InvalidResource, match=says) as refusal:
        Channel.parse(variant(CHANNEL, changes))
    assert refusal.value.path == path
