"""Every sentence of a report, in English and in Japanese: `WORDS[language][key]`, with places for figures."""

from typing import Final

LANGUAGES: Final = ("en", "ja")

_PAIRS: Final[dict[str, tuple[str, str]]] = {
    # The five headings of a write-up.
    "settings": ("Settings", "設定"),
    "metrics": ("Metrics", "評価指標"),
    "results": ("Results", "結果"),
    "discussion": ("Discussion", "考察"),
    "supplementary": ("Supplementary experiments", "補足実験"),
    # The head.
    "title": ("Evaluation: {name}", "評価レポート: {name}"),
    "ship": ("SHIP", "SHIP（出荷可）"),
    "ship-arms": (
        "SHIP: {arms} (of {count} tuned models, each with its own verdict)",
        "SHIP（出荷可）: {arms}（チューニングした {count} モデル中。判定はモデルごと）",
    ),
    "dont-ship": ("DON'T SHIP", "DON'T SHIP（出荷不可）"),
    "no-criteria": (
        "No verdict: no criteria were stated.",
        "判定なし: 合格基準が示されていません。",
    ),
    "no-tuned": (
        "A baseline: nothing has been tuned yet.",
        "ベースラインのみ: まだチューニングしたモデルはありません。",
    ),
    "headline-better": (
        "{arm} is better than the base in {metric}: {base} → {tuned}, a difference of {difference} "
        "(95 % interval {low} to {high}, {p}).",
        "{arm} は {metric} でベースモデルより良い: {base} → {tuned}、差は {difference}"
        "（95 % 区間 {low} ～ {high}、{p}）。",
    ),
    "headline-worse": (
        "{arm} is worse than the base in {metric}: {base} → {tuned}, a difference of {difference} "
        "(95 % interval {low} to {high}, {p}).",
        "{arm} は {metric} でベースモデルより悪い: {base} → {tuned}、差は {difference}"
        "（95 % 区間 {low} ～ {high}、{p}）。",
    ),
    "headline-not-shown": (
        "No difference between {arm} and the base is shown in {metric}: {base} → {tuned}, {difference} "
        "(95 % interval {low} to {high}, {p}). {count} find a difference of {detectable} four times in "
        "five; a smaller one may be there.",
        "{arm} とベースモデルの差は {metric} では示せません: {base} → {tuned}、{difference}"
        "（95 % 区間 {low} ～ {high}、{p}）。{count}で 5 回に 4 回見つかるのは {detectable} 以上の差です。"
        "それより小さい差はあるかもしれません。",
    ),
    "headline-no-spread": (
        "{arm} and the base score the same in {metric} on every question: {base} → {tuned}.",
        "{metric} では、どの質問でも {arm} とベースモデルの点が同じです: {base} → {tuned}。",
    ),
    "headline-cannot-show": (
        "Nothing can be shown with {count}: even if {arm} were better in every one of them, p could not go "
        "below {least_p}{times}. What was seen: {metric} {base} → {tuned}.",
        "{count}では何も示せません: そのすべてで {arm} が良かったとしても p は {least_p}{times} を下回りません。"
        "観測値: {metric} {base} → {tuned}。",
    ),
    "times-metrics": (
        ", times {metrics} for as many metrics and tuned models",
        "（指標とモデルの組が {metrics} 個なのでその {metrics} 倍）",
    ),
    "needed": (
        "{needed} like these would show a difference as large as the one seen.",
        "これほどの差を示すには、今回と同様の {needed}が必要です。",
    ),
    "least-needed": (
        "At least {needed} are needed before anything can be shown.",
        "何かを示すには少なくとも {needed}が必要です。",
    ),
    "count-questions": ("{count} questions", "{count} 問"),
    "count-documents": ("{count} documents", "{count} 文書"),
    # Settings.
    "created": ("Made at", "作成日時"),
    "questions": ("Questions", "質問数"),
    "clusters": ("in {count} documents", "{count} 文書"),
    "questions-digest": ("SHA-256 of the questions", "質問の SHA-256"),
    "model": ("Model", "モデル"),
    "arm": ("Arm", "条件"),
    "system-prompt": ("System prompt", "システムプロンプト"),
    "examples": ("Examples in the prompt", "プロンプト内の例"),
    "decoding": ("Decoding", "生成設定"),
    "decoding-value": (
        "at most {tokens} tokens, temperature {temperature}, top-p {top_p}; the same for all arms",
        "最大 {tokens} トークン、temperature {temperature}、top-p {top_p}（全条件で同じ）",
    ),
    "judge": ("Judge", "評価モデル"),
    "criteria": ("Criteria, stated before the questions were asked", "質問する前に示した合格基準"),
    "arms": ("Arms", "比較した条件"),
    "questions-file": ("Questions from", "質問ファイル"),
    "training-data": ("Training data", "学習データ"),
    "validation-data": ("Validation data", "検証データ"),
    "training-job": ("Training job", "学習ジョブ"),
    # Metrics.
    "metric": ("Metric", "指標"),
    "meaning": ("What it is", "意味"),
    "signature": ("Computed with", "計算方法"),
    "exact": ("the answer is the reference", "回答が想定回答と一致"),
    "contains": ("the reference stands in the answer", "回答が想定回答を含む"),
    "f1": ("words in common with the reference", "想定回答と共通する単語"),
    "accuracy": ("the right label", "ラベルの正解率"),
    "macro_f1": ("F1, the mean over labels", "F1 のラベル平均"),
    "json_valid": ("JSON that satisfies the schema", "スキーマを満たす JSON"),
    "rouge1": ("words in common, ROUGE-1", "共通する単語（ROUGE-1）"),
    "rouge2": ("pairs of words in common, ROUGE-2", "共通する 2 単語の並び（ROUGE-2）"),
    "rougeL": ("longest run of words in common order, ROUGE-L", "最長共通部分列（ROUGE-L）"),
    "bleu": ("runs of up to four words in common, of all answers together", "4 単語までの並びの一致（全回答まとめて）"),
    "chrf": ("runs of characters and words in common, chrF++", "文字と単語の並びの一致（chrF++）"),
    "bertscore": ("likeness in meaning, by an encoder", "エンコーダーによる意味の近さ"),
    "correctness": ("1 to 10 against the reference, by the judge", "想定回答に照らした 1～10 の評価"),
    "grader": ("the user's own grader", "利用者の採点プログラム"),
    "loss": ("loss of the reference answers, less is better", "想定回答の損失（小さいほど良い）"),
    "perplexity": ("exp(loss), less is better", "exp(損失)（小さいほど良い）"),
    "bits_per_byte": (
        "bits per byte of the reference, less is better",
        "想定回答 1 バイトあたりのビット数（小さいほど良い）",
    ),
    "general": ("right answers of the general set", "一般問題の正答率"),
    # Results.
    "verdict": ("Verdict", "判定"),
    "criterion": ("Criterion", "基準"),
    "state": ("State", "結果"),
    "figures": ("Measured", "測定値"),
    "met": ("met", "達成"),
    "not met": ("not met", "未達"),
    "not shown": ("not shown", "示せない"),
    "not measured": ("not measured", "測定なし"),
    "difference": ("Difference", "差"),
    "interval": ("95 % interval", "95 % 区間"),
    "p": ("p (Holm)", "p（Holm）"),
    "test": ("Test", "検定"),
    "detectable": ("Found 4 times in 5 from", "5 回に 4 回見つかる差"),
    "outcome": ("Outcome", "結論"),
    "better": ("better", "良い"),
    "worse": ("worse", "悪い"),
    "cannot show": ("cannot be shown", "示せない"),
    "compared-with": ("{tuned} compared with {base}", "{tuned} と {base} の比較"),
    "values": ("All arms", "全条件の値"),
    "unanswered": ("Unanswered", "無回答"),
    "partial-values": (
        "Over fewer questions than were asked, as the others have no figure: {found}. A comparison is over those of "
        "which both arms have one, so its figures may differ from these.",
        "一部の質問だけの値（ほかの質問には値がありません）: {found}。比較は両方の条件に値がある質問だけで行うため、"
        "この表の値とは異なることがあります。",
    ),
    "partial-value": ("{metric} of {arm}, {shown} of {count}", "{arm} の {metric}（{count} 問中 {shown} 問）"),
    "cut-off": ("Cut off", "途中で終了"),
    "cut-off-note": (
        "Answers that were cut off at the greatest number of tokens are scored as they stand.",
        "最大トークン数で途切れた回答は、そのまま採点しています。",
    ),
    "unanswered-note": (
        "Unanswered questions count as empty answers.",
        "無回答は空の回答として採点しています。",
    ),
    "intervals-picture": (
        "differences from the base with their 95 % intervals, in percent of each metric's span",
        "ベースモデルとの差と 95 % 区間（各指標の範囲に対する割合）",
    ),
    "reason": ("{criterion}: {state} ({figures})", "{criterion}: {state}（{figures}）"),
    "curves-picture": ("Loss during training, nats per token", "学習中の損失（トークンあたり nats）"),
    "learning-picture": ("Score by share of the training data", "学習データの割合とスコア"),
    "step": ("step", "ステップ"),
    "share-of-data": ("share of the training data", "学習データの割合"),
    "side-by-side": ("Answers side by side", "回答の比較"),
    "prompt": ("Prompt", "プロンプト"),
    "tuned-answer": ("Fine-tuned model's answer", "Fine-tuning model の回答"),
    "base-answer": ("Base model's answer", "Base model の回答"),
    "reference": ("Reference", "想定回答"),
    "comment": ("Comment", "総評"),
    "same-answer": ("The same answer.", "同じ回答。"),
    "comment-scores": ("{metric} {base} → {tuned}.", "{metric} {base} → {tuned}。"),
    "comment-prefers": ("The judge prefers {arm}: {reason}", "評価モデルは {arm} を選択: {reason}"),
    "comment-tie": ("The judge sees no difference.", "評価モデルは差なしと判断。"),
    "no-answer": ("(no answer: {reason})", "（無回答: {reason}）"),
    "gains": ("Best gains", "大きく改善した質問"),
    "regressions": ("Worst regressions", "大きく悪化した質問"),
    "none-gained": ("No answer became better.", "改善した回答はありません。"),
    "none-lost": ("No answer became worse.", "悪化した回答はありません。"),
    "shown-of": (
        "{shown} of {count}; all are in items.csv.",
        "{count} 件中 {shown} 件。すべては items.csv にあります。",
    ),
    "categories": ("By category", "カテゴリー別"),
    "category": ("Category", "カテゴリー"),
    "languages": ("By language", "言語別"),
    "language": ("Language", "言語"),
    "labels": ("Labels", "ラベル別"),
    "label": ("Label", "ラベル"),
    "precision": ("Precision", "適合率"),
    "recall": ("Recall", "再現率"),
    "no-label": ("no label", "ラベルなし"),
    # The judge.
    "preference": ("Preferred by the judge", "評価モデルによる比較"),
    "preference-counts": (
        "{arm} won {won}, the base {lost}, {ties} were ties ({p}, {test}, not adjusted for other tests); "
        "{unanswered} without a verdict.",
        "{arm} の勝ち {won}、ベースの勝ち {lost}、引き分け {ties}"
        "（{p}、{test}、ほかの検定との補正なし）。判定なし {unanswered}。",
    ),
    "sign-test": ("sign test", "符号検定"),
    "sign-flip-test": ("sign-flip test over documents", "文書単位の符号反転検定"),
    "preference-faults": (
        "In both orders: the verdict turned with the order in {flips} of the pairs; single verdicts chose the first "
        "answer {first} times and the second {second} times; the longer answer won {longer} of {decided} pairs.",
        "順序を入れ替えて 2 回判定: 順序で判定が変わった割合 {flips}。最初の回答が選ばれた回数 {first}、"
        "2 番目 {second}。決着した {decided} 組のうち長い回答の勝ち {longer}。",
    ),
    "judge-position": (
        "This judge follows the place of an answer: its preferences are not used.",
        "この評価モデルは回答の位置に左右されるため、比較結果は使いません。",
    ),
    "judge-length": (
        "The longer answer wins so often that length and merit cannot be told apart: these preferences are not used.",
        "長い回答がほぼ必ず勝つため、長さと質を区別できません。この比較結果は使いません。",
    ),
    # Discussion.
    "forgetting": ("Forgetting", "忘却"),
    "forgetting-none": (
        "{arm}: no loss is shown in the general set ({base} → {tuned} of {count} right, a difference of {low} to "
        "{high} at 95 %), and one of 10 points, or of a fifth of what the base knew, is excluded. Found four times in "
        "five: a difference of {detectable}.",
        "{arm}: 一般問題で能力の低下は示されません（{count} 問中 {base} → {tuned} 問正答、"
        "差の 95 % 区間 {low} ～ {high}）。10 ポイント以上、またはベースの正答の 5 分の 1 以上の低下はないと言えます。"
        "5 回に 4 回見つかる差は {detectable} です。",
    ),
    "forgetting-minor": (
        "{arm} has forgotten a little: {base} → {tuned} of {count} general questions right.",
        "{arm} は少し忘れています: 一般問題 {count} 問中 {base} → {tuned} 問正答。",
    ),
    "forgetting-major": (
        "{arm} has forgotten much: {base} → {tuned} of {count} general questions right. Mix general rows into the "
        "training data, lower the learning rate, or train for fewer steps.",
        "{arm} は大きく忘れています: 一般問題 {count} 問中 {base} → {tuned} 問正答。学習データに一般的な例を混ぜる、"
        "学習率を下げる、ステップ数を減らすなどを検討してください。",
    ),
    "forgetting-unknown": (
        "{arm}: cannot be told. The base itself answers {base} of {count} general questions, too few for a loss to "
        "show.",
        "{arm}: 判断できません。ベースモデル自体が {count} 問中 {base} 問しか正答できず、低下を示せません。",
    ),
    "forgetting-unclear": (
        "{arm}: cannot be told. {base} → {tuned} of {count} general questions right, a difference of {low} to {high} "
        "at 95 %: no loss is shown, and one of 10 points, or of a fifth of what the base knew, may be there.",
        "{arm}: 判断できません。一般問題 {count} 問中 {base} → {tuned} 問正答、差の 95 % 区間 {low} ～ {high}: "
        "低下は示されませんが、10 ポイント以上、またはベースの正答の 5 分の 1 以上の低下がないとも言えません。",
    ),
    "lost-questions": ("Lost", "失われた質問"),
    "contamination": ("Contamination", "データの混入"),
    "contamination-none": (
        "No row of {tested} stands in {known} ({count} rows looked at).",
        "{tested} の行は {known} に含まれていません（{count} 行を確認）。",
    ),
    "contamination-found": (
        "{found} of {count} rows of {tested} stand in {known}: {kinds}. Scores on them say nothing of new questions.",
        "{tested} の {count} 行中 {found} 行が {known} に含まれています: {kinds}。"
        "これらのスコアは新しい質問について何も示しません。",
    ),
    "kind": ("Kind", "種類"),
    "where": ("Where", "場所"),
    "also-in": ("Also in", "重複先"),
    "share": ("Share", "割合"),
    "text": ("Text", "本文"),
    "copying": ("Verbatim copies", "丸写し"),
    "copying-none": (
        "{arm}: no run of {least} characters from the training answers.",
        "{arm}: 学習データの回答と {least} 文字以上一致する箇所はありません。",
    ),
    "copying-found": (
        "{arm}: {count} answers hold a run of {least} or more characters from the training answers; the longest has "
        "{characters}: “{text}” ({source}).",
        "{arm}: {count} 件の回答に学習データと {least} 文字以上一致する箇所があります。最長 {characters} 文字:"
        "「{text}」（{source}）。",
    ),
    "costs": ("Cost of an answer", "回答のコスト"),
    "input-tokens": ("Tokens in", "入力トークン"),
    "output-tokens": ("Tokens out", "出力トークン"),
    "median-seconds": ("Median, s", "中央値（秒）"),
    "p95-seconds": ("95th percentile, s", "95 パーセンタイル（秒）"),
    "money": ("Money per 1,000 answers", "1,000 回答あたりの費用"),
    "saved-tokens": (
        "{arm} is asked in {tuned} tokens where {rival} needs {other}: {saved} fewer for every answer.",
        "{rival} の {other} トークンに対し、{arm} は {tuned} トークン: 1 回答あたり {saved} トークン少なくなります。",
    ),
    "rivals-better": (
        "{arm} is better than {rival} in {metric} ({other} → {tuned}, {p}).",
        "{arm} は {metric} で {rival} より良い（{other} → {tuned}、{p}）。",
    ),
    "rivals-not-better": (
        "That {arm} is better than {rival} is not shown in {metric} ({other} → {tuned}, {p}): the prompt alone may "
        "do as well.",
        "{arm} が {rival} より良いことは {metric} では示せません（{other} → {tuned}、{p}）。"
        "プロンプトだけで足りるかもしれません。",
    ),
    "more-data-helps": (
        "From {less} to {more} of the data, {metric} still rises ({low} → {high}): more data will probably help.",
        "データを {less} から {more} に増やすと {metric} はまだ上がります（{low} → {high}）。"
        "データを増やす価値があります。",
    ),
    "more-data-unclear": (
        "From {less} to {more} of the data, no rise of {metric} is shown ({low} → {high}): other data may help more "
        "than more of the same.",
        "データを {less} から {more} に増やしても {metric} の上昇は示されません（{low} → {high}）。"
        "同じデータを増やすより、別の種類のデータの方が役立つかもしれません。",
    ),
    "learning-curve": ("Learning curve", "学習曲線"),
    "limits": ("Not measured", "測定していないもの"),
    "missing-likelihood": (
        "Held-out loss, perplexity and bits per byte: not asked for (--metrics loss, of models on this machine; "
        "Bedrock's API gives no probabilities). The job's own validation loss is in its metrics.",
        "検証損失・パープレキシティ・bits per byte: 指定がありません（このマシンのモデルなら --metrics loss。"
        "Bedrock の API は確率を返しません）。ジョブの検証損失は学習メトリクスにあります。",
    ),
    "missing-bertscore": (
        "BERTScore: no encoder was named (--encoder).",
        "BERTScore: エンコーダーの指定がありません（--encoder）。",
    ),
    "missing-judge": (
        "A judge's ratings and preferences: no judge was named.",
        "評価モデルによる採点: 指定がありません。",
    ),
    "missing-contamination": (
        "Contamination and verbatim copies: the training data were not given.",
        "データの混入と丸写し: 学習データが渡されていません。",
    ),
    "missing-few-shot": (
        "The base with examples from the training data: not asked. It may do as well without any training.",
        "学習データの例を付けたベースモデル: 試していません。学習なしで同等になる可能性があります。",
    ),
    "missing-general": ("Forgetting: the general set was not asked.", "忘却: 一般問題を出していません。"),
    "missing-criteria": (
        "A verdict: state criteria before training, such as: rougeL >= base + 0.1; forgetting <= minor",
        "判定: 学習前に基準を示してください。例: rougeL >= base + 0.1; forgetting <= minor",
    ),
    # The foot.
    "repeat": ("To repeat it", "再現方法"),
    "repeat-text": (
        "evaluation.json beside this page holds every question, answer and figure; `tanren eval report FILE` "
        "makes this page from it again.",
        "このページと同じ場所の evaluation.json に、すべての質問・回答・数値があります。"
        "`tanren eval report evaluation.json` でこのページを作り直せます。",
    ),
    "statistics-note": (
        "Differences: paired bootstrap over {units} (10,000 draws), two-sided sign-flip or exact McNemar test, Holm's "
        "adjustment over the metrics, times the number of tuned models. A difference is called shown where the "
        "adjusted p is below 0.05.",
        "差の評価: {units} 単位の対応ありブートストラップ（10,000 回）、両側の符号反転検定または McNemar の正確検定、"
        "指標間の Holm 補正にモデル数を乗じます。補正後の p が 0.05 未満のとき「示された」とします。",
    ),
    "unit-questions": ("questions", "質問"),
    "unit-documents": ("documents", "文書"),
    "computed-in": ("Computed in {seconds} s besides generation.", "生成以外の計算時間 {seconds} 秒。"),
    "generated-by": ("Made by tanren", "tanren により作成"),
}

WORDS: Final[dict[str, dict[str, str]]] = {
    language: {key: texts[place] for key, texts in _PAIRS.items()} for place, language in enumerate(LANGUAGES)
}


def say(language: str, key: str, **figures: object) -> str:
    return WORDS[language][key].format(**figures)
