"""A long life of a data dir under `umask 000`.

The functions find out which files another user may read, and where a secret has leaked to.
"""

import io
import json
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.program import environment, post, run, wait_for
from tests.soak.harness.instance import Instance, started
from tests.soak.harness.load import alert
from tests.soak.listener.raw_cases import LINES
from tests.soak.listener.strangers import play_cases


def live(folder: Path) -> tuple[Path, list[str]]:
    """Play a long life of a data dir. Return the data dir and all secrets that it has had.

    When the function returns, the program has ended.
    """
    secrets = _serve_and_fall(folder)
    data = folder / "data"
    log = data / "trayalert.db"
    run("backup", data_dir=data)
    with log.open("r+b") as file:  # no program has the file open
        file.seek(0)
        file.write(b"this is no database any more" * 400)
    for name in ("trayalert.db-wal", "trayalert.db-shm"):
        (data / name).unlink(missing_ok=True)
    with started(folder, umask=0) as instance:
        wait_for(lambda: any((data / "quarantine").glob("*/*")) if (data / "quarantine").exists() else False)
        assert post(instance.url, alert("i-after")) == 200
        instance.run("export", "--format", "csv", "-o", str(folder / "export.csv"))
        instance.run(
            "diagnostics", "-o", str(folder / "diagnostics.zip"), https_proxy="http://127.0.0.1:9"
        )  # the Internet cannot be reached
        instance.run("url", "--rotate")
        secrets.append(instance.secret)
        assert post(instance.url, alert("i-rotated")) == 200
    return data, secrets


def _serve_and_fall(folder: Path) -> list[str]:
    with started(folder, module="tests.soak.controls.leaking_faults", umask=0) as instance:
        assert post(instance.url, alert("i-1")) == 200
        for _ in range(3):
            fallen = post(instance.url, b"fall")
            assert fallen == 503, fallen
        play_cases(instance, [case for case in LINES if "path" in case.name], patience=1)
        secrets = [instance.secret]
        assert not [where for where in processes(instance) if secrets[0] in where]
    return secrets


def processes(instance: Instance) -> Iterator[str]:
    """Return the arguments and environments of the program and its children, as the user's other programs see them."""
    program = psutil.Process(instance.pid)
    for process in [program, *program.children(recursive=True)]:
        yield " ".join(process.cmdline())
        yield "\n".join(f"{name}={value}" for name, value in process.environ().items())


def readable_by_others(folder: Path) -> list[str]:
    """Return the files and folders that another user may read, write or enter."""
    wrong = []
    for path in [folder, *folder.rglob("*")]:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            continue
        if stat.S_IMODE(mode) & 0o077 or (path.is_dir() and stat.S_IMODE(mode) != 0o700):
            wrong.append(f"{path.relative_to(folder.parent)} {stat.filemode(mode)}")
    return wrong


def leaks(folder: Path, secrets: list[str]) -> list[str]:
    """Return the files that contain a secret, apart from secrets.json. Archives are searched, too."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "secrets.json":
            content = path.read_bytes()
            parts = [content]
            if zipfile.is_zipfile(io.BytesIO(content)):
                with zipfile.ZipFile(path) as archive:
                    parts += [archive.read(name) for name in archive.namelist()]
            if any(secret.encode() in part for secret in secrets for part in parts):
                found.append(str(path.relative_to(folder)))
    return found


def opened(urls: list[str], folder: Path) -> list[str]:
    """Return the URLs that the browser is asked to open when the program is asked to open `urls`."""
    seen, browser = folder / "seen", folder / "browser"
    browser.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$1\" >>'{seen}'\n")
    browser.chmod(0o755)
    program = (
        "import sys, time, json\nfrom PySide6.QtWidgets import QApplication\n"
        "from trayalert.app.platform.programs import open_in_browser\napp = QApplication([])\n"
        "print(json.dumps([open_in_browser(url) for url in json.load(sys.stdin)]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(urls),
        capture_output=True,
        text=True,
        check=True,
        env=environment(BROWSER=str(browser), QT_QPA_PLATFORM="offscreen"),
    )
    accepted = sum(json.loads(done.stdout))
    wait_for(lambda: accepted == 0 or (seen.exists() and len(seen.read_text().splitlines()) >= accepted))
    return seen.read_text().splitlines() if seen.exists() else []
