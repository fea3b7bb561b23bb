"""The guide: how Cloud Monitor reaches this computer, step by step. Imported when opened, freed when closed."""
