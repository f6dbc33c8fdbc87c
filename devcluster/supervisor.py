"""The first process of the node's namespaces: prepares them, starts the components, and starts again what ended.

It has namespaces of its own for processes, mounts and network. When it ends, however it ends, the kernel ends every
process of the node and takes back its mounts, interfaces and packet filter rules: nothing can be left behind.
"""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

from devcluster.configuration import Component, load_components
from devcluster.layout import Layout

RESTART_SECONDS = 1.0
TICK_SECONDS = 0.1
# The kubelet sets these for the whole machine unless they are so already. The machine is not ours: it is shown them.
KERNEL_SETTINGS = {
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1_000_000,
    "kernel/keys/root_maxbytes": 25_000_000,
}


@dataclass
class State:
    """A component as `status` shows it; *pid* counts within the node, 0 when it doesn't run."""

    name: str
    pid: int = 0
    starts: int = 0
    since: float = 0.0
    last_exit: int | None = None


def main() -> None:
    layout = Layout(Path(sys.argv[1]))
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, _leave)
    if sys.stdin.readline().strip() != "go":  # `up` says so when the network is there
        sys.exit("`up` ended before the node was ready")
    _prepare_mounts(layout)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    components = load_components(layout.components.read_text())
    trust = ssl.create_default_context(cafile=str(layout.etc / "ca.crt"))
    states = {component.name: State(component.name) for component in components}
    while True:
        changed = _reap(states)
        for component in components:
            state = states[component.name]
            due = time.time() - state.since > RESTART_SECONDS
            url = component.waits_for
            if not state.pid and due and (url is None or _answers(url, trust)):
                _start(component, state, layout)
                changed = True
        if changed:
            partial = layout.running.with_suffix(".partial")
            partial.write_text(json.dumps([asdict(state) for state in states.values()]))
            partial.rename(layout.running)
        time.sleep(TICK_SECONDS)


def _prepare_mounts(layout: Layout) -> None:
    mount: Callable[..., object] = lambda *arguments: subprocess.run(["mount", *arguments], check=True)  # noqa: E731
    mount("--make-rshared", "/")  # among ourselves: what pods mount is seen by other pods, never by the host
    mount("-t", "tmpfs", "-o", "mode=755", "bannette-devcluster", "/run")
    mount("-t", "tmpfs", "-o", "mode=755", "bannette-devcluster", "/var/lib/cni")
    mount("--bind", str(layout.kubelet), "/var/lib/kubelet")
    mount("--bind", str(layout.pod_logs), "/var/log")
    Path("/run/netns").mkdir()
    Path("/run/lock").mkdir()
    for setting, value in KERNEL_SETTINGS.items():
        shown = Path("/run") / setting.replace("/", ".")
        shown.write_text(f"{value}\n")
        mount("--bind", str(shown), f"/proc/sys/{setting}")


def _start(component: Component, state: State, layout: Layout) -> None:
    log = os.open(layout.logs / f"{component.name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    actions = [(os.POSIX_SPAWN_DUP2, nothing, 0), (os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)]
    try:
        # Not subprocess: as the first process we reap everybody's children, and it would miss its own.
        state.pid = os.posix_spawnp(
            component.command[0], component.command, os.environ, file_actions=actions, setsid=True
        )
    finally:
        os.close(log)
        os.close(nothing)
    state.starts += 1
    state.since = time.time()


def _reap(states: dict[str, State]) -> bool:
    changed = False
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return changed
        if not pid:
            return changed
        for state in states.values():
            if state.pid == pid:
                state.pid, state.last_exit, changed = 0, os.waitstatus_to_exitcode(status), True
                state.since = time.time()
                print(f"{state.name} ended with {state.last_exit}", file=sys.stderr, flush=True)


def _answers(url: str, trust: ssl.SSLContext) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust))
    try:
        with opener.open(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _leave(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
