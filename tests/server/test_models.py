"""Models: which names there are, and what answers to a name."""

import openai
import pytest

from filesearch import FileSearch
from filesearch.config import Settings
from filesearch.server.models import ModelMap
from filesearch.testing import HashingEmbedder, ScriptedChatModel

MAPPED = {
    "gpt-4o": "ollama:qwen2.5:7b",
    "gpt-4*": "vllm:org/m@http://127.0.0.1:9/v1",
    "o*": "extractive",
}


@pytest.fixture
def mapped(tmp_path):
    """An index whose settings map names."""
    settings = Settings(index=str(tmp_path / "index"), chat_models=MAPPED)
    with FileSearch(settings=settings, embedder=HashingEmbedder()) as fs:
        yield fs


@pytest.mark.parametrize(
    ("name", "serves"),
    [
        ("gpt-4o", "qwen2.5:7b"),
        ("gpt-4o-mini", "org/m"),
        ("o3", "extractive"),
        ("claude", "extractive"),
        ("vllm:org/m", "org/m"),
        ("ollama:qwen2.5:7b", "qwen2.5:7b"),
        ("ollama:another", "extractive"),
    ],
)
def test_a_name_is_served_by_what_it_or_its_pattern_is_mapped_to(mapped, name, serves):
    assert ModelMap(mapped).model_for(name).name == serves


def test_a_model_is_made_once(mapped):
    models = ModelMap(mapped)
    assert models.model_for("gpt-4o") is models.model_for("ollama:qwen2.5:7b")
    assert models.model_for("claude") is mapped.chat_model


def test_beside_a_default_language_model_the_extractive_one_can_be_asked_for(tmp_path):
    settings = Settings(index=str(tmp_path / "index"), chat_model="ollama:m")
    with FileSearch(settings=settings, embedder=HashingEmbedder()) as fs:
        models = ModelMap(fs)
        assert [models.model_for(n).name for n in ("extractive", "any")] == ["extractive", "m"]


def test_a_missing_key_is_told_when_its_model_is_asked_for(serve, tmp_path):
    settings = Settings(index=str(tmp_path / "index"), chat_models={"gpt-4o": "deepseek:chat"})
    live = serve(fs=FileSearch(settings=settings, embedder=HashingEmbedder()))
    hello = [{"role": "user", "content": "Hi"}]
    with pytest.raises(openai.BadRequestError, match="needs an API key; set FSEARCH_CHAT_API_KEY"):
        live.client.chat.completions.create(model="gpt-4o", messages=hello)
    assert live.client.chat.completions.create(model="another", messages=hello)


def test_the_list_holds_every_name_but_patterns(serve, mapped):
    live = serve(fs=mapped)
    found = {model.id: model.owned_by for model in live.client.models.list()}
    assert found == {
        "gpt-4o": "ollama",
        "extractive": "filesearch",
        "ollama:qwen2.5:7b": "ollama",
        "vllm:org/m": "vllm",
        "hashing": "filesearch",
    }


@pytest.mark.parametrize("name", ["vllm:org/m", "gpt-4o"])
def test_a_model_is_retrieved_whatever_its_name_holds(serve, mapped, name):
    live = serve(fs=mapped)
    assert live.client.models.retrieve(name).id == name
    raw = live.client.get(f"/models/{name}", cast_to=object)  # the slash as it is
    assert raw["id"] == name


def test_an_unknown_model_is_not_found_but_answers(serve):
    live = serve(ScriptedChatModel(["Hello."]))
    with pytest.raises(openai.NotFoundError) as raised:
        live.client.models.retrieve("gpt-4o")
    assert raised.value.code == "model_not_found"
    reply = live.client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "Hi"}]
    )
    assert (reply.model, reply.choices[0].message.content) == ("gpt-4o", "Hello.")
