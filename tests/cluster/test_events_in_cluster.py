"""A program of the tenant's, a service of the cluster, is told of the documents that runs collect."""

from __future__ import annotations

import json

from tests.cluster.tenant import Json, Tenant

# Answers the first event with 503 and writes down the others.
SINK = """
import http.server, json, sys
class Sink(http.server.BaseHTTPRequestHandler):
    heard = 0
    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Sink.heard += 1
        if Sink.heard > 1:
            print(json.dumps([event["type"], event["source"], event["data"]["name"]]), flush=True)
        self.send_response(202 if Sink.heard > 1 else 503)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("", 8080), Sink).serve_forever()
"""


def start_sink(tenant: Tenant) -> None:
    labels = {"app": "erp"}
    container: Json = {"name": "erp", "image": tenant.collector_image(), "command": ["python", "-c", SINK]}
    container["readinessProbe"] = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
    tenant.apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "erp", "labels": labels},
            "spec": {"containers": [container]},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "erp"},
            "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]},
        },
    )
    tenant.kubectl("wait", "pod", "erp", "--for=condition=Ready", "--timeout=110s")


def events_delivered(tenant: Tenant) -> list[str]:
    status = json.loads(tenant.kubectl("get", "binder", "purchases", "-o", "json")).get("status", {})
    return [f"{one['status']} {one['reason']}" for one in status.get("conditions", [])]


def test_a_service_of_the_cluster_is_told_of_documents_and_of_what_it_missed(tenant: Tenant) -> None:
    url = f"http://erp.{tenant.namespace}.svc/documents"
    tenant.kubectl("patch", "binder", "purchases", "--type=merge", "-p", json.dumps({"spec": {"events": {"url": url}}}))
    tenant.create_channel()
    # There is no such service yet.
    (run,) = tenant.wait_for_runs(1)
    assert (run["result"], run["collected"]) == ("Succeeded", 2)
    assert "2 documents are still to be told of (EventSinkUnreachable)" in str(run["message"])
    assert events_delivered(tenant) == ["False EventSinkUnreachable"]

    start_sink(tenant)
    tenant.drop("3.txt", "A third one")
    tenant.request("now")
    tenant.wait_for_runs(2)
    assert tenant.history[0]["message"] == "1 collected."
    # What a container prints is in its log a moment later.
    tenant.wait("three documents in the log", lambda: len(tenant.kubectl("logs", "erp").splitlines()) >= 3)
    heard = [json.loads(line) for line in tenant.kubectl("logs", "erp").splitlines()]
    assert sorted(name for _, _, name in heard) == ["1.txt", "2.txt", "3.txt"]
    assert {(kind, source) for kind, source, _ in heard} == {
        ("io.bannette.document.collected", f"/{tenant.namespace}/purchases")
    }
    assert events_delivered(tenant) == ["True Delivered"]
