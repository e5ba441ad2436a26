# ruff: noqa: E501 - wordings are data: one line each, each kept whole
"""Classes of short messages and the parts they are made of: patterns, objects, openers, details.

A class holds the names it may go by, a description, objects for `{o}`, and patterns. Classes of one domain are told apart by
meaning; a message is opener × pattern × object × detail, so that the same intent seldom comes twice in the same words.
"""

from dataclasses import dataclass

from nano.corpus.attributes import Language


@dataclass(frozen=True, slots=True)
class MessageClass:
    labels: tuple[str, ...]
    description: str
    objects: tuple[str, ...]
    patterns: tuple[str, ...]


def _class(labels: str, description: str, objects: str, patterns: str) -> MessageClass:
    return MessageClass(tuple(labels.split("|")), description, tuple(objects.split("|")), tuple(patterns.split("|")))


_ENGLISH: dict[str, tuple[MessageClass, ...]] = {
    "shop": (
        _class("billing|invoices|payments", "invoices, charges and payments", "my invoice|the last bill|the monthly charge|my credit card|the payment for {x}|the receipt for {x}", "{o} shows the wrong amount|I was charged twice, look at {o}|there is a fee on {o} that I do not understand|please send {o} again|why is {o} higher than last month|{o} was declined|I see a second debit for {o}|can I pay {o} in instalments|the tax on {o} is missing"),
        _class("delivery|shipping|shipment", "parcels on their way, couriers, addresses for delivery", "my parcel|the package with {x}|{x}|my order|the shipment", "{o} has not arrived|where is {o}|the courier left {o} at the wrong house|when will {o} be here|can you send {o} to another address|tracking says {o} is stuck|{o} was promised for last week and I am still waiting|nobody rang the bell and {o} went back|{o} came a week late"),
        _class("returns|refunds|exchange", "sending goods back, exchanges, money back", "{x}|the jacket|the shoes|the second item|my purchase", "I want to send {o} back|how do I return {o}|{o} does not fit, can I swap it|I changed my mind about {o} and want my money back|which label do I need to give {o} back|please refund {o}|I would rather have {o} in another size|when do I get the money for {o} that I sent back"),
        _class("technical problem|defect|malfunction", "something is broken or does not work", "{x}|the screen|the app|the battery|the machine|my device", "{o} does not start any more|{o} shows an error every time|since the update {o} is very slow|{o} stays black|{o} keeps losing the connection|{o} freezes after a minute|{o} makes a grinding noise|there is smoke coming from {o}|{o} crashed again"),
        _class("account|login|profile", "log-in, password and personal data", "my account|my profile|the password|the email address on file|my user name", "I forgot how to get into {o}|please change {o}|I cannot log in to {o}|how do I delete {o}|someone else is using {o}|{o} has been locked|the code to reset {o} never comes|I want to close {o}|I need to update {o}"),
        _class("praise|compliment|thanks", "satisfied customers", "{x}|your team|the service|the new shop|the packaging", "I love {o}|{o} is wonderful, thank you|great work on {o}|everyone in my family enjoys {o}|{o} was better than I had hoped|I just wanted to say how happy I am with {o}|five stars for {o}"),
        _class("product question|pre-sales|advice", "questions before buying", "{x}|the blue model|the larger size|the gift box", "is {o} still available|does {o} work with older models|which colours does {o} come in|how big is {o}|is {o} suitable for children|what is the difference between {o} and the cheaper one|will {o} be on sale soon|what is {o} made of"),
        _class("cancellation|termination|unsubscribe", "ending a contract, subscription or order", "my subscription|the contract|my membership|the order for {x}|the newsletter", "please cancel {o}|I want to end {o}|stop {o} at the end of the month|how can I get out of {o}|I no longer need {o}|do not renew {o}|{o} should be terminated at once"),
    ),
    "IT help desk": (
        _class("hardware|equipment|devices", "broken or missing equipment", "my laptop|the keyboard|the monitor|the docking station|my mouse|the headset", "{o} is broken|I need a new {x} because {o} fell down|{o} does not switch on|a key on {o} is stuck|{o} has a cracked corner|coffee was spilled on {o}|{o} gets very hot"),
        _class("network|connection|wifi", "internet, WiFi, VPN", "the WiFi|the VPN|the internet in room 12|the network drive|the cable in my office", "{o} is down|{o} drops every few minutes|I get no signal from {o}|{o} is terribly slow|I cannot connect to {o} from home|pages do not load through {o}"),
        _class("access rights|permissions|authorization", "rights to folders and systems", "the shared folder|the payroll system|the {x} project|the database|the team calendar", "I am not allowed to open {o}|please give me access to {o}|I need write rights for {o}|a new colleague should be able to see {o}|it says permission denied for {o}|remove my former colleague from {o}"),
        _class("software|applications|installation", "installing and updating programs", "the editor|the spreadsheet program|the new version of {x}|the photo tool|the licence for {x}", "please install {o}|{o} has expired|I need {o} on my computer|how do I update {o}|{o} asks for a key|which program replaces {o}"),
        _class("printing|printers|printer", "printers, paper and toner", "the printer on the third floor|the copier|the printer next to {x}|the label printer", "{o} is out of toner|there is a paper jam in {o}|{o} prints only blank pages|my documents never come out of {o}|{o} wants a new drum|the colours from {o} are wrong"),
        _class("security|phishing|threat", "viruses, suspicious mail, lost devices", "a strange email|this link|an unknown attachment|a caller who wanted my password|a stolen phone", "I clicked on {o} by mistake|I received {o}|what should I do about {o}|I want to report {o}|my virus scanner warns of {o}"),
    ),
    "staff office": (
        _class("leave|vacation|holidays", "holidays and days off", "a day off|two weeks of holiday|my remaining days|the time around New Year", "I would like to take {o}|how many days do I have left of {o}|can I move {o} to next year|who approves {o}|I want to request {o}"),
        _class("payroll|salary|wages", "salary, bonus, pay slips", "my pay slip|my bonus|the overtime of last month|my salary|the tax form", "{o} is missing|{o} seems too low|when is {o} paid|please explain {o}|I have a question about {o}|{o} went to my old bank"),
        _class("recruiting|hiring|applications", "vacancies, applications, interviews", "the open position|my interview|the application of {x}|the job offer", "I would like to apply for {o}|is {o} still open|when will I hear about {o}|can we move {o}|whom should I send {o} to"),
        _class("sick leave|illness|sickness", "illness and doctor's notes", "a fever|a bad back|the flu|a broken wrist|a migraine", "I cannot come in because of {o}|I have {o} and stay at home|the doctor says I must rest with {o}|I am unwell, it is {o}|my note for {o} is attached"),
        _class("training|learning|courses", "courses and further education", "the course on {x}|the language class|the safety training|a seminar", "I want to sign up for {o}|who pays for {o}|when does {o} take place|can I get a certificate for {o}|is there a place left in {o}"),
    ),
    "bank": (
        _class("lost card|card problem|card", "lost, stolen or swallowed cards", "my card|my debit card|the credit card|both of my cards", "I lost {o}|{o} was stolen|the machine kept {o}|please block {o}|{o} is damaged|{o} has not come with the mail|I cannot find {o} anywhere"),
        _class("transfer|transfers|sending money", "moving money", "a transfer to {x}|the money I sent|a standing order|500 dollars", "{o} has not arrived|I typed a wrong number in {o}|how long does {o} take|can I take back {o}|what does {o} abroad cost|please set up {o}"),
        _class("loan|credit|mortgage", "borrowing money", "a loan|a mortgage|the credit for a car|my overdraft", "I would like to apply for {o}|what is the interest on {o}|can I pay back {o} earlier|how much could I borrow with {o}|I am late with {o}"),
        _class("exchange rate|currency|foreign exchange", "foreign money", "yen|crowns|foreign notes|travel money", "what is today's rate for {o}|I need {o} for a trip|can I exchange {o} here|how much do I get for {o}|do you sell {o}"),
        _class("savings|investment|deposits", "interest on savings, funds", "my savings|a fixed deposit|the fund|shares", "how much interest is there on {o}|I want to put money into {o}|when can I take out {o}|what is the risk of {o}|I would like to open {o}"),
    ),
    "travel and clinic": (
        _class("booking|reservation|reservations", "booking rooms, seats, tables", "a double room|two seats to {x}|a table for four|a rental car", "I would like to book {o}|is {o} free next weekend|please reserve {o}|can I get {o} for tonight|what would {o} cost"),
        _class("luggage|baggage|lost property", "suitcases and lost things", "my suitcase|the blue bag|my umbrella|a backpack", "{o} did not arrive with the flight|I left {o} on the train|how heavy may {o} be|has anyone found {o}|{o} was torn on the way"),
        _class("delay|timetable|disruption", "late or cancelled trains and flights", "the train to {x}|my flight|the night bus|the ferry", "{o} is late|why was {o} cancelled|will I miss the connection if {o} waits|when does {o} finally leave|I stood at the platform but {o} never came"),
        _class("appointment|scheduling|consultation", "making and moving appointments with a doctor", "an appointment|my check-up|the visit to Dr. {x}|the vaccination", "I need {o} this week|can I move {o}|I have to call off {o}|what is the earliest time for {o}|please confirm {o}"),
        _class("prescription|medication|pharmacy", "medicines and prescriptions", "my tablets|the ointment|a repeat prescription|the drops", "I have run out of {o}|can the doctor write down {o} again|how often do I take {o}|is there a cheaper form of {o}|may I combine {o} with alcohol"),
        _class("test results|laboratory|findings", "results of examinations", "my blood test|the X-ray|the results|the allergy test", "are {o} ready|when will I hear about {o}|please explain {o}|can you email {o}|is everything fine with {o}"),
    ),
    "utilities and city": (
        _class("power outage|electricity|blackout", "no electricity", "the power|our street|the whole house|the light in the stairs", "{o} has gone dark|there is no electricity, {o} went off an hour ago|when will {o} be back|{o} flickers all evening|a fuse blew and {o} is out"),
        _class("water|plumbing|leak", "water pipes, leaks, heating", "the kitchen tap|the pipe under the sink|the hot water|the basement", "{o} is leaking|no water comes from {o}|there is water everywhere near {o}|the pressure of {o} is low|{o} smells odd|{o} stays cold"),
        _class("waste|garbage|recycling", "rubbish collection", "the bins|old furniture|the yellow bag|glass bottles", "{o} were not collected|where can I bring {o}|when is the next pick-up of {o}|I need a larger container for {o}|someone dumped {o} by the river"),
        _class("parking|traffic|roads", "parking permits, roads, signs", "a parking permit|the traffic light|the hole in the road|the fine", "I would like to apply for {o}|{o} at {x} is broken|who takes care of {o}|I do not agree with {o}|please look at {o} near the school"),
        _class("legal|contracts|lawyer", "contracts, claims, law", "the contract with {x}|the lease|a claim|the terms|my will", "is {o} binding|we would like to contest {o}|please check {o} before we sign|what does clause four of {o} mean|our lawyer has objections to {o}|who is liable under {o}"),
    ),
    "feeling": (
        _class("positive|good|happy", "the writer is pleased", "{x}|the food at {x}|our stay|the concert|this book|the staff", "what a wonderful time with {o}|{o} was better than I hoped|I would recommend {o} to anyone|{o} made me smile|excellent, friendly and quick: {o}|I enjoyed every minute of {o}|{o} is worth every penny|so glad that we chose {o}"),
        _class("negative|bad|unhappy", "the writer is displeased", "{x}|the food at {x}|our stay|the concert|this book|the staff", "{o} was a waste of money|never again {o}|I am disappointed with {o}|slow, noisy and far too dear: {o}|{o} ruined our evening|I regret choosing {o}|{o} could hardly be worse|what a dull thing {o} was"),
        _class("neutral|mixed|factual", "no feeling is shown", "{x}|the restaurant|the hotel|this book|the office", "{o} is open on weekdays|I bought {o} last month|{o} has two floors|I read about {o} in the newspaper|{o} was moved to another street|{o} comes in a white box|we saw {o} on Tuesday"),
    ),
    "topic": (
        _class("sports|sport", "games and athletes", "the team from {x}|a runner from {x}|the coach|the goalkeeper", "{o} won in the last minute|{o} broke the record|{o} was injured before the match|{o} scored three goals|fans cheered for {o}|{o} trains for the championship"),
        _class("weather|climate", "rain, sun, wind", "{x}|the coast|the north|the mountains", "heavy rain is expected in {o}|it will be sunny in {o}|snow closed the road to {o}|a storm is moving towards {o}|fog lies over {o}|temperatures in {o} fall below zero"),
        _class("business|economy|finance", "firms and markets", "{x}|the steel maker|the bank|a start-up", "{o} bought a smaller rival|the shares of {o} fell by a tenth|{o} will open three factories|profits of {o} doubled|{o} cuts two hundred jobs|investors trust {o} again"),
        _class("health|medicine", "doctors, illness, fitness", "doctors in {x}|the hospital of {x}|nurses|patients", "{o} are testing a new medicine|a vaccine gives hope to {o}|{o} warn of too much sugar|sleep matters, say {o}|{o} report fewer cases of flu"),
        _class("science|research", "discoveries", "astronomers|a laboratory in {x}|biologists|researchers from {x}", "{o} found a new comet|{o} built a smaller battery|{o} described an unknown beetle|{o} measured the age of a rock|an experiment surprised {o}"),
        _class("food|cooking|cuisine", "dishes and cooks", "a cook in {x}|the soup|the bakery|grandmother's cake", "{o} uses fresh herbs|the secret of {o} is butter|{o} needs onions, salt and time|guests praise the taste of {o}|{o} is served with rice"),
        _class("politics|government", "elections, laws, offices", "the mayor of {x}|parliament|the council|the minister", "{o} proposed a new law|{o} lost the vote|the election ended well for {o}|{o} wants lower taxes|protesters marched against {o}"),
        _class("technology|computing", "computers and gadgets", "a new phone|the chip from {x}|the robot|an app", "{o} recognises voices|{o} uses half the energy|hackers attacked {o}|{o} gets a faster processor|programmers improved {o}"),
    ),
    "urgency": (
        _class("urgent|high|critical", "needs help at once", "the server|our shop|the alarm|the gate", "{o} is down and nobody can work, help immediately|everything stopped because of {o}, please come right now|this cannot wait: {o} is on fire|{o} must run again within the hour|emergency with {o}"),
        _class("normal|medium|standard", "should be done in the next days", "{x}|the report|the form|the lamp in the hall", "please look at {o} this week|could somebody repair {o} in the next days|{o} should be ready by Friday|I would need {o} within a few days"),
        _class("low|whenever|not urgent", "can wait", "{x}|the paint on the door|the old archive|the plant", "no hurry, but {o} could be changed some day|when you have time, look at {o}|just an idea for the future: {o}|there is no rush with {o}"),
    ),
    "mail filter": (
        _class("spam|junk|advertising", "unwanted advertising", "pills|a free cruise|easy money|a miracle cream", "you have won {o}, click here|get {o} now at ninety percent off|only today: {o}!!!|make your neighbours jealous with {o}|dear lucky winner, claim {o}"),
        _class("not spam|ham|personal", "an ordinary message", "the meeting|dinner|the photos|our trip to {x}|mother's birthday", "shall we talk about {o} tomorrow|thanks for {o}|I will be late for {o}|can you bring something for {o}|here are the notes on {o}"),
    ),
    "kind of sentence": (
        _class("question|request for information", "somebody wants to know something", "{x}|the key|the train", "where is {o}|how old is {o}|do you know {o}|who has seen {o}|why did they sell {o}"),
        _class("command|instruction|order", "somebody is told to do something", "{x}|the door|the box", "close {o}|bring me {o}|do not touch {o}|please paint {o} white|leave {o} where it is"),
        _class("statement|fact|information", "something is reported", "{x}|the garden|the clock", "{o} was sold yesterday|{o} stands by the window|we saw {o} in the morning|{o} has a new owner"),
    ),
    "language": (
        _class("English|en", "written in English", "{x}|the house|the weather", "I think that {o} is good|where did you see {o}|tomorrow we go to {o}|nobody spoke about {o}"),
        _class("German|de", "written in German", "das Haus|der Hund|die Stadt", "ich glaube, {o} ist schön|wo ist {o} heute|morgen sehen wir, was {o} macht|niemand hat gefragt, ob {o} groß ist"),
        _class("French|fr", "written in French", "la maison|le chien|la ville", "je crois que {o} est belle|où est {o} ce matin|demain nous allons voir {o}|personne ne connaît {o}"),
        _class("Spanish|es", "written in Spanish", "la casa|el perro|la ciudad", "creo que {o} es bonita|dónde está {o} hoy|mañana vamos a ver {o}|nadie conoce {o}"),
        _class("Japanese|ja", "written in Japanese", "家|犬|町", "{o}はきれいだと思います|今日、{o}はどこですか|明日、{o}を見に行きます|誰も{o}を知りません"),
    ),
}  # fmt: skip

_JAPANESE: dict[str, tuple[MessageClass, ...]] = {
    "店": (
        _class("請求|支払い|料金", "請求書や支払いについて", "請求書|先月の料金|{x}の代金|領収書|カードの明細", "{o}の金額が違います|{o}が二重になっています|{o}を送ってください|{o}がわかりません|なぜ{o}が高いのですか|{o}を分けて払えますか"),
        _class("配送|お届け|発送", "荷物の配達について", "{x}|荷物|注文した品|小包", "{o}がまだ届きません|{o}はいつ届きますか|{o}の届け先を変えたいです|{o}が違う家に届きました|{o}は今どこにありますか|{o}が一週間遅れています"),
        _class("返品|返金|交換", "返品や交換について", "{x}|靴|買った品|二つ目の品", "{o}を返したいです|{o}を別の色に交換できますか|{o}が合わないので返金してください|{o}を送り返すにはどうしますか|{o}をやめて、お金を戻してほしいです"),
        _class("故障|不具合|技術", "動かないもの、壊れたもの", "{x}|画面|アプリ|電池|機械", "{o}が動かなくなりました|{o}が真っ暗です|{o}から変な音がします|{o}にエラーが出ます|更新してから{o}が遅いです|{o}が途中で止まります"),
        _class("アカウント|ログイン|会員情報", "ログインや登録情報について", "パスワード|登録した住所|アカウント|会員番号", "{o}を忘れました|{o}を変えたいです|{o}を消してください|{o}が使えません|{o}が他の人に使われています"),
        _class("感想|お礼|称賛", "満足した人の声", "{x}|お店の方|新しいサービス|包装", "{o}はとても気に入りました|{o}に感謝しています|{o}は家族にも好評です|{o}がすばらしかったです|{o}を選んでよかったです"),
        _class("解約|退会|取り消し", "契約や注文をやめること", "定期購入|契約|会員|{x}の注文|メールの配信", "{o}をやめたいです|{o}を取り消してください|{o}を今月で終わりにします|{o}はもう必要ありません|{o}を止めるにはどうしますか"),
    ),
    "社内": (
        _class("機器|ハードウェア|設備", "機械の故障や不足", "パソコン|キーボード|画面|電話機", "{o}が壊れました|{o}の電源が入りません|新しい{o}がほしいです|{o}に水をこぼしました"),
        _class("ネットワーク|回線|接続", "回線について", "無線|社内の回線|VPN|インターネット", "{o}がつながりません|{o}がよく切れます|家から{o}に入れません|{o}がとても遅いです"),
        _class("休暇|休み|有給", "休みについて", "来週の金曜日|二日間|夏休み|残りの休み", "{o}を取りたいです|{o}は何日ありますか|{o}を来年に回せますか|{o}の申請をお願いします"),
        _class("給与|給料|賃金", "給料について", "給与明細|残業代|賞与|手当", "{o}が少ないです|{o}はいつ出ますか|{o}の説明をお願いします|{o}が振り込まれていません"),
        _class("研修|講習|学習", "研修について", "安全の講習|英語の研修|{x}の講座", "{o}に申し込みたいです|{o}はいつありますか|{o}の費用は誰が払いますか|{o}にまだ席がありますか"),
    ),
    "銀行と病院": (
        _class("カード紛失|カード|盗難", "カードをなくしたとき", "カード|クレジットカード|二枚のカード", "{o}をなくしました|{o}を盗まれました|{o}を止めてください|{o}が機械から出てきません"),
        _class("振込|送金|振り込み", "お金を送ること", "{x}への振込|送ったお金|五万円", "{o}が届いていません|{o}の手数料はいくらですか|{o}を取り戻せますか|{o}に何日かかりますか"),
        _class("融資|借り入れ|ローン", "お金を借りること", "住宅のローン|車のための借り入れ|融資", "{o}を申し込みたいです|{o}の利息を知りたいです|{o}を早く返せますか"),
        _class("予約|診察予約|受付", "診察の予約について", "診察|健康診断|予防接種", "{o}を予約したいです|{o}の日を変えたいです|{o}を取り消します|{o}は一番早くていつですか"),
        _class("薬|処方|お薬", "薬について", "飲み薬|塗り薬|目薬", "{o}がなくなりました|{o}は一日に何回ですか|もう一度{o}を出してほしいです|{o}を飲み忘れました"),
    ),
    "気持ち": (
        _class("良い|肯定|満足", "ほめている", "{x}|料理|旅行|店員", "{o}は最高でした|{o}をみんなに勧めます|{o}は期待より良かったです|{o}に心から感動しました|また{o}を楽しみたいです"),
        _class("悪い|否定|不満", "不満がある", "{x}|料理|旅行|店員", "{o}にはがっかりしました|{o}はもうたくさんです|{o}は高いのに良くありません|{o}のせいで気分が悪くなりました|{o}はひどかったです"),
        _class("普通|中立|事実", "気持ちがない", "{x}|店|本|事務所", "{o}は駅の前にあります|{o}を先月買いました|{o}のことを新聞で読みました|{o}は二階にあります"),
    ),
    "話題": (
        _class("天気|気象", "天気", "{x}|海沿い|北の町|山", "{o}では明日、雨が降ります|{o}は晴れて暖かくなります|{o}に雪が積もりました|{o}に台風が近づいています"),
        _class("スポーツ|競技", "試合や選手", "{x}のチーム|若い選手|監督", "{o}が試合に勝ちました|{o}が記録を作りました|{o}が大会に出ます|{o}がけがをしました"),
        _class("料理|食べ物", "食べ物", "{x}の料理人|味噌汁|新しい菓子", "{o}が話題です。味が良いです|{o}には貝が入ります|{o}は塩を少し入れるとおいしいです"),
        _class("科学|研究", "発見や研究", "{x}の研究者|天文台|大学の博士", "{o}が新しい星を見つけました|{o}が小さな電池を作りました|{o}が虫の研究を発表しました"),
        _class("経済|ビジネス", "会社と市場", "{x}の会社|銀行|工場", "{o}の利益が増えました|{o}が新しい支店を開きます|{o}の株が下がりました|{o}が二百人を雇います"),
        _class("政治|行政", "選挙や法律", "{x}の市長|議会|大臣", "{o}が新しい法律を出しました|{o}が選挙に負けました|{o}が税金を下げたいと言います"),
    ),
    "急ぎ": (
        _class("至急|緊急|高", "すぐに必要", "{x}|機械|店", "{o}が止まって誰も働けません。すぐ来てください|今すぐ{o}を直してください|{o}から煙が出ています。急いでください"),
        _class("普通|中|通常", "数日のうちに", "{x}|書類|電球", "今週中に{o}をお願いします|{o}は金曜日までに必要です|数日のうちに{o}を見てください"),
        _class("後で|低|急がない", "待てる", "{x}|壁の色|古い棚", "急ぎませんが、{o}を見てください|時間があるときに{o}をお願いします|{o}はいつでもかまいません"),
    ),
}  # fmt: skip

DOMAINS: dict[Language, dict[str, tuple[MessageClass, ...]]] = {"english": _ENGLISH, "japanese": _JAPANESE}
OPENERS: dict[Language, tuple[str, ...]] = {
    "english": ("Hello, ", "Hi, ", "Dear team, ", "Good morning, ", "Sorry to bother you, but ", "Just to let you know: ", "Once again, ", "As I told your colleague, ", "Honestly, ", "To be short: ", "My name is {f} and ", "Listen, "),
    "japanese": ("こんにちは。", "お世話になります。", "すみません、", "先日もお伝えしましたが、", "{f}と申します。", "早速ですが、", "お忙しいところすみません。"),
}  # fmt: skip
DETAILS: dict[Language, tuple[str, ...]] = {
    "english": (" My number is {c}.", " This has been so since {d}.", " Thanks.", " Kind regards, {f}", " I am in {t} at the moment.", " It is the third time.", " My reference: {c}.", " Please answer soon.", " Call me at 555-{n}.", " I do not know what else to do.", " Best, {f}"),
    "japanese": ("番号は{c}です。", "{t}に住んでいます。", "よろしくお願いします。", "{f}より。", "三回目です。", "お返事をお待ちしています。", "{d}のことです。"),
}  # fmt: skip
