"""All resources that must be refused, by parse and by the API server or by the server alone."""

from __future__ import annotations

from tests.resources.bad import A_LINE, AN_EMAIL, Bad, misshapen, missing, wrong
from tests.resources.bad_binders import BAD_BINDERS
from tests.resources.bad_channels import BAD_CHANNELS
from tests.resources.samples import CHANNEL, RECIPIENT

BAD_RECIPIENTS = [
    missing(RECIPIENT, "no e-mail", "spec.email"),
    wrong(RECIPIENT, "e-mail with a name", "spec.email", "Marie Dupont <marie@acme.example>", AN_EMAIL),
    wrong(RECIPIENT, "two e-mails", "spec.email", "marie@acme.example, jean@acme.example", AN_EMAIL),
    wrong(RECIPIENT, "e-mail with a second header", "spec.email", "marie@acme.example\nBcc: jean@x.example", AN_EMAIL),
    missing(RECIPIENT, "no display name", "spec.displayName"),
    wrong(RECIPIENT, "empty display name", "spec.displayName", "", A_LINE),
    misshapen(
        RECIPIENT,
        "locale with a country",
        "spec.locale",
        "fr-FR",
        'Unsupported value: "fr-FR": supported values: "fr", "en"',
        "must be one of fr, en",
    ),
]

BAD_RESOURCES = [*BAD_CHANNELS, *BAD_BINDERS, *BAD_RECIPIENTS]

# What Kubernetes' own structures must look like is the server's business alone: parse takes them as they are.
BAD_FOR_THE_SERVER = [
    Bad(
        "memory in words",
        CHANNEL,
        {"spec.collector.resources": {"limits": {"memory": "2 gigabytes"}}},
        "spec.collector.resources.limits[memory]",
        'Invalid value: "2 gigabytes": write a quantity such as "500m", "2" or "2Gi"',
        "",
    ),
    Bad(
        # The API server itself computes with it for half a minute.
        "memory without end",
        CHANNEL,
        {"spec.collector.resources": {"limits": {"memory": "1e9999999"}}},
        "spec.collector.resources.limits[memory]",
        'Invalid value: "1e9999999": write a quantity such as "500m", "2" or "2Gi"',
        "",
    ),
    Bad(
        "unknown operator of a toleration",
        CHANNEL,
        {"spec.collector.tolerations": [{"operator": "Always"}]},
        "spec.collector.tolerations[0].operator",
        'Unsupported value: "Always": supported values: "Equal", "Exists"',
        "",
    ),
]
