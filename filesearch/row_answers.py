"""Row answers: is a row of a table about what a question names?

The rows of a table are alike but for what they are about. The row of order PO-10007 covers all but
one word of a question about order PO-10014, and comes as near to it in meaning as the right one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from filesearch.names import PassageNames, names_in

# Terms with a digit in them that are this long name something: an order, a part, a year.
_CODE_LENGTH = 3


def names_same(
    question: str,
    terms: Sequence[str],
    row: str,
    row_terms: Collection[str],
    *,
    around: str = "",
) -> bool:
    """Return whether a row holds every code and every name of a question.

    Args:
        question: As asked; its names are looked for in any form that `names` knows.
        terms: Its keyword terms.
        row: The text of the row.
        row_terms: Its keyword terms, and those of the heading above it.
        around: What the whole table is about, such as the file's name: names may stand there, codes
            may not.
    """
    codes = {term for term in terms if len(term) >= _CODE_LENGTH and any(map(str.isdigit, term))}
    if not codes <= set(row_terms):
        return False
    held = PassageNames(f"{around}. {row}")
    return all(held.hold(name.text) for name in names_in(question))
