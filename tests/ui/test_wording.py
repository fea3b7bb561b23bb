import pytest

from trayalert.domain.language import Language
from trayalert.services.senders import Origin
from trayalert.ui.desk import DeskState
from trayalert.ui.state_wording import headline
from trayalert.ui.wording import sender_words

EN = Language.EN


@pytest.mark.parametrize(
    ("sender", "origin", "words"),
    [
        ("106.11.34.5", Origin.CLOUD_MONITOR, "from Cloud Monitor (106.11.34.5)"),
        ("203.0.113.7", Origin.OTHER, "from another address (203.0.113.7)"),
        ("127.0.0.1", Origin.UNKNOWN, "from this computer or a tunnel"),
        ("::1", Origin.UNKNOWN, "from this computer or a tunnel"),
        ("192.168.1.5", Origin.UNKNOWN, "from a private network or a tunnel (192.168.1.5)"),
        ("\u202ex\ny", Origin.UNKNOWN, "from a private network or a tunnel (x y)"),
    ],
)
def test_where_a_callback_came_from(sender: str, origin: Origin, words: str) -> None:
    assert sender_words(sender, origin) == words


def test_what_may_be_open_unknown_to_us_is_never_called_calm() -> None:
    assert (
        headline(DeskState(unsure="the log cannot be read"), EN, now=0)
        == "Unknown what is open: the log cannot be read"
    )
    assert headline(DeskState(open_incidents=2, unsure="x"), EN, now=0) == "2 open, worst INFO; x"
    assert headline(DeskState(), EN, now=0) == "No incident is open"
