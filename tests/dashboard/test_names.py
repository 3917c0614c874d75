"""What Label Studio calls projects and annotators."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from click99.dashboard.names import Names
from click99.labelstudio.client import Client
from tests.annotations.examples import PROJECT, PROJECT_KEY
from tests.labelstudio.site import Site, running

PROJECTS = {"count": 2, "results": [PROJECT | {"title": "Cells"}, {"id": 2, "title": "Leaves"}]}
USERS = [
    {"id": 4, "first_name": "Anna", "last_name": "Lee", "username": "anna", "email": "anna@example.org"},
    {"id": 5, "first_name": "", "last_name": "", "username": "bob", "email": "bob@example.org"},
    {"id": 6, "first_name": "", "last_name": "", "username": "", "email": "carl@example.org"},
]


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as site:
        site.serve("/api/users/", json.dumps(USERS).encode())
        site.serve("/api/projects?page=1&page_size=100", json.dumps(PROJECTS).encode())
        yield site


def test_they_are_asked_of_label_studio_once(site: Site):
    names = Names.of(Client(site.url, "token"))
    assert names.told("project", PROJECT_KEY) == "Cells (1)"
    assert names.told("annotator", "4") == "Anna Lee (4)"
    assert names.annotator("5") == "bob (5)"
    assert names.annotator("6") == "annotator 6", "no e-mail address"
    assert names.told("label", "4") == "4"
    assert len(site.paths) == 2


def test_another_project_of_that_number_does_not_get_the_name(site: Site):
    names = Names.of(Client(site.url, "token"))
    assert names.project("1.1795954934") == "project 1, of 2026-11-29"


@pytest.mark.parametrize("users", [b"[]", b'{"results": []}', b"no JSON", b"[4]"])
def test_a_label_studio_that_tells_none_costs_nothing(site: Site, users: bytes):
    site.serve("/api/users/", users)
    site.serve("/api/projects?page=1&page_size=100", b'{"count": 1, "results": [{"id": 1}]}')
    assert Names.of(Client(site.url, "token")) == Names()


def test_without_a_label_studio_numbers_are_told():
    names = Names.of(None)
    assert names.project("2.1795954934") == "project 2, of 2026-11-29"
    assert names.project("2.99999999999") == names.project("2") == "project 2"
    assert names.annotator("1") == "annotator 1"
