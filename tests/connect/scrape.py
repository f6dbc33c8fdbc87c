"""What Prometheus reads at a port, as a table."""

from __future__ import annotations

import requests
from prometheus_client.parser import text_string_to_metric_families


def series(exposition: str) -> dict[str, float]:
    """Return every sample of the service's own by its name, without ``bannette_connect_``, and its labels."""
    found = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[sample.name.removeprefix("bannette_connect_") + (f"{{{labels}}}" if labels else "")] = sample.value
    return found


def scraped(port: int) -> dict[str, float]:
    answer = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=60)
    assert answer.status_code == 200, answer.text
    return series(answer.text)
