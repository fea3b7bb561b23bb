"""The inbox, which stores callbacks, and the services that use what is stored. Nothing in this package uses Qt."""
