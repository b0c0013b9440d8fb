"""Tests of the Kalshi adapter."""
