"""Callbacks of arbitrary bytes, each parsed, stored, linked, shown in the table's model and exported.

`make soak` does the same with 20,000 callbacks.
"""

import asyncio
import base64
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.soak.fuzzing.arbitrary_bytes import GROUP, pass_through
from tests.soak.harness.instance import started
from tests.soak.harness.pipeline import Pipeline, pipeline
from tests.soak.harness.steady import ask

GROUPS = 300
OVER_HTTP = 2_000


@pytest.fixture(scope="module")
def shared_pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    with pipeline(tmp_path_factory.mktemp("way")) as opened:
        yield opened


def test_any_bytes_are_parsed_and_stored_and_come_back_identical(shared_pipeline: Pipeline) -> None:
    pass_through(shared_pipeline, GROUPS)


def test_what_was_stored_is_shown_linked_and_exported(shared_pipeline: Pipeline, qapp: object) -> None:
    if not shared_pipeline.kept:
        pytest.skip("runs behind the test that stores them")
    assert shared_pipeline.done >= GROUP * GROUPS

    shared_pipeline.check_stored()


def test_any_bytes_are_answered_with_200_and_come_back_by_the_command_line(
    shared_pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if not shared_pipeline.kept:
        pytest.skip("runs behind the test that makes them")
    chosen = list({one.body for one in shared_pipeline.kept})[:OVER_HTTP]

    async def post_all(url: str) -> set[int]:
        lanes = [chosen[start::16] for start in range(16)]

        async def lane(some: list[bytes]) -> set[int]:
            return {await ask(url, body) for body in some}

        return set().union(*await asyncio.gather(*map(lane, lanes)))

    with started(tmp_path_factory.mktemp("http")) as instance:
        assert asyncio.run(post_all(instance.url)) == {200}
        rows = instance.run("alerts", "--json", "--raw", "--limit", "1000000").objects
        log = instance.data_dir / "trayalert.db"
        with closing(sqlite3.connect(f"{log.as_uri()}?mode=ro", uri=True)) as connection:
            found = [bytes(body) for (body,) in connection.execute("SELECT body FROM delivery")]

    assert sorted(found) == sorted(chosen)
    assert {base64.b64decode(one["raw"]) for one in rows} <= set(chosen)
    assert len(rows) > len(chosen) // 2
    assert json.dumps(rows)
