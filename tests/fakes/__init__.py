"""Stand-ins for what the product talks to, over real sockets."""
