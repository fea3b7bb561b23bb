"""Fuzzes the parser and the link builder, both guided by coverage with atheris and with random mutations.

`python -m tests.soak.fuzzing.fuzz SECONDS CORPUS` runs atheris. atheris needs a process of its own, because
`atheris.Fuzz` never returns, and because atheris must instrument the modules while they are imported. An input that
reveals a bug is written to the working folder as `crash-*`.
"""

import re
import subprocess
import sys
from pathlib import Path

from tests.bench.figures import Figure

MEGA = 1_000_000


def fuzz_guided(folder: Path, seconds: int = 60) -> list[Figure]:
    """Fuzz with atheris, which starts from the samples and tries as many inputs as it can within `seconds`."""
    from tests.soak.fuzzing.mutations import TOKENS, corpus  # noqa: PLC0415 - atheris' process must not import these yet

    grown = folder / "corpus"
    grown.mkdir(parents=True)
    for number, content in enumerate(corpus()):
        (grown / f"seed-{number}").write_bytes(content)
    words = "".join('"' + "".join(f"\\x{byte:02x}" for byte in token) + '"\n' for token in TOKENS if len(token) < 60)
    (folder / "words").write_text(words)
    command = [sys.executable, "-m", "tests.soak.fuzzing.fuzz", str(seconds), str(grown), f"-dict={folder / 'words'}"]
    command.append(f"-artifact_prefix={folder}/")
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    found = sorted(folder.glob("crash-*")) + sorted(folder.glob("timeout-*"))
    for path in found:
        print(f"  {path.name}: {path.read_bytes()[:200]!r}")
    if done.returncode and not found:
        raise RuntimeError(done.stderr[-2000:])
    ran = re.findall(r"stat::number_of_executed_units:\s*(\d+)", done.stderr)
    covered = re.findall(r"cov: (\d+)", done.stderr)
    inputs = int(ran[-1]) if ran else 0
    return [
        Figure("fuzz: inputs that raise", len(found), "", ("<=", 0), f"parser and link builder, atheris, {seconds} s"),
        Figure("fuzz: inputs tried", inputs, "", (">=", 1_000)),
        Figure("fuzz: branches covered", int(covered[-1]) if covered else 0, "", (">=", 100)),
    ]


def fuzz_links(folder: Path, number: int = MEGA) -> list[Figure]:
    """Check `number` randomly made links, which are hostile or are made from hostile parts."""
    wrong = elsewhere(number)
    for line in wrong[:5]:
        print(f"  {line}")
    assert folder.exists()
    return [Figure("links: lead off the allow-list", len(wrong), "", ("<=", 0), f"of {number} fuzzed URLs and parts")]


def elsewhere(number: int, *, seed: int = 1) -> list[str]:
    """Return what is wrong with `number` randomly made links."""
    from tests.soak.fuzzing.fuzz_target import check  # noqa: PLC0415
    from tests.soak.fuzzing.mutations import LINKS, URLS, spoiled  # noqa: PLC0415

    seeds = [*(b"u" + url for url in URLS), *(b"l" + link for link in LINKS)]
    wrong = []
    for content in spoiled(seeds, number, seed=seed):
        try:
            check(content)
        except AssertionError as error:
            wrong.append(str(error))
    return wrong


def main(seconds: str, grown: str, *more: str) -> None:
    """Run atheris in this process. The process ends with the fuzzing."""
    import atheris  # noqa: PLC0415 - only `make soak` installs atheris

    with atheris.instrument_imports(include=["trayalert.callbacks", "trayalert.domain"]):
        from tests.soak.fuzzing.fuzz_target import check  # noqa: PLC0415
    flags = [f"-max_total_time={seconds}", "-max_len=4096", "-timeout=10", "-print_final_stats=1", *more]
    atheris.Setup([sys.argv[0], *flags, grown], check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
