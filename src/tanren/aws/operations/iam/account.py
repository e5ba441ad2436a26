"""GetAccountSummary, ListAccountAliases."""

from tanren.aws.context import Handler, Members, RequestContext
from tanren.control.account_summary import account_summary
from tanren.storage.identity_database import IdentityDatabase


def account_handlers(database: IdentityDatabase) -> dict[str, Handler]:
    def summarize(context: RequestContext, params: Members) -> Members:
        return {"SummaryMap": account_summary(database, context.scope.account_id)}

    def list_aliases(context: RequestContext, params: Members) -> Members:
        # There are none, since nothing here makes one.
        return {"AccountAliases": [], "IsTruncated": False}

    return {"GetAccountSummary": summarize, "ListAccountAliases": list_aliases}
