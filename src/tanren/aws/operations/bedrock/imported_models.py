"""GetImportedModel, ListImportedModels, DeleteImportedModel."""

from tanren.aws.context import Handler, Members, RequestContext
from tanren.aws.operations.bedrock.lists import list_filter, page_request
from tanren.aws.operations.bedrock.model_import_jobs import s3_source
from tanren.control.imported_models import ImportedModelControl
from tanren.domain.imported_models import MODEL_UNITS_VERSION, ImportedModel, custom_model_units


def imported_model_handlers(control: ImportedModelControl) -> dict[str, Handler]:
    def get(context: RequestContext, params: Members) -> Members:
        model = control.get(context.scope, params["modelIdentifier"])
        return {
            **_summary(model),
            "jobName": model.job_name,
            "jobArn": model.job_arn,
            "modelDataSource": s3_source(model.source_s3_uri),
            "customModelUnits": {
                "customModelUnitsPerModelCopy": custom_model_units(model.parameter_count),
                "customModelUnitsVersion": MODEL_UNITS_VERSION,
            },
        }

    def list_models(context: RequestContext, params: Members) -> Members:
        page = control.page(context.scope, page_request(params), list_filter(params, {}))
        return {"modelSummaries": [_summary(model) for model in page.items], "nextToken": page.next_token}

    def delete(context: RequestContext, params: Members) -> Members:
        control.delete(context.scope, params["modelIdentifier"])
        return {}

    return {"GetImportedModel": get, "ListImportedModels": list_models, "DeleteImportedModel": delete}


def _summary(model: ImportedModel) -> Members:
    return {
        "modelArn": model.model_arn,
        "modelName": model.model_name,
        "creationTime": model.created_at,
        "modelArchitecture": model.architecture,
        "instructSupported": model.has_chat_template,
    }
