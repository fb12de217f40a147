"""Files that come from elsewhere: bounded in size, taken from their own folder alone, unpacked with care."""

from __future__ import annotations

import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

from clinspan.exceptions import DamagedModelError, OutputError, UnsupportedModelError

MB: Final = 1 << 20
_LARGEST_TABLE: Final = 256 * MB
_LARGEST_ARCHIVE: Final = 16_384 * MB  # unpacked
_HARMLESS: Final = 64 * MB  # unpacked, however densely packed
_DENSEST: Final = 200  # bytes unpacked for each byte of the archive; weights hardly shrink
_MOST_FILES: Final = 10_000
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_KINDS: Final = (0, stat.S_IFREG, stat.S_IFDIR)  # 0: written on a system that has no others
_BAD_ZIP: Final = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, struct.error, NotImplementedError)


def own_file(folder: Path, name: str) -> Path:
    """Return the path of a file of a folder.

    Raises:
        DamagedModelError: if there is no such file.
        UnsupportedModelError: if it is a link that leads out of the folder.
    """
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        msg = f"{path} is a link that leads out of {folder}; put the file itself there."
        raise UnsupportedModelError(msg)
    if not path.is_file():
        msg = f"{path} is missing; copy the whole model again."
        raise DamagedModelError(msg)
    return path


def read_table(folder: Path, name: str) -> bytes:
    """Return the content of a file that describes a model; weights are larger.

    Raises:
        DamagedModelError: if it is absent, cannot be read, or is too large to be what it should be.
        UnsupportedModelError: if it is a link that leads out of the folder.
    """
    path = own_file(folder, name)
    if (size := path.stat().st_size) > _LARGEST_TABLE:
        msg = f"{path} has {size:,} bytes; no vocabulary has more than {_LARGEST_TABLE:,}."
        raise DamagedModelError(msg)
    try:
        return path.read_bytes()
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}."
        raise DamagedModelError(msg) from None


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip archive.

    Raises:
        DamagedModelError: if it is no zip archive, or damaged.
        UnsupportedModelError: if it is encrypted, would not stay in the folder, or would not stay small.
        OutputError: if the folder cannot be written.
    """
    with _opened(archive) as opened:
        for member in opened.infolist():
            target = folder / _relative(member.filename, archive)
            if member.is_dir():
                target.mkdir(parents=True, exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                _extract(opened, member, target)


def unpack_only_file(archive: Path, target: Path) -> None:
    """Unpack a zip archive of one file under a name of our own; otherwise like `unpack`."""
    with _opened(archive) as opened:
        files = [member for member in opened.infolist() if not member.is_dir()]
        if len(files) != 1:
            msg = f"{archive} holds {len(files)} files; it should be a zip archive of one ONNX graph."
            raise UnsupportedModelError(msg)
        _extract(opened, files[0], target)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as opened:
            _check_size(opened.infolist(), path)
            for member in opened.infolist():
                _check_member(member, path)
            yield opened
    except _BAD_ZIP as error:
        msg = f"{path} is damaged or no zip archive ({error}); copy it again."
        raise DamagedModelError(msg) from error
    except OSError as error:
        msg = f"{path} could not be unpacked: {error}."
        raise OutputError(msg) from error


def _check_size(members: list[zipfile.ZipInfo], path: Path) -> None:
    size, packed = sum(member.file_size for member in members), path.stat().st_size
    if len(members) > _MOST_FILES or size > min(_LARGEST_ARCHIVE, max(_HARMLESS, _DENSEST * packed)):
        msg = f"{path} would unpack to {size:,} bytes in {len(members):,} files from {packed:,}, which is no model."
        raise UnsupportedModelError(msg)


def _check_member(member: zipfile.ZipInfo, path: Path) -> None:
    if member.flag_bits & 1:
        msg = f"{path} is encrypted, as licensed models are; only plain archives can be read."
    elif member.compress_type not in _METHODS:
        msg = f"{path} is packed by method {member.compress_type}; only stored and deflated files can be read."
    elif stat.S_IFMT(member.external_attr >> 16) not in _KINDS:
        msg = f"{path} holds a link or device, {member.filename!r}; a model has plain files only."
    else:
        return
    raise UnsupportedModelError(msg)


def _relative(name: str, archive: Path) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or any(sign in name for sign in "\\:"):
        msg = f"{archive} holds {name!r}, which would lie outside the folder it is unpacked to."
        raise UnsupportedModelError(msg)
    return path


def _extract(opened: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    """Write a file that is not there yet; no more than its size is ever read."""
    with opened.open(member) as source, target.open("xb") as copy:
        shutil.copyfileobj(source, copy, MB)
