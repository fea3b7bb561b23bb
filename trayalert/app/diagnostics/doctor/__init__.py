"""The doctor (`trayalert doctor`), whose checks are grouped into modules by what they check."""
