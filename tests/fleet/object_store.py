"""An object store that stands in for S3: Moto's server on this machine, with the bucket of docs/production.md."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from moto.server import ThreadedMotoServer

from local_runtime.postgres import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

PRODUCTION = Path(__file__).resolve().parents[2] / "docs" / "production.md"
# What an operator sets to have logs there, as the page says it.
SETTINGS = dict(re.findall(r"^(AIRFLOW__LOGGING__\w+)=(.+)$", PRODUCTION.read_text(), flags=re.MULTILINE))
FOLDER = urlsplit(SETTINGS["AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER"])
CONNECTION = f"AIRFLOW_CONN_{SETTINGS['AIRFLOW__LOGGING__REMOTE_LOG_CONN_ID'].upper()}"
ACCOUNT = {"aws_access_key_id": "anyone", "aws_secret_access_key": "anything", "region_name": "us-east-1"}


class ObjectStore:
    """The bucket, and how Airflow gets there."""

    def __init__(self, url: str) -> None:
        self._client: Any = boto3.client("s3", endpoint_url=url, **ACCOUNT)
        self._client.create_bucket(Bucket=FOLDER.netloc)
        login, password, region = ACCOUNT.values()
        extra = {"endpoint_url": url, "region_name": region}
        connection = {"conn_type": "aws", "login": login, "password": password, "extra": extra}
        self.settings = SETTINGS | {CONNECTION: json.dumps(connection)}

    def read(self, path: str) -> str:
        """The object at this path below the folder of the logs; empty where there is none yet."""
        key = f"{FOLDER.path.lstrip('/')}/{path}"
        try:
            found = self._client.get_object(Bucket=FOLDER.netloc, Key=key)
        except self._client.exceptions.NoSuchKey:
            return ""
        return str(found["Body"].read().decode())


@contextmanager
def running_object_store() -> Iterator[ObjectStore]:
    """Run it, empty but for its bucket."""
    port = free_port()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    try:
        yield ObjectStore(f"http://127.0.0.1:{port}")
    finally:
        server.stop()
