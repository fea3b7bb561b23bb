"""Alerts, the incidents that they make, and what is known of the resource that they are about."""
