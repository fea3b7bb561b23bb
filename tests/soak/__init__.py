"""Proofs in their long form, with figures printed as one table: run by `make soak`. tests/proof runs them in short."""
