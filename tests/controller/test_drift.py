from __future__ import annotations

import pytest

from bannette.controller.drift import differs, sealed
from bannette.controller.quantities import parse_quantity

SAME = [
    ("a field that the server filled in", {"a": 1}, {"a": 1, "b": 2}),
    (
        "a quantity in other words",
        {"limits": {"memory": "1024Mi", "cpu": 2}},
        {"limits": {"memory": "1Gi", "cpu": "2"}},
    ),
    ("half a core", {"requests": {"cpu": "0.5"}}, {"requests": {"cpu": "500m"}}),
    ("a size limit in other words", {"emptyDir": {"sizeLimit": "8192Mi"}}, {"emptyDir": {"sizeLimit": "8Gi"}}),
    ("a variable that someone injected", {"env": [{"name": "A"}]}, {"env": [{"name": "B"}, {"name": "A"}]}),
    ("a false that is left out", {"suspend": False}, {}),
    ("an empty list that is left out", {"env": []}, {}),
]
DRIFT = [
    ("a field that was changed", {"a": 1}, {"a": 2}),
    ("a field that was removed", {"a": {"b": 1}}, {"a": {}}),
    ("a rule that was added", {"rules": [{"verbs": ["get"]}]}, {"rules": [{"verbs": ["get"]}, {"verbs": ["*"]}]}),
    ("rules that were emptied", {"rules": [{"verbs": ["get"]}]}, {"rules": None}),
    ("a subject that was added", {"subjects": [{"name": "a"}]}, {"subjects": [{"name": "a"}, {"name": "b"}]}),
    ("a verb that was added", {"verbs": ["get"]}, {"verbs": ["get", "list"]}),
    ("a variable that was changed", {"env": [{"name": "A", "value": "1"}]}, {"env": [{"name": "A", "value": "2"}]}),
    ("a variable that was removed", {"env": [{"name": "A"}]}, {"env": [{"name": "B"}]}),
    ("less memory", {"limits": {"memory": "2Gi"}}, {"limits": {"memory": "1Gi"}}),
    ("an object that is gone", {"a": 1}, None),
]


@pytest.mark.parametrize(("desired", "observed"), [case[1:] for case in SAME], ids=[case[0] for case in SAME])
def test_it_is_no_drift(desired: object, observed: object) -> None:
    assert not differs(desired, observed)


@pytest.mark.parametrize(("desired", "observed"), [case[1:] for case in DRIFT], ids=[case[0] for case in DRIFT])
def test_it_is_drift(desired: object, observed: object) -> None:
    assert differs(desired, observed)


def test_a_field_that_is_no_longer_wanted_is_drift() -> None:
    before: dict[str, object] = {"metadata": {"name": "a"}, "spec": {"a": 1, "b": 2}}
    assert differs(sealed({"metadata": {"name": "a"}, "spec": {"a": 1}}), sealed(before))
    assert not differs(sealed(before), sealed(before))


@pytest.mark.parametrize(
    ("text", "same"),
    [("1Gi", "1024Mi"), ("0.5", "500m"), (2, "2"), ("1e3", "1k"), ("1500m", "1.5"), (".5Gi", "512Mi")],
)
def test_quantities_are_compared_by_value(text: object, same: object) -> None:
    assert parse_quantity(text) == parse_quantity(same) is not None


@pytest.mark.parametrize("text", ["", "much", "1 Gi", "1gi", None, True])
def test_what_is_no_quantity_has_no_value(text: object) -> None:
    assert parse_quantity(text) is None


@pytest.mark.parametrize("amount", ["1e9999999", "1e99999999999999999999"])
def test_an_amount_that_nobody_has_is_none(amount: str) -> None:
    assert parse_quantity(amount) is None
