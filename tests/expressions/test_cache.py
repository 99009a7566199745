"""What is kept between runs: found again whole or not at all, bounded, never in a folder that others may write to."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adamsym.expressions import cache


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "kept"))
    return tmp_path / "kept"


def entries(folder):
    return sorted(folder.glob("*.kept")) if folder.exists() else []


@given(parts=st.lists(st.binary(max_size=20), max_size=4), others=st.lists(st.binary(max_size=20), max_size=4))
def test_keys_tell_contents_apart(parts, others):
    assert (cache.key_of(*parts) == cache.key_of(*others)) == (parts == others)


def test_what_is_kept_is_found_again(folder):
    assert cache.kept("a") is None
    cache.keep("a", b"content")
    assert cache.kept("a") == b"content"
    assert cache.kept("b") is None
    assert cache.sizes() == (1, 7 + 32)
    assert cache.clear() == (1, 7 + 32)
    assert cache.kept("a") is None
    assert entries(folder) == []


@pytest.mark.parametrize("spoiled", [b"", b"x", b"\0" * 40])
def test_a_broken_entry_counts_as_none_and_is_removed(folder, spoiled):
    cache.keep("a", b"content")
    (entry,) = entries(folder)
    whole = entry.read_bytes()
    entry.write_bytes(spoiled)
    assert cache.kept("a") is None
    assert not entry.exists()
    entry.write_bytes(whole[:-1] + b"!")
    assert cache.kept("a") is None
    entry.write_bytes(whole)
    assert cache.kept("a") == b"content"  # the control


@pytest.mark.parametrize("value", ["off", "OFF", "0", ""])
def test_nothing_is_kept_when_it_is_switched_off(monkeypatch, value):
    monkeypatch.setenv(cache.VARIABLE, value)
    assert cache.cache_folder() is None
    cache.keep("a", b"content")
    assert cache.kept("a") is None
    assert cache.clear() == cache.sizes() == (0, 0)


def test_the_longest_unused_go_first(folder, monkeypatch):
    monkeypatch.setattr(cache, "MOST_ENTRIES", 3)
    for number in range(3):
        cache.keep(f"{number}", b"content")
        os.utime(folder / f"{number}.kept", (number, number))
    assert cache.kept("0") == b"content"  # which makes it the last used
    cache.keep("3", b"content")
    assert [entry.stem for entry in entries(folder)] == ["0", "2", "3"]
    monkeypatch.setattr(cache, "MOST_BYTES", 2 * (7 + 32))
    cache.keep("4", b"content")
    assert len(entries(folder)) == 2
    assert cache.kept("4") == b"content"
    cache.keep("large", b"x" * 30)
    assert cache.kept("large") is None  # more than a fourth of all


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders have no such permissions here")
def test_a_folder_that_others_may_write_to_is_not_used(folder):
    cache.keep("a", b"content")
    folder.chmod(0o777)
    assert cache.kept("a") is None
    cache.keep("b", b"content")
    assert len(entries(folder)) == 1
    folder.chmod(0o700)
    assert cache.kept("a") == b"content"  # the control


def test_a_folder_that_cannot_be_is_no_fault(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file"))
    cache.keep("a", b"content")
    assert cache.kept("a") is None


def test_readers_beside_writers_see_all_or_nothing(folder):
    contents = [bytes([k]) * 20_000 for k in range(8)]

    def play(k):
        seen = []
        for _ in range(10):
            cache.keep("a", contents[k])
            seen.append(cache.kept("a"))
        return seen

    with ThreadPoolExecutor(8) as pool:
        seen = [one for found in pool.map(play, range(8)) for one in found]
    assert set(seen) <= set(contents)
    assert [entry.name for entry in folder.iterdir()] == ["a.kept"]
