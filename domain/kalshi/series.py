"""Series: what `GET /series/{ticker}` has returned. Read for one thing: whether it charges fees."""

from typing import Final

from domain.shapes import Reader

KIND: Final = "kalshi.series"

READERS: Final = (
    Reader(
        kind=KIND,
        name="1",
        spoken="from 2025",
        required={"ticker": "string", "fee_type": "string", "fee_multiplier": "number|integer"},
        optional={"title": "string"},
        ignored={
            "category": "string|null",
            "contract_terms_url": "string|null",
            "contract_url": "string|null",
            "exchange_index": "integer",
            "frequency": "string|null",
            "last_updated_ts": "string|null",
            "volume": "integer|null",
            "volume_fp": "string|null",
        },
        opaque=frozenset(
            {
                "additional_prohibitions",
                "categories",
                "product_metadata",
                "settlement_sources",
                "tags",
            }
        ),
    ),
)
