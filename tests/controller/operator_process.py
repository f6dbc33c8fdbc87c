"""The operator as a process beside an API server, under its own rights only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from tests.controller.cluster import PATIENCE, SYSTEM, Cluster, eventually
from tests.controller.forked_operator import ForkedOperator

_SHOWN_LINES = 40


class Operator:
    """The operator's process, as its ServiceAccount."""

    user = f"system:serviceaccount:{SYSTEM}:bannette-operator"

    def __init__(
        self,
        cluster: Cluster,
        folder: Path,
        *arguments: str,
        environ: Mapping[str, str] | None = None,
        server: str | None = None,
        forked: bool = False,
    ) -> None:
        """Prepare it.

        Args:
            forked: it is forked, which takes a tenth of a start, from a process that has imported it.
            server: where it finds the API server, by a kubeconfig, if not at its own address, as in a pod.
        """
        self._cluster = cluster
        self._server = server
        self._folder = folder
        self._arguments = arguments
        self._environ = dict(environ or {})
        self._forked = forked
        self._process: subprocess.Popen[bytes] | ForkedOperator | None = None
        self._starts = 0
        self._is_kept_alive = False

    def __enter__(self) -> Operator:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self, *, until: str = "operator.ready") -> Operator:
        self._launch()
        self.wait_for_line(until)
        return self

    def _launch(self) -> None:
        arguments = ["--collector-image=registry.example/bannette-collector:1.0", *self._arguments]
        environment = {
            **os.environ,
            **self._access(),
            "PYTHONPATH": os.pathsep.join(["operator", "."]),
            "BANNETTE_LISTEN": "",
            # Whom the system trusts takes aiohttp an eighth of a start to read; here the cluster's authority is given.
            "SSL_CERT_FILE": os.devnull,
            **self._environ,
        }
        log = self._log_of(self._starts + 1)
        if self._forked:
            self._process = ForkedOperator(arguments, environment=environment, log=log)
        else:
            self._process = _started(arguments, environment=environment, log=log)
        # Not before the log is there: somebody may be reading what the last start says.
        self._starts += 1

    def wait_for_line(self, text: str) -> None:
        def says() -> bool:
            assert self._process is not None
            if self._process.poll() is not None and not self._is_kept_alive:
                raise AssertionError(f"the operator ended: {self.said()}")
            return text in self.said()

        eventually(says, f"the operator logs {text}")

    def said(self) -> str:
        """Return what it has said since its last start."""
        # Its last line may be half written.
        return self.log.read_text(errors="replace")

    def stop(self) -> int:
        """End the process as Kubernetes does, and return its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(PATIENCE)

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(PATIENCE)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @contextmanager
    def kept_alive(self) -> Iterator[Callable[[], int]]:
        """Start the process whenever it has ended, as the kubelet does; yields how to ask how often."""
        leaving = threading.Event()
        begun = 0

        def watch() -> None:
            nonlocal begun
            while not leaving.wait(0.05):
                if not self.running:
                    begun += 1
                    # It may be killed again at once: nothing of it is waited for.
                    self._launch()

        keeper = threading.Thread(target=watch, name="kubelet")
        self._is_kept_alive = True
        keeper.start()
        try:
            yield lambda: begun
        finally:
            leaving.set()
            keeper.join(PATIENCE)
            self._is_kept_alive = False

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> Path:
        return self._log_of(self._starts)

    def _log_of(self, start: int) -> Path:
        return self._folder / f"operator-{start}.log"

    def end_of_log(self) -> str:
        """Return the last lines that it has said since its last start."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join([f"The operator in {self._folder.name} said at last:", *lines[-_SHOWN_LINES:]])

    def _access(self) -> dict[str, str]:
        token = self._cluster.service_account_token(SYSTEM, "bannette-operator")
        if self._server is not None:
            kubeconfig = self._folder / "kubeconfig"
            self._write_kubeconfig(kubeconfig, self._server, token)
            return {"KUBECONFIG": str(kubeconfig)}
        (self._folder / "token").write_text(token)
        (self._folder / "ca.crt").write_bytes(self._cluster.server.ca_file.read_bytes())
        host, _, port = self._cluster.server.url.removeprefix("https://").rpartition(":")
        return {
            "BANNETTE_SERVICE_ACCOUNT": str(self._folder),
            "KUBERNETES_SERVICE_HOST": host,
            "KUBERNETES_SERVICE_PORT": port,
        }

    def _write_kubeconfig(self, path: Path, server: str, token: str) -> None:
        reached = {"server": server, "certificate-authority": str(self._cluster.server.ca_file)}
        path.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "operator",
                    "contexts": [{"name": "operator", "context": {"cluster": "test", "user": "operator"}}],
                    "clusters": [{"name": "test", "cluster": reached}],
                    "users": [{"name": "operator", "user": {"token": token}}],
                }
            )
        )


def _started(arguments: Sequence[str], *, environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    command = "import sys; from bannette.controller import main; sys.exit(main())"
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-c", command, *arguments], env=environment, stdout=output, stderr=subprocess.STDOUT
        )


# What the fixture ``new_operator`` gives.
NewOperator = Callable[..., Operator]
