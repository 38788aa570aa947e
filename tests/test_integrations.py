"""Integrations: the retrievers of other frameworks, with the real packages."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from filesearch import FileSearch, InvalidFilter, InvalidSetting, NotFound

KEYS = {
    "file_id",
    "filename",
    "page",
    "end_page",
    "slide",
    "sheet",
    "rows",
    "cell",
    "part_path",
    "ocr_confidence",
    "start",
    "end",
    "heading_path",
    "score",
    "attributes",
    "also_in",
}
QUERY = "When may a mug be returned, and how many degrees does the kiln reach?"
LANGCHAIN = "filesearch.integrations.langchain"
LLAMAINDEX = "filesearch.integrations.llamaindex"


def retriever_of(module, *args, **kwargs):
    """Make a retriever; the test is skipped where its package is absent."""
    if module == LANGCHAIN:
        pytest.importorskip("langchain_core", reason="langchain-core is not installed")
        from filesearch.integrations.langchain import FileSearchRetriever
    else:
        pytest.importorskip("llama_index.core", reason="llama-index-core is not installed")
        from filesearch.integrations.llamaindex import FileSearchRetriever
    return FileSearchRetriever(*args, **kwargs)


def passages(retriever):
    """(text, metadata) of what it finds, whichever framework it is of."""
    if hasattr(retriever, "invoke"):
        return [(found.page_content, found.metadata) for found in retriever.invoke(QUERY)]
    return [(found.node.text, found.node.metadata) for found in retriever.retrieve(QUERY)]


def passages_async(retriever):
    """The same by the asynchronous way."""

    async def run():
        if hasattr(retriever, "ainvoke"):
            return [
                (found.page_content, found.metadata) for found in await retriever.ainvoke(QUERY)
            ]
        return [
            (found.node.text, found.node.metadata) for found in await retriever.aretrieve(QUERY)
        ]

    return asyncio.run(run())


each_framework = pytest.mark.parametrize("module", [LANGCHAIN, LLAMAINDEX])


@each_framework
def test_a_retriever_returns_our_passages_with_exact_spans(module, fs, docs):
    fs.ingest(docs, attributes={"year": 2025})
    retriever = retriever_of(module, fs)
    expected = fs.search(QUERY)
    found = passages(retriever)
    assert [text for text, _ in found] == [result.text for result in expected]
    for (text, metadata), result in zip(found, expected, strict=True):
        assert set(metadata) == KEYS
        document = fs.document(metadata["file_id"])
        assert document.text[metadata["start"] : metadata["end"]] == text
        assert metadata["score"] == pytest.approx(result.score)
        assert metadata["attributes"] == {"year": 2025}
    metadata = {metadata["filename"]: metadata for _, metadata in found}
    assert {"mugs.md", "kiln.txt"} <= set(metadata)
    assert metadata["mugs.md"]["heading_path"] == ["Returns"]


@each_framework
def test_a_retriever_takes_a_number_and_a_filter(module, fs, docs):
    fs.ingest(docs, attributes={"year": 2025})
    assert len(passages(retriever_of(module, fs, top_k=1))) == 1
    other = {"type": "eq", "key": "year", "value": 1999}
    assert passages(retriever_of(module, fs, filters=other)) == []


@each_framework
def test_the_asynchronous_way_gives_the_same_and_searches_on_a_thread(
    module, fs, docs, monkeypatch
):
    fs.ingest(docs)
    retriever = retriever_of(module, fs)
    expected, threads, search = passages(retriever), [], fs.search

    def noting(*args, **kwargs):
        threads.append(threading.current_thread())
        return search(*args, **kwargs)

    monkeypatch.setattr(fs, "search", noting)
    assert passages_async(retriever) == expected
    assert threading.main_thread() not in threads


@each_framework
def test_a_retriever_opens_an_index_by_its_directory(module, docs, tmp_path):
    with FileSearch(tmp_path / "real") as made:
        made.ingest(docs)
    retriever = retriever_of(module, tmp_path / "real", top_k=1)
    assert len(passages(retriever)) == 1
    retriever.close()


@each_framework
def test_errors_are_ours(module, fs, docs):
    with pytest.raises(NotFound, match="fsearch ingest"):
        passages(retriever_of(module, fs))
    fs.ingest(docs)
    with pytest.raises(InvalidFilter):
        passages(retriever_of(module, fs, filters={"type": "like"}))


def test_langchain_composes_it_with_other_runnables(fs, docs):
    fs.ingest(docs)
    retriever = retriever_of(LANGCHAIN, fs, top_k=1)
    chain = retriever | (lambda found: found[0].metadata["filename"])
    assert chain.batch(["mug returned", "kiln degrees"]) == ["mugs.md", "kiln.txt"]


def test_langchain_copies_it_with_other_fields(fs, docs):
    fs.ingest(docs)
    retriever = retriever_of(LANGCHAIN, fs, top_k=3)
    from langchain_core.runnables import ConfigurableField

    chosen = retriever.configurable_fields(top_k=ConfigurableField(id="k"))
    assert len(chosen.invoke(QUERY, config={"configurable": {"k": 1}})) == 1
    assert chosen.invoke(QUERY) == retriever.invoke(QUERY)


def test_langchain_gives_the_index_by_either_name(fs):
    assert retriever_of(LANGCHAIN, fs=fs).fs is retriever_of(LANGCHAIN, fs).fs is fs
    for given in ({}, {"index": fs, "fs": fs}):
        with pytest.raises(InvalidSetting, match="either index"):
            retriever_of(LANGCHAIN, **given)


def test_llamaindex_shows_a_model_the_place_and_not_the_bookkeeping(fs, docs):
    fs.ingest(docs)
    retriever = retriever_of(LLAMAINDEX, fs, top_k=1)
    from llama_index.core.schema import MetadataMode

    [found] = retriever.retrieve("mug returned")
    shown = found.node.get_content(metadata_mode=MetadataMode.LLM)
    assert "mugs.md" in shown
    assert found.node.ref_doc_id not in shown
    assert (found.node.start_char_idx, found.score) == (
        found.node.metadata["start"],
        found.node.metadata["score"],
    )


@pytest.mark.parametrize(
    ("module", "package", "extra"),
    [(LANGCHAIN, "langchain_core", "langchain"), (LLAMAINDEX, "llama_index", "llamaindex")],
)
def test_without_its_package_the_error_names_the_extra(module, package, extra):
    code = (
        f"import sys; sys.modules['{package}'] = None\n"
        "from filesearch.errors import InvalidSetting\n"
        f"try:\n    import {module}\nexcept InvalidSetting as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"pip install 'filesearch[{extra}]'" in done.stdout
