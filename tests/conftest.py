"""What holds for all tests."""

import os

from hypothesis import settings

if not {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"} & set(os.environ):
    os.environ["QT_QPA_PLATFORM"] = "offscreen"

# the same examples in every run, so that only a change can turn the suite red; to hunt for new ones:
# pytest --hypothesis-profile hunt tests/callbacks tests/domain
settings.register_profile("suite", derandomize=True, deadline=None, max_examples=300, print_blob=True)
settings.register_profile("hunt", deadline=None, max_examples=20_000)
settings.load_profile("suite")
