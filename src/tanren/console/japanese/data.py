"""Buckets, files of data and what is seen in them, and pairs from a document."""

from typing import Final

DATA: Final[dict[str, str]] = {
    "{uri} is not there, or you may not know of it. Choose a file of yours.": (
        "{uri} はありません (または参照が許可されていません)。お手元のファイルを選択してください。"
    ),
    "There is no bucket “{bucket}” for the output. Make it under Data, or choose another place.": (
        "出力先のバケット「{bucket}」がありません。「データ」で作成するか、別の場所を選択してください。"
    ),
    # data
    "Buckets": "バケット",
    "No bucket yet": "バケットはまだありません",
    "Drop files here, or choose them": "ここにファイルをドロップするか、選択してください",
    "The upload failed": "アップロードできませんでした",
    "The file has no name.": "ファイル名がありません。",
    "No job can read a file of this name: Bedrock takes letters from a to z, digits and - ! _ * ' ( ) . alone, and no "
    "spaces. Upload it again under another name, such as train.jsonl.": (
        "この名前のファイルはジョブで使用できません。Bedrock で使えるのは半角の英数字と - ! _ * ' ( ) . のみで、"
        "日本語やスペースは使えません。train.jsonl のような名前に変えて、もう一度アップロードしてください。"
    ),
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
    "3 to 63 small letters, digits, points and hyphens; first and last a letter or digit.": (
        "英小文字、数字、ピリオド、ハイフンで 3 ～ 63 文字。先頭と末尾は英小文字か数字にします。"
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
}
