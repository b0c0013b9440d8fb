"""The real payloads that lie beside a checkout but are not part of it (most carry no licence)."""

from pathlib import Path
from typing import Final

import pytest

SHARED: Final = Path(__file__).resolve().parents[2] / "shared" / "data"

needs_shared_data = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the real payloads are not beside this checkout (../shared/data)"
)
