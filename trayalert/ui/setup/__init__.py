"""The setup assistant: sets up, step by step, how Cloud Monitor reaches this computer. Deleted when it is closed."""
