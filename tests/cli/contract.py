"""JSON keys that scripts may rely on."""

ALERT_KEYS = {
    "id", "received_at", "at", "kind", "state", "level", "previous_level", "name", "rule_id", "metric", "metric_title",
    "value", "value_text", "unit", "expression", "namespace", "region", "resource_id", "resource_name", "account_id",
    "group", "address", "message", "dimensions", "incident_id", "deliveries", "console_url", "links", "fields",
}  # fmt: skip
INCIDENT_KEYS = {
    "id", "key", "state", "level", "worst_level", "no_data", "unconfirmed", "opened_at", "closed_at", "name",
    "resource_id", "resource_name", "namespace", "region", "alerts", "acknowledged_at", "snoozed_until", "muted",
    "last_value", "console_url", "links",
}  # fmt: skip
STATUS_KEYS = {
    "running", "host", "port", "callback_url", "public_url", "reach", "last_callback_at", "open_incidents", "alerts",
    "deliveries", "unrecognised", "data_dir", "version",
}  # fmt: skip
