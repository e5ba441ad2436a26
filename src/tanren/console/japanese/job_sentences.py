"""What a job says of itself: its diagnosis, warnings, events, and why it failed; `Sentence`s by their templates."""

from typing import Final

JOB_SENTENCES: Final[dict[str, str]] = {
    # joints
    "{text}": "{text}",
    ".": "。",
    " and ": "、また ",
    "Warning: ": "警告: ",
    # evaluations
    "Going on: {count} requests have their reply.": "続行します: {count} 件のリクエストは回答済みです。",
    "The judge {judge} is of the same line as {model} and may favour it.": (
        "審査モデル {judge} は {model} と同系統のため、評価が甘くなるおそれがあります。"
    ),
    "There is no report: ": "レポートはありません: ",
    "The report could not be made: {error}. The results and summary.json are complete.": (
        "レポートを作成できませんでした: {error}。結果と summary.json は揃っています。"
    ),
    "{count} prompts of '{dataset}' are put to {model}.": (
        "「{dataset}」のプロンプト {count} 件を {model} に尋ねています。"
    ),
    "{count} changed prompts of '{dataset}' are put to {model}.": (
        "「{dataset}」の言い換えたプロンプト {count} 件を {model} に尋ねています。"
    ),
    "{judge} judges {count} answers of '{dataset}' by {metric}.": (
        "{judge} が「{dataset}」の回答 {count} 件を {metric} で審査しています。"
    ),
    "How probable {model} finds the references is computed from its weights.": (
        "{model} の重みから、参照回答の尤度を計算しています。"
    ),
    "Base and model are asked the general set, for what was forgotten.": (
        "忘れたことがないか、ベースとモデルの両方に一般的な設問を尋ねています。"
    ),
    "{count} prompts are put to the base with {examples} training rows as examples.": (
        "トレーニングデータ {examples} 行を例として添え、ベースにプロンプト {count} 件を尋ねています。"
    ),
    "The base with examples answered nothing, so it is not compared with: they may not fit its context.": (
        "例を添えたベースは何も答えなかったため、比較に含めません。例がコンテキストに収まらない可能性があります。"
    ),
    "The report: {uri}": "レポート: {uri}",
    "The model is evaluated; no criteria were stated before.": (
        "モデルを評価しました。合格基準は事前に指定されていませんでした。"
    ),
    "The model is evaluated: {verdict}. {reasons}.": "モデルを評価しました: {verdict}。{reasons}。",
    # diagnosis
    "Diverged: training loss rose from {first} to {last}": (
        "発散: トレーニング損失が {first} から {last} に上がりました"
    ),
    "Diverged since epoch {epoch}: training loss rose from {first} to {last}": (
        "エポック {epoch} 以降に発散: トレーニング損失が {first} から {last} に上がりました"
    ),
    "; try a learning rate below {rate}": "。学習率を {rate} より下げてみてください",
    "Nothing learned: training loss went from {first} to {last} in {steps} steps, which is no more than noise": (
        "学習されていません: トレーニング損失は {steps} ステップで {first} から {last} になりましたが、誤差の範囲です"
    ),
    "; try another learning rate": "。別の学習率を試してください",
    "; try more epochs or a higher learning rate": "。エポック数を増やすか、学習率を上げてみてください",
    "Over-fitting since epoch {best}: validation loss rose from {lowest} to {loss} by epoch {epoch}": (
        "エポック {best} 以降は過学習: 検証損失がエポック {epoch} までに {lowest} から {loss} に上がりました"
    ),
    "Under-trained: ": "学習不足: ",
    "Under-trained: validation loss was still falling at {loss} in epoch {epoch}; try {epochs} epochs": (
        "学習不足: 検証損失はエポック {epoch} の {loss} でもまだ下がり続けていました。{epochs} エポックを試してください"
    ),
    "Learning: validation loss is {loss}, training loss went from {first} to {end}": (
        "学習できています: 検証損失は {loss}、トレーニング損失は {first} から {end} になりました"
    ),
    "Learning: validation loss went from {beginning} to {lowest} (best in epoch {best}), training loss from {first} to "
    "{end}": (
        "学習できています: 検証損失は {beginning} から {lowest} (最良はエポック {best})、"
        "トレーニング損失は {first} から {end} になりました"
    ),
    ", stopped early after epoch {epoch} of {epochs}": (
        "。全 {epochs} エポックのうちエポック {epoch} で早期停止しました"
    ),
    "Learning: training loss went from {first} to {last} in {steps} steps; without validation data nobody can say "
    "whether fewer or more would be better": (
        "学習できています: トレーニング損失は {steps} ステップで {first} から {last} になりました。"
        "エポック数の過不足は、検証データがないと判断できません"
    ),
    "; the model has the weights of epoch {epoch}, the best": (
        "。モデルには、最良だったエポック {epoch} の重みを使いました"
    ),
    "; as asked, the model has the weights of the last epoch, {epoch}": (
        "。モデルには、指定どおり最後のエポック {epoch} の重みを使いました"
    ),
    # warnings before a job, and in one
    "only {steps} optimiser steps are planned ({records} records, batch size {batch}, {epochs} epochs); {needed} "
    "epochs, or a smaller batch, would make the {least} that a model needs to learn anything": (
        "更新回数が {steps} 回しかありません (レコード {records} 件、バッチサイズ {batch}、{epochs} エポック)。"
        "モデルが何かを学ぶには {least} 回は必要です。{needed} エポックにするか、バッチサイズを小さくしてください"
    ),
    "there are no validation data, so early stopping has nothing to go by and all epochs are trained": (
        "検証データがないため早期停止は働かず、すべてのエポックを学習します"
    ),
    "{count} validation rows are also trained on (first: {place} equals {trained}), so the validation loss looks "
    "better than it is": (
        "検証データの {count} 行がトレーニングデータにもあるため (最初の例: {place} は {trained} と同じ)、"
        "検証損失が実際より良く見えます"
    ),
    "hyperParameters.{name} has no effect here: ": "hyperParameters.{name} はこのジョブでは効果がありません: ",
    "there is no validation loss to go by; add validationDataConfig": (
        "判断に使う検証損失がありません。validationDataConfig を加えてください"
    ),
    "there is no validation loss to go by; add validationDataConfig, or evalPercentage": (
        "判断に使う検証損失がありません。validationDataConfig または evalPercentage を加えてください"
    ),
    "the job has validation data of its own": "このジョブには専用の検証データがあります",
    "No job of yours has trained on these weights by this method yet, so no time can be told.": (
        "この重みをこの方法で学習したジョブがまだないため、所要時間は見積もれません。"
    ),
    "There is no price book, so no cost can be told: docs/sdk.md says how to write one.": (
        "価格表がないため費用は見積もれません。価格表の書き方は docs/sdk.md にあります。"
    ),
    "The price book {file} has no price for this base model.": "価格表 {file} に、このベースモデルの価格がありません。",
    # what happens to a job
    "Training {method} on {weights} at learning rate {rate}, {epochs} epochs of batches of {batch}, in {dtype}, on "
    "{device}.": (
        "{weights} を {method} で学習します: 学習率 {rate}、{epochs} エポック、バッチサイズ {batch}、"
        "{dtype}、{device}。"
    ),
    "Writing the records as tokens.": "レコードをトークンに変換しています。",
    "Writing the records as tokens: {done}.": "レコードをトークンに変換しています: {done} 件",
    "Writing the records as tokens: {done} of {count}.": ("レコードをトークンに変換しています: {count} 件中 {done} 件"),
    "{count} records were written as tokens before; these are used.": (
        "以前トークンに変換した {count} 件のレコードをそのまま使います。"
    ),
    "Loading the base model.": "ベースモデルを読み込んでいます。",
    "Packed rows": "行を詰めて配置",
    "Padded rows": "行の長さをそろえて配置",
    ", fused blocks": "、融合ブロック",
    ", plain blocks ({reason})": "、通常のブロック ({reason})",
    ", computed again backwards": "、逆伝播で再計算",
    ", variable-length attention": "、可変長アテンション",
    ", {count} lanes": "、{count} 並列",
    ", one lane": "、並列なし",
    "{steps} steps, {records} records.": "{steps} ステップ、レコード {records} 件。",
    "{percentage} % of the documents are replayed from tanren's own general text ({count} documents in English and "
    "Japanese).": (
        "文書の {percentage} % は、忘却を防ぐため tanren 付属の一般的な文章 (英語と日本語の {count} 件) から取ります。"
    ),
    "Continuing after step {step} of {steps}.": "全 {steps} ステップのうち、ステップ {step} の次から再開します。",
    "{share} of the training is done, about ": "トレーニングの {share} が終わりました。残り約 ",
    " left.": "。",
    "The newest weights could not be handed out: {error}.": "最新の重みを取り出せませんでした: {error}",
    "Writing the model and reading it back.": "モデルを書き出し、読み戻して確認しています。",
    "The job waits: ": "ジョブは待機しています: ",
    "The base is evaluated on the test set first: {arn}": "先にベースモデルをテストデータで評価します: {arn}",
    "The evaluation of the base was stopped; the training goes on without it: {arn}": (
        "ベースモデルの評価は停止されました。評価なしでトレーニングを続けます: {arn}"
    ),
    "Base and model are evaluated on the test set: {arn}": "ベースモデルとこのモデルをテストデータで評価します: {arn}",
    # memory
    "Memory: forecast {forecast}, {free} free.": "メモリ: 予測 {forecast}、空き {free}。",
    "Memory: forecast {forecast}, an unknown amount free.": "メモリ: 予測 {forecast}、空き容量は不明。",
    " Memory is short, so ": "メモリが足りないため、",
    "micro-batches have {count} tokens instead of {wanted}": (
        "マイクロバッチを {wanted} トークンではなく {count} トークンにします"
    ),
    "blocks are computed again in the backward pass instead of being kept": (
        "中間結果を保持せず、逆伝播のときに計算し直します"
    ),
    "Memory: peak {peak}, forecast {forecast}.": "メモリ: 最大 {peak}、予測 {forecast}。",
    "Memory: peak {peak} (of the whole process so far), forecast {forecast}.": (
        "メモリ: 最大 {peak} (プロセス全体のこれまでの値)、予測 {forecast}。"
    ),
    "Memory: peak could not be measured, forecast {forecast}.": "メモリ: 最大値は測定できず、予測 {forecast}。",
    # why a job failed
    "The job does not fit into memory: it needs {needed} more than its process has ({parts}), and {free} are free: "
    "{missing} are missing. What helps: ": (
        "ジョブがメモリに収まりません。プロセスのほかに {needed} ({parts}) が必要ですが、空きは {free} で、"
        "{missing} 足りません。対処方法: "
    ),
    "{setting} needs {size}, which fits": "{setting} なら {size} で収まります",
    "{setting} needs {size}, which still does not fit": "{setting} でも {size} が必要で、まだ収まりません",
    "take a smaller base model, or more memory: the weights alone do not fit": (
        "重みだけで収まらないため、より小さいベースモデルを使うか、メモリを増やしてください"
    ),
    "a loraRank below {rank} makes adapter and optimiser smaller": (
        "loraRank を {rank} より下げると、アダプターとオプティマイザーが小さくなります"
    ),
    "the longest record has {count} tokens: shorter ones need less": (
        "最長のレコードは {count} トークンです。短くすると必要なメモリが減ります"
    ),
    "take a smaller base model, or let other programs end": (
        "より小さいベースモデルを使うか、ほかのプログラムを終了してください"
    ),
    "There is no record to train on.": "学習できるレコードがありません。",
    "Holding out {percentage} % of {count} records left none to validate on. Give a validation file, or a larger "
    "evalPercentage.": (
        "{count} 件のレコードの {percentage} % では、検証用のレコードが残りません。"
        "検証データを指定するか、evalPercentage を大きくしてください。"
    ),
    "Validation set {number} of {count} has no record.": (
        "{count} 個中 {number} 番目の検証データにレコードがありません。"
    ),
    "maxSequenceLength is {length}; the base model's context is {context} tokens.": (
        "maxSequenceLength が {length} ですが、ベースモデルのコンテキストは {context} トークンです。"
    ),
    "replayPercentage is {percentage}, but no paragraph of the general text fits into a maxSequenceLength of {length}. "
    "Use a larger maxSequenceLength, or no replay.": (
        "replayPercentage が {percentage} ですが、maxSequenceLength の {length} に収まる一般的な文章がありません。"
        "maxSequenceLength を大きくするか、replayPercentage を指定しないでください。"
    ),
    "The {what} of step {step} (epoch {epoch}) is {value}; training ended before the update. Rows of the batch: "
    "{rows}. Use a lower learning rate, or look at these rows.": (
        "ステップ {step} (エポック {epoch}) の{what}が {value} になったため、更新の前に学習を終了しました。"
        "バッチの行: {rows}。学習率を下げるか、これらの行を見直してください。"
    ),
    "The validation loss after step {step} is {loss}: training diverged. Use a lower learning rate than {rate}.": (
        "ステップ {step} の後の検証損失が {loss} になり、学習が発散しました。学習率を {rate} より下げてください。"
    ),
    "The trained weights are broken: their loss over {count} tokens of the training data is {loss}. Use a lower "
    "learning rate. No model was made.": (
        "学習後の重みが壊れています (トレーニングデータの {count} トークンに対する損失が {loss})。"
        "学習率を下げてください。モデルは作成されていません。"
    ),
    "Training had no effect: the loss over {count} tokens of the training data is {loss} before and after, to the last "
    "digit. Use a higher learning rate or more epochs. No model was made.": (
        "学習の効果がありませんでした (トレーニングデータの {count} トークンに対する損失が、前後とも {loss})。"
        "学習率を上げるか、エポック数を増やしてください。モデルは作成されていません。"
    ),
    "The base could not be evaluated on the test set ({arn}): {reason}": (
        "ベースモデルをテストデータで評価できませんでした ({arn}): {reason}"
    ),
    "The weights in {folder} are not the ones that the job was made for ({name}): their digest is another. Get them "
    "again, and create the job anew.": (
        "{folder} の重みは、ジョブの作成時のもの ({name}) ではありません (ダイジェストが異なります)。"
        "重みを取得し直し、ジョブを作り直してください。"
    ),
    "The base model {arn} has been deleted since the job was created.": (
        "ソースモデル {arn} は、ジョブの作成後に削除されました。"
    ),
    # S3
    "Could not validate {action} permissions to access Amazon S3 bucket: {bucket} at key {key}": (
        "Amazon S3 バケット {bucket} のキー {key} に対する {action} の権限を確認できません"
    ),
    "Amazon S3 perms missing ({action}): Could not validate {action} permissions to access S3 bucket: {bucket} at key "
    "{key}": (
        "Amazon S3 の権限がありません ({action}): "
        "S3 バケット {bucket} のキー {key} に対する {action} の権限を確認できません"
    ),
    ". The bucket does not exist; create it: aws s3 mb s3://{bucket}": (
        "。このバケットはありません。作成してください: aws s3 mb s3://{bucket}"
    ),
    ". There is no such object; upload it: aws s3 cp FILE {uri}": (
        "。このファイルはありません。アップロードしてください: aws s3 cp FILE {uri}"
    ),
    ". Access is denied ({code}); the role needs s3:{action} on it.": (
        "。アクセスが拒否されました ({code})。サービスロールに s3:{action} の権限が必要です。"
    ),
    ". S3 answered {code}: {error}": "。S3 の応答は {code} です: {error}",
    ". A statement that would allow it, in a policy of role {role}: {statement}": (
        "。ロール {role} のポリシーに加えれば許可されるステートメント: {statement}"
    ),
}
