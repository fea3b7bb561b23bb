"""Which gaps are announced to the user."""

from trayalert.domain.gap import MIN_ANNOUNCED_GAP, Gap, GapCause, is_announced

NOON = 1_795_000_000_000


def test_a_gap_of_a_few_seconds_and_one_that_lasts_are_not_announced() -> None:
    for cause in GapCause:
        short = Gap(id=1, cause=cause, began_at=NOON, ended_at=NOON + MIN_ANNOUNCED_GAP - 1)
        assert not is_announced(short)
        assert is_announced(Gap(id=1, cause=cause, began_at=NOON, ended_at=NOON + MIN_ANNOUNCED_GAP))
        assert not is_announced(Gap(id=1, cause=cause, began_at=NOON))
