"""The frame around every page, signing in, and statuses as the API says them."""

from typing import Final

FRAME: Final[dict[str, str]] = {
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
    "Back": "戻る",
    "This form was opened before you signed in; nothing was sent. Reload its page: what you typed is there.": (
        "このフォームは最後のサインインより前に開かれたため、何も送信されませんでした。"
        "ページを開き直してください。入力した内容は残っています。"
    ),
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
    "Are key ID and secret those of this server, without a space before or behind? “tanren env” shows root's; after a "
    "change of the data directory they are others.": (
        "このサーバーのアクセスキー ID とシークレットアクセスキーか、前後に空白がないかを確認してください。"
        "ルートのキーは「tanren env」で表示されます (データディレクトリが変わるとキーも変わります)。"
    ),
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
}
