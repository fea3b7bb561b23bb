"""The tunnel program: started, watched, started again, and ended with all its processes."""
