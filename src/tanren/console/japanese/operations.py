"""The overview, the audit log, and the status of the service."""

from typing import Final

OPERATIONS: Final[dict[str, str]] = {
    # overview
    "Overview": "概要",
    "From your examples to a model of your own, in seven steps": "お手元の例文から自分のモデルまで、7 つのステップ",
    "Choose a base model": "ベースモデルを選ぶ",
    "and look at its licence and its ranges.": "ライセンスとハイパーパラメータの範囲を確認します。",
    "Put examples into a bucket": "例文をバケットに置く",
    "50 to 100 good ones are enough to begin.": "質の良い例文が 50 ～ 100 件あれば始められます。",
    "“Check” says what is wrong with the data before anything starts.": (
        "「確認」を押すと、開始前にデータの問題が分かります。"
    ),
    "Watch it learn": "学習を見守る",
    "and stop it early where it no longer helps.": "効果がなくなったら途中で止められます。",
    "so that the model answers.": "モデルが回答できるようになります。",
    "Speak to it": "話しかけてみる",
    "beside the model that it was made from.": "元のモデルと並べて比べられます。",
    "Evaluate it": "評価する",
    "Is it better, and is that more than chance?": "本当に良くなったのか、偶然ではないのかを確かめます。",
    "Needs attention": "要対応",
    "Nothing needs attention.": "対応が必要なものはありません。",
    "The engine of {name} could not be started; models made from it do not answer.": (
        "{name} のエンジンを起動できませんでした。これを元にしたモデルは回答できません。"
    ),
    "{name} failed to come into service. Its page says why.": (
        "{name} は稼働を開始できませんでした。理由は詳細ページにあります。"
    ),
    "The training job {name} failed. Its page says why and takes you back to its form.": (
        "トレーニングジョブ {name} は失敗しました。理由は詳細ページにあり、そこからフォームに戻れます。"
    ),
    "Jobs wait and no worker has one. “tanren serve” keeps one running; its log says what became of it.": (
        "ジョブが待機していますが、処理しているワーカーがありません。"
        "ワーカーは「tanren serve」が動かします。状況はそのログで確認してください。"
    ),
    "The training job {name} does not go well.": "トレーニングジョブ {name} の学習がうまく進んでいません。",
    "{name} is in service and nobody has asked it this month. Delete it, or give it a time to live.": (
        "{name} は稼働中ですが、今月は一度も呼び出されていません。削除するか、自動削除を設定してください。"
    ),
    "Running now": "実行中のジョブ",
    "Kind of job": "ジョブの種類",
    "No job is running.": "実行中のジョブはありません。",
    "Models in service": "稼働中のモデル",
    "Requests": "リクエスト数",
    "Tokens in and out": "入力 / 出力トークン",
    "Tokens in": "入力トークン",
    "Tokens out": "出力トークン",
    "Unit hours": "ユニット時間",
    "No custom model answers at the moment.": "現在回答できるカスタムモデルはありません。",
    "Used since {date}": "{date} 以降の使用量",
    "of model units, by {book}": "モデルユニットの料金 ({book} による)",
    "What could not be asked ({n})": "取得できなかった項目 ({n})",
    "The endpoint is not tanren, so what only tanren has is left out here: {operations}.": (
        "接続先は tanren ではないため、tanren だけの機能 ({operations}) はここに表示されません。"
    ),
    "Evaluating": "評価中",
    "Running": "実行中",
    "Batch inference": "バッチ推論",
    # audit
    "Operations": "運用",
    "Operation": "操作",
    "Audit": "監査",
    "Who": "実行者",
    "Resource": "リソース",
    "Calls": "呼び出し",
    "Outcome": "結果",
    "When": "日時",
    "from {address}": "接続元 {address}",
    "at any time": "すべての期間",
    "in the last hour": "過去 1 時間",
    "in the last day": "過去 1 日",
    "in the last 7 days": "過去 7 日",
    "in the last 30 days": "過去 30 日",
    "changes": "変更のみ",
    "reads and questions to models": "読み取りとモデルの呼び出し",
    "all calls": "すべての呼び出し",
    "whatever came of it": "すべての結果",
    "refused": "拒否",
    "done": "成功",
    "All changes": "すべての変更",
    "Nothing like it since {moment}. Older records have not been looked at yet.": (
        "{moment} 以降に該当する記録はありません。それより古い記録はまだ検索していません。"
    ),
    "Nothing like it": "該当する記録はありません",
    "Every call of this account is in the log: what it was, who made it, with which key, from where, and what came of "
    "it. Prompts, answers and secrets are not. Take conditions away to see more.": (
        "このアカウントのすべての呼び出しが、操作、実行者、キー、接続元、結果とともに記録されています。"
        "プロンプト、回答、秘密情報は記録されません。条件を減らすと、より多く表示されます。"
    ),
    "Older": "さらに古い記録",
    "Whether the log is still what was written, the server's operator proves with “tanren audit verify”.": (
        "ログが改ざんされていないことは、サーバーの運用者が「tanren audit verify」で検証できます。"
    ),
    # status
    "Look again": "再確認",
    "Not everything is well: look for what is marked red below.": (
        "問題があります。下の赤い表示の項目を確認してください。"
    ),
    "Everything answers.": "すべて応答しています。",
    "Ways behind the endpoint": "エンドポイントの先にあるもの",
    "Identity": "認証",
    "Models and jobs": "モデルとジョブ",
    "Object storage": "オブジェクトストレージ",
    "Service tanren": "tanren サービス",
    "Answered in": "応答時間",
    "Asked": "呼び出した操作",
    "answers": "応答あり",
    "Processes": "プロセス",
    "Started": "起動日時",
    "Restarts": "再起動回数",
    "They are looked after elsewhere: no “tanren serve” keeps them here.": (
        "プロセスは別の仕組みで管理されています (ここでは「tanren serve」が動いていません)。"
    ),
    "Restarting": "再起動中",
    "gateway": "ゲートウェイ",
    "worker": "ワーカー",
    "console": "コンソール",
    "neighbourhood": "S3 と周辺サービス",
    "Jobs and workers": "ジョブとワーカー",
    "Waiting": "待機中",
    "Workers with a job of this account": "このアカウントのジョブを処理しているワーカー",
    "Worker": "ワーカー",
    "Attempt": "試行",
    "Must report by": "次の報告期限",
    "late": "遅延",
    "No worker has a job of this account at the moment.": (
        "現在このアカウントのジョブを処理しているワーカーはありません。"
    ),
    "Engines": "エンジン",
    "Engine": "エンジン",
    "Asked last": "最終呼び出し",
    "None is in memory. One starts with the first question, or with a throughput.": (
        "メモリに読み込まれているものはありません。最初の質問、またはスループットの作成時に起動します。"
    ),
    "Versions": "バージョン",
    "Version": "バージョン",
    "Revision": "リビジョン",
    "Licences": "ライセンス",
    "Software installed beside the console ({n})": "コンソールとともにインストールされたソフトウェア ({n})",
    "Ready": "準備完了",
    "Starting": "起動中",
    "Wanted": "起動待ち",
    "ModelCustomization": "トレーニングジョブ",
    "ModelInvocation": "バッチ推論",
    "ModelEvaluation": "モデル評価",
    "ModelImport": "インポート",
    "CustomModelCreation": "ファイルからのモデル作成",
    "ModelCopy": "モデルのコピー",
}
