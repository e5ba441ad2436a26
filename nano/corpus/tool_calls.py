# ruff: noqa: E501 - wordings are data: one line each, each kept whole
"""Tools listed in the system message in several manners; the assistant calls one in JSON, or none, reads the result, answers."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from nano.corpus import names, random_material
from nano.corpus.attributes import Language
from nano.corpus.chat import Conversation
from nano.corpus.documents import Message
from nano.corpus.reading import invented, told

Arguments = dict[str, str]


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    purpose: str
    arguments: tuple[str, ...]
    asks: dict[Language, tuple[str, ...]]
    draw: Callable[[Random, Language], Arguments]
    result: Callable[[Random, Arguments], dict[str, str]]
    reply: dict[Language, str]


def _place(rng: Random, language: Language) -> str:
    return names.place(rng) if language == "english" else names.ja_place(rng)


def _person(rng: Random, language: Language) -> str:
    return names.person(rng) if language == "english" else names.ja_person(rng)


def _phrase(rng: Random, language: Language) -> str:
    return (random_material.words if language == "english" else random_material.ja_words)(rng)


def _day(rng: Random, language: Language) -> str:
    return (random_material.date if language == "english" else random_material.ja_date)(rng)


def _amount(rng: Random) -> str:
    return str(rng.randrange(1, 9000))


TOOLS: tuple[Tool, ...] = (
    Tool("get_weather", "Weather of a town", ("city",),
        {"english": ("What is the weather in {city}?", "Is it cold in {city}?", "Do I need a coat in {city} today?", "How warm is it in {city}?", "Will I get wet in {city}?"), "japanese": ("{city}の天気はどうですか。", "{city}は寒いですか。", "{city}で傘は要りますか。")},
        lambda rng, language: {"city": _place(rng, language)},
        lambda rng, arguments: {"weather": rng.choice(("sunny", "cloudy", "rainy", "snowy", "windy")), "degrees": str(rng.randrange(-9, 36))},
        {"english": "It is {weather} in {city}, at {degrees} degrees.", "japanese": "{city}は{weather}で、{degrees}度です。"}),
    Tool("send_email", "Sends a message to an address", ("to", "text"),
        {"english": ("Send an email to {to} saying: {text}", "Write to {to}: {text}", "Please let {to} know this: {text}", 'Mail "{text}" to {to}'), "japanese": ("{to}にメールで「{text}」と送ってください。", "「{text}」と{to}に伝えてください。")},
        lambda rng, language: {"to": random_material.email(rng), "text": _phrase(rng, language)},
        lambda rng, arguments: {"status": rng.choice(("sent", "queued"))},
        {"english": "Your message to {to} is {status}.", "japanese": "{to}へのメールは{status}です。"}),
    Tool("search", "Looks for pages", ("query",),
        {"english": ("Search for {query}.", "Look up {query} on the web", "Find pages about {query}.", "Can you search {query} for me?"), "japanese": ("{query}を検索してください。", "{query}について調べてください。")},
        lambda rng, language: {"query": _phrase(rng, language)},
        lambda rng, arguments: {"first": random_material.url(rng), "hits": _amount(rng)},
        {"english": "I found {hits} pages. The first is {first}.", "japanese": "{hits}件ありました。最初は{first}です。"}),
    Tool("track_order", "State of an order", ("order_id",),
        {"english": ("Where is my order {order_id}?", "Track {order_id} please.", "Has {order_id} been shipped?", "I am waiting for {order_id}. What is its state?"), "japanese": ("注文{order_id}は今どこですか。", "{order_id}はもう送られましたか。")},
        lambda rng, language: {"order_id": names.code(rng)},
        lambda rng, arguments: {"state": rng.choice(("shipped", "packed", "delivered", "delayed")), "town": names.place(rng)},
        {"english": "Order {order_id} is {state}; it was last seen in {town}.", "japanese": "注文{order_id}は{state}で、{town}にあります。"}),
    Tool("book_table", "Books a table in a restaurant", ("restaurant", "date", "guests"),
        {"english": ("Book a table for {guests} at {restaurant} on {date}.", "I would like to eat at {restaurant} on {date}, we are {guests}.", "Reserve {restaurant} on {date} for {guests} people."), "japanese": ("{date}に{restaurant}を{guests}人で予約してください。", "{restaurant}に{date}、{guests}人で行きたいです。")},
        lambda rng, language: {"restaurant": names.thing(rng) if language == "english" else names.ja_brand(rng), "date": _day(rng, language), "guests": str(rng.randrange(1, 20))},
        lambda rng, arguments: {"confirmation": names.code(rng)},
        {"english": "Your table at {restaurant} on {date} is booked. The confirmation is {confirmation}.", "japanese": "{restaurant}を{date}に予約しました。番号は{confirmation}です。"}),
    Tool("set_reminder", "Reminds the user", ("text", "time"),
        {"english": ("Remind me at {time}: {text}", "Set a reminder for {time} about {text}.", "At {time} I must not forget {text}."), "japanese": ("{time}に「{text}」と知らせてください。", "{time}に{text}を思い出させてください。")},
        lambda rng, language: {"text": _phrase(rng, language), "time": f"{rng.randrange(0, 24)}:{rng.randrange(0, 60):02d}"},
        lambda rng, arguments: {"id": _amount(rng)},
        {"english": "I will remind you at {time}.", "japanese": "{time}にお知らせします。"}),
    Tool("find_contact", "Telephone number of a person", ("person",),
        {"english": ("What is the number of {person}?", "How can I call {person}?", "I need to phone {person}.", "Look up {person} in the directory."), "japanese": ("{person}さんの電話番号は何ですか。", "{person}さんに電話したいです。")},
        lambda rng, language: {"person": _person(rng, language)},
        lambda rng, arguments: {"phone": random_material.telephone(rng)},
        {"english": "The number of {person} is {phone}.", "japanese": "{person}さんの番号は{phone}です。"}),
    Tool("convert_currency", "Converts money", ("amount", "currency"),
        {"english": ("How much is {amount} dollars in {currency}?", "Convert {amount} dollars to {currency}.", "I have {amount} dollars. What is that in {currency}?"), "japanese": ("{amount}ドルは{currency}でいくらですか。", "{amount}ドルを{currency}に換えてください。")},
        lambda rng, language: {"amount": _amount(rng), "currency": rng.choice(("yen", "euros", "crowns", "pounds", "francs", "rupees"))},
        lambda rng, arguments: {"converted": _amount(rng)},
        {"english": "{amount} dollars are {converted} {currency}.", "japanese": "{amount}ドルは{converted} {currency}です。"}),
    Tool("translate", "Translates a text", ("text", "language"),
        {"english": ("Translate {text} into {language}.", "How do you say {text} in {language}?"), "japanese": ("「{text}」を{language}に訳してください。", "{text}は{language}で何と言いますか。")},
        lambda rng, language: {"text": _phrase(rng, language), "language": rng.choice(("German", "French", "Korean", "Polish", "Swahili", "Greek"))},
        lambda rng, arguments: {"translation": f"{names.thing(rng).lower()} {names.thing(rng).lower()}"},
        {"english": "In {language} it is: {translation}", "japanese": "{language}では「{translation}」です。"}),
    Tool("create_ticket", "Opens a ticket for the support team", ("title", "priority"),
        {"english": ("Open a ticket with priority {priority}: {title}", "Create a {priority} ticket called {title}.", "File this as {priority}: {title}"), "japanese": ("優先度{priority}で「{title}」のチケットを作ってください。", "「{title}」を{priority}で登録してください。")},
        lambda rng, language: {"title": _phrase(rng, language), "priority": rng.choice(("low", "normal", "high"))},
        lambda rng, arguments: {"ticket": names.code(rng)},
        {"english": "I have opened the ticket {ticket}.", "japanese": "チケット{ticket}を作りました。"}),
    Tool("read_file", "Reads a file", ("path",),
        {"english": ("Show me {path}.", "What is in {path}?", "Open the file {path}", "Please read {path} and tell me what it says."), "japanese": ("{path}を見せてください。", "{path}には何が書いてありますか。")},
        lambda rng, language: {"path": random_material.path(rng)},
        lambda rng, arguments: {"content": random_material.words(rng)},
        {"english": "The file says: {content}", "japanese": "「{content}」と書いてあります。"}),
)  # fmt: skip
_NONE: dict[Language, tuple[str, ...]] = {
    "english": ("None of my tools can do that.", "I have no tool for this.", "I am sorry, no tool fits your request."),
    "japanese": ("それに使える道具がありません。", "申し訳ありませんが、対応する道具がありません。"),
}
_CALL_FORMS = (("tool", "arguments"), ("name", "arguments"), ("name", "parameters"), ("function", "args"))
_HOW: dict[Language, tuple[str, ...]] = {
    "english": ("Tools: {t}. To use one, answer with JSON: {f}", "You can call these tools:\n{t}\nCall one by writing {f}", "Available functions:\n{t}\n\nIf one fits, reply only with {f}.", "You have access to tools. {t}\nFormat of a call: {f}"),
    "japanese": ("使える道具：{t}。使うときはJSONで{f}と答えてください。", "次の関数があります。\n{t}\n呼び出しの形：{f}", "道具：\n{t}\n必要なら{f}とだけ書いてください。"),
}  # fmt: skip


def tool_call(rng: Random, language: Language) -> Conversation:
    """One call with arguments copied from the request; one in ten requests fits no tool; sometimes a second request."""
    form = rng.choice(_CALL_FORMS)
    lookup = _lookup_tool(rng, language)
    offered = rng.sample((lookup, *TOOLS), rng.randint(2, 5))
    manner = rng.randrange(3)
    shape = json.dumps({form[0]: "...", form[1]: "..."}).replace('"..."', "...")
    system = rng.choice(_HOW[language]).format(t=_listed(offered, manner), f=shape)
    messages = [Message(role="system", content=system)]
    if rng.random() < 0.1:
        absent = rng.choice([tool for tool in TOOLS if tool not in offered])
        ask = rng.choice(absent.asks[language]).format(**absent.draw(rng, language))
        return [
            *messages,
            Message(role="user", content=ask),
            Message(role="assistant", content=rng.choice(_NONE[language])),
        ]
    for _ in range(rng.choice((1, 1, 2))):
        tool = rng.choice(offered)
        arguments = tool.draw(rng, language)
        result = tool.result(rng, arguments)
        messages += [
            Message(role="user", content=rng.choice(tool.asks[language]).format(**arguments)),
            Message(role="assistant", content=json.dumps({form[0]: tool.name, form[1]: arguments}, ensure_ascii=False)),
            Message(role="tool", content=json.dumps(result, ensure_ascii=False)),
            Message(role="assistant", content=tool.reply[language].format(**(arguments | result))),
        ]
    return messages


def _lookup_tool(rng: Random, language: Language) -> Tool:
    """A tool that looks up one attribute of one kind of subject."""
    subject = invented(rng, language)
    attribute = rng.choice(subject.kind.attributes)
    noun = subject.kind.noun.lower().replace(" ", "_") if language == "english" else "record"
    question = subject.asked(attribute, rng).replace("{", "").replace("}", "")
    return Tool(
        f"get_{noun}", f"Looks up a {noun.replace('_', ' ')}", ("name", "field"), {language: (question,)},
        lambda rng, language: {"name": subject.name, "field": attribute.key},
        lambda rng, arguments: {attribute.key: subject.values[attribute.key]},
        {language: subject.stated(attribute, rng)},
    )  # fmt: skip


def _listed(offered: list[Tool], manner: int) -> str:
    if manner == 0:
        return ", ".join(f"{tool.name}({', '.join(tool.arguments)})" for tool in offered)
    if manner == 1:
        return "\n".join(f"- {tool.name}({', '.join(tool.arguments)}): {tool.purpose}" for tool in offered)
    return json.dumps(
        [
            {"name": tool.name, "description": tool.purpose, "parameters": dict.fromkeys(tool.arguments, "string")}
            for tool in offered
        ]
    )


def notes_tool(rng: Random, language: Language) -> Conversation:
    """The tool's result is a passage; the answer is read out of it."""
    subject = invented(rng, language)
    attributes = rng.sample(subject.kind.attributes, min(3, len(subject.kind.attributes)))
    attribute = rng.choice(attributes)
    call = {"tool": "search_notes", "arguments": {"query": subject.name}}
    how = (
        "Tools: search_notes(query). To use it, answer with JSON."
        if language == "english"
        else "道具：search_notes(query)。使うときはJSONで答えてください。"
    )
    return [
        Message(role="system", content=how),
        Message(role="user", content=subject.asked(attribute, rng)),
        Message(role="assistant", content=json.dumps(call, ensure_ascii=False)),
        Message(role="tool", content=told(rng, subject, attributes)),
        Message(role="assistant", content=subject.answered(attribute, rng)),
    ]
