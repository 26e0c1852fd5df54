"""A Ceph object gateway of one's own: monitor, one OSD in memory and radosgw, on the loopback, in a directory that goes with it.

    with Gateway() as gateway:
        print(gateway.endpoint, gateway.access_key, gateway.secret_key)

The daemons run in the foreground as children of this process and die with it. Nothing of the machine's own Ceph is read or
written. Needs the Debian packages of `tools/packages-rgw16.txt`.
"""

from __future__ import annotations

import os
import random
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

OSD_PORTS = 16  # it takes eight; a range of its own, or two clusters steal each other's
READY_S, END_S = 120.0, 10.0
PROGRAMS = ("monmaptool", "ceph-mon", "ceph", "ceph-osd", "radosgw", "radosgw-admin")

CONFIGURATION = """\
[global]
fsid = {fsid}
mon initial members = a
mon host = [v2:127.0.0.1:{mon},v1:127.0.0.1:{mon_v1}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
public network = 127.0.0.0/8
auth cluster required = none
auth service required = none
auth client required = none
# without it the gateway asks for "secure", which no authentication cannot give, and tries for ever
ms mon client mode = crc
ms bind port min = {osd_first}
ms bind port max = {osd_last}
# every pool waits for a round of proposals: 12 s become 1
paxos propose interval = 0.02
paxos min wait = 0.01
# one OSD is a healthy cluster, on a nearly full disk too
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon osd min in ratio = 0
mon data avail warn = 1
mon data avail crit = 1
run dir = {root}/run
log file = {root}/log/$name.log
pid file = {root}/run/$name.pid
# with $pid: radosgw-admin has the name of the gateway
admin socket = {root}/run/$name.$pid.asok
crash dir = {root}/crash
keyring = {root}/keyring

[mon]
mon data = {root}/mon

[osd]
osd data = {root}/osd
osd objectstore = memstore
memstore device bytes = 4G
osd memory target = 1G
osd class load list = *
osd class default allow list = *

[client.rgw]
# without tcp_nodelay small answers wait 40 ms for an acknowledgement
rgw frontends = beast endpoint=127.0.0.1:{port} tcp_nodelay=1
rgw dns name = localhost
rgw enable static website = false
rgw enable ops log = false
rgw enable usage log = false
rgw exit timeout secs = 2
# what is deleted is freed in seconds, not in hours
rgw gc obj min wait = 1
rgw gc processor period = 2
rgw gc processor max time = 2
"""


class GatewayError(RuntimeError):
    """The gateway did not start; the message ends with the last lines of the log that may say why."""


class Gateway:
    """A running gateway with one user."""

    def __init__(self) -> None:
        if missing := missing_programs():
            raise GatewayError(
                f"rgw: {missing[0]}, expected in PATH (tools/setup.sh packages tools/packages-rgw16.txt)"
            )
        self.access_key, self.secret_key = secrets.token_hex(10), secrets.token_hex(20)
        with ExitStack() as undo:
            # short, and below /tmp: the path of a UNIX socket ends at 107 bytes
            self.root = Path(tempfile.mkdtemp(prefix="rgw-", dir="/tmp"))
            undo.callback(shutil.rmtree, self.root, ignore_errors=True)
            self._daemons: list[tuple[str, subprocess.Popen[bytes]]] = []
            undo.callback(self._stop)
            self._start()
            self._undo = undo.pop_all()

    def _start(self) -> None:
        for name in ("run", "log", "crash", "mon", "osd"):
            (self.root / name).mkdir()
        (self.root / "keyring").touch()
        port = free_ports(3 + OSD_PORTS)
        self.endpoint = f"http://127.0.0.1:{port}"
        fsid, osd = str(uuid.uuid4()), str(uuid.uuid4())
        ports = {
            "port": port,
            "mon": port + 1,
            "mon_v1": port + 2,
            "osd_first": port + 3,
            "osd_last": port + 2 + OSD_PORTS,
        }
        (self.root / "ceph.conf").write_text(CONFIGURATION.format(root=self.root, fsid=fsid, **ports))
        address = f"[v2:127.0.0.1:{port + 1},v1:127.0.0.1:{port + 2}]"
        monmap = str(self.root / "monmap")
        self._run("monmaptool", "--create", "--clobber", "--fsid", fsid, "--addv", "a", address, monmap)
        self._run("ceph-mon", "-i", "a", "--mkfs", "--monmap", monmap)
        self._daemon("ceph-mon", "-i", "a")
        self._run("ceph", "--connect-timeout", "20", "mon", "stat")
        self._run("ceph", "osd", "new", osd)
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self._daemon("ceph-osd", "-i", "0")
        self._wait("ceph-osd", lambda: " 1 up" in self._run("ceph", "osd", "stat"), 0.05)
        self._daemon("radosgw", "-n", "client.rgw")
        self._wait("radosgw", lambda: listens(port), 0.02)
        keys = (f"--access-key={self.access_key}", f"--secret-key={self.secret_key}")
        self._run("radosgw-admin", "-n", "client.rgw", "user", "create", "--uid=t1", "--display-name=t1", *keys)

    def _environment(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if not name.startswith("CEPH_")}

    def _run(self, program: str, *words: str) -> str:
        """Carries a command out; its output."""
        command = [program, "-c", str(self.root / "ceph.conf"), *words]
        try:
            done = subprocess.run(command, env=self._environment(), capture_output=True, text=True, timeout=READY_S)
        except subprocess.TimeoutExpired:
            raise self._error(f"{program} {words[0]}: no end after {READY_S:g} s") from None
        if done.returncode != 0:
            raise self._error(f"{program} {words[0]}: status {done.returncode}", done.stderr)
        return done.stdout

    def _daemon(self, program: str, *words: str) -> None:
        """Starts a child in the foreground, which the kernel ends with this process."""
        command = ["setpriv", "--pdeathsig", "KILL", program, "-f", "-c", str(self.root / "ceph.conf"), *words]
        with (self.root / "log" / f"{program}.out").open("wb") as out:
            child = subprocess.Popen(command, env=self._environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self._daemons.append((program, child))

    def _wait(self, program: str, ready: Callable[[], bool], pause_s: float) -> None:
        until = time.monotonic() + READY_S
        while not ready():
            for name, child in self._daemons:
                if child.poll() is not None:
                    raise self._error(f"{name}: ended with status {child.returncode}")
            if time.monotonic() > until:
                raise self._error(f"{program}: not ready after {READY_S:g} s")
            time.sleep(pause_s)

    def _error(self, what: str, said: str = "") -> GatewayError:
        """What happened, what was said, and the last lines of each log."""
        lines = [f"rgw: {what}", *said.strip().splitlines()[-5:]]
        for path in sorted((self.root / "log").iterdir()):
            if tail := path.read_text("utf-8", "replace").strip().splitlines()[-5:]:
                lines += [f"--- {path.name}", *tail]
        return GatewayError("\n".join(lines))

    def _stop(self) -> None:
        """Gateway, OSD, monitor, one after the other: an OSD without its monitor does not listen."""
        for _, child in reversed(self._daemons):
            child.terminate()
            try:
                child.wait(END_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    @property
    def keys(self) -> tuple[str, str, str]:
        """Endpoint, access key and secret key."""
        return self.endpoint, self.access_key, self.secret_key

    def processes(self) -> list[int]:
        """The ids of the daemons."""
        return [child.pid for _, child in self._daemons]

    def close(self) -> None:
        """Ends the daemons and removes their directory."""
        self._undo.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def missing_programs() -> list[str]:
    """What is not installed."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


def listens(port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count: int) -> int:
    """The first of so many free ports in a row, below those that the kernel gives to clients."""
    for _ in range(100):
        first = random.SystemRandom().randrange(20_000, 32_000 - count)
        with ExitStack() as held:
            try:
                for port in range(first, first + count):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise GatewayError(f"rgw: no {count} free ports in a row between 20000 and 32000")
