from filesearch.merge_results import merge_results
from filesearch.types import SearchResult

KILN = "The kiln reaches 1280 degrees in nine hours."


def found(file_id, text=KILN, *, score=0.5, start=0, also_in=()):
    return SearchResult(
        file_id=file_id,
        filename=f"{file_id}.txt",
        text=text,
        start=start,
        end=start + len(text),
        score=score,
        keyword_share=score,
        vector_share=0.0,
        also_in=also_in,
    )


def names(results):
    return [(result.filename, result.also_in) for result in results]


def test_a_copy_in_another_store_is_named_by_the_passage_that_it_repeats():
    lists = [[found("a", also_in=("c.txt",))], [found("b", score=0.4, also_in=("d.txt",))]]
    assert names(merge_results(lists, 5)) == [("a.txt", ("c.txt", "b.txt", "d.txt"))]


def test_copies_that_change_places_between_queries_are_named_once():
    lists = [[found("a", also_in=("b.txt",))], [found("b", also_in=("a.txt",))]]
    assert names(merge_results([*lists, *lists], 5)) == [("a.txt", ("b.txt",))]


def test_a_number_that_differs_is_no_copy():
    other = KILN.replace("1280", "1240")
    lists = [[found("a")], [found("b", other)]]
    assert names(merge_results(lists, 5)) == [("a.txt", ()), ("b.txt", ())]


def test_lists_take_turns_and_a_passage_that_two_found_stands_once():
    mug, bowl = "A mug may go back within 30 days.", "Bowls are thrown on Mondays."
    lists = [[found("a", mug), found("b", bowl)], [found("c", score=0.9), found("a", mug)]]
    assert names(merge_results(lists, 2)) == [("c.txt", ()), ("a.txt", ())]
