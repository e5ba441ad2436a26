"""ListAuditEvents."""

import json
from datetime import UTC, datetime

from tanren.aws.context import AsyncHandler, Members, RequestContext
from tanren.control.audit_events import AuditEventControl, AuditQuery, resource_arns
from tanren.storage.audit_search import AuditCall
from tanren.threads import WAITING


def audit_event_handlers(control: AuditEventControl) -> dict[str, AsyncHandler]:
    async def list_events(context: RequestContext, params: Members) -> Members:
        query = AuditQuery(
            start=params.get("startTime"),
            end=params.get("endTime"),
            event_name=params.get("eventName"),
            principal=params.get("principal"),
            resource=params.get("resource"),
            is_read_only=params.get("isReadOnly"),
            is_refused=params.get("isRefused"),
        )
        size, token = params.get("maxResults"), params.get("nextToken")
        page = await WAITING.run(control.search, context.scope, query, size=size, token=token)
        return {
            "events": [_event(each) for each in page.events],
            "nextToken": page.next_token,
            "searchedBackTo": page.searched_back_to,
        }

    return {"ListAuditEvents": list_events}


def _event(event: AuditCall) -> Members:
    identity = event["userIdentity"]
    return {
        "eventId": event["eventID"],
        "eventTime": datetime.strptime(event["eventTime"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC),
        "eventSource": event["eventSource"],
        "eventName": event["eventName"],
        "region": event["awsRegion"] or None,
        "principalArn": identity.get("arn"),
        "accessKeyId": identity.get("accessKeyId"),
        "sourceIpAddress": event["sourceIPAddress"],
        "requestId": event["requestID"],
        "isReadOnly": event["readOnly"],
        "errorCode": event.get("errorCode"),
        "errorMessage": event.get("errorMessage"),
        "resourceArns": resource_arns(event),
        "record": json.dumps(event),
    }
