"""Lines of a factory's inspection log in Japanese, to be given a class and a disposition.

The line names station, lot and part; what was found decides. Held-out lines are new combinations, unseen ones describe
the fault in words that no training line has.
"""

from collections.abc import Iterator
from random import Random

from scripts.recipe_data.rows import Files, Row, distinct, pair, shuffled

PARTS = ("ハウジング", "シャフト", "カバー", "ブラケット", "ギア", "ノズル", "フランジ", "スペーサー")
STATIONS = ("受入検査", "外観検査", "組立3号機", "最終検査", "出荷前検査")
DISPOSITIONS = {
    "傷": "手直し",
    "汚れ": "清掃",
    "寸法": "再測定",
    "欠け": "廃棄",
    "異音": "分解点検",
    "表示": "貼り替え",
}
FINDINGS = {
    "傷": (
        "側面に長さ{n}ミリの擦り傷あり",
        "表面に細かい引っかき傷が{n}本",
        "打ち傷を{n}か所確認",
        "角に工具の当たり傷あり",
        "搬送時の擦れ傷あり",
    ),
    "汚れ": (
        "油の付着あり",
        "指紋が{n}か所に残っている",
        "切粉が溝に残っている",
        "白い粉じんの付着あり",
        "塗料のはねが{n}か所",
    ),
    "寸法": (
        "外径が規格より0.0{n}ミリ大きい",
        "穴の位置が0.{n}ミリずれている",
        "全長が下限を下回る",
        "厚みのばらつきが大きい",
        "内径がゲージを通らない",
    ),
    "欠け": (
        "縁が{n}ミリ欠けている",
        "歯が{n}枚欠損",
        "先端が割れている",
        "角が欠け落ちている",
        "ひびから一部が脱落",
    ),
    "異音": (
        "回転時にきしみ音あり",
        "{n}秒ごとに打音がする",
        "起動時にうなり音が出る",
        "軸受からかすれた音がする",
        "振ると内部で音がする",
    ),
    "表示": (
        "ラベルの向きが逆",
        "製造番号の印字がかすれている",
        "銘板の貼り忘れ",
        "ロット番号の印字が{n}文字抜けている",
        "警告ラベルが傾いている",
    ),
}
UNSEEN_FINDINGS = {
    "傷": ("裏面に深い傷が一本", "磨き残しのような擦れた傷"),
    "汚れ": ("全体に油汚れ", "粉が付着したまま"),
    "寸法": ("外径が規格外", "全長が1ミリ長い"),
    "欠け": ("歯先が欠けている", "端が割れて欠けた"),
    "異音": ("低速で異音がする", "うなるような音が止まらない"),
    "表示": ("ラベルが貼られていない", "印字が読めない"),
}


def files() -> Files:
    rng = Random(13)
    known = distinct(_lines(FINDINGS, rng), 282)
    unseen = distinct(_lines(UNSEEN_FINDINGS, rng), 36)
    return {
        "train.jsonl": known[:210],
        "validation.jsonl": known[210:240],
        "questions.jsonl": known[240:],
        "unseen.jsonl": shuffled(unseen, rng),
    }


def _lines(findings: dict[str, tuple[str, ...]], rng: Random) -> Iterator[Row]:
    """The classes in turn."""
    while True:
        for kind, those in findings.items():
            found = rng.choice(those).format(n=rng.randint(2, 9))
            lot = f"{rng.choice('ABCDE')}{rng.randrange(1000):03}"
            prompt = f"{rng.choice(STATIONS)} ロット{lot} {rng.choice(PARTS)}: {found}"
            yield pair(prompt, f"分類: {kind} / 処置: {DISPOSITIONS[kind]}")
