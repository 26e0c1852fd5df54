"""A Ceph object gateway of one's own: monitor, one OSD in memory and radosgw."""

from __future__ import annotations

import uuid

from server import Server, Unobtainable, free_ports, listens, missing

OSD_PORTS = 16  # it takes eight; a range of its own, or two clusters steal each other's
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


class Gateway(Server):
    """A gateway and its cluster: of this machine's packages (`tools/packages-rgw16.txt`), or of those in a tree."""

    name = "rgw"

    def look(self) -> str:
        if not self._before and (absent := missing(PROGRAMS)):
            raise Unobtainable(f"rgw: {absent[0]}, expected in PATH (tools/setup.sh packages tools/packages-rgw16.txt)")
        return self.run("radosgw", "--version").removeprefix("ceph version ").strip()

    def start(self) -> int:
        for name in ("run", "crash", "mon", "osd"):
            (self.root / name).mkdir()
        (self.root / "keyring").touch()
        port = free_ports(3 + OSD_PORTS)
        fsid, osd = str(uuid.uuid4()), str(uuid.uuid4())
        ports = {
            "port": port,
            "mon": port + 1,
            "mon_v1": port + 2,
            "osd_first": port + 3,
            "osd_last": port + 2 + OSD_PORTS,
        }
        configuration = self.root / "ceph.conf"
        configuration.write_text(CONFIGURATION.format(root=self.root, fsid=fsid, **ports))
        address = f"[v2:127.0.0.1:{port + 1},v1:127.0.0.1:{port + 2}]"
        monmap, of = str(self.root / "monmap"), ("-c", str(configuration))
        self.run("monmaptool", *of, "--create", "--clobber", "--fsid", fsid, "--addv", "a", address, monmap)
        self.run("ceph-mon", *of, "-i", "a", "--mkfs", "--monmap", monmap)
        self.daemon("ceph-mon", "-f", *of, "-i", "a")
        self.run("ceph", *of, "--connect-timeout", "20", "mon", "stat")
        self.run("ceph", *of, "osd", "new", osd)
        self.run("ceph-osd", *of, "-i", "0", "--mkfs", "--osd-uuid", osd)
        self.daemon("ceph-osd", "-f", *of, "-i", "0")
        self.wait("ceph-osd", lambda: " 1 up" in self.run("ceph", *of, "osd", "stat"))
        self.daemon("radosgw", "-f", *of, "-n", "client.rgw")
        self.wait("radosgw", lambda: listens(port), 0.02)
        keys = (f"--access-key={self.access_key}", f"--secret-key={self.secret_key}")
        self.run("radosgw-admin", *of, "-n", "client.rgw", "user", "create", "--uid=t1", "--display-name=t1", *keys)
        return port
