"""The proofs in their long form, run by `make soak`, which prints their figures as one table.

tests/proof contains the short forms.
"""
