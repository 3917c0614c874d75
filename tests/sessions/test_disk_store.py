"""What only a file brings: it outlives the process, is shared, and may be unusable."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from click99.sessions import DiskStore


def store_in(folder: Path) -> DiskStore:
    return DiskStore(folder / "kept.sqlite", 1 << 20, 60)


def test_another_process_knows_it(tmp_path: Path):
    store_in(tmp_path).put("a", b"value")
    assert store_in(tmp_path).get("a") == b"value"


def test_many_threads_may_call(tmp_path: Path):
    stores = [store_in(tmp_path) for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda k: stores[k % 2].put(f"{k}", bytes([k])), range(40)))
    assert [stores[0].get(f"{k}") for k in range(40)] == [bytes([k]) for k in range(40)]


def test_a_new_file_that_another_process_writes_to_is_waited_for(tmp_path: Path):
    """SQLite refuses to change the journal of a busy file, without waiting."""
    other = sqlite3.connect(tmp_path / "kept.sqlite", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.2, lambda: other.execute("COMMIT")).start()
    store = store_in(tmp_path)
    store.put("a", b"value")
    assert store.get("a") == b"value"


def test_a_file_that_is_no_database_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "kept.sqlite").write_bytes(b"something else" * 100)
    store = store_in(tmp_path)
    store.put("a", b"value")
    assert store.get("a") is None
    assert len(caplog.records) == 1
    assert "kept.sqlite can't be used" in caplog.text


def test_a_folder_that_is_none_is_no_error(tmp_path: Path):
    (tmp_path / "file").touch()
    store = store_in(tmp_path / "file")
    store.put("a", b"value")
    assert store.get("a") is None


def test_a_value_that_is_no_bytes_counts_as_absent_and_is_put_anew(tmp_path: Path):
    store = store_in(tmp_path)
    store.put("a", b"value")
    with sqlite3.connect(tmp_path / "kept.sqlite") as other:
        other.execute("UPDATE kept SET value = 'text'")
    assert store.get("a") is None
    store.update("a", lambda before: b"new" if before is None else b"old")
    assert store.get("a") == b"new"


def test_a_damaged_file_is_made_anew(tmp_path: Path):
    store = store_in(tmp_path)
    (tmp_path / "kept.sqlite").write_bytes(b"no database" * 1000)
    assert store.get("a") is None
    store.put("a", b"value")
    assert store.get("a") == b"value"


def test_what_was_used_while_a_clock_was_ahead_is_forgotten(tmp_path: Path):
    DiskStore(tmp_path / "kept.sqlite", 1 << 20, 60, lambda: 2e9).put("a", b"value")
    assert DiskStore(tmp_path / "kept.sqlite", 1 << 20, 60, lambda: 1e9).get("a") is None
