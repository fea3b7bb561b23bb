"""The sentences about the results of salvages."""

from pathlib import Path

from trayalert.domain.phrase import N_, Phrase, PhraseList
from trayalert.domain.times import iso
from trayalert.storage.companion_files import quarantine_of
from trayalert.storage.recovery.backups import newest_backup
from trayalert.storage.recovery.quarantine import read_salvage_result
from trayalert.storage.writer.salvage import Salvage


def outcome_text(log: Path, salvage: Salvage, *, truncated: bool) -> str:
    """Return a message about a finished salvage, with exact counts and the quarantine folder.

    `truncated` says whether the end of the quarantined file was missing.
    """
    folder = quarantine_of(log) / salvage.folder
    if not salvage.total:
        return _failure_text(log, salvage, folder)
    lost: list[str] = []
    if salvage.damaged:
        lost.append(Phrase("{count:,} damaged", count=salvage.damaged))
    if salvage.missing:
        lost.append(Phrase("{count:,} missing", count=salvage.missing))
    counts = {"salvaged": salvage.salvaged, "total": salvage.total}
    if lost:
        text = N_(
            "{salvaged:,} of {total:,} callbacks of the former log were salvaged; {lost}, and what burned in those is "
            "not known."
        )
        result = Phrase(text, **counts, lost=PhraseList(lost, separator=N_(" and ")))
    else:
        result = Phrase("{salvaged:,} of {total:,} callbacks of the former log were salvaged.", **counts)
    return PhraseList(
        [
            result,
            Phrase("Its end is gone, and how much that held cannot be told.") if truncated else "",
            Phrase("Incidents that were marked recovered by hand may be open again."),
            Phrase("The former file is kept in {folder}.", folder=folder),
        ]
    )


def _failure_text(log: Path, salvage: Salvage, folder: Path) -> str:
    backup = newest_backup(log, now=salvage.finished_at or salvage.begun_at)
    if backup is None:
        text = N_(
            "Nothing could be salvaged of the log that was moved to {folder}; there is no backup that could be "
            "restored."
        )
        return Phrase(text, folder=folder)
    text = N_(
        "Nothing could be salvaged of the log that was moved to {folder}; `trayalert restore` brings back the backup "
        "of {time}."
    )
    return Phrase(text, folder=folder, time=iso(backup.made_at))


def read_outcome(log: Path, salvage: Salvage) -> str:
    """Return the result of a finished salvage that was written into the quarantined log's folder.

    The written result is in English. If it is the sentence that `outcome_text` returns now, it is returned as a Phrase.
    If there is no written result, return the sentence of `outcome_text` for a file that was not truncated.
    """
    written = read_salvage_result(quarantine_of(log) / salvage.folder)
    made = [outcome_text(log, salvage, truncated=truncated) for truncated in (False, True)]
    return next((text for text in made if text == written), written or made[0])
