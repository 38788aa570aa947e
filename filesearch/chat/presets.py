"""Presets: the servers whose chat models can be set by name, and what each of them needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from filesearch.chat.quirks import Quirks


@dataclass(frozen=True, slots=True)
class Preset:
    """A kind of server that speaks OpenAI's chat completions.

    Attributes:
        base_url: Where it usually is.
        key_variables: The provider's own variables for its key, the first found holds; none for
            servers on this machine.
        other_hosts: Where else the provider is served, and its key may go.
        quirks: Where it differs from OpenAI's.
    """

    base_url: str
    key_variables: tuple[str, ...] = ()
    other_hosts: tuple[str, ...] = ()
    quirks: Quirks = field(default_factory=Quirks)

    def may_take_key(self, base_url: str) -> bool:
        """Say whether a URL is the provider's, so that its own variable's key may go there."""
        return urlsplit(base_url).hostname in (urlsplit(self.base_url).hostname, *self.other_hosts)


_OLDER = Quirks(limits_completion=False)
_PLAIN = Quirks(limits_completion=False, chooses_tools=False, parallel_tools=False)

# Addresses, variables and fields as the providers' documentation had them in November 2026. A
# field that is not documented there is not sent; what is refused all the same is learned.
PRESETS = {
    "openai": Preset("https://api.openai.com/v1", ("OPENAI_API_KEY",)),
    # docs.ollama.com, "OpenAI compatibility".
    "ollama": Preset("http://127.0.0.1:11434/v1", quirks=_PLAIN),
    "vllm": Preset("http://127.0.0.1:8000/v1"),
    "llamacpp": Preset("http://127.0.0.1:8080/v1", quirks=_OLDER),
    "lmstudio": Preset("http://127.0.0.1:1234/v1", quirks=_OLDER),
    # docs.bigmodel.cn; the second variable is that of its older SDK. tool_choice is auto alone,
    # and the last chunk has the usage without being asked for it.
    "zhipu": Preset(
        "https://open.bigmodel.cn/api/paas/v4",
        ("ZAI_API_KEY", "ZHIPUAI_API_KEY"),
        ("api.z.ai",),
        Quirks(
            limits_completion=False, chooses_tools=False, parallel_tools=False, streams_usage=False
        ),
    ),
    # help.aliyun.com/zh/model-studio, "OpenAI compatibility".
    "qwen": Preset(
        "https://dashscope.aliyuncs.com/compatible-mode/v1",
        ("DASHSCOPE_API_KEY",),
        ("dashscope-intl.aliyuncs.com",),
        _OLDER,
    ),
    "deepseek": Preset(
        "https://api.deepseek.com",
        ("DEEPSEEK_API_KEY",),
        quirks=Quirks(limits_completion=False, parallel_tools=False),
    ),
    "baichuan": Preset("https://api.baichuan-ai.com/v1", ("BAICHUAN_API_KEY",), quirks=_PLAIN),
    # platform.minimax.io, "OpenAI SDK": max_tokens is deprecated, no tool_choice.
    "minimax": Preset(
        "https://api.minimax.io/v1",
        ("MINIMAX_API_KEY",),
        ("api.minimaxi.com",),
        Quirks(chooses_tools=False, parallel_tools=False),
    ),
    # xfyun.cn/doc/spark, "HTTP": the key is the console's APIPassword; the last chunk has the
    # usage without being asked for it.
    "spark": Preset(
        "https://spark-api-open.xf-yun.com/v1",
        ("SPARK_API_PASSWORD",),
        quirks=Quirks(limits_completion=False, parallel_tools=False, streams_usage=False),
    ),
}
PRESETS["glm"] = PRESETS["zhipu"]
PRESETS["dashscope"] = PRESETS["qwen"]
