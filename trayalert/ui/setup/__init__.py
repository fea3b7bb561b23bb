"""The setup assistant: how Cloud Monitor reaches this computer, step by step. Freed when closed."""
