"""A real sshd on loopback that a test starts, kills, freezes, thaws, and lets refuse port forwarding.

Use: `with sshd(folder) as server:`. `server.tunnel(remote_port)` returns the settings of a tunnel to this server. The
keys and the known_hosts file of the user who runs the tests are neither read nor changed.
"""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.program import wait_for


def free_port() -> int:
    """Return a port on which nothing listens now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def is_listening(port: int) -> bool:
    """Return whether something listens on that port of loopback."""
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex(("127.0.0.1", port)) == 0


@dataclass(slots=True)
class Sshd:
    """A private ssh server, which keeps its port when it is started again."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None
    _frozen: list[psutil.Process] = field(default_factory=list)

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    def tunnel(self, remote_port: int, **changes: Any) -> dict[str, Any]:
        """Return a `[tunnel]` table of settings for this server, whose `remote_port` is forwarded to the program."""
        options = ["-F", "none", "-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "GlobalKnownHostsFile=none"]
        return {
            "kind": "ssh",
            "host": f"{pwd.getpwuid(os.getuid()).pw_name}@127.0.0.1",
            "ssh_port": self.port,
            "remote_port": remote_port,
            "remote_host": "127.0.0.1",
            "identity": str(self.folder / "key"),
            "arguments": options,
            **changes,
        }

    def start(self, *, forwarding: bool = True) -> None:
        """Start the server, and wait until it listens."""
        assert self.process is None
        self._write_settings(forwarding=forwarding)
        with (self.folder / "sshd.log").open("ab") as log:
            self.process = subprocess.Popen(
                [_program(), "-D", "-e", "-f", str(self.folder / "sshd_config")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_for(lambda: is_listening(self.port))

    def kill(self) -> None:
        """Kill the server and the processes of its connections.

        The clients lose the server, as when its computer loses power; but here the kernel closes the connections, so
        that the clients notice immediately.
        """
        if self.process is None:
            return
        for one in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        self.process.wait()
        self.process = None
        self._frozen = []

    def freeze(self) -> None:
        """Suspend the server with its connections open, as when the network in between fails."""
        self._frozen = self._processes()
        for one in self._frozen:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.suspend()

    def thaw(self) -> None:
        """Resume the suspended server."""
        for one in self._frozen:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.resume()
        self._frozen = []

    def refuse(self) -> None:
        """Restart the server so that clients can log in but cannot forward ports."""
        self.kill()
        self.start(forwarding=False)

    def _processes(self) -> list[psutil.Process]:
        assert self.process is not None
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def _write_settings(self, *, forwarding: bool) -> None:
        lines = {
            "Port": self.port,
            "ListenAddress": "127.0.0.1",
            "HostKey": self.folder / "host_key",
            "PidFile": self.folder / "sshd.pid",
            "AuthorizedKeysFile": self.folder / "key.pub",
            "StrictModes": "no",
            "UsePAM": "no",
            "PasswordAuthentication": "no",
            "PermitRootLogin": "prohibit-password",
            "AllowTcpForwarding": "remote" if forwarding else "no",
            "MaxStartups": "100",
        }
        text = "".join(f"{name} {value}\n" for name, value in lines.items())
        (self.folder / "sshd_config").write_text(text, encoding="utf-8")


def _program() -> str:
    found = shutil.which("sshd", path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")
    assert found, "there is no sshd: make setup installs it (Debian: openssh-server)"
    return found


def new_key(path: Path) -> None:
    """Write a new key pair, and replace an existing key pair."""
    path.unlink(missing_ok=True)
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True, stdin=subprocess.DEVNULL
    )


@contextmanager
def sshd(folder: Path) -> Iterator[Sshd]:
    """Run a server until the block ends."""
    if os.geteuid() == 0:
        # the privilege separation directory, which sshd requires when root starts it
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    new_key(folder / "host_key")
    new_key(folder / "key")
    server = Sshd(folder, free_port())
    host_key = (folder / "host_key.pub").read_text(encoding="utf-8")
    server.known_hosts.write_text(f"[127.0.0.1]:{server.port} {host_key}", encoding="utf-8")
    server.start()
    try:
        yield server
    finally:
        server.thaw()
        server.kill()
