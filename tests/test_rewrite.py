"""Rewrite: what is left of a question, and what never goes."""

import pytest

from filesearch.rewrite import drop_chatter

REWRITTEN = {
    "greeting, politeness and thanks": (
        "Hi, could you please tell me how long I have to return a mug? Thanks a lot!",
        "how long I have to return a mug?",
    ),
    "wondering": (
        "I was wondering whether you know the opening hours of the Leeds shop",
        "the opening hours of the Leeds shop",
    ),
    "a letter": (
        "Dear team, I would like to know if vouchers expire. Best regards, Anna",
        "if vouchers expire.",
    ),
    "small talk before the question": ("I see. Good to know. Is there a fee?", "Is there a fee?"),
    "please at the end": ("who signs contracts, please?", "who signs contracts?"),
    "an instruction leaves its source": (
        "What was the revenue of Acme? Give a response to the question by relying on the details "
        "shown in the cash flow statement.",
        "What was the revenue of Acme? cash flow statement",
    ),
    "a role leaves nothing": (
        "Assume that you are a public equities analyst. Answer the following question by primarily "
        "using information that is shown in the balance sheet: what is the net debt of Acme?",
        "what is the net debt of Acme? balance sheet",
    ),
    "an answer's format": ("Answer concisely: who is the treasurer?", "who is the treasurer?"),
    "Chinese politeness": ("请问公司的注册资本是多少？谢谢！", "公司的注册资本是多少？"),
    "Chinese request": ("你好，能不能帮我查一下退货期限是多久", "退货期限是多久"),
    "traditional Chinese": ("麻煩告訴我2023年的營業收入，謝謝", "2023年的營業收入"),
}
UNTOUCHED = [
    "Can I get a refund?",
    "How do I answer a question on the forum?",
    "What does the answer key say about question 7?",
    "Hello Kitty merchandise",
    "Hi-fi speakers with a warranty",
    'What is the policy for "thank you" cards?',
    "members may vote as they please",
    "Who signed the letter of thanks?",
    "The immune response is delayed. Why?",
    "Emergency response: who is in charge?",
    "What do they say instead of cheers",
    "What are they?",
    "J. A. Hobson wanted what?",
    "Please",
    "谢谢",
    "???",
    "东头?和美东?",
]


@pytest.mark.parametrize(("asked", "expected"), REWRITTEN.values(), ids=REWRITTEN.keys())
def test_chatter_is_left_out(asked, expected):
    rewritten = drop_chatter(asked)
    assert rewritten.removeprefix("查一下") == expected


@pytest.mark.parametrize("asked", UNTOUCHED)
def test_what_is_no_chatter_stays(asked):
    assert drop_chatter(asked) == asked


def test_a_number_in_an_instruction_stays():
    rewritten = drop_chatter("Answer in 3 words. Who is the treasurer?")
    assert rewritten == "Who is the treasurer? 3 words"


def test_white_space_at_the_ends_goes():
    assert drop_chatter("  Who signs? \n") == "Who signs?"
