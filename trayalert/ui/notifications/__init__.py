"""Desktop notifications: over D-Bus on Linux, and through the library desktop-notifier on Windows and macOS."""
