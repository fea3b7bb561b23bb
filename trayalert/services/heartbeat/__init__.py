"""Expected callbacks: senders that must report at intervals, and the incidents that open if a sender is silent."""
