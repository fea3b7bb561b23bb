"""Decides which notifications each channel shows, and writes their texts."""
