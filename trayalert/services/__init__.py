"""What happens to alerts: the inbox, and the services that work on what is stored. Nothing in this package uses Qt."""
