"""The program's services, such as the inbox, which stores callbacks. Nothing in this package uses Qt."""
