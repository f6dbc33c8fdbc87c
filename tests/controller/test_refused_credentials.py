"""An API server that doesn't accept the operator's token for a while."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.controller.between import Answer, Asked, Between, Fault
from tests.controller.operator_process import Operator
from tests.controller.tenant import Tenant

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]


def test_a_token_that_is_not_accepted_is_not_sent_without_end(
    tenant: Tenant, new_operator: Callable[..., Operator], between: Between
) -> None:
    tenant.add_prerequisites()
    operator = new_operator(server=between.url).start()
    tenant.add_channel()
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    refused: list[str] = []

    def fault(asked: Asked) -> Fault | None:
        refused.append(asked.path)
        return Answer.refusal(401, "Unauthorized")

    between.fault = fault
    between.cut_watches()
    operator.wait_for_line("credentials.refused seconds=4")
    assert len(refused) < 200
    between.fault = lambda asked: None
    tenant.change(suspend=True)
    tenant.wait_for_condition("Ready", status="True", reason="Suspended")


def test_a_token_that_is_away_for_a_while_ends_nothing(tenant: Tenant, operator: Operator) -> None:
    tenant.add_prerequisites()
    tenant.add_channel()
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    token = operator.log.parent / "token"
    away = token.rename(token.with_name("away"))
    # It is looked at once a second.
    time.sleep(1.1)
    tenant.change(suspend=True)
    operator.wait_for_line("reconcile.postponed")
    away.rename(token)
    tenant.wait_for_condition("Ready", status="True", reason="Suspended")
    assert "Traceback" not in operator.log.read_text()
