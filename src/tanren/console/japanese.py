"""The console's words in Japanese, by their English; AWS's own words where AWS's console has them.

Source   the Japanese Bedrock console, as the articles of `docs/demonstrations.md` walk through it
"""

from typing import Final

JAPANESE: Final[dict[str, str]] = {
    # the frame
    "Console": "コンソール",
    "Menu": "メニュー",
    "Skip to the content": "本文へ移動",
    "Region": "リージョン",
    "Account": "アカウント",
    "Sign in": "サインイン",
    "Sign out": "サインアウト",
    "Light": "ライト",
    "Dark": "ダーク",
    "Foundation models": "基盤モデル",
    "Custom models": "カスタムモデル",
    "Copy": "コピー",
    "Copy {text}": "{text} をコピー",
    "Next page": "次のページ",
    "Cancel": "キャンセル",
    "Find": "検索",
    "Find by name": "名前で検索",
    "Nothing here has a name with “{name}”.": "名前に「{name}」を含むものはありません。",
    "This did not work": "処理できませんでした",
    "Report to hand on": "問い合わせ用のレポート",
    "It may have been deleted, or belong to another region or account than the ones above.": (
        "削除されたか、上に表示されているものとは別のリージョンまたはアカウントに属している可能性があります。"
    ),
    "Your keys may not do this. The message names the action and the resource that a policy would have to allow.": (
        "このアクセスキーには権限がありません。ポリシーで許可すべきアクションとリソースはメッセージに示されています。"
    ),
    "{n} h": "{n} 時間",
    "{n} min": "{n} 分",
    "{n} s": "{n} 秒",
    # sign-in
    "With the access keys that boto3 uses. They stay on the server; the browser never keeps them.": (
        "boto3 と同じアクセスキーでサインインします。キーはサーバーにのみ保存され、ブラウザには残りません。"
    ),
    "Access key ID": "アクセスキー ID",
    "Secret access key": "シークレットアクセスキー",
    "Session token (temporary keys)": "セッショントークン (一時的なキーの場合)",
    "Session token": "セッショントークン",
    "Access key ID, secret access key and region are needed.": (
        "アクセスキー ID、シークレットアクセスキー、リージョンを入力してください。"
    ),
    "Endpoint": "エンドポイント",
    "The root keys of this server:": "このサーバーのルートキーを表示するコマンド:",
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
    # statuses, as the API says them
    "InProgress": "トレーニング",
    "Completed": "完了",
    "Failed": "失敗",
    "Stopping": "停止中",
    "Stopped": "停止済み",
    "NotStarted": "未開始",
    "Active": "アクティブ",
    "Creating": "作成中",
    "InService": "稼働中",
    "Updating": "更新中",
    "Valid": "問題なし",
    "Invalid": "要修正",
    # the form of a job
    "Model details": "モデルの詳細",
    "None chosen yet": "未選択",
    "Choose model": "モデルを選択",
    "Apply": "適用",
    "Legacy": "レガシー",
    "Fine-tuned model name": "微調整されたモデル名",
    "Trained model name": "トレーニングされたモデル名",
    "Letters, digits and single hyphens; at most 63.": "英数字とハイフン (連続不可)、63 文字以内。",
    "Tags": "タグ",
    "One key=value a line": "1 行に 1 つ、キー=値 の形式で入力",
    "Job configuration": "ジョブ設定",
    "Input data": "入力データ",
    "Training data": "トレーニングデータ",
    "Validation data": "検証データ",
    "optional": "オプション",
    "Examples that are not learned. Their loss says when to stop.": (
        "学習には使われない例文です。その損失から学習の止めどきを判断します。"
    ),
    "Hyperparameters": "ハイパーパラメータ",
    "Choose the source model first: each has its own.": (
        "先にソースモデルを選択してください。指定できる項目はモデルごとに異なります。"
    ),
    "Of this model no table is known here. Give its hyperparameters below by name; the service says which it takes.": (
        "このモデルの一覧はコンソールにありません。下の欄に名前で指定してください。使える項目はサービスが示します。"
    ),
    "Early stopping": "早期停止",
    "Ends training when the validation loss no longer falls, against over-fitting. Needs validation data. Without the "
    "tick: threshold 0, patience 10, as late as Bedrock can.": (
        "検証損失が下がらなくなったら学習を終え、過学習を防ぎます。検証データが必要です。"
        "チェックを外すと、しきい値 0、ペイシェンス 10 (Bedrock で最も遅い停止) になります。"
    ),
    "Epochs": "エポック",
    "How often the whole training data is learned. Few examples need more: 85 rows took 5 to 7 epochs; with 2 nothing "
    "was learned. Early stopping ends it in time.": (
        "トレーニングデータ全体を繰り返し学習する回数。例文が少ないほど多く必要です (85 件では 5 ～ 7 回。"
        "2 回では何も学習されませんでした)。早期停止が適切な回数で止めます。"
    ),
    "Batch size": "バッチサイズ",
    "Examples for one update of the model. With little data keep it small, so that there are enough updates.": (
        "1 回の更新に使う例文の数。データが少ないときは、更新回数を確保するため小さくします。"
    ),
    "Learning rate": "学習率",
    "How far one update goes. Too high and the loss jumps; too low and nothing is learned.": (
        "1 回の更新の大きさ。大きすぎると損失が乱れ、小さすぎると学習が進みません。"
    ),
    "Learning rate multiplier": "学習率の乗数 (Learning rate multiplier)",
    "Times the base learning rate of the model. Raise it when the loss hardly falls, lower it when it jumps.": (
        "モデルの基本学習率に掛ける係数。損失がほとんど下がらなければ上げ、乱れるときは下げます。"
    ),
    "Learning rate warmup steps": "学習率のウォームアップステップ",
    "Updates over which the learning rate rises from zero.": "学習率を 0 から上げていく更新回数。",
    "Early stopping threshold": "早期停止のしきい値",
    "How much the validation loss has to fall to count as progress.": (
        "検証損失がこの値より大きく下がったときに、改善したとみなします。"
    ),
    "Early stopping patience": "早期停止ペイシェンス",
    "How many epochs without progress are allowed before training stops.": (
        "改善がないまま何エポック続いたら停止するかを指定します。"
    ),
    "Held-out percentage": "検証用に取り分ける割合",
    "Percent of the training data held out for validation where no validation data is given.": (
        "検証データを指定しない場合に、トレーニングデータから検証用に取り分ける割合 (%)。"
    ),
    "{low} to {high}, default {default}": "{low} ～ {high}、デフォルト {default}",
    "Further hyperparameters": "その他のハイパーパラメータ",
    "One name=value a line": "1 行に 1 つ、名前=値 の形式で入力",
    "Keys of tanren's own, such as loraRank, optimizer, seed. One that is unknown is refused, with those that exist.": (
        "loraRank、optimizer、seed など tanren 独自の項目。存在しない項目は、使える項目の一覧とともに拒否されます。"
    ),
    "Output data": "出力データ",
    "Output data location": "出力データの場所",
    "Where the losses of each step and epoch are written.": "ステップごと・エポックごとの損失が保存されます。",
    "Service access": "サービスアクセス",
    "Service role": "サービスロール",
    "Create and use a new service role": "新しいサービスロールを作成して使用",
    "Name of the new role": "新しいロールの名前",
    "It may read the data above and write below the output, and nothing else; “Check” shows its policy.": (
        "上記のデータの読み取りと出力先への書き込みのみを許可します。ポリシーは「確認」で表示されます。"
    ),
    "Use an existing service role": "既存のサービスロールを使用",
    "ARN of the role": "ロールの ARN",
    "Check before it starts": "開始前の確認",
    "Looks at every row of the data with the rules of the trainer, and says what the job will take. "
    "Nothing is made yet.": (
        "トレーニングと同じ規則でデータの全行を検査し、所要時間などを見積もります。まだ何も作成されません。"
    ),
    "Check": "確認",
    "Fine-tune model": "モデルを微調整",
    "Train model": "モデルをトレーニング",
    "{field} is missing.": "{field} を入力してください。",
    "{field}: “{line}” is not of the form name=value.": "{field}: 「{line}」は 名前=値 の形式ではありません。",
    # the check before it starts
    "Still to fill in:": "未入力の項目:",
    "Data": "データ",
    "{rows} rows": "{rows} 行",
    "Line": "行",
    "What": "内容",
    "How to fix it": "修正方法",
    "and {n} more": "ほか {n} 件",
    "What the job will take": "ジョブの見積もり",
    "Time": "時間",
    "about {time}": "約 {time}",
    "from {n} earlier jobs on this machine": "このマシンでの過去 {n} 件のジョブから算出",
    "known after the first job on this machine": "このマシンで最初のジョブが終わると分かります",
    "Memory": "メモリ",
    "of {size} free": "空き {size}",
    "Cost": "費用",
    "no price book": "価格表がありません",
    "Tokens": "トークン",
    "{n} steps in {epochs} epochs": "{epochs} エポックで {n} ステップ",
    "What will be sent": "送信される API 呼び出し",
    # a job
    "Train again with changes": "設定を変えて再トレーニング",
    "Details": "詳細",
    "Job ARN": "ジョブ ARN",
    "Model ARN": "モデル ARN",
    "Validation": "検証",
    "Data processing": "データ処理",
    "Training": "トレーニング",
    "under way": "進行中",
    "Stop job": "ジョブを停止",
    "The job failed": "ジョブは失敗しました",
    "The model is ready:": "モデルの準備ができました:",
    "Progress": "進捗",
    "Step {done} of {total}": "ステップ {done} / {total}",
    "took {time}": "所要時間 {time}",
    "about {time} left": "残り約 {time}",
    "Training loss": "トレーニング損失",
    "Validation loss": "検証損失",
    "best {loss} in epoch {epoch}": "最良 {loss} (エポック {epoch})",
    "Learned tokens a second": "学習トークン / 秒",
    "Epoch": "エポック",
    "epochs without progress; the next must be below {bar}": "改善のないエポック数。次は {bar} を下回る必要があります",
    "Diagnosis": "診断",
    "Loss": "損失",
    "Loss by step: training {training}, validation {validation}": (
        "ステップごとの損失: トレーニング {training}、検証 {validation}"
    ),
    "Training, smoothed": "トレーニング (平滑化)",
    "Training, each step": "トレーニング (各ステップ)",
    "Best": "最良",
    "Early stopping: to be undercut": "早期停止: 下回るべき値",
    "The curves begin with the first step.": "最初のステップから曲線が表示されます。",
    "What the model answers now": "現時点のモデルの回答",
    "step {step}": "ステップ {step}",
    "Prompt": "プロンプト",
    "Answer": "回答",
    "Expected": "期待される回答",
    "Events": "イベント",
    # base models
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
    # data
    "Buckets": "バケット",
    "No bucket yet": "バケットはまだありません",
    "Training data lies in S3. Make a bucket with boto3 or with the AWS CLI:": (
        "トレーニングデータは S3 に置きます。boto3 または AWS CLI でバケットを作成してください。"
    ),
    "Drop a file here, or choose one": "ここにファイルをドロップするか、選択してください",
    "The upload failed": "アップロードできませんでした",
    "The file has no name.": "ファイル名がありません。",
    "Nothing lies here yet.": "まだ何もありません。",
    "Changed": "更新日時",
    "S3 URI": "S3 URI",
    "As training data of": "検査の対象とするモデル",
    "First rows": "先頭の行",
    "This is no UTF-8 text, so nothing of it is shown.": "UTF-8 のテキストではないため表示できません。",
    "The file is empty.": "ファイルは空です。",
    "and {n} more characters": "ほか {n} 文字",
    "Tokens of an epoch": "1 エポックのトークン数",
    "of which are learned": "うち学習対象",
    "Longest row in tokens": "最長の行 (トークン)",
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
    # the playground
    "Playground": "プレイグラウンド",
    "Chat": "チャット",
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
    # a model
    "Metrics": "メトリクス",
    "Delete model": "モデルを削除",
    "Provisioned throughput depends on it:": "このモデルを使用しているプロビジョンドスループット:",
    "Its weights are deleted for good. Type {name} to confirm.": (
        "重みは完全に削除されます。確認のため {name} と入力してください。"
    ),
    "Delete": "削除",
}
