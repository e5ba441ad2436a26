# ruff: noqa: E501, SIM905 - wordings are data: one line each, word lists as they are read
"""Invented people, places, makers and things, English and Japanese, so that no generated fact is about anyone real."""

from random import Random

_FIRST_PARTS = "al an ar bel ber bran cal cor dal dor el em fal fen gar hal hol ir jor kal kel lan lor mar mel mor nal nor or per quin ral ros sal sel tam tor ul val ver wil win yor zan".split()
_MIDDLE_PARTS = [*"a e i o u an en in on ar er ia io el il".split(), ""]
_PLACE_ENDS = "by bridge brook bury dale field ford gate ham haven hill holm march mere mouth port ridge stead ton vale wick wood worth".split()
_SURNAME_ENDS = "ac ane ard bert croft den dell ell er ford ins ley low man mont ner ness ney ock on ova rick son sted ton vey well wyn".split()
_THING_ENDS = "a an ar ex ia ic ion is ium ix o on ora us".split()
_GIVEN = (
    "Ada Alma Amos Anton Asha Bruno Carla Celia Clara Daniel Dora Edith Elena Emil Esther Farid Felix Fiona Greta Hana Hugo Ida Ines "
    "Ivan Jana Jonas Julia Kamal Karin Laila Leo Lena Lucas Maya Marta Milo Mina Nadia Nils Nora Oscar Petra Priya Ravi Rosa Ruth "
    "Samir Selma Simon Sofia Tara Theo Tomas Vera Victor Yusuf Zara"
).split()
_JA_FAMILY = "青木 石田 上原 江口 大沢 岡本 柏木 片山 川村 北川 木下 黒田 小林 斉藤 坂本 佐野 清水 杉山 高橋 田村 千葉 中島 西村 野口 橋本 浜田 原田 平井 藤井 星野 松岡 三浦 宮本 村上 森田 矢野 山口 横山 吉田 和田 安藤 井上 今井 内田 遠藤 太田 小野 加藤 河野 工藤 後藤 近藤 酒井 佐々木 島田 菅原 高木 竹内 武田 谷口 土屋 永井 新田 丹羽 服部 福田 古川 本田 前田 増田 丸山 水野 安田 山崎".split()
_KANA = "ア イ エ オ カ キ ク ケ コ サ シ セ ソ タ チ テ ト ナ ニ ネ ノ ハ ヒ マ ミ モ ラ リ ル レ ロ ヴァ フィ ティ".split()
_JA_GIVEN = "葵 明 彩香 海斗 花 和也 恵子 健太 幸子 沙織 翔 誠 大輔 千尋 直樹 春菜 浩 太郎 美咲 真由美 優子 陽介 玲奈 涼 明美 愛 一郎 悠 薫 香織 清 久美子 健 孝 里奈 純 進 拓也 智子 夏樹 望 博 真理 光 豊 由紀 良太 若菜 桃子 隆 節子".split()
_JA_PLACE_FIRST = "青 赤 朝 浅 石 岩 大 小 奥 霞 金 川 北 霧 黒 桜 白 杉 鈴 滝 竹 月 鶴 長 西 花 東 平 深 藤 星 松 緑 南 美 柳 夕 雪".split()
_JA_PLACE_LAST = "浦 岡 尾 川 崎 里 沢 島 瀬 田 谷 津 戸 野 浜 原 坂 部 町 丘 峰 宮 森 山".split()


def place(rng: Random) -> str:
    return (rng.choice(_FIRST_PARTS) + rng.choice(_MIDDLE_PARTS) + rng.choice(_PLACE_ENDS)).capitalize()


def surname(rng: Random) -> str:
    return (rng.choice(_FIRST_PARTS) + rng.choice(_MIDDLE_PARTS) + rng.choice(_SURNAME_ENDS)).capitalize()


def person(rng: Random) -> str:
    return f"{rng.choice(_GIVEN)} {surname(rng)}"


def given(rng: Random) -> str:
    return rng.choice(_GIVEN)


def thing(rng: Random) -> str:
    """A brand-like word: Velora, Kaltion."""
    return (
        rng.choice(_FIRST_PARTS) + rng.choice(_MIDDLE_PARTS) + rng.choice(_FIRST_PARTS) + rng.choice(_THING_ENDS)
    ).capitalize()


def code(rng: Random) -> str:
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
    return f"{rng.choice(letters)}{rng.choice(letters)}-{rng.randrange(100, 9999)}"


def ja_family(rng: Random) -> str:
    return rng.choice(_JA_FAMILY)


def ja_person(rng: Random) -> str:
    return rng.choice(_JA_FAMILY) + rng.choice(_JA_GIVEN)


def ja_place(rng: Random) -> str:
    return rng.choice(_JA_PLACE_FIRST) + rng.choice(_JA_PLACE_LAST)


def ja_given(rng: Random) -> str:
    return rng.choice(_JA_GIVEN)


def ja_brand(rng: Random) -> str:
    """A katakana word of three to five morae that means nothing."""
    return "".join(rng.choice(_KANA) for _ in range(rng.randint(2, 4))) + rng.choice(
        ("ン", "ス", "ル", "ア", "ム", "ー")
    )
