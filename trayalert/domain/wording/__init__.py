"""How values, conditions, components and events are written for the user, in each language."""
