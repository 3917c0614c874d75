"""A Label Studio that takes personal access tokens only: images, the API, events, recover, sync."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from click99.labelstudio.client import Client
from click99.labelstudio.errors import ApiRefusedError
from tests.e2e.labelling_page import LabellingPage
from tests.e2e.running_demo import RunningDemo
from tests.e2e.workplace import BRUSH, COFFEE, Click99, Workplace, mask_of
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
SETTINGS = "/api/jwt/settings"


@pytest.fixture
def token(workplace: Workplace) -> Iterator[str]:
    """A personal one, while the organisation takes no others."""
    legacy, allowed = workplace.client, {"api_tokens_enabled": True, "legacy_api_tokens_enabled": True}
    made = legacy.call("POST", "/api/token/", json={})["token"]
    legacy.call("POST", SETTINGS, json=allowed | {"legacy_api_tokens_enabled": False})
    with pytest.raises(ApiRefusedError):
        legacy.call("GET", "/api/projects")
    yield made
    Client(legacy.url, made).call("POST", SETTINGS, json=allowed)
    legacy.call("POST", "/api/token/blacklist/", json={"refresh": made})


def test_all_goes_with_a_personal_token(
    demo: RunningDemo, studio: LabellingPage, token: str, tmp_path: Path
) -> None:
    server = Click99(demo, tmp_path)
    server.environment["LABEL_STUDIO_API_KEY"] = token
    server.environment["CLICK99_SYNC_MINUTES"] = "0"  # the server's own look would come before the command's
    with server:
        workplace = Workplace(demo, server)
        workplace.client = Client(demo.address, token, timeout=120)
        project = workplace.project("personal token", BRUSH)
        task, later = project.task(), project.task()
        studio.work_on(project.id, task)
        (shown,) = studio.click(COFFEE).regions
        assert mask_of(shown)[COFFEE.y, COFFEE.x]
        studio.submit()  # before ✓, of which the webhook tells
        told = server.run("recover", "--apply")
        assert (told.returncode, "Written" in told.stdout) == (0, True), told.stdout + told.stderr
        assert project.annotations(task)[0][0]["value"] == shown["value"]
        until(lambda: str(task) in server.recorded())
        (webhook,) = project.client.call("GET", "/api/webhooks/", params={"project": project.id})
        project.client.call("DELETE", f"/api/webhooks/{webhook['id']}/")
        project.submit(later, shown)
        assert "1 annotations new" in server.run("sync", "--project", str(project.id)).stdout
        assert str(later) in server.recorded()
