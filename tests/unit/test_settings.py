"""Profiles and what the environment says in their place."""

from __future__ import annotations

import pytest

from lake.settings import load_settings


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch, tmp_path):
    for name in ("LAKE", "LAKE_PATH", "LANDING", "LAKE_BUCKET", "SPARK_MASTER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LAKEHOUSE_ENV", str(tmp_path / "none"))


@pytest.mark.parametrize("profile", ["minio", "cluster"])
def test_a_setting_that_is_empty_is_not_given(monkeypatch, profile):
    for name in ("LAKE_PATH", "LANDING", "LAKE_BUCKET", "SPARK_MASTER", "MINIO_ENDPOINT"):
        monkeypatch.setenv(name, "")  # as make hands on what it was not given
    settings = load_settings(profile)
    assert (settings.lake, settings.landing) == ("s3a://lake/tables", "s3a://lake/landing")
    assert settings.spark["spark.hadoop.fs.s3a.endpoint"] == "http://127.0.0.1:9000"


@pytest.mark.parametrize("profile", ["minio", "cluster"])
def test_another_bucket_is_that_of_the_lake_too(monkeypatch, profile):
    monkeypatch.setenv("LAKE_BUCKET", "shop")
    assert load_settings(profile).lake == "s3a://shop/tables"
    assert load_settings(profile, "s3a://other/place").lake == "s3a://other/place"
