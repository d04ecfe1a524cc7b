"""Small files and listings of a lake without Spark, in a local folder or a bucket."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from botocore.exceptions import BotoCoreError, ClientError

from lake.errors import BadEnvironment

# In a path, the name of a folder or the beginning of a file's.
DROP = re.compile(r"(?:^|/)(\d{4}-\d{2}-\d{2})(?=/|_)")


def drop_date(file: str) -> date | None:
    """The date of the drop that a file belongs to, the first in its path; None where there is none."""
    for found in DROP.findall(file):
        try:
            return date.fromisoformat(found)
        except ValueError:  # 2018-02-30
            continue
    return None


def require_bucket(root: str) -> None:
    """See whether the bucket of a lake answers; a lake in a local folder has none.

    Raises:
        BadEnvironment: the bucket can't be reached, is not there, or refuses the keys.
    """
    if "://" in root:
        bucket, _ = _split(root)
        _asked(root, lambda s3: s3.head_bucket(Bucket=bucket))


def name_of(run_id: str) -> str:
    """A run's identifier as the name of a file: a scheduler's has colons in it."""
    return quote(run_id, safe="").replace("%", "_")


def put_text(folder: str, name: str, text: str) -> str:
    """Write a text file, whole or not at all; its path.

    Raises:
        BadEnvironment: the bucket can't be reached.
        OSError: the folder can't be written.
    """
    path = f"{folder.rstrip('/')}/{name}"
    if "://" in folder:
        bucket, key = _split(path)
        _asked(path, lambda s3: s3.put_object(Bucket=bucket, Key=key, Body=text.encode("utf-8")))
        return path
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    # A reader never sees half a file.
    part = target.with_name(f"{target.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(target)
    return path


@contextmanager
def opened(path: str) -> Iterator[IO[bytes]]:
    """A file's bytes.

    Raises:
        BadEnvironment: the bucket can't be reached.
        OSError: the file can't be read.
    """
    if "://" in path:
        bucket, key = _split(path)
        with closing(_asked(path, lambda s3: s3.get_object(Bucket=bucket, Key=key)["Body"])) as stream:
            yield stream
    else:
        with open(path, "rb") as stream:
            yield stream


def listing(folder: str) -> list[str]:
    """Files below a folder, relative to it, sorted; empty where there is none. Hidden ones (_x, .x) are left out."""
    if "://" in folder:
        bucket, prefix = _split(f"{folder.rstrip('/')}/")
        pages = _asked(folder, lambda s3: list(s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)))
        found = [entry["Key"].removeprefix(prefix) for page in pages for entry in page.get("Contents", [])]
    else:
        # Into linked folders too, as Hadoop goes.
        paths = (Path(at, name) for at, _, names in os.walk(folder, followlinks=True) for name in names)
        found = [str(path.relative_to(folder)) for path in paths if path.is_file()]
    return sorted(file for file in found if not any(part.startswith(("_", ".")) for part in file.split("/")))


def _split(path: str) -> tuple[str, str]:
    bucket, _, key = path.split("://", 1)[1].partition("/")
    return bucket, key


def _asked(path: str, question: Any) -> Any:
    import boto3
    from botocore.config import Config

    quick = Config(connect_timeout=5, read_timeout=30, retries={"max_attempts": 2}, s3={"addressing_style": "path"})
    endpoint = os.environ.get("MINIO_ENDPOINT", "http://127.0.0.1:9000")
    try:
        return question(boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", config=quick))
    except (BotoCoreError, ClientError) as error:
        hint = "is MinIO running? MINIO_ENDPOINT, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY say where and who"
        raise BadEnvironment(f"{path} can't be reached: {error}", hint) from error
