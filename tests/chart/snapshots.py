"""What the chart renders for a few sets of values, as files to be read in review; the CRDs are files of their own.

``python -m tests.chart.snapshots`` (with operator/ on PYTHONPATH) writes them anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from devcluster import chart

FOLDER = Path(__file__).parent / "snapshots"
VALUES = {
    "namespaced": ("operator.namespaces={acme,beta}", "rights.enabled=false", "crds.enabled=false"),
    "replicated": (
        "operator.replicas=2",
        "operator.priorityClassName=system-cluster-critical",
        "operator.nodeSelector.pool=system",
        "images.operator=registry.example/bannette-operator:1.0",
        "images.collector=registry.example/bannette-collector:1.0",
        "images.pullSecrets[0]=registry",
        "images.collectorPullSecrets[0]=tenants",
        "rights.aggregateConfiguratorToAdmin=true",
    ),
    "connect": (
        "crds.enabled=false",
        "rights.enabled=false",
        "metrics.serviceMonitor.enabled=true",
        "networkPolicy.enabled=true",
        "images.pullSecrets[0]=registry",
        "onedrive.clientId=11111111-2222-3333-4444-555555555555",
        "connect.enabled=true",
        "connect.url=https://connect.example",
        "connect.keysSecret=link-keys",
        "connect.priorityClassName=tenants",
        "connect.nodeSelector.pool=web",
        "connect.ingress.enabled=true",
        "connect.ingress.className=nginx",
        "connect.ingress.annotations.cert-manager\\.io/cluster-issuer=letsencrypt",
        "connect.smtp.host=mail.example",
        "connect.smtp.from=Acme <documents@acme.example>",
        "connect.smtp.credentialsSecret=mail",
        "connect.smtp.caSecret=mail-ca",
        "connect.caBundle.configMap=proxy-ca",
    ),
    "watched": (
        "metrics.serviceMonitor.enabled=true",
        "metrics.serviceMonitor.labels.release=prometheus",
        "metrics.rules.enabled=true",
        "networkPolicy.enabled=true",
        "onedrive.clientId=11111111-2222-3333-4444-555555555555",
        "onedrive.graphUrl=https://graph.example",
    ),
}


def rendered() -> Iterator[tuple[str, str]]:
    """Yield each file's name and what it should say."""
    for name, settings in VALUES.items():
        documents = [one for one in yaml.safe_load_all(chart.render(*settings)) if one]
        own = [one for one in documents if one["kind"] != "CustomResourceDefinition"]
        yield name, yaml.safe_dump_all(own, sort_keys=False, width=120)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, text in rendered():
        (FOLDER / f"{name}.yaml").write_text(text)


if __name__ == "__main__":
    main()
