"""Index id: folder and catalog belong together, on both databases, or nothing is touched."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner
from sqlalchemy import delete

from filesearch import FileSearch
from filesearch.cli import cli
from filesearch.database import Database
from filesearch.errors import IndexProblem, NotFound
from filesearch.schema import meta
from filesearch.testing import HashingEmbedder

ELSEWHERE = "has its catalog in another database"
OF_ANOTHER = "is the catalog of the index in another folder"


@pytest.fixture
def index(tmp_path):
    return tmp_path / "index"


@pytest.fixture
def opened():
    """Opens the index in any folder."""
    found = []

    def make(folder, **settings):
        found.append(FileSearch(folder, embedder=HashingEmbedder(), **settings))
        return found[-1]

    yield make
    for fs in found:
        fs.close()


@pytest.fixture
def filled(opened, index, url, docs):
    """The test's index, its catalog in another database, and closed."""
    with opened(index, db=url) as fs:
        fs.ingest(docs)
    return index


def tree(folder):
    """Everything in a folder but its locks."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in (".lock", ".pid")
    }


def forget_ids(folder, url):
    """Make of an index one of an earlier version."""
    (folder / "index.id").unlink()
    database = Database(url)
    with database.writing() as sql:
        sql.execute(delete(meta).where(meta.c.key.like("index\\_id%", escape="\\")))
    database.close()


def assert_whole(opened, folder, url):
    with opened(folder, db=url) as fs:
        assert fs.verify().damages == ()
        assert fs.search("kiln degrees")[0].filename == "kiln.txt"


@pytest.mark.parametrize("is_of_an_earlier_version", [False, True])
@pytest.mark.parametrize(
    "use",
    [
        lambda fs, docs: fs.ingest(docs / "kiln.txt"),
        lambda fs, _docs: fs.search("kiln"),
        lambda fs, _docs: fs.verify(should_repair=True),
        lambda fs, _docs: fs.rebuild(),
        lambda fs, _docs: fs.open(create=True),
        lambda fs, _docs: fs.stores.create(),
    ],
    ids=["ingest", "search", "repair", "rebuild", "open", "stores"],
)
def test_a_folder_whose_catalog_is_elsewhere_is_refused_and_left_alone(
    opened, filled, url, docs, use, is_of_an_earlier_version
):
    if is_of_an_earlier_version:
        forget_ids(filled, url)
    before = tree(filled)
    with pytest.raises(IndexProblem, match=f"{ELSEWHERE}.*set FSEARCH_DB"):
        use(opened(filled), docs)
    assert tree(filled) == before
    assert_whole(opened, filled, url)


@pytest.mark.parametrize("is_of_an_earlier_version", [False, True])
def test_a_folder_with_a_catalog_of_its_own_takes_no_other(
    opened, index, url, docs, is_of_an_earlier_version
):
    with opened(index) as fs:
        fs.ingest(docs)
    if is_of_an_earlier_version:
        forget_ids(index, f"sqlite:///{index}/catalog.db")
    before = set(tree(index))
    with pytest.raises(IndexProblem, match=r"its catalog in catalog\.db, not in .*unset FSEARCH"):
        opened(index, db=url).ingest(docs / "kiln.txt")
    assert set(tree(index)) == before
    assert_whole(opened, index, f"sqlite:///{index}/catalog.db")


@pytest.mark.parametrize("is_of_an_earlier_version", [False, True])
@pytest.mark.parametrize("has_an_index", [False, True])
def test_a_database_is_the_catalog_of_one_folder(
    opened, filled, url, docs, tmp_path, has_an_index, is_of_an_earlier_version
):
    other = tmp_path / "other"
    if has_an_index:
        with opened(other, db=f"sqlite:///{tmp_path}/other.db") as fs:
            fs.ingest(docs)
        (other / "index.id").unlink()
    if is_of_an_earlier_version:
        forget_ids(filled, url)
    before = tree(other)
    with pytest.raises(IndexProblem, match=OF_ANOTHER):
        opened(other, db=url).ingest(docs / "kiln.txt")
    assert tree(other) == before
    assert_whole(opened, filled, url)


def test_two_indexes_do_not_exchange_their_databases(opened, filled, url, docs, tmp_path):
    with opened(tmp_path / "other", db=f"sqlite:///{tmp_path}/other.db") as fs:
        fs.ingest(docs)
    for should_repair in (False, True):
        with pytest.raises(IndexProblem, match=ELSEWHERE):
            opened(tmp_path / "other", db=url).verify(should_repair=should_repair)


def test_another_database_is_refused_while_neither_has_files(opened, index, url, docs, tmp_path):
    with opened(index, db=url) as fs:
        fs.open(create=True)
    with pytest.raises(IndexProblem, match=ELSEWHERE):
        opened(index, db=f"sqlite:///{tmp_path}/other.db").ingest(docs)
    with pytest.raises(IndexProblem, match=OF_ANOTHER):
        opened(tmp_path / "other", db=url).ingest(docs)


def test_an_index_of_an_earlier_version_gets_its_id(opened, filled, url):
    forget_ids(filled, url)
    assert_whole(opened, filled, url)
    assert (filled / "index.id").exists()


def test_an_index_of_an_earlier_version_with_its_catalog_inside_gets_its_id(opened, index, docs):
    with opened(index) as fs:
        fs.ingest(docs)
    own = f"sqlite:///{index}/catalog.db"
    forget_ids(index, own)
    shutil.rmtree(index / "segments")  # damaged, which is for `verify` to tell and mend
    with opened(index) as fs:
        assert fs.verify(should_repair=True).damages == ()
    assert (index / "index.id").read_text().endswith(" inside\n")
    assert_whole(opened, index, own)  # named or not, it is the one inside


def test_an_index_may_be_renamed_and_copied_with_the_catalog_inside(opened, index, docs, tmp_path):
    with opened(index) as fs:
        fs.ingest(docs)
    index.rename(tmp_path / "moved")
    shutil.copytree(tmp_path / "moved", tmp_path / "copy")
    for name in ("moved", "copy"):
        with opened(tmp_path / name) as fs:
            (docs / "new.md").write_text(f"This is {name}.")
            fs.ingest(docs)
            assert fs.verify().damages == ()


def test_an_index_may_be_renamed_with_the_catalog_elsewhere(opened, filled, url, tmp_path):
    filled.rename(tmp_path / "moved")
    assert_whole(opened, tmp_path / "moved", url)


def test_a_catalog_that_was_deleted_inside_is_made_anew(opened, index, docs):
    for _ in range(2):
        with opened(index) as fs:
            assert len(fs.ingest(docs).added) == 3
            assert fs.verify().damages == ()
        for path in index.glob("catalog.db*"):
            path.unlink()


def test_a_catalog_and_its_segments_may_take_the_place_of_others(opened, index, docs, tmp_path):
    for folder in (index, tmp_path / "other"):
        with opened(folder) as fs:
            fs.ingest(docs)
    shutil.rmtree(index / "segments")
    shutil.copy(tmp_path / "other" / "catalog.db", index)
    with pytest.raises(IndexProblem, match=ELSEWHERE):
        opened(index).search("kiln")
    shutil.copytree(tmp_path / "other" / "segments", index / "segments")
    assert_whole(opened, index, "")


@pytest.mark.parametrize("mend", [FileSearch.rebuild, lambda fs: fs.verify(should_repair=True)])
def test_a_lost_folder_is_made_again_of_its_catalog(opened, filled, url, docs, mend):
    shutil.rmtree(filled)
    with pytest.raises(IndexProblem, match=rf"{OF_ANOTHER}.*verify --repair"):
        opened(filled, db=url).ingest(docs)
    with opened(filled, db=url) as fs:
        mend(fs)
    assert_whole(opened, filled, url)


def test_a_folder_is_made_again_while_its_index_is_open(opened, index, url, docs):
    fs = opened(index, db=url)
    fs.ingest(docs)
    shutil.rmtree(index)
    fs.verify(should_repair=True)
    assert_whole(opened, index, url)


def test_a_folder_that_was_not_lost_is_refused_and_can_have_its_catalog_back(
    opened, filled, url, tmp_path
):
    with opened(tmp_path / "other", db=url) as fs:
        fs.verify(should_repair=True)
    with pytest.raises(IndexProblem, match=OF_ANOTHER):
        opened(filled, db=url).search("kiln")
    with opened(filled, db=url) as fs:
        fs.verify(should_repair=True)
    assert_whole(opened, filled, url)
    with pytest.raises(IndexProblem, match=OF_ANOTHER):
        opened(tmp_path / "other", db=url).search("kiln")


def test_looking_for_an_index_makes_no_folder_and_one_that_is_made_then_has_its_id(
    opened, index, url, docs
):
    fs = opened(index, db=url)
    with pytest.raises(NotFound):
        fs.search("kiln")
    assert not index.exists()
    fs.ingest(docs)
    assert (index / "index.id").read_text().endswith(" outside\n")
    assert_whole(opened, index, url)


def test_all_that_open_an_index_first_at_once_give_it_one_id(opened, index, url):
    Database(url).close()
    with ThreadPoolExecutor(8) as threads:
        for opening in [threads.submit(opened(index, db=url).open, create=True) for _ in range(8)]:
            opening.result()
    with opened(index, db=url) as fs:
        assert fs.files() == []


def test_of_all_folders_that_open_a_database_first_at_once_one_gets_it(opened, url, tmp_path):
    Database(url).close()
    folders = [tmp_path / f"folder {number}" for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        openings = [threads.submit(opened(one, db=url).open, create=True) for one in folders]
        refused = [opening.exception() for opening in openings]
    assert sum(error is None for error in refused) == 1
    assert all(OF_ANOTHER in str(error) for error in refused if error)


def test_of_all_databases_that_a_folder_is_first_opened_with_at_once_one_is_its(
    opened, index, tmp_path
):
    urls = [f"sqlite:///{tmp_path}/{number}.db" for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        openings = [threads.submit(opened(index, db=url).open, create=True) for url in urls]
        refused = [opening.exception() for opening in openings]
    assert sum(error is None for error in refused) == 1
    assert all(ELSEWHERE in str(error) for error in refused if error)


def test_a_process_that_was_killed_once_the_catalog_had_the_id_does_no_harm(opened, filled, url):
    (filled / "index.id").rename(filled / "index.id.new")
    assert_whole(opened, filled, url)
    assert (filled / "index.id").exists()


def test_a_process_that_was_killed_before_the_catalog_had_the_id_does_no_harm(
    opened, filled, url, docs, tmp_path
):
    forget_ids(filled, url)
    (filled / "index.id.new").write_text("idx_lost outside\n")
    with pytest.raises(IndexProblem, match=ELSEWHERE):
        opened(filled, db=f"sqlite:///{tmp_path}/other.db").ingest(docs)
    assert_whole(opened, filled, url)
    assert "idx_lost" not in (filled / "index.id").read_text()


def test_no_password_is_kept_or_shown(opened, index, postgres_url, tmp_path):
    secret = postgres_url.replace("tester@", "tester:s3cret@")
    with opened(index, db=secret) as fs:
        fs.open(create=True)
    assert not any(b"s3cret" in content for content in tree(index).values())
    with pytest.raises(IndexProblem, match=OF_ANOTHER) as caught:
        opened(tmp_path / "other", db=secret).search("kiln")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "command",
    [
        ["ingest", "docs"],
        ["ingest", "docs", "--dry-run"],
        ["ingest", "docs", "--watch"],
        ["search", "kiln"],
        ["ask", "How hot?"],
        ["files"],
        ["stats"],
        ["remove", "kiln.txt"],
        ["verify", "--repair"],
        ["compact"],
        ["keys", "create"],
        ["serve", "--port", "0"],
        ["mcp"],
    ],
    ids=" ".join,
)
def test_every_command_refuses_a_folder_whose_catalog_is_elsewhere(opened, docs, index, command):
    with opened(index, db="sqlite:///elsewhere.db") as fs:
        fs.ingest(docs)
    before = tree(index)
    done = CliRunner().invoke(cli, [*command, "--index", "index"])
    assert (done.exit_code, done.stdout) == (3, "")
    assert ELSEWHERE in done.stderr
    assert tree(index) == before
