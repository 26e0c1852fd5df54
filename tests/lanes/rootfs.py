"""A tree of a newer Debian, for servers that this one does not have: made once, below build/, and never written to by them.

What runs in it sees the machine's /proc and /dev, the loopback, and the one directory it is given. Nothing of this machine's apt is
changed: that the release files of a moving suite may be past their date is said to the apt inside only, signatures count as ever.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import lane_table as lanes

FOLDER = lanes.ROOT / "build" / "rootfs"
SUITE = "sid"
MAKE_S = 1800
OPTIONS = (
    "--variant=minbase",
    '--aptopt=APT::Install-Recommends "false"',
    '--aptopt=Acquire::Check-Valid-Until "false"',
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
)
# In a mount namespace of its own, which ends with the program: $1 is the tree, $2 the directory, the rest the command.
ENTER = """\
set -e; tree=$1 folder=$2; shift 2
for each in proc dev; do mount --rbind /$each "$tree/$each"; done
mount -t tmpfs tmpfs "$tree/tmp"; mkdir -p "$tree$folder"; mount --bind "$folder" "$tree$folder"
exec chroot "$tree" "$@"
"""


class NoRootfs(RuntimeError):
    """It cannot be made here; the message is one line that says why."""


@dataclass(frozen=True)
class Rootfs:
    """A tree that is there."""

    tree: Path

    def words(self, folder: Path) -> list[str]:
        """What stands before a command that is to run in it, with this directory; it becomes the command, with its process id."""
        return ["unshare", "--mount", "sh", "-c", ENTER, "enter", str(self.tree), str(folder)]


def mirror() -> str:
    """The one from which this machine has its Debian."""
    command = ["apt-get", "indextargets", "--format", "$(SITE) $(CODENAME)", "Identifier: Packages"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    sites = [line.split() for line in done.stdout.splitlines()]
    plain = [site[0] for site in sites if len(site) == 2 and "-" not in site[1]]
    if not plain:
        raise NoRootfs("apt-get names no mirror")
    return plain[0]


def make(name: str, *packages: str) -> Rootfs:
    """The tree of that name with these packages, which is made if it is not there."""
    may = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True)
    if may.returncode != 0:
        raise NoRootfs(may.stderr.strip())
    tree = FOLDER / name
    if not tree.exists():
        part = tree.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        FOLDER.mkdir(parents=True, exist_ok=True)
        source = f"deb {mirror()} {SUITE} main"
        command = ["mmdebstrap", *OPTIONS, f"--include={','.join(packages)}", SUITE, str(part), source]
        done = subprocess.run(command, capture_output=True, text=True, timeout=MAKE_S)
        if done.returncode != 0:
            shutil.rmtree(part, ignore_errors=True)
            raise NoRootfs(" / ".join(["mmdebstrap", *done.stderr.strip().splitlines()[-3:]]))
        part.rename(tree)
    return Rootfs(tree)
