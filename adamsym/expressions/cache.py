"""What is kept between runs, in the user's cache folder: named by its content's digest, bounded, never executed.

Entries are data that their readers check, and no program: who can write to the folder can make values wrong, but can
run nothing. A folder that others may write to is not used. Nothing here fails: without a folder, or with a broken
entry, there is just nothing kept.
"""

import hashlib
import os
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

MOST_BYTES = 64 * 2**20
"""Bytes of all entries together; beyond, those longest unused are removed."""

MOST_ENTRIES = 512

VARIABLE = "ADAMSYM_CACHE"
"""Names another folder; "off" keeps nothing."""

_DIGEST = 32
"""Bytes at the beginning of an entry: the SHA-256 digest of its key and the rest."""

_ENDING = ".kept"


def cache_folder() -> Path | None:
    """Return the folder of what is kept, which need not exist; None if nothing is to be kept."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return None if named.strip().lower() in ("", "off", "0") else Path(named)
    import platformdirs

    return platformdirs.user_cache_path("adamsym", appauthor=False)


def key_of(*parts: bytes) -> str:
    """Return a name for what is made of these parts by this state of adamsym's code."""
    digest = hashlib.sha256(_code())
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


@cache
def _code() -> bytes:
    """Sizes and times of the package's modules: what older code has kept is not that of this one."""
    root = Path(__file__).parent.parent
    found = []
    for folder, _, files in os.walk(root):
        for name in files:
            if name.endswith(".py"):
                status = os.stat(os.path.join(folder, name))
                found.append(f"{folder[len(str(root)) :]}/{name} {status.st_size} {status.st_mtime_ns}")
    return "\n".join(sorted(found)).encode()


def kept(key: str) -> bytes | None:
    """Return what was kept under a key, or None; an entry that is broken, or another's by its name, is removed."""
    folder = cache_folder()
    if folder is None or not _is_own(folder):
        return None
    path = folder / (key + _ENDING)
    try:
        content = path.read_bytes()
    except OSError:
        return None
    if _digest(key, content[_DIGEST:]) != content[:_DIGEST]:
        with suppress(OSError):
            path.unlink()
        return None
    with suppress(OSError):
        os.utime(path)  # it is in use
    return content[_DIGEST:]


def keep(key: str, content: bytes) -> None:
    """Keep some bytes under a key; other processes see all of them or nothing."""
    folder = cache_folder()
    if folder is None or len(content) > MOST_BYTES // 4:
        return
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_own(folder):
            return
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".new", suffix=_ENDING)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_digest(key, content) + content)
            os.replace(temporary, folder / (key + _ENDING))
        finally:
            Path(temporary).unlink(missing_ok=True)
        _within_bounds(folder)
    except OSError:
        return


def _digest(key: str, content: bytes) -> bytes:
    return hashlib.sha256(key.encode() + b"\n" + content).digest()


def clear() -> tuple[int, int]:
    """Remove all that is kept; return the numbers of entries and bytes that there were."""
    folder = cache_folder()
    removed = [0, 0]
    for path, size, _ in _entries(folder) if folder is not None else ():
        with suppress(OSError):
            path.unlink()
            removed[0], removed[1] = removed[0] + 1, removed[1] + size
    return removed[0], removed[1]


def sizes() -> tuple[int, int]:
    """Return the numbers of entries and bytes that are kept."""
    folder = cache_folder()
    entries = _entries(folder) if folder is not None else []
    return len(entries), sum(size for _, size, _ in entries)


def _is_own(folder: Path) -> bool:
    """Whether the folder is the user's alone to write to."""
    try:
        status = folder.stat()
    except OSError:
        return False
    return not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & 0o022)


def _entries(folder: Path) -> list[tuple[Path, int, float]]:
    """The entries, with half-written ones that a process left behind, their sizes and when they were last used."""
    found = []
    with suppress(OSError):
        for one in os.scandir(folder):
            with suppress(OSError):
                if one.name.endswith(_ENDING) and one.is_file(follow_symlinks=False):
                    status = one.stat()
                    found.append((Path(one.path), status.st_size, status.st_mtime))
    return found


def _within_bounds(folder: Path) -> None:
    entries = sorted(_entries(folder), key=lambda entry: entry[2], reverse=True)
    total = 0
    for number, (path, size, _) in enumerate(entries, 1):
        total += size
        if total > MOST_BYTES or number > MOST_ENTRIES:
            with suppress(OSError):
                path.unlink()
