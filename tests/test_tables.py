"""Tables: a row is found whole, wherever it stands in a long sheet."""

from __future__ import annotations

import csv
import random

import pytest

from filesearch import FileSearch, Settings
from filesearch.testing import HashingEmbedder

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
