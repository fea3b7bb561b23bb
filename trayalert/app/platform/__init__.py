"""What the operating system gives: autostart, browser, sleep, network changes, screen, paths, clock."""
