"""The help viewer. It shows only the pages that come with the program."""
