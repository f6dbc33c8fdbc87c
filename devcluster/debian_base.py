"""A Debian to build images on, made from its packages: what `debian:bookworm-slim` is where a registry is in reach."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from devcluster.errors import DevclusterError
from devcluster.run import run

SUITE = "bookworm"
REVISION = 4  # of what is done here: another one makes the base again
# As the official image has them: no manuals, no translations, also of packages that are installed later.
EXCLUDES = """\
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/info/*
path-exclude /usr/share/lintian/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
"""
LEFTOVERS = (
    "etc/hostname",
    "etc/resolv.conf",
    "var/cache/apt/*",
    "var/lib/apt/lists/*_*",
    "var/log/*",
    "usr/share/info/*",
    "usr/share/lintian/*",
    "usr/share/locale/*",
    "usr/share/man/*",
)


def make_root(target: Path) -> None:
    """Install a minimal Debian into the folder *target*; nothing in it tells of the machine that made it."""
    run("debootstrap", "--variant=minbase", SUITE, target, *_mirror(host_sources()))
    (target / "etc/dpkg/dpkg.cfg.d/excludes").write_text(EXCLUDES)
    (target / "etc/apt/sources.list").write_text(public_sources())
    (target / "etc/apt/apt.conf.d/no-recommends").write_text('APT::Install-Recommends "false";\n')
    documents = (path for path in target.glob("usr/share/doc/**/*") if path.name != "copyright" and not path.is_dir())
    leftovers = (path for pattern in LEFTOVERS for path in target.glob(pattern))
    for path in [*documents, *leftovers]:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for mounted in ("etc/hostname", "etc/hosts", "etc/resolv.conf"):
        (target / mounted).touch()  # builders mount theirs here, and would leave a layer with the place for it


def public_sources() -> str:
    """Return the sources.list of Debian's own mirrors, whatever this machine uses; debootstrap knows their name."""
    found = re.search(r'^DEF_MIRROR="([^"]+)"$', Path("/usr/sbin/debootstrap").read_text(), re.MULTILINE)
    if found is None:
        raise DevclusterError("debootstrap doesn't say which mirror is Debian's: is it the one of the Debian package?")
    mirror = found[1]
    return (
        f"deb {mirror} {SUITE} main\ndeb {mirror} {SUITE}-updates main\ndeb {mirror}-security {SUITE}-security main\n"
    )


def host_sources() -> str | None:
    """Return a sources.list with the mirrors that this machine uses, None when it isn't the same Debian."""
    release = Path("/etc/os-release")
    if not release.exists() or f"VERSION_CODENAME={SUITE}" not in release.read_text() or not shutil.which("apt-get"):
        return None
    targets = ["indextargets", "--format", "$(SITE) $(RELEASE) $(COMPONENT)", "Created-By: Packages"]
    return sources_list(run("apt-get", *targets, may_fail=True).splitlines())


def sources_list(targets: Iterable[str]) -> str | None:
    """Return the sources.list for *targets* ("SITE RELEASE COMPONENT") of this suite; None without the suite itself."""
    found = [target.split() for target in dict.fromkeys(targets)]
    ours = [(site, release, component) for site, release, component in found if _of_debian(release, component)]
    if not any(release == SUITE for _, release, _ in ours):
        return None
    return "".join(f"deb {site} {release} {component}\n" for site, release, component in ours)


def _of_debian(release: str, component: str) -> bool:
    return component == "main" and release in (SUITE, f"{SUITE}-updates", f"{SUITE}-security")


def _mirror(sources: str | None) -> list[str]:
    lines = (sources or public_sources()).splitlines()
    return [next(line.split()[1] for line in lines if line.split()[2] == SUITE)]
