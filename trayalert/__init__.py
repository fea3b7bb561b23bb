"""trayalert: one admin's alert desk for Alibaba Cloud Monitor."""

__version__ = "0.1.0"
