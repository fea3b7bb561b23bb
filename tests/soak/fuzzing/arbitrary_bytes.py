"""Passes callbacks of arbitrary bytes through all layers; the suite passes fewer callbacks than `make soak`."""

from collections.abc import Sequence
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bench.figures import Figure
from tests.callbacks.test_properties import bodies
from tests.soak.harness.pipeline import Pipeline, Sent, pipeline

GROUP = 10
"""Number of callbacks that are stored in one transaction."""
GROUPS = 2_000

_callbacks = st.builds(Sent, bodies, st.just(b"") | st.just(b"a=1"))


def pass_through(opened: Pipeline, groups: int) -> None:
    """Generate `groups` groups of callbacks, and pass each group through the pipeline, which checks the results."""

    @settings(max_examples=groups, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
    @given(group=st.lists(_callbacks, min_size=GROUP, max_size=GROUP))
    def take(group: Sequence[Sent]) -> None:
        opened.take(group)

    take()


def measure(folder: Path) -> list[Figure]:
    wrong = 0
    with pipeline(folder) as opened:
        try:
            pass_through(opened, GROUPS)
            opened.check_stored()
        except AssertionError:
            wrong = 1
        return [
            Figure("arbitrary bytes: layers that fail on them", wrong, "", ("<=", 0), f"of {opened.done:,} callbacks")
        ]
