"""Alerts, the incidents that they form, and the resources that they are about."""
