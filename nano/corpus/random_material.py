# ruff: noqa: E501, SIM905 - wordings are data: one line each, word lists as they are read
"""Material nobody can predict: what an answer that copies is made of.

Each maker draws one item: strings of letters, codes, numbers, addresses, dates, words, names, short phrases.
"""

from random import Random

from nano.corpus import names
from nano.corpus.attributes import Language, Value
from nano.corpus.subjects import ENGLISH, JAPANESE, invent

ENGLISH_WORDS = "apple river seven window paper green mountain key bottle music tiger lamp silver bread cloud garden train button winter orange stone letter boat candle mirror pepper castle forest basket hammer violin island pencil rocket spoon carpet ladder needle pocket shadow sugar thunder valley wagon yellow zebra anchor bridge copper desert engine feather glove harbour insect jacket kitchen lemon magnet north ocean planet quiet rabbit salt table umbrella village water young acid blanket circle dragon evening finger guitar honey iron judge kettle laser market nurse olive parade queen ribbon summer ticket urban velvet whisper brisk clever dusty eager faint gentle hollow idle jolly keen loud mild narrow odd proud quick rough sharp tidy vast warm run jump carry build open close write send paint count follow listen measure repair travel answer choose deliver explain gather invite".split()
JAPANESE_WORDS = "りんご 川 七 窓 紙 緑 山 鍵 音楽 虎 電灯 銀 パン 雲 庭 電車 冬 みかん 石 手紙 船 鏡 城 森 籠 島 鉛筆 砂糖 谷 馬 本 机 帽子 時計 海 空 花火 朝 夜 風 雨 雪 星 月 火 水 木 土 犬 猫 鳥 魚 牛 茶 米 塩 橋 道 駅 店 町 村 家 部屋 戸 箱 皿 箸 布 糸 針 靴 傘 絵 歌 声 色 形 数 力 心 夢 旅 地図 写真 新聞 電話 切符 荷物 財布 眼鏡 手袋 毛布 枕 石鹸 歯車 磁石 風船 太鼓 笛 凧 ランプ テーブル ピアノ カメラ バス ノート".split()
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_MIXED = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_MONTHS = "January February March April May June July August September October November December".split()


def letters(rng: Random) -> str:
    return "".join(rng.choices(_LOWER, k=rng.randint(3, 9)))


def mixed(rng: Random) -> str:
    return "".join(rng.choices(_MIXED, k=rng.randint(4, 12)))


def digits(rng: Random) -> str:
    return str(rng.randrange(10 ** rng.randint(1, 7)))


def decimal(rng: Random) -> str:
    return f"{rng.randrange(1000)}.{rng.randrange(100):02d}"


def email(rng: Random) -> str:
    return f"{rng.choice((names.given, names.surname))(rng).lower()}{rng.choice(('', '.', '_'))}{rng.choice((letters, digits))(rng)}@{names.thing(rng).lower()}.example"


def url(rng: Random) -> str:
    return f"https://{names.thing(rng).lower()}.example/{letters(rng)}" + rng.choice(
        ("", f"/{rng.randrange(999)}", f"?id={mixed(rng)}")
    )


def date(rng: Random) -> str:
    day, month, year = rng.randrange(1, 29), rng.randrange(12), rng.randrange(1950, 2050)
    return rng.choice(
        (
            f"{year}-{month + 1:02d}-{day:02d}",
            f"{day} {_MONTHS[month]} {year}",
            f"{_MONTHS[month]} {day}",
            f"{day:02d}.{month + 1:02d}.{year}",
        )
    )


def ja_date(rng: Random) -> str:
    return rng.choice(("", f"{rng.randrange(1950, 2050)}年")) + f"{rng.randrange(1, 13)}月{rng.randrange(1, 29)}日"


def telephone(rng: Random) -> str:
    return rng.choice(("+{}{} {}{} {}", "0{}{}-{}{}-{}")).format(
        *(rng.randrange(1, 10) for _ in range(4)), rng.randrange(1000, 9999)
    )


def path(rng: Random) -> str:
    return (
        "/"
        + "/".join(letters(rng) for _ in range(rng.randint(1, 3)))
        + rng.choice((".txt", ".csv", "", ".json", ".log"))
    )


def identifier(rng: Random) -> str:
    return rng.choice(("_", "-", "")).join(rng.choice(ENGLISH_WORDS) for _ in range(rng.randint(2, 3))) + rng.choice(
        ("", str(rng.randrange(100)))
    )


def word(rng: Random) -> str:
    return rng.choice(ENGLISH_WORDS)


def ja_word(rng: Random) -> str:
    return rng.choice(JAPANESE_WORDS)


def words(rng: Random) -> str:
    return " ".join(rng.choices(ENGLISH_WORDS, k=rng.randint(2, 6)))


def ja_words(rng: Random) -> str:
    return "の".join(rng.choices(JAPANESE_WORDS, k=rng.randint(2, 3)))


MAKERS: dict[Language, tuple[Value, ...]] = {
    "english": (word, word, words, names.thing, names.person, names.place, names.code, letters, mixed, digits, decimal, email, url, date, telephone, path, identifier),
    "japanese": (ja_word, ja_word, ja_words, names.ja_brand, names.ja_person, names.ja_place, names.code, mixed, digits, ja_date, email, telephone),
}  # fmt: skip


def items(rng: Random, language: Language, count: int) -> list[str]:
    """`count` different items, mostly of one sort."""
    makers = MAKERS[language]
    maker = rng.choice(makers)
    found: dict[str, None] = {}
    while len(found) < count:
        found[(rng.choice(makers) if rng.random() < 0.15 else maker)(rng)] = None
    return list(found)


def sentence(rng: Random, language: Language) -> str:
    subject = invent(rng.choice(ENGLISH if language == "english" else JAPANESE), rng)
    return subject.stated(rng.choice(subject.kind.attributes), rng)
