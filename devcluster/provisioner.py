"""Gives each claim of the StorageClass a folder of this machine, and takes it back when the claim is gone."""

from __future__ import annotations

import http.client
import json
import shutil
import ssl
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from devcluster.configuration import PROVISIONER, STORAGE_CLASS
from devcluster.layout import Layout, Record

Json: TypeAlias = Mapping[str, object]
LOOK_EVERY = 0.5  # seconds; two small lists, less than a watch is worth here
MADE_BY = "pv.kubernetes.io/provisioned-by"


@dataclass(frozen=True)
class Claim:
    """What matters of a PersistentVolumeClaim."""

    namespace: str
    name: str
    uid: str
    modes: tuple[str, ...]
    size: str
    waiting: bool

    @staticmethod
    def parse(body: Mapping[str, object]) -> Claim:
        metadata, spec, status = (_mapping(body.get(key)) for key in ("metadata", "spec", "status"))
        return Claim(
            namespace=str(metadata["namespace"]),
            name=str(metadata["name"]),
            uid=str(metadata["uid"]),
            modes=tuple(str(mode) for mode in _list(spec.get("accessModes"))),
            size=str(_mapping(_mapping(spec.get("resources")).get("requests")).get("storage", "1Gi")),
            waiting=(
                spec.get("storageClassName") == STORAGE_CLASS
                and not spec.get("volumeName")
                and status.get("phase") == "Pending"
            ),
        )

    @property
    def volume(self) -> str:
        return f"pvc-{self.uid}"


@dataclass(frozen=True)
class Volume:
    """What matters of a PersistentVolume."""

    name: str
    ours: bool
    released: bool
    folder: Path | None

    @staticmethod
    def parse(body: Mapping[str, object]) -> Volume:
        metadata, spec, status = (_mapping(body.get(key)) for key in ("metadata", "spec", "status"))
        path = _mapping(spec.get("hostPath")).get("path")
        return Volume(
            name=str(metadata["name"]),
            ours=_mapping(metadata.get("annotations")).get(MADE_BY) == PROVISIONER,
            released=status.get("phase") == "Released" and spec.get("persistentVolumeReclaimPolicy") == "Delete",
            folder=Path(str(path)) if path else None,
        )


def to_provide(claims: Iterable[Claim], volumes: Iterable[Volume]) -> list[Claim]:
    """Return the claims that wait for a volume that nobody has made."""
    made = {volume.name for volume in volumes}
    return [claim for claim in claims if claim.waiting and claim.volume not in made]


def to_take_back(volumes: Iterable[Volume], *, below: Path) -> list[Volume]:
    """Return our volumes whose claim is gone; one that points elsewhere than *below* is never touched."""
    return [
        volume
        for volume in volumes
        if volume.ours and volume.released and volume.folder and volume.folder.parent == below
    ]


def folder_name(claim: Claim) -> str:
    return f"{claim.namespace}_{claim.name}_{claim.uid[:8]}"


def persistent_volume(claim: Claim, folder: Path) -> dict[str, object]:
    """Return the PersistentVolume of *claim*, bound to it in advance."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": claim.volume, "annotations": {MADE_BY: PROVISIONER}},
        "spec": {
            "capacity": {"storage": claim.size},
            "accessModes": list(claim.modes),
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": STORAGE_CLASS,
            "hostPath": {"path": str(folder), "type": "Directory"},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": claim.namespace,
                "name": claim.name,
                "uid": claim.uid,
            },
        },
    }


def main() -> None:
    layout = Layout(Path(sys.argv[1]))
    record = Record.load(layout.record)
    if record is None:
        sys.exit("There is no cluster here")
    trust = ssl.create_default_context(cafile=str(layout.etc / "ca.crt"))
    trust.load_cert_chain(layout.etc / "admin.crt", layout.etc / "admin.key")
    api = http.client.HTTPSConnection(record.api_host, 6443, context=trust, timeout=30)
    while True:
        _look(api, layout.volumes)
        time.sleep(LOOK_EVERY)


def _look(api: http.client.HTTPSConnection, folder: Path) -> None:
    claims = [Claim.parse(body) for body in _items(api, "/api/v1/persistentvolumeclaims")]
    volumes = [Volume.parse(body) for body in _items(api, "/api/v1/persistentvolumes")]
    for claim in to_provide(claims, volumes):
        place = folder / folder_name(claim)
        place.mkdir(exist_ok=True)
        place.chmod(0o777)  # fsGroup does nothing for a hostPath, and collectors aren't root
        _call(api, "POST", "/api/v1/persistentvolumes", persistent_volume(claim, place))
        print(f"provided {place.name}", flush=True)
    for volume in to_take_back(volumes, below=folder):
        if volume.folder:
            shutil.rmtree(volume.folder, ignore_errors=True)
        _call(api, "DELETE", f"/api/v1/persistentvolumes/{volume.name}", None)
        print(f"took back {volume.name}", flush=True)


def _items(api: http.client.HTTPSConnection, path: str) -> list[Json]:
    return [_mapping(item) for item in _list(_call(api, "GET", path, None).get("items"))]


def _call(api: http.client.HTTPSConnection, method: str, path: str, body: Json | None) -> Json:
    """Make one call; what fails ends the process, and the supervisor starts it again."""
    content = None if body is None else json.dumps(body)
    api.request(method, path, body=content, headers={"Content-Type": "application/json"})
    response = api.getresponse()
    answer = _mapping(json.loads(response.read()))
    if response.status >= 400 and response.status not in (404, 409):  # 404, 409: somebody was faster
        sys.exit(f"{method} {path}: {response.status} {answer.get('message')}")
    return answer


def _mapping(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


if __name__ == "__main__":
    main()
