"""The pinned PySide6 survives thousands of the calls that trayalert makes while it runs for weeks."""

import subprocess
import sys

_CALLS = """
import sys
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, Signal
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

class Model(QAbstractTableModel):
    def rowCount(self, parent=QModelIndex()): return 0
    def columnCount(self, parent=QModelIndex()): return 1
    def grow(self):
        self.beginInsertRows(QModelIndex(), 0, 0)
        self.endInsertRows()

class Source(QObject):
    happened = Signal(list)

app = QApplication([])
tray, widget, model, source, heard = QSystemTrayIcon(), QWidget(), Model(), Source(), []
source.happened.connect(heard.append)
icons = [QIcon(), QIcon(QPixmap(16, 16))]
for number in range(5000):
    tray.setToolTip(str(number))
    tray.setIcon(icons[number % 2])
    widget.setWindowTitle(str(number))
    model.grow()
    source.happened.emit([number])
sys.exit(0 if len(heard) == 5000 else 1)
"""


def test_thousands_of_void_calls_and_emits_do_not_crash_it() -> None:
    # PySide6 6.12.0 crashes here on Python 3.11, because each call drops a reference to None or to True
    done = subprocess.run([sys.executable, "-c", _CALLS], capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stderr) == (0, "")
