"""`python -m tests.soak [PART ...]`: runs the named proofs (all by default) in their long form and prints one table."""

import importlib
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.figures import Figure, table

PARTS = {
    "kills": "tests.soak.storage.kills:measure_kills",
    "power": "tests.soak.storage.kills:measure_power_cuts",
    "http": "tests.soak.listener.strangers:measure_raw_http",
    "slow": "tests.soak.listener.traffic:measure_slow",
    "traffic": "tests.soak.listener.traffic:measure_traffic",
    "channels": "tests.soak.listener.failing_channels:measure",
    "large": "tests.soak.listener.large:measure",
    "alertmanager": "tests.soak.listener.real_alertmanager:measure",
    "proxies": "tests.soak.listener.proxies:measure",
    "java": "tests.soak.listener.java:measure",
    "reach": "tests.soak.listener.reach:measure",
    "order": "tests.soak.storage.order:measure",
    "links": "tests.soak.fuzzing.fuzz:fuzz_links",
    "bytes": "tests.soak.fuzzing.arbitrary_bytes:measure",
    "csv": "tests.soak.fuzzing.spreadsheet:measure",
    "fuzz": "tests.soak.fuzzing.fuzz:fuzz_guided",
}
"""The function that proves each part.

A part is imported only when it is run, because each part needs other packages.
"""


def main() -> int:
    """Run the proofs and print the table. Return 1 if a promise is not kept, and 2 if a given name is unknown."""
    chosen = sys.argv[1:] or list(PARTS)
    unknown = [name for name in chosen if name not in PARTS]
    if unknown:
        print(f"no such part: {', '.join(unknown)}. There are: {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    figures: list[Figure] = []
    for name in chosen:
        print(f"proving {name} ...", file=sys.stderr, flush=True)
        module, _, measure = PARTS[name].partition(":")
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="soak-") as folder:
            figures += getattr(importlib.import_module(module), measure)(Path(folder))
        print(f"  took {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    print(table(figures))
    return 0 if all(figure.kept for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
