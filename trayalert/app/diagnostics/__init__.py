"""What helps to find a fault: crash files, the support bundle with its redaction, and the doctor."""
