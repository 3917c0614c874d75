"""A certificate that only those trust who are told to."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def self_signed(folder: Path) -> Path:
    """Its own authority, for 127.0.0.1; the key is in the file, too."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    key, file = folder / "key.pem", folder / "certificate.pem"
    made = f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=click99 -keyout {key} -out {file}"
    command = ["openssl", *made.split(), "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + key.read_bytes())
    return file
