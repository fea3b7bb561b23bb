"""Where callbacks come from: the HTTP listener, later a queue or a stream."""
