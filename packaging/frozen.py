"""Where the frozen program starts. The one rule: what it starts in turn finds its own libraries, not ours.

PyInstaller points LD_LIBRARY_PATH and QT_PLUGIN_PATH at the bundle. This program needs neither any more when it runs,
and a browser or an xdg-open that inherits them loads our libraries instead of its own and dies.
"""

import os
import sys

from trayalert.__main__ import main

if sys.platform == "linux":
    before = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    os.environ.pop("LD_LIBRARY_PATH", None)
    if before is not None:
        os.environ["LD_LIBRARY_PATH"] = before
    for name in ("QT_PLUGIN_PATH", "QML2_IMPORT_PATH"):
        os.environ.pop(name, None)

main()
