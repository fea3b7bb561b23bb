"""The language of the command line: of its output, its errors and its help."""
