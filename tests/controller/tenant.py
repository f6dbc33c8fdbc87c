"""A namespace of a cluster, and what people and the kubelet do in it."""

from __future__ import annotations

import json
from datetime import datetime
from zoneinfo import ZoneInfo

from bannette.controller.names import BINDER, CHANNEL, CRON_JOB, JOB, POD, RECIPIENT, SECRET, Kind
from tests.controller.cluster import Cluster, Json, eventually


class Tenant:
    """A namespace, and what people and the kubelet do in it."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        namespaces = "/api/v1/namespaces"
        body = {"metadata": {"name": namespace, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
        cluster.request("POST", namespaces, {"apiVersion": "v1", "kind": "Namespace", **body})

    def add_prerequisites(self) -> None:
        self.add_recipient()
        self.add_binder()
        self.add_credentials()
        self.add_claim()

    def add_recipient(self) -> None:
        spec = {"displayName": "Marie", "email": "marie@acme.example", "locale": "fr"}
        self.cluster.create(RECIPIENT, self.namespace, {"metadata": {"name": "marie"}, "spec": spec})

    def add_binder(self) -> None:
        spec = {"company": "Acme", "storage": {"persistentVolumeClaim": {"claimName": "binders"}}}
        self.cluster.create(BINDER, self.namespace, {"metadata": {"name": "purchases"}, "spec": spec})

    def add_claim(self) -> None:
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        kind = Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
        self.cluster.create(kind, self.namespace, {"metadata": {"name": "binders"}, "spec": spec})

    def add_credentials(self, **values: str) -> None:
        body = {"metadata": {"name": "acme-app"}, "stringData": values or {"clientSecret": "s"}}
        self.cluster.create(SECRET, self.namespace, body)

    def add_channel(self, name: str = "acme-onedrive", *, delegated: bool = False, **spec: object) -> Json:
        application = {
            "tenantId": "11111111-2222-3333-4444-555555555555",
            "user": "compta@acme.example",
            "clientId": "bannette-collector",
            "credentialsSecret": {"name": "acme-app"},
        }
        account = {"delegated": {"loginHint": "compta@acme.example"}} if delegated else {"application": application}
        body = {
            "type": "OneDrive",
            "recipient": {"name": "marie"},
            "destination": {"binder": "purchases"},
            "schedule": {"time": "05:30", "timeZone": _zone()},
            "onedrive": {"account": account},
            **spec,
        }
        return self.cluster.create(CHANNEL, self.namespace, {"metadata": {"name": name}, "spec": body})

    def channel(self, name: str = "acme-onedrive") -> Json:
        return self.cluster.get(CHANNEL, self.namespace, name)

    def status(self, name: str = "acme-onedrive") -> Json:
        found: Json = self.channel(name).get("status") or {}
        return found

    def condition(self, kind: str, name: str = "acme-onedrive") -> Json:
        conditions: list[Json] = self.status(name).get("conditions") or []
        return next((one for one in conditions if one["type"] == kind), {})

    def wait_for_condition(self, kind: str, *, status: str, reason: str, name: str = "acme-onedrive") -> Json:
        def says() -> Json | None:
            found = self.condition(kind, name)
            return found if (found.get("status"), found.get("reason")) == (status, reason) else None

        return eventually(says, f"{kind} is {status}, {reason}, of {name}")

    def request(self, value: str, name: str = "acme-onedrive") -> None:
        annotations = {"bannette.io/requestedAt": value}
        self.cluster.patch(CHANNEL, self.namespace, name, {"metadata": {"annotations": annotations}})

    def change(self, name: str = "acme-onedrive", **spec: object) -> None:
        self.cluster.patch(CHANNEL, self.namespace, name, {"spec": spec})

    def jobs(self, trigger: str | None = None) -> list[Json]:
        found = self.cluster.list(JOB, self.namespace)
        return [job for job in found if trigger in (None, job["metadata"]["labels"]["bannette.io/trigger"])]

    def wait_for_job(self, trigger: str, *, request: str | None = None) -> Json:
        def made() -> Json | None:
            for job in self.jobs(trigger):
                annotations = job["metadata"].get("annotations") or {}
                if request in (None, annotations.get("bannette.io/request")):
                    return job
            return None

        return eventually(made, f"a {trigger} Job for {request}")

    def wait_for_pod(self, job: Json) -> Json:
        selector = f"?labelSelector=batch.kubernetes.io/controller-uid%3D{job['metadata']['uid']}"

        def made() -> Json | None:
            pods = self.cluster.request("GET", POD.path(self.namespace) + selector)["items"]
            return next((pod for pod in pods if pod["status"].get("phase") == "Pending"), None)

        return eventually(made, f"a pod of {job['metadata']['name']}")

    def end_pod(self, pod: Json, *, exit_code: int = 0, reason: str = "Completed", message: str | None = None) -> None:
        """Say what the kubelet says when the collector has ended."""
        state = {"terminated": {"exitCode": exit_code, "reason": reason, **({"message": message} if message else {})}}
        status = {
            "phase": "Failed" if exit_code else "Succeeded",
            "containerStatuses": [
                {
                    "name": "collector",
                    "image": "i",
                    "imageID": "i",
                    "ready": False,
                    "restartCount": 0,
                    "state": state,
                }
            ],
        }
        self.cluster.patch(POD, self.namespace, pod["metadata"]["name"], {"status": status}, subresource="status")

    def run(self, job: Json, *, report: bool = True, **entry: object) -> Json:
        """Run *job* to its end; with *report* it writes its entry into the status, as the collector does."""
        said = self.entry(job, **entry)
        pod = self.wait_for_pod(job)
        if report:
            channel = job["metadata"]["labels"]["bannette.io/channel"]
            history = [said, *(self.status(channel).get("history") or [])]
            self.report({"history": history, "lastRun": said}, channel)
        self.end_pod(pod, message=json.dumps(said))
        self.wait_until_finished(job)
        return said

    def report(self, status: Json, name: str = "acme-onedrive") -> None:
        """Write what a run writes into the status of its channel."""
        self.cluster.patch(CHANNEL, self.namespace, name, {"status": status}, subresource="status")

    def entry(self, job: Json, **members: object) -> Json:
        annotations = job["metadata"].get("annotations") or {}
        request = annotations.get("bannette.io/request")
        return {
            "id": job["metadata"]["uid"],
            "trigger": job["metadata"]["labels"]["bannette.io/trigger"],
            **({"request": request} if request else {}),
            "job": job["metadata"]["name"],
            "startedAt": job["metadata"]["creationTimestamp"],
            "completedAt": job["metadata"]["creationTimestamp"],
            "result": "Succeeded",
            "reason": "Collected",
            "message": "3 documents.",
            "collected": 3,
            **members,
        }

    def wait_until_finished(self, job: Json) -> None:
        def ended() -> bool:
            found = self.cluster.find(JOB, self.namespace, job["metadata"]["name"])
            if found is None:
                # The operator removes it when it has ended and a newer request's Job is there: both may be a moment.
                return True
            conditions = found.get("status", {}).get("conditions") or []
            return any(one["type"] in ("Complete", "Failed") and one["status"] == "True" for one in conditions)

        eventually(ended, f"{job['metadata']['name']} has ended")

    def wait_for_entry(self, job: Json) -> Json:
        def recorded() -> Json | None:
            history: list[Json] = self.status().get("history") or []
            return next((one for one in history if one["id"] == job["metadata"]["uid"]), None)

        return eventually(recorded, f"an entry for {job['metadata']['name']}")

    def cron_job(self, name: str = "acme-onedrive") -> Json:
        return self.cluster.get(CRON_JOB, self.namespace, f"{name}-collect")


def _zone() -> str:
    """Return where it won't be 05:30 while a test lasts: its channels run by themselves at no other time."""
    return "Asia/Tokyo" if 3 <= datetime.now(ZoneInfo("Europe/Paris")).hour < 6 else "Europe/Paris"
