"""Evaluations: their form, and their results."""

from typing import Final

EVALUATIONS: Final[dict[str, str]] = {
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
}
