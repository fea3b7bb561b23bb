"""The table of incidents, and the details of the selected incident."""
