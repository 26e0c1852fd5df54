"""OpenStack Swift of one's own, with its S3 interface: memcached, account, container and object server, and the proxy."""

from __future__ import annotations

import http.client

from server import Server, free_ports, listens

BACK_ENDS = ("account", "container", "object")  # in the order of their ports, the first of which is memcached's

SWIFT = """\
[swift-hash]
swift_hash_path_prefix = prefix
swift_hash_path_suffix = suffix
[storage-policy:0]
name = one
default = yes
"""

COMMON = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = root
swift_dir = {root}
# a path that is not there: nothing goes to the machine's log
log_address = {root}/nowhere
"""

BACK_END = """\
devices = /tmp/devices
mount_check = false
disable_fallocate = true
fallocate_reserve = 0
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
[{name}-replicator]
"""

# symlink is what versions need; with copy behind slo, UploadPartCopy would copy the manifest instead of the data
PROXY = """\
[pipeline:main]
pipeline = {pipeline}
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
# a back end that is slow, on a busy machine, is waited for; it is the only one
conn_timeout = 30
node_timeout = 120
recoverable_node_timeout = 120
error_suppression_interval = 0
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{memcached}
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
check_bucket_owner = false
dns_compliant_bucket_names = true
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = {secret_key} .admin
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_versioned_writes = true
allow_object_versioning = true
"""
PIPELINE = (
    "catch_errors gatekeeper healthcheck proxy-logging cache listing_formats bulk s3api tempauth copy slo dlo versioned_writes "
    "symlink proxy-logging proxy-server"
)
PLAIN = sorted(set(PIPELINE.split()) - {"cache", "s3api", "tempauth", "versioned_writes", "proxy-server"})

# Its disk is in memory, its own, and goes with it: extended attributes have no room for a long key on some file systems.
START = """\
#!/bin/sh
mkdir -p /tmp/devices/d1
exec swift-{name}-server {root}/{name}.conf
"""

# what swift-ring-builder does in nine calls
RINGS = """\
import sys
from swift.common.ring import RingBuilder
folder, *services = sys.argv[1:]
for service in services:
    name, port = service.split(":")
    address = {"ip": "127.0.0.1", "port": int(port), "replication_ip": "127.0.0.1", "replication_port": int(port)}
    builder = RingBuilder(4, 1, 1)
    builder.add_dev({"region": 1, "zone": 1, "device": "d1", "weight": 1.0, "meta": "", **address})
    builder.rebalance()
    builder.get_ring().save(f"{folder}/{name}.ring.gz")
"""


class Swift(Server):
    """One node with one device."""

    name = "swift"

    def look(self) -> str:
        return self.run("python3", "-c", "import swift; print(swift.__version__)").strip()

    def start(self) -> int:
        self.access_key = "test:tester"
        port = free_ports(2 + len(BACK_ENDS))
        memcached = port + 1
        back_ends = list(enumerate(BACK_ENDS, memcached + 1))
        (self.root / "swift.conf").write_text(SWIFT)
        self.daemon("memcached", "-u", "root", "-l", "127.0.0.1", "-p", str(memcached), "-U", "0")
        self.run("python3", "-c", RINGS, str(self.root), *(f"{name}:{at}" for at, name in back_ends))
        for at, name in back_ends:
            self._server(name, COMMON.format(port=at, root=self.root) + BACK_END.format(name=name, root=self.root))
        filters = "".join(f"[filter:{name}]\nuse = egg:swift#{name.replace('-', '_')}\n" for name in PLAIN)
        proxy = PROXY.format(pipeline=PIPELINE, memcached=memcached, secret_key=self.secret_key)
        self._server("proxy", COMMON.format(port=port, root=self.root) + proxy + filters)
        for at in range(port, memcached + 1 + len(BACK_ENDS)):
            self.wait("swift", lambda at=at: listens(at))
        self.wait("swift-proxy-server", lambda: healthy(port))
        return port

    def _server(self, name: str, configuration: str) -> None:
        (self.root / f"{name}.conf").write_text(configuration)
        start = self.root / f"swift-{name}-server"
        start.write_text(START.format(name=name, root=self.root))
        start.chmod(0o755)
        self.daemon(str(start))


def healthy(port: int) -> bool:
    """Whether the proxy says that it is well."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/healthcheck")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
