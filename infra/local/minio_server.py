"""MinIO: the object storage of the lake, built from its Go module."""

from __future__ import annotations

from pathlib import Path

from infra.local import fetch
from infra.local.server import Place, Server, Settings
from lake.errors import BadConfiguration

VERSION = "0.0.0-20260212201848-7aac2a2c5b7c"


def _fetch(folder: Path) -> None:
    fetch.go_program(folder, "minio", f"github.com/minio/minio@v{VERSION}")


def _configure(place: Place) -> None:
    endpoint, port = place.settings["MINIO_ENDPOINT"], place.settings["MINIO_PORT"]
    if endpoint.startswith("http://127.0.0.1:") and endpoint != f"http://127.0.0.1:{port}":
        raise BadConfiguration(f"MINIO_ENDPOINT is {endpoint}, but MINIO_PORT is {port}", "change both in .env")
    (place.data / "objects").mkdir(parents=True, exist_ok=True)


def _command(place: Place) -> list[str]:
    address = f"127.0.0.1:{place.settings['MINIO_PORT']}"
    console = f"127.0.0.1:{place.settings['MINIO_CONSOLE_PORT']}"
    return [str(place.home / "minio"), "server", str(place.data / "objects"), "--address", address, "--console-address", console]


def _variables(place: Place) -> dict[str, str]:
    return {name: place.settings[name] for name in ("MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD")}


def _prepare(place: Place) -> None:
    settings = place.settings
    _make_bucket(settings)
    _make_user(settings, settings["AWS_ACCESS_KEY_ID"], settings["AWS_SECRET_ACCESS_KEY"], _policy(settings["LAKE_BUCKET"], writes=True))
    _make_user(settings, settings["LAKE_READER_KEY"], settings["LAKE_READER_SECRET"], _policy(settings["LAKE_BUCKET"], writes=False))


def _make_bucket(settings: Settings) -> None:
    s3, bucket = client(settings, settings["MINIO_ROOT_USER"], settings["MINIO_ROOT_PASSWORD"]), settings["LAKE_BUCKET"]
    if bucket not in [found["Name"] for found in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=bucket)
    if settings["LAKE_VERSIONING"] == "on":
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


def _make_user(settings: Settings, key: str, secret: str, policy: dict) -> None:
    from minio import MinioAdmin
    from minio.credentials import StaticProvider

    root = StaticProvider(settings["MINIO_ROOT_USER"], settings["MINIO_ROOT_PASSWORD"])
    admin = MinioAdmin(endpoint=f"127.0.0.1:{settings['MINIO_PORT']}", credentials=root, secure=False)
    admin.user_add(key, secret)
    admin.policy_add(key, policy=policy)
    admin.policy_set(key, user=key)


def _policy(bucket: str, writes: bool) -> dict:
    of_bucket = ["s3:ListBucket", "s3:GetBucketLocation", "s3:GetBucketVersioning"]
    of_objects = ["s3:GetObject"]
    if writes:
        of_bucket += ["s3:ListBucketMultipartUploads"]
        of_objects += ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": of_bucket, "Resource": [f"arn:aws:s3:::{bucket}"]},
            {"Effect": "Allow", "Action": of_objects, "Resource": [f"arn:aws:s3:::{bucket}/*"]},
        ],
    }


def client(settings: Settings, key: str, secret: str):
    """An S3 client of the local MinIO."""
    import boto3
    from botocore.config import Config

    quick = Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 1}, s3={"addressing_style": "path"}, proxies={})
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{settings['MINIO_PORT']}",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        region_name="us-east-1",
        config=quick,
    )


def _ready(settings: Settings) -> str:
    writer = client(settings, settings["AWS_ACCESS_KEY_ID"], settings["AWS_SECRET_ACCESS_KEY"])
    writer.list_objects_v2(Bucket=settings["LAKE_BUCKET"], MaxKeys=1)
    # MinIO tells its version to administrators only.
    return VERSION


SERVER = Server(
    name="minio",
    version=VERSION,
    ports=("MINIO_PORT", "MINIO_CONSOLE_PORT"),
    scheme="http",
    fetched_with={"go": "install Go 1.24 or newer: MinIO is built from its Go module"},
    fetch=_fetch,
    configure=_configure,
    command=_command,
    prepare=_prepare,
    ready=_ready,
    variables=_variables,
)
