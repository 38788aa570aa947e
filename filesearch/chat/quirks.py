"""Quirks: where servers that speak the OpenAI wire differ, and how a refusal tells.

Presets start with what a provider's documentation says; the rest is learned: a server that
answers 400 and names what it cannot do is asked again without it, and not asked for it afterwards.
What it says of one tool is about that tool: it takes tools.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Quirks:
    """What a server takes; the defaults are OpenAI's own.

    Attributes:
        calls_tools: Takes `tools`. Without, tool messages become the user's text.
        strict_tools: Takes `strict` in a tool.
        chooses_tools: Takes a `tool_choice` other than "auto".
        parallel_tools: Takes `parallel_tool_calls`.
        limits_completion: Calls the limit `max_completion_tokens`, not `max_tokens`.
        streams_usage: Takes `stream_options`.
        takes_sampling: Takes `temperature` and `top_p`.
        one_system: Takes a single system message, at the start.
        needs_user_turn: Refuses messages that end with the assistant's.
        alternates: Wants user and assistant to take turns: neighbours of one role are joined.
        takes_images: Takes images in the user's messages. Without, words stand in their place.
    """

    calls_tools: bool = True
    strict_tools: bool = True
    chooses_tools: bool = True
    parallel_tools: bool = True
    limits_completion: bool = True
    streams_usage: bool = True
    takes_sampling: bool = True
    one_system: bool = False
    needs_user_turn: bool = False
    alternates: bool = False
    takes_images: bool = True


_UNFIT = (
    r"(support|unsupported|unknown|unrecogni[sz]ed|unexpected|extra|not permitted|not allowed"
    r"|not available|invalid|requires?\b|不支持|无效)"
)
# Narrower, because tools that are wrong must not turn tool calling off.
_UNSUPPORTED = r"(not support|unsupported|unrecogni[sz]ed|extra inputs|不支持)"
_TOOLS = r"(\btools?\b|function call)"
# A name that a server does not know. A value that it does not take is the caller's affair.
_UNKNOWN = (
    r"(n['’o]t (\w+ )?support|unsupported|unknown|unrecogni[sz]ed|unexpected|\bextra\b"
    r"|not permitted|not allowed|not available|only (supported|available)|不支持)"
)
_VALUE = r"(unsupported.value|at most|(above|below) m|(less|greater|more|larger) than|too large)"
# An image that cannot be read or fetched, or not in this format, is the caller's affair too.
_NO_IMAGES = (
    r"image_url\W+is only supported|unknown variant\W+image_url|content must be a string"
    r"|(images?|image (inputs?|content)) (is|are) not (supported|enabled|allowed)"
    r"|(n['’o]t|that) support (images?( inputs?)?\W*(\Z|[.,;:'\"]|for|by|in )|multi-?modal|vision)"
    r"|at most 0 image|not a multi-?modal|data required for image"
)
# How servers say that they cannot do something, and what follows. Wordings of OpenAI, Ollama
# ("... does not support tools"), vLLM ('"auto" tool choice requires --enable-auto-tool-choice',
# "At most 0 image(s) may be provided"), llama.cpp ("tools param requires --jinja flag", "image
# input is not supported"), DeepSeek ("unknown variant `image_url`, expected `text`"), and of
# the chat templates of Mistral, Qwen and Gemma, which local servers pass on.
_REFUSALS: tuple[tuple[re.Pattern[str], dict[str, bool]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), change)
    for pattern, change in (
        (_NO_IMAGES, {"takes_images": False}),
        (r"stream_options|include_usage", {"streams_usage": False}),
        (r"parallel_tool_calls", {"parallel_tools": False}),
        (
            rf"\A(?!.*{_VALUE})(?=.*max_completion_tokens).*{_UNKNOWN}",
            {"limits_completion": False},
        ),
        (rf"(temperature|top_p).*{_UNFIT}", {"takes_sampling": False}),
        (
            r"roles must alternate|2 or more assistant messages|consecutive (user|assistant)",
            {"alternates": True},
        ),
        (
            r"prefill|must end with a user|last message is from the assistant"
            r"|last (message|role).*(must be|expected|should be).*user|expected last role user",
            {"needs_user_turn": True},
        ),
        (
            r"system (message|role|prompt) (must|should) be (at the beginning|the first|first)"
            r"|(only one|multiple|single|more than one) system message",
            {"one_system": True},
        ),
        (rf"tool_choice.*(auto|{_UNFIT})", {"chooses_tools": False}),
        (rf"{_TOOLS}.*{_UNSUPPORTED}|{_UNSUPPORTED}.*{_TOOLS}", {"calls_tools": False}),
        (r"tools param requires", {"calls_tools": False}),
        (r"auto.? tool choice requires", {"calls_tools": False}),
    )
)
# A place within a tool: tools[0].function, tools.0.function, ('body', 'tools', 0, 'function').
_INSIDE_TOOL = re.compile(r"\btools(\.|\[|/|['\"], ?| ?-> ?)\d", re.IGNORECASE)
# There may be a `strict` in these as well, and a schema that is not as a strict tool's must be.
_SCHEMA = r"(json_schema|response_format|schema for function|properties)"
_REFUSES_STRICT = re.compile(
    rf"\A(?!.*{_SCHEMA})(?=.*\bstrict\b).*{_UNKNOWN}", re.IGNORECASE | re.DOTALL
)
# `max_tokens` is the name that OpenAI's newer models refuse; they name the other one.
_WANTS_COMPLETION_LIMIT = re.compile(
    r"'?max_tokens'? is not supported.*max_completion_tokens", re.IGNORECASE | re.DOTALL
)


def learn(quirks: Quirks, message: str) -> Quirks:
    """Return `quirks` with the first thing that a refusal names, or as they are.

    Args:
        quirks: With which the server was asked.
        message: What it answered, with status 400 or 422.
    """
    if quirks.strict_tools and _REFUSES_STRICT.search(message):
        return replace(quirks, strict_tools=False)
    if _INSIDE_TOOL.search(message):
        return quirks
    if _WANTS_COMPLETION_LIMIT.search(message):
        return replace(quirks, limits_completion=True)
    for pattern, change in _REFUSALS:
        changed = replace(quirks, **change)
        if changed != quirks and pattern.search(message):
            return changed
    return quirks


_TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size_error|model_context_window_exceeded"
    r"|maximum context length|context length exceeded|exceeds? (the )?(maximum |model'?s? )?context"
    r"|exceeds? the available context|exceed context window|context window exceeds"
    r"|context size has been exceeded|context (the )?overflow|greater than the context length"
    r"|longer than the (maximum )?(model|context)|maximum model length|maximum prompt length"
    r"|prompt is too long|input is too long|input length exceed|input token count"
    r"|range of input length should be|reduce the length of the messages|too many input tokens"
    r"|超长|超过.{0,12}(上限|最大|限制).{0,12}(token|长度)|token.{0,8}超过|上下文.{0,8}(超|过长)",
    re.IGNORECASE,
)
# Zhipu: the prompt is too long; Spark: too many tokens.
_TOO_LONG_CODES = frozenset(("1261", "10907"))


def is_too_long(message: str, code: str = "") -> bool:
    """Say whether an error means that the messages are longer than the model can read.

    Wordings of OpenAI, DeepSeek and vLLM ("This model's maximum context length is ..."),
    llama.cpp ("... exceeds the available context size"), llama-cpp-python ("Requested tokens (..)
    exceed context window of .."), Ollama, LM Studio, DashScope ("Range of input length should be
    [1, ..]"), MiniMax ("context window exceeds limit"), Zhipu and Spark.
    """
    return code in _TOO_LONG_CODES or _TOO_LONG.search(f"{code} {message}") is not None
