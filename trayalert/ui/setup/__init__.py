"""The setup assistant: sets up, step by step, how Cloud Monitor reaches this computer.

A closed assistant is deleted.
"""
