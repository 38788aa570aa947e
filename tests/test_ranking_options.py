"""Tests of filesearch.ranking_options, and of what it changes in a search."""

from __future__ import annotations

import pytest

from filesearch import InvalidSetting
from filesearch.ranking_options import RankingOptions, parse_ranking_options


def test_openais_options_are_taken_as_they_are():
    options = parse_ranking_options(
        {
            "ranker": "default_2024_08_21",
            "score_threshold": 0,
            "hybrid_search": {"embedding_weight": 3, "text_weight": 1},
        }
    )
    assert options.score_threshold == 0
    assert options.vector_weight == 0.75


@pytest.mark.parametrize("given", [None, {}, RankingOptions()])
def test_no_options_leave_everything_to_the_store(given):
    options = parse_ranking_options(given)
    assert (options.ranker, options.score_threshold, options.vector_weight) == ("auto", None, None)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"ranker": "best"}, "ranker"),
        ({"score_threshold": 1.5}, "score_threshold"),
        ({"score_threshold": float("nan")}, "score_threshold"),
        ({"score_threshold": "0.5"}, "score_threshold"),
        ({"rankr": "auto"}, "rankr"),
        ({"hybrid_search": {"embedding_weight": 1}}, "text_weight"),
        ({"hybrid_search": {"embedding_weight": -1, "text_weight": 2}}, "embedding_weight"),
        ({"hybrid_search": {"embedding_weight": 0, "text_weight": 0}}, "above 0"),
        ({"hybrid_search": {"embedding_weight": float("nan"), "text_weight": 1}}, "_weight"),
        ({"hybrid_search": {"embedding_weight": float("inf"), "text_weight": 1}}, "_weight"),
        (RankingOptions(score_threshold=2.0), "score_threshold"),
        (3, "ranking_options"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(fs, docs, given, said):
    fs.ingest(docs)
    with pytest.raises(InvalidSetting, match=said):
        fs.search("kiln", ranking_options=given)


def test_a_threshold_leaves_out_what_scores_less(fs, docs):
    fs.ingest(docs)
    scores = [hit.score for hit in fs.search("kiln degrees")]
    limit = (scores[0] + scores[1]) / 2
    kept = fs.search("kiln degrees", ranking_options={"score_threshold": limit})
    assert [hit.score for hit in kept] == scores[:1]


@pytest.mark.parametrize("ranker", ["auto", "none"])
def test_a_threshold_holds_for_what_is_left_of_chunks_that_overlap(fs, tmp_path, ranker):
    for every in (97, 61):
        text = " ".join(f"{'kiln ' if i % every == 0 else ''}word{i}" for i in range(3000))
        (tmp_path / f"{every}.txt").write_text(text)
        fs.ingest(tmp_path / f"{every}.txt")
    scores = [h.score for h in fs.search("kiln", top_k=50, ranking_options={"ranker": ranker})]
    for place, score in enumerate(scores):
        options = {"ranker": ranker, "score_threshold": score}
        kept = fs.search("kiln", top_k=50, ranking_options=options)
        assert min(hit.score for hit in kept) >= score
        assert len(kept) > place


def test_the_stores_threshold_holds_unless_the_call_gives_one(make_fs, docs):
    make_fs().ingest(docs)
    strict = make_fs(score_threshold=1.0)
    assert strict.search("kiln") == []
    assert strict.search("kiln", ranking_options={"score_threshold": 0})


def test_the_stores_number_of_passages_holds_unless_the_call_gives_one(make_fs, docs):
    make_fs().ingest(docs)
    one = make_fs(top_k=1)
    assert len(one.search("kiln mug")) == 1
    assert len(one.search("kiln mug", top_k=3)) > 1


def test_no_ranker_shows_the_order_of_fusion(fs, docs):
    fs.ingest(docs)
    fused = fs.rank_files("kiln mug", stage="hybrid", top_k=3)
    asked = {"ranking_options": {"ranker": "none"}, "rewrite_query": False, "should_fill": False}
    hits = fs.search("kiln mug", **asked)
    assert [hit.filename for hit in hits][:3] == [ranked.filename for ranked in fused]
    assert hits[0].score == pytest.approx(fused[0].score)
