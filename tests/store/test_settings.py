"""Settings of a bucket that are written together: each of them is there afterwards."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import socket

from storelib import Store

LIFECYCLE = (
    b"<LifecycleConfiguration><Rule><ID>r</ID><Status>Enabled</Status><Filter><Prefix>old/</Prefix></Filter>"
    b"<Expiration><Days>9</Days></Expiration></Rule></LifecycleConfiguration>"
)


def policy(bucket: str) -> bytes:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}).encode()


class Begun:
    """A request whose head the store has taken, and asked for its body."""

    def __init__(self, store: Store, target: str, body: bytes) -> None:
        digest = base64.b64encode(hashlib.md5(body).digest()).decode()
        given = {"Content-MD5": digest, "Content-Length": str(len(body)), "Expect": "100-continue"}
        signed = store.sign("PUT", target, body, given) | {"Host": store.address}
        head = "".join(f"{name}: {value}\r\n" for name, value in signed.items())
        self.body = body
        self.socket: socket.socket = store.socket()
        self.socket.sendall(f"PUT {target} HTTP/1.1\r\n{head}\r\n".encode())
        assert self.socket.recv(1024).startswith(b"HTTP/1.1 100 ")

    def end(self) -> int:
        """Sends the body; the status of the answer."""
        self.socket.sendall(self.body)
        answer = http.client.HTTPResponse(self.socket)
        answer.begin()
        answer.read()
        self.socket.close()
        return answer.status


def test_settings_that_are_written_together_all_stay(settings_store: Store) -> None:
    s3 = settings_store.client()
    for number in range(5):
        bucket = f"together-{number}"
        s3.create_bucket(Bucket=bucket)
        begun = [
            Begun(settings_store, f"/{bucket}?lifecycle", LIFECYCLE),
            Begun(settings_store, f"/{bucket}?policy", policy(bucket)),
        ]
        assert [request.end() for request in begun] == [200, 204]
        assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]["ID"] == "r"
        assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
