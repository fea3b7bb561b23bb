"""Where the program's files lie: in one folder if a data dir is named, else in the platform's own places."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from trayalert.domain.fault import Fault
from trayalert.domain.settings.settings import Settings, parse_settings

_LONGEST_SOCKET_PATH = 100
"""Bytes; a Unix socket's address holds about 107."""

NAME_ANOTHER = "Or name another: --data-dir."


class PlaceFault(Fault):
    """A folder cannot be used; the text says which and what to do."""


@dataclass(frozen=True, slots=True)
class Places:
    """The files of one instance."""

    data_dir: Path
    settings: Path

    @property
    def log(self) -> Path:
        """The SQLite file; of a link its target, as SQLite puts the `-wal` beside that."""
        path = self.data_dir / "trayalert.db"
        return path.resolve() if path.is_symlink() else path

    @property
    def secrets(self) -> Path:
        """The callback URL's secrets."""
        return self.data_dir / "secrets.json"

    @property
    def state_file(self) -> Path:
        """What is remembered from one run to the next."""
        return self.data_dir / "remembered.json"

    @property
    def lock(self) -> Path:
        """Held by the one process that owns the data dir."""
        return self.data_dir / "lock"

    @property
    def access_log(self) -> Path:
        """One line a request, with no secret."""
        return self.data_dir / "access.log"

    @property
    def program_log(self) -> Path:
        """The program log; a former one, `.1`, lies beside it."""
        return self.data_dir / "trayalert.log"

    @property
    def crashes(self) -> Path:
        """The folder of crash files."""
        return self.data_dir / "crashes"

    @property
    def alive(self) -> Path:
        """The time of this file is when the program was last alive."""
        return self.data_dir / "alive"

    @property
    def private(self) -> tuple[Path, ...]:
        """What other users may not read, besides the log and its companion files."""
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
        """The control socket; in the runtime folder if its path would be too long."""
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
        """Make the data dir, readable by nobody else. Raise PlaceFault."""
        try:
            for folder in reversed(self.data_dir.parents):  # `parents=True` would open them to all under umask 000
                if not folder.exists():
                    folder.mkdir(mode=0o700, exist_ok=True)
            self.data_dir.mkdir(mode=0o700, exist_ok=True)
            writable = os.access(self.data_dir, os.W_OK | os.X_OK)
        except OSError as error:
            raise PlaceFault(f"the data dir {self.data_dir} cannot be made: {error}. {NAME_ANOTHER}") from error
        if not writable:
            raise PlaceFault(f"the data dir {self.data_dir} is not writable. Change its rights. {NAME_ANOTHER}")


def find_places(data_dir: str | None) -> Places:
    """Return the places for a named data dir, else the platform's. Raise PlaceFault."""
    if data_dir:
        try:
            folder = Path(data_dir).expanduser().absolute()
        except (OSError, RuntimeError) as error:
            raise PlaceFault(f"the data dir {data_dir} cannot be found. {NAME_ANOTHER}") from error
        return Places(data_dir=folder, settings=folder / "settings.toml")
    config = Path(platformdirs.user_config_dir("trayalert", appauthor=False))
    return Places(
        data_dir=Path(platformdirs.user_data_dir("trayalert", appauthor=False)), settings=config / "settings.toml"
    )


def read_settings(places: Places) -> tuple[Settings, tuple[str, ...]]:
    """Return the settings and their problems, which name the file. Without a file the defaults hold."""
    try:
        text = places.settings.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return Settings(), ()
    except (OSError, ValueError) as error:
        return Settings(), (f"{places.settings}: it cannot be read: {error}. The defaults hold.",)
    settings, problems = parse_settings(text)
    return settings, tuple(f"{places.settings}: {problem}" for problem in problems)
