"""Desktop notifications: over D-Bus on Linux, through the library desktop-notifier on Windows and macOS."""
