"""Payloads that no broker ever sent: one made truth, rendered in every way that brokers speak."""
