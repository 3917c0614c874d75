"""The system's Chromium, without a screen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

# Nothing but this computer is to be reached, and a container's root has no sandbox.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]
# Milliseconds within which Chromium starts, and a page does what is asked: on busy machines.
START, ANSWER = 300_000, 120_000


@contextmanager
def chromium() -> Iterator[Browser]:
    """A fresh headless Chromium, the system's."""
    with sync_playwright() as playwright:
        program = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS, timeout=START)
        yield browser
        browser.close()


@contextmanager
def new_page(browser: Browser) -> Iterator[Page]:
    """A page that knows no other page's login."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(ANSWER)
    yield context.new_page()
    context.close()
