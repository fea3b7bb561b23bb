"""The entry point of the frozen program. Programs that it starts find their own libraries, not those of the bundle.

PyInstaller points LD_LIBRARY_PATH and QT_PLUGIN_PATH at the bundle. The frozen program does not need these variables
once it runs. A browser or an xdg-open that inherited them would load the libraries of the bundle and crash.
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
