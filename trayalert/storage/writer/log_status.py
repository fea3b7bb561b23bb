"""The status of the log, with current problems and news. Every change of the status is announced.

The status combines the state of the writer with problems and news that other parts of the program report. Each of these
reports has a topic, and replaces the previous report with the same topic.
"""

from collections.abc import Callable
from dataclasses import dataclass

from trayalert.domain.log_state import LogState


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterState:
    """What the writer reports about the log's file."""

    problem: str | None = None
    """A sentence that says why the writer cannot store callbacks, or None if it can."""
    warning: str | None = None
    """A sentence about something that may become a problem, such as a nearly full disk, or None."""
    news: tuple[str, ...] = ()
    """Sentences about what the writer has done to the file."""
    new_file: int = 0
    """How often another file has taken the log's place."""
    former_logs: int = 0
    """A number that grows each time the file is opened and a quarantined log waits to be salvaged."""


class LogStatus:
    """Combines the writer's state and the reports of other parts of the program into a `LogState`.

    All methods must be called on the event loop. `announce` is called with each `LogState` that differs from the
    previous `LogState`.
    """

    def __init__(self, announce: Callable[[LogState], None]) -> None:
        self.state = LogState()
        self._announce = announce
        self._writer = WriterState()
        self._refusing: str | None = None
        self._problems: dict[str, str] = {}
        self._news: dict[str, str] = {}
        self._salvaging = False
        self._finished_salvages = 0

    def set_writer_state(self, state: WriterState) -> None:
        """Set the writer's state.

        If `state.former_logs` has grown, a quarantined log waits to be salvaged. The incidents of the quarantined log
        are already missing. Therefore `LogState.salvaging` becomes true before the salvage begins.
        """
        self._salvaging = self._salvaging or state.former_logs > self._writer.former_logs
        self._writer = state
        self._compose()

    def set_refusing(self, sentence: str | None) -> None:
        """Set the reason why callbacks are refused although the writer reports no problem.

        If `sentence` is None, remove the reason.
        """
        if sentence != self._refusing:
            self._refusing = sentence
            self._compose()

    def set_problem(self, topic: str, sentence: str | None) -> None:
        """Set the sentence that describes the problem of the given topic. If `sentence` is None, remove the problem."""
        self._set(self._problems, topic, sentence)

    def set_news(self, topic: str, sentence: str | None) -> None:
        """Set the sentence to show as the news of the given topic. If `sentence` is None, remove the news."""
        self._set(self._news, topic, sentence)

    def set_salvaging(self, salvaging: bool) -> None:
        """Set whether a quarantined log is being salvaged.

        The end of a salvage increases `LogState.new_file`, which makes readers read everything again.
        """
        self._finished_salvages += self._salvaging and not salvaging
        self._salvaging = salvaging
        self._compose()

    def _set(self, sentences: dict[str, str], topic: str, sentence: str | None) -> None:
        if sentence is None:
            sentences.pop(topic, None)
        else:
            sentences[topic] = sentence
        self._compose()

    def _compose(self) -> None:
        writer = self._writer
        writer_problems = (writer.problem or self._refusing, writer.warning)
        state = LogState(
            storing=writer.problem is None and self._refusing is None,
            problems=(*filter(None, writer_problems), *self._problems.values()),
            news=(*writer.news, *self._news.values()),
            new_file=writer.new_file + self._finished_salvages,
            salvaging=self._salvaging,
        )
        if state != self.state:
            self.state = state
            self._announce(state)
