"""What the validator finds in files of data: `Sentence`s of `tanren.data`, by their templates."""

from typing import Final

FINDINGS: Final[dict[str, str]] = {
    # of several
    "The data have 1 error. ": "データに問題が 1 件あります。",
    "The data have {count} errors. ": "データに問題が {count} 件あります。",
    "Data files must conform to JSONL format, one valid record a line.": (
        "データファイルは、1 行に 1 件の正しいレコードを書いた JSONL 形式である必要があります。"
    ),
    "… and {count} more.": "… ほか {count} 件。",
    " line {line}": " の {line} 行目",
    " column {column}": " {column} 文字目",
    " The same holds {count} times more.": " ほかの {count} 件も同様です。",
    # the file as a whole
    "the file is empty.": "ファイルが空です。",
    "the file has no records.": "ファイルにレコードがありません。",
    "Give it at least one record.": "レコードを 1 件以上入れてください。",
    "the file is {kind}.": "ファイルは{kind}です。",
    "the file is Parquet.": "ファイルは Parquet 形式です。",
    "the file is a table (CSV), where AWS takes JSONL.": "ファイルは表 (CSV) です。AWS で使えるのは JSONL です。",
    "the file is one JSON array, where AWS takes JSONL: one object a line.": (
        "ファイル全体が 1 つの JSON 配列です。AWS で使えるのは、1 行に 1 オブジェクトの JSONL です。"
    ),
    "records are spread over several lines, where AWS takes one a line.": (
        "1 件のレコードが複数行にわたっています。AWS では 1 行に 1 件です。"
    ),
    "the file is compressed by gzip; it was unpacked.": "ファイルは gzip で圧縮されています (展開して読み取りました)。",
    "what gzip had compressed is compressed again.": "gzip で二重に圧縮されています。",
    "the compressed file is cut off.": "圧縮ファイルが途中で切れています。",
    "gzip cannot unpack it: {error}.": "gzip で展開できません: {error}",
    "the file is UTF-32.": "ファイルは UTF-32 です。",
    "the file is UTF-16; it was read as such.": "ファイルは UTF-16 です (UTF-16 として読み取りました)。",
    "the file began as UTF-16 and is not: {error}.": (
        "ファイルは UTF-16 で始まっていますが、途中から UTF-16 ではありません: {error}"
    ),
    "the file begins with a UTF-8 byte order mark, which was left out.": (
        "ファイルの先頭に UTF-8 の BOM があります (除いて読み取りました)。"
    ),
    "Nothing needs to be done here. For AWS: tanren data doctor FILE --repair NEW.jsonl": (
        "ここでは対応不要です。AWS 用に直すには: tanren data doctor FILE --repair NEW.jsonl"
    ),
    "Unpack it once.": "一度展開してください。",
    "Compress it again.": "圧縮し直してください。",
    "Upload it again.": "もう一度アップロードしてください。",
    "Save it as UTF-8.": "UTF-8 で保存してください。",
    "Save the file as UTF-8.": "ファイルを UTF-8 で保存してください。",
    "Save the file as UTF-8 without BOM; AWS may refuse it.": (
        "BOM なしの UTF-8 で保存してください。AWS では拒否されることがあります。"
    ),
    "Save the file as UTF-8: tanren data doctor FILE --repair NEW, or iconv -f {encoding} -t UTF-8 FILE.": (
        "UTF-8 で保存してください: tanren data doctor FILE --repair NEW、または iconv -f {encoding} -t UTF-8 FILE"
    ),
    "Write its records as JSONL.": "レコードを JSONL で書いてください。",
    "Parquet is read with pyarrow, which is not installed.": (
        "Parquet の読み取りには pyarrow が必要ですが、インストールされていません。"
    ),
    "pip install 'tanren[parquet]', or write the data as JSONL.": (
        "pip install 'tanren[parquet]' を実行するか、データを JSONL で書いてください。"
    ),
    "the Parquet file cannot be read: {error}.": "Parquet ファイルを読み取れません: {error}",
    "Write it again; it may have been cut off.": "書き出し直してください。途中で切れた可能性があります。",
    # counts, sizes and formats that AWS takes
    "{rows} records; AWS takes at least {bound} for this model.": (
        "レコードは {rows} 件です。AWS では、このモデルに {bound} 件以上が必要です。"
    ),
    "{rows} records; AWS takes at most {bound} for this model.": (
        "レコードは {rows} 件です。AWS では、このモデルに {bound} 件までです。"
    ),
    "{size} bytes; AWS takes at most {bound} in a file for this model.": (
        "サイズは {size} バイトです。AWS では、このモデルのファイルは {bound} バイトまでです。"
    ),
    "the format is {format}; AWS takes {formats} for this model.": (
        "形式は {format} です。AWS では、このモデルに使えるのは {formats} です。"
    ),
    "the file's name has other characters than letters, digits, and _ - / . of ASCII.": (
        "ファイル名に、半角英数字と _ - / . 以外の文字が含まれています。"
    ),
    "the file's name does not end in .jsonl.": "ファイル名が .jsonl で終わっていません。",
    "tanren trains with them; the same job would be refused on AWS.": (
        "tanren では学習できますが、AWS では同じジョブが拒否されます。"
    ),
    # lines
    "the line is blank.": "空行です。",
    "Remove it.": "削除してください。",
    "Remove it; every line must be a record.": "削除してください。すべての行がレコードである必要があります。",
    "the line is longer than {size} MiB.": "行が {size} MiB を超えています。",
    "Write one record a line.": "1 行に 1 件のレコードを書いてください。",
    "byte 0x{byte} is not UTF-8; the rest of the file was not read.": (
        "バイト 0x{byte} は UTF-8 ではありません。ファイルの残りは読み取っていません。"
    ),
    "byte 0x{byte} at byte offset {offset} of the line is not UTF-8.": (
        "行の先頭から {offset} バイト目の 0x{byte} は UTF-8 ではありません。"
    ),
    " The line reads as {encoding}.": "この行は {encoding} として読めます。",
    "invalid JSON: {error}.": "JSON として正しくありません: {error}",
    "invalid JSON: {error}; the rest of the file was not read.": (
        "JSON として正しくありません: {error}。ファイルの残りは読み取っていません。"
    ),
    "invalid JSON: {name} is no JSON value.": "JSON として正しくありません: {name} は JSON の値ではありません。",
    "invalid CSV: {error}; the rest of the file was not read.": (
        "CSV として正しくありません: {error}。ファイルの残りは読み取っていません。"
    ),
    "Repair it, and check again.": "修正して、もう一度確認してください。",
    "Repair the line.": "行を修正してください。",
    "Repair the line; each must be one JSON object.": (
        "行を修正してください。各行は 1 つの JSON オブジェクトである必要があります。"
    ),
    'Put fields with commas, quotes or line breaks between quotes, and write " inside as "".': (
        'カンマ、引用符、改行を含む項目は引用符で囲み、中の " は "" と書いてください。'
    ),
    "the line is a JSON {kind}.": "行は JSON の{kind}です。",
    "the record is a JSON {kind}.": "レコードは JSON の{kind}です。",
    "Write one JSON object a line.": "1 行に 1 つの JSON オブジェクトを書いてください。",
    "Write JSON objects.": "JSON オブジェクトで書いてください。",
    'the key "{key}" stands twice in one object.': "1 つのオブジェクトにキー「{key}」が 2 回あります。",
    "Keep one of them.": "どちらか一方だけを残してください。",
    'the column "{column}" stands twice.': "列「{column}」が 2 回あります。",
    "Rename one of them.": "どちらかの名前を変えてください。",
    "the row has {fields} fields, the header has {columns}.": (
        "この行の項目は {fields} 個ですが、ヘッダーは {columns} 個です。"
    ),
    "Put a field that holds the delimiter between quotes.": "区切り文字を含む項目は引用符で囲んでください。",
    # formats
    "the record is empty.": "レコードが空です。",
    "the record has none of the keys of a training record, but {keys}.": (
        "レコードにトレーニングデータのキーがありません。あるキー: {keys}"
    ),
    ". Where only the keys are other ones: tanren data preprocess --prompt-key KEY --completion-key KEY": (
        "。キーの名前だけが違う場合: tanren data preprocess --prompt-key キー --completion-key キー"
    ),
    "Input data must follow ": "次の形式で書いてください: ",
    " or ": " または ",
    "Expected {example}": "正しい形式: {example}",
    "the record is in the format {format}, the file began with {first}.": (
        "このレコードの形式は {format} ですが、ファイルの先頭は {first} です。"
    ),
    "Keep one format a file: {example}": "1 つのファイルでは形式を統一してください: {example}",
    '"{key}" belongs to another format than {format}.': "「{key}」は {format} とは別の形式のキーです。",
    "the record is in the format {format}, which is for {other}; the job's customizationType is {type}.": (
        "このレコードの形式 {format} は {other} 用ですが、ジョブの customizationType は {type} です。"
    ),
    "Ask for {other}, or write the records as {example}": (
        "{other} のジョブにするか、次の形式で書いてください: {example}"
    ),
    '"{key}" is missing.': "「{key}」がありません。",
    'the key "{key}" was not used.': "キー「{key}」は使われませんでした。",
    "Remove or rename it. Expected {example}": "削除するか、名前を直してください。正しい形式: {example}",
    '"{key}" is {kind}.': "「{key}」が{kind}になっています。",
    '"{key}" is {kind}, a string is expected.': "「{key}」が{kind}になっています。文字列が必要です。",
    "Make it a string.": "文字列にしてください。",
    "Make it an object.": "オブジェクトにしてください。",
    "Make it a list of messages.": "メッセージのリストにしてください。",
    '"{key}" is empty.': "「{key}」が空です。",
    "Give it text, or remove the record.": "内容を書くか、このレコードを削除してください。",
    '"{key}" has half of a surrogate pair (\\ud800 to \\udfff), which no text can hold.': (
        "「{key}」に、文字として成り立たないサロゲートペアの片方 (\\ud800 ～ \\udfff) があります。"
    ),
    "Write the whole character.": "文字全体を書いてください。",
    '"{key}" is garbled: UTF-8 that was read in another encoding and saved again.': (
        "「{key}」が文字化けしています (UTF-8 を別の文字コードで読み、保存し直したものです)。"
    ),
    "Characters were lost on the way; take the text from its source again.": (
        "文字が失われています。元の文章から取り直してください。"
    ),
    "the text holds {reserved}, which is reserved in this format.": (
        "この形式で予約されている {reserved} が含まれています。"
    ),
    '"{key}" holds {reserved}, which AWS reserves in data for {family}.': (
        "「{key}」に {reserved} が含まれています。AWS は {family} のデータでこれを予約しています。"
    ),
    "Rephrase it, for instance without the colon.": "コロンを除くなどして書き換えてください。",
    "Rephrase it, for instance without the colon; tanren trains on it as it is.": (
        "コロンを除くなどして書き換えてください。tanren ではこのまま学習できます。"
    ),
    "{what} has {characters} characters, about {tokens} tokens at {each} characters each; AWS takes {bound} tokens for "
    "{family}.": (
        "{what}は {characters} 文字、1 トークンを {each} 文字として約 {tokens} トークンです。"
        "AWS では、{family} で使えるのは {bound} トークンまでです。"
    ),
    "Split it into several records, or shorten it; tanren trains on it where it fits the model's window.": (
        "複数のレコードに分けるか、短くしてください。tanren では、モデルのコンテキストに収まれば学習できます。"
    ),
    # prompt and completion
    "the prompt has a turn of the role {role}; tanren does not train on it.": (
        "プロンプトにロール {role} の発言があります。tanren はこれを学習しません。"
    ),
    "Leave this record out, or write what the turn says into a message of the user.": (
        "このレコードを除くか、その内容をユーザーのメッセージに書いてください。"
    ),
    "the prompt ends with the beginning of the answer, which would not be learned.": (
        "プロンプトの末尾に回答の書き出しがあり、この部分は学習されません。"
    ),
    "Move that text to the start of the completion.": "その部分を completion の先頭に移してください。",
    "prompts written in the template {template} are read as the turns that they stand for, as they are when the model "
    "is invoked: the base model's own template goes around them, and answers in them are learned too.": (
        "テンプレート {template} で書かれたプロンプトは、推論時と同じく、表している発言に分けて読み取ります。"
        "ベースモデル自身のテンプレートが適用され、プロンプト中の回答も学習されます。"
    ),
    "Nothing needs to be changed; plain text in prompt and completion says the same.": (
        "変更は不要です。prompt と completion に普通の文を書いても同じ意味になります。"
    ),
    # messages
    'Write "schemaVersion": "{version}".': '"schemaVersion": "{version}" と書いてください。',
    '"schemaVersion" is "{version}"; it was read as "{known}".': (
        "「schemaVersion」が「{version}」になっています (「{known}」として読み取りました)。"
    ),
    'Write "{known}"; some families refuse anything else.': (
        "「{known}」と書いてください。それ以外を拒否するモデルもあります。"
    ),
    '"messages" has {count} of at least 2 messages.': "「messages」のメッセージが {count} 件です。2 件以上が必要です。",
    "Give a user message and the assistant's answer.": "ユーザーのメッセージとアシスタントの回答を書いてください。",
    "message {number} is {kind}.": "{number} 番目のメッセージが{kind}になっています。",
    'message {number} has no "role".': "{number} 番目のメッセージに「role」がありません。",
    'Add "role": "{role}".': '"role": "{role}" を加えてください。',
    "the role of message {number} is {kind}.": "{number} 番目のメッセージのロールが{kind}になっています。",
    'message {number} has the role "{role}".': "{number} 番目のメッセージのロールが「{role}」です。",
    'Use "user" or "assistant".': "「user」または「assistant」にしてください。",
    'message {number} has the role "system".': "{number} 番目のメッセージのロールが「system」です。",
    'Move its text to the key "system" of the record; `tanren data preprocess --from openai` does.': (
        "その内容をレコードのキー「system」に移してください (`tanren data preprocess --from openai` で変換できます)。"
    ),
    'the first message has the role "{role}".': "最初のメッセージのロールが「{role}」です。",
    "Begin with a user message.": "ユーザーのメッセージから始めてください。",
    'the last message has the role "{role}".': "最後のメッセージのロールが「{role}」です。",
    "End with the assistant's answer: it is what is learned.": (
        "アシスタントの回答で終わるようにしてください。学習されるのは回答です。"
    ),
    'message {number} has the role "{role}", as the one before it.': (
        "{number} 番目のメッセージのロールが、直前と同じ「{role}」です。"
    ),
    "Let user and assistant alternate; join messages of one role.": (
        "ユーザーとアシスタントを交互にしてください。同じロールが続くメッセージは 1 つにまとめます。"
    ),
    # blocks of a message
    "content of message {number}": "{number} 番目のメッセージの content",
    " is {kind}.": " が{kind}になっています。",
    'Write a list: [{{"text": "…"}}].': 'リストで書いてください: [{{"text": "…"}}]',
    " has a block that is {kind}.": " に{kind}のブロックがあります。",
    " has an empty block.": " に空のブロックがあります。",
    'Write {{"text": "…"}}.': '{{"text": "…"}} と書いてください。',
    ' has a block "{key}"; tanren does not train on {what}.': (
        " に「{key}」ブロックがあります。tanren は{what}を学習しません。"
    ),
    "Leave this record out, or describe it in text.": "このレコードを除くか、文章で表してください。",
    ' has a block with the key "{key}".': " のブロックにキー「{key}」があります。",
    'Use only "text".': "「text」だけを使ってください。",
    " has {count} blocks, 1 is expected.": " のブロックが {count} 個あります (1 個である必要があります)。",
    "Join the texts in one block.": "文章を 1 つのブロックにまとめてください。",
    # what the base model and the job add
    "Max sum of input and output token length {length} exceeds total limit of {limit}.": (
        "入力と出力の合計 {length} トークンが、上限の {limit} トークンを超えています。"
    ),
    "Shorten or split the record, or raise maxSequenceLength where the base model allows it.": (
        "レコードを短くするか分割してください。ベースモデルが対応していれば、maxSequenceLength を上げることもできます。"
    ),
    "Change the record to what this job can train on.": "このジョブで学習できる内容に直してください。",
}

KINDS: Final[dict[str, str]] = {
    # of JSON values
    "null": "null",
    "a boolean": "真偽値",
    "a number": "数値",
    "a string": "文字列",
    "a list": "リスト",
    "an object": "オブジェクト",
    "object": "オブジェクト",
    "array": "配列",
    "string": "文字列",
    "number": "数値",
    "boolean": "真偽値",
    # of files
    "a ZIP archive, or a spreadsheet or document, which are such archives": (
        " ZIP アーカイブ (または ZIP 形式の表計算ファイルや文書)"
    ),
    "compressed by bzip2": " bzip2 で圧縮されたもの",
    "compressed by xz": " xz で圧縮されたもの",
    "compressed by Zstandard": " Zstandard で圧縮されたもの",
    "a PDF document": " PDF 文書",
    "an old Excel or Word file": "旧形式の Excel または Word のファイル",
    "an Arrow file": " Arrow ファイル",
    "an Avro file": " Avro ファイル",
    "a SQLite database": " SQLite データベース",
    # of what a message holds
    "images": "画像",
    "videos": "動画",
    "documents": "ドキュメント",
    "tool calls": "ツールの呼び出し",
    "tool results": "ツールの結果",
    "reasoning": "推論の過程",
    "audio": "音声",
    "cache points": "キャッシュポイント",
    "guardrail content": "ガードレールの内容",
    # of what is long
    "the input of the record": "レコードの入力",
    "the output of the record": "レコードの出力",
    "the record": "レコード",
    # of what is not finite
    "loss": "損失",
    "gradient": "勾配",
    # of what Python's parser of JSON says
    "expecting value": "値がありません",
    "expecting ',' delimiter": "「,」で区切られていません",
    "expecting ':' delimiter": "「:」がありません",
    "expecting property name enclosed in double quotes": "二重引用符で囲んだキーがありません",
    "unterminated string starting at": "文字列が閉じられていません",
    "invalid control character at": "制御文字が含まれています",
    "invalid \\escape": "「\\」の使い方が正しくありません",
    "extra data": "余分なデータがあります",
}
"""Values of a sentence that are words themselves: those that it calls `kind`, `what` or `error`."""
