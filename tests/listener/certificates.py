"""Certificates as an admin makes them, by the `openssl` command."""

import os
import subprocess
from pathlib import Path


def make_pair(folder: Path, name: str = "alerts.example.com") -> tuple[Path, Path]:
    """Make a certificate and its key, in place of those that are there."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    new = [path.with_suffix(".new") for path in (certificate, key)]
    subprocess.run(
        [*command, "-subj", f"/CN={name}", "-days", "2", "-out", new[0], "-keyout", new[1]],
        check=True,
        capture_output=True,
    )
    for path, wanted in zip(new, (certificate, key), strict=True):
        os.replace(path, wanted)  # noqa: PTH105 - as tools that renew do
    return certificate, key
