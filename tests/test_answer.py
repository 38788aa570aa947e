"""Answer: quotes that answer, each where the document has it, or a plain no."""

from __future__ import annotations

import dataclasses
import re

import docx
import pytest

from filesearch import FileSearch, Settings
from filesearch.answer import (
    MAX_STATEMENTS,
    WEIGHT_PASSAGE,
    rank_sentences,
)
from filesearch.assistant import answer_of
from filesearch.chat.extractive import ExtractiveChatModel
from filesearch.cite import content_part, locate
from filesearch.errors import ChatFailed
from filesearch.messages import ChatRequest, Message, Source
from filesearch.quotable import find_sentences
from filesearch.run import Run
from filesearch.terms import extract_terms
from filesearch.testing import HashingEmbedder
from filesearch.types import SearchResult, Span

POTTERY = {
    "mugs.md": "# Returns\n\n- A mug may be returned within 30 days of delivery.\n"
    "- Wholesale orders cannot be returned at all.\n",
    "kiln.txt": "The kiln is old. It was built by Tomas. The kiln reaches 1280 degrees in nine "
    "hours. It is fired on Fridays.\n",
    "tea.txt": "Noor drinks green tea every morning. She prefers it without sugar.\n",
}
CHINESE = {
    "退货.txt": "本店欢迎光临。会员可在收货后三十天内退货。退货运费由本店承担。",
    "窑炉.txt": "窑炉最高温度为1280度。请勿触摸窑门。",
}


def weigh(vector):
    return {"hybrid_search": {"embedding_weight": vector, "text_weight": 1 - vector}}


def result(filename, text, start=0, end=None, score=1.0):
    end = len(text) if end is None else end
    return SearchResult(f"file-{filename}", filename, text[start:end], start, end, score, score, 0)


def ask(question, texts, *, spans=(), results=None, wanted="", embedder=None):
    """The answer of the extractive model to passages at hand."""
    if results is None:
        results = [result(name, text) for name, text in texts.items()]
    embedder = embedder or HashingEmbedder()
    model = ExtractiveChatModel(lambda: embedder, lambda asked, _turns: wanted or asked)
    run = Run(
        model,
        [Message("user", question)],
        searches=[lambda _query: results],
        locate=lambda _file_id, start, end: locate(spans, start, end),
    )
    return answer_of(run.events())


def english_embedder():
    embedder = HashingEmbedder()
    embedder.languages = frozenset({"en"})
    return embedder


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("How many degrees does the kiln reach?", "1280 degrees"),
        ("Within how many days may a mug be returned?", "within 30 days"),
        ("What tea does Noor drink?", "green tea"),
        ("Who built it, Tomas?", "built by Tomas"),
    ],
)
def test_the_sentence_that_answers_is_quoted(question, quote):
    answer = ask(question, POTTERY)
    assert answer.is_answered
    assert any(quote in citation.quote for citation in answer.citations)


@pytest.mark.parametrize(
    ("question", "texts", "quotes"),
    [
        (
            "How many degrees does the kiln reach? What tea does Noor drink?",
            POTTERY,
            ["The kiln reaches 1280 degrees", "Noor drinks green tea"],
        ),
        (
            "Who painted the Mona Lisa? Within how many days may a mug be returned?",
            POTTERY,
            ["A mug may be returned within 30 days"],
        ),
        (
            "会员可在收货后几天内退货？窑炉最高温度是多少？",
            CHINESE,
            ["会员可在收货后三十天内退货", "窑炉最高温度为1280度"],
        ),
    ],
)
def test_each_of_several_questions_gets_its_answer(question, texts, quotes):
    answer = ask(question, texts)
    found = [next(q for q in quotes if q in c.quote) for c in answer.citations]
    assert found == quotes


def test_each_of_several_questions_is_given_what_the_conversation_said():
    asked = []

    def wanted(question, turns):
        asked.append(bool(turns))
        return f"{question} kiln" if turns else question

    model = ExtractiveChatModel(HashingEmbedder, wanted)
    text = "The kiln reaches 1280 degrees at most. Tomas built the kiln."
    messages = (
        Message("user", "Is there a kiln?"),
        Message("assistant", "Yes."),
        Message("user", "How many degrees are reached? Who did the building, Tomas?"),
    )
    reply = model.complete(ChatRequest(messages, sources=(Source(2, 0, result("k.txt", text)),)))
    assert "1280 degrees" in reply.message.content
    assert "Tomas built the kiln.【2:0†source】" in reply.message.content
    assert asked == [True, False]


def test_what_answers_two_questions_is_quoted_once():
    answer = ask("How many degrees does the kiln reach? How hot is the kiln in degrees?", POTTERY)
    assert answer.plain_text == "The kiln reaches 1280 degrees in nine hours."


@pytest.mark.parametrize(
    ("question", "texts"),
    [
        ("May a mug be returned within 30 days?", POTTERY),
        ("The kiln reaches how many degrees? It was built by whom?", POTTERY),
        ("会员可在收货后几天内退货?", CHINESE),
        ("窑炉最高温度", CHINESE | POTTERY),
    ],
)
def test_a_quote_is_the_text_at_its_place(question, texts):
    answer = ask(question, texts)
    assert answer.citations
    for citation in answer.citations:
        assert texts[citation.filename][citation.start : citation.end] == citation.quote


def test_a_quote_from_a_passage_that_begins_later_has_its_place_in_the_document():
    text = "Intro sentence that says little. " * 9 + "The kiln reaches 1280 degrees."
    start = text.index("says little. The kiln")
    answer = ask("How many degrees does the kiln reach?", {}, results=[result("k", text, start)])
    [citation] = answer.citations
    assert text[citation.start : citation.end] == citation.quote == "The kiln reaches 1280 degrees."


def test_words_that_stand_twice_are_cited_where_they_were_quoted():
    text = "# 甲窑\n\n窑炉最高温度为1280度。\n\n# 乙窑\n\n窑炉最高温度为1280度。"
    answer = ask("乙窑的窑炉最高温度是多少？", {"窑炉.md": text})
    [citation] = answer.citations
    assert (citation.start, citation.quote) == (text.rindex("窑炉最高"), "窑炉最高温度为1280度。")
    [annotation] = content_part(answer)["text"]["annotations"]
    assert annotation["file_citation"]["start"] == citation.start


def test_each_row_of_several_is_cited_for_itself_though_none_ends_with_a_stop():
    rows = [
        "order: PO-10007; product: blue bowl with a lid; buyer: Olga Berg",
        "order: PO-10014; product: tall ash tray; buyer: Olga Berg",
    ]
    answer = ask("What product did Olga Berg order?", {"orders.csv": "\n".join(rows)})
    assert [citation.quote for citation in answer.citations] == rows
    assert len(answer.sources) == 2


def test_the_page_is_that_of_the_quote_not_of_its_passage():
    first = "The studio opens at nine. " * 4
    text = first + "The kiln reaches 1280 degrees. "
    spans = (Span("page", 0, len(first), 1), Span("page", len(first), len(text), 2))
    answer = ask("How many degrees does the kiln reach?", {"k.pdf": text}, spans=spans)
    assert [citation.page for citation in answer.citations] == [2]


def test_a_pdf_that_is_one_chunk_is_cited_by_the_page_of_the_quote(fs, tmp_path, two_page_pdf):
    (tmp_path / "manual.pdf").write_bytes(two_page_pdf)
    fs.ingest(tmp_path / "manual.pdf")
    [hit] = fs.search("kiln degrees")
    assert (hit.page, hit.end_page) == (1, 2)
    answer = fs.ask("How many degrees does the kiln reach?")
    [citation] = answer.citations
    assert (citation.page, citation.quote) == (2, "The kiln reaches 1280 degrees.")
    document = fs.document(citation.file_id)
    assert document.text[citation.start : citation.end] == citation.quote


@pytest.fixture
def two_page_pdf():
    pages = [
        ["The studio opens at nine in the morning.", "Bring an apron and a towel."],
        ["The kiln reaches 1280 degrees.", "Noor runs the studio."],
    ]
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 2 /Kids [4 0 R 6 0 R] >>",
    ]
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>")
    for number, lines in enumerate(pages):
        content = b"BT /F1 10 Tf 12 TL 50 740 Td\n"
        content += b"".join(b"(%s) Tj T*\n" % line.encode() for line in lines) + b"ET"
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % (5 + 2 * number)
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    pdf, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(pdf))
        pdf += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    return pdf + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n"
        b"%%%%EOF\n" % (size, table, size, len(pdf))
    )


@pytest.mark.parametrize(
    "question", ["Who won the chess championship?", "Wie heißt der Präsident?"]
)
def test_what_the_documents_do_not_hold_is_declined_in_english(question):
    answer = ask(question, POTTERY)
    assert not answer.is_answered
    assert answer.citations == ()
    assert answer.text == "The documents hold no answer to this question."
    assert len(answer.results) == 3


def test_what_the_documents_do_not_hold_is_declined_in_chinese():
    answer = ask("谁赢得了象棋冠军?", CHINESE, embedder=english_embedder())
    assert (answer.is_answered, answer.text) == (False, "文档中没有找到这个问题的答案。")


@pytest.mark.parametrize("question", ["", " \n"])
def test_a_blank_question_is_declined(question):
    answer = ask(question, POTTERY)
    assert (answer.is_answered, answer.results, answer.citations) == (False, (), ())
    assert answer.text == "The documents hold no answer to this question."


def test_no_results_are_declined():
    answer = ask("How hot is the kiln?", {})
    assert (answer.is_answered, answer.results, answer.citations) == (False, (), ())


def test_a_chinese_question_is_answered_by_words_where_the_embedder_reads_none():
    answer = ask("会员收货后多少天内可以退货?", CHINESE, embedder=english_embedder())
    assert answer.is_answered
    assert answer.citations[0].quote == "会员可在收货后三十天内退货。"


@pytest.mark.parametrize(
    "question", ["窑炉的生产厂家在哪里？", "退货的联系电话是多少？", "会员的生日礼物？"]
)
def test_two_pairs_of_characters_in_common_are_no_answer_to_a_chinese_question(question):
    assert not ask(question, CHINESE, embedder=english_embedder()).is_answered


def test_three_in_common_are_where_the_question_is_a_long_one():
    question = "收货后才发现杯子破了一点，几天内可以退货？"
    answer = ask(question, CHINESE, embedder=english_embedder())
    assert [c.quote for c in answer.citations][:1] == ["会员可在收货后三十天内退货。"]


def test_numbers_are_unique_and_count_up_in_reading_order():
    builders = {"Noor": "carefully", "Tomas": "quickly", "Mei": "twice", "Ola": "gladly"}
    texts = {f"{who}.txt": f"{who} {how} built kilns." for who, how in builders.items()}
    answer = ask("Who built kilns?", texts)
    assert 1 < len(answer.citations) <= MAX_STATEMENTS
    numbers = [citation.number for citation in answer.citations]
    assert numbers == list(range(1, len(answer.citations) + 1))
    assert all(f"[{number}]" in answer.text for number in numbers)


def test_sentences_of_one_file_come_as_they_stand_even_from_two_passages():
    first = "Ash bricks suit kilns. " + "Tea is made of leaves. " * 9
    text = first + "Lime bricks feed kilns."
    passages = [
        result("k", text, len(first), score=1.0),
        result("k", text, 0, len(first), score=0.99),
    ]
    answer = ask("Which bricks, which kilns?", {}, results=passages)
    starts = [citation.start for citation in answer.citations]
    assert starts == [0, len(first)]


def test_the_same_sentence_in_two_files_is_quoted_once():
    texts = dict.fromkeys(("a.txt", "b.txt"), "The kiln reaches 1280 degrees.")
    answer = ask("How many degrees does the kiln reach?", texts)
    assert [citation.filename for citation in answer.citations] == ["a.txt"]


def test_headings_and_the_marks_of_lists_are_not_quoted():
    text = "# Rules of the studio\n\n- [ ] Wear an apron here.\n3. Close the kiln door.\n"
    quotes = [sentence.text for sentence in find_sentences([result("r.md", text)])]
    assert quotes == ["Wear an apron here.", "Close the kiln door."]


CREWS = {
    "crew.md": "# Festival crew\n\nThe festival is run by volunteers.\n\n- Stage manager: Ottilie\n"
    "- Tickets are sold by Hugo Lind\n",
    "kiosk.txt": "Kiosk at the pier\n\nThe kiosk sells ice cream.\n\nYours sincerely,\n"
    "Wilma Hill, county engineer\n",
    "zh.md": "# 通讯录\n\n- 财务主管：赵国强\n- 司机：孙涛\n",
}


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("Who is the stage manager?", "Stage manager: Ottilie"),
        ("By whom are the tickets sold?", "Tickets are sold by Hugo Lind"),
        ("Who is the county engineer?", "Wilma Hill, county engineer"),
        ("司机是谁？", "司机：孙涛"),
    ],
)
def test_a_fact_in_a_short_line_without_a_stop_is_quoted(question, quote):
    answer = ask(question, CREWS)
    assert quote in answer.citations[0].quote


def test_a_fact_is_no_heading_of_the_fact_below_it_and_may_be_one_of_prose():
    text = "# Crew\n\nDriver: Ana\n\nBaker: Otto\n\nHe bakes bread.\n\n- Cook: Mia\n- Porter: Jan\n"
    found = [(s.heading, s.text) for s in find_sentences([result("c.md", text)])]
    assert found == [
        ("Crew", "Driver: Ana"),
        ("Crew", "Baker: Otto"),
        ("Baker: Otto", "He bakes bread."),
        ("Crew", "Cook: Mia"),
        ("Crew", "Porter: Jan"),
    ]


def sectioned(text, *sections):
    """A passage whose sections are known: (level, label), each up to the next of its level."""
    starts = [text.index(label) for _, label in sections]
    spans = []
    for i, (level, label) in enumerate(sections):
        behind = zip(starts[i + 1 :], sections[i + 1 :], strict=True)
        end = next((start for start, (other, _) in behind if other <= level), len(text))
        spans.append(Span("heading", starts[i], end, level, label))
    return dataclasses.replace(result("s.docx", text), headings=tuple(spans))


NOTES = sectioned(
    "Release notes\n5.1 Known problems\nWizard\nThe wizard hangs at night.\n5.2 Later plans 2027\n"
    "The charts lose colour.",
    (1, "Release notes"),
    (2, "5.1 Known problems"),
    (3, "Wizard"),
    (2, "5.2 Later plans 2027"),
)


def test_known_headings_are_not_quoted_whatever_they_look_like():
    found = [sentence.text for sentence in find_sentences([NOTES])]
    assert found == ["The wizard hangs at night.", "The charts lose colour."]


def test_all_headings_above_a_sentence_go_along_with_it():
    first, second = find_sentences([NOTES])
    assert first.heading == "5.1 Known problems\nWizard"
    assert second.heading == "5.2 Later plans 2027"
    assert set(extract_terms(first.heading)) <= set(first.terms)


SETTINGS = {
    "app.ini": "[server]\nthreads = 12\nhost = 10.0.0.7\n\n[cache]\nbackend = redis\nttl = 900\n",
    "deploy.yaml": "replicas: 4\nlimits:\n  memory: 768Mi\nprobe:\n  path: /health\n",
}


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("server threads", "threads = 12"),
        ("What is the cache backend?", "backend = redis"),
        ("replicas", "replicas: 4"),
        ("What is the memory limit?", "memory: 768Mi"),
    ],
)
def test_a_line_of_settings_is_quoted_alone(question, quote):
    assert ask(question, SETTINGS).citations[0].quote == quote


def test_a_setting_stands_below_its_section_or_key():
    found = [result(name, text) for name, text in SETTINGS.items()]
    heads = {sentence.text: sentence.heading for sentence in find_sentences(found)}
    assert heads["ttl = 900"] == "[cache]"
    assert heads["memory: 768Mi"] == "limits"
    assert heads["replicas: 4"] == ""


def test_the_title_of_a_document_heads_what_has_no_heading_else():
    notes = sectioned("Club rules\nThe club is old.\n1 Seat\nIt sits here.", (1, "Club rules"))
    assert {sentence.heading for sentence in find_sentences([notes])} == {"Club rules"}


def test_a_line_that_holds_more_than_its_heading_is_quoted():
    text = "def reorder_point(article: Article) -> float:"
    found = find_sentences([sectioned(text, (1, "def reorder_point"))])
    assert [sentence.text for sentence in found] == [text]


def test_a_line_that_looks_like_a_heading_heads_its_section_alone():
    text = "Stock\n\nTents\n\nThe tents are red.\n\nStaff\n\nThe cook is new."
    found = find_sentences([sectioned(text, (1, "Stock"), (1, "Staff"))])
    assert [sentence.heading for sentence in found] == ["Stock\nTents", "Staff"]


STATUTES = {
    "1 Treasurer": "Cheques above 500 pounds need a second signature.",
    "4.1 Changes": "Two thirds of the votes are needed.",
    "4.2 Dissolution": "Four fifths of the votes are needed.",
}


def test_the_section_tells_which_of_two_like_sentences_answers(bundled_fs, tmp_path):
    statutes = docx.Document()
    for heading, sentence in STATUTES.items():
        statutes.add_heading(heading)
        statutes.add_paragraph(sentence)
    statutes.save(tmp_path / "statutes.docx")
    bundled_fs.ingest(tmp_path / "statutes.docx")
    answer = bundled_fs.ask("What majority is needed to change the statutes?")
    assert answer.citations[0].quote == "Two thirds of the votes are needed."


BRANCHES = {"hull.txt": "nine", "leeds.txt": "ten", "york.txt": "eleven"}


def test_a_file_is_told_from_another_by_its_name():
    found = [result(name, f"The branch opens at {hour}.") for name, hour in BRANCHES.items()]
    question = "When does the branch in York open?"
    ranking = rank_sentences(question, find_sentences(found), found, HashingEmbedder())
    assert ranking.unread.argmax() == 2


def test_the_best_passage_counts_alike_whatever_its_score():
    first, second = "The pool is open until nine.", "The pool is open until ten."
    for best in (1.0, 0.01):
        found = [result("a.txt", first, score=best / 2), result("b.txt", second, score=best)]
        ranking = rank_sentences("pool", find_sentences(found), found, HashingEmbedder())
        assert ranking.unread[1] - ranking.unread[0] > WEIGHT_PASSAGE / 3


def test_links_and_headings_are_not_quoted():
    links = "- [Book a room](b.md)\n- Rooms and prices\n"
    text = f"# Inn\n\n{links}\nPart II: Rooms to let\n\nRooms are let."
    found = [s.text for s in find_sentences([result("inn.md", text)])]
    assert found == ["Rooms are let."]


def test_a_quote_over_two_lines_is_said_in_one():
    text = "The kiln reaches\n1280 degrees in\nnine hours."
    answer = ask("How many degrees does the kiln reach?", {"k.txt": text})
    assert answer.plain_text == "The kiln reaches 1280 degrees in nine hours."
    assert answer.citations[0].quote == text


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("How does a tenant leave?", "A tenant leaves by a notice under section 12(1)."),
        ("What did von Frisch show of bees?", "Bees dance, as von Frisch showed in work [2]."),
        ("When is the alarm code changed?", "The alarm code is changed 【2:1†source】 every June."),
        ("How are the weights read?", "The weights are read as w[0] and w[1], `or so"),
    ],
)
def test_what_looks_like_a_marker_in_a_quote_is_quoted_and_cites_nothing(question, quote):
    answer = ask(question, POTTERY | {"quoted.txt": quote})
    [citation] = answer.citations
    assert (citation.filename, citation.quote) == ("quoted.txt", quote)
    assert (answer.plain_text, answer.dropped_markers) == (quote, 0)
    assert citation.marker not in quote


def test_a_format_that_is_no_text_is_refused_instead_of_being_left_out():
    model = ExtractiveChatModel(HashingEmbedder, lambda asked, _turns: asked)
    asked = (Message("user", "How many degrees?"),)
    with pytest.raises(ChatFailed, match="does not write 'json_object'"):
        model.complete(ChatRequest(asked, response_format={"type": "json_object"}))
    assert model.complete(ChatRequest(asked, response_format={"type": "text"})).message.content


def test_a_limit_cuts_a_quote_between_words_and_leaves_no_part_of_a_marker():
    model = ExtractiveChatModel(HashingEmbedder, lambda asked, _turns: asked)
    text = "The kiln reaches 1280 degrees [1]."
    question = "How many degrees does the kiln reach?"
    for limit in range(1, 40):
        request = ChatRequest(
            (Message("user", question),),
            max_completion_tokens=limit,
            sources=(Source(2, 0, result("k.txt", text)),),
        )
        reply = model.complete(request)
        written = reply.message.content
        assert written in {text[: len(written)], f"{text}【2:0†source】"}
        assert (reply.finish_reason == "stop") == written.endswith("】")
    assert reply.finish_reason == "stop"


def test_the_support_of_a_citation_lies_in_the_unit_interval():
    answer = ask("How many degrees does the kiln reach?", POTTERY)
    assert answer.citations
    assert all(0 < citation.score <= 1 for citation in answer.citations)


@pytest.mark.parametrize("question", ["", "???", "的", "😀", "the of and"])
def test_a_question_without_content_does_not_fail(question):
    assert ask(question, POTTERY | CHINESE).question == question


def test_the_same_question_gives_the_same_answer(fs, docs):
    fs.ingest(docs)
    assert fs.ask("How hot is the kiln?") == fs.ask("How hot is the kiln?")


# With the bundled model, which knows meaning


@pytest.fixture(scope="module")
def bundled_fs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundled")
    (folder / "docs").mkdir()
    for name, text in (POTTERY | CHINESE).items():
        (folder / "docs" / name).write_text(text)
    with FileSearch(settings=Settings(index=str(folder / "index"))) as fs:
        fs.ingest(folder / "docs")
        yield fs


@pytest.mark.parametrize(
    ("question", "filename", "quote"),
    [
        ("How hot does the kiln get?", "kiln.txt", "1280 degrees"),
        ("Until when can I send a mug back?", "mugs.md", "30 days"),
        ("Does Noor take sugar in her tea?", "tea.txt", "tea"),
        ("会员多少天内可以退货?", "退货.txt", "三十天"),
        ("窑炉最高温度是多少?", "窑炉.txt", "1280度"),
    ],
)
def test_the_bundled_model_answers_from_the_right_file(bundled_fs, question, filename, quote):
    answer = bundled_fs.ask(question)
    assert answer.is_answered
    assert answer.citations[0].filename == filename
    assert any(quote in citation.quote for citation in answer.citations)
    for citation in answer.citations:
        text = bundled_fs.document(citation.file_id).text
        assert text[citation.start : citation.end] == citation.quote


RULES = {
    "piscina.txt": "La piscina abre a las 7. El uso del gorro es obligatorio en todas las calles.",
    "musee.txt": "L'entrée coûte 7 euros. Le vestiaire est gratuit et la visite est libre.",
    "toshokan.txt": "貸出は二週間です。延長は一回だけできます。",
}


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("¿Es obligatorio el gorro?", "El uso del gorro es obligatorio en todas las calles."),
        ("Le vestiaire est-il gratuit ?", "Le vestiaire est gratuit et la visite est libre."),
        ("貸出は何週間ですか？", "貸出は二週間です。"),
        ("¿Quién es el alcalde?", None),
        ("Qui est le président ?", None),
        ("Où est la gare ?", None),
        ("館長は誰ですか？", None),
    ],
)
def test_what_a_language_asks_with_is_no_answer(question, quote):
    answer = ask(question, RULES)
    assert answer.is_answered == (quote is not None)
    assert [citation.quote for citation in answer.citations][:1] == [quote] * answer.is_answered


@pytest.mark.parametrize(
    "question", ["Who painted the Mona Lisa?", "What is the capital of France?", "谁发明了电灯?"]
)
def test_the_bundled_model_declines_what_is_not_there(bundled_fs, question):
    answer = bundled_fs.ask(question)
    assert (answer.is_answered, answer.citations) == (False, ())


def test_meaning_finds_what_words_do_not(bundled_fs):
    hits = bundled_fs.search("beverage preferences", ranking_options=weigh(1))
    assert hits[0].filename == "tea.txt"


ORDERS = "\n".join(
    f"order: PO-{number}; product: {product}; buyer: {buyer}; price: {price}"
    for number, product, buyer, price in (
        (10007, "blue bowl", "Olga Berg", "17.20"),
        (10014, "tall tray", "Nils Lund", "23.90"),
        (10021, "blue jug", "Rosa Mann", "31.00"),
    )
)


def with_rows(filename, text, mark):
    """A passage that knows for rows of tables the lines with this mark."""
    lines = [found.span() for found in re.finditer(r"[^\n]+", text)]
    rows = tuple((start, end) for start, end in lines if mark in text[start:end])
    return dataclasses.replace(result(filename, text), table_rows=rows)


@pytest.mark.parametrize(
    ("question", "price"),
    [
        ("What is the price of order PO-10014?", "23.90"),
        ("What price did Olga Berg pay for the blue bowl?", "17.20"),
        ("What is the price of the blue jug in Wexcombe?", "31.00"),
        ("What is the price of order PO-10099?", None),
        ("What price did Walter Quimby pay for the blue bowl?", None),
    ],
)
def test_a_row_is_quoted_for_what_it_names_alone(question, price):
    found = dataclasses.replace(with_rows("Wexcombe_orders.csv", ORDERS, ":"), rows=(2, 4))
    answer = ask(question, {}, results=[found])
    assert answer.is_answered == (price is not None)
    assert [citation.quote[-5:] for citation in answer.citations] == [price] * answer.is_answered


CONTACTS = """City contacts

The table lists whom to ask in each office.

Office | Contact person | Post box
Registry | Nadia Roux | blue
Parks | Ewa Nowak | green
Library | Mei Tanaka | red
"""
TICKETS = """The museum is open from Tuesday to Sunday. It is closed on Mondays.

Visitor | Price
Visitor: Adult; Price: 12 euros
Visitor: Student; Price: 7 euros

Photography without flash is allowed in the museum.
"""
STAFF = """# Staff

| Role | Name | Room |
|---|---|---|
| Cook | Pedro Alves | 14 |
| Librarian | Yuki Mori | B |
"""


@pytest.mark.parametrize(
    ("question", "text", "mark", "quote"),
    [
        ("Who is the contact person of the library?", CONTACTS, "|", "Library | Mei Tanaka | red"),
        ("Who is the contact person of the aquarium?", CONTACTS, "|", None),
        ("How much is an adult ticket?", TICKETS, "Price", "Visitor: Adult; Price: 12 euros"),
        ("How much is a ticket for dogs?", TICKETS, "Price", None),
        ("Who is the librarian?", STAFF, "\0", "Librarian | Yuki Mori | B"),
        ("Who is the pilot?", STAFF, "\0", None),
    ],
)
def test_a_row_of_a_table_among_prose_is_quoted_alone(bundled_fs, question, text, mark, quote):
    found = with_rows("notes.txt", text, mark)
    answer = ask(question, {}, results=[found], embedder=bundled_fs.embedder)
    assert [citation.quote for citation in answer.citations] == [quote] * (quote is not None)


@pytest.mark.parametrize(
    ("count", "quote"), [(4, "tiles: 1-9;"), (75, "tiles: 50-199;"), (340, "tiles: 200 and more;")]
)
def test_the_row_whose_range_holds_the_amount_is_quoted(bundled_fs, count, quote):
    counts = {"1-9": 0, "10-49": 4, "50-199": 9, "200 and more": 15}
    tiers = "\n".join(f"tiles: {tier}; rebate: {rebate}%" for tier, rebate in counts.items())
    found = dataclasses.replace(with_rows("rebates.csv", tiers, ":"), rows=(2, 5))
    question = f"What rebate do I get for {count} tiles?"
    answer = ask(question, {}, results=[found], embedder=bundled_fs.embedder)
    assert [c.quote.partition(" rebate")[0] for c in answer.citations] == [quote]


def test_a_docx_table_is_cited_by_the_row_that_answers(fs, tmp_path):
    word = docx.Document()
    word.add_paragraph("The table lists whom to ask in each office of the city.")
    table = word.add_table(rows=0, cols=3)
    for cells in (line.split(" | ") for line in CONTACTS.splitlines() if "|" in line):
        for cell, text in zip(table.add_row().cells, cells, strict=True):
            cell.text = text
    word.save(tmp_path / "contacts.docx")
    fs.ingest(tmp_path / "contacts.docx")
    [citation] = fs.ask("Who is the contact person of the library?").citations
    assert (citation.quote, citation.rows) == ("Library | Mei Tanaka | red", (4, 4))
