"""Diagnostics: crash files, the bundle of `trayalert diagnostics` with its redaction, and the doctor."""
