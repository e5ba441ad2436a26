"""The foundation models that can be customized and invoked, as data; one module a provider in `catalog/profiles/`.

Each entry joins a Bedrock id with its family's rules: customizations, names, bounds and defaults of hyperparameters,
record limits, native body format. The weights behind an id are looked up in `catalog/weights.py`; where they are not
the model that the id names, the entry is a stand-in and its name says so. docs/catalogue.md is the table of all.

Source   the project's fact sheet; what it does not confirm is said in docs/catalogue.md. A base model id has exactly
         one dot, else AWS's own ARN patterns refuse it.
"""

from collections.abc import Iterator
from typing import Final

from tanren.catalog.profiles.amazon_nova import NOVA_MODELS
from tanren.catalog.profiles.amazon_titan import TITAN_MODELS
from tanren.catalog.profiles.anthropic import ANTHROPIC_MODELS
from tanren.catalog.profiles.cohere import COHERE_MODELS
from tanren.catalog.profiles.imported import IMPORTED_MODEL
from tanren.catalog.profiles.meta import META_MODELS
from tanren.catalog.profiles.mistral import MISTRAL_MODELS
from tanren.catalog.profiles.tanren import TANREN_MODELS
from tanren.domain.arns import IMPORTED
from tanren.domain.errors import NotImplementedHere, ResourceNotFound
from tanren.domain.foundation_models import FoundationModel

FOUNDATION_MODELS: dict[str, FoundationModel] = {
    model.model_id: model
    for model in (
        *TANREN_MODELS,
        *NOVA_MODELS,
        *TITAN_MODELS,
        *ANTHROPIC_MODELS,
        *COHERE_MODELS,
        *META_MODELS,
        *MISTRAL_MODELS,
    )
}

NOT_TEXT: Final[tuple[tuple[str, str], ...]] = (
    ("amazon.nova-2-sonic", "speech"),
    ("amazon.nova-sonic", "speech"),
    ("amazon.nova-2-omni", "several media at once"),
    ("amazon.nova-canvas", "images"),
    ("amazon.nova-reel", "videos"),
    ("amazon.nova-2-multimodal-embeddings", "embeddings"),
    ("amazon.titan-image", "images"),
    ("amazon.titan-embed", "embeddings"),
    ("cohere.embed", "embeddings"),
    ("cohere.rerank", "ranks"),
    ("stability.", "images"),
)
"""Beginnings of ids of models that AWS has and tanren has not, and what they make. Such a model is not listed."""


def foundation_model(model_id: str) -> FoundationModel:
    """The entry of an id.

    Raises   NotImplementedHere for a model of AWS's that is not a text model; ResourceNotFound, naming ids that exist,
             for any other id.
    """
    model = FOUNDATION_MODELS.get(model_id)
    if model is not None:
        return model
    refuse_other_modalities(model_id)
    raise ResourceNotFound(f"There is no foundation model '{model_id}'. {known_ids(model_id)}")


def root_model(model_id: str) -> FoundationModel:
    """The entry that a stored model's root has: as `foundation_model`, and for `imported` what holds for weights from
    elsewhere."""
    return IMPORTED_MODEL if model_id == IMPORTED else foundation_model(model_id)


def refuse_other_modalities(model_id: str) -> None:
    """Raises NotImplementedHere where the id is that of a model for something else than text."""
    for beginning, made in NOT_TEXT:
        if model_id.startswith(beginning):
            raise NotImplementedHere(
                f"The model '{model_id}' is for {made}; tanren trains and serves text models only, so it is not "
                f"available here. {known_ids(model_id)}"
            )


def known_ids(model_id: str) -> str:
    """A sentence with the ids of the same provider, or with the providers where there is none."""
    provider = model_id.partition(".")[0]
    same = sorted(known for known in FOUNDATION_MODELS if known.startswith(f"{provider}."))
    if same:
        return f"Known ids of {provider}: {', '.join(same)}."
    providers = sorted({known.partition(".")[0] for known in FOUNDATION_MODELS})
    return f"Ids begin with one of {', '.join(providers)}; ListFoundationModels lists them all."


def every_foundation_model() -> Iterator[FoundationModel]:
    return iter(FOUNDATION_MODELS.values())
