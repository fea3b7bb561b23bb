"""`trayalert doctor`: the checks, grouped by what they check."""
