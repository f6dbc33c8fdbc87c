"""An API server of one's own for a test: etcd and kube-apiserver, with the controller-manager on demand.

It needs neither root nor a node, is ready in about 3 seconds, and any number run side by side::

    with ApiServer() as api:
        api.apply(Path("crds"))
        print(api.kubectl("api-resources"))
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import ssl
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from devcluster.binaries import program
from devcluster.certificates import Authority, write_signing_key
from devcluster.errors import DevclusterError
from devcluster.kubeconfig import write_kubeconfig
from devcluster.kubectl import Kubectl
from devcluster.layout import start_ticks
from devcluster.processes import Process, free_ports, start, wait_until

CONTEXT = "bannette-apiserver"
FOLDER_PREFIX = "bannette-apiserver-"
READY_SECONDS = 180.0
ATTEMPTS = 3  # a port that was free may be taken before the server binds it
PORT_TAKEN = "address already in use"
# A third of kube-apiserver's CPU was Go's search for memory to give back, of which a server of tests has enough.
GARBAGE = {"GOGC": "400", "GOMEMLIMIT": "1GiB"}
AUDIT_POLICY = """apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
"""


class ApiServer:
    """etcd and kube-apiserver with RBAC, on free ports of 127.0.0.1, until the block is left.

    Attributes:
        folder: certificates, data and logs; a temporary one is removed at the end.
        url: ``https://127.0.0.1:PORT``.
        token: bearer token of an administrator (group ``system:masters``).
        ca_file: the certificate authority of ``url``.
        kubeconfig: the same three as a file.
    """

    url: str

    def __init__(
        self,
        *,
        controller_manager: bool = False,
        audit_log: Path | None = None,
        folder: Path | None = None,
        arguments: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare a server; nothing runs before the ``with``.

        Args:
            controller_manager: run it too: ServiceAccounts, garbage collection and Jobs (their pods stay Pending, since
                there is no node). CronJobs start nothing: tests would get Jobs at the times that these name.
            audit_log: where to write one line of JSON per request (audit.k8s.io/v1 Event, level Metadata).
            folder: keep certificates, data and logs here, which is new or empty.
            arguments: further flags of kube-apiserver, without the dashes.
        """
        self._temporary = folder is None
        self.folder = folder or _temporary_folder()
        self.token = secrets.token_hex(16)
        self.kubeconfig = self.folder / "kubeconfig"
        self.ca_file = self.folder / "ca.crt"
        self.kubectl = Kubectl(self.kubeconfig)
        self._controller_manager = controller_manager
        self._audit_log = audit_log
        self._arguments = dict(arguments or {})
        self._processes: dict[str, Process] = {}

    def __enter__(self) -> Self:
        names = [
            "etcd",
            "kube-apiserver",
            "kubectl",
            *(["kube-controller-manager"] if self._controller_manager else []),
        ]
        self._programs = {name: program(name) for name in names}
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write_files()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._start()
            except BaseException as error:
                port_taken = any(PORT_TAKEN in process.tail(50) for process in self._processes.values())
                self.stop()
                if attempt == ATTEMPTS or not (port_taken and isinstance(error, DevclusterError)):
                    raise
            else:
                break
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def apply(self, manifest: Path | str) -> str:
        """``kubectl apply`` a file or folder (Path), or YAML itself (str)."""
        return self.kubectl.apply(manifest)

    def install_crds(self, manifest: Path | str) -> None:
        """Apply CustomResourceDefinitions and wait until the server serves them."""
        self.apply(manifest)
        self.wait_for_crds()

    def wait_for_crds(self) -> None:
        """Wait until the server serves all CustomResourceDefinitions that it has, whoever applied them."""
        self.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=110s")
        # They are served before they are told of, which kubectl's short names and explanations take.
        wanted = {name.partition("/")[2] for name in self.kubectl("get", "crd", "-o", "name").split()}
        wait_until(
            lambda: wanted <= set(self.kubectl("api-resources", "-o", "name").split()),
            what="the API server tells of its definitions",
            seconds=READY_SECONDS,
            needs=self._processes.values(),
        )

    def restart(self) -> None:
        """End kube-apiserver as a crash would and start it again, on the same port with the same data."""
        self._processes["kube-apiserver"].stop(patience=0)
        self._start_api_server()

    def save(self, folder: Path) -> None:
        """Copy what etcd has into *folder*, which must not exist."""
        with self.paused("etcd"):
            shutil.copytree(self.folder / "etcd", folder)

    def restore(self, folder: Path) -> None:
        """Start all again, on the same ports, with what `save` put into *folder*: what came after it never was."""
        self.stop()
        shutil.rmtree(self.folder / "etcd")
        shutil.copytree(folder, self.folder / "etcd")
        self._start_processes()

    @contextmanager
    def paused(self, name: str) -> Iterator[None]:
        """Let the process of that name (etcd, kube-apiserver) do nothing until the block is left: SIGSTOP."""
        process = self._processes[name].popen
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End all processes; nothing that they hold is worth a slow goodbye."""
        for process in reversed(self._processes.values()):
            process.stop(patience=0)
        self._processes.clear()

    def logs(self) -> dict[str, Path]:
        """The log of each process."""
        return {name: process.log for name, process in self._processes.items()}

    def _write_files(self) -> None:
        authority = Authority(self.folder, name="bannette-apiserver")
        hosts = ["127.0.0.1", "localhost", "kubernetes.default.svc", "10.96.0.1"]
        self._serving = authority.issue("kube-apiserver", common_name="kube-apiserver", hosts=hosts)
        self._signing = write_signing_key(self.folder)
        self._tokens = self.folder / "tokens.csv"
        self._tokens.touch(mode=0o600)
        self._tokens.write_text(f'{self.token},admin,admin,"system:masters"\n')
        (self.folder / "audit-policy.yaml").write_text(AUDIT_POLICY)

    def _start(self) -> None:
        self._ports = dict(zip(["etcd", "etcd-peer", "kube-apiserver", "controllers"], free_ports(4), strict=True))
        self.url = f"https://127.0.0.1:{self._ports['kube-apiserver']}"
        write_kubeconfig(self.kubeconfig, context=CONTEXT, server=self.url, ca_file=self.ca_file, token=self.token)
        shutil.rmtree(self.folder / "etcd", ignore_errors=True)  # what an attempt before this one left
        self._start_processes()

    def _start_processes(self) -> None:
        etcd, peer = (f"http://127.0.0.1:{self._ports[name]}" for name in ("etcd", "etcd-peer"))
        self._run(
            "etcd",
            {
                "name": "default",
                "data-dir": self.folder / "etcd",
                "listen-client-urls": etcd,
                "advertise-client-urls": etcd,
                "listen-peer-urls": peer,
                "initial-advertise-peer-urls": peer,
                "initial-cluster": f"default={peer}",
                "unsafe-no-fsync": "true",
            },
        )
        self._start_api_server()
        if self._controller_manager:
            self._start_controller_manager()

    def _start_api_server(self) -> None:
        flags: dict[str, object] = {
            "etcd-servers": f"http://127.0.0.1:{self._ports['etcd']}",
            "bind-address": "127.0.0.1",
            "advertise-address": "127.0.0.1",
            "endpoint-reconciler-type": "none",
            "secure-port": self._ports["kube-apiserver"],
            "tls-cert-file": self._serving.certificate,
            "tls-private-key-file": self._serving.key,
            "authorization-mode": "RBAC",
            "token-auth-file": self._tokens,
            "service-cluster-ip-range": "10.96.0.0/16",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": self._signing.certificate,
            "service-account-signing-key-file": self._signing.key,
        }
        if not self._controller_manager:
            flags["disable-admission-plugins"] = "ServiceAccount"  # nobody would make the default ones
        if self._audit_log:
            flags |= {
                "audit-policy-file": self.folder / "audit-policy.yaml",
                "audit-log-path": self._audit_log,
                "audit-log-mode": "blocking",
            }
        self._run("kube-apiserver", flags | self._arguments)
        wait_until(
            lambda: self._answers("/readyz") and self._answers("/api/v1/namespaces/default"),
            what="the API server is ready",
            seconds=READY_SECONDS,
            needs=self._processes.values(),
        )

    def _start_controller_manager(self) -> None:
        self._run(
            "kube-controller-manager",
            {
                "kubeconfig": self.kubeconfig,
                "authentication-kubeconfig": self.kubeconfig,
                "authorization-kubeconfig": self.kubeconfig,
                "controllers": "*,-cronjob-controller",
                "use-service-account-credentials": "true",
                "service-account-private-key-file": self._signing.key,
                "root-ca-file": self.ca_file,
                "leader-elect": "false",
                "bind-address": "127.0.0.1",
                "secure-port": self._ports["controllers"],
                "cert-dir": self.folder / "controllers",
            },
        )
        wait_until(
            lambda: self._answers("/api/v1/namespaces/default/serviceaccounts/default"),
            what="the controller-manager made the default ServiceAccount",
            seconds=READY_SECONDS,
            needs=self._processes.values(),
        )

    def _run(self, name: str, flags: Mapping[str, object]) -> None:
        command: list[str | Path] = [self._programs[name], *(f"--{flag}={value}" for flag, value in flags.items())]
        self._processes[name] = start(name, command, log=self.folder / f"{name}.log", environment=GARBAGE)

    def _answers(self, path: str) -> bool:
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.token}"})
        trust = ssl.create_default_context(cafile=str(self.ca_file))
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
        )
        try:
            with opener.open(request, timeout=5) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def _temporary_folder() -> Path:
    """Make a folder for one server, and remove those whose process was killed: each has over 100 MB of etcd's data."""
    for owner in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*/owner"):
        with contextlib.suppress(OSError, ValueError):  # another process is just removing it, or writing it
            pid, started = owner.read_text().split()
            if str(start_ticks(int(pid))) != started:
                shutil.rmtree(owner.parent, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
    (folder / "owner").write_text(f"{os.getpid()} {start_ticks(os.getpid())}")
    return folder
