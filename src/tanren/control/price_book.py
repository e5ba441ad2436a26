"""The price book, `<data-dir>/prices.toml`: what training costs by whatever list its user goes by.

    currency = "USD"

    [training-per-1000-tokens]
    "amazon.titan-text-express-v1" = 0.008

tanren brings no prices along: AWS's change, and one's own hours are one's own. A file that is wrong is refused with the
line; nothing is taken for zero.
"""

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from tanren.domain.errors import ServiceUnavailable

FILE_NAME: Final = "prices.toml"
_TABLE: Final = "training-per-1000-tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBook:
    file: Path
    currency: str
    per_thousand_tokens: dict[str, float]
    """Foundation model id → price of 1,000 trained tokens; an epoch trains each token once."""


def read_price_book(file: Path) -> PriceBook | None:
    """None where there is no file.

    Raises   ServiceUnavailable, which names the entry: the file is the operator's, not the caller's.
    """
    try:
        found = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ServiceUnavailable(f"The price book {file} cannot be read: {error}") from error
    unknown = sorted(found.keys() - {"currency", _TABLE})
    if unknown:
        raise ServiceUnavailable(f"The price book {file} has {unknown[0]!r}; it takes currency and [{_TABLE}].")
    currency, prices = found.get("currency"), found.get(_TABLE, {})
    if not isinstance(currency, str) or not currency:
        raise ServiceUnavailable(f'The price book {file} names no currency; write, for instance: currency = "USD"')
    if not isinstance(prices, dict):
        raise ServiceUnavailable(f"The price book {file}: [{_TABLE}] must be a table of model ids and prices.")
    return PriceBook(
        file=file,
        currency=currency,
        per_thousand_tokens={
            model_id: _price(file, model_id, price) for model_id, price in cast("dict[str, Any]", prices).items()
        },
    )


def _price(file: Path, model_id: str, price: Any) -> float:
    if isinstance(price, bool) or not isinstance(price, int | float) or not 0 <= price < math.inf:
        raise ServiceUnavailable(f"The price book {file}: {model_id!r} is {price!r}; a price is a number from 0 on.")
    return float(price)
