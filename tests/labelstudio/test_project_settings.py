"""How many annotate a task, and whose predictions are shown, by Label Studio's word."""

from __future__ import annotations

import json

import pytest

from click99.labelstudio.client import Client
from click99.labelstudio.project_settings import ProjectSettings, Rules
from tests.labelstudio.site import Site
from tests.labelstudio.tokens import LEGACY


@pytest.fixture
def known(site: Site) -> ProjectSettings:
    for number, people in ((1, 1), (7, 3)):
        site.serve(
            f"/api/projects/{number}/",
            json.dumps({"maximum_annotations": people, "model_version": "v2"}).encode(),
        )
    return ProjectSettings(lambda: Client(site.url, LEGACY))


@pytest.mark.parametrize(("project", "several"), [("1.1795475271", False), ("7.179", True), ("7", True)])
def test_the_project_says_so(known: ProjectSettings, project: str, several: bool):
    assert known.rules(project) == (several, "v2")


def test_it_is_asked_once_for_a_while(known: ProjectSettings, site: Site):
    assert [known.rules("7.1").several for _ in range(3)] == [True] * 3
    assert site.paths == ["/api/projects/7/"]


@pytest.mark.parametrize("reply", [b"{}", b"[]", b"no JSON", b'{"maximum_annotations": null}'])
def test_what_cannot_be_told_is_one_person(
    known: ProjectSettings, site: Site, reply: bytes, caplog: pytest.LogCaptureFixture
):
    site.serve("/api/projects/9/", reply)
    assert known.rules("9.1") == Rules()
    assert "project 9 is not known" in caplog.text


@pytest.mark.parametrize("version", [None, 7, ["v2"]])
def test_a_version_that_is_none_is_not_known(site: Site, version: object):
    site.serve("/api/projects/9/", json.dumps({"maximum_annotations": 2, "model_version": version}).encode())
    told = ProjectSettings(lambda: Client(site.url, LEGACY)).rules("9.1")
    assert told == (True, "7" if version == 7 else "")


@pytest.mark.parametrize("project", ["", "cells", "../7", "7/delete", "9" * 19])
def test_a_name_that_is_no_number_is_not_asked_for(known: ProjectSettings, site: Site, project: str):
    assert known.rules(project) == Rules()
    assert site.paths == []


def test_nobody_to_ask_is_one_person():
    assert ProjectSettings(lambda: None).rules("7.1") == Rules()
