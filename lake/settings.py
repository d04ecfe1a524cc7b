"""Settings: one profile of conf/profiles, overridden by arguments and the environment."""

from __future__ import annotations

import os
import re
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from lake.errors import BadConfiguration, NotSet

ROOT = Path(os.environ.get("LAKEHOUSE_HOME", Path(__file__).resolve().parent.parent))
CONF = ROOT / "conf"
EXPECTATIONS = ROOT / "expectations"
PROFILES = sorted(path.stem for path in (CONF / "profiles").glob("*.yml"))


class Settings(BaseModel):
    """Where the lake and the landing folder are, and what Spark is started with.

    Attributes:
        profile: name of the file in conf/profiles.
        lake: root of the Delta tables, a local path or s3a://bucket/path.
        landing: folder that raw files are delivered to, likewise.
        spark: Spark settings of this profile, on top of conf/spark-defaults.conf.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    profile: str
    lake: str
    landing: str
    spark: dict[str, str]


def _expand(text: str) -> str:
    """${NAME} and ${NAME:-default} from the environment, as a shell has them: the default also where NAME is empty."""

    def value(match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        if name in os.environ and (os.environ[name] or default is None):
            return os.environ[name]
        if default is None:
            raise BadConfiguration(f"the environment has no {name}", f"export {name}=... and run again")
        return default

    return re.sub(r"\$\{(\w+)(?::-([^}]*))?\}", value, text)


def env_file() -> Path:
    """What `make up` wrote down: ports, keys, passwords."""
    return Path(os.environ.get("LAKEHOUSE_ENV") or ROOT / ".env")


def read_env_file() -> None:
    """Put what `make up` wrote down into the environment; what is there already wins. Those who administrate servers (root,
    admin) are left out: no job needs them. conf/spark-env.sh does the same for the JVM."""
    if env_file().is_file():
        lines = env_file().read_text(encoding="utf-8").splitlines()
        for name, value in (line.split("=", 1) for line in lines if re.match(r"(?!\w*_(ROOT|ADMIN)_)[A-Z][A-Z0-9_]*=", line)):
            os.environ.setdefault(name, value)


def required(who: str, *names: str) -> list[str]:
    """Values of the environment.

    Raises:
        NotSet: one is not set or empty.
    """
    if missing := [name for name in names if not os.environ.get(name)]:
        raise NotSet(f"{who}: {', '.join(missing)} not set", "`make up` writes them into .env, or export them")
    return [os.environ[name] for name in names]


def _absolute(location: str) -> str:
    return location if "://" in location else str((Path.cwd() / Path(location).expanduser()).resolve())


def load_settings(profile: str | None = None, lake: str | None = None, landing: str | None = None) -> Settings:
    """The settings of a profile.

    Args:
        profile: embedded, minio or cluster; else the environment's LAKE, else embedded.
        lake: root of the lake; else LAKE_PATH, else the profile's.
        landing: landing folder; else LANDING, else the profile's.

    Raises:
        BadConfiguration: no such profile, or its file is not what it should be.
    """
    read_env_file()
    profile = profile or os.environ.get("LAKE") or "embedded"
    path = CONF / "profiles" / f"{profile}.yml"
    if profile not in PROFILES:
        raise BadConfiguration(f"there is no profile {profile!r}", f"choose one of {', '.join(PROFILES)}")
    try:
        settings = Settings(profile=profile, **yaml.safe_load(_expand(path.read_text(encoding="utf-8"))))
    except (yaml.YAMLError, TypeError, ValidationError) as error:
        raise BadConfiguration(f"{path} can't be read: {error}", "compare it with conf/profiles/embedded.yml") from error
    # Paths of a profile are relative to the project, paths given by a person to where that person stands.
    from_profile = {name: getattr(settings, name) for name in ("lake", "landing")}
    given = {"lake": lake or os.environ.get("LAKE_PATH"), "landing": landing or os.environ.get("LANDING")}
    places = {
        name: _absolute(given[name]) if given[name] else (place if "://" in place else str((ROOT / place).resolve()))
        for name, place in from_profile.items()
    }
    return settings.model_copy(update=places)
