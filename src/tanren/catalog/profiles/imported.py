"""What holds for weights from elsewhere: imported models, and custom models whose base tanren does not know.

It is no foundation model: no list shows it, and no id names it. On AWS neither of the two can be customized further:
`imported` in place of a base model's id is only valid in the ARN of a custom model.
"""

from typing import Final

from tanren.catalog.profiles.families import INFERENCE_TYPES
from tanren.domain.arns import IMPORTED
from tanren.domain.foundation_models import FoundationModel

IMPORTED_MODEL: Final = FoundationModel(
    model_id=IMPORTED,
    product_name="imported",
    provider="imported",
    body_format="openai_chat",
    customizations=(),
    inference_types=INFERENCE_TYPES,
    hyperparameters=(),
    default_learning_rate=1.0,
    is_stand_in=False,
)
