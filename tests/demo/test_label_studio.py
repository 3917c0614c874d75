"""The demo's account and Label Studio's surroundings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from click99.demo.errors import DemoError
from click99.demo.label_studio import Account, label_studio_environment, start_label_studio


def test_the_account_is_made_once_and_kept_for_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "login.json"
    first = Account.kept_in(file)
    assert Account.kept_in(file) == first
    assert file.stat().st_mode & 0o077 == 0
    assert re.fullmatch("[0-9a-f]{40}", first.token)
    assert Account.kept_in(tmp_path / "other.json").password != first.password


def test_settings_of_another_label_studio_do_not_leak_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABEL_STUDIO_HOST", "https://elsewhere.example.com")
    monkeypatch.setenv("LABEL_STUDIO_ML_BLOCK_LOCAL_IP", "true")
    environment = label_studio_environment(Account("a@example.com", "secret", "0" * 40), tmp_path)
    assert "LABEL_STUDIO_HOST" not in environment
    assert environment["LABEL_STUDIO_ML_BLOCK_LOCAL_IP"] == "false"
    assert environment["LABEL_STUDIO_BASE_DATA_DIR"] == str(tmp_path)


def test_without_label_studio_the_remedy_is_named(tmp_path: Path) -> None:
    account = Account("a@example.com", "secret", "0" * 40)
    with pytest.raises(DemoError, match=r"make demo.*--label-studio"):
        start_label_studio(str(tmp_path / "label-studio"), account, 8080, tmp_path)
