"""The in-house words of an invented ferry company, in English and Japanese.

Each word is trained in four of its language's six wordings, validated in one and asked in the sixth: a question that
was trained with other words. The definition is the same sentence each time; what is asked for is a part of it that
stands in no other definition.
"""

from collections.abc import Sequence
from random import Random

from scripts.recipe_data.rows import Files, pair, shuffled

ENGLISH_WORDINGS = (
    "What is a {x}?",
    "What does {x} mean?",
    "Explain {x} to a new colleague.",
    "Define {x}.",
    "Somebody said {x} on the radio. What is that?",
    "Tell me the meaning of {x}.",
)
JAPANESE_WORDINGS = (
    "「{x}」とは何ですか。",
    "「{x}」の意味を教えてください。",
    "新人に「{x}」を説明してください。",
    "無線で「{x}」と聞きました。何のことですか。",
    "社内で言う「{x}」を定義してください。",
    "「{x}」って何でしょうか。",
)
ENGLISH = {
    "greenboard": ("A greenboard is a pallet that has passed inspection and may be loaded.", "has passed inspection"),
    "dry crossing": ("A dry crossing is a trip on which no vehicle is carried.", "no vehicle"),
    "lantern hour": ("The lantern hour is the first hour after sunset, when deck lights are tested.", "after sunset"),
    "ghost berth": ("A ghost berth is a berth that is booked but stays empty.", "stays empty"),
    "half bell": ("A half bell is the signal that the ramp closes in five minutes.", "closes in five minutes"),
    "salt list": ("A salt list is the list of goods that must not get wet.", "must not get wet"),
    "north desk": ("The north desk is the office that handles lost luggage.", "lost luggage"),
    "cold key": ("A cold key is a cabin key that was not returned.", "was not returned"),
    "walk-on": ("A walk-on is a passenger who comes without a reservation.", "without a reservation"),
    "tide note": ("A tide note is the captain's report of a delay caused by the tide.", "delay caused by the tide"),
    "quiet deck": ("A quiet deck is a deck on which no announcements are played.", "no announcements"),
    "blue slip": ("A blue slip is a voucher for a free hot meal.", "free hot meal"),
    "long rope": ("A long rope is a shift of more than ten hours.", "more than ten hours"),
    "mirror trip": ("A mirror trip is a return on the same day with the same crew.", "with the same crew"),
    "sand car": ("A sand car is a vehicle that broke down on board.", "broke down on board"),
    "gull": ("A gull is a passenger who feeds birds against the rules.", "feeds birds"),
    "paper harbour": ("A paper harbour is a port that we serve only in the winter timetable.", "winter timetable"),
    "second whistle": ("The second whistle is the last call for the crew to board.", "last call for the crew"),
}
JAPANESE = {
    "朝凪便": ("朝凪便とは、午前六時より前に出る便のことです。", "午前六時より前"),
    "白札": ("白札とは、検査がまだ済んでいない荷物に付ける札です。", "検査がまだ済んでいない"),
    "潮待ち": ("潮待ちとは、潮位が足りずに出港を遅らせることです。", "出港を遅らせる"),
    "片帆": ("片帆とは、往路だけ満席になる便のことです。", "往路だけ満席"),
    "灯番": ("灯番とは、夜間に甲板の照明を点検する当番です。", "照明を点検する"),
    "空綱": ("空綱とは、予約されたのに使われなかった係留場所です。", "使われなかった係留場所"),
    "三番鐘": ("三番鐘とは、乗船口を閉める三分前の合図です。", "三分前の合図"),
    "砂車": ("砂車とは、船内で故障した車両のことです。", "故障した車両"),
    "青伝票": ("青伝票とは、温かい食事と引き換える伝票です。", "温かい食事と引き換える"),
    "返し潮": ("返し潮とは、同じ日に同じ乗組員で折り返す運航です。", "折り返す運航"),
    "浜預かり": ("浜預かりとは、港で一晩だけ預かる手荷物です。", "一晩だけ預かる"),
    "渡り客": ("渡り客とは、予約をせずに来る乗客のことです。", "予約をせずに来る"),
    "凪席": ("凪席とは、船の揺れが最も少ない中央の席です。", "揺れが最も少ない"),
    "裏時刻": ("裏時刻とは、冬だけ使う時刻表のことです。", "冬だけ使う"),
    "綱頭": ("綱頭とは、係留作業の責任者のことです。", "係留作業の責任者"),
    "塩止め": ("塩止めとは、濡らしてはいけない貨物のことです。", "濡らしてはいけない"),
    "灯台便": ("灯台便とは、乗客を乗せない点検のための便です。", "乗客を乗せない"),
    "星組": ("星組とは、夜勤だけを担当する班のことです。", "夜勤だけを担当する"),
}


def files() -> Files:
    rng = Random(15)
    made: Files = {"train.jsonl": [], "validation.jsonl": [], "questions.jsonl": []}
    for words, wordings in ((ENGLISH, ENGLISH_WORDINGS), (JAPANESE, JAPANESE_WORDINGS)):
        for number, (word, (definition, core)) in enumerate(words.items()):
            asked, validated, *trained = _turned([wording.format(x=word) for wording in wordings], number)
            made["train.jsonl"] += [pair(wording, definition) for wording in trained]
            made["validation.jsonl"].append(pair(validated, definition))
            made["questions.jsonl"].append(pair(asked, core))
    return {name: shuffled(rows, rng) for name, rows in made.items()}


def _turned(wordings: Sequence[str], by: int) -> list[str]:
    start = by % len(wordings)
    return [*wordings[start:], *wordings[:start]]
