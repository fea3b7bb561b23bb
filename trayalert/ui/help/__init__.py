"""The help viewer, which shows the pages that come with the program, and never a text from anywhere else."""
