"""Conversation: what a question takes from earlier turns, and when it takes nothing."""

import pytest

from filesearch.conversation import MAX_CARRIED, find_context, find_dependence
from filesearch.errors import InvalidSetting
from filesearch.types import Turn


def said(*texts):
    """Turns of a conversation, the user's first, by turns."""
    return [Turn("assistant" if i % 2 else "user", text) for i, text in enumerate(texts)]


def terms_for(question, *texts):
    return set(find_context(question, said(*texts)).terms)


NEEDED = {
    "a pronoun": ("How do I install it?", ["What is Terraform?", "A tool."], {"Terraform"}),
    "a demonstrative": (
        "does that include VAT",
        ["how much is the starter kit", "49 euros"],
        {"starter", "kit"},
    ),
    "a plural pronoun": (
        "Can they be fired at 1200 °C?",
        ["Show me the glazes", "..."],
        {"glazes"},
    ),
    "a bare why": ("Why?", ["Is the Leeds shop closed?", "Yes."], {"Leeds", "shop", "closed"}),
    "one for a noun": ("And the cheap one?", ["Which kilns do you sell?", "Two."], {"kilns"}),
    "a bare preposition": (
        "If I live in Spain?",
        ["Are earnings subject to taxes?", "No."],
        {"earnings", "subject", "taxes"},
    ),
    "Chinese pronoun": ("它是什么时候成立的？", ["介绍一下华为公司", "..."], {"华为公司"}),
    "Chinese ellipsis": ("运费呢？", ["退货期限是多久？", "30天"], {"退货期限"}),
    "traditional Chinese": ("它的運費是多少？", ["專業方案", "..."], {"專業方案"}),
}


@pytest.mark.parametrize(("question", "texts", "expected"), NEEDED.values(), ids=NEEDED.keys())
def test_what_is_left_unsaid_is_carried_over(question, texts, expected):
    context = find_context(question, said(*texts))
    assert context.is_needed
    assert expected <= set(context.terms)


REPLACED = {
    "a number": ("And in 2023?", "What was Apple's revenue in 2022?", "2022", "revenue"),
    "a name": ("What about Google?", "What was Apple's revenue in 2022?", "Apple", "revenue"),
    "a Chinese name": ("李四呢？", "张三的电话是多少？", "张三", "电话"),
    "a Chinese year": ("那2023年呢？", "2022年的营业收入是多少？", "2022", "营业收入"),
}


@pytest.mark.parametrize(
    ("question", "before", "replaced", "kept"), REPLACED.values(), ids=REPLACED.keys()
)
def test_what_the_question_replaces_is_not_carried_over(question, before, replaced, kept):
    terms = terms_for(question, before, "...")
    assert kept in terms
    assert replaced not in terms


ALONE = [
    "What is the capital of France?",
    "When did Tesla release its first car?",
    "Does the Prince of Wales have his own income?",
    "What is a voucher?",
    "《三体》的作者是谁？",
]


@pytest.mark.parametrize("question", ALONE)
def test_a_question_that_stands_alone_takes_nothing(question):
    assert terms_for(question, "How do I return a mug to Leeds?", "Within 30 days.") == set()


def test_a_question_that_names_nothing_may_go_on_with_the_topic():
    context = find_context("How long is the warranty?", said("Tell me about the X200 kiln", "..."))
    assert not context.is_needed
    assert set(context.terms) == {"X200", "kiln"}


def test_the_topic_of_a_dependent_turn_lives_on():
    terms = terms_for("What does it cost?", "What is Watson?", "...", "Does it run here?", "Yes.")
    assert "Watson" in terms


def test_the_topic_ends_with_a_turn_that_stands_alone():
    texts = ["What is Watson?", "...", "What is the capital of France?", "Paris, on the Seine."]
    assert "Watson" not in terms_for("Where is it?", *texts)


def test_thanks_do_not_end_the_topic():
    assert "Terraform" in terms_for("How do I install it?", "What is Terraform?", "...", "Thanks!")


def test_an_answer_to_who_becomes_the_topic_of_he():
    terms = terms_for("How old is he?", "Who directed Titanic?", "James Cameron did, in 1997.")
    assert "James Cameron" in terms


def test_a_short_answer_to_which_becomes_the_topic_of_it():
    terms = terms_for("How many moons does it have?", "What is the largest planet?", "Jupiter.")
    assert "Jupiter" in terms


def test_an_answer_is_left_out_where_nothing_points_at_it():
    terms = terms_for("And the fee?", "How do I return a mug?", "Take it to the Leeds shop.")
    assert "Leeds" not in terms


def test_no_history_gives_no_terms():
    assert find_context("Why is it closed?", []).terms == ()
    assert find_context("Why is it closed?", [Turn("assistant", "Hello")]).terms == ()


def test_terms_are_few_and_not_said_already():
    long_turn = "Does " + " ".join(f"thing{i}" for i in range(50)) + " matter?"
    terms = find_context("Why is thing3 so?", said(long_turn)).terms
    assert len(terms) <= MAX_CARRIED
    assert "thing3" not in terms


@pytest.mark.parametrize(
    "question",
    [
        "Is it possible to return a mug without a receipt?",
        "How long does it take to fire a kiln?",
        "Who leads the IT team of Acme?",
        "How can one upgrade a kiln?",
        "Is there a shop in York?",
        "What happened this year at Acme?",
        "If I have a dog, can it come to Acme?",
    ],
)
def test_words_that_only_look_like_pronouns_point_nowhere(question):
    assert not find_dependence(question).refers


@pytest.mark.parametrize(
    "question",
    [
        "How does the state pay for it?",
        "Why was it named that?",
        "What were they developing there?",
        "Can I get a cheaper one?",
        "That means a second fee?",
        "他今年多大？",
        "這個方案要多少錢？",
    ],
)
def test_pronouns_without_antecedent_point_out(question):
    assert find_dependence(question).refers


@pytest.mark.parametrize("call", ["search", "ask", "plan", "rank_files"])
def test_what_is_no_turn_is_refused_with_what_a_turn_is(fs, docs, call):
    fs.ingest(docs)
    more = {"stage": "rerank"} if call == "rank_files" else {}

    with pytest.raises(InvalidSetting, match=r"history: .*'hello'.* is no Turn; .*Turn\('user'"):
        getattr(fs, call)("And mugs?", history=[{"role": "user", "content": "hello"}], **more)
