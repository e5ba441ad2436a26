from urllib.request import urlopen

import pytest

from tanren.control import foundation_model_agreements
from tanren.control.foundation_model_agreements import offer_token, offered_to
from tanren.domain.errors import Conflict, NotImplementedHere, ResourceNotFound, ValidationFailed
from tests.unit.model_files.hostile_folders import good_folder

MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
ME = "arn:aws:iam::123456789012:user/mika"


def test_an_agreement_is_to_the_weights_that_answer_and_is_on_record_with_who_and_when(plane, scope, other_scope):
    terms = plane.agreements.terms(MODEL)
    assert (terms.weights_name, terms.weights_sha256) == ("nano-v1", plane.weights.store.nano().weights_sha256)
    assert not plane.agreements.has_agreed(scope, MODEL)
    plane.agreements.accept(scope, MODEL, offer_token(terms), principal_arn=ME)
    assert plane.agreements.has_agreed(scope, MODEL)
    assert not plane.agreements.has_agreed(other_scope, MODEL)
    kept = plane.agreements._agreements.find(scope.account_id, MODEL)
    assert (kept.principal_arn, kept.offer_id, dict(kept.weights)) == (ME, terms.offer_id, terms.to_json())
    plane.agreements.withdraw(scope, MODEL)
    assert not plane.agreements.has_agreed(scope, MODEL)
    with pytest.raises(ResourceNotFound, match="no agreement"):
        plane.agreements.withdraw(scope, MODEL)


def test_other_weights_behind_the_id_are_other_terms(plane, scope, tmp_path, monkeypatch):
    token = offer_token(plane.agreements.terms(MODEL))
    plane.agreements.accept(scope, MODEL, token, principal_arn=ME)
    folder = good_folder(tmp_path / "mine")
    (folder / "LICENSE").write_text("Do as you please.")
    plane.weights.store.import_folder(folder)
    plane.weights.file.write_text(f'[stand-ins]\n"{MODEL}" = "mine"\n')
    assert not plane.agreements.has_agreed(scope, MODEL)
    with pytest.raises(Conflict, match="not of the weights that answer"):
        plane.agreements.accept(scope, MODEL, token, principal_arn=ME)
    terms = plane.agreements.terms(MODEL)
    assert (terms.weights_name, terms.licence) == ("mine", "see LICENSE")
    # The text itself, and not where it lies on this machine.
    assert terms.licence_url is not None
    with urlopen(terms.licence_url) as answer:
        assert answer.read() == b"Do as you please."
    monkeypatch.setattr(foundation_model_agreements, "LARGEST_LICENCE_BYTES", 5)
    assert plane.agreements.terms(MODEL).licence_url is None


def test_a_token_says_what_was_offered_and_another_text_is_refused(plane, scope):
    terms = plane.agreements.terms(MODEL)
    assert offered_to(offer_token(terms)) == (MODEL, terms.weights_sha256)
    for wrong in ("", "nonsense", "e30=", "W10="):
        with pytest.raises(ValidationFailed, match="offerToken"):
            plane.agreements.accept(scope, MODEL, wrong, principal_arn=ME)
    other = offer_token(plane.agreements.terms("tanren.nano-v1:0"))
    with pytest.raises(Conflict):
        plane.agreements.accept(scope, MODEL, other, principal_arn=ME)


@pytest.mark.parametrize(
    ("model_id", "error"), [("amazon.no-such-v1", ResourceNotFound), ("amazon.nova-sonic-v1:0", NotImplementedHere)]
)
def test_an_id_without_a_model_has_no_terms(plane, model_id: str, error: type[Exception]):
    with pytest.raises(error):
        plane.agreements.terms(model_id)


def test_a_form_is_the_accounts_and_kept_as_it_was_given(plane, scope, other_scope):
    with pytest.raises(ResourceNotFound, match="use case details have not been submitted"):
        plane.agreements.form(scope)
    plane.agreements.put_form(scope, b'{"companyName": "forge"}', principal_arn=ME)
    plane.agreements.put_form(scope, b"\x00\xff anything", principal_arn=ME)
    assert plane.agreements.form(scope) == b"\x00\xff anything"
    with pytest.raises(ResourceNotFound):
        plane.agreements.form(other_scope)
