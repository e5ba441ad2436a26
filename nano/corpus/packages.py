"""The packages whose documentation is read: source archives at pinned versions, fetched by the ordinary clients.

`nano/corpus-packages.txt` has one package a line: registry, name, version, licence (SPDX), what is read, SHA-256 of the
archive. A source archive is the same file on every machine, whatever its processor or its Python, and its digest is
checked; the prose, and so the tokenizer, is therefore the same byte for byte.

Nothing in an archive is run. pip asks a source archive's build backend for its metadata, so the backends are hidden
behind a stand-in which copies the metadata that the archive already holds.

Cost     about 800 MB of downloads, a few minutes; an archive that is there is not fetched again.
"""

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).parent.parent / "corpus-packages.txt"
PERMISSIVE = frozenset(
    {"Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "PSF-2.0", "PostgreSQL", "CC0-1.0"}
    | {"Apache-2.0 AND MIT", "Apache-2.0 OR BSD-2-Clause", "Apache-2.0 OR BSD-3-Clause", "MIT OR Apache-2.0"}
)
MAX_MEMBER_BYTES = 40_000_000

_BACKENDS = (
    "setuptools.build_meta",
    "flit_core.buildapi",
    "hatchling.build",
    "jupyter_packaging.build_api",
    "maturin",
    "mesonpy",
    "pbr.build",
    "pdm.backend",
    "poetry.core.masonry.api",
    "poetry_dynamic_versioning.backend",
    "scikit_build_core.build",
    "scikit_build_core.setuptools.build_meta",
    "uv_build",
)
_STAND_IN = """
import re
from pathlib import Path


def get_requires_for_build_wheel(config_settings=None):
    return []


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    text = Path("PKG-INFO").read_text(encoding="utf-8")
    name, version = (re.search(rf"^{field}: *(\\S+)", text, re.M)[1] for field in ("Name", "Version"))
    info = Path(metadata_directory, f"{name.replace('-', '_')}-{version}.dist-info")
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n", encoding="utf-8")
    return info.name


def build_wheel(*_, **__):
    raise NotImplementedError("the archive is only read")


class __legacy__:
    get_requires_for_build_wheel = staticmethod(get_requires_for_build_wheel)
    prepare_metadata_for_build_wheel = staticmethod(prepare_metadata_for_build_wheel)
    build_wheel = staticmethod(build_wheel)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    registry: str
    """pypi or npm."""
    name: str
    version: str
    licence: str
    """SPDX expression, as the package's own metadata has it."""
    reading: str
    """en (documentation), ja (translations and Japanese texts) or en+ja."""
    sha256: str
    """Digest of the archive, in hexadecimal."""

    @property
    def archive(self) -> str:
        return f"{self.registry}-{self.name.replace('/', '-').removeprefix('@')}-{self.version}.tar.gz"


def read_table(path: Path) -> tuple[Package, ...]:
    """The table's packages in its order.

    Raises   ValueError, with the line, for a line without six columns or a licence which is not permissive.
    """
    packages: list[Package] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        columns = [column.strip() for column in line.split("\t")]
        if len(columns) != 6 or columns[3] not in PERMISSIVE:
            raise ValueError(f"{path} line {number}: expected six columns and a permissive licence, got {columns}")
        registry, name, version, licence, reading, sha256 = columns
        packages.append(
            Package(registry=registry, name=name, version=version, licence=licence, reading=reading, sha256=sha256)
        )
    return tuple(packages)


PACKAGES = read_table(TABLE)


def install_packages(folder: Path, packages: tuple[Package, ...] = PACKAGES) -> None:
    """Fetches those archives which `folder` lacks; every one is compared with its digest.

    Raises   subprocess.CalledProcessError where a client fails; ValueError for an archive with another digest.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [package for package in packages if not (folder / package.archive).exists()]
    with tempfile.TemporaryDirectory() as stand_ins, ThreadPoolExecutor(4) as pool:
        _write_stand_ins(Path(stand_ins))
        for fetched in [pool.submit(_fetch, package, folder, Path(stand_ins)) for package in missing]:
            fetched.result()


def read_members(package: Package, folder: Path, is_wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """The archive's wanted files by their path inside the package, in the order of their paths."""
    found: dict[str, bytes] = {}
    with tarfile.open(folder / package.archive) as archive:
        for member in archive:
            path = member.name.partition("/")[2]
            if member.isfile() and member.size <= MAX_MEMBER_BYTES and is_wanted(path):
                file = archive.extractfile(member)
                found[path] = file.read() if file else b""
    return dict(sorted(found.items()))


def _write_stand_ins(root: Path) -> None:
    for backend in _BACKENDS:
        path = root / f"{backend.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        for parent in path.parents:
            if parent == root:
                break
            (parent / "__init__.py").touch()
        path.write_text(_STAND_IN, encoding="utf-8")


def _fetch(package: Package, folder: Path, stand_ins: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        if package.registry == "npm":
            command = ["npm", "pack", "--silent", f"{package.name}@{package.version}"]
            environment = dict(os.environ)
        else:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-build-isolation"]
            command += ["--use-pep517", "--ignore-requires-python", "--no-binary", ":all:", "--dest", "."]
            command += [f"{package.name}=={package.version}"]
            environment = {**os.environ, "PYTHONPATH": str(stand_ins)}
        subprocess.run(command, cwd=temporary, env=environment, check=True, stdout=subprocess.DEVNULL)
        (archive,) = Path(temporary).iterdir()
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        if digest != package.sha256:
            raise ValueError(f"{package.archive}: SHA-256 {digest}; {TABLE.name} expects {package.sha256}")
        archive.replace(folder / package.archive)
