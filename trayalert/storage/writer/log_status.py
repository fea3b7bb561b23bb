"""The bulletin: what is known of the log at this moment, gathered by part, and announced when it changes."""

from collections.abc import Callable
from dataclasses import dataclass

from trayalert.domain.log_state import LogState


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How the writer is. `problem`: why it cannot store; `worry`: what may be one soon; the rest as in LogState.

    `former` counts the logs before this one whose callbacks wait to be salvaged.
    """

    problem: str | None = None
    worry: str | None = None
    news: tuple[str, ...] = ()
    new_file: int = 0
    former: int = 0


class Bulletin:
    """Puts together what the writer and others tell. Lives on the loop; `announce` is called with each new state."""

    def __init__(self, announce: Callable[[LogState], None]) -> None:
        self.state = LogState()
        self._announce = announce
        self._condition = Condition()
        self._refusing: str | None = None
        self._problems: dict[str, str] = {}
        self._news: dict[str, str] = {}
        self._salvaging = False
        self._salvaged = 0

    def hear(self, condition: Condition) -> None:
        """Take what the writer says. What was open in a former log is missing from now on, not from the salvage on."""
        self._salvaging = self._salvaging or condition.former > self._condition.former
        self._condition = condition
        self._compose()

    def set_refusing(self, sentence: str | None) -> None:
        """Callbacks are refused for a reason that the writer does not tell; None: they are not any more."""
        if sentence != self._refusing:
            self._refusing = sentence
            self._compose()

    def set_problem(self, part: str, sentence: str | None) -> None:
        """Tell a problem of some part, in place of the one it had; None takes it away."""
        self._set(self._problems, part, sentence)

    def set_news(self, part: str, sentence: str | None) -> None:
        """Tell what some part did, in place of what it told before; None takes it away."""
        self._set(self._news, part, sentence)

    def set_salvaging(self, salvaging: bool) -> None:
        """A former log is being read over, or is no more: what was read before must then be read anew."""
        self._salvaged += self._salvaging and not salvaging
        self._salvaging = salvaging
        self._compose()

    def _set(self, sentences: dict[str, str], part: str, sentence: str | None) -> None:
        if sentence is None:
            sentences.pop(part, None)
        else:
            sentences[part] = sentence
        self._compose()

    def _compose(self) -> None:
        now = self._condition
        own = (now.problem or self._refusing, now.worry)
        state = LogState(
            storing=now.problem is None and self._refusing is None,
            problems=(*filter(None, own), *self._problems.values()),
            news=(*now.news, *self._news.values()),
            new_file=now.new_file + self._salvaged,
            salvaging=self._salvaging,
        )
        if state != self.state:
            self.state = state
            self._announce(state)
