"""Provisioned throughput: buying it, and what it takes."""

from typing import Final

PROVISIONED_THROUGHPUTS: Final[dict[str, str]] = {
    # provisioned throughput
    "Deployment": "デプロイ",
    "Provisioned throughput": "プロビジョンドスループット",
    "Purchase provisioned throughput": "プロビジョンドスループットを購入",
    "No provisioned throughput yet": "プロビジョンドスループットはまだありません",
    "It keeps a custom model loaded, so that it answers at once under an ARN of its own.": (
        "カスタムモデルを読み込んだままにし、専用の ARN ですぐに推論できるようにします。"
    ),
    "Name": "名前",
    "Model": "モデル",
    "Model units": "モデルユニット",
    "Measured tokens a minute": "トークン / 分 (実測)",
    "Deletes itself after": "自動削除までの時間",
    "Name, model and a whole number of units are needed.": "名前、モデル、モデルユニット (整数) を入力してください。",
    "Provisioned throughput details": "プロビジョンドスループットの詳細",
    "Provisioned throughput name": "プロビジョンドスループット名",
    "Provisioned throughput ARN": "プロビジョンドスループットの ARN",
    "There is no custom model yet.": "カスタムモデルがまだありません。",
    "Commitment term and model units": "契約期間とモデルユニット",
    "One unit is one answer being made. How many tokens a minute that is on this machine is measured as soon as it is "
    "in service.": (
        "1 ユニットで 1 件の回答を同時に生成します。"
        "1 分あたりのトークン数は、稼働開始後すぐにこのマシンで測定されます。"
    ),
    "Commitment term": "契約期間",
    "No commitment": "No commitment (契約なし)",
    "1 month": "1 か月",
    "6 months": "6 か月",
    "Inside a term it cannot be deleted. Without one, at any time.": (
        "契約期間中は削除できません。契約なしの場合はいつでも削除できます。"
    ),
    "never": "なし",
    "So that nothing goes on costing because somebody forgot it.": "消し忘れによる費用の発生を防ぎます。",
    "Confirm the purchase": "購入の確認",
    "I understand that the model stays in memory, and is paid for where an endpoint charges for it, until it is "
    "deleted.": "削除するまでモデルがメモリを占有し、課金されるエンドポイントでは料金が発生することを理解しました。",
    "Confirm purchase": "購入を確認",
    "Open in playground": "プレイグラウンドで開く",
    "{n} tokens a minute, measured on this machine": "{n} トークン / 分 (このマシンでの実測)",
    "Call it from your code": "コードから呼び出す",
    "Delete provisioned throughput": "プロビジョンドスループットを削除",
    "Whoever calls its ARN gets an error from then on. The model itself stays.": (
        "以後、この ARN の呼び出しはエラーになります。モデル自体は残ります。"
    ),
    # what provisioned throughput takes
    "Deletes itself": "自動削除",
    "{time} left": "残り {time}",
    "any moment now": "まもなく",
    "What it takes": "使用量と費用",
    "Cost so far": "これまでの費用",
    "{amount} {currency} an hour": "1 時間あたり {amount} {currency}",
    "tokens a minute are measured while nobody asks": "トークン / 分は、リクエストがない間に測定されます",
    "{needed} of {free} free": "{needed} (空き {free})",
    "{base} is loaded already: only what was tuned is added.": (
        "{base} は読み込み済みのため、微調整した差分だけが追加されます。"
    ),
    "{base} will be loaded for it.": "{base} を新たに読み込みます。",
    "That is more than is free now: delete another provisioned throughput, or wait until a job has ended.": (
        "現在の空きメモリを超えています。ほかのプロビジョンドスループットを削除するか、ジョブの終了を待ってください。"
    ),
}
