"""Every command that a page shows runs: typed in the page's order, in a place that is what the page takes for granted.

A command that no scenario types fails the test; one that takes a node, or a registry, names the test that runs it.
"""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pytest

from bannette.controller.names import BINDER, CHANNEL, CRON_JOB, JOB, RECIPIENT, SECRET, Kind
from devcluster.images import TARGETS
from tests.controller.cluster import SYSTEM, eventually
from tests.docs.fenced import SOURCE, Command, pages
from tests.docs.place import NAME, NAMESPACE, Place
from tests.docs.terminal import CommandEnded

PAGES = {page.name: page for page in pages()}
COMMANDS = [command for page in PAGES.values() for command in page.commands]
IN_PASSING = [command for page in PAGES.values() for command in page.in_passing]

# What a node answers (its kubelet), or a registry: the tests that run such commands.
ELSEWHERE: Mapping[str, str] = {
    # Whose fixtures build the Dockerfile's images.
    r"^docker build ": "tests/cluster/test_runs.py::test_applying_a_channel_brings_its_documents",
    r"^export BANNETTE_SMTP_|^bannette notify test ": "tests/cli/test_notify.py::test_a_sample_arrives",
    r"^kubectl get --raw \S+/bannette-connect:": (
        "tests/cluster/test_deployed_pages.py::test_an_address_that_does_not_lead_to_them_is_told"
    ),
    r"^kubectl (-n \S+ )?logs |^kubectl get --raw (?!\S+/bannette-connect:)\S+/proxy/|"
    r"^kubectl collection (history|inbox|doctor) ": (
        "tests/cluster/test_documented_commands.py::test_what_takes_a_node"
    ),
    r"^kubectl collection (check|connect|disconnect) |bannette.io/(check-connection|disconnect)=": (
        "tests/controller/test_plugin_connection.py::test_what_the_page_shows_works"
    ),
    r"^kubectl create (token|serviceaccount|rolebinding) NAME": (
        "tests/console/test_signing_in.py::test_a_token_that_was_made_as_the_page_says_lets_in"
    ),
    r"^mkdir keys |^kubectl proxy |^export BANNETTE_PUBLIC_URL=|^bannette connect-service": (
        "tests/connect/test_connect_processes.py::test_what_the_page_shows_works"
    ),
}
CHANNELS = "charts/bannette-channels/README.md"
# Typed by tests/docs/test_restore.py.
RESTORED = frozenset(PAGES["docs/backup.md"].commands)
MAKE = re.compile(r"^make [a-z-]+( |$)")


@dataclass(frozen=True)
class Scenario:
    """Some sections of a page, typed one after the other.

    Attributes:
        begin: makes the place what the sections take for granted.
        steps: by the beginning of a command, what happens before it that isn't typed.
        check: what must hold in the end.
    """

    name: str
    page: str
    sections: tuple[str, ...]
    begin: Callable[[Place], None]
    steps: Mapping[str, Callable[[Place], None]] = field(default_factory=dict)
    check: Callable[[Place], None] = lambda place: None
    marks: tuple[pytest.MarkDecorator, ...] = (pytest.mark.apiserver,)

    @property
    def commands(self) -> list[Command]:
        return PAGES[self.page].of(*self.sections)


def elsewhere(command: Command) -> str | None:
    """Return the test that runs *command*, if no scenario can."""
    return next((test for pattern, test in ELSEWHERE.items() if re.search(pattern, command.text)), None)


# What holds at the end of a page


def _nothing_is_left(place: Place) -> None:
    """After install.md: no channel, no CronJob, no operator; the claim is still there."""
    kubectl = place.cluster.server.kubectl
    assert kubectl("get", "crd", "-o", "name").strip() == ""
    assert place.cluster.list(CRON_JOB, NAMESPACE) == []
    assert "purchases" in kubectl("-n", NAMESPACE, "get", "persistentvolumeclaims", "-o", "name")
    assert (place.binder_folder / "binder.json").exists()


def _tenant_of_a_release_that_took_over(place: Place) -> None:
    """Upgrade what the page installed without Helm, as it says; let there be something to lose, and an open inbox."""
    words = (
        "helm",
        "upgrade",
        "bannette",
        "charts/bannette",
        "--namespace",
        SYSTEM,
        "--set",
        "onedrive.clientId=other",
    )
    with pytest.raises(CommandEnded, match=r"conflicts? with"):
        place.terminal.run(*words)
    place.terminal.run(*words, "--force-conflicts")
    place.wait_for_operator()
    place.have_tenant()
    asked = {"bannette.io/inbox-reader": "a" * 64, "bannette.io/inbox-opened": "2026-11-24T10:00:00Z"}
    place.cluster.patch(BINDER, NAMESPACE, "purchases", {"metadata": {"annotations": asked}})
    eventually(lambda: place.cluster.find(JOB, NAMESPACE, "purchases-inbox"), "the inbox is opened")


def _still_runs_daily(place: Place) -> None:
    assert [job["metadata"]["name"] for job in place.cluster.list(CRON_JOB, NAMESPACE)] == [f"{NAME}-collect"]
    assert place.cluster.find(CHANNEL, NAMESPACE, NAME) is not None


OLD_IMAGE, NEW_IMAGE = "localhost/bannette-collector:0.1.0", "registry.example/bannette-collector:0.2.0"


def _release_with_a_tenant(place: Place) -> None:
    place.have_helm_release()
    place.have_tenant()
    place.note_lives()
    place.wait_for_image(OLD_IMAGE)


def _go_on_without_helm(place: Place) -> None:
    place.wait_for_image(NEW_IMAGE)
    place.uninstall()
    place.apply_manifests()
    place.wait_for_image(OLD_IMAGE)


def _upgrade_by_helm(place: Place) -> None:
    place.wait_for_image(NEW_IMAGE)
    place.remove_manifests()
    place.have_helm_release()
    place.wait_for_image(OLD_IMAGE)
    for command in PAGES["docs/upgrade.md"].of("With Helm"):
        place.terminal.type(command)
    place.wait_for_image(NEW_IMAGE)


def _is_as_before(place: Place) -> None:
    place.wait_for_image(OLD_IMAGE)
    place.check_lives()
    assert [run["trigger"] for run in place.wait_for_runs(1)] == ["Initial"]


def _tenant_and_machine(place: Place) -> None:
    place.have_machine()
    place.have_tenant()
    place.terminal.write({"acme.yaml": (SOURCE / "manifests/samples/local.yaml").read_text()})
    place.terminal.run("bannette", "collect", "-f", "acme.yaml")


def _was_collected_once(place: Place) -> None:
    names = sorted(entry["name"] for entry in place.inbox())
    assert names == ["a.txt", "b.txt", "c.txt"]
    assert place.wait_for_runs(1)[0]["collected"] == 0, "the channel that was made again collected something twice"


def _one_more_document(place: Place) -> None:
    place.drop("2026/c.txt", "charlie")


def _pages_with_two_keys(place: Place) -> None:
    deployment = place.cluster.get(Kind("apps/v1", "Deployment", "deployments"), SYSTEM, "bannette-connect")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example/bannette-connect:0.1.0"
    keys = place.cluster.get(SECRET, SYSTEM, "bannette-connect-keys")["data"].values()
    assert [len(base64.b64decode(key)) >= 32 for key in keys] == [True, True]


CLIENTS = ("acme", "zed")


def _namespace_with_a_binder(place: Place) -> None:
    """What the page takes for granted, and the table that it shows."""
    place.have_installation()
    for sample in ("00-namespace", "10-binder"):
        place.terminal.run("kubectl", "apply", "-f", f"manifests/samples/acme/{sample}.yaml")
    (table,) = re.findall(r"```\n(name,email,.*?)```", (SOURCE / CHANNELS).read_text(), re.DOTALL)
    place.terminal.write({"clients.csv": table})


def _a_line_less_is_a_channel_less(place: Place) -> None:
    uids = [place.cluster.get(CHANNEL, NAMESPACE, name)["metadata"]["uid"] for name in CLIENTS]
    for name in CLIENTS:
        eventually(lambda name=name: place.condition("Ready", name).get("reason") == "NotConnected", f"{name} is ready")
    table = place.terminal.folder / "clients.csv"
    (command,) = PAGES[CHANNELS].commands
    table.write_text("".join(line for line in table.read_text().splitlines(True) if not line.startswith("zed")))
    place.terminal.type(command)
    assert place.cluster.get(CHANNEL, NAMESPACE, "acme")["metadata"]["uid"] == uids[0]
    eventually(lambda: place.cluster.find(CHANNEL, NAMESPACE, "zed") is None, "the channel is gone with its line")
    # What only the API server refuses takes back what was applied.
    table.write_text(table.read_text() + "beta,jean@beta.example,Jean Beta,relative/folder\n")
    with pytest.raises(CommandEnded, match="has been rolled back"):
        place.terminal.type(command)
    assert [one["metadata"]["name"] for one in place.cluster.list(CHANNEL, NAMESPACE)] == ["acme"]
    eventually(lambda: place.cluster.find(RECIPIENT, NAMESPACE, "beta") is None, "its recipient is gone")


SCENARIOS = [
    Scenario("readme-channel", "README.md", ("A channel",), Place.have_tenant),
    Scenario("readme-install", "README.md", ("Install",), Place.have_cluster),
    Scenario("readme-machine", "README.md", ("Without Kubernetes",), lambda place: None, marks=()),
    Scenario("readme-accounts", "README.md", ("Accounts whose owner signs in",), Place.have_delegated_channel),
    Scenario("chart", "charts/bannette/README.md", (), Place.have_cluster),
    Scenario("channels-of-a-table", CHANNELS, (), _namespace_with_a_binder, check=_a_line_less_is_a_channel_less),
    Scenario("security", "docs/security.md", (), Place.have_tenant),
    Scenario(
        "install",
        "docs/install.md",
        (),
        Place.have_cluster,
        steps={
            "sed 's#localhost": Place.uninstall,
            "helm uninstall": _tenant_of_a_release_that_took_over,
            "kubectl delete collectionchannels": _still_runs_daily,
        },
        check=_nothing_is_left,
    ),
    Scenario(
        "channels",
        "docs/channels.md",
        (),
        Place.have_documents_and_installation,
        steps={"kubectl -n acme annotate": _one_more_document},
        check=_was_collected_once,
    ),
    Scenario(
        "upgrade",
        "docs/upgrade.md",
        (),
        _release_with_a_tenant,
        steps={"kubectl apply --server-side -f crds": _go_on_without_helm, "helm rollback": _upgrade_by_helm},
        check=_is_as_before,
    ),
    Scenario("connect", "docs/connect.md", ("Install it",), Place.have_helm_release, check=_pages_with_two_keys),
    Scenario("troubleshooting", "docs/troubleshooting.md", (), _tenant_and_machine),
]


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("scenario", [pytest.param(one, id=one.name, marks=one.marks) for one in SCENARIOS])
def test_what_a_page_shows_works(scenario: Scenario, new_place: Callable[..., Place]) -> None:
    place = new_place("place")
    scenario.begin(place)
    place.terminal.write(PAGES[scenario.page].files)
    for command in scenario.commands:
        for beginning, step in scenario.steps.items():
            if command.text.startswith(beginning):
                step(place)
        if elsewhere(command) is None:
            place.terminal.type(command)
    scenario.check(place)


# What NAME stands for in sentences, by what it follows.
_STAND_FOR = {"binder NAME": "binder purchases", "collectionchannel NAME": f"collectionchannel {NAME}"}


@pytest.mark.apiserver
@pytest.mark.timeout(1800)
def test_what_pages_say_in_passing_works(new_place: Callable[..., Place]) -> None:
    place = new_place("place")
    place.have_tenant()
    kubectl = place.cluster.server.kubectl
    # Of the pages' Secret the command tells nothing but that it is there.
    kubectl("-n", SYSTEM, "create", "secret", "generic", "bannette-connect-keys", "--from-literal=key=value")
    kubectl("config", "set-context", "--current", f"--namespace={NAMESPACE}")
    job = kubectl("-n", NAMESPACE, "get", "jobs", "-o", "jsonpath={.items[0].metadata.name}")
    typed = []
    for command in IN_PASSING:
        if elsewhere(command) is not None:
            continue
        text = re.sub(r"\bJOB\b", job, command.text)
        for words, meant in _STAND_FOR.items():
            text = text.replace(words, meant)
        place.terminal.type(replace(command, text=text))
        typed.append(command.page)
    assert {"docs/operations.md", "docs/troubleshooting.md", "docs/connect.md"} <= {*typed}


# Nothing is left out


def test_every_command_of_the_pages_is_typed() -> None:
    typed = {command for scenario in SCENARIOS for command in scenario.commands} | RESTORED
    left_out = [
        str(command)
        for command in COMMANDS
        if command not in typed and not MAKE.search(command.text) and elsewhere(command) is None
    ]
    assert left_out == [], "give their section a scenario, or name the test that runs them in ELSEWHERE"


@pytest.mark.parametrize("command", [one for one in COMMANDS if MAKE.search(one.text)], ids=str)
def test_make_knows_what_a_page_tells_it_to_make(command: Command) -> None:
    words = re.split(r"[#&;]", command.text)[0].split()
    done = subprocess.run(["make", "--dry-run", *words[1:]], cwd=SOURCE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("test", sorted({*ELSEWHERE.values()}))
def test_a_test_that_runs_commands_elsewhere_exists(test: str) -> None:
    path, _, name = test.partition("::")
    assert re.search(rf"^def {name}\(", (SOURCE / path).read_text(), re.MULTILINE)


def test_what_runs_elsewhere_is_shown_somewhere() -> None:
    unused = [pattern for pattern in ELSEWHERE if not any(re.search(pattern, one.text) for one in COMMANDS)]
    assert unused == []


def test_docker_builds_images_that_the_dockerfile_has() -> None:
    named = {target for one in COMMANDS for target in re.findall(r"docker build --target (\S+)", one.text)}
    assert named == {"operator", "collector", "connect"}
    assert named <= set(TARGETS)
