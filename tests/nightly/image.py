"""Images without an engine: buildah builds one on a stand-in for the base, and a chroot runs it.

The base image itself comes from a registry that a test machine may not reach. The stand-in is a Debian of the same
release with the same Python, its interpreter at the path that the real one has. What runs is confined as a strict
cluster would do it: the image's own user and environment, a read-only root, no capabilities, no way to get any.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.real.binaries import ROOT, give_up
from tests.real.process import ServerProcess

SUITE = "trixie"
"""The Debian release of the Dockerfile's base; its Python is the base's too."""

BASE = "localhost/stand-in"
TOOLS = ("buildah", "mmdebstrap", "unshare", "chroot")

# Where this machine finds packages, for the build only: it is part of the stand-in and of no real base.
OF_THE_NETWORK = ("etc/pip.conf", "etc/ssl/certs/ca-certificates.crt")

# Arguments: the root, the folder with the state, then what to run. Nothing outlives the mount namespace.
_CONFINE = """
root=$1 state=$2; shift 2
mount --bind "$root" "$root"
mount -o remount,bind,ro,nosuid "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=0755 tmpfs "$root/dev"
for device in null zero urandom; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mount -t tmpfs -o mode=0755 tmpfs "$root/etc/automation-exporter"
cp "$CONFIG" "$root/etc/automation-exporter/config.yaml"
mount -o remount,ro "$root/etc/automation-exporter"
mount --bind "$state" "$root/var/lib/automation-exporter"
exec chroot "$root" "$@"
"""


class Builder:
    """buildah with a storage of its own, which is gone afterwards."""

    def __init__(self, folder: Path) -> None:
        for tool in TOOLS:
            if shutil.which(tool) is None:
                give_up(tool)
        if os.geteuid() != 0:
            give_up("the root user")
        self._folder = folder

    def buildah(self, *arguments: str | Path) -> str:
        """Run a command of buildah; returns what it printed, fails with it."""
        storage = ("--root", self._folder / "storage", "--runroot", self._folder / "run", "--storage-driver", "vfs")
        return _output("buildah", *storage, *arguments)

    def make_stand_in(self) -> None:
        """Make the base: a small Debian with Python and nothing else."""
        root = self._folder / "base"
        mirror = _output("bash", "-euc", 'source .ci/lib.sh; find_debian_mirror; printf %s "$mirror"').strip()
        packages = "--include=python3-venv,ca-certificates"
        _output("mmdebstrap", "--quiet", "--variant=minbase", "--mode=root", packages, SUITE, root, mirror)
        for name in OF_THE_NETWORK:
            if Path("/", name).is_file():
                shutil.copy(Path("/", name), root / name)
        (root / "usr/local/bin/python3").symlink_to("/usr/bin/python3")
        archive = self._folder / "base.tar"
        _output("tar", "--directory", root, "--create", "--file", archive, ".")
        shutil.rmtree(root)
        container = self.buildah("from", "--quiet", "scratch").strip()
        self.buildah("add", "--quiet", container, archive, "/")
        self.buildah("config", "--env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", container)
        self.buildah("commit", "--quiet", "--rm", "--format", "docker", container, BASE)

    def build(self, tag: str, arguments: Mapping[str, str]) -> None:
        """Build the repository's Dockerfile on the stand-in."""
        given = [f"--build-arg={name}={value}" for name, value in {"PYTHON_IMAGE": BASE, **arguments}.items()]
        self.buildah("bud", "--quiet", "--isolation=chroot", "--format=docker", *given, "--tag", tag, ROOT)

    def unpack(self, tag: str) -> Image:
        """Return an image as its configuration and its files."""
        container = self.buildah("from", "--quiet", tag).strip()
        root = Path(self.buildah("mount", container).strip())
        inspected = json.loads(self.buildah("inspect", "--type=image", tag))
        return Image(inspected["Docker"]["config"], root)


@dataclass(frozen=True, slots=True)
class Image:
    """An image that was built: ``config`` as an engine would read it, its files below ``root``."""

    config: Mapping[str, Any]
    root: Path

    def size(self) -> int:
        """Return the size of all its files, in bytes."""
        return int(_output("du", "--summarize", "--apparent-size", "--bytes", self.root).split()[0])

    def command(self, state: Path, arguments: Sequence[str]) -> tuple[str, ...]:
        """Return the command that runs the image's program with ``arguments``, confined; needs ``CONFIG`` set."""
        user, group = self.config["User"].split(":")
        # A mount point must exist; an engine would make it.
        (self.root / "etc/automation-exporter").mkdir(exist_ok=True)
        return (
            *("unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "sh", "-euc", _CONFINE, "confine"),
            *(str(self.root), str(state)),
            *("/usr/bin/setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"),
            *("--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"),
            *("/usr/bin/env", "--ignore-environment", f"--chdir={self.config['WorkingDir']}", *self.config["Env"]),
            *(*self.config["Entrypoint"], *arguments),
        )


class Container(ServerProcess):
    """An image that runs; signals go to its first process, as those of an engine do."""

    def __init__(self, image: Image, arguments: Sequence[str], *, port: int, folder: Path, config: Path) -> None:
        state = folder / "state"
        state.mkdir(parents=True, exist_ok=True)
        user, group = map(int, image.config["User"].split(":"))
        os.chown(state, user, group)
        super().__init__(
            image.command(state, (*arguments, f"--web.listen-address=127.0.0.1:{port}")),
            port=port,
            folder=folder,
            env={"PATH": os.environ["PATH"], "CONFIG": str(config)},
            ready_path="/-/ready",
        )

    @property
    def first_process(self) -> int:
        """The process id, on the host, of the container's first process."""
        outer = self.process.pid
        (child,) = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()
        return int(child)

    def status(self) -> dict[str, str]:
        """What the kernel says about the first process."""
        lines = Path(f"/proc/{self.first_process}/status").read_text().splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def mounts(self) -> dict[str, str]:
        """The options of every mount that the first process sees, by place."""
        lines = Path(f"/proc/{self.first_process}/mountinfo").read_text().splitlines()
        return {fields[4]: fields[5] for fields in (line.split() for line in lines)}


@contextlib.contextmanager
def builder() -> Iterator[Builder]:
    """A builder whose storage, a gigabyte or two, is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="automation-exporter-image-"))
    try:
        made = Builder(folder)
        yield made
        made.buildah("umount", "--all")
        made.buildah("rm", "--all")
        made.buildah("rmi", "--all", "--force")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _output(*command: str | Path) -> str:
    result = subprocess.run(
        command, cwd=ROOT, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900
    )
    assert result.returncode == 0, f"{' '.join(map(str, command))}\n{result.stdout[-4000:]}{result.stderr[-4000:]}"
    return result.stdout
