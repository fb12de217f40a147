"""Archives from elsewhere: plain ones are unpacked, and nothing is written outside the folder."""

import stat
import struct
import zipfile

import pytest

from clinspan.exceptions import DamagedModelError, OutputError, UnsupportedModelError
from clinspan.hub.importers.untrusted import unpack


def _archive(path, *members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as packed:
        for name, content in members:
            packed.writestr(name, content)
    return path


def _special(name, kind):
    member = zipfile.ZipInfo(name)
    member.external_attr = (kind | 0o777) << 16
    return member


def _unpacked(folder):
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_files_folders_and_methods(tmp_path):
    members = [("a/", b""), ("a/b.txt", b"b"), ("c", b"c" * 1000), (_special("d", stat.S_IFREG), b"d")]
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        target = tmp_path / str(method)
        unpack(_archive(tmp_path / "m.zip", *members, method=method), target)
        assert _unpacked(target) == {"a/b.txt": b"b", "c": b"c" * 1000, "d": b"d"}
    assert (target / "d").stat().st_mode & 0o111 == 0


@pytest.mark.parametrize(
    ("member", "message"),
    [
        ("../evil", r"m\.zip holds '\.\./evil', which would lie outside"),
        ("a/../../evil", "would lie outside"),
        ("/tmp/evil", "would lie outside"),
        ("C:/evil", "would lie outside"),
        ("..\\evil", "would lie outside"),
        (_special("evil", stat.S_IFLNK), r"holds a link or device, 'evil'"),
        (_special("evil", stat.S_IFIFO), r"holds a link or device, 'evil'"),
    ],
)
def test_nothing_leaves_the_folder(tmp_path, member, message):
    archive = _archive(tmp_path / "m.zip", (member, "../secret"))
    with pytest.raises(UnsupportedModelError, match=message):
        unpack(archive, tmp_path / "in" / "side")
    assert _unpacked(tmp_path).keys() == {"m.zip"}


def test_bombs(tmp_path, monkeypatch):
    archive = _archive(tmp_path / "m.zip", ("a", bytes(70 << 20)))
    with pytest.raises(UnsupportedModelError, match=r"would unpack to 73,400,320 bytes in 1 files from 71,\d\d\d"):
        unpack(archive, tmp_path / "m")
    monkeypatch.setattr("clinspan.hub.importers.untrusted._MOST_FILES", 2)
    with pytest.raises(UnsupportedModelError, match="in 3 files"):
        unpack(_archive(tmp_path / "m.zip", *((name, b"") for name in "abc")), tmp_path / "m")


def test_a_file_larger_than_it_says_is_damaged(tmp_path):
    archive = _archive(tmp_path / "m.zip", ("a", bytes(10_000)))
    archive.write_bytes(archive.read_bytes().replace(struct.pack("<I", 10_000), struct.pack("<I", 10)))
    with pytest.raises(DamagedModelError, match=r"m\.zip is damaged or no zip archive"):
        unpack(archive, tmp_path / "m")
    assert (tmp_path / "m" / "a").stat().st_size <= 10


def test_a_name_that_comes_twice(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive = _archive(tmp_path / "m.zip", ("a", b"1"), ("a", b"2"))
    with pytest.raises(OutputError, match=r"m\.zip could not be unpacked"):
        unpack(archive, tmp_path / "m")


def test_encrypted_and_oddly_packed_archives(tmp_path):
    archive = _archive(tmp_path / "m.zip", ("a", b"b"))
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)
    with pytest.raises(UnsupportedModelError, match=r"m\.zip is encrypted, as licensed models are"):
        unpack(archive, tmp_path / "m")
    with pytest.raises(UnsupportedModelError, match=r"m\.zip is packed by method 14"):
        unpack(_archive(tmp_path / "m.zip", ("a", b"b"), method=zipfile.ZIP_LZMA), tmp_path / "m")


def test_an_archive_of_patches(tmp_path):
    archive = _archive(tmp_path / "m.zip", ("a", b"b"))
    content = bytearray(archive.read_bytes())
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(header) + flags] |= 0x20
    archive.write_bytes(content)
    with pytest.raises(DamagedModelError, match=r"m\.zip is damaged or no zip archive"):
        unpack(archive, tmp_path / "m")


@pytest.mark.parametrize("length", [0, 10, 60, 100])
def test_what_is_no_archive(tmp_path, length):
    archive = _archive(tmp_path / "m.zip", ("a", b"b"))
    archive.write_bytes(archive.read_bytes()[:length])
    with pytest.raises(DamagedModelError, match=r"m\.zip is damaged or no zip archive"):
        unpack(archive, tmp_path / "m")
