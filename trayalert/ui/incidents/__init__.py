"""The table of incidents, and the details of one."""
