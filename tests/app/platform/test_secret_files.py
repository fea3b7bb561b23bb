"""Secrets in files: what is read, and the sentences if no secret can be read."""

import os
import traceback
from pathlib import Path

import pytest

from trayalert.app.platform.secret_files import SecretFiles
from trayalert.services.access.secret_store import SecretStore
from trayalert.services.access.secrets import SecretFault

STORE: SecretStore = SecretFiles()


@pytest.mark.parametrize("content", [b"t0k3n", b"  t0k3n\r\n", b"t0k3n\n\n"])
def test_a_secret_is_the_line_of_its_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    path.chmod(0o600)

    secret = STORE.get(str(path))

    assert (secret.reveal(), secret.warning) == ("t0k3n", None)


def test_a_file_in_the_home_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "token").write_text("t0k3n")

    assert STORE.get("~/token").reveal() == "t0k3n"


@pytest.mark.parametrize(("mode", "readable"), [(0o600, False), (0o640, False), (0o644, True), (0o604, True)])
def test_a_file_that_every_user_can_read_is_warned_of(tmp_path: Path, mode: int, readable: bool) -> None:
    path = tmp_path / "token"
    path.write_text("t0k3n")
    path.chmod(mode)

    warning = f"Every user of this computer can read the token in {path}: chmod 600 it."
    assert STORE.get(str(path)).warning == (warning if readable else None)


NO_LINE = "There is no token in {path}: it must be a single line."
NO_ASCII = "The token in {path} cannot be read: it is no text of ASCII."


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "There is no file {path}, from which the tunnel's token is to be read."),
        (b"", NO_LINE),
        (b" \n", NO_LINE),
        (b"hunter2\nhunter2", NO_LINE),
        (b"hunter2\0", NO_LINE),
        (b"hunter2" * 2000, NO_LINE),
        (b"hunter2\xff\xfe", NO_ASCII),
        ("hunter2-\u62a5".encode(), NO_ASCII),
    ],
)
def test_what_is_no_secret_is_a_fault_without_the_content(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(SecretFault) as caught:
        STORE.get(str(path))

    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    del shown.stack[0]  # the frame of this test knows the content
    assert str(caught.value) == sentence.format(path=path)
    assert "hunter2" not in "".join(shown.format())


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ("{folder}", "The token in {folder} cannot be read: it is no file."),
        ("{folder}/pipe", "The token in {folder}/pipe cannot be read: it is no file."),
        ("{folder}/file/token", "The token in {folder}/file/token cannot be read: Not a directory."),
        ("~no-such-user/token", "The token in ~no-such-user/token cannot be read: it is no text of ASCII."),
        ("{folder}/\0", "The token in {folder}/\0 cannot be read: it is no text of ASCII."),
    ],
)
def test_what_is_no_file_is_a_fault(tmp_path: Path, reference: str, sentence: str) -> None:
    os.mkfifo(tmp_path / "pipe")  # opening a pipe must not block the program
    (tmp_path / "file").touch()

    with pytest.raises(SecretFault) as caught:
        STORE.get(reference.format(folder=tmp_path))

    assert str(caught.value) == sentence.format(folder=tmp_path)
