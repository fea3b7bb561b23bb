"""`python -m tests.bench [part ...]` measures the named parts, or all parts, and prints one table."""

import sys
import tempfile
from pathlib import Path

from tests.bench import blocked, footprint, notification_delay, throughput
from tests.bench.figures import Figure, table

PARTS = {
    "throughput": throughput.measure,
    "notification": notification_delay.measure,
    "blocked": blocked.measure,
    "footprint": footprint.measure,
}


def main() -> int:
    """Measure and print. Return 1 if a figure misses its bound, 2 if there is no part of a given name, else 0."""
    chosen = sys.argv[1:] or list(PARTS)
    unknown = [name for name in chosen if name not in PARTS]
    if unknown:
        print(f"no such part: {', '.join(unknown)}. There are: {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    figures: list[Figure] = []
    for name in chosen:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            figures += PARTS[name](Path(folder))
    print(table(figures))
    return 0 if all(figure.kept for figure in figures) else 1


sys.exit(main())
