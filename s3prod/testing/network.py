"""Network failures on the wire: the fault proxy in front of a target, switched on and off by a test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from s3prod.client import S3Client
from s3prod.errors import InconclusiveError
from s3prod.proxy import FaultProxy
from s3prod.target import Target


class NetworkFailureInjector:
    """A target behind the fault proxy. Use it as a context manager.

        with NetworkFailureInjector(target, seed=7) as network:
            client = network.client()
            with network.failing("drop-ack-after-commit:p=1,op=put"):
                with pytest.raises(ConnectionClosedError):
                    client.put_object(bucket, "key", b"value")
            assert client.object_exists(bucket, "key")

    `s3prod proxy --help` lists the faults. The proxy alters bytes and drops connections; nothing is simulated in the client.
    """

    def __init__(self, target: Target, faults: Sequence[str] = (), *, seed: int = 1) -> None:
        self._proxy = FaultProxy.before(target, faults, seed)
        try:
            self.target = self._proxy.target(target)
        except BaseException:
            self._proxy.close()
            raise

    def client(self, endpoint: int = 0) -> S3Client:
        """A client whose requests go through the proxy."""
        return S3Client(self.target, endpoint)

    @contextmanager
    def failing(self, *faults: str) -> Iterator[None]:
        """For the block, these faults are on in the place of others; an `InconclusiveError` names one that never fired."""
        before = [each for each in self._proxy.counters()["faults"] if each["on"]]
        self._proxy.switch(faults)
        try:
            yield
            silent = [spec for spec, fired in self.fired().items() if fired == 0]
        finally:
            self._proxy.switch([each["fault"] for each in before])
        if silent:
            raise InconclusiveError(f"faults that never fired: {', '.join(silent)}: nothing is proven")

    def fired(self) -> dict[str, int]:
        """How often each fault that is on fired since it was switched on."""
        return {each["fault"]: each["fired"] for each in self._proxy.counters()["faults"] if each["on"]}

    def events(self) -> list[dict[str, Any]]:
        """What was done on purpose, in order (`csrc/proxy/events.h`)."""
        return self._proxy.events()

    def close(self) -> None:
        """Ends the proxy."""
        self._proxy.close()

    def __enter__(self) -> NetworkFailureInjector:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
