"""The price book, `<data-dir>/prices.toml`: what training and provisioned throughput cost by whatever list one goes by.

    currency = "USD"

    [training-per-1000-tokens]
    "amazon.titan-text-express-v1" = 0.008

    [provisioned-per-unit-hour]
    "amazon.titan-text-express-v1" = 20.5

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
_TRAINING: Final = "training-per-1000-tokens"
_PROVISIONED: Final = "provisioned-per-unit-hour"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBook:
    file: Path
    currency: str
    per_thousand_tokens: dict[str, float]
    """Foundation model id → price of 1,000 trained tokens; an epoch trains each token once."""
    per_unit_hour: dict[str, float]
    """Foundation model id → price of one model unit in service for an hour."""


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
    unknown = sorted(found.keys() - {"currency", _TRAINING, _PROVISIONED})
    if unknown:
        raise ServiceUnavailable(
            f"The price book {file} has {unknown[0]!r}; it takes currency, [{_TRAINING}] and [{_PROVISIONED}]."
        )
    currency = found.get("currency")
    if not isinstance(currency, str) or not currency:
        raise ServiceUnavailable(f'The price book {file} names no currency; write, for instance: currency = "USD"')
    return PriceBook(
        file=file,
        currency=currency,
        per_thousand_tokens=_prices(file, _TRAINING, found.get(_TRAINING, {})),
        per_unit_hour=_prices(file, _PROVISIONED, found.get(_PROVISIONED, {})),
    )


def _prices(file: Path, name: str, table: Any) -> dict[str, float]:
    if not isinstance(table, dict):
        raise ServiceUnavailable(f"The price book {file}: [{name}] must be a table of model ids and prices.")
    prices = cast("dict[str, Any]", table)
    return {model_id: _price(file, model_id, price) for model_id, price in prices.items()}


def _price(file: Path, model_id: str, price: Any) -> float:
    if isinstance(price, bool) or not isinstance(price, int | float) or not 0 <= price < math.inf:
        raise ServiceUnavailable(f"The price book {file}: {model_id!r} is {price!r}; a price is a number from 0 on.")
    return float(price)
