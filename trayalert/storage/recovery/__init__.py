"""Recovery of a damaged log: quarantine, carving, integrity check, backups, and restoring a backup."""
