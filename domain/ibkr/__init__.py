"""What Interactive Brokers says, in statements and on its socket: kinds of payload and readers."""
