"""The playground."""

from typing import Final

PLAYGROUND: Final[dict[str, str]] = {
    # the playground
    "Playground": "プレイグラウンド",
    "Chat": "チャット",
    "This throughput or deployment is not in service": "このスループット (デプロイ) は提供中ではありません",
    "It has been deleted, or does not answer yet. Choose another model above.": (
        "削除されたか、まだ応答できる状態になっていません。上で別のモデルを選択してください。"
    ),
    "Which model do you want to speak to?": "チャットするモデルを選択してください",
    "A custom model is listed once it has provisioned throughput or a deployment.": (
        "カスタムモデルは、プロビジョンドスループットまたはデプロイを作成すると一覧に表示されます。"
    ),
    "System prompt": "システムプロンプト",
    "The one of the training data: with it the model answers as it has learned.": (
        "トレーニングデータのシステムプロンプトです。学習したとおりに回答させるため、あらかじめ入力されています。"
    ),
    "What the model is told before the chat begins.": "チャットの前にモデルへ与える指示です。",
    "Temperature": "温度",
    "Top P": "トップ P",
    "Maximum tokens": "最大トークン数",
    "Seed": "シード",
    "Compare": "比較",
    "The source model beside it": "ソースモデルと並べる",
    "The source model with examples of the training data ({n})": "例文を添えたソースモデル ({n} 件)",
    "source model": "ソースモデル",
    "with examples": "例文あり",
    "{input} tokens in, {output} out, {ms} ms": "入力 {input} トークン、出力 {output} トークン、{ms} ミリ秒",
    "cut off at the highest number of tokens": "最大トークン数で打ち切られました",
    "Begin anew": "新しいチャット",
    "Run": "実行",
    # the playground: differences, documents, judged answers
    "{name} is not in service": "{name} は稼働していません",
    "A custom model answers through provisioned throughput or a deployment. It has neither yet.": (
        "カスタムモデルは、プロビジョンドスループットまたはデプロイを通じて回答します。まだどちらもありません。"
    ),
    "All are asked with the same seed; what one says and the other does not is marked.": (
        "すべて同じシードで実行し、互いに異なる部分に印を付けます。"
    ),
    "Documents": "ドキュメント",
    "go with every question": "毎回の質問に添付されます",
    "{name} cannot be sent: at most {count} documents of {formats}.": (
        "{name} は送信できません。添付できるのは {formats} のファイル {count} 個までです。"
    ),
    "Copy as table": "表としてコピー",
    "stopped": "停止しました",
    "Good": "良い",
    "Correct it": "直す",
    "Good: keep it for the next training": "良い回答: 次のトレーニングに使う",
    "Bad: write what would be right": "悪い回答: 正しい回答を書く",
    "What would be right": "正しい回答",
    "Keep it": "追加",
    "For the next training": "次のトレーニング用データ",
    "Answers that you found good, or have corrected: each is a row of training data.": (
        "良いと評価した回答、または修正した回答です。それぞれがトレーニングデータの 1 行になります。"
    ),
    "Folder in S3": "S3 のフォルダ",
    "Download": "ダウンロード",
    "Saved:": "保存しました:",
    "Give a folder in S3, such as s3://bucket/judged/, and at least one row.": (
        "s3://bucket/judged/ のような S3 のフォルダと、1 行以上のデータが必要です。"
    ),
}
