"""What happens to alerts, without Qt: the inbox and its neighbours."""
