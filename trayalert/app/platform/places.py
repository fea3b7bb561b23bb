"""Where the program's files are.

If the user names a data dir, all files are in the data dir. By default, the files are in the platform's standard
folders.
"""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from trayalert.domain.fault import Fault, os_error_text
from trayalert.domain.phrase import N_, Phrase, PhraseList
from trayalert.domain.settings.settings import Settings, parse_settings

_LONGEST_SOCKET_PATH = 100
"""Maximum length of a socket's path in bytes. The address of a Unix socket has room for about 107 bytes."""

NAME_ANOTHER = Phrase("Or name another: --data-dir.")


class PlaceFault(Fault):
    """The data dir or a file in it cannot be used. The message says what is wrong, and what to do."""


@dataclass(frozen=True, slots=True)
class Places:
    """The paths of the files of one instance."""

    data_dir: Path
    settings: Path

    @property
    def log(self) -> Path:
        """The log. A symbolic link is resolved, because SQLite puts the `-wal` next to the target of the link."""
        path = self.data_dir / "trayalert.db"
        return path.resolve() if path.is_symlink() else path

    @property
    def secrets(self) -> Path:
        """The file that contains the secrets of the callback URLs."""
        return self.data_dir / "secrets.json"

    @property
    def state_file(self) -> Path:
        """The file that contains what the program remembers from one run to the next."""
        return self.data_dir / "remembered.json"

    @property
    def lock(self) -> Path:
        """The lock file, which the owner of the data dir keeps locked."""
        return self.data_dir / "lock"

    @property
    def access_log(self) -> Path:
        """The access log, with one line for each request and without secrets."""
        return self.data_dir / "access.log"

    @property
    def program_log(self) -> Path:
        """The program log. The older entries are in the same folder, in a file with the suffix `.1`."""
        return self.data_dir / "trayalert.log"

    @property
    def crashes(self) -> Path:
        """The folder that contains the crash files."""
        return self.data_dir / "crashes"

    @property
    def alive(self) -> Path:
        """A file whose modification time is the latest time at which the program is known to have run."""
        return self.data_dir / "alive"

    @property
    def private(self) -> tuple[Path, ...]:
        """The files and folders that other users must not be able to read.

        The log and the files that belong to the log, such as the `-wal`, are not included.
        """
        return (
            self.data_dir,
            self.secrets,
            self.state_file,
            self.access_log,
            self.program_log,
            self.crashes,
            self.alive,
        )

    @property
    def socket(self) -> Path:
        """The path of the control socket, which is normally in the data dir.

        If the path in a folder is too long for a socket, the next folder in this list is used:

        1. the data dir
        2. the runtime folder (XDG_RUNTIME_DIR), if there is one
        3. the user's own folder inside the temporary folder
        """
        path = self.data_dir / "control.sock"
        if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
            return path
        name = hashlib.blake2b(os.fsencode(self.data_dir), digest_size=8).hexdigest()
        in_runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or "/") / f"trayalert-{name}.sock"
        if in_runtime.parent != Path("/") and len(os.fsencode(in_runtime)) <= _LONGEST_SOCKET_PATH:
            return in_runtime
        user = os.getuid() if hasattr(os, "getuid") else "user"
        return Path(tempfile.gettempdir()) / f"trayalert-{user}" / in_runtime.name

    def make(self) -> None:
        """Create the data dir and its missing parents, with mode 0700 (no access for other users).

        Raise PlaceFault if the data dir cannot be created or is not writable.
        """
        try:
            # not `parents=True`, which ignores the mode: under umask 000 all users could write to the parents
            for folder in reversed(self.data_dir.parents):
                if not folder.exists():
                    folder.mkdir(mode=0o700, exist_ok=True)
            self.data_dir.mkdir(mode=0o700, exist_ok=True)
            writable = os.access(self.data_dir, os.W_OK | os.X_OK)
        except OSError as error:
            problem = Phrase(
                "the data dir {path} cannot be made: {reason}.", path=self.data_dir, reason=os_error_text(error)
            )
            raise PlaceFault(PhraseList((problem, NAME_ANOTHER))) from error
        if not writable:
            problem = Phrase("the data dir {path} is not writable. Change its rights.", path=self.data_dir)
            raise PlaceFault(PhraseList((problem, NAME_ANOTHER)))


def find_places(data_dir: str | None) -> Places:
    """Return the places in `data_dir`, or the platform's standard places if no data dir is given.

    Raise PlaceFault if `data_dir` cannot be turned into an absolute path.
    """
    if data_dir:
        try:
            folder = Path(data_dir).expanduser().absolute()
        except (OSError, RuntimeError) as error:
            problem = Phrase("the data dir {path} cannot be found.", path=data_dir)
            raise PlaceFault(PhraseList((problem, NAME_ANOTHER))) from error
        return Places(data_dir=folder, settings=folder / "settings.toml")
    config = Path(platformdirs.user_config_dir("trayalert", appauthor=False))
    return Places(
        data_dir=Path(platformdirs.user_data_dir("trayalert", appauthor=False)), settings=config / "settings.toml"
    )


def read_settings(places: Places) -> tuple[Settings, tuple[str, ...]]:
    """Return the settings, and sentences about what is wrong with them. Each sentence names the file.

    If the file is missing, return the default settings and no sentences. If the file cannot be read, return the default
    settings and a sentence that says why.
    """
    try:
        text = places.settings.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return Settings(), ()
    except (OSError, ValueError) as error:
        template = N_("{path}: it cannot be read: {reason}. The defaults hold.")
        return Settings(), (Phrase(template, path=places.settings, reason=os_error_text(error)),)
    settings, problems = parse_settings(text)
    return settings, tuple(Phrase("{path}: {problem}", path=places.settings, problem=problem) for problem in problems)
