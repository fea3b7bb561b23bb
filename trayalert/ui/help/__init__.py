"""The help viewer. It shows the pages that come with the program, and never a text from anywhere else."""
