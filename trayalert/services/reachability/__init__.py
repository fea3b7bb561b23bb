"""Whether Cloud Monitor can reach this computer: probes, and the gaps in which it could not."""
