"""Model choices: every model that a setting can name, and what it still needs."""

from __future__ import annotations

import pytest

from filesearch import model_choices as module
from filesearch.chat.presets import PRESETS
from filesearch.config import RERANKER_KINDS, Settings
from filesearch.model_choices import model_choices


@pytest.fixture(autouse=True)
def everything_installed(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda _package: object())


def chosen(settings, environ=None):
    return [choice for choice in model_choices(settings, environ or {}) if choice.is_chosen]


def of(preset, settings, environ):
    return next(
        choice for choice in model_choices(settings, environ) if choice.name.startswith(preset)
    )


def test_the_settings_name_one_model_each():
    settings = Settings()
    assert [(choice.setting, choice.name) for choice in chosen(settings)] == [
        ("chat_model", settings.chat_model),
        ("embedder", settings.embedder),
        ("reranker", settings.reranker),
    ]
    assert not any(choice.needs for choice in chosen(settings))


def test_every_preset_and_every_kind_of_reranker_is_listed():
    names = [choice.name.partition(":")[0] for choice in model_choices(Settings(), {})]
    assert set(PRESETS) <= set(names)
    assert set(RERANKER_KINDS) - {"http", "https"} <= set(names)  # these two are styles of others


@pytest.mark.parametrize(
    ("embedder", "reranker"),
    [
        ("sentence-transformers:BAAI/bge-m3", "sentence-transformers:BAAI/bge-reranker-base"),
        ("models/mine", "onnx:models/cross"),
        ("all-MiniLM-L6-v2", "none"),
        ("all-MiniLM-L6-v2", "jina:https://example.org/v1/rerank#one"),
    ],
)
def test_what_is_chosen_stands_as_it_is_written(embedder, reranker):
    found = chosen(Settings(embedder=embedder, reranker=reranker))
    assert [choice.name for choice in found] == ["extractive", embedder, reranker]


@pytest.mark.parametrize(("url", "kind"), [("", "text-embeddings-inference"), ("#m", "Cohere's")])
def test_a_bare_address_is_of_the_style_that_it_is_taken_for(url, kind):
    found = chosen(Settings(reranker=f"http://127.0.0.1:8080/rerank{url}"))[2]
    assert found.name == f"http://127.0.0.1:8080/rerank{url}"
    assert kind in found.what


def test_a_provider_wants_its_key_and_says_which():
    settings = Settings(chat_model="deepseek:deepseek-chat")
    assert of("deepseek", settings, {}).needs == "set FSEARCH_CHAT_API_KEY or DEEPSEEK_API_KEY"
    assert of("deepseek", settings, {"DEEPSEEK_API_KEY": "k"}).needs == ""
    with_key = Settings(chat_model="deepseek:deepseek-chat", chat_api_key="k")
    assert of("deepseek", with_key, {}).needs == ""
    # It goes to that server alone.
    assert of("openai", with_key, {}).needs == "set FSEARCH_CHAT_API_KEY or OPENAI_API_KEY"
    assert of("ollama", settings, {}).needs == ""


def test_an_address_of_ones_own_needs_no_key_and_is_shown():
    settings = Settings(chat_model="openai:mine@http://127.0.0.1:9/v1")
    [model] = [choice for choice in chosen(settings) if choice.setting == "chat_model"]
    assert (model.name, model.what, model.needs) == (
        "openai:mine@http://127.0.0.1:9/v1",
        "http://127.0.0.1:9/v1",
        "",
    )


def test_what_is_not_installed_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda _package: None)
    needs = {choice.name: choice.needs for choice in model_choices(Settings(), {})}
    assert needs["ollama:NAME"] == "pip install 'filesearch[openai]'"
    key = "set FSEARCH_CHAT_API_KEY or DASHSCOPE_API_KEY"
    assert needs["qwen:NAME"] == f"pip install 'filesearch[openai]'; {key}"
    assert needs["sentence-transformers:NAME"] == "pip install 'filesearch[sentence-transformers]'"
    assert needs["extractive"] == needs["learned"] == needs["onnx:FOLDER_OR_NAME"] == ""
