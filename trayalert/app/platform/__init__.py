"""What the operating system provides: autostart, browser, screen, sleep, network changes, paths, logs, secret files."""
