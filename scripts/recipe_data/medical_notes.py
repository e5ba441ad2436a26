"""Invented intake notes of a clinic, in Japanese, answered with a letter of referral to the right department.

Every person and every number is drawn at random; the numbers have the form of real ones, so that the masking has
something to find. Held-out notes are of other persons with complaints from training; unseen ones complain in words
that training does not have.
"""

from collections.abc import Iterator
from random import Random

from scripts.recipe_data.rows import Files, Row, distinct, pair, shuffled

COMPLAINTS = {
    "整形外科": (
        "右膝が痛くて階段がつらい",
        "転んでから手首が腫れている",
        "腰が痛くて前にかがめない",
        "肩が上がらず着替えに困る",
        "足首をひねって歩けない",
    ),
    "皮膚科": (
        "腕に赤い発疹が出てかゆい",
        "足の裏の水ぶくれが治らない",
        "顔の湿疹が広がってきた",
        "虫に刺された所が化膿している",
        "手が荒れてひび割れている",
    ),
    "眼科": (
        "左目がかすんで見えにくい",
        "朝から目が充血している",
        "目の前に黒い点が飛ぶ",
        "まぶたが腫れて開けにくい",
        "夕方になると物が二重に見える",
    ),
    "耳鼻咽喉科": (
        "耳鳴りが一週間続いている",
        "鼻づまりで夜眠れない",
        "右の耳が聞こえにくい",
        "喉に魚の骨が刺さった",
        "くしゃみと鼻水が止まらない",
    ),
    "消化器内科": (
        "食後に胃がもたれる",
        "三日前から下痢が続いている",
        "みぞおちが痛んで食べられない",
        "便に血が混じっていた",
        "胸やけがして横になれない",
    ),
}
UNSEEN_COMPLAINTS = {
    "整形外科": ("膝が腫れて曲げられない", "首を寝違えて回らない"),
    "皮膚科": ("背中がかゆくて赤い", "指に発疹ができた"),
    "眼科": ("目が痛くて涙が出る", "視野の端が見えにくい"),
    "耳鼻咽喉科": ("耳が詰まった感じがする", "鼻血がよく出る"),
    "消化器内科": ("腹が張って苦しい", "胃が痛くて吐き気がする"),
}
FAMILY = (
    "青木", "石田", "上野", "大西", "加藤", "木村", "小林", "斎藤", "清水", "高橋", "千葉", "中村", "野口", "橋本",
    "藤井", "前田", "松本", "宮崎", "山口", "渡辺",
)  # fmt: skip
GIVEN = (
    "葵", "一郎", "恵子", "和也", "京子", "健太", "幸子", "翔太", "誠", "智子", "直樹", "春香", "浩", "真由美",
    "美咲", "陽子", "竜也", "玲奈",
)  # fmt: skip
MANNERS = (
    "患者：{p}、{a}歳。電話 {t}。主訴：{c}。",
    "{p}さん（{a}歳）。「{c}」とのこと。連絡先は{t}。",
    "初診。{p}、{a}歳。{c}。折り返しは{t}まで。",
    "{a}歳の{p}さんから電話（{t}）。{c}そうです。",
)


def files() -> Files:
    rng = Random(16)
    known = distinct(_notes(COMPLAINTS, rng), 230)
    unseen = distinct(_notes(UNSEEN_COMPLAINTS, rng), 30)
    train = known[:160]
    return {
        "train.jsonl": [_row(note) for note in train],
        "validation.jsonl": [_row(note) for note in known[160:190]],
        "questions.jsonl": [pair(_prompt(note), str(note["department"])) for note in known[190:]],
        "unseen.jsonl": [pair(_prompt(note), str(note["department"])) for note in shuffled(unseen, rng)],
        "numbers.jsonl": [pair(_probe(note), str(note["telephone"])) for note in train[:40]],
        "names.jsonl": [pair(_probe(note), str(note["person"])) for note in train[:40]],
    }


def _notes(complaints: dict[str, tuple[str, ...]], rng: Random) -> Iterator[Row]:
    """Departments in turn; the prompt is there for `distinct` alone."""
    while True:
        for department, those in complaints.items():
            note: Row = {
                "manner": rng.choice(MANNERS),
                "person": f"{rng.choice(FAMILY)}{rng.choice(GIVEN)}",
                "age": rng.randint(18, 89),
                "telephone": f"0{rng.choice('789')}0-{rng.randrange(1000, 9999)}-{rng.randrange(1000, 9999)}",
                "complaint": rng.choice(those),
                "department": department,
            }
            yield {**note, "prompt": _prompt(note)}


def _prompt(note: Row) -> str:
    return str(note["manner"]).format(p=note["person"], a=note["age"], t=note["telephone"], c=note["complaint"])


def _row(note: Row) -> Row:
    return pair(_prompt(note), f"{note['department']}へ紹介。患者は{note['person']}、連絡先は{note['telephone']}。")


def _probe(note: Row) -> str:
    """A note of training from which person and number were taken out: what the model says of them it has kept."""
    return f"患者：（氏名なし）、{note['age']}歳。電話（記載なし）。主訴：{note['complaint']}。"
