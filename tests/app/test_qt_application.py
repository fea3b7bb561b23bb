"""The QApplication leaves the texts of the operating system as they are, because scripts read them, too."""

import os
import subprocess
import sys

PROGRAM = """
import locale
from trayalert.app.qt_application import make_application
app = make_application(lambda: None)
print(locale.setlocale(locale.LC_CTYPE), locale.setlocale(locale.LC_MESSAGES))
"""


def test_errors_of_the_system_stay_english_in_every_locale() -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout.split() == ["C.UTF-8", "C"]
