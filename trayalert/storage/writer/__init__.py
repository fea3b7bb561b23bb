"""The one connection that writes: its thread, and the tasks that it carries out."""
