"""A real sshd on the loopback interface. A test can start, kill, freeze and thaw it, and let it refuse port forwarding.

`with sshd(folder) as server:` runs a server, and `server.tunnel(remote_port)` returns the settings for a tunnel to this
server. The SSH keys and the known_hosts file of the user who runs the tests are neither read nor changed.
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
    """Return whether any program listens on the given port of 127.0.0.1."""
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex(("127.0.0.1", port)) == 0


@dataclass(slots=True)
class Sshd:
    """A private ssh server. When the server is started again, it uses the same port."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None
    _frozen: list[psutil.Process] = field(default_factory=list)

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    def tunnel(self, remote_port: int, **changes: Any) -> dict[str, Any]:
        """Return a `[tunnel]` table of settings for a tunnel to this server.

        The server forwards its port `remote_port` to the program. `changes` replaces entries of the table.
        """
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
        """Start the server, and wait until it listens on its port."""
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

        The kernel then closes the connections, so the clients notice immediately that the server has gone. If the
        server's computer lost power, the clients would notice later.
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
        """Suspend the server without closing its connections. To clients, this looks like a network failure."""
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
        """Restart the server with a configuration that lets clients log in, but not forward ports."""
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
    """Create an SSH key pair at `path`, replacing any existing key pair."""
    path.unlink(missing_ok=True)
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True, stdin=subprocess.DEVNULL
    )


@contextmanager
def sshd(folder: Path) -> Iterator[Sshd]:
    """Run an ssh server until the block ends. Its files are in `folder`."""
    if os.geteuid() == 0:
        # sshd requires its privilege separation directory if root starts it
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
