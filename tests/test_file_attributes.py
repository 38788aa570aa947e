"""File attributes: who says what of a file, who wins, and what happens to broken sidecars."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from click.testing import CliRunner

from filesearch import Document, InvalidSetting, NamedDocument
from filesearch.cli import cli
from filesearch.file_attributes import AttributeRules, described_by, read_sidecar
from filesearch.path_pattern import parse_path_pattern
from filesearch.records import AttributeLayers
from filesearch.testing import HashingEmbedder


def attributes_of(fs):
    return {record.filename: record.attributes for record in fs.files()}


def describe(path, value):
    text = value if isinstance(value, str) else json.dumps(value)
    path.with_name(f"{path.name}.meta.json").write_text(text)


@pytest.fixture
def kiln(docs):
    return docs / "kiln.txt"


def unembedding():
    """An embedder that must not be asked for vectors."""
    embedder = HashingEmbedder()
    embedder.embed_texts = None
    return embedder


def test_later_sources_win(tmp_path):
    path = tmp_path / "2024.md"
    describe(path, {"c": "sidecar", "d": "sidecar"})
    rules = AttributeRules({"d": "given"}, (parse_path_pattern("{b}.{c}"),))
    own = {"a": "own", "b": "own", "c": "own", "d": "own"}
    path.write_text("text")
    found = rules.apply(own, None, path=path, filename="2024.md")
    assert found.merged == {"a": "own", "b": 2024, "c": "sidecar", "d": "given"}
    assert asdict(found.layers) == {
        "own": own,
        "path": {"b": 2024, "c": "md"},
        "sidecar": {"c": "sidecar", "d": "sidecar"},
        "given": {"d": "given"},
    }


def test_of_two_patterns_that_match_the_later_one_wins(tmp_path):
    patterns = tuple(map(parse_path_pattern, ("{x}/{y}", "{x:int}/*", "a/{y}.md")))
    found = AttributeRules({}, patterns).apply({}, None, path=tmp_path / "b", filename="a/b.md")
    assert found.merged == {"x": "a", "y": "b"}


def test_over_sixteen_the_weakest_are_left_out_by_name(tmp_path):
    rules = AttributeRules({f"g{n}": n for n in range(15)})
    found = rules.apply({"x": 1, "y": 2, "z": 3}, None, path=None, filename="d")
    assert len(found.merged) == 16
    assert found.merged["x"] == 1
    assert found.warnings == ("a file carries 16 attributes; left out: y, z",)


def test_documents_at_hand_carry_their_own_attributes(fs):
    fs.ingest_documents(
        [NamedDocument("a", Document("The kiln.", attributes={"x": 1, "y": 1}))],
        attributes={"y": 2},
    )
    assert attributes_of(fs) == {"a": {"x": 1, "y": 2}}


def test_a_document_whose_attributes_cannot_be_stored_is_refused(fs):
    document = Document("The kiln.", attributes={"x": "long" * 200})
    with pytest.raises(InvalidSetting, match="at most 512"):
        fs.ingest_documents([NamedDocument("a", document)])


def test_paths_and_sidecars_give_attributes_that_filters_use(fs, docs, kiln):
    describe(kiln, {"hot": True})
    report = fs.ingest(docs, attributes_from_path="{name}.{kind}", attributes={"year": 2025})
    assert len(report.added) == 3
    assert attributes_of(fs)["kiln.txt"] == {
        "name": "kiln",
        "kind": "txt",
        "hot": True,
        "year": 2025,
    }
    hits = fs.search("mug kiln studio", filters={"type": "eq", "key": "kind", "value": "md"})
    assert {hit.filename for hit in hits} == {"mugs.md", "staff.md"}
    [hit] = fs.search("mug kiln studio", filters={"type": "eq", "key": "hot", "value": True})
    assert hit.filename == "kiln.txt"


def test_a_sidecar_that_changes_alone_changes_attributes_and_embeds_nothing(make_fs, docs, kiln):
    describe(kiln, {"hot": True, "year": 2024})
    make_fs().ingest(docs)
    describe(kiln, {"year": 2025})
    fs = make_fs(embedder=unembedding())
    report = fs.ingest(docs)
    assert len(report.unchanged) == 3
    assert attributes_of(fs)["kiln.txt"] == {"year": 2025}
    kiln.with_name("kiln.txt.meta.json").unlink()
    fs.ingest(docs)
    assert attributes_of(fs)["kiln.txt"] == {}


def test_what_was_given_once_stays_where_a_later_run_gives_nothing(fs, docs, kiln):
    fs.ingest(docs, attributes={"year": 2025}, attributes_from_path="{name}.txt")
    describe(kiln, {"year": 1, "hot": True})
    fs.ingest(docs)
    assert attributes_of(fs)["kiln.txt"] == {"name": "kiln", "year": 2025, "hot": True}
    kiln.write_text("The furnace burns gas.")  # nor does a change of the file take it away
    fs.ingest(docs)
    assert attributes_of(fs)["kiln.txt"] == {"name": "kiln", "year": 2025, "hot": True}
    fs.ingest(docs, attributes={"team": "fire"})
    assert attributes_of(fs)["kiln.txt"] == {
        "name": "kiln",
        "team": "fire",
        "year": 1,
        "hot": True,
    }


def test_other_attributes_of_many_files_are_one_change(fs, docs, kiln):
    fs.ingest(docs)
    before = fs.stats().generation
    report = fs.ingest(docs, attributes={"year": 2025})
    assert fs.stats().generation == before + 1
    assert [outcome.attributes_changed for outcome in report.unchanged] == [True] * 3
    assert all(found == {"year": 2025} for found in attributes_of(fs).values())
    report = fs.ingest(docs, attributes={"year": 2025})
    assert not any(outcome.attributes_changed for outcome in report.outcomes)


def test_a_run_that_is_broken_off_keeps_the_attributes_that_it_had_set(fs, docs, kiln):
    def stop(progress):
        if progress.files_done == 2:
            raise KeyboardInterrupt

    fs.ingest(docs)
    with pytest.raises(KeyboardInterrupt):
        fs.ingest(docs, attributes={"year": 2025}, on_progress=stop)
    assert sorted(map(len, attributes_of(fs).values())) == [0, 1, 1]


def test_attributes_of_a_long_run_are_seen_while_it_goes_on(fs, docs, kiln, monkeypatch):
    seen = []
    fs.ingest(docs)
    monkeypatch.setattr("filesearch.ingest.COMMIT_SECONDS", 0.0)
    fs.ingest(
        docs,
        attributes={"year": 2025},
        on_progress=lambda progress: seen.append(sum(map(len, attributes_of(fs).values()))),
    )
    assert seen == [0, 0, 1, 2]


def test_a_run_that_changes_no_attribute_leaves_the_index_as_it_is(fs, docs, kiln):
    describe(kiln, {"hot": True})
    fs.ingest(docs, attributes={"year": 2025}, attributes_from_path="{name}.txt")
    before = fs.stats().generation
    fs.ingest(docs)
    fs.ingest(docs, attributes={"year": 2025}, attributes_from_path="{name}.txt")
    assert fs.stats().generation == before


def test_attributes_that_a_server_set_count_as_given(fs, docs, kiln):
    fs.ingest(docs, attributes={"year": 2025}, attributes_from_path="{name}.txt")
    [record] = [r for r in fs.files() if r.filename == "kiln.txt"]
    catalog = fs._index.catalog
    catalog.set_attributes(fs._index.open_store().id, record.id, {"owner": "Noor"})
    fs.ingest(docs)
    assert attributes_of(fs)["kiln.txt"] == {"owner": "Noor"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{not json", "is not JSON"),
        ('["a"]', "holds no JSON object"),
        ("[" * 100_000, "is not JSON"),
        ('{"a": "' + "x" * 300_000 + '"}', "is longer than 256 KiB"),
        ("caf\udce9", "is not JSON"),
    ],
)
def test_a_broken_sidecar_is_a_warning_and_changes_nothing(fs, docs, kiln, content, reason):
    describe(kiln, {"hot": True})
    fs.ingest(docs)
    sidecar = kiln.with_name("kiln.txt.meta.json")
    sidecar.write_bytes(content.encode("utf-8", "surrogateescape"))
    [outcome] = [o for o in fs.ingest(docs).unchanged if o.filename == "kiln.txt"]
    [warning] = outcome.warnings
    assert "'kiln.txt.meta.json'" in warning
    assert reason in warning
    assert attributes_of(fs)["kiln.txt"] == {"hot": True}


def test_values_of_a_sidecar_that_are_no_attributes_are_left_out_by_name(kiln):
    describe(kiln, '\ufeff{"ok": 1.5, "tags": ["a"], "none": null, "nan": NaN, "": 1}')
    found, warnings = read_sidecar(kiln)
    assert found == {"ok": 1.5}
    assert [warning.split(" is ")[0] for warning in warnings[:3]] == [
        "kiln.txt.meta.json: attribute 'tags'",
        "kiln.txt.meta.json: attribute 'none'",
        "kiln.txt.meta.json: attribute 'nan'",
    ]
    assert "needs a name" in warnings[3]


def test_a_link_in_the_place_of_a_sidecar_is_not_followed(kiln, tmp_path):
    secret = tmp_path / "secret.json"
    secret.write_text('{"password": "x"}')
    kiln.with_name("kiln.txt.meta.json").symlink_to(secret)
    assert read_sidecar(kiln) == ({}, ())


def test_a_sidecar_is_no_document_and_a_lone_one_is(fs, docs, kiln):
    describe(kiln, {"hot": True})
    describe(docs / "gone.pdf", {"title": "an ordinary file, since there is no gone.pdf"})
    fs.ingest(docs)
    assert "kiln.txt.meta.json" not in attributes_of(fs)
    assert "gone.pdf.meta.json" in attributes_of(fs)


def test_a_sidecar_given_by_name_stands_for_its_file(fs, docs, kiln):
    describe(kiln, {"hot": True})
    sidecar = kiln.with_name("kiln.txt.meta.json")
    report = fs.ingest([sidecar, kiln])
    assert [outcome.filename for outcome in report.outcomes] == ["kiln.txt"]
    assert described_by(sidecar) == kiln
    sidecar.unlink()
    assert described_by(sidecar) == kiln
    assert described_by(kiln) is None


def test_the_command_line_takes_patterns_and_shows_where_attributes_come_from(docs, tmp_path):
    index = ["--index", str(tmp_path / "index")]
    args = ["ingest", str(docs), *index, "--attr", "year=2025", "--attr-from-path", "{name}.txt"]
    done = CliRunner().invoke(cli, [*args, "--attr-from-path", "{name}.md"])
    assert done.exit_code == 0, done.output
    files = json.loads(CliRunner().invoke(cli, ["files", *index, "--json"]).stdout)
    layers = {file["filename"]: file["attribute_layers"] for file in files}
    assert layers["mugs.md"] == {
        "own": {},
        "path": {"name": "mugs"},
        "sidecar": {},
        "given": {"year": 2025},
    }


def test_a_pattern_that_cannot_be_meant_is_a_usage_error(docs, tmp_path):
    args = ["ingest", str(docs), "--index", str(tmp_path / "index"), "--attr-from-path", "*.md"]
    done = CliRunner().invoke(cli, args)
    assert done.exit_code == 2
    assert "names no attribute" in done.output


def test_layers_are_empty_unless_something_was_said():
    assert AttributeRules().apply({}, None, path=None, filename="a").layers == AttributeLayers()
