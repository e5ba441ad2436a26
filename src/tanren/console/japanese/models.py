"""Base models, custom models, and access to models."""

from typing import Final

MODELS: Final[dict[str, str]] = {
    # custom models
    "Customize model": "モデルをカスタマイズ",
    "Create fine-tuning job": "微調整ジョブを作成",
    "Create continued pre-training job": "継続的な事前トレーニングジョブを作成",
    "Models": "モデル",
    "Training jobs": "トレーニングジョブ",
    "No training job yet": "トレーニングジョブはまだありません",
    "A training job takes a base model and your examples from S3, and makes a custom model of them.": (
        "トレーニングジョブは、ソースモデルと S3 にある例文からカスタムモデルを作成します。"
    ),
    "No custom model yet": "カスタムモデルはまだありません",
    "A custom model is a base model that has learned from your examples. 50 to 100 good ones are enough to begin.": (
        "カスタムモデルは、お手元の例文を学習したモデルです。質の良い例文が 50 ～ 100 件あれば始められます。"
    ),
    "Job name": "ジョブ名",
    "Model name": "モデル名",
    "Status": "ステータス",
    "Custom model": "カスタムモデル",
    "Source model": "ソースモデル",
    "Kind": "カスタマイズの種類",
    "Created": "作成日時",
    "FINE_TUNING": "微調整",
    "CONTINUED_PRE_TRAINING": "継続的な事前トレーニング",
    # base models
    "Body of InvokeModel": "InvokeModel の本文形式",
    "Training rows": "学習データの形式",
    "Formats": "形式",
    "Example": "例",
    "What it is of": "対象",
    "Converse asks every model in one form. InvokeModel answers in the form of its body; these are the model's own.": (
        "Converse はどのモデルにも同じ形で使えます。InvokeModel は本文の形式に合わせて答えます。"
        "次はこのモデル本来の形式です。"
    ),
    "{name} stands in": "代役: {name}",
    "{n} parameters": "{n} パラメータ",
    "Fits into memory: about {needed} to train, of {total}": "メモリに収まります: 学習に約 {needed} ({total} のうち)",
    "Answers here, but training needs about {needed} of memory, of {total}": (
        "回答はできますが、学習には約 {needed} のメモリが必要です ({total} のうち)"
    ),
    "Does not fit into memory: about {needed} to answer, of {total}": (
        "メモリに収まりません: 回答に約 {needed} ({total} のうち)"
    ),
    "What answers here": "実際に回答するモデル",
    "Base models": "ベースモデル",
    "all": "すべて",
    "Weights on this machine": "このマシンにある重み",
    "What really answers under the ids above; a stand-in is named with its model.": (
        "上記の ID で実際に回答するモデルです。代役 (stand-in) はモデル名に併記されています。"
    ),
    "Parameters": "パラメータ数",
    "Context in tokens": "コンテキスト長 (トークン)",
    "Size": "サイズ",
    "Licence": "ライセンス",
    # access to a base model
    "Model ID": "モデル ID",
    "Provider": "プロバイダー",
    "Inference types": "推論タイプ",
    "Streaming": "ストリーミング",
    "yes": "あり",
    "no": "なし",
    "Model access": "モデルアクセス",
    "granted": "アクセスが付与されました",
    "not asked for yet": "未リクエスト",
    "Access is granted at once: nobody has to be written to. What you accept is on record, with who and when.": (
        "アクセスはすぐに付与され、申請の手続きは要りません。誰がいつ何に同意したかが記録されます。"
    ),
    "Price": "料金",
    "Text of the licence": "ライセンスの本文",
    "Withdraw the acceptance": "同意を取り消す",
    "What it is wanted for": "ユースケース",
    "I accept the licence for this account.": "このアカウントとしてライセンスに同意します。",
    "Request access": "アクセスをリクエスト",
    "This endpoint tells of no terms for it.": "このエンドポイントは利用条件を提供していません。",
    "Range": "範囲",
    "What it does": "説明",
    # a model
    "Metrics": "メトリクス",
    "Delete model": "モデルを削除",
    "Its weights are deleted for good. Type {name} to confirm.": (
        "重みは完全に削除されます。確認のため {name} と入力してください。"
    ),
    "Delete": "削除",
    # a model's lineage, tags and files
    "Lineage": "系譜",
    "Weights": "重み",
    "Base model": "ベースモデル",
    "deleted": "削除済み",
    "Evaluate": "評価する",
    "Nobody has evaluated it yet.": "まだ評価されていません。",
    "Compare it with its source model": "ソースモデルと比べる",
    "Files of its job": "ジョブのファイル",
    "Nothing lies in {place}.": "{place} には何もありません。",
    "Remove the tag {key}": "タグ {key} を削除",
    "No tag. Tags say whose it is, which version, what stage: a script finds models by them, and so does a bill.": (
        "タグはありません。所有者、バージョン、段階などを付けておくと、スクリプトや請求の集計で見分けられます。"
    ),
    "Key": "キー",
    "Value": "値",
    "Add tag": "タグを追加",
    "This depends on it, and must be deleted first:": "次のものがこのモデルを使用しています。先に削除してください。",
}
