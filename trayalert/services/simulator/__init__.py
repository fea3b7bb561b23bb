"""Cloud Monitor as `trayalert send` plays it."""
