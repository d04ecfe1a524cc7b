"""Small files beside the tables and listings, on whatever file system the lake is on (through Hadoop's FileSystem)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from py4j.protocol import Py4JJavaError

from lake.session import Lake


@dataclass(frozen=True)
class Entry:
    """A file: its full path, the same as an address (what is special in addresses percent-encoded), size in bytes, when it was
    last changed (milliseconds since 1970)."""

    path: str
    url: str
    size: int
    modified: int


def away(error: BaseException) -> str | None:
    """What kept a request from reaching the bucket, if that is why something failed."""
    found = re.search(r"Unable to execute HTTP request: ([^\n(]*)", str(error))
    return found[1].strip() if found else None


def _at(lake: Lake, path: str):
    where = getattr(lake.spark._jvm, "org.apache.hadoop.fs.Path")(path)
    return where, where.getFileSystem(lake.spark._jsc.hadoopConfiguration())


def exists(lake: Lake, path: str) -> bool:
    """Whether a file or folder is there."""
    where, fs = _at(lake, path)
    return fs.exists(where)


def names(lake: Lake, folder: str) -> list[str]:
    """Names in a folder, sorted; empty where there is none."""
    where, fs = _at(lake, folder)
    if not fs.exists(where):
        return []
    return sorted(status.getPath().getName() for status in fs.listStatus(where))


def files(lake: Lake, folder: str) -> list[Entry]:
    """All files below a folder, by path; empty where there is none."""
    where, fs = _at(lake, folder)
    if not fs.exists(where):
        return []
    listing = fs.listFiles(where, True)
    found = []
    while listing.hasNext():
        status = listing.next()
        path = status.getPath()
        found.append(Entry(path.toString(), path.toUri().toString(), status.getLen(), status.getModificationTime()))
    return sorted(found, key=lambda entry: entry.path)


def read_text(lake: Lake, path: str) -> str:
    """A small text file."""
    where, fs = _at(lake, path)
    stream = fs.open(where)
    try:
        return getattr(lake.spark._jvm, "org.apache.commons.io.IOUtils").toString(stream, "UTF-8")
    finally:
        stream.close()


def write_text(lake: Lake, path: str, text: str) -> None:
    """Write a small text file, over an older one."""
    where, fs = _at(lake, path)
    stream = fs.create(where, True)
    try:
        stream.write(bytearray(text.encode("utf-8")))
    finally:
        stream.close()


def create_text(lake: Lake, path: str, text: str) -> bool:
    """Write a small text file on an object store if there is none yet (a conditional put); whether it was written."""
    where, fs = _at(lake, path)
    stream = fs.createFile(where).overwrite(True).recursive().must("fs.option.create.conditional.overwrite", True).build()
    try:
        stream.write(bytearray(text.encode("utf-8")))
        stream.close()
    except Py4JJavaError as error:
        if "RemoteFileChangedException" in str(error):
            return False
        raise
    return True


def delete(lake: Lake, path: str) -> None:
    """Delete a file or folder; nothing happens where there is none."""
    where, fs = _at(lake, path)
    fs.delete(where, True)
