"""Tables: a row is found whole, wherever it stands in a long sheet, and its place is named."""

from __future__ import annotations

import csv
import random

import click
import pytest

from filesearch import FileSearch, SearchResult, Settings
from filesearch.cite import content_part, location_fields
from filesearch.grounding import render_sources
from filesearch.messages import Source
from filesearch.render import render_answer, render_source_line
from filesearch.testing import HashingEmbedder
from filesearch.types import Location

WARES = "mug bowl plate vase jug teapot saucer tray pitcher platter lamp tile".split()
TOWNS = "Bergen Lisbon Porto Turku Ghent Lille Graz Brno Riga Cork Leeds Bath".split()
ROW_COUNT = 2000


def make_orders():
    rng = random.Random(7)
    return [
        {
            "order": f"PO{10_000 + 7 * number}",
            "ware": rng.choice(WARES),
            "town": rng.choice(TOWNS),
            "pieces": rng.randint(1, 400),
            "price": f"{rng.uniform(3, 90):.2f}",
        }
        for number in range(ROW_COUNT)
    ]


ORDERS = make_orders()


@pytest.fixture(scope="module")
def orders(tmp_path_factory):
    """An index of a csv of 2,000 orders: header in row 1, orders from row 2 on."""
    folder = tmp_path_factory.mktemp("orders")
    with (folder / "orders.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ORDERS[0])
        writer.writeheader()
        writer.writerows(ORDERS)
    settings = Settings(index=str(folder / "index"))
    with FileSearch(settings=settings, embedder=HashingEmbedder()) as fs:
        fs.ingest(folder / "orders.csv")
        yield fs


def rows_of(fs):
    """Start and end of every row by its number."""
    document = fs.document(fs.files()[0].id)
    return {span.number: (span.start, span.end) for span in document.spans if span.kind == "row"}


def test_the_row_that_is_asked_for_comes_back_whole(orders):
    rows = rows_of(orders)
    for number in random.Random(1).sample(range(ROW_COUNT), 50):
        start, end = rows[number + 2]
        found = orders.search(f"What is the price of order {ORDERS[number]['order']}?")
        assert any(hit.start <= start and end <= hit.end for hit in found)


def test_every_passage_begins_and_ends_between_rows(orders):
    begins = {start for start, _end in rows_of(orders).values()}
    begins.add(len(orders.document(orders.files()[0].id).text))
    for ware in WARES:
        for hit in orders.search(f"{ware} to {TOWNS[0]}", top_k=20):
            assert {hit.start, hit.end} <= begins


def test_passages_and_citations_name_the_rows(orders):
    number, order = next((n, o) for n, o in enumerate(ORDERS, start=2) if o["pieces"] == 123)
    hit = orders.search(order["order"])[0]
    assert hit.rows[0] <= number <= hit.rows[1]
    answer = orders.ask(f"{order['ware']} to {order['town']}: 123 pieces of {order['order']}")
    assert [c.rows for c in answer.citations if order["order"] in c.quote] == [(number, number)]
    assert f"orders.csv, row {number}" in click.unstyle(render_answer(answer))
    cited = content_part(answer)["text"]["annotations"][0]["file_citation"]
    assert f"orders.csv, row {cited['rows'][0]}: " in click.unstyle(render_source_line(cited))


def test_a_model_is_told_the_place_of_a_passage():
    result = SearchResult(
        *("file-1", "box.zip", "ware: mug", 0, 9, 1.0, 1.0, 0.0),
        **location_fields(
            Location(
                part_path=("q3.xlsx",),
                sheet='The "Q3"',
                rows=(12, 14),
                heading_path=("q3.xlsx", 'The "Q3"', "Notes"),
            )
        ),
    )
    assert render_sources([Source(4, 0, result)]) == (
        '<passage marker="【4:0†source】" file="box.zip" part="q3.xlsx" '
        'sheet="The \'Q3\'" rows="12-14" section="Notes">\nware: mug\n</passage>'
    )


def test_a_model_is_told_slides_cells_and_how_sure_a_reading_is():
    result = SearchResult(
        *("file-1", "a", "mug", 0, 3, 1.0, 1.0, 0.0),
        **location_fields(Location(page=3, slide=3, cell=2, rows=(7, 7), ocr_confidence=80)),
    )
    [tag, *_] = render_sources([Source(4, 0, result)]).splitlines()
    assert tag.endswith('file="a" slide="3" rows="7" cell="2" ocr="80% sure">')
