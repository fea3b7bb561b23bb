"""Where callbacks come from: the HTTP listener, and later a queue or a stream."""
