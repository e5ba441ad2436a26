"""The six calls of model access: use case form, offers, agreement, availability."""

from tanren.aws.context import Handler, Members, RequestContext
from tanren.control.foundation_model_agreements import FoundationModelAgreementControl, offer_token
from tanren.domain.foundation_model_agreements import Terms


def foundation_model_agreement_handlers(control: FoundationModelAgreementControl) -> dict[str, Handler]:
    def put_form(context: RequestContext, params: Members) -> Members:
        control.put_form(context.scope, params["formData"], principal_arn=context.principal.arn)
        return {}

    def get_form(context: RequestContext, params: Members) -> Members:
        return {"formData": control.form(context.scope)}

    def offers(context: RequestContext, params: Members) -> Members:
        # There is one offer, and it is public, so both values of offerType name it.
        return {"modelId": params["modelId"], "offers": [_offer(control.terms(params["modelId"]))]}

    def create(context: RequestContext, params: Members) -> Members:
        model_id = params["modelId"]
        control.accept(context.scope, model_id, params["offerToken"], principal_arn=context.principal.arn)
        return {"modelId": model_id}

    def delete(context: RequestContext, params: Members) -> Members:
        control.withdraw(context.scope, params["modelId"])
        return {}

    def availability(context: RequestContext, params: Members) -> Members:
        has_agreed = control.has_agreed(context.scope, params["modelId"])
        return {
            "modelId": params["modelId"],
            "agreementAvailability": {"status": "AVAILABLE" if has_agreed else "NOT_AVAILABLE"},
            # Nothing is denied for want of an agreement, and every region has every model.
            "authorizationStatus": "AUTHORIZED",
            "entitlementAvailability": "AVAILABLE",
            "regionAvailability": "AVAILABLE",
        }

    return {
        "PutUseCaseForModelAccess": put_form,
        "GetUseCaseForModelAccess": get_form,
        "ListFoundationModelAgreementOffers": offers,
        "CreateFoundationModelAgreement": create,
        "DeleteFoundationModelAgreement": delete,
        "GetFoundationModelAvailability": availability,
    }


def _offer(terms: Terms) -> Members:
    weights = f"{terms.weights_name} {terms.weights_revision}".strip()
    return {
        "offerId": terms.offer_id,
        "offerToken": offer_token(terms),
        "termDetails": {
            "usageBasedPricingTerm": {
                "rateCard": [
                    {
                        "dimension": "Tokens",
                        "price": "0",
                        "unit": "1K tokens",
                        "description": f"tanren bills nothing. {weights} answers under {terms.model_id}.",
                    }
                ]
            },
            "legalTerm": {"url": terms.licence_url},
            "supportTerm": {
                "refundPolicyDescription": f"Licence of {weights}: {terms.licence}. Nothing is paid, so nothing is "
                "refunded."
            },
        },
    }
