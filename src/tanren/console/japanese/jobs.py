"""The form of a training job, and the page of one."""

from typing import Final

JOBS: Final[dict[str, str]] = {
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
    "A place in S3, such as {example}": "S3 の場所を {example} のように入力してください",
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
    "Checking…": "確認しています…",
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
    # a job
    "Ask it now": "いま質問してみる",
    "While the job trains, its newest weights answer beside the source model; the training is not stopped for it.": (
        "学習中は、最新の重みとソースモデルの回答を並べて表示します。トレーニングは止まりません。"
    ),
    "Ask": "質問する",
    "The answer comes after the step that the job is at…": "ジョブの今のステップが終わると回答します…",
    "Write a question first.": "質問を入力してください。",
    "This job": "このジョブ",
    "step {step}, epoch {epoch}": "ステップ {step}、エポック {epoch}",
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
    "Its model {name} has been deleted.": "このジョブのモデル {name} は削除されました。",
    "Progress": "進捗",
    "Step {done} of {total}": "ステップ {done} / {total}",
    "stopped early": "早期停止",
    "took {time}": "所要時間 {time}",
    "about {time} left": "残り約 {time}",
    "Training loss": "トレーニング損失",
    "Validation loss": "検証損失",
    "best {loss} in epoch {epoch}": "最良 {loss} (エポック {epoch})",
    "Learned tokens a second": "学習トークン / 秒",
    "Epoch": "エポック",
    "epochs without progress": "改善のないエポック数",
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
}
