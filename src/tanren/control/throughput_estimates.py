"""What provisioned throughput would take of this machine, and cost by the price book, before it is bought."""

from dataclasses import dataclass
from pathlib import Path

from tanren.catalog.weights import WeightsCatalogue
from tanren.control.base_folders import adapter_folder, base_folder, bound_weights
from tanren.control.model_references import refer
from tanren.control.price_book import PriceBook, read_price_book
from tanren.domain.scope import Scope
from tanren.model_files.inspection import inspect_model_folder
from tanren.model_files.memory import available_bytes, memory_needs
from tanren.storage.artifacts import ArtifactStore
from tanren.storage.custom_models import CustomModels
from tanren.storage.engine_hosts import EngineHosts, EngineHostStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ThroughputEstimate:
    base_model: str
    """The weights, as people know them."""
    is_loaded: bool
    """Whether a process holds the base already, so that only an adapter is added to it."""
    needed_bytes: int
    available_bytes: int | None
    """None where the system does not say."""
    prices: PriceBook | None
    price_per_hour: float | None
    """Of all units; None where the price book has none."""

    @property
    def fits(self) -> bool | None:
        return None if self.available_bytes is None else self.needed_bytes <= self.available_bytes


class ThroughputEstimateControl:
    def __init__(
        self,
        models: CustomModels,
        weights: WeightsCatalogue,
        artifacts: ArtifactStore,
        hosts: EngineHosts,
        *,
        price_file: Path,
    ) -> None:
        self._models = models
        self._weights = weights
        self._artifacts = artifacts
        self._hosts = hosts
        self._price_file = price_file

    def estimate(self, scope: Scope, model_identifier: str, model_units: int) -> ThroughputEstimate:
        """Units share the weights; each is one answer more at a time, which takes little beside them.

        Raises   as `refer`; UnsafeModel where the base weights are gone; ServiceUnavailable for a wrong price book.
        """
        model = refer(self._models, scope, model_identifier)
        bound = bound_weights(model, self._weights)
        folder = base_folder(model, bound, self._weights, self._artifacts)
        adapter = adapter_folder(model, self._artifacts)
        host = self._hosts.find(str(folder))
        is_loaded = host is not None and host.status is EngineHostStatus.READY
        needed = 0 if adapter is None else sum(file.stat().st_size for file in adapter.rglob("*") if file.is_file())
        if not is_loaded:
            facts = inspect_model_folder(folder, scan_values=False)
            needed += memory_needs(facts.parameter_count, facts.dtype).serve_bytes
        prices = read_price_book(self._price_file)
        price = None if prices is None else prices.per_unit_hour.get(model.foundation.model_id)
        return ThroughputEstimate(
            base_model=bound.name,
            is_loaded=is_loaded,
            needed_bytes=needed,
            available_bytes=available_bytes(),
            prices=prices,
            price_per_hour=None if price is None else price * model_units,
        )
