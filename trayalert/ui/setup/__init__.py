"""The setup assistant. It guides the user through making this computer reachable for Cloud Monitor.

The assistant is deleted when its window is closed.
"""
