from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from filesearch import doctor
from filesearch.cli import cli
from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load import LoadOptions
from filesearch.load.ocr import engine as ocr
from filesearch.load.ocr import rapid as ocr_rapid
from filesearch.load.ocr import tesseract as ocr_tesseract
from filesearch.load.ocr.layout import Line, Reading, compose_reading

SCRIPT = Path(__file__).parents[2] / "scripts" / "ocr_quality.py"
WANTED = {"English": 0.97, "Chinese": 0.95}
# Far above what they take: the machine may be busy, and that is not what is tested.
TIMEOUT_S = 100.0


def load_script():
    spec = importlib.util.spec_from_file_location("ocr_quality", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


quality = load_script()


@pytest.fixture(scope="module")
def tesseract():
    program = ocr_tesseract.find_program()
    if program is None:
        pytest.skip("tesseract is not installed")
    if "chi_sim" not in ocr_tesseract.languages(program):
        pytest.skip("tesseract has no chi_sim")
    return ocr_tesseract.Tesseract(program, TIMEOUT_S)


@pytest.fixture(scope="module")
def rapid():
    if not ocr_rapid.is_installed():
        pytest.skip("the extra filesearch[ocr] is not installed")
    return ocr_rapid.RapidOcr(TIMEOUT_S)


@pytest.fixture(scope="module", params=list(WANTED))
def page(request):
    """A page of prose at 200 dpi, its text, and the similarity that is wanted."""
    if not quality.font_path(request.param).exists():
        pytest.skip(f"{quality.font_path(request.param)} is not installed")
    return (*quality.render_page(request.param), WANTED[request.param])


@pytest.mark.parametrize("engine", ["tesseract", "rapid"])
def test_a_page_is_read_almost_without_errors(engine, page, request):
    image, text, wanted = page
    reading = request.getfixturevalue(engine).read(image)
    assert quality.similarity(text, reading.text) >= wanted
    assert reading.confidence > 85


def test_a_scan_aslant_and_noisy_is_read_as_well(tesseract, page):
    image, text, wanted = page
    assert quality.similarity(text, tesseract.read(quality.age(image)).text) >= wanted


def test_a_page_on_its_side_is_turned(tesseract):
    if not quality.font_path("English").exists():
        pytest.skip("DejaVu is not installed")
    image, text = quality.render_page("English", 100)
    reading = tesseract.read(image.rotate(90, expand=True))
    assert quality.similarity(text, reading.text) >= 0.97


@pytest.mark.parametrize("engine", ["tesseract", "rapid"])
@pytest.mark.parametrize("size", [(3, 900), (60, 60)])
def test_where_no_text_is_none_is_read(engine, size, request):
    reading = request.getfixturevalue(engine).read(Image.new("RGB", size, "white"))
    assert reading == Reading("", 0.0)


def test_a_page_that_takes_too_long_fails(tesseract):
    hurried = ocr_tesseract.Tesseract(ocr_tesseract.find_program(), 0.01)
    with pytest.raises(InvalidFile, match="tesseract took too long"):
        hurried.read(Image.effect_noise((2000, 2000), 90))


def test_a_program_that_fails_says_why(tmp_path):
    program = tmp_path / "tesseract"
    program.write_text(
        "#!/bin/sh\ncase $1 in\n--version) echo tesseract 9;;\n"
        "--list-langs) echo 'List:'; echo eng;;\n*) echo 'no memory left' >&2; exit 1;;\nesac\n"
    )
    program.chmod(0o755)
    engine = ocr_tesseract.Tesseract(str(program), TIMEOUT_S)
    assert engine.name == "tesseract 9 (eng)"
    with pytest.raises(InvalidFile, match=r"tesseract failed \(no memory left\)"):
        engine.read(Image.new("L", (100, 100), 255))


def test_ideographs_are_joined_and_latin_words_are_not():
    reading = compose_reading([Line("青河 陶 舍 ( Heron Lane) , 周一 闭 馆 ;", 90.0)])
    assert reading.text == "青河陶舍( Heron Lane) ,周一闭馆；"


def test_paragraphs_are_apart_and_guesses_are_left_out():
    lines = [Line("One", 90.0, 1), Line("two", 90.0, 1), Line("~|;", 10.0, 2), Line("Three", 90, 3)]
    reading = compose_reading(lines)
    assert reading.text == "One\ntwo\n\nThree"
    assert reading.confidence == pytest.approx((11 * 90 + 3 * 10) / 14)


def test_boxes_become_lines_and_rows():
    def box(top, left, text):
        return ocr_rapid._Box(top, top + 20, left, text, 90.0)

    boxes = [box(0, 0, "Price"), box(31, 200, "12"), box(30, 0, "Mug"), box(100, 0, "Closed.")]
    lines = ocr_rapid.join_boxes(boxes)
    assert [line.text for line in lines] == ["Price", "Mug 12", "Closed."]
    assert compose_reading(lines).text == "Price\nMug 12\n\nClosed."


def test_strips_are_cut_between_lines():
    np = pytest.importorskip("numpy")
    page = np.full((3000, 1000), 255, np.uint8)
    for top in range(40, 2950, 50):
        page[top : top + 30] = 0  # a line every 50 rows
    found = list(ocr_rapid.strips(page))
    assert len(found) >= 5
    for _, strip in found:
        assert strip.size <= ocr_rapid._STRIP_PIXELS
        assert strip[0].min() == 255
        assert strip[-1].min() == 255
    assert sum(strip.shape[0] for _, strip in found) == 3000


def test_ocr_that_is_off_says_how_to_switch_it_on():
    with pytest.raises(UnsupportedFile, match=r"OCR is switched off; .*--ocr auto"):
        ocr.find_engine(LoadOptions(ocr="off"))


@pytest.fixture
def without_engines(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(ocr_rapid, "PACKAGE", "a_package_that_is_not_installed")


def test_without_an_engine_the_install_line_is_given(without_engines):
    with pytest.raises(UnsupportedFile, match=r"no OCR engine; .*apt-get install tesseract-ocr"):
        ocr.find_engine(LoadOptions())
    assert ocr.describe_engine(LoadOptions()) == ""


def test_tesseract_comes_before_rapidocr(tesseract):
    assert ocr.find_engine(LoadOptions()).name.startswith("tesseract ")
    assert ocr.describe_engine(LoadOptions()) == tesseract.name


def test_rapidocr_is_taken_where_tesseract_is_not(rapid, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ocr.find_engine(LoadOptions()).name.startswith("rapidocr ")


def test_notes_sum_up_and_name_what_was_read_badly():
    notes = ocr.OcrNotes()
    assert notes.add("page 2", Reading("a", 94.6)) == 95
    assert notes.add("page 7", Reading("b", 62.0)) == 62
    assert list(notes.sentences()) == [
        "2 pages were read by OCR (confidence 62 to 95%)",
        "page 7 was read by OCR with 62% confidence; check it against the original",
    ]


def test_a_photograph_has_no_text():
    class Guessing:
        name = "guessing 1.0"

        def read(self, image):
            return Reading("ae |) oo", 31.0)

    with pytest.raises(InvalidFile, match=r"guessing 1\.0 is 31% sure"):
        ocr.read_picture(Guessing(), Image.new("L", (50, 50)))


def test_doctor_names_the_engine_or_how_to_get_one(tesseract, monkeypatch, tmp_path):
    monkeypatch.setenv("FSEARCH_INDEX", str(tmp_path / "index"))

    def line(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return next(check.detail for check in doctor.examine(None) if check.name == "ocr")

    assert line() == tesseract.name
    assert line(FSEARCH_OCR="off") == "off; scans and pictures are not read"
    monkeypatch.setattr(ocr_rapid, "PACKAGE", "a_package_that_is_not_installed")
    assert "install one: apt-get" in line(FSEARCH_OCR="auto", PATH=str(tmp_path))


def test_ingest_takes_the_mode(monkeypatch, tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    arguments = ["ingest", str(tmp_path / "a.png"), "--index", str(tmp_path / "index")]
    done = CliRunner().invoke(cli, [*arguments, "--ocr", "off"])
    assert done.exit_code == 1
    assert "OCR is switched off" in done.output
