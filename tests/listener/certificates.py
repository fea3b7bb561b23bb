"""Certificates made with the `openssl` command, as an admin makes them."""

import os
import ssl
import subprocess
from pathlib import Path


def make_pair(folder: Path, name: str = "alerts.example.com") -> tuple[Path, Path]:
    """Make a certificate and its key, and replace the files that already exist in `folder`."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    new = [path.with_suffix(".new") for path in (certificate, key)]
    subprocess.run(
        [*command, "-subj", f"/CN={name}", "-days", "2", "-out", new[0], "-keyout", new[1]],
        check=True,
        capture_output=True,
    )
    for path, wanted in zip(new, (certificate, key), strict=True):
        os.replace(path, wanted)  # noqa: PTH105 - replaces the files as tools do that renew certificates
    return certificate, key


def self_signed(
    folder: Path, *, names: str = "IP:127.0.0.1", begin: str = "20200101000000Z", end: str = "20990101000000Z"
) -> Path:
    """Make a certificate for these names and this validity period. Return the file that holds it and its key."""
    folder.mkdir()
    config, key, made, both = (folder / name for name in ("config", "key", "made", "both.pem"))
    (folder / "index").touch()
    config.write_text(
        f"[ca]\ndefault_ca=d\n[d]\ndatabase={folder}/index\nnew_certs_dir={folder}\nrand_serial=yes\ndefault_md=sha256\n"
        f"policy=p\nx509_extensions=x\n[p]\n[x]\nsubjectAltName={names}\nbasicConstraints=CA:TRUE\n"
        "[req]\ndistinguished_name=n\n[n]\n"
    )
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=test"]
    files: list[str | Path] = ["-config", config, "-keyout", key, "-out", folder / "request"]
    subprocess.run(["openssl", "req", "-new", *new, *files], check=True, capture_output=True)
    sign = ["-selfsign", "-batch", "-notext", "-preserveDN", "-startdate", begin, "-enddate", end]
    files = ["-config", config, "-keyfile", key, "-in", folder / "request", "-out", made]
    subprocess.run(["openssl", "ca", *sign, *files], check=True, capture_output=True)
    both.write_text(key.read_text() + made.read_text())
    return both


def server_context(pair: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    return context
