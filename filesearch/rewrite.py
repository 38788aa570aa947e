"""Rewrite: a question as people type it -> the part that is worth searching.

Greetings, thanks, "could you please tell me" and instructions on how to answer are left out; of an
instruction, what it says about the topic stays ("... the details shown in the cash flow
statement"). Names, numbers, quotes and identifiers are never touched: when one would be lost, or
nothing would be left, the text stays as it is. Pure, English and Chinese, linear time.
"""

from __future__ import annotations

import re
from functools import lru_cache

import regex

from filesearch.patterns import lazy_pattern
from filesearch.sentences import sentence_spans
from filesearch.wording import (
    ASKING,
    AUXILIARY,
    EMPTY_WORDS,
    content_words,
    entities_of,
    must_survive,
    words_of,
)

_MAX_PEELS = 8
_ASKING_OR_IF = rf"(?:{ASKING}|if|whether)\b"
_REQUESTS = (
    "answer|calculate|check|clarify|compare|compute|confirm|define|describe|discuss|elaborate|"
    "explain|find|get|give|help|identify|inform|let|list|look|name|outline|point|provide|recommend|"
    "remind|say|send|share|shed|show|suggest|summari[sz]e|talk|tell|walk"
)
# Frames around a question. Each is taken off only at the start, and only while something is left.
_FRAMES = (
    # Hi there, / Dear team, / By the way,
    r"(?:hi|hello|hey|greetings|good (?:morning|afternoon|evening|day))"
    r"(?: (?:there|all|everyone|everybody|team|again))?(?=[ ,.!:;–—])[ ,.!:;–—]*",
    r"dear (?:\w{1,30} ){0,2}\w{1,30},",
    r"(?:ok|okay|so|well|yes|no|oh|wow|hmm+|oops|alright|sure|great|sorry|excuse me|thanks"
    r"|thank you|anyway|by the way|btw|just curious|quick question|one more (?:thing|question)"
    r"|another question|don't worry|i see|got it|wait(?: a (?:second|minute|moment))?)"
    r"(?: (?:very|so) much| a lot)?(?:[,.!:;–—-]+|\.\.\.)(?=\s)",
    r"(?:please|pls|plz|kindly)\b,?",
    # Could you (please) tell me ...
    r"(?:can|could|would|will) (?:you|u|anyone|anybody|someone|somebody)"
    rf"(?: (?:please|kindly|possibly|perhaps|maybe|also))*(?= (?:{_REQUESTS})\b)",
    r"(?:are you able|would it be possible|is it possible(?= (?:for you )?to (?:tell|explain)))"
    r"(?: for you)? to\b",
    r"shed (?:some |more |any )?light on\b",
    r"(?:please )?(?:tell|show|give|inform|remind|help|let|provide) (?:me|us)"
    r"(?: please)?(?: (?:know|understand|find out|figure out|more|to (?:know|understand|find out)"
    r"|(?:some|any|more|a (?:little )?bit)? ?(?:more )?(?:information|info|details?|insights?)))*"
    r"(?: (?:about|on|of|regarding|with|please))*\b(?= )",
    # I was wondering whether ... / I would like to know ...
    r"i(?:'m| am| was| have been)? ?(?:just |also |really )?"
    r"(?:wonder(?:ing)?|curious|asking|interested (?:in|to know|in knowing)"
    r"|trying to (?:find(?: out)?|figure out|understand|learn)"
    r"|(?:(?:would|'d) (?:like|love)|'d (?:like|love)|want(?:ed)?|need|meant?) "
    r"to (?:know|ask|learn|find out|understand|be told)"
    r"|have (?:a|another|one more) question)"
    r"(?: (?:about|on|regarding|as to|you about|more about|more))*"
    r"(?: (?:if|whether) you (?:happen to )?(?:know|(?:can|could) tell me)(?: (?:about|of))?)?"
    r"\b[,:]?",
    r"(?:can|could|may) i (?:please )?(?:ask|know)(?: you)?(?: (?:about|if|whether))?\b(?= )",
    r"(?:do|did|would|might) you (?:happen to )?(?:know|remember|recall)"
    rf"(?= (?:{_ASKING_OR_IF}|about|of))(?: (?:about|of))?",
    rf"(?:if|whether) you (?:happen to )?(?:know|can tell me|could tell me)(?= {_ASKING_OR_IF})",
    r"(?:do|would) you (?:happen to )?have (?:any|some) (?:idea|information|info|details)"
    r"(?: (?:about|on|of|regarding))?\b",
    rf"(?:any|some) idea(?= {ASKING}\b)",
    r"what (?:can|could) you tell me about\b",
    r"what do you (?:know about|mean by)\b",
)
# Compiled by `re`, which takes a third of the time and knows all that stands here.
_FRAME = lazy_pattern(rf"\s*(?:{'|'.join(_FRAMES)})\s*", re.IGNORECASE, engine=re)
# "a letter of thanks", "as you please": what stands before shows that it is said of something.
_SAID_OF = (
    r"(?<!\b(?:a|as|for|give|giving|he|i|if|many|my|no|of|say|saying|she|the|they|to|we|with|you|your)"
    r" )"
)
_TAIL = lazy_pattern(
    rf"[\s,.;!–—-]*\b(?:{_SAID_OF}(?:please|pls|plz"
    r"|thanks?(?: you)?(?: (?:a lot|so much|very much|in advance))*)|for me"
    r"|if (?:you )?(?:possible|please|can|could|don't mind))\s*(?P<stop>[.!?]*)\s*$",
    regex.IGNORECASE,
)
_SIGN_OFF = lazy_pattern(
    r"(?<=[.?!\n])\s*\b(?:(?:best|kind|warm|many) (?:regards|wishes|thanks)|regards|cheers"
    r"|(?:yours )?sincerely)\b[,.!]?(?:\s+\p{Lu}\w{0,30}){0,3}\W*$",
    regex.IGNORECASE,
)

# Instructions on how to answer. A sentence or a clause before a colon is one when it tells the
# reader to answer, speaks of "your answer", or puts the reader in a role.
_ROLE = lazy_pattern(
    r"\s*(?:please )?(?:(?:assume|imagine|pretend|suppose) (?:that )?(?:you|yourself)\b"
    r"|act as\b|you are (?:an?|the|my)\b|you're (?:an?|the|my)\b)",
    regex.IGNORECASE,
)
_INSTRUCTION = lazy_pattern(
    r"^\s*(?:please )?(?:answer|respond|reply)\b"
    r"|^\s*(?:please )?(?:use|utili[sz]e|rely|refer|consult|base)\b.{0,60}"
    r"\b(?:information|details?|data|documents?|context|judge?ments?|only|provided|shown)\b"
    r"|^\s*(?:please )?(?:give|provide|write|calculate|extract|derive|round)\b.{0,40}"
    r"\b(?:answer|response|reply|solution|decimal|what was asked)\b"
    r"|\byour (?:final |only )?(?:answers?|response|reply|judge?ments?|resource)\b"
    r"|\b(?:answer|address|approach|respond to) (?:the|this|my) (?:following )?question\b"
    r"|^\s*(?:here(?:'s| is) )?(?:the |my )?(?:following )?question$",
    regex.IGNORECASE,
)
_ROLE_INSIDE = lazy_pattern(
    r"\bas if you\b.*|\b(?:perspective|standpoint|viewpoint|role|point of view) of an? "
    r"(?:\w+ ){0,4}\w+(?= who\b| that\b|\W*$)",
    regex.IGNORECASE,
)
_OPENS_WITH_ASKING = lazy_pattern(rf"\s*{_ASKING_OR_IF}", regex.IGNORECASE)
_OPENS_AS_QUESTION = lazy_pattern(
    rf"\s*(?:{_ASKING_OR_IF}|{AUXILIARY}\b)",
    regex.IGNORECASE,
)
_INSTRUCTION_WORDS = frozenset(
    """abilities ability access accordance according account address agreement approach assuming
    base based basing best brief briefly calculate clearly compute concise concisely
    conclusions considering contained context data decimal document documents drawing
    explicitly extract following format found here's items judgement judgements judgment
    judgments line mainly one only outlined perspective place places primarily provided
    relevant rely relying replies reply respond response round shown solely solution standpoint
    state stated text three two units utilize utilizing""".split()
)

_CHINESE_FRAME = lazy_pattern(
    r"\s*(?:(?:你|您)好[啊呀]?|哈[喽囉]|嗨|[请請][问問](?:一下)?|麻[烦煩](?:你|您)?|[劳勞][驾駕]|打[扰擾]一下|不好意思"
    r"|[谢謝][谢謝](?:你|您)?|多[谢謝]"
    r"|我(?:很)?(?:想|要)(?:要)?(?:[请請]教|[问問]|知道|了解|瞭解)(?:一下|下)?"
    r"|(?:你|您)?(?:能不能|可不可以|能否|可否|是否可以|可以|能)(?:[请請])?(?:(?:你|您))?"
    r"(?:[帮幫](?:我|忙)(?:[查找看问問](?=一?下))?|告[诉訴]我|[给給]我(?:[讲講]|介[绍紹]|[说說]))(?:一下|下)?"
    r"|[请請]?(?:[帮幫]我|告[诉訴]我|[给給]我)(?:[查找看问問]|[讲講][讲講]?|[说說][说說]?)?(?:一下|下)?"
    r"|[请請]?介[绍紹](?:一下|下)|(?:你|您|有[谁誰]|[谁誰])知道)[\s，,。.！!、:：~～]*"
)
_CHINESE_TAIL = lazy_pattern(
    r"[\s，,。！!？?]*(?:[谢謝][谢謝](?:你|您|了|啦|大家)*|多[谢謝](?:了|啦)?|感[谢謝]|麻[烦煩](?:你|您)?了"
    r"|好[吗嗎]|可以[吗嗎]|行[吗嗎])[\s。！!？?~～]*$"
)


@lru_cache(maxsize=256)
def drop_chatter(question: str) -> str:
    """Return `question` without what is not worth searching.

    Returns:
        Never blank for a question that is not; every number, quoted phrase and identifier of
        `question` is still in it. Unchanged, but for white space at its ends, when in doubt.
    """
    question = question.strip()
    text = _SIGN_OFF.sub("", question)
    rewritten = ""
    said_of_source: list[str] = []
    last_end = 0
    for start, end in sentence_spans(text):
        sentence, source = _split_instruction(text[start:end])
        said_of_source += source
        peeled = _peel(sentence)
        if all(name.text in peeled for name in entities_of(sentence)):
            sentence = peeled
        if not _is_chatter(sentence):
            gap = text[last_end:start] if last_end < start else ""
            rewritten += (gap if rewritten else "") + sentence
        elif rewritten and last_end < start:
            rewritten += " "
        last_end = end
    if not content_words(rewritten):
        return question
    rewritten = " ".join([rewritten.strip(), *dict.fromkeys(said_of_source)])
    if any(part not in rewritten for part in must_survive(question)):
        return question
    return rewritten


def _split_instruction(sentence: str) -> tuple[str, list[str]]:
    """Return the sentence without an instruction, and what that said of the topic."""
    head, colon, rest = sentence.partition(": ")
    if colon and _is_instruction(head):
        return rest, _topic_of_instruction(head)
    if _is_instruction(sentence):
        return "", _topic_of_instruction(sentence)
    return sentence, []


def _is_instruction(text: str) -> bool:
    if _ROLE.match(text):
        return True
    return bool(_INSTRUCTION.search(text)) and not _OPENS_AS_QUESTION.match(text)


def _topic_of_instruction(text: str) -> list[str]:
    """Return the stretches of an instruction that are about the topic, such as its source."""
    if _ROLE.match(text):
        return []
    stretches: list[list[str]] = [[]]
    for word in words_of(_ROLE_INSIDE.sub(" ", text)):
        says_topic = word.is_content and word.lower not in _INSTRUCTION_WORDS
        if says_topic or (word.lower == "of" and stretches[-1]):
            stretches[-1].append(word.text)
        else:
            stretches.append([])
    return [" ".join(found).removesuffix(" of") for found in stretches if found]


def _is_chatter(sentence: str) -> bool:
    """Whether nothing but grammar and talk is said: Thank you so much! Can you clarify?"""
    if _OPENS_WITH_ASKING.match(sentence):
        return False
    if not sentence.isascii() and _CHINESE_FRAME.fullmatch(sentence):
        return True
    return all(
        word.kind == "mark" or (word.kind == "word" and word.lower in EMPTY_WORDS)
        for word in words_of(sentence)
    )


def _peel(sentence: str) -> str:
    """Take frames off both ends while content is left."""
    frames, tails = [_FRAME], [_TAIL]
    if not sentence.isascii():
        frames, tails = [_FRAME, _CHINESE_FRAME], [_TAIL, _CHINESE_TAIL]
    for _ in range(_MAX_PEELS):
        peeled = sentence
        for pattern in frames:
            found = pattern.match(peeled)
            if found and found.end() > 0:
                peeled = peeled[found.end() :]
        for pattern in tails:
            found = pattern.search(peeled, max(0, len(peeled) - 80))
            if found:
                stop = found.groupdict().get("stop") or ""
                peeled = peeled[: found.start()] + stop
        if peeled == sentence or not content_words(peeled):
            break
        sentence = peeled
    return sentence
