"""The wheel and the source distribution: complete, lean, well described, and the same whenever they are built."""

from __future__ import annotations

import email.message
import email.parser
import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from exporter import __version__
from tests.real.binaries import ROOT

EPOCH = "1700000000"
"""When files in archives were changed, in unix seconds: any fixed moment."""


def build(target: str, source: Path, folder: Path) -> Path:
    """Build the wheel or the sdist of a source tree, as pip would but without an environment of its own."""
    subprocess.run(
        (sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", folder),
        cwd=source,
        env={"SOURCE_DATE_EPOCH": EPOCH, "PATH": "/usr/bin:/bin"},
        check=True,
        capture_output=True,
        timeout=120,
    )
    (archive,) = folder.iterdir()
    return archive


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution of this checkout."""
    return build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


def contents(wheel: Path) -> Mapping[str, bytes]:
    """Return every file of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def metadata(files: Mapping[str, bytes]) -> email.message.Message:
    """Return what a wheel says about itself."""
    return email.parser.BytesParser().parsebytes(files[f"automation_exporter-{__version__}.dist-info/METADATA"])


def sources() -> dict[str, bytes]:
    """Return the files of the package that belong to the project."""
    listing = subprocess.run(
        ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "exporter"),
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return {name: (ROOT / name).read_bytes() for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()}


def test_the_wheel_is_the_package_and_nothing_else(wheel: Path) -> None:
    """Every file of the package, with the schema of the state, the types and the simulator; no tests, no tools."""
    assert wheel.name == f"automation_exporter-{__version__}-py3-none-any.whl"
    files = contents(wheel)
    package = {name: text for name, text in files.items() if name.startswith("exporter/")}
    assert package == sources()
    assert {"exporter/py.typed", "exporter/store/schema.sql", "exporter/simulator/__init__.py"} <= package.keys()
    info = f"automation_exporter-{__version__}.dist-info/"
    assert {name.removeprefix(info) for name in files.keys() - package.keys()} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
    }
    assert files[f"{info}licenses/LICENSE"] == (ROOT / "LICENSE").read_bytes()
    assert b"automation-exporter = exporter.cli:main" in files[f"{info}entry_points.txt"]


def test_the_wheel_describes_itself(wheel: Path) -> None:
    """Version, license and what is optional; what is heavy is not required."""
    told = metadata(contents(wheel))
    assert (told["Name"], told["Version"]) == ("automation-exporter", __version__)
    assert told["License-Expression"] == "Apache-2.0"
    assert told["Requires-Python"] == ">=3.11"
    assert told.get_all("Provides-Extra") == ["azure", "fast"]
    required = [text for text in told.get_all("Requires-Dist", []) if "extra ==" not in text]
    assert not [text for text in required if text.startswith(("azure", "isal"))]
    assert "Typing :: Typed" in told.get_all("Classifier", [])


def test_the_sdist_builds_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    """Whoever builds from source gets what everybody else has, to the byte."""
    (tmp_path / "source").mkdir()
    subprocess.run(("tar", "--extract", "--file", sdist, "--directory", tmp_path / "source"), check=True)
    (source,) = (tmp_path / "source").iterdir()
    assert {path.name for path in source.iterdir()} == {
        *("CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "exporter", "pyproject.toml", ".gitignore"),
    }
    again = build("wheel", source, tmp_path / "wheel")
    assert again.read_bytes() == wheel.read_bytes()


def test_another_build_gives_the_same_bytes(sdist: Path, tmp_path: Path) -> None:
    """A published hash can be checked by anyone who builds the same commit."""
    again = build("sdist", ROOT, tmp_path / "again")
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(sdist.read_bytes()).digest()


def test_an_index_takes_them(wheel: Path, sdist: Path) -> None:
    """What twine checks before an upload, strictly."""
    result = subprocess.run(
        (sys.executable, "-m", "twine", "check", "--strict", wheel, sdist), capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
