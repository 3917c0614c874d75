"""What bounds a server's memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from click99.annotations.database import Database, sqlite_url
from click99.annotations.saved_masks import MaskFilter, saved_masks
from click99.annotations.tables import ClickRow
from click99.server.saved_images import address
from tests.server.annotator import Annotator, event
from tests.server.requests import IMAGE, data_uri, encoded
from tests.waiting import until

ARENAS = """
import ctypes, sys, threading
from click99.server.serve import bound_arenas
bound_arenas()
meet = threading.Barrier(16)
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p

def allocate():
    meet.wait()
    for _ in range(200):
        libc.malloc(50_000)
    meet.wait()

threads = [threading.Thread(target=allocate) for _ in range(16)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
libc.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""


@pytest.mark.slow("starts processes")
@pytest.mark.skipif(sys.platform != "linux", reason="glibc's")
def test_threads_share_two_arenas(tmp_path: Path):
    told = tmp_path / "malloc.xml"
    subprocess.run([sys.executable, "-c", ARENAS, str(told)], check=True)
    assert 1 <= told.read_text().count("<heap nr=") <= 2


def test_a_data_uri_is_recorded_once_with_its_task(server: TestClient, tmp_path: Path):
    ann = Annotator(server)
    ann.click(20, 20)
    ann.accept()
    ann.submit()
    told = event(ann)
    told["task"]["data"] = {"image": IMAGE, "other": data_uri(encoded(9, 9))}
    assert server.post("/webhook", json=told).status_code == 200
    database = Database(sqlite_url(tmp_path))

    def found() -> list[Any]:
        with database.reading() as session:
            return [(address(one), one.clicks) for one in saved_masks(session, MaskFilter())]

    until(lambda: len(found()) == 1 and found()[0][1])
    assert found()[0][0] == IMAGE, "of the task's two the one that was clicked on"
    with database.reading() as session:
        assert max(len(row.image) for row in session.scalars(select(ClickRow))) < 100
