# ruff: noqa: E501 - wordings are data: one line each, each kept whole
"""Invented subjects and everything that can be said and asked of them, in English and Japanese.

A `SubjectKind` has attributes; each attribute has several ways to state it and several ways to ask for it. `{n}` is the
subject's name, `{v}` the attribute's value. Reading, recall, extraction and dialogue are all made from these.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from nano.corpus import names

Value = Callable[[Random], str]


@dataclass(frozen=True, slots=True)
class Attribute:
    key: str
    """The field's name in JSON tasks."""
    value: Value
    statements: tuple[str, ...]
    questions: tuple[str, ...]
    topic: str
    """What the attribute is called in a sentence: "the price"."""


@dataclass(frozen=True, slots=True)
class SubjectKind:
    noun: str
    name: Value
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    kind: SubjectKind
    name: str
    values: dict[str, str]

    def stated(self, attribute: Attribute, rng: Random) -> str:
        return rng.choice(attribute.statements).format(n=self.name, v=self.values[attribute.key])

    def asked(self, attribute: Attribute, rng: Random) -> str:
        return rng.choice(attribute.questions).format(n=self.name)


def invent(kind: SubjectKind, rng: Random) -> Subject:
    return Subject(kind, kind.name(rng), {attribute.key: attribute.value(rng) for attribute in kind.attributes})


def _one_of(words: str) -> Value:
    options = [word.strip() for word in words.split(",")]
    return lambda rng: rng.choice(options)


def _number(low: int, high: int, pattern: str = "{}", step: int = 1) -> Value:
    return lambda rng: pattern.format(rng.randrange(low, high, step))


def _named(patterns: tuple[str, ...], *inner: Value) -> Value:
    """One of the patterns around a name made by one of `inner`."""
    return lambda rng: rng.choice(patterns).format(rng.choice(inner)(rng))


def _email(rng: Random) -> str:
    return f"{rng.choice(('help', 'info', 'hello', 'support', 'office', 'orders'))}@{names.thing(rng).lower()}.example"


def _product_name(rng: Random) -> str:
    return names.thing(rng) + rng.choice(
        ("", " Mini", " Pro", " Plus", " Lite", " Classic", " One", f" {rng.randrange(2, 90)}")
    )


def _clock(low: int, high: int) -> Value:
    return lambda rng: f"{rng.randrange(low, high)}:{rng.choice(['00', '15', '30', '45'])}"


_year = _number(1820, 2024)
_metal = _one_of(
    "oak, pine, steel, copper, glass, clay, linen, wool, leather, silver, bamboo, stone, bronze, paper, cork, cotton"
)
_colour = _one_of("red, dark blue, light green, yellow, white, black, grey, orange, purple, brown, silver, cream")
_day = _one_of("Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday")
_month = _one_of("January, February, March, April, May, June, July, August, September, October, November, December")
_trade = _one_of(
    "garden tools, winter coats, bicycles, hearing aids, sailing boats, tea, office chairs, water pumps, cheese, clocks, paper lamps, climbing ropes, violins, solar panels, bread ovens, school books, honey, raincoats, telescopes, kitchen scales, wooden toys, running shoes, medical software, travel insurance, delivery drones"
)
_job = _one_of(
    "a teacher, a nurse, a carpenter, a pilot, a librarian, an engineer, a baker, a lawyer, a gardener, a painter, a chemist, a translator, a sailor, a farmer, an architect, a journalist, a plumber, a photographer, a cook, a programmer, a judge, a tailor"
)
_hobby = _one_of(
    "chess, swimming, painting birds, playing the cello, hiking, baking bread, reading old maps, growing roses, repairing radios, singing in a choir, photography, rowing, knitting, running"
)
_phone = _number(1000, 9999, "555-{}")
_firm_name = _named(
    ("{} & Sons", "{} Works", "{} Group", "{}", "{} Trading Company", "{} Labs", "House of {}"),
    names.surname,
    names.thing,
)
_shop_name = _named(
    (
        "the {} Bakery",
        "{} Books",
        "the {} Café",
        "{} Cycles",
        "the {} Museum",
        "{} Library",
        "the {} Swimming Pool",
        "{} Pharmacy",
    ),
    names.surname,
    names.place,
)

ENGLISH = (
    SubjectKind(
        "company",
        _firm_name,
        (
            Attribute(
                "founded",
                _year,
                (
                    "{n} was founded in {v}.",
                    "Founded in {v}, {n} is still run independently.",
                    "{n} opened its doors in {v}.",
                    "The history of {n} goes back to {v}.",
                ),
                (
                    "When was {n} founded?",
                    "In which year did {n} start?",
                    "How long has {n} existed? Give the founding year.",
                ),
                "the year of its founding",
            ),
            Attribute(
                "founder",
                names.person,
                (
                    "{n} was started by {v}.",
                    "Its founder was {v}.",
                    "{v} founded {n}.",
                    "The company was the idea of {v}.",
                ),
                ("Who founded {n}?", "Who is the founder of {n}?", "Whose idea was {n}?"),
                "its founder",
            ),
            Attribute(
                "headquarters",
                names.place,
                (
                    "{n} has its headquarters in {v}.",
                    "The head office is in {v}.",
                    "{n} is based in {v}.",
                    "Its main office stands in {v}.",
                ),
                (
                    "Where is {n} based?",
                    "In which town is the head office of {n}?",
                    "Where are the headquarters of {n}?",
                ),
                "where it is based",
            ),
            Attribute(
                "product",
                _trade,
                (
                    "{n} makes {v}.",
                    "It is best known for its {v}.",
                    "The company sells {v}.",
                    "{n} specialises in {v}.",
                ),
                ("What does {n} make?", "What is {n} known for?", "Which products does {n} sell?"),
                "what it makes",
            ),
            Attribute(
                "employees",
                _number(4, 4000),
                ("{n} employs {v} people.", "About {v} people work there.", "The staff of {n} numbers {v}."),
                (
                    "How many people work for {n}?",
                    "How many employees does {n} have?",
                    "What is the size of the staff at {n}?",
                ),
                "how many people work there",
            ),
            Attribute(
                "email",
                _email,
                ("Customers can write to {v}.", "The address for questions is {v}.", "{n} can be reached at {v}."),
                ("How can I contact {n}?", "What is the email address of {n}?", "Where can I send a question to {n}?"),
                "its email address",
            ),
        ),
    ),
    SubjectKind(
        "product",
        _product_name,
        (
            Attribute(
                "price",
                _number(5, 2000, "{} dollars"),
                (
                    "The {n} costs {v}.",
                    "It is sold for {v}.",
                    "The price of the {n} is {v}.",
                    "You can buy the {n} for {v}.",
                ),
                ("How much does the {n} cost?", "What is the price of the {n}?", "What do I pay for the {n}?"),
                "its price",
            ),
            Attribute(
                "weight",
                _number(50, 9000, "{} grams", 10),
                ("The {n} weighs {v}.", "Its weight is {v}.", "At {v}, the {n} is easy to carry."),
                ("How heavy is the {n}?", "What does the {n} weigh?", "What is the weight of the {n}?"),
                "its weight",
            ),
            Attribute(
                "material",
                _metal,
                ("The {n} is made of {v}.", "Its body is {v}.", "The makers chose {v} for the {n}."),
                ("What is the {n} made of?", "Which material is used for the {n}?", "What material is the {n}?"),
                "its material",
            ),
            Attribute(
                "colour",
                _colour,
                ("The {n} comes in {v}.", "It is {v}.", "The only colour of the {n} is {v}."),
                ("What colour is the {n}?", "In which colour can I get the {n}?"),
                "its colour",
            ),
            Attribute(
                "warranty",
                _number(1, 15, "{} years"),
                (
                    "The warranty lasts {v}.",
                    "The {n} has a warranty of {v}.",
                    "Repairs are free for {v}.",
                    "Every {n} is guaranteed for {v}.",
                ),
                (
                    "How long is the warranty of the {n}?",
                    "How long is the {n} guaranteed?",
                    "For how many years are repairs of the {n} free?",
                ),
                "its warranty",
            ),
            Attribute(
                "battery_life",
                _number(2, 96, "{} hours"),
                (
                    "One charge lasts {v}.",
                    "The battery of the {n} runs for {v}.",
                    "The {n} works for {v} before it must be charged.",
                ),
                (
                    "How long does the battery of the {n} last?",
                    "What is the battery life of the {n}?",
                    "How long does the {n} run on one charge?",
                ),
                "its battery life",
            ),
            Attribute(
                "designer",
                names.person,
                ("It was designed by {v}.", "The designer of the {n} is {v}.", "{v} designed the {n}."),
                ("Who designed the {n}?", "Who is the designer of the {n}?"),
                "its designer",
            ),
        ),
    ),
    SubjectKind(
        "person",
        names.person,
        (
            Attribute(
                "job",
                _job,
                ("{n} works as {v}.", "{n} is {v}.", "By profession, {n} is {v}."),
                ("What does {n} do for a living?", "What is the job of {n}?", "What is {n}'s profession?"),
                "what the job is",
            ),
            Attribute(
                "birthplace",
                names.place,
                ("{n} was born in {v}.", "{n} comes from {v}.", "The family of {n} is from {v}."),
                ("Where was {n} born?", "Where does {n} come from?", "What is the birthplace of {n}?"),
                "the birthplace",
            ),
            Attribute(
                "age",
                _number(18, 90),
                (
                    "{n} is {v} years old.",
                    "{n} turned {v} this year.",
                    "At the age of {v}, {n} still learns something new every day.",
                ),
                ("How old is {n}?", "What is the age of {n}?"),
                "the age",
            ),
            Attribute(
                "hobby",
                _hobby,
                (
                    "In the evening {n} enjoys {v}.",
                    "{n} spends free days with {v}.",
                    "The favourite pastime of {n} is {v}.",
                ),
                ("What does {n} enjoy?", "What is the hobby of {n}?", "How does {n} spend free time?"),
                "the hobby",
            ),
            Attribute(
                "employer",
                _firm_name,
                ("{n} is employed by {v}.", "{n} has worked for {v} for a long time.", "The employer of {n} is {v}."),
                ("Who employs {n}?", "For which company does {n} work?", "Where does {n} work?"),
                "the employer",
            ),
            Attribute(
                "pet",
                _one_of(
                    "a grey cat, a small dog, two goldfish, a parrot, an old horse, three hens, a tortoise, a white rabbit"
                ),
                ("{n} has {v}.", "At home, {n} keeps {v}.", "{n} shares the house with {v}."),
                ("Which pet does {n} have?", "What animal does {n} keep?", "Does {n} have a pet?"),
                "the pet",
            ),
        ),
    ),
    SubjectKind(
        "place to visit",
        _shop_name,
        (
            Attribute(
                "opens",
                _clock(6, 12),
                ("{n} opens at {v}.", "The doors of {n} open at {v}.", "Visitors can come in from {v}."),
                ("When does {n} open?", "At what time does {n} open?", "From what time can I visit {n}?"),
                "when it opens",
            ),
            Attribute(
                "closes",
                _clock(16, 23),
                ("{n} closes at {v}.", "The last guests leave at {v}.", "Closing time is {v}."),
                ("When does {n} close?", "Until when is {n} open?", "What is the closing time of {n}?"),
                "when it closes",
            ),
            Attribute(
                "closed_day",
                _day,
                ("{n} is closed on {v}.", "On {v} nobody works there.", "The weekly day of rest is {v}."),
                (
                    "On which day is {n} closed?",
                    "Which day of the week is {n} not open?",
                    "When does {n} have its day of rest?",
                ),
                "the day on which it is closed",
            ),
            Attribute(
                "town",
                names.place,
                ("{n} is in {v}.", "You find {n} in the middle of {v}.", "It stands near the station of {v}."),
                ("Where is {n}?", "In which town is {n}?", "Where can I find {n}?"),
                "where it is",
            ),
            Attribute(
                "phone",
                _phone,
                ("The telephone number is {v}.", "Call {v} to book.", "{n} answers the telephone at {v}."),
                ("What is the telephone number of {n}?", "Which number do I call for {n}?", "How do I call {n}?"),
                "the telephone number",
            ),
            Attribute(
                "owner",
                names.person,
                ("{n} belongs to {v}.", "The owner is {v}.", "{v} runs {n}."),
                ("Who owns {n}?", "Who runs {n}?", "To whom does {n} belong?"),
                "its owner",
            ),
        ),
    ),
    SubjectKind(
        "town",
        names.place,
        (
            Attribute(
                "population",
                _number(300, 900000, "{} people", 100),
                ("{n} has {v}.", "About {v} live in {n}.", "The population of {n} is {v}."),
                ("How many people live in {n}?", "What is the population of {n}?", "How large is {n}?"),
                "its population",
            ),
            Attribute(
                "river",
                lambda rng: f"the {names.thing(rng)}",
                ("{n} lies on {v}.", "The river through {n} is {v}.", "The town was built beside {v}."),
                ("Which river flows through {n}?", "On which river does {n} lie?"),
                "its river",
            ),
            Attribute(
                "mayor",
                names.person,
                ("The mayor of {n} is {v}.", "{v} is the mayor.", "The town is led by {v}."),
                ("Who is the mayor of {n}?", "Who leads the town of {n}?"),
                "its mayor",
            ),
            Attribute(
                "festival_month",
                _month,
                (
                    "The great festival of {n} takes place in {v}.",
                    "Every {v}, {n} celebrates its festival.",
                    "The festival is held in {v}.",
                ),
                ("When is the festival of {n}?", "In which month does {n} celebrate its festival?"),
                "the month of its festival",
            ),
            Attribute(
                "known_for",
                _trade,
                ("{n} is famous for its {v}.", "Most families there live from {v}.", "The town is known for {v}."),
                ("What is {n} famous for?", "What is {n} known for?"),
                "what it is known for",
            ),
            Attribute(
                "height",
                _number(2, 2400, "{} metres"),
                ("{n} lies {v} above the sea.", "The market square is {v} above sea level."),
                ("How high above the sea does {n} lie?", "What is the elevation of {n}?"),
                "its height above the sea",
            ),
        ),
    ),
    SubjectKind(
        "online service",
        lambda rng: names.thing(rng) + rng.choice([" Cloud", " Desk", " Mail", " Notes", " Pay", "", " Drive"]),
        (
            Attribute(
                "monthly_fee",
                _number(2, 300, "{} dollars a month"),
                ("{n} costs {v}.", "The standard plan is {v}.", "Users pay {v}."),
                ("What does {n} cost?", "How much is {n} per month?", "What is the monthly fee of {n}?"),
                "its monthly fee",
            ),
            Attribute(
                "storage",
                _number(5, 2000, "{} GB", 5),
                (
                    "Each account includes {v} of storage.",
                    "{n} gives every user {v} of space.",
                    "Users of {n} can store {v}.",
                ),
                (
                    "How much storage does {n} include?",
                    "How much can I store in {n}?",
                    "What is the storage limit of {n}?",
                ),
                "its storage",
            ),
            Attribute(
                "trial",
                _number(7, 91, "{} days", 7),
                ("{n} is free for the first {v}.", "The free trial lasts {v}.", "New users can try {n} for {v}."),
                ("How long can I try {n} for free?", "How long is the free trial of {n}?"),
                "the length of its trial",
            ),
            Attribute(
                "support_hours",
                lambda rng: f"{rng.randrange(6, 11)}:00 to {rng.randrange(16, 23)}:00",
                (
                    "The support team answers from {v}.",
                    "Support is available from {v}.",
                    "You can reach the support of {n} from {v}.",
                ),
                ("When can I reach the support of {n}?", "What are the support hours of {n}?"),
                "its support hours",
            ),
            Attribute(
                "region",
                _one_of(
                    "Frankfurt, Tokyo, Dublin, Mumbai, Sydney, Oregon, Ohio, London, Paris, Osaka, Singapore, Stockholm"
                ),
                ("All data is kept in {v}.", "The servers of {n} stand in {v}.", "{n} stores its data in {v}."),
                ("Where does {n} store its data?", "In which place are the servers of {n}?"),
                "where its data is kept",
            ),
            Attribute(
                "users",
                _number(200, 900000, "{} users", 50),
                ("{n} has {v}.", "At the last count there were {v}.", "{n} is used by {v}."),
                ("How many users does {n} have?", "How widely is {n} used?"),
                "the number of its users",
            ),
        ),
    ),
)

_ja_firm = _named(("{}製作所", "{}商店", "株式会社{}", "{}電機", "{}食品", "{}堂"), names.ja_family, names.ja_place)
_ja_trade = _one_of(
    "時計, 自転車, 和菓子, 文房具, 木のおもちゃ, 家具, 日本茶, 陶器, 傘, 冷蔵庫, 計測器, カメラ, 農業用のロボット, 味噌, 絵本, 登山靴"
)

JAPANESE = (
    SubjectKind(
        "会社",
        _ja_firm,
        (
            Attribute(
                "設立年",
                _number(1850, 2024, "{}年"),
                ("{n}は{v}に設立されました。", "{n}の歴史は{v}に始まります。", "{n}が生まれたのは{v}です。"),
                ("{n}はいつ設立されましたか。", "{n}の設立年を教えてください。", "{n}ができたのは何年ですか。"),
                "設立年",
            ),
            Attribute(
                "社長",
                names.ja_person,
                ("{n}の社長は{v}さんです。", "社長を務めているのは{v}さんです。", "{v}さんが{n}の社長です。"),
                ("{n}の社長は誰ですか。", "誰が{n}の社長を務めていますか。"),
                "社長",
            ),
            Attribute(
                "本社",
                names.ja_place,
                ("{n}の本社は{v}にあります。", "本社があるのは{v}です。", "{n}は{v}に本社を置いています。"),
                ("{n}の本社はどこにありますか。", "{n}の本社の場所を教えてください。"),
                "本社の場所",
            ),
            Attribute(
                "製品",
                _ja_trade,
                ("{n}は{v}を作っています。", "{n}の主な製品は{v}です。", "{n}は{v}で知られています。"),
                ("{n}は何を作っていますか。", "{n}の主な製品は何ですか。", "{n}は何で知られていますか。"),
                "主な製品",
            ),
            Attribute(
                "社員数",
                _number(5, 3000, "{}人"),
                ("{n}では{v}が働いています。", "社員は{v}です。", "{n}の社員数は{v}です。"),
                ("{n}の社員は何人ですか。", "{n}では何人が働いていますか。"),
                "社員数",
            ),
        ),
    ),
    SubjectKind(
        "店",
        _named(
            ("喫茶{}", "{}書店", "{}ベーカリー", "{}食堂", "{}図書館", "{}美術館", "{}薬局"),
            names.ja_family,
            names.ja_place,
        ),
        (
            Attribute(
                "開店時間",
                _number(6, 12, "午前{}時"),
                ("{n}は{v}に開きます。", "開店は{v}です。", "{n}の営業は{v}からです。"),
                ("{n}は何時に開きますか。", "{n}の開店時間を教えてください。", "{n}は何時から営業していますか。"),
                "開店時間",
            ),
            Attribute(
                "閉店時間",
                _number(4, 11, "午後{}時"),
                ("{n}は{v}に閉まります。", "閉店は{v}です。", "{n}の営業は{v}までです。"),
                ("{n}は何時に閉まりますか。", "{n}の閉店時間は何時ですか。", "{n}は何時まで開いていますか。"),
                "閉店時間",
            ),
            Attribute(
                "定休日",
                _one_of("月曜日, 火曜日, 水曜日, 木曜日, 金曜日, 土曜日, 日曜日"),
                ("{n}の定休日は{v}です。", "{v}はお休みです。", "{n}は毎週{v}に休みます。"),
                ("{n}の定休日はいつですか。", "{n}は何曜日に休みますか。"),
                "定休日",
            ),
            Attribute(
                "場所",
                names.ja_place,
                ("{n}は{v}にあります。", "{n}は{v}の駅の近くにあります。", "場所は{v}です。"),
                ("{n}はどこにありますか。", "{n}の場所を教えてください。"),
                "場所",
            ),
            Attribute(
                "電話番号",
                lambda rng: f"0{rng.randrange(10, 99)}-{rng.randrange(100, 999)}-{rng.randrange(1000, 9999)}",
                ("電話番号は{v}です。", "予約は{v}へお電話ください。", "{n}の電話番号は{v}です。"),
                ("{n}の電話番号は何番ですか。", "{n}に電話するには何番にかければよいですか。"),
                "電話番号",
            ),
            Attribute(
                "店主",
                names.ja_person,
                ("店主は{v}さんです。", "{n}は{v}さんのお店です。", "{v}さんが{n}を営んでいます。"),
                ("{n}の店主は誰ですか。", "{n}を営んでいるのは誰ですか。"),
                "店主",
            ),
        ),
    ),
    SubjectKind(
        "人",
        lambda rng: names.ja_person(rng) + "さん",
        (
            Attribute(
                "職業",
                _one_of(
                    "教師, 看護師, 大工, 料理人, 記者, 画家, 医師, 農家, 漁師, 翻訳者, 運転手, 技術者, 司書, 写真家"
                ),
                ("{n}は{v}です。", "{n}の職業は{v}です。", "{n}は{v}として働いています。"),
                ("{n}の職業は何ですか。", "{n}は何の仕事をしていますか。"),
                "職業",
            ),
            Attribute(
                "出身",
                names.ja_place,
                ("{n}は{v}の出身です。", "{n}は{v}で生まれました。"),
                ("{n}の出身はどこですか。", "{n}はどこで生まれましたか。"),
                "出身",
            ),
            Attribute(
                "年齢",
                _number(18, 90, "{}歳"),
                ("{n}は{v}です。", "{n}は今年{v}になりました。"),
                ("{n}は何歳ですか。", "{n}の年齢を教えてください。"),
                "年齢",
            ),
            Attribute(
                "趣味",
                _one_of("将棋, 水泳, 山登り, 読書, 写真, 料理, 園芸, 釣り, 合唱, 書道, 旅行, 編み物"),
                ("{n}の趣味は{v}です。", "休みの日、{n}は{v}を楽しみます。"),
                ("{n}の趣味は何ですか。", "{n}は休みの日に何を楽しみますか。"),
                "趣味",
            ),
            Attribute(
                "好きな食べ物",
                _one_of("寿司, うどん, カレー, りんご, 味噌汁, おにぎり, 天ぷら, パン, みかん, 豆腐, 焼き魚, 餅"),
                ("{n}の好きな食べ物は{v}です。", "{n}は{v}が大好きです。"),
                ("{n}の好きな食べ物は何ですか。", "{n}は何を食べるのが好きですか。"),
                "好きな食べ物",
            ),
        ),
    ),
    SubjectKind(
        "商品",
        lambda rng: (
            rng.choice(["そら", "ひかり", "みどり", "かぜ", "つばさ", "こだま", "しずく", "はやて", "あかり", "わかば"])
            + rng.choice(["", "ミニ", "プロ", f"{rng.randrange(2, 90)}", "プラス", f"{rng.randrange(100, 900)}号"])
        ),
        (
            Attribute(
                "価格",
                _number(300, 98000, "{}円", 100),
                ("{n}の価格は{v}です。", "{n}は{v}で買えます。", "お値段は{v}です。"),
                ("{n}はいくらですか。", "{n}の価格を教えてください。", "{n}の値段はいくらですか。"),
                "価格",
            ),
            Attribute(
                "重さ",
                _number(50, 5000, "{}グラム", 10),
                ("{n}の重さは{v}です。", "重さは{v}です。"),
                ("{n}の重さはどのくらいですか。", "{n}は何グラムですか。"),
                "重さ",
            ),
            Attribute(
                "色",
                _one_of("赤, 青, 緑, 白, 黒, 灰色, 茶色, 黄色, 紫, 銀色"),
                ("{n}の色は{v}です。", "色は{v}だけです。"),
                ("{n}は何色ですか。", "{n}の色を教えてください。"),
                "色",
            ),
            Attribute(
                "保証期間",
                _number(1, 11, "{}年"),
                ("{n}の保証期間は{v}です。", "修理は{v}の間、無料です。", "{n}には{v}の保証が付きます。"),
                ("{n}の保証期間は何年ですか。", "{n}の保証はいつまでですか。"),
                "保証期間",
            ),
            Attribute(
                "素材",
                _one_of("木, 鉄, 銅, ガラス, 紙, 革, 綿, 竹, 石, 麻, アルミ"),
                ("{n}は{v}でできています。", "素材は{v}です。"),
                ("{n}の素材は何ですか。", "{n}は何でできていますか。"),
                "素材",
            ),
        ),
    ),
)
