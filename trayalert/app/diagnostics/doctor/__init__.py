"""The doctor (`trayalert doctor`). Its checks are grouped into modules by what they check."""
