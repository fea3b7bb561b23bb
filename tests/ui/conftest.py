"""Provides the fixture of pseudo.py to all tests of widgets."""

from tests.ui.pseudo import pseudo_language

__all__ = ["pseudo_language"]
