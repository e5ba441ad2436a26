"""The rules of access to base models: what an account can agree to, and what its agreement is worth.

An offer is the weights that answer under an id now, with their licence. Its token says which weights these are: if the
operator puts others behind the id, an older token is refused, since nobody has seen those terms, and an older agreement
no longer counts. Whoever agreed, when and to what is kept.

Nothing is denied to an account without an agreement: on AWS, too, access is on by default. What the calls change is
what GetFoundationModelAvailability says, and what is on record.
"""

import base64
import binascii
import json
from typing import Any, Final

from tanren.catalog.foundation_models import foundation_model
from tanren.catalog.weights import WeightsCatalogue
from tanren.domain.clock import Clock
from tanren.domain.errors import Conflict, ResourceNotFound, ValidationFailed
from tanren.domain.foundation_model_agreements import Agreement, Terms
from tanren.domain.scope import Scope
from tanren.model_files.licences import licence_files
from tanren.model_files.store import StoredModel
from tanren.storage.foundation_model_agreements import FoundationModelAgreements

LARGEST_LICENCE_BYTES: Final = 256 * 1024
"""Of a text that is given as a URL; of a longer one only the licence's name is."""


class FoundationModelAgreementControl:
    def __init__(self, agreements: FoundationModelAgreements, weights: WeightsCatalogue, *, clock: Clock) -> None:
        self._agreements = agreements
        self._weights = weights
        self._clock = clock

    def terms(self, model_id: str) -> Terms:
        """Raises ResourceNotFound for an unknown id; ServiceUnavailable where catalog.toml cannot be used."""
        weights = self._weights.weights_of(foundation_model(model_id).model_id)
        stored = self._weights.store.get(weights.key)
        return Terms(
            model_id=model_id,
            weights_name=weights.name,
            weights_revision=weights.revision,
            weights_sha256=weights.sha256,
            licence=stored.origin.licence,
            licence_url=_licence_url(stored),
        )

    def accept(self, scope: Scope, model_id: str, offer_token: str, *, principal_arn: str) -> None:
        """Raises ValidationFailed for a token that is none; Conflict for one of other weights than answer now."""
        terms = self.terms(model_id)
        if offered_to(offer_token) != (model_id, terms.weights_sha256):
            raise Conflict(
                f"The offer token is not of the weights that answer under {model_id} now ({terms.weights_name}). Look "
                "at the terms again: ListFoundationModelAgreementOffers."
            )
        self._agreements.accept(
            Agreement(
                account_id=scope.account_id,
                model_id=model_id,
                offer_id=terms.offer_id,
                weights=terms.to_json(),
                principal_arn=principal_arn,
                accepted_at=self._clock(),
            )
        )

    def has_agreed(self, scope: Scope, model_id: str) -> bool:
        """Whether the account has agreed to the terms of the weights that answer now."""
        terms = self.terms(model_id)
        agreement = self._agreements.find(scope.account_id, model_id)
        return agreement is not None and agreement.weights.get("sha256") == terms.weights_sha256

    def withdraw(self, scope: Scope, model_id: str) -> None:
        foundation_model(model_id)
        if not self._agreements.remove(scope.account_id, model_id):
            raise ResourceNotFound(f"Account {scope.account_id} has no agreement for {model_id}.")

    def put_form(self, scope: Scope, form: bytes, *, principal_arn: str) -> None:
        """Kept as it is: what AWS's console asks in it is not documented."""
        self._agreements.put_form(scope.account_id, form, principal_arn=principal_arn, at=self._clock())

    def form(self, scope: Scope) -> bytes:
        form = self._agreements.form(scope.account_id)
        if form is None:
            # AWS's words, as callers report them.
            raise ResourceNotFound(
                "Model use case details have not been submitted for this account. Submit them with "
                "PutUseCaseForModelAccess."
            )
        return form


def offer_token(terms: Terms) -> str:
    """Opaque to callers; holds no secret, since it only says what was looked at."""
    return base64.urlsafe_b64encode(json.dumps([terms.model_id, terms.weights_sha256]).encode()).decode()


def offered_to(token: str) -> tuple[str, str]:
    """Model id and digest of the weights. Raises ValidationFailed."""
    try:
        parts: Any = json.loads(base64.urlsafe_b64decode(token.encode()))
        model_id, digest = parts
        return str(model_id), str(digest)
    except (ValueError, TypeError, RecursionError, binascii.Error) as error:
        raise ValidationFailed(
            "The offerToken is not one that ListFoundationModelAgreementOffers has given."
        ) from error


def _licence_url(stored: StoredModel) -> str | None:
    """Of the licence's text: in the hub's repository at the same commit, else a `data:` URL that is the text itself,
    as it lies beside weights that came from a folder of this machine, whose place is nobody's to know."""
    files = licence_files(stored.folder)
    if not files:
        return None
    if stored.origin.source == "hub":
        return f"{stored.origin.location}/{stored.origin.name}/blob/{stored.origin.revision}/{files[0].name}"
    text = files[0].read_bytes()
    if len(text) > LARGEST_LICENCE_BYTES:
        return None
    return f"data:text/plain;charset=utf-8;base64,{base64.b64encode(text).decode()}"
