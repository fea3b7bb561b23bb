"""The setup assistant, which guides the user to a working connection with Cloud Monitor.

When the assistant's window is closed, the assistant is deleted.
"""
