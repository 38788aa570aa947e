"""Claims: does a sentence of an answer state a fact that wants a citation?

sentence -> bool. What is said to the reader (greetings, offers, questions), what leads over to
something else ("Here is what I found:"), headings, and the statement that the documents hold
nothing want none. Pure rules for English and Chinese, and for how German, French and Spanish greet
and say that nothing was found; linear time.
"""

from __future__ import annotations

import regex

from filesearch.figures import figures_of
from filesearch.patterns import lazy_pattern
from filesearch.terms import query_terms
from filesearch.wording import has_han

# Fewer terms than these say yes, no, or nothing.
_MIN_TERMS = 2
_MIN_HAN = 4
_MAX_HEADING_WORDS = 8

LEADING_MARK = lazy_pattern(
    r"\s*(?:(?:[-*+•·‣▪>|]|#+)\s+|\d{1,2}[.)]\s+|\[[ xX]\]\s+"
    r"|[(（]?[一二三四五六七八九十]{1,3}[)）、])*"
)
"""Marks that open a line without being part of what it says; matches everywhere, maybe nothing."""
_HEADING = lazy_pattern(r"\s*(?:#{1,6}\s|\*\*[^*\n]+\*\*[:：]?\s*$|__[^_\n]+__[:：]?\s*$)")
_STOP = lazy_pattern(r"[.!;。！；…]['\"”’)\]）】」』*]*\s*$")
_OPEN_END = lazy_pattern(r"[?？:：]['\"”’)\]）】」』*]*\s*$")
_DOCUMENTS = (
    r"(?:the |these |those |your |any of the |none of the |our )?(?:\w+ )?(?:documents?"
    r"|sources?|files?|passages?|context"
    r"|(?:search )?results?|texts?|excerpts?|materials?|information)(?: (?:provided|given|available"
    r"|found|uploaded|retrieved|I have))?"
)
# What an answer opens with before it comes to the point.
_INTERJECTION = lazy_pattern(
    rf"\W*(?:(?:based on|according to|judging by) {_DOCUMENTS}"
    r"|根据.{0,8}(?:文档|文件|资料|内容|信息)"
    r"|unfortunately|regrettably|however|hallo|guten (?:tag|morgen|abend)|entschuldigung"
    r"|(?:es )?tut mir leid|bonjour|bonsoir|désolée?|je suis désolée?|malheureusement|merci"
    r"|hola|buenos días|buenas tardes|lo siento|lamentablemente|desafortunadamente|gracias"
    r"|yes|no|sure|certainly|of course|absolutely|okay|ok|well|hello|hi|hey|great question"
    r"|good question|thanks|thank you|sorry|great|right|indeed|correct|hello there"
    r"|是的|好的|当然(?:可以)?|當然(?:可以)?|没错|沒錯|对的|不是|您好|你好|谢谢|謝謝|抱歉|对不起|對不起)\s*[,.!:;，。！：；—-]+\s*"
    r"|\W*leider\s+",
    regex.IGNORECASE,
)
_SAYS_NOTHING = lazy_pattern(
    rf"\W*{_DOCUMENTS}(?: themselves)? (?:(?:do|does|did|has|have)(?: not|n['’]t)|hold no"
    rf"|contain no|contains no"
    r"|holds no|give no|gives no|provide no|provides no|say nothing|says nothing|cannot"
    r"|mention no|lacks?)\b"
    rf"|\W*(?:there(?:['’]s| is| was| are) )?(?:no|not enough|insufficient) (?:\w+ )?(?:information"
    rf"|mention|answer|details?|evidence|data"
    r"|passages?|results?|documents?|sources?)\b"
    rf"|.{{0,200}}\b(?:is|are|was|were)(?: not|n['’]t)(?: (?:\w+ )?(?:mentioned|specified|stated"
    rf"|given|covered|described|answered|available|contained|listed|present"
    rf"|provided|found|included|addressed))?(?: anywhere)? (?:in|by|from) {_DOCUMENTS}\b"
    rf"|.{{0,200}}\b(?:can(?:not| not|['’]t)|could(?: not|n['’]t)) be (?:answered|determined"
    rf"|found) (?:from|in|with|by|using) {_DOCUMENTS}\b|\W*{_DOCUMENTS} (?:is|are) silent\b"
    r"|\W*not found\W*$|\W*I (?:(?:have )?(?:found|find|know|see|have) (?:nothing|no)\b"
    r"|(?:ca|could|do|did|have|am|was)(?:n['’]t|n?not|n? not) )"
    rf"|\W*none of {_DOCUMENTS} (?:mention|say|state|contain|hold|give|provide|address|cover|specif"
    rf"|describe|answer)|\W*(?:there (?:is|was) )?nothing (?:\w+ )?in {_DOCUMENTS}\b"
    r"|\W*nothing (?:\w+ ){0,8}?(?:was|has been|could be) found"
    rf"(?:\W*$| (?:(?:about|on|for|regarding)\b(?! \d)|in {_DOCUMENTS}\b))"
    r"|\W*(?:(?:the|my|this|a|file) ){0,2}search(?:es)? (?:(?:has|have) )?(?:(?:found|returned|gave"
    r"|given|yielded|turned up) (?:no|nothing)\b|(?:did|does|has)(?: not|n['’]t)\b)"
    r"|.{0,12}(?:文档|文檔|文件|资料|資料|材料|来源|上下文|文中|段落|原文|检索结果|搜索结果)(?:中|里|裡|内|內)?(?:并|並|也|均|都)?"
    r"(?:没有|沒有|没|未|不|无|無)(?:有|能|曾)?(?:任何|明确|明確|具体|直接)?(?:提到|提及|提供|说明|說明|包含|找到|涉及|给出|記載|记载|说|写|关于|相关|回答|足够|足夠|信息|答案|列出)"
    r"|(?:我的)?(?:搜索|检索|查询)(?:没有|未)(?:能)?(?:返回|找到|得到)"
    r"|\W*(?:目前|暂时)?(?:没有|沒有|没|无|無)(?:任何)?相关(?:的)?(?:信息|资料|内容|文档|文件|结果|记录|记载|说明|答案)"
    r"|\W*(?:没有|沒有|没|未能?|无法|無法)(?:在.{1,12})?(?:找到|查到|回答|确定|確定|得知|检索到|提供)",
    regex.IGNORECASE,
)
# The same in other languages: the documents or a search, a negation and what they fail to do, in
# any order; or that the writer did not find it.
_SAYS_NOTHING_ELSEWHERE = lazy_pattern(
    r"(?=.{0,160}\b(?:dokumente?n?|unterlagen|dateien|quellen|texte?n?|passagen?|textstellen?|stellen"
    r"|kontext|informationen|suche)\b)(?=.{0,160}\b(?:nicht|nichts|keine?[nrsm]?)\b)"
    r".{0,160}\b(?:enth(?:alten|ält)|nenn\w+|erwähn\w+|sag\w+|geb\w+|gibt|mach\w+|liefer\w+|steh\w+"
    r"|beantwort\w+|hervor|lieg\w+|finde[nt]?|gefunden|genannt|angegeben|beschrieben|ergab|ergeben)\b"
    r"|\W*(?:(?:dazu|hierzu|darüber|das) )?(?:ich (?:konnte|kann|habe|finde|weiß)"
    r"|(?:konnte|kann|habe|finde|weiß) ich)\b.{0,160}\b(?:nicht|nichts|keine?[nrsm]?)\b"
    r"|(?=.{0,160}\b(?:documents?|sources?|fichiers?|passages?|textes?|extraits?|contexte"
    r"|informations?|recherche)\b)(?=.{0,160}\b(?:ne |n['’]))(?=.{0,160}\b(?:pas|rien|aucune?)\b)"
    r".{0,160}\b(?:conti(?:ent|ennent)|précis\w+|mention\w+|indiqu\w+|donn\w+|fourni\w*|répond\w*"
    r"|trouv\w+|figur\w+|y a|di(?:t|sent))\b"
    r"|\W*je (?:n['’]ai|ne (?:peux|sais|trouve|dispose))\b.{0,60}\b(?:pas|rien|aucune?)\b"
    r"|(?=.{0,160}\b(?:documentos?|fuentes?|archivos?|pasajes?|textos?|fragmentos?|contexto"
    r"|información|búsqueda)\b)(?=.{0,160}\b(?:no|ning[uú]n\w*)\b)"
    r".{0,160}\b(?:contien\w+|mencion\w+|indica\w*|dicen?|proporcion\w+|encontr\w+|respond\w+"
    r"|especific\w+|hay)\b"
    r"|\W*no (?:he encontrado|encontré|puedo|pude|tengo|dispongo|(?:lo )?sé)\b",
    regex.IGNORECASE,
)
# What they do not say may be followed by a claim: "The documents do not say, but it is 500 EUR."
_BUT = lazy_pattern(
    r"[,;，；—–]\s*(?:but|however|though|yet|aber|jedoch|mais|cependant|pero|sin embargo"
    r"|但是?|不过|然而)\W*",
    regex.IGNORECASE,
)
_TO_THE_READER = lazy_pattern(
    r"\W*(?:let me|let us|let['’]s|feel free|please (?:let|feel|ask|tell|note that I|provide"
    r"|share|see|refer|check|(?:upload|attach|clarify|specify|rephrase|try)\b(?!.*\d))"
    r"|hope|would you"
    r"|do you|if you(?:['’]d| would)? (?:need|want|like|have)[^.]*\b(?:let me|tell me|ask|just"
    r"|feel|I can|I['’]ll|please|happy)"
    r"|(?:happy|glad) (?:to|I)\b|you(?:['’]re| are) welcome|thanks?\b|thank you|sorry\b"
    r"|(?:my )?apologies"
    r"|hello\b|hi\b|hey\b|good (?:morning|afternoon|evening|question)|welcome\b|have a (?:nice"
    r"|good|great)|see you|goodbye"
    r"|here(?:['’]s| is| are)\b|below (?:is|are)|the following (?:is|are) (?:a "
    r"|the )?(?:summary|list|answer|details|overview)"
    r"|(?:that|this)['’]?s? (?:is )?(?:a )?(?:great|good|excellent|interesting) question"
    r"|(?:in (?:summary|short|conclusion)|to (?:summari[sz]e|sum up)|overall|first|next"
    r"|finally|now)\W*$"
    r"|I hope|I (?:can|could|will|would|do|don['’]t|cannot|can['’]t|couldn['’]t|did|didn['’]t"
    r"|am|was|have|need|searched|looked|checked|think)\b(?!.{0,20}\bthat\b)"
    r"|I['’](?:m|ll|d|ve)\b(?!.{0,20}\bthat\b)|I (?:found|see|checked)\b(?!.{0,20}\bthat\b)"
    r"|I(?:['’]m| am) (?:an?|your|the) (?:[\w-]+ ){0,4}?(?:assistant|model|(?:chat)?bot|AI)\b"
    # "You can ask for a refund" and "you can upload files of up to 5 MB" are facts.
    r"|you (?:can|could|may|might) (?:also )?(?:(?:want|wish) to )?(?:rephrase"
    r"|ask (?:me|again|another|about)|upload (?:it|them|the|your|another|more))\b(?!.*\d)"
    r"|try (?:rephrasing|rewording|reformulating|asking|another|a different)\b|go ahead\b"
    r"|(?:it['’]s |it is )?(?:my|a) pleasure\b|(?:it['’]s |it is )?(?:nice|good|great|pleased) to "
    r"(?:meet|hear|see|help)\b"
    r"|(?:ich|wir) helfen? (?:ihnen|dir|gern)|gern (?:geschehen|helfe)|gerne?\W*$"
    r"|bitte (?:laden|geben|stellen|formulieren|nennen) sie\b|je (?:peux|suis là|vous aide)"
    r"|n['’]hésitez pas|con gusto|de nada|puedo ayudar"
    r"|as an AI|we can (?:now|look|see)"
    r"|您?好|你好|您好|谢谢|謝謝|感谢|感謝|很高兴|很高興|我是.{0,16}助手|不客气|不客氣|抱歉|很抱歉|对不起|對不起|希望.{0,16}(?:帮|幫|有用)|祝|再见|再見"
    r"|如果?(?:您|你).{0,24}(?:请|請|告诉|告訴|随时|隨時|我可以)|如有.{0,16}(?:请|請|随时|隨時)|如需|请(?:告诉|问|提供|随时|参考|参阅)|請(?:告訴|問|提供|隨時|參考)"
    r"|需要我|要不要我|以下(?:是|为|為|内容)|下面(?:是|我)?|让我|讓我|我(?:可以|能|会|會|来|來|将|將|找到|查|无法|無法|没|沒|不|很)"
    r"|(?:总之|综上(?:所述)?|首先|其次|最后|总的来说|簡而言之|简而言之)\W*$)",
    regex.IGNORECASE,
)
_WORD = lazy_pattern(r"[\p{L}\p{N}][\p{L}\p{N}'’.-]*")
_SMALL = frozenset("a an and as at but by for from in into of on or the to via vs with".split())


def states_fact(sentence: str) -> bool:
    """Return whether `sentence` claims something about the world, so that it wants a citation.

    Args:
        sentence: One sentence or line of an answer, with or without list marks; citation markers
            taken out.
    """
    if not sentence.strip() or _HEADING.match(sentence):
        return False
    mark = LEADING_MARK.match(sentence)
    text = sentence[mark.end() :] if mark else sentence
    opening = _INTERJECTION.match(text)
    while opening:
        text = text[opening.end() :]
        opening = _INTERJECTION.match(text)
    if any(pattern.match(text) for pattern in (_SAYS_NOTHING, _SAYS_NOTHING_ELSEWHERE)):
        but = _BUT.search(text)
        return but is not None and states_fact(text[but.end() :])
    if _OPEN_END.search(text) or _TO_THE_READER.match(text):
        return False
    return not _is_heading(text) and _says_something(text)


def _is_heading(text: str) -> bool:
    """Whether a line without a stop or figure has the shape of a title."""
    if _STOP.search(text) or any(not figure.is_weak for figure in figures_of(text)):
        return False
    if has_han(text):
        return len(text.strip()) <= _MAX_HEADING_WORDS
    words = _WORD.findall(text)
    return len(words) < 3 or (
        len(words) <= _MAX_HEADING_WORDS
        and all(word[0].isupper() or word.lower() in _SMALL for word in words)
    )


def _says_something(text: str) -> bool:
    if has_han(text):
        return sum(c.isalnum() for c in text) >= _MIN_HAN
    terms = query_terms(text)
    return len(terms) >= _MIN_TERMS and _WORD.search(text) is not None
