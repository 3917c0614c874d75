"""Whether several people annotate a task, by Label Studio's word."""

from __future__ import annotations

import json

import pytest

from click99.labelstudio.annotators_per_task import AnnotatorsPerTask
from click99.labelstudio.client import Client
from tests.labelstudio.site import Site
from tests.labelstudio.tokens import LEGACY


@pytest.fixture
def known(site: Site) -> AnnotatorsPerTask:
    for number, people in ((1, 1), (7, 3)):
        site.serve(f"/api/projects/{number}/", json.dumps({"maximum_annotations": people}).encode())
    return AnnotatorsPerTask(lambda: Client(site.url, LEGACY))


@pytest.mark.parametrize(("project", "several"), [("1.1795475271", False), ("7.179", True), ("7", True)])
def test_the_project_says_so(known: AnnotatorsPerTask, project: str, several: bool):
    assert known.several(project) is several


def test_it_is_asked_once_for_a_while(known: AnnotatorsPerTask, site: Site):
    assert [known.several("7.1") for _ in range(3)] == [True] * 3
    assert site.paths == ["/api/projects/7/"]


@pytest.mark.parametrize("reply", [b"{}", b"[]", b"no JSON", b'{"maximum_annotations": null}'])
def test_what_cannot_be_told_is_one_person(
    known: AnnotatorsPerTask, site: Site, reply: bytes, caplog: pytest.LogCaptureFixture
):
    site.serve("/api/projects/9/", reply)
    assert not known.several("9.1")
    assert "project 9 is not known" in caplog.text


@pytest.mark.parametrize("project", ["", "cells", "../7", "7/delete", "9" * 19])
def test_a_name_that_is_no_number_is_not_asked_for(known: AnnotatorsPerTask, site: Site, project: str):
    assert not known.several(project)
    assert site.paths == []


def test_nobody_to_ask_is_one_person():
    assert not AnnotatorsPerTask(lambda: None).several("7.1")
