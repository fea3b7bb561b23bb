"""The help viewer, which shows only the pages that come with the program."""
