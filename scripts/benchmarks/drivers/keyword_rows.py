"""Make the rows and queries of the keyword benchmark: keyword_rows.py SPEC.json.

A row is a chunk of real sentences, shuffled, half of it shared with the next one, as its terms with
spaces between; a query the distinct terms of a question. All contestants get the same terms.
Prints how many there are.
"""

import json
import random
import sys
from pathlib import Path

from filesearch.terms import extract_terms, query_terms
from filesearch.tokens import count_tokens

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.drawn_text import draw_questions, read_corpus

spec = json.loads(Path(sys.argv[1]).read_text())
corpus = read_corpus(Path(spec["corpus"]))
if spec["questions"]:
    lines = Path(spec["questions"]).read_text().splitlines()
    questions = [json.loads(line)["text"] for line in lines if line.strip()]
    questions = list(dict.fromkeys(questions))[: spec["queries"]]
else:
    questions = draw_questions(corpus, spec["queries"], seed=spec["seed"])
queries = [terms for text in questions if (terms := dict.fromkeys(query_terms(text)))]

cut: dict[str, tuple[str, int, int]] = {}


def cut_up(sentence: str) -> tuple[str, int, int]:
    """Return the terms of a sentence, their number, and its tokens."""
    if sentence not in cut:
        terms = extract_terms(sentence)
        cut[sentence] = (" ".join(terms), len(terms), count_tokens(sentence + " "))
    return cut[sentence]


rng = random.Random(spec["seed"])
sentences = corpus.sentences
term_count = 0
before, before_terms = "", 0
with Path(spec["rows_file"]).open("w") as out:
    for number in range(spec["rows"] + 1):
        half: list[str] = []
        tokens = half_terms = 0
        while tokens < spec["row_tokens"] / 2:
            terms, n_terms, n_tokens = cut_up(sentences[rng.randrange(len(sentences))])
            half.append(terms)
            tokens += n_tokens
            half_terms += n_terms
        joined = " ".join(half)
        if number:
            print(before, joined, file=out)
            term_count += before_terms + half_terms
        before, before_terms = joined, half_terms
Path(spec["queries_file"]).write_text("".join(f"{' '.join(terms)}\n" for terms in queries))
print(
    json.dumps(
        {
            "rows": spec["rows"],
            "terms_per_row": term_count / spec["rows"],
            "queries": len(queries),
            "terms_per_query": sum(map(len, queries)) / len(queries),
        }
    )
)
