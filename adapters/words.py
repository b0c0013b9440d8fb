"""Words that somebody else wrote, made fit to be shown."""

from typing import Final

CHARACTERS_MAX: Final = 200


def plain(text: str, characters_max: int = CHARACTERS_MAX) -> str:
    """Return what somebody else wrote as one short line that no terminal obeys."""
    words = "".join(character if character.isprintable() else " " for character in text).split()
    line = " ".join(words)
    return line if len(line) <= characters_max else f"{line[: characters_max - 1]}…"
