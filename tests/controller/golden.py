"""The manifests of a few channels, as files to be read in review.

``python -m tests.controller.golden`` (with operator/ on PYTHONPATH) writes them anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import yaml

from bannette.controller import builders, jobs
from bannette.controller.inbox_job import inbox_job
from bannette.controller.settings import Settings
from bannette.resources import Binder, Channel, S3Storage
from tests.controller.scene import DELEGATED, SETTINGS, Body, binder, channel

FOLDER = Path(__file__).parent / "golden"

DEMO = Settings(
    collector_image="registry.example/bannette-collector:1.0",
    image_pull_policy="Never",
    image_pull_secrets=("registry",),
    collector_environment={"BANNETTE_GRAPH_URL": "https://onedrive-simulator.onedrive-simulator.svc"},
)
CONNECT = replace(
    SETTINGS,
    connect_url="https://connect.example",
    connect_account=("bannette-system", "bannette-connect"),
)
CONFIDENTIAL: Body = {
    "delegated": {
        "loginHint": "compta@acme.example",
        "clientId": "bannette-collector",
        "credentialsSecret": {"name": "acme-app"},
    }
}
DEMANDING: Body = {
    "resources": {"limits": {"memory": "4096Mi", "cpu": 2}, "requests": {"memory": "3Gi"}},
    "nodeSelector": {"pool": "collectors"},
    "tolerations": [{"key": "collectors", "operator": "Exists", "effect": "NoSchedule"}],
    "caBundle": {"configMap": "proxy-ca", "key": "bundle.pem"},
}
TOLD: Body = {
    "url": "https://erp.acme.example/documents",
    "secret": {"name": "erp-token"},
    "caBundle": {"configMap": "company-ca"},
}
PASSWORDS: Body = {"passwordsSecret": {"name": "acme-passwords"}}


def rendered() -> Iterator[tuple[str, str]]:
    """Yield each file's name and what it should say."""
    yield "application", _children(channel(), binder(), SETTINGS)
    yield "delegated", _children(channel(account=DELEGATED), binder(), SETTINGS)
    yield "connect", _children(channel(account=CONFIDENTIAL), binder(), CONNECT)
    yield "demanding", _children(channel(collector=DEMANDING, ocr=PASSWORDS, suspend=True), binder(), DEMO)
    bucket = binder({"s3": {"bucket": "binders", "credentialsSecret": {"name": "bucket"}}})
    yield "bucket", _children(channel(), bucket, SETTINGS)
    yield "events", _children(channel(), binder(events=TOLD), SETTINGS)
    yield "inbox", _inbox(binder(), None, SETTINGS) + "---\n" + _inbox(bucket, channel(collector=DEMANDING), DEMO)
    yield "binder-missing", _children(channel(), None, SETTINGS)


def _inbox(of: Binder, subject: Channel | None, settings: Settings) -> str:
    storage = of.storage
    said = (
        {"s3": {"bucket": "binders"}}
        if isinstance(storage, S3Storage)
        else {"persistentVolumeClaim": {"claimName": "binders"}}
    )
    spec = {"company": of.company, "storage": said}
    made = inbox_job(of, {"spec": spec}, subject, settings, reader="0" * 64, opened="2026-11-24T10:00:00Z")
    return yaml.dump(made, Dumper=_NoAliases, sort_keys=False, width=120)


class _NoAliases(yaml.SafeDumper):
    """Labels that stand twice are written twice."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _children(subject: Channel, its_binder: Binder | None, settings: Settings) -> str:
    suspend = subject.suspend or its_binder is None
    manifests = [
        builders.service_account(subject),
        builders.role(subject, settings),
        builders.role_binding(subject, settings),
        builders.token_secret(subject),
        jobs.cron_job(subject, its_binder, settings, suspend=suspend),
    ]
    if its_binder is not None:
        manifests += [
            jobs.on_demand_job(subject, its_binder, settings, request=None),
            jobs.on_demand_job(subject, its_binder, settings, request="2026-11-24T10:00:00+01:00"),
        ]
    return yaml.safe_dump_all(manifests, sort_keys=False, width=120)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for file in FOLDER.glob("*.yaml"):
        file.unlink()
    for name, text in rendered():
        (FOLDER / f"{name}.yaml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
