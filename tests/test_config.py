"""Config: where settings come from and what is refused."""

import pytest

from filesearch.config import ChatModelName, load_settings, split_chat_model
from filesearch.errors import InvalidSetting
from filesearch.types import ChunkSettings


def test_flags_win_over_variables_and_those_over_the_file(tmp_path):
    (tmp_path / "fsearch.toml").write_text(
        'index = "file"\nchunk_size = 300\nvector_weight = 0.1\n'
    )
    environ = {"FSEARCH_INDEX": "env", "FSEARCH_VECTOR_WEIGHT": "0.2", "HOME": "/"}
    found = load_settings({"index": "flag", "db": None}, environ=environ, directory=tmp_path)
    assert (found.index, found.vector_weight, found.chunk_size) == ("flag", 0.2, 300)


def test_defaults_hold_when_nothing_is_given(tmp_path):
    found = load_settings(environ={}, directory=tmp_path)
    assert found.index == "indexes/default"
    assert found.chunk_settings(ChunkSettings()) == ChunkSettings(800, 400)


def test_a_smaller_chunk_alone_shrinks_the_overlap(tmp_path):
    found = load_settings({"chunk_size": 300}, environ={}, directory=tmp_path)
    assert found.chunk_settings(ChunkSettings()) == ChunkSettings(300, 150)


@pytest.mark.parametrize(
    ("flags", "environ", "says"),
    [
        ({"chunk_size": 50}, {}, "chunk size is 50"),
        ({"chunk_size": 5000}, {}, "choose 100 to 4096"),
        ({"chunk_overlap": 500}, {}, "half of the chunk size 800"),
        ({"vector_weight": 2}, {}, "vector_weight"),
        ({"index": ""}, {}, "index is ''; name a directory"),
        ({"index": " "}, {}, "index is ' '; name a directory"),
        ({"colour": "red"}, {}, "unknown setting 'colour' in the flags"),
        ({}, {"FSEARCH_COLOUR": "red"}, "unknown setting 'colour' in the environment"),
        ({}, {"FSEARCH_CHUNK_SIZE": "many"}, "in the environment"),
        ({"chat_model": "gpt-9"}, {}, "'gpt-9' is unknown; use extractive, openai:NAME"),
        ({"chat_model": "openai:"}, {}, "'openai:' is unknown"),
        ({"chat_model": "extractive:x"}, {}, "'extractive:x' is unknown"),
        ({"chat_timeout_s": 0}, {}, "chat_timeout_s"),
        ({"chat_models": {"gpt-4o": "gpt-9"}}, {}, "'gpt-9' is unknown; use extractive"),
        ({}, {"FSEARCH_CHAT_MODELS": "gpt-4o"}, "'gpt-4o'; write NAME=MODEL,NAME=MODEL"),
        ({}, {"FSEARCH_CHAT_CONTEXT_TOKENS": "5"}, "in the environment"),
        ({"reranker": "word2vec"}, {}, "'word2vec' is unknown; use learned, none, onnx:FOLDER"),
        ({"reranker": "onnx:"}, {}, "'onnx:' is unknown"),
        ({"reranker": "learned:x"}, {}, "'learned:x' is unknown"),
        ({}, {"FSEARCH_RERANKER": "best"}, "'best' is unknown"),
    ],
)
def test_a_bad_setting_is_refused_with_its_place(tmp_path, flags, environ, says):
    with pytest.raises(InvalidSetting, match=says):
        load_settings(flags, environ=environ, directory=tmp_path)


def test_a_settings_file_without_a_name_for_the_index_is_refused(tmp_path):
    (tmp_path / "fsearch.toml").write_text('index = ""')
    with pytest.raises(InvalidSetting, match="name a directory"):
        load_settings(environ={}, directory=tmp_path)
    # An empty variable is one that is not set, and the other places still hold.
    (tmp_path / "fsearch.toml").write_text('index = "file"')
    found = load_settings(environ={"FSEARCH_INDEX": ""}, directory=tmp_path)
    assert found.index == "file"


@pytest.mark.parametrize("text", ["index = ", f"top_k = {'9' * 5000}", f"top_k = {'[' * 5000}"])
def test_a_broken_settings_file_is_named(tmp_path, text):
    (tmp_path / "fsearch.toml").write_text(text)
    with pytest.raises(InvalidSetting, match=r"fsearch\.toml cannot be read as TOML"):
        load_settings(environ={}, directory=tmp_path)


@pytest.mark.parametrize(
    "reranker",
    "learned none onnx:models/tiny sentence-transformers:a/b tei:http://127.0.0.1:80 http://host "
    "jina:https://host/v1/rerank#m cohere:https://host#m https://host".split(),
)
def test_every_kind_of_reranker_may_be_set(tmp_path, reranker):
    found = load_settings(environ={"FSEARCH_RERANKER": reranker}, directory=tmp_path)
    assert found.reranker == reranker


@pytest.mark.parametrize("model", ["extractive", "openai:gpt-5-mini", "ollama:qwen2.5:7b"])
def test_every_kind_of_chat_model_may_be_set(tmp_path, model):
    environ = {
        "FSEARCH_CHAT_MODEL": model,
        "FSEARCH_CHAT_CALLS_TOOLS": "false",
        "FSEARCH_CHAT_CONTEXT_TOKENS": "8192",
    }
    found = load_settings(environ=environ, directory=tmp_path)
    assert found.chat_model == model
    assert (found.chat_calls_tools, found.chat_context_tokens) == (False, 8192)


def test_a_key_is_not_shown(tmp_path):
    environ = {"FSEARCH_RERANKER_API_KEY": "sk-clay", "FSEARCH_CHAT_API_KEY": "sk-clay"}
    found = load_settings(environ=environ, directory=tmp_path)
    assert found.reranker_api_key == found.chat_api_key == "sk-clay"
    assert "sk-clay" not in f"{found} {found!r}"
    assert "reranker='learned', reranker_api_key=..., chat_model='extractive'" in repr(found)


def test_settings_are_frozen(tmp_path):
    with pytest.raises(AttributeError):
        load_settings(environ={}, directory=tmp_path).index = "other"


def test_names_are_mapped_to_models_in_the_file_and_in_a_variable(tmp_path):
    (tmp_path / "fsearch.toml").write_text('[chat_models]\n"gpt-4*" = "extractive"\n')
    assert load_settings(environ={}, directory=tmp_path).chat_models == {"gpt-4*": "extractive"}
    environ = {"FSEARCH_CHAT_MODELS": "gpt-4o=ollama:qwen2.5:7b, o*=openai:gpt-5,"}
    found = load_settings(environ=environ, directory=tmp_path)
    assert found.chat_models == {"gpt-4o": "ollama:qwen2.5:7b", "o*": "openai:gpt-5"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("extractive", ("extractive", "", "")),
        ("ollama:qwen2.5:7b", ("ollama", "qwen2.5:7b", "")),
        ("vllm:org/m@v2", ("vllm", "org/m@v2", "")),
        ("vllm:org/m@https://gpu:8000/v1", ("vllm", "org/m", "https://gpu:8000/v1")),
    ],
)
def test_the_name_of_a_chat_model_says_what_serves_it(name, said):
    assert split_chat_model(name) == ChatModelName(*said)
