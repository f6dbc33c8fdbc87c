"""``python -m devcluster``: a Kubernetes node on this machine, for machines that have none."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from devcluster import cluster, images
from devcluster.binaries import program
from devcluster.context import cluster as chosen_cluster
from devcluster.errors import DevclusterError
from devcluster.layout import Layout, state_folder
from devcluster.packages import PackagesMissing
from devcluster.progress import say, step


def main() -> int:
    given, further = sys.argv[1:], []
    if given[:1] == ["kubectl"]:  # argparse would take its options for ours
        given, further = given[:1], given[1:]
    arguments = _parser().parse_args(given)
    arguments.further = further
    try:
        return int(arguments.run(arguments) or 0)
    except (DevclusterError, PackagesMissing, images.BuildFailed) as error:
        say(f"Error: {error}")
        return 1
    except KeyboardInterrupt:
        say("Interrupted; `python -m devcluster down` removes what was started")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devcluster", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: object, what: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=what, description=what)
        added.set_defaults(run=run)
        return added

    command("prepare", _prepare, "install the packages and build the programs that `up` needs")
    command("up", _up, "start the cluster unless it is up, and wait until it is usable")
    command("down", _down, "end the cluster and remove all of it, volumes included")
    command("status", _status, "show how it is; exit code 0 when all is well, else 1")
    command("kubeconfig", _kubeconfig, "print the path of the kubeconfig")
    build = command("build-images", _build_images, "build the images that the cluster lacks, and load them if it is up")
    build.add_argument("targets", nargs="*", metavar="TARGET", help=f"default: {' '.join(images.TARGETS)}")
    command("load", _load, "load images of docker or OCI archives into the node").add_argument(
        "archives", nargs="+", type=Path, metavar="ARCHIVE"
    )
    logs = command("logs", _logs, "show the end of the components' logs")
    logs.add_argument("component", nargs="?", help="this one only, and all of it")
    command("kubectl", _kubectl, "run kubectl on the cluster; everything after the word is kubectl's")
    return parser


def _prepare(_: argparse.Namespace) -> None:
    cluster.prepare()


def _up(_: argparse.Namespace) -> None:
    layout = cluster.up()
    say(f"The cluster is up. To use it: export KUBECONFIG={layout.kubeconfig}")


def _down(_: argparse.Namespace) -> None:
    cluster.down()


def _status(_: argparse.Namespace) -> int:
    health = cluster.status(Layout(state_folder()))
    print("\n".join(health.lines))
    return 0 if health.healthy else 1


def _kubeconfig(_: argparse.Namespace) -> None:
    print(chosen_cluster().kubeconfig)


def _build_images(arguments: argparse.Namespace) -> None:
    unknown = set(arguments.targets) - set(images.TARGETS)
    if unknown:
        raise DevclusterError(f"No such target: {', '.join(sorted(unknown))}; there are {', '.join(images.TARGETS)}")
    built = images.build(arguments.targets or images.TARGETS)
    up = cluster.status(Layout(state_folder())).healthy
    for image in built:
        print(f"{image.name}  {image.megabytes:.0f} MB  {image.archive}")
        if up:
            cluster.load(image.archive)


def _load(arguments: argparse.Namespace) -> None:
    for archive in arguments.archives:
        with step(f"Loading {archive.name}"):
            cluster.load(archive)


def _logs(arguments: argparse.Namespace) -> None:
    folder = Layout(state_folder()).logs
    logs = sorted(folder.glob(f"{arguments.component or '*'}.log"))
    if not logs:
        raise DevclusterError(f"There are no such logs in {folder}")
    for log in logs:
        text = log.read_text(errors="replace")
        print(text if arguments.component else f"== {log}\n" + "\n".join(text.splitlines()[-10:]))


def _kubectl(arguments: argparse.Namespace) -> int:
    used = chosen_cluster()
    command = [program("kubectl"), *arguments.further]
    return subprocess.run(command, env=used.kubectl.environment(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
