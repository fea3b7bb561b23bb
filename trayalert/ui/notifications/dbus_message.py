"""The arguments of the D-Bus method `Notify`, as the Desktop Notifications Specification 1.2 defines them.

All functions are pure. The body is escaped for a daemon with the capability `body-markup`, which interprets tags in the
body. Titles are not escaped, because no daemon interprets markup in titles.
"""

import functools
import html
from dataclasses import dataclass
from typing import Any

from dbus_fast import Variant
from PySide6.QtGui import QImage

from trayalert.domain.incident.level import Level
from trayalert.domain.notification import Notification
from trayalert.domain.text import printable
from trayalert.ui.icons import level_image

APP_NAME = "trayalert"
DEFAULT_ACTION = "default"
OPEN_ACTION = "open"
BUTTON_ACTION_PREFIX = "further-"
NOTIFY_SIGNATURE = "susssasa{sv}i"

_URGENCIES = {Level.CRITICAL: 2, Level.WARN: 1, Level.INFO: 0, Level.OK: 0}
_IMAGE_SIZE = 48
_MAX_TITLE = 120
_MAX_LINE = 240
_MAX_LINES = 8

_DEFAULT_ACTION_AS_BUTTON = frozenset({"Xfce Notify Daemon", "lxqt-notificationd"})
"""Names of daemons that draw a button for the default action. These daemons ignore a click on the text.

For these daemons, `_actions` leaves out OPEN_ACTION, which would add a second button with the same label.
"""


@dataclass(frozen=True, slots=True)
class Daemon:
    """The name and the capabilities that a notification daemon reports about itself."""

    name: str = ""
    capabilities: frozenset[str] = frozenset()


def notify_arguments(notification: Notification, daemon: Daemon, *, replaces: int) -> list[Any]:
    """Return the arguments for a call of `Notify`, in the order and with the types of NOTIFY_SIGNATURE.

    `replaces` is the id of the notification that the new notification replaces, or 0 if no notification is replaced.
    """
    title, body = printable(notification.title, limit=_MAX_TITLE), _body(notification, daemon)
    actions, hints = _actions(notification, daemon), _hints(notification)
    timeout = -1 if notification.timeout is None else notification.timeout
    return [APP_NAME, replaces, "", title, body, actions, hints, timeout]


def _body(notification: Notification, daemon: Daemon) -> str:
    lines = [printable(line, limit=_MAX_LINE) for line in notification.lines[:_MAX_LINES]]
    body = "\n".join(line for line in lines if line)
    return html.escape(body, quote=False) if "body-markup" in daemon.capabilities else body


def _actions(notification: Notification, daemon: Daemon) -> list[str]:
    if "actions" not in daemon.capabilities:
        return []  # some daemons show a notification with actions as a dialogue that must be answered
    label = printable(notification.button, limit=40)
    actions = [DEFAULT_ACTION, label]
    further = [
        text
        for key, other_label in notification.more_buttons
        for text in (BUTTON_ACTION_PREFIX + key, printable(other_label, limit=40))
    ]
    if daemon.name in _DEFAULT_ACTION_AS_BUTTON:
        return [*further, *actions]  # the last button is drawn where a single button would be
    return [*actions, OPEN_ACTION, label, *further]


def button_key(action: str) -> str:
    """Return the key of the button that the user clicked, given the D-Bus action that the daemon reports.

    Return an empty string if the user clicked the first button or the text of the notification.
    """
    return action.removeprefix(BUTTON_ACTION_PREFIX) if action.startswith(BUTTON_ACTION_PREFIX) else ""


def _hints(notification: Notification) -> dict[str, Variant]:
    urgency = _URGENCIES[notification.level]
    hints = {
        # GNOME shows no banner for a notification of urgency 0 (gnome-shell issue 4265)
        "urgency": Variant("y", max(urgency, 1) if notification.awaited else urgency),
        "desktop-entry": Variant("s", APP_NAME),
        "image-data": _image(notification.level),
    }
    if notification.timeout is not None:
        hints["transient"] = Variant("b", True)
    return hints


@functools.cache
def _image(level: Level) -> Variant:
    image = level_image(level, _IMAGE_SIZE).convertToFormat(QImage.Format.Format_RGBA8888)
    pixels = bytes(image.constBits())
    return Variant("(iiibiiay)", [image.width(), image.height(), image.bytesPerLine(), True, 8, 4, pixels])
