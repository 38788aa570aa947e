"""Presets: names in the settings -> the server that is asked, with which key and quirks."""

import subprocess
import sys

import pytest

from filesearch.adapters import make_chat_model
from filesearch.chat.presets import PRESETS
from filesearch.config import CHAT_PRESETS, Settings
from filesearch.errors import InvalidSetting
from filesearch.testing import ScriptedChatModel

KEY = "sk-clay-1234"


def make(model, environ=None, **settings):
    return make_chat_model(
        Settings(chat_model=model, **settings),
        extractive=lambda: ScriptedChatModel(["quoted"]),
        environ=environ or {},
    )


def test_the_settings_know_the_same_presets():
    assert sorted(PRESETS) == sorted(CHAT_PRESETS)


def test_the_extractive_one_is_made_by_the_caller():
    assert make("extractive").name == "scripted"


@pytest.mark.parametrize("preset", CHAT_PRESETS)
def test_every_preset_makes_a_model_of_the_name_after_the_colon(preset):
    key = dict.fromkeys(PRESETS[preset].key_variables, KEY)
    model = make(f"{preset}:some/model:7b", key)
    assert (model.name, model.base_url) == ("some/model:7b", PRESETS[preset].base_url)
    assert model.calls_tools is True


@pytest.mark.parametrize("preset", [name for name in PRESETS if PRESETS[name].key_variables])
def test_a_provider_without_a_key_names_the_variable(preset):
    with pytest.raises(InvalidSetting, match=PRESETS[preset].key_variables[0]):
        make(f"{preset}:m")


@pytest.mark.parametrize("preset", "ollama vllm llamacpp lmstudio".split())
def test_servers_on_this_machine_need_no_key(preset):
    assert "127.0.0.1" in make(f"{preset}:m").base_url


def key_sent(server, ask, **settings):
    """Which Authorization a model with these settings sends."""
    server.plan.append("Hi")
    make(chat_base_url=server.url, **settings).complete(ask("Hi"))
    return server.seen[-1][0].get("Authorization")


def test_the_set_key_is_sent(server, ask):
    sent = key_sent(server, ask, model="vllm:m", chat_api_key=KEY)
    assert sent == f"Bearer {KEY}"


def test_without_a_key_none_is_sent(server, ask, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-process")
    assert key_sent(server, ask, model="ollama:m") is None


def test_a_providers_own_key_goes_to_the_provider_alone(server, ask):
    environ = {"OPENAI_API_KEY": KEY}
    assert key_sent(server, ask, model="openai:m", environ=environ) is None


@pytest.mark.parametrize(
    ("preset", "url"),
    [
        ("qwen", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"),
        ("minimax", "https://api.minimaxi.com/v1"),
        ("zhipu", "https://api.z.ai/api/paas/v4"),
    ],
)
def test_a_provider_served_elsewhere_wants_its_key_too(preset, url):
    with pytest.raises(InvalidSetting, match="needs an API key"):
        make(f"{preset}:m", chat_base_url=url)
    assert make(f"{preset}:m", {PRESETS[preset].key_variables[0]: KEY}, chat_base_url=url)


@pytest.mark.parametrize(
    ("url", "key", "says"),
    [
        ("localhost:8000", "", "cannot be used; give one such as http://127.0.0.1:8080/v1"),
        ("http://user:secret@host/v1", "", "carries a password"),
        ("http://192.0.2.1/v1", KEY, "would travel unencrypted to 192.0.2.1"),
        ("https://host/v1", "two words", "no key has"),
    ],
)
def test_an_address_or_key_that_cannot_be_used_is_refused(url, key, says):
    with pytest.raises(InvalidSetting, match=says) as raised:
        make("vllm:m", chat_base_url=url, chat_api_key=key)
    assert "secret" not in str(raised.value)
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("calls", [True, False])
def test_the_setting_says_whether_it_calls_tools(calls):
    assert make("ollama:m", chat_calls_tools=calls).calls_tools is calls


def test_without_the_package_the_error_names_the_extra():
    """In a process of its own, where nothing called openai can be found."""
    code = (
        "import sys; sys.modules['openai'] = None\n"
        "from filesearch.chat.openai import OpenAIChatModel\n"
        "OpenAIChatModel('m', base_url='http://127.0.0.1/v1')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "run: pip install 'filesearch[openai]'" in done.stderr
    assert "InvalidSetting" in done.stderr


def mapped(name, environ=None, **settings):
    """The model of one mapped name."""
    return make_chat_model(
        Settings(**settings), extractive=ScriptedChatModel, name=name, environ=environ or {}
    )


@pytest.mark.parametrize(
    ("name", "settings", "url"),
    [
        ("vllm:m", {}, "http://127.0.0.1:8000/v1"),
        ("vllm:m", {"chat_base_url": "http://gpu/v1"}, "http://gpu/v1"),
        ("vllm:m", {"chat_base_url": "http://gpu/v1", "chat_model": "vllm:n"}, "http://gpu/v1"),
        (
            "vllm:m",
            {"chat_base_url": "http://gpu/v1", "chat_model": "ollama:n"},
            "http://127.0.0.1:8000/v1",
        ),
        ("vllm:m@http://own/v1", {"chat_base_url": "http://gpu/v1"}, "http://own/v1"),
    ],
)
def test_a_mapped_model_is_served_where_it_says_or_the_settings_do(name, settings, url):
    assert mapped(name, **settings).endpoint.base_url == url


def test_the_set_key_goes_to_the_server_of_the_chat_model_alone():
    settings = {"chat_model": "vllm:a", "chat_base_url": "https://gpu/v1", "chat_api_key": KEY}
    assert mapped("vllm:b", **settings).endpoint.api_key == KEY
    assert mapped("vllm:b@https://gpu/v2", **settings).endpoint.api_key == KEY
    assert mapped("vllm:b@https://other/v1", **settings).endpoint.api_key == ""
    assert mapped("openai:b", {"OPENAI_API_KEY": "sk-o"}, **settings).endpoint.api_key == "sk-o"
    assert KEY not in repr(mapped("vllm:b", **settings).endpoint)
