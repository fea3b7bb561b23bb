"""`trayalert doctor`: runs the checks, which are grouped into modules by what they check."""
