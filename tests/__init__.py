"""Tests are a package, so that their files may share helpers and names."""
