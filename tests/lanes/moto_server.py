"""moto's server: an emulator that takes everything, of a Python environment of its own."""

from __future__ import annotations

import lane_table as lanes
from server import Server, Unobtainable, free_ports, listens

PLACE = lanes.ROOT / "build" / "moto"


class Moto(Server):
    """The emulator; whoever asks may do everything."""

    name = "moto"

    def look(self) -> str:
        python = PLACE / "bin" / "python"
        if not python.exists():
            raise Unobtainable(f"moto: {python}, expected (tools/setup.sh venv tools/requirements-moto.txt build/moto)")
        return self.run(str(python), "-c", "from importlib.metadata import version; print(version('moto'))").strip()

    def start(self) -> int:
        port = free_ports(1)
        self.daemon(str(PLACE / "bin" / "moto_server"), "-H", "127.0.0.1", "-p", str(port))
        self.wait("moto_server", lambda: listens(port))
        return port
