"""tantivy in the keyword benchmark, terms cut at spaces alone, mapped; see keyword_common.py."""

from collections.abc import Iterator
from pathlib import Path

import tantivy
from keyword_common import Answer, Ask, run

_SPACES = "spaces"
_HEAP_BYTES = 256 << 20


def _open(folder: Path) -> tantivy.Index:
    schema = tantivy.SchemaBuilder()
    schema.add_text_field("terms", stored=False, tokenizer_name=_SPACES, index_option="freq")
    schema.add_integer_field("row", stored=True, indexed=False)
    index = tantivy.Index(schema.build(), path=str(folder))
    analyzer = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    index.register_tokenizer(_SPACES, analyzer)
    return index


def build(rows: Path, folder: Path) -> None:
    """Index the rows and merge them into one segment, as the others have."""
    index = _open(folder)
    writer = index.writer(heap_size=_HEAP_BYTES, num_threads=2)
    with rows.open() as lines:
        for number, line in enumerate(lines):
            writer.add_document(tantivy.Document(terms=line.rstrip("\n"), row=number))
    writer.commit()
    writer.wait_merging_threads()


def load(folder: Path) -> Ask:
    """Open the index."""
    index = _open(folder)
    index.reload()
    searcher = index.searcher()
    schema = index.schema

    def ask(terms: list[str], top_k: int) -> Answer:
        words = [
            (tantivy.Occur.Should, tantivy.Query.term_query(schema, "terms", term, "freq"))
            for term in terms
        ]
        hits = searcher.search(tantivy.Query.boolean_query(words), limit=top_k, count=False).hits
        return _Rows(searcher, [address for _, address in hits]), [score for score, _ in hits]

    return ask


class _Rows:
    """Row numbers, looked up when they are asked for: no part of a search."""

    def __init__(self, searcher: tantivy.Searcher, addresses: list[tantivy.DocAddress]) -> None:
        self._searcher, self._addresses = searcher, addresses

    def __iter__(self) -> Iterator[int]:
        for address in self._addresses:
            yield self._searcher.doc(address)["row"][0]


run(build, load)
