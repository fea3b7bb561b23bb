"""What holds for all tests."""

import os

if not {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"} & set(os.environ):
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
