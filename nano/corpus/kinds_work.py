# ruff: noqa: E501 - wordings are data: one line each, each kept whole
"""Kinds of invented English subjects with rules, limits and procedures: policies, contracts, courses, resources, incidents."""

from random import Random

from nano.corpus import names
from nano.corpus.attributes import SubjectKind, joined, kind_of, named, number, one_of

_month = one_of("January, February, March, April, May, June, July, August, September, October, November, December")
_day = one_of("Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday")
_dollars = number(3, 4000, "{} dollars")
_days = number(2, 120, "{} days")
_percent = number(1, 96, "{} percent")
_minutes = number(2, 240, "{} minutes")
_colour = one_of("red, blue, green, yellow, white, black, grey, orange, purple, brown, silver")


def _clock(rng: Random) -> str:
    return f"{rng.randrange(5, 23)}:{rng.choice(('00', '10', '15', '20', '30', '45', '50'))}"


def _date(rng: Random) -> str:
    return f"{rng.randrange(1, 29)} {_month(rng)}" + (f" {rng.randrange(1990, 2031)}" if rng.random() < 0.5 else "")


def _email(rng: Random) -> str:
    return f"{rng.choice((names.surname, names.thing))(rng).lower()}@{names.thing(rng).lower()}.example"


def _title(rng: Random) -> str:
    return rng.choice(("The {} of {}", "{} in {}", "A {} for {}", "Beyond the {} of {}", "{} and {}")).format(
        _title_word(rng), rng.choice((names.place, names.surname, _title_word))(rng)
    )


_title_word = one_of(
    "Lantern, Harbour, Silence, Orchard, Winter, Letters, Garden, Bridge, Shadow, River, Clockmaker, Island, Storm, Key, Mirror, Forest, Road, Summer, Bell, Salt, Paper, Tower"
)
_step = one_of(
    "open the settings, press the blue button, enter the code from the email, choose Export, hold the power key for ten seconds, unplug the cable, fill in the green form, sign at the bottom, scan the label, wait for the second beep, restart the device, confirm with your password, call the front desk, take a photo of the damage, select the plan, attach the receipt, clean the filter, turn the dial to the left, write the number on the box, ask a manager"
)


def _procedure(rng: Random) -> str:
    first = second = _step(rng)
    while second == first:
        second = _step(rng)
    return f"{first}, then {second}"


_condition = one_of(
    "only with the original receipt, only unopened, only within the country, only for members, only on weekdays, except for food, except during the holidays, if the seal is intact, if the order was paid in full, unless the item was made to measure, for orders above 50 dollars, for customers with an account, as long as stocks last"
)
_animal = one_of("moth, heron, lizard, otter, beetle, owl, trout, crab, hare, finch, toad, squirrel, goat, seal, stork")
_stuff = one_of(
    "flour, butter, sugar, eggs, onions, rice, beans, apples, carrots, potatoes, milk, cheese, mushrooms, lentils, tomatoes, honey, walnuts, ginger, spinach, leeks"
)
_topic = one_of(
    "pottery, bookkeeping, first aid, statistics, beekeeping, welding, gardening, public speaking, photography, network security, bread baking, sign language, map making, violin making, chemistry, negotiation"
)
_cause = one_of(
    "a broken cable, a full disk, an expired certificate, a wrong setting, a power cut, a burst pipe, a software update, a loose screw, a storm, a human error, an overloaded server, a missing file, a faulty sensor, a blocked drain"
)

WORK: tuple[SubjectKind, ...] = (
    kind_of("english", "return policy", named(("{} Store", "{} Outlet", "{} Shop", "{} Online"), names.thing, names.surname),
        ("return_window", _days, "return window|period for returns|return deadline", "Goods may be sent back within {v}.|{n} takes items back for {v}.|Customers have {v} to return a purchase.|You can return what you bought at {n} within {v}.", "How long can I return something to {n}?|How many days do I have to send an item back to {n}?|Until when does {n} accept returns?|What if I want to bring something back to {n}, how long do I have?"),
        ("refund_time", number(1, 30, "{} working days"), "refund time|refund delay|waiting time for refunds", "The money is paid back within {v}.|Refunds from {n} take {v}.|After {v} the amount is on your account.", "How long does a refund from {n} take?|When do I get my money back from {n}?|How soon does {n} pay the money back?"),
        ("shipping_fee", _dollars, "shipping fee|delivery charge|postage", "Shipping costs {v}.|{n} charges {v} for delivery.|For sending a parcel, {n} asks {v}.", "How much is shipping at {n}?|What does {n} charge for delivery?|What do I pay to have an order sent by {n}?"),
        ("condition", _condition, "return condition|rule for returns|restriction", "Returns are accepted {v}.|{n} takes things back {v}.|Goods can be returned {v}.", "Under which condition does {n} take things back?|Does {n} accept every return?|What must I observe when I return something to {n}?"),
        ("contact", _email, "contact address|customer service address|contact", "Write to {v} for a return label.|The customer service of {n} is at {v}.|Questions go to {v}.", "Where do I write to get a label from {n}?|How do I reach the customer service of {n}?|Which address answers questions for {n}?"),
        ("exchange", _procedure, "exchange procedure|exchange process|steps for an exchange", "To exchange an item, {v}.|If you need another size, {v}.|An exchange at {n} works like this: {v}.", "How do I exchange an item at {n}?|What must I do to swap something at {n}?|How does an exchange with {n} work?")),
    kind_of("english", "book", _title,
        ("author", names.person, "author|writer", "{n} was written by {v}.|{v} is the author of {n}.|The novel comes from the pen of {v}.|{v} wrote {n} in a small house by the sea.", "Who wrote {n}?|Who is the author of {n}?|By whom was {n} written?|Whose book is {n}?"),
        ("pages", number(48, 1200, "{} pages"), "length|number of pages", "{n} has {v}.|It runs to {v}.|The book is {v} long.", "How many pages does {n} have?|How long is {n}?|How thick is the book {n}?"),
        ("published", number(1700, 2030), "year of publication|publication year", "{n} appeared in {v}.|It was first printed in {v}.|Readers could first buy {n} in {v}.", "When did {n} appear?|In which year was {n} published?|When was {n} first printed?"),
        ("publisher", named(("{} Press", "{} Books", "{} & Co"), names.surname, names.place), "publisher|publishing house", "The publisher is {v}.|{n} was brought out by {v}.|{v} published {n}.", "Who published {n}?|Which house brought out {n}?|Where was {n} published?"),
        ("hero", names.person, "main character|hero", "It tells the story of {v}.|The main character of {n} is {v}.|The hero is called {v}.", "Whom is {n} about?|Who is the main character of {n}?|What is the hero of {n} called?")),
    kind_of("english", "recipe", joined("{} {}", one_of("Grandmother's, Quick, Spicy, Cold, Baked, Sweet, Sunday, Mountain, Green, Winter, Fisherman's"), one_of("soup, pie, salad, stew, pancakes, bread, pudding, dumplings, curry, omelette, cake")),
        ("main_ingredient", joined("{} and {}", _stuff, _stuff), "main ingredients|ingredients", "{n} is made from {v}.|You need above all {v}.|The taste of {n} comes from {v}.|Take {v}.", "What do I need for {n}?|What is {n} made of?|Which ingredients go into {n}?"),
        ("baking_time", _minutes, "cooking time|time in the oven", "{n} cooks for {v}.|Leave it on the fire for {v}.|After {v} the dish is done.", "How long does {n} cook?|For how long do I leave {n} on the fire?|When is {n} done?"),
        ("servings", number(1, 24, "{} people"), "number of servings|servings", "It feeds {v}.|The amounts are for {v}.|{n} is enough for {v}.", "How many people does {n} feed?|For how many guests is {n} enough?|How many servings does {n} make?"),
        ("temperature", number(60, 260, "{} degrees", 5), "temperature|oven temperature", "Heat it to {v}.|The oven should be at {v}.|{n} needs {v}.", "How hot must it be for {n}?|At which temperature do I make {n}?|How warm should the oven be for {n}?"),
        ("served_with", _stuff, "side dish|garnish", "Serve with {v}.|It goes well with {v}.|People eat {n} with {v}.", "What do I serve with {n}?|What goes well with {n}?|With what do people eat {n}?")),
    kind_of("english", "animal", joined("the {} {}", named(("{}", "spotted {}", "northern {}"), names.surname), _animal),
        ("habitat", one_of("pine forests, salt marshes, dry hills, mountain streams, sandy shores, old barns, deep lakes, rocky islands, tall grass, city parks"), "habitat|home", "One finds {n} in {v}.|It lives in {v}.|{n} makes its home in {v}.", "Where does {n} live?|In what surroundings can one find {n}?|What is the natural home of {n}?"),
        ("food", one_of("berries, small fish, snails, leaves, ants, seeds, earthworms, pollen, mice, water plants, bark, mushrooms"), "food|diet", "{n} feeds on {v}.|It eats {v}.|Its diet is {v}.", "What does {n} eat?|On what does {n} feed?|What is the food of {n}?"),
        ("length", number(2, 300, "{} centimetres"), "length|size", "{n} grows to {v}.|It is {v} long.|Adults measure {v}.", "How long does {n} grow?|How big is {n}?|What do adults of {n} measure?"),
        ("lifespan", number(1, 80, "{} years"), "lifespan|life expectancy", "It lives for {v}.|{n} can reach an age of {v}.|Most die after {v}.", "How long does {n} live?|How old can {n} become?|What age does {n} reach?"),
        ("colour", _colour, "colour", "Its back is {v}.|{n} is easily known by its {v} tail.|The young are {v}.", "What colour is {n}?|How is {n} coloured?|Which colour has {n}?")),
    kind_of("english", "machine", lambda rng: f"the {names.thing(rng)} {rng.randrange(10, 999)}",
        ("power", number(20, 9000, "{} watts", 10), "power|power consumption", "{n} draws {v}.|It needs {v}.|The motor of {n} has {v}.", "How much power does {n} need?|How strong is the motor of {n}?|What does {n} draw?"),
        ("noise", number(20, 110, "{} decibels"), "noise level|loudness", "It is as loud as {v}.|{n} makes a noise of {v}.|At work, {n} reaches {v}.", "How loud is {n}?|How much noise does {n} make?|What noise level does {n} reach?"),
        ("reset", _procedure, "reset procedure|reset sequence", "To reset {n}, {v}.|If it hangs, {v}.|For a restart from the beginning, {v}.", "How do I reset {n}?|What should I do when {n} hangs?|How can {n} be started afresh?"),
        ("service_interval", number(1, 60, "{} months"), "service interval|maintenance interval", "{n} must be serviced every {v}.|A check is due every {v}.|The filter is changed every {v}.", "How often must {n} be serviced?|When is a check of {n} due?|How often does {n} need maintenance?"),
        ("spare_part", names.code, "spare part number|part number", "The spare part is {v}.|Order the belt under {v}.|For repairs of {n}, ask for {v}.", "Which spare part fits {n}?|Under which number do I order parts for {n}?|What is the part for {n} called?"),
        ("error_code", joined("{}", number(10, 99, "E{}")), "error code|fault code", "When it is too hot, {n} shows {v}.|An overheated machine shows {v}.|The display says {v} if it is jammed.", "Which code does {n} show on a fault?|What appears on the display of {n} when something is wrong?|Which error does {n} report?")),
    kind_of("english", "event", named(("the {} Fair", "{} Conference", "the {} Night Run", "{} Film Days", "the {} Concert", "{} Open Day"), names.place, names.surname),
        ("date", _date, "date|day", "{n} takes place on {v}.|It starts on {v}.|Guests are expected on {v}.", "When is {n}?|On which day does {n} take place?|What day is {n} held?|When should I come to {n}?"),
        ("venue", named(("{} Hall", "the {} Theatre", "{} Park", "the {} Hotel", "{} Stadium"), names.place, names.surname), "venue|place", "It is held in {v}.|The venue is {v}.|{n} has moved to {v}.", "Where is {n} held?|Where do I have to go for {n}?|In which place does {n} happen?"),
        ("ticket_price", _dollars, "ticket price|entrance fee|admission", "A ticket costs {v}.|Entry to {n} is {v}.|Visitors pay {v} at the door.", "How much is a ticket for {n}?|What does it cost to get into {n}?|What do visitors of {n} pay?"),
        ("speaker", names.person, "main speaker|guest of honour", "The opening speech is given by {v}.|{v} will open {n}.|The guest of honour is {v}.", "Who opens {n}?|Who speaks at {n}?|Who is the guest of honour at {n}?"),
        ("visitors", number(20, 50000, "{} visitors", 10), "number of visitors|attendance", "Last time {v} came.|{n} counted {v}.|The organisers expect {v}.", "How many people come to {n}?|How well attended is {n}?|How large is the crowd at {n}?")),
    kind_of("english", "course", joined("{} {}", one_of("Basics of, Advanced, Introduction to, Evening Class in, Certificate in, Practical, Online"), _topic),
        ("teacher", names.person, "teacher|instructor", "{v} teaches {n}.|The instructor is {v}.|You learn from {v}.", "Who teaches {n}?|From whom do I learn in {n}?|Who gives the course {n}?"),
        ("duration", number(2, 40, "{} weeks"), "duration|length", "{n} lasts {v}.|It runs for {v}.|After {v} there is a test.", "How long does {n} last?|How many weeks does {n} take?|For how long does {n} run?"),
        ("fee", _dollars, "course fee|fee|price", "The fee is {v}.|Taking part in {n} costs {v}.|Students pay {v}.", "How much is {n}?|What does it cost to join {n}?|What do students pay for {n}?"),
        ("room", number(1, 500, "room {}"), "room|classroom", "Lessons are in {v}.|{n} meets in {v}.|Come to {v}.", "Where does {n} meet?|In which room is {n}?|Where do lessons of {n} take place?"),
        ("weekday", _day, "weekday|day of the lessons", "Lessons are on {v}.|{n} meets every {v}.|The class comes together on {v}.", "On which day does {n} meet?|When are the lessons of {n}?|What day of the week is {n}?"),
        ("requirement", one_of("a clean notebook, two years of practice, a signed form, a laptop, good eyesight, a short interview, warm clothes, basic algebra, a driving licence, no previous knowledge"), "requirement|condition for joining", "Students need {v}.|To join {n}, one needs {v}.|What is asked for is {v}.", "What do I need to join {n}?|What does {n} require?|Which conditions must students of {n} meet?")),
    kind_of("english", "medicine", lambda rng: names.thing(rng) + rng.choice(("", " Forte", " Syrup", " Drops", f" {rng.randrange(5, 500, 5)}")),
        ("treats", one_of("hay fever, headaches, a dry cough, sore muscles, insect bites, seasickness, dry skin, heartburn, light burns, hiccups"), "use|field of use", "{n} is taken against {v}.|It helps with {v}.|Doctors give {n} for {v}.", "What is {n} for?|Against what does {n} help?|When is {n} taken?"),
        ("dose", joined("{} {}", number(1, 40), one_of("drops a day, tablets a day, spoons in the morning, millilitres before meals, capsules in the evening")), "dose|dosage", "The dose is {v}.|Adults take {v}.|Of {n}, take {v}.", "How much {n} should I take?|How is {n} dosed?|What do adults take of {n}?"),
        ("side_effect", one_of("a dry mouth, sleepiness, a light rash, dizziness, an upset stomach, thirst, cold hands, a runny nose"), "side effect|unwanted effect", "Some patients notice {v}.|{n} may cause {v}.|A known effect is {v}.", "What side effects does {n} have?|What may {n} cause?|What do some patients of {n} notice?"),
        ("storage", one_of("in the fridge, below 25 degrees, in a dark place, out of reach of children, in its box, away from heat"), "storage|storage rule", "Keep it {v}.|{n} should be kept {v}.|Pharmacists store {n} {v}.", "How should I store {n}?|Where do I keep {n}?|How is {n} kept?"),
        ("maker", named(("{} Pharma", "{} Laboratories", "{} Health"), names.thing, names.surname), "maker|manufacturer", "It is made by {v}.|The maker of {n} is {v}.|{v} sells {n}.", "Who makes {n}?|Which company produces {n}?|Who is behind {n}?")),
    kind_of("english", "contract", lambda rng: f"contract {names.code(rng)}",
        ("party", named(("{} & Sons", "{} Group", "{} Works", "{} Ltd"), names.surname, names.thing), "contracting party|other party", "{n} was made with {v}.|The other party is {v}.|{v} signed {n}.", "With whom was {n} made?|Who is the other party in {n}?|Who signed {n}?"),
        ("term", number(3, 72, "{} months"), "term|running time", "It runs for {v}.|{n} is valid for {v}.|The term is {v}.", "How long does {n} run?|For how long is {n} valid?|What is the term of {n}?"),
        ("notice", number(1, 26, "{} weeks"), "notice period|period of notice", "Either side may end it with a notice of {v}.|The notice period is {v}.|{n} can be cancelled {v} before its end.", "How much notice is needed to end {n}?|How can I get out of {n}, with which notice?|How early must {n} be cancelled?"),
        ("penalty", _dollars, "penalty|fine for delay", "A late delivery costs {v}.|Under {n} the fine for a delay is {v}.|Whoever breaks it pays {v}.", "What is the fine under {n}?|What does a delay cost under {n}?|What must one pay for breaking {n}?"),
        ("court", names.place, "place of jurisdiction|court", "Disputes go to the court of {v}.|The court for {n} is in {v}.|The law of {v} applies.", "Which court decides about {n}?|Where are disputes about {n} settled?|Whose court is named in {n}?")),
    kind_of("english", "API resource", named(("{}Jobs", "{}Records", "{}Queue", "{}Index", "{}Stream"), names.thing),
        ("rate_limit", number(5, 5000, "{} requests per minute", 5), "rate limit|request limit", "Clients may send {v}.|{n} allows {v}.|Above {v}, calls are rejected.", "How many requests does {n} allow?|How often may I call {n}?|When does {n} begin to reject calls?"),
        ("max_size", number(1, 900, "{} MB"), "maximum size|size limit|payload limit", "A payload may have up to {v}.|{n} takes bodies of at most {v}.|Uploads above {v} fail.", "How large may a payload for {n} be?|What is the biggest body {n} takes?|How much can I upload to {n} at once?"),
        ("timeout", number(2, 900, "{} seconds"), "timeout|time limit", "A call ends after {v}.|{n} gives up after {v}.|The client should wait at least {v}.", "When does {n} give up?|How long should a client of {n} wait?|After what time does a call to {n} end?"),
        ("price", number(1, 90, "{} cents per thousand calls"), "price|cost|rate", "Use is billed at {v}.|{n} costs {v}.|You pay {v}.", "What does {n} cost?|How is {n} billed?|How much do I pay for {n}?"),
        ("permission", named(("{}:read", "{}:write", "{}:list", "{}:admin"), lambda rng: names.thing(rng).lower()), "permission|required permission|scope", "Callers need {v}.|To use {n}, a role must have {v}.|The required permission is {v}.", "Which permission does {n} need?|What must a role have to call {n}?|Which scope is required for {n}?"),
        ("retention", _days, "retention|retention period", "Entries are kept for {v}.|{n} deletes its data after {v}.|Old entries vanish after {v}.", "How long does {n} keep entries?|When does {n} delete its data?|For how long is data kept in {n}?")),
    kind_of("english", "incident", lambda rng: f"incident {rng.randrange(100, 99999)}",
        ("cause", _cause, "cause|root cause|reason", "{n} was caused by {v}.|The reason was {v}.|Engineers found {v}.|Behind {n} was {v}.", "What caused {n}?|Why did {n} happen?|What was the reason for {n}?|What did the engineers find behind {n}?"),
        ("started", _clock, "starting time|beginning", "It began at {v}.|{n} started at {v}.|The first alarm came at {v}.", "When did {n} begin?|At what time did the first alarm of {n} come?|When was {n} noticed?"),
        ("duration", _minutes, "duration|length of the outage", "It was over after {v}.|{n} lasted {v}.|Users were cut off for {v}.", "How long did {n} last?|After what time was {n} over?|For how long were users cut off in {n}?"),
        ("affected", named(("the {} office", "{} customers", "the warehouse in {}", "all users in {}"), names.place), "affected party|area hit", "It affected {v}.|{n} hit {v}.|Only {v} noticed it.", "Whom did {n} affect?|Who was hit by {n}?|Who noticed {n}?"),
        ("engineer", names.person, "responsible engineer|person on duty", "{v} was on duty.|{n} was handled by {v}.|The repair was led by {v}.", "Who handled {n}?|Who was on duty during {n}?|Who led the repair in {n}?"),
        ("fix", _step, "fix|remedy|solution", "The remedy was to {v}.|To solve {n}, staff had to {v}.|It helped to {v}.", "How was {n} solved?|What helped with {n}?|What was the remedy for {n}?")),
    kind_of("english", "order", lambda rng: f"order {names.code(rng)}",
        ("customer", names.person, "customer|buyer", "{n} was placed by {v}.|The customer is {v}.|{v} ordered it.", "Who placed {n}?|For whom is {n}?|Whose order is {n}?"),
        ("item", joined("{} {}", _colour, one_of("lamp, kettle, jacket, chair, backpack, printer, bicycle, tent, carpet, headset, desk, watch")), "item|article|product ordered", "It contains one {v}.|{n} is for a {v}.|The parcel holds a {v}.", "What is in {n}?|What was bought with {n}?|Which article does {n} contain?"),
        ("total", number(5, 3000, "${}.50"), "total|amount|sum", "The total is {v}.|{n} comes to {v}.|The card was charged {v}.", "What is the total of {n}?|How much was charged for {n}?|What does {n} come to?"),
        ("status", one_of("on its way, waiting for payment, packed, delivered, cancelled, at customs, lost, on hold, being checked"), "status|state", "At the moment it is {v}.|{n} is {v}.|The system shows that {n} is {v}.", "Where is {n} now?|What is happening with {n}?|How far is {n}?"),
        ("arrival", _date, "arrival date|delivery date", "It should arrive on {v}.|{n} is expected on {v}.|The courier promised {v}.", "When will {n} arrive?|On what day is {n} expected?|When can the customer expect {n}?"),
        ("tracking", lambda rng: "".join(rng.choice("0123456789ABCDEFGHKLMNPRSTUVWX") for _ in range(rng.randint(8, 13))), "tracking number|tracking code", "The tracking number is {v}.|Follow {n} under {v}.|The courier uses {v}.", "How can I track {n}?|Under which number can I follow {n}?|Which code does the courier use for {n}?")),
    kind_of("english", "train line", lambda rng: f"line {rng.choice('ABCDEFGHK')}{rng.randrange(1, 90)}",
        ("from", names.place, "first station|starting point", "{n} starts in {v}.|Its first station is {v}.|Passengers board in {v}.", "Where does {n} start?|From which station does {n} leave?|Where do I board {n}?"),
        ("to", names.place, "last station|destination", "It ends in {v}.|{n} goes to {v}.|The last station is {v}.", "Where does {n} go?|Where does {n} end?|What is the destination of {n}?"),
        ("first_train", _clock, "first departure|departure of the first train", "The first train leaves at {v}.|{n} runs from {v}.|In the morning it departs at {v}.", "When does the first train of {n} leave?|From what time does {n} run?|How early can I take {n}?"),
        ("interval", _minutes, "interval|time between trains", "A train comes every {v}.|{n} runs every {v}.|One waits at most {v}.", "How often does {n} run?|How long do I wait for {n}?|What is the time between two trains of {n}?"),
        ("fare", number(1, 90, "{} crowns"), "fare|ticket price", "A ride costs {v}.|The fare on {n} is {v}.|Passengers pay {v}.", "How much is a ride on {n}?|What is the fare on {n}?|What do passengers of {n} pay?"),
        ("platform", number(1, 30, "platform {}"), "platform|track", "It leaves from {v}.|Trains of {n} stand at {v}.|Go to {v} for {n}.", "Which platform is {n}?|Where do I find the train of {n}?|At which track does {n} stand?")),
    kind_of("english", "software setting", named(("{}Mode", "auto{}", "{}Level", "{}Cache", "enable{}"), names.thing),
        ("default", one_of("on, off, 16, 128, automatic, 0.5, never, medium, strict, English, 3 seconds, empty"), "default|default value|standard value", "By default it is {v}.|{n} is set to {v} at the start.|If nothing is chosen, {n} is {v}.", "What is the default of {n}?|How is {n} set at the start?|What is {n} if I change nothing?"),
        ("menu", joined("{} > {}", one_of("Tools, View, Options, Account, System, Network, Privacy, File"), one_of("Advanced, General, Display, Security, Sound, Export, Startup, Language")), "place in the menu|menu path|location", "You find it under {v}.|{n} is in {v}.|To change it, go to {v}.", "Where do I find {n}?|Where can {n} be changed?|Under which menu is {n}?"),
        ("effect", one_of("makes the text larger, saves energy, hides old messages, speeds up the search, keeps a copy of each file, blocks unknown callers, turns off the sound at night, shows more detail, asks before deleting, shares the calendar"), "effect|purpose|function", "{n} {v}.|This setting {v}.|When it is on, it {v}.", "What does {n} do?|What is {n} for?|What happens when I switch {n} on?"),
        ("since", number(1, 30, "version {}.2"), "first version|version that introduced it", "It exists since {v}.|{n} was added in {v}.|Users need at least {v}.", "Since when does {n} exist?|In which version was {n} added?|Which version do I need for {n}?"),
        ("shortcut", joined("{}+{}", one_of("Ctrl, Alt, Shift+Ctrl, Cmd, Alt+Shift"), one_of("K, J, F5, M, P, L, F9, B, U, Y")), "shortcut|key combination", "The shortcut is {v}.|Press {v} to switch {n}.|Fast users press {v}.", "Which keys switch {n}?|What is the shortcut for {n}?|What do I press to toggle {n}?")),
    kind_of("english", "hotel", named(("Hotel {}", "the {} Inn", "{} Lodge", "Pension {}", "the {} Guest House"), names.place, names.surname),
        ("check_in", _clock, "check-in time|arrival time", "Rooms are ready from {v}.|Check-in at {n} is from {v}.|Guests can move in at {v}.", "When can I check in at {n}?|From what time are rooms at {n} ready?|How early can guests of {n} move in?"),
        ("breakfast", _dollars, "price of breakfast|breakfast charge", "Breakfast is {v} extra.|{n} asks {v} for breakfast.|In the morning there is a buffet for {v}.", "How much is breakfast at {n}?|What does {n} charge for breakfast?|What does the morning buffet at {n} cost?"),
        ("rooms", number(4, 600, "{} rooms"), "number of rooms|size", "It has {v}.|{n} offers {v}.|The house counts {v}.", "How many rooms does {n} have?|How big is {n}?|What is the size of {n}?"),
        ("parking", number(2, 60, "{} euros a night"), "parking fee|price of parking", "Parking costs {v}.|A place in the garage of {n} is {v}.|Drivers pay {v}.", "What does parking at {n} cost?|How much do drivers pay at {n}?|How much is the garage of {n}?"),
        ("pets", one_of("small dogs only, no animals at all, cats and dogs, animals on the ground floor, quiet animals, guide dogs only"), "pet rule|animal rule", "As for pets: {v}.|{n} has one rule for animals: {v}.|The house rule on pets reads: {v}.", "Can I bring my dog to {n}?|Which animals does {n} allow?|What is the rule about pets at {n}?"),
        ("wifi", lambda rng: names.thing(rng).lower() + str(rng.randrange(10, 9999)), "WiFi password|wireless password", "The WiFi password is {v}.|For the internet at {n}, enter {v}.|Guests log in with {v}.", "What is the WiFi password at {n}?|How do I get online at {n}?|What do guests of {n} enter for the internet?")),
    kind_of("english", "insurance plan", named(("{} Basic", "{} Family", "{} Gold", "{} Travel Plan", "{} Shield"), names.thing, names.surname),
        ("premium", number(4, 600, "{} dollars a month"), "premium|monthly premium|price", "It costs {v}.|The premium of {n} is {v}.|Members pay {v}.", "What does {n} cost?|How much is the premium of {n}?|What do members of {n} pay?"),
        ("deductible", _dollars, "deductible|own share", "You pay the first {v} yourself.|The own share is {v}.|{n} has a deductible of {v}.", "How much do I pay myself under {n}?|What is the own share of {n}?|From what amount does {n} pay?"),
        ("covers", one_of("broken windows, dental care, lost luggage, water damage, theft of bicycles, legal advice, glasses, cancelled trips, fire, stays in hospital"), "cover|insured risk", "It covers {v}.|{n} pays for {v}.|Members are protected in case of {v}.", "What does {n} cover?|What does {n} pay for?|Against what does {n} protect?"),
        ("excludes", one_of("racing, old damage, war, floods, jewellery, rented cars, self-made repairs, dangerous sports"), "exclusion|excluded risk", "It does not pay for {v}.|{v} are not part of {n}.|Not insured: {v}.", "What does {n} exclude?|What is not part of {n}?|For what does {n} not pay?"),
        ("claim", _procedure, "claim procedure|claim process|steps for a claim", "To claim, {v}.|After an accident, {v}.|A claim under {n} works so: {v}.", "How do I claim under {n}?|What do I do after an accident with {n}?|How does a claim with {n} work?"),
        ("hotline", number(1000, 9999, "0800-{}"), "hotline|emergency number", "The hotline is {v}.|In an emergency, call {v}.|{n} answers under {v}.", "Which number do I call for {n}?|What is the hotline of {n}?|How do I reach {n} in an emergency?")),
    kind_of("english", "phone plan", named(("{} S", "{} Max", "{} Flex", "{} Talk", "{} Data"), names.thing),
        ("data", number(1, 200, "{} GB a month"), "data volume|data allowance", "{n} includes {v}.|Customers can use {v}.|One gets {v}.", "How much data is in {n}?|How much can I surf with {n}?|How many gigabytes does {n} include?"),
        ("price", number(3, 99, "{} euros"), "price|monthly price|cost", "It costs {v}.|{n} is {v} a month.|The bill is {v}.", "How much is {n}?|What do I pay every month for {n}?|How expensive is {n}?"),
        ("commitment", number(1, 37, "{} months"), "minimum term|commitment", "The minimum term is {v}.|You are bound for {v}.|{n} runs at least {v}.", "How long am I bound with {n}?|When can I leave {n} at the earliest?|What is the minimum term of {n}?"),
        ("roaming", number(2, 80, "{} countries"), "roaming coverage|countries with roaming", "It works in {v}.|With {n} you can call from {v}.|Roaming is free in {v}.", "In how many countries does {n} work?|From how many countries can I call with {n}?|Where is roaming free with {n}?"),
        ("cancel", _procedure, "cancellation procedure|cancellation steps", "To cancel, {v}.|If you want to leave {n}, {v}.|Ending the plan is simple: {v}.", "How do I cancel {n}?|What must I do to end {n}?|How can I leave {n}?")),
    kind_of("english", "club", named(("{} Rowing Club", "{} Chess Circle", "{} Choir", "{} Cycling Team", "the {} Gardeners"), names.place, names.surname),
        ("members", number(5, 3000, "{} members"), "number of members|size", "{n} has {v}.|It counts {v}.|At present there are {v}.", "How many people belong to {n}?|How large is {n}?|How many members does {n} have?"),
        ("president", names.person, "president|head|chair", "{v} leads {n}.|Its president is {v}.|The members chose {v} as head.", "Who leads {n}?|Who is the president of {n}?|Whom did the members of {n} choose?"),
        ("meeting_day", joined("{} at {}", _day, _clock), "meeting time|time of the meetings", "They meet on {v}.|Practice of {n} is on {v}.|Come by on {v}.", "When does {n} meet?|When is practice at {n}?|At what time do the people of {n} come together?"),
        ("yearly_fee", _dollars, "yearly fee|membership fee|dues", "Membership costs {v} a year.|The dues are {v}.|{n} asks {v} from each member.", "What does membership in {n} cost?|How much are the dues of {n}?|What does a member of {n} pay?"),
        ("motto", joined("{} and {}", one_of("Courage, Patience, Wind, Fire, Honesty, Salt, Laughter, Iron"), one_of("rain, bread, friendship, silence, strength, music, stars, work")), "motto|slogan", "Its motto is {v}.|The flag of {n} says {v}.|They live by the words {v}.", "What is the motto of {n}?|What stands on the flag of {n}?|By which words does {n} live?")),
    kind_of("english", "experiment", lambda rng: f"trial {rng.choice('KLMNPQRST')}-{rng.randrange(2, 300)}",
        ("result", joined("{} more {}", _percent, one_of("yield, light, heat, growth, pressure, noise, foam, sugar")), "result|outcome", "{n} gave {v}.|The outcome was {v}.|It ended with {v}.", "What did {n} show?|What was the outcome of {n}?|How did {n} end?"),
        ("sample", number(3, 5000, "{} samples"), "sample size|number of samples", "It used {v}.|{n} was run on {v}.|The team measured {v}.", "How many samples were in {n}?|On how much was {n} run?|What was measured in {n}?"),
        ("scientist", names.person, "lead scientist|scientist", "{v} carried out {n}.|It was led by {v}.|The scientist in charge was {v}.", "Who carried out {n}?|Who led {n}?|Which scientist was in charge of {n}?"),
        ("temperature", number(-60, 900, "{} degrees"), "temperature", "It was done at {v}.|The chamber was kept at {v}.|During {n} it was {v}.", "How warm was it during {n}?|At which temperature was {n} done?|What heat did {n} need?"),
        ("cost", _dollars, "cost|budget", "It cost {v}.|For {n} the lab spent {v}.|The budget was {v}.", "What did {n} cost?|How much did the lab spend on {n}?|How expensive was {n}?")),
    kind_of("english", "flat", lambda rng: f"the flat at {rng.randrange(1, 300)} {names.surname(rng)} {rng.choice(('Street', 'Road', 'Lane', 'Avenue'))}",
        ("rent", number(200, 6000, "{} dollars a month", 10), "rent|monthly rent", "The rent is {v}.|Tenants pay {v}.|{n} costs {v}.", "How much is the rent of {n}?|What do tenants pay for {n}?|What does it cost to live in {n}?"),
        ("size", number(18, 300, "{} square metres"), "size|floor area", "It has {v}.|{n} measures {v}.|There is room enough: {v}.", "How big is {n}?|What is the floor area of {n}?|How much space does {n} have?"),
        ("floor", one_of("the ground floor, the first floor, the second floor, the third floor, the fifth floor, the top floor, the basement"), "floor|storey", "It is on {v}.|{n} is on {v}.|The stairs lead to {v}.", "On which floor is {n}?|How high up is {n}?|Which storey is {n} on?"),
        ("landlord", names.person, "landlord|owner", "The landlord is {v}.|{v} lets {n}.|Call {v} for a visit.", "Who lets {n}?|Who owns {n}?|Whom do I call about {n}?"),
        ("free_from", _date, "move-in date|date from which it is free", "It is free from {v}.|One can move in on {v}.|{n} stands empty from {v}.", "From when is {n} free?|When can I move into {n}?|When does {n} become available?")),
)  # fmt: skip
