"""Speed and memory, measured in one run and printed as a table. Not timed tests: run by `make bench`."""
