"""How values, conditions, components and events are written for a person, in each language."""
