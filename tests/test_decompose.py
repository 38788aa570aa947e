"""Decompose: which questions are split, into what, and which are left whole."""

import pytest

from filesearch.decompose import MAX_PARTS, split_clauses, split_question

SPLIT = {
    "both": (
        "Are Ann Lee and Bob Ray both film directors?",
        ["Are Ann Lee film directors?", "Are Bob Ray film directors?"],
    ),
    "a plural verb": (
        "Are Tesla and Rivian profitable?",
        ["Are Tesla profitable?", "Are Rivian profitable?"],
    ),
    "alternatives": (
        "Who is older, Sid Haig or Vic Darchinyan?",
        ["Who is older, Sid Haig?", "Who is older, Vic Darchinyan?"],
    ),
    "alternatives with a noun each": (
        "Which is older, the Leeds shop or the York shop?",
        ["Which is older, the Leeds shop?", "Which is older, the York shop?"],
    ),
    "three of them": (
        "Did Apple, Google and Microsoft raise prices?",
        ["Did Apple raise prices?", "Did Google raise prices?", "Did Microsoft raise prices?"],
    ),
    "two rows that belong together": (
        "What role did Ed Roland and Adam Duritz play in their respective bands, Soul and Crows?",
        [
            "What role did Ed Roland play in their bands, Soul?",
            "What role did Adam Duritz play in their bands, Crows?",
        ],
    ),
    "quoted phrases": (
        'Do "Act of War" and "Homeland" share an author?',
        ['Do "Act of War" share an author?', 'Do "Homeland" share an author?'],
    ),
    "compare": (
        "Compare Acme Corp and Globex on growth",
        ["Compare Acme Corp on growth", "Compare Globex on growth"],
    ),
    "than": (
        "Is Acme Corp larger than Globex?",
        ["Is Acme Corp larger?", "Is larger than Globex?"],
    ),
    "difference of nouns": (
        "what is the difference between sick leave and parental leave in Spain",
        ["sick leave in Spain", "parental leave in Spain"],
    ),
    "a shared noun": (
        "difference between public and private clouds",
        ["public clouds", "private clouds"],
    ),
    "two questions": (
        "What is the notice period? And who has to be informed?",
        ["What is the notice period?", "And who has to be informed? notice period"],
    ),
    "two questions in a sentence": (
        "Who founded Acme and how did it grow?",
        ["Who founded Acme", "how did it grow? Acme"],
    ),
    "a described thing": (
        "Kate Ramsay is a character from an Australian soap opera created by whom?",
        ["an Australian soap opera created by whom?"],
    ),
    "a described thing and what is asked": (
        "Which label released the album that was produced by an English cricketer born in Leeds?",
        [
            "an English cricketer born in Leeds?",
            "Which label released the album that was produced by",
        ],
    ),
    "Chinese comparison": ("苹果和三星哪个更贵？", ["苹果哪个更贵？", "三星哪个更贵？"]),
    "Chinese difference": (
        "全职员工与兼职员工的年假有什么区别？",
        ["全职员工的年假有什么区别？", "兼职员工的年假有什么区别？"],
    ),
    "Chinese request": ("比较甲方案和乙方案的成本", ["甲方案的成本", "乙方案的成本"]),
    "traditional Chinese": (
        "獨裁政體和民主政體的區別在哪？",
        ["獨裁政體的區別在哪？", "民主政體的區別在哪？"],
    ),
    "Chinese questions": (
        "退货期限是多久，运费由谁承担？",
        ["退货期限是多久", "运费由谁承担？ 退货期限"],
    ),
}
WHOLE = [
    "What does research and development cost?",
    "What are the terms and conditions of the Gold plan?",
    "Who at Johnson and Johnson leads it?",
    "Is Bosnia and Herzegovina in the EU?",
    "How does the Department of Health and Human Services work?",
    "Who was Minister for Agriculture and Education in Leland, North Carolina?",
    "What was Roe v. Wade about?",
    "When and where was Marie Curie born?",
    "What changed between FY2021 and FY2022?",
    "What was the average between May and June 2023?",
    "When was the school renamed as Harvard College?",
    "How do I protect my data from identity theft?",
    "The rate of ATM and Rad3 related protein is low.",
    "What Are The Steps For Alice And Bob?",
    "python convert list and tuple to string",
    "研发和销售部门的预算是多少？",
    "中华人民共和国哪一个城市最大？",
    "「先謁陵乎？先即位乎？」這句話是誰說的？",
    "",
]


@pytest.mark.parametrize(("question", "expected"), SPLIT.values(), ids=SPLIT.keys())
def test_a_compound_question_is_split(question, expected):
    assert list(split_question(question)) == expected


@pytest.mark.parametrize("question", WHOLE)
def test_one_question_stays_whole(question):
    assert split_question(question) == ()


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (
            "What is a VPC? And how much does it cost?",
            ["What is a VPC?", "And how much does it cost? VPC"],
        ),
        (
            "I bought a bowl. How hot is the kiln? When does the studio open?",
            ["How hot is the kiln?", "When does the studio open?"],
        ),
        ("Who is older, Sid Haig or Vic Darchinyan?", []),
        ("Kate Ramsay is a character from an Australian soap opera created by whom?", []),
        ("退货期限是多久，运费由谁承担？", ["退货期限是多久", "运费由谁承担？"]),
        ("", []),
    ],
)
def test_only_questions_that_stand_side_by_side_are_answered_apart(question, expected):
    assert list(split_clauses(question)) == expected


def test_there_are_never_more_parts_than_three():
    names = ", ".join(f"Firm{c} Corp" for c in "ABCDEFG")
    assert len(split_question(f"Are {names} and Last Corp both large?")) == MAX_PARTS
