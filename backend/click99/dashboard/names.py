"""Projects and annotators as people know them; the record has Label Studio's numbers."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from click99.annotations.event_payloads import SavedProject
from click99.labelstudio.client import Client
from click99.labelstudio.errors import LabelStudioError

log = logging.getLogger(__name__)

DATE = re.compile("[0-9]{9,10}")  # seconds since 1970, as a project's key has them
SECONDS = 5.0  # for the list of users
USERS = TypeAdapter(list[dict[str, Any]])


@dataclass(frozen=True)
class Names:
    """projects: titles by the record's keys. annotators: names by ids. Of others the number is told."""

    projects: Mapping[str, str] = field(default_factory=dict)
    annotators: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, client: Client | None) -> Names:
        """Asked of Label Studio; none where it is unknown or does not tell, which costs no figure."""
        if client is None:
            return cls()
        try:
            users = USERS.validate_python(client.call("GET", "/api/users/", timeout=SECONDS))
            projects = {
                SavedProject.model_validate(each).key: str(each["title"]) for each in client.projects()
            }
        except (LabelStudioError, ValueError, KeyError) as error:
            log.warning("names of projects and annotators are not known: %s", error)
            return cls()
        return cls(projects, {str(user.get("id")): _name(user) for user in users})

    def told(self, by: str, key: str) -> str:
        """What a group of masks by "project", "annotator" or something else is called."""
        return {"project": self.project, "annotator": self.annotator}.get(by, str)(key)

    def project(self, key: str) -> str:
        """With Label Studio's number. The key tells when it was made, too, so that it is not taken for one of
        that number in another Label Studio."""
        number, _, made = key.partition(".")
        if title := self.projects.get(key):
            return f"{title} ({number})"
        since = f", of {datetime.fromtimestamp(int(made), UTC):%Y-%m-%d}" if DATE.fullmatch(made) else ""
        return f"project {number}{since}"

    def annotator(self, key: str) -> str:
        name = self.annotators.get(key)
        return f"{name} ({key})" if name else f"annotator {key}"


def _name(user: Mapping[str, Any]) -> str:
    """No e-mail address: the page goes to others."""
    parts = (str(user.get(part) or "").strip() for part in ("first_name", "last_name"))
    return " ".join(filter(None, parts)) or str(user.get("username") or "")
