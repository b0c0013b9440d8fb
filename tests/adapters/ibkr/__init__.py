"""The live socket: whichever client library is installed, against a gateway on the loopback."""
