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
    "Its weights are deleted for good. Type {name} to confirm.": (
        "重みは完全に削除されます。確認のため {name} と入力してください。"
    ),
    "Delete": "削除",
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
    "Evaluating": "評価中",
    "Running": "実行中",
    "Batch inference": "バッチ推論",
    # evaluation
    "Evaluation": "評価",
    "Evaluations": "モデル評価",
    "Create evaluation": "評価を作成",
    "No evaluation yet": "評価はまだありません",
    "An evaluation puts the same questions to a tuned model and to its source, and says whether the difference is more "
    "than chance. 30 questions that were not trained on are enough to begin.": (
        "評価では、同じ質問を微調整後のモデルと元のモデルに与え、その差が偶然かどうかを判定します。"
        "学習に使っていない質問が 30 件あれば始められます。"
    ),
    "Evaluation name": "評価名",
    "Task": "タスク",
    "Small letters, digits and hyphens; at most 63.": "英小文字、数字、ハイフン、63 文字以内。",
    "Model to evaluate": "評価するモデル",
    "Compare with": "比較対象",
    "nothing": "なし",
    "The source model shows what training has changed. Of a model and its source the service also writes a whole "
    "report.": (
        "ソースモデルと比べると、学習で何が変わったかが分かります。モデルとそのソースモデルの組には、"
        "詳しいレポートも作成されます。"
    ),
    "Questions": "質問",
    "Data set": "データセット",
    "Questions of your own": "自分の質問を使う",
    "Rows of prompt and referenceResponse, or rows of training data that were held back. Rows that were trained on "
    "show what was memorised, and no more.": (
        "prompt と referenceResponse の行、または学習に使わず取り分けたデータの行。"
        "学習に使った行では、暗記したかどうかしか分かりません。"
    ),
    "82 general questions in English and Japanese, which come with tanren: what was forgotten?": (
        "tanren 付属の一般的な質問 82 件 (英語と日本語): 何を忘れたかを調べる"
    ),
    "QuestionAndAnswer": "質問と回答",
    "Generation": "自由文",
    "Classification": "分類",
    "Summarization": "要約",
    "Questions and answers": "質問と回答",
    "Free text": "自由文",
    "Labels": "分類",
    "Summaries": "要約",
    "Each one more makes it harder to show a difference in the others: take those that you will act on.": (
        "指標を増やすほど、それぞれの差は示しにくくなります。判断に使うものだけを選んでください。"
    ),
    "Computed from the reference answers": "参照回答から計算するもの",
    "The reference stands in the answer.": "回答に参照回答が含まれるか。",
    "The answer is the reference, but for case, width and the last full stop.": (
        "大文字小文字、全角半角、末尾の句点を除いて参照回答と一致するか。"
    ),
    "Words that answer and reference share.": "回答と参照回答に共通する単語。",
    "The longest run of words in common.": "共通する最長の単語列。",
    "Letters in common (chrF++); good for Japanese.": "共通する文字 (chrF++)。日本語に向いています。",
    "Runs of words in common (BLEU).": "共通する単語の並び (BLEU)。",
    "AWS's own: what it means depends on the type of task.": "AWS の指標。意味はタスクの種類によって異なります。",
    "How much the answers change when the prompts are changed a little; lower is better.": (
        "プロンプトを少し変えたとき回答がどれだけ変わるか。小さいほど良い。"
    ),
    "A judge model's opinion": "判定モデルによる評価",
    "Rated from 0 to 1, with a reason": "0 から 1 の点数と理由",
    "Is it right?": "正しいか。",
    "Is everything answered?": "すべてに答えているか。",
    "Does it keep to what it was given?": "与えられた内容に忠実か。",
    "Does it help?": "役に立つか。",
    "Does it do as it was told?": "指示に従っているか。",
    "Is its tone fit for work?": "仕事にふさわしい文体か。",
    "Does it harm? Lower is better.": "有害か。小さいほど良い。",
    "Judge": "判定モデル",
    "nobody": "なし",
    "Deployments": "デプロイメント",
    "One of another family than the models that it judges, and a larger one: a model favours its own kind.": (
        "評価対象とは別の系列で、より大きいモデルを選びます。モデルは同じ系列のものをひいきしがちです。"
    ),
    "Of an answer. Temperature is 0, so that the evaluation can be repeated.": (
        "回答 1 件の上限。評価を再現できるよう、温度は 0 です。"
    ),
    "Answers, scores and the report are written there; this page reads them from there.": (
        "回答、点数、レポートが保存されます。結果のページはここから読み込みます。"
    ),
    "It may read the questions, write below the output and invoke these models, and nothing else; “Check” shows its "
    "policy.": (
        "質問の読み取り、出力先への書き込み、選んだモデルの呼び出しのみを許可します。ポリシーは「確認」で表示されます。"
    ),
    "Says what is missing and shows what will be sent. Nothing is made yet.": (
        "未入力の項目と送信される API 呼び出しを表示します。まだ何も作成されません。"
    ),
    "Start evaluation": "評価を開始",
    "The questions are an object in S3: s3://bucket/questions.jsonl": (
        "質問には S3 のオブジェクトを指定してください: s3://bucket/questions.jsonl"
    ),
    "The output is a folder in S3: s3://bucket/evaluations/": (
        "出力先には S3 のフォルダを指定してください: s3://bucket/evaluations/"
    ),
    "The longest answer is a whole number of tokens from 1 on.": "最大トークン数は 1 以上の整数で指定してください。",
    "The two models are the same one.": "2 つのモデルが同じです。",
    "Stop evaluation": "評価を停止",
    "The evaluation failed": "評価は失敗しました",
    "It was stopped, so there are no results: a part of the questions has another mean than the whole.": (
        "停止されたため結果はありません。質問の一部だけの平均は、全体の平均とは異なります。"
    ),
    "Whole report": "詳しいレポート",
    "Result files": "結果のファイル",
    "The result files are larger than 8 MB, so only their first rows are shown here.": (
        "結果のファイルが 8 MB を超えるため、先頭の行のみ表示しています。"
    ),
    "Ship it: every criterion is met.": "出荷可: すべての基準を満たしています。",
    "Do not ship it: a criterion is not met, or not shown to be.": (
        "出荷不可: 満たしていない、または満たすことが示されていない基準があります。"
    ),
    "Forgetting: {level}. Of {count} general questions {base} were right before and {tuned} after.": (
        "忘却: {level}。一般的な質問 {count} 件のうち、正解は学習前 {base} 件、学習後 {tuned} 件です。"
    ),
    "{found} of {count} rows of {tested} stand in {known}: figures of these rows are not of what was learned.": (
        "{tested} の {count} 行のうち {found} 行が {known} に含まれています。これらの行の数値は学習の成果を示しません。"
    ),
    "Result": "結果",
    "Metric": "指標",
    "Picture": "図",
    "Difference": "差",
    "Verdict": "判定",
    "lower is better": "小さいほど良い",
    "from 0 to {scale}": "0 から {scale} まで",
    "better": "改善",
    "worse": "悪化",
    "higher": "上昇",
    "lower": "低下",
    "no difference shown": "差は示されず",
    "too few prompts to show one": "質問が少なすぎて判定不可",
    "about {n} prompts would show it": "約 {n} 件の質問で示せる見込み",
    "Bars: 95 % intervals over the prompts. A verdict is given where the difference is more than chance, over all "
    "metrics of the job.": (
        "帯は質問についての 95 % 信頼区間。判定は、ジョブの全指標を考慮したうえで、偶然を超える差がある場合に示します。"
    ),
    "No prompt has a score.": "点数の付いた質問がありません。",
    "Answers": "回答",
    "All": "すべて",
    "Best gains": "改善の大きい順",
    "Worst losses": "悪化の大きい順",
    "by": "指標",
    "None.": "ありません。",
    "not answered": "回答なし",
    "Comment": "コメント",
    "Comment on row {n}": "{n} 行目へのコメント",
    "Page before": "前のページ",
    "{first} to {last} of {count}": "{count} 件中 {first} ～ {last} 件目",
    "Save comments": "コメントを保存",
    "Comments are kept in S3 beside the results, in comments.json. Markdown and CSV have this table with them, ready "
    "for an article.": (
        "コメントは結果と同じ場所の comments.json (S3) に保存されます。"
        "Markdown と CSV では、この表をコメント付きで記事などに使えます。"
    ),
    "There are no results in {place}. Were they moved?": "{place} に結果がありません。移動された可能性があります。",
    "Delete evaluation": "評価を削除",
    "The job and its events go; the results in S3 stay.": ("ジョブとイベントが削除されます。S3 の結果は残ります。"),
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
    # data, examined
    "What it would teach": "学習される内容",
    "Every row is being read…": "全行を読み取っています…",
    "Beside the validation data": "比較する検証データ",
    "of 100": "/ 100",
    "A rule of thumb: where to look, not how good it is.": "目安です。良し悪しではなく、見直すべき箇所を示します。",
    "Seen in the records": "データに見られた特徴",
    "Records": "件数",
    "Lines": "行",
    "What to do": "対処方法",
    "Length in tokens": "トークン数",
    "Half of the rows have at most": "中央値",
    "Longest row": "最長の行",
    "{n} fit": "上限 {n}",
    "Languages": "言語",
    "Rows by their length in tokens": "トークン数ごとの行数",
    "Rows by their length in tokens, each bar from the number below it on": (
        "トークン数ごとの行数 (各棒は下の数値以上)"
    ),
    "{n} rows are longer than a job can train on, so it would refuse the file: lines {lines}. Shorten or split them.": (
        "{n} 行が学習できる長さを超えているため、ジョブはこのファイルを受け付けません ({lines} 行目)。"
        "短くするか分割してください。"
    ),
    "{n} rows cannot be written for this model.": "{n} 行はこのモデルの形式で表せません。",
    "Looked at: the first {n} of {all} rows.": "{all} 行のうち先頭の {n} 行を調べました。",
    "What of it is learned": "学習される部分",
    "learned": "学習する",
    "only read": "読むだけ",
    "does not fit": "入りきらない",
    "Line {n}": "{n} 行目",
    "{n} tokens, {learned} of them learned": "{n} トークン、うち {learned} を学習",
    "Earlier rows": "前の行",
    "Further rows": "次の行",
    "lines right": "正しい行",
    "not garbled": "文字化けなし",
    "said once": "重複なし",
    "no personal data or secrets": "個人情報・秘密情報なし",
    "answers complete": "回答が完結",
    "one language": "言語の統一",
    "apart from the validation set": "検証データとの重複なし",
    "labels in balance": "ラベルの均衡",
    "said twice": "完全な重複",
    "nearly said twice": "ほぼ同じ内容",
    "one question, two answers": "同じ質問に異なる回答",
    "also in the validation set": "検証データにも同じ行",
    "question also in the validation set": "検証データにも同じ質問",
    "answer may be cut off": "途中で切れた可能性のある回答",
    "personal data: e-mail address": "個人情報: メールアドレス",
    "personal data: telephone number": "個人情報: 電話番号",
    "personal data: card number": "個人情報: カード番号",
    "personal data: My Number": "個人情報: マイナンバー",
    "personal data: IP address": "個人情報: IP アドレス",
    "secret: AWS access key": "秘密情報: AWS アクセスキー",
    "secret: private key": "秘密情報: 秘密鍵",
    "secret: API token": "秘密情報: API トークン",
    "secret: JSON web token": "秘密情報: JSON Web Token",
    "secret: password": "秘密情報: パスワード",
    "Delete one, unless it is meant to weigh double.": "2 倍重視する意図がなければ、一方を削除してください。",
    "Keep the better one: what is said twice is learned twice.": (
        "良いほうだけを残してください。重複した内容は 2 倍学習されます。"
    ),
    "Decide for one answer: the model would learn a mean of both.": (
        "回答を 1 つに統一してください。このままでは両者の中間を学習します。"
    ),
    "Take it out of one of the two: a validation loss on learned rows says nothing.": (
        "どちらか一方から除いてください。学習済みの行では検証損失が意味を持ちません。"
    ),
    "Take it out of one of the two: the model has seen the question.": (
        "どちらか一方から除いてください。モデルは学習時にこの質問を見ています。"
    ),
    "Finish the sentence: a model that learns from cut answers stops in the middle.": (
        "文を最後まで書いてください。途切れた回答を学習すると、モデルも途中で止まります。"
    ),
    "Take it out, or put something invented in its place: a model may repeat what it learned.": (
        "削除するか、架空の値に置き換えてください。モデルは学習した内容をそのまま出力することがあります。"
    ),
    "Take it out and replace it where it is in use: a model may repeat it to anybody.": (
        "削除し、使用中のものも更新してください。モデルが誰にでも出力してしまうおそれがあります。"
    ),
    "Name of a new bucket": "新しいバケットの名前",
    "Create bucket": "バケットを作成",
    "Training data lies in S3. Make a bucket here, or with boto3 or the AWS CLI:": (
        "トレーニングデータは S3 に置きます。ここで、または boto3 や AWS CLI でバケットを作成してください。"
    ),
    # files in S3, chosen in a dialog
    "Browse S3": "S3 を参照",
    "Use this file": "このファイルを使用",
    "Use this folder": "このフォルダを使用",
    "Only the first {n} are listed; open a folder, or type the URI.": (
        "先頭の {n} 件のみ表示しています。フォルダを開くか、URI を直接入力してください。"
    ),
    "The console does not answer. Try again in a moment; nothing that was typed is lost.": (
        "コンソールが応答しません。しばらくしてからもう一度お試しください。入力した内容は失われません。"
    ),
    # training again
    "What is different from {name}": "{name} との違い",
    "Nothing yet: the same data and settings give the same weights again.": (
        "まだ違いはありません。同じデータと設定からは同じ重みが再び得られます。"
    ),
    "Setting": "設定",
    "Now": "今回",
    "Compare with the source model afterwards": "学習後にソースモデルと比較",
    "Test data": "テストデータ",
    "Questions with right answers, of which none is learned: both models are asked them when the training has ended.": (
        "学習に使わない、正解付きの質問です。学習が終わると両方のモデルに質問します。"
    ),
    "Success criteria": "合格基準",
    "Said before, so that nobody moves the goal afterwards: the job's page then says SHIP or DON'T SHIP.": (
        "後から基準が変わらないよう、先に決めておきます。ジョブのページに SHIP または DON'T SHIP と表示されます。"
    ),
    "SHIP": "SHIP (リリース可)",
    "DON'T SHIP": "DON'T SHIP (リリース不可)",
    "Of {count} general questions the source model has {base} right, this one {tuned}: forgetting {level}.": (
        "一般的な質問 {count} 問のうち、ソースモデルは {base} 問、このモデルは {tuned} 問正解。忘却: {level}"
    ),
    "{found} of {count} rows of {tested} stand in {known} too.": (
        "{tested} の {count} 行中 {found} 行が {known} にも含まれています。"
    ),
    "It begins when the model is there.": "モデルが完成すると始まります。",
    # pairs from a document
    "Make pairs from this document": "この文書から質問と回答を作成",
    "Pairs from {name}": "{name} から質問と回答を作成",
    "Who asks and answers": "質問と回答を作るモデル",
    "The larger the model, the better the questions. The document stays here; only this model reads it.": (
        "モデルが大きいほど良い質問になります。文書は外部に送られず、このモデルだけが読みます。"
    ),
    "Pairs": "件数 (組)",
    "What the model is told": "モデルへの指示",
    "Write questions about this document, with their answers.": (
        "この文書についての質問と、その回答を作成してください。"
    ),
    "Answers are sentences of the document: for a small model": "回答を文書中の文に限る (小さなモデル向け)",
    "Stop": "停止",
    "Make pairs": "作成",
    "{n} of {count} pairs": "{n} / {count} 組",
    "{n} characters were read.": "{n} 文字を読み取りました。",
    "Left out, since it speaks to a model:": "モデルへの指示とみられるため除外した文:",
    "Dropped and made again:": "破棄して作り直したもの:",
    "Question": "質問",
    "Remove": "削除",
    "The answer broke off. Ask again.": "回答が途切れました。もう一度実行してください。",
    "Read and correct": "確認して修正",
    "Each pair is a row of training data. What is wrong here will be learned.": (
        "1 組がトレーニングデータの 1 行になります。ここに誤りがあると、そのまま学習されます。"
    ),
    "Add a pair of your own": "組を追加",
    "Save as training data": "トレーニングデータとして保存",
    "Folder in {bucket}": "{bucket} のフォルダ",
    "Held out for validation, in percent": "検証用に取り分ける割合 (%)",
    "Format": "形式",
    "Messages (Claude, nano)": "メッセージ形式 (Claude、nano)",
    "Prompt and completion (Titan, Llama)": "プロンプトと完了形式 (Titan、Llama)",
    "Save to S3": "S3 に保存",
    "There is no row to save.": "保存する行がありません。",
    "{key} is of no kind that can be read; its name must end in one of {formats}.": (
        "{key} は読み取れない種類のファイルです。対応している拡張子: {formats}"
    ),
    "The document has {size}; at most {largest} are read here. Divide it, or use `tanren data generate`.": (
        "文書のサイズは {size} です。ここで読み取れるのは {largest} までです。"
        "分割するか、`tanren data generate` を使用してください。"
    ),
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
