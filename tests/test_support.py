"""Support: sentences that a passage carries pass, those that it does not are flagged."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filesearch.figures import figures_of
from filesearch.names import names_in
from filesearch.support import MIN_SUPPORT, check_support, check_supports, states_fact
from filesearch.testing import HashingEmbedder

from . import support_pairs, support_pairs_european

POTTERY = (
    "# Returns\n\n- A mug may be sent back up to thirty days after delivery.\n"
    "- Wholesale orders cannot be returned.\n\nThe studio was founded in 1962 by Noor Haddad. "
    "It moved to Graz in 1926."
)


def quoted(sentence, passage=POTTERY, **more):
    found = check_support(sentence, passage, **more)
    return passage[found.start : found.end]


@pytest.mark.parametrize(("sentence", "passage"), support_pairs.TRUE)
def test_an_honest_sentence_passes(sentence, passage):
    assert check_support(sentence, passage).is_supported


@pytest.mark.parametrize(("sentence", "passage"), support_pairs.FALSE)
def test_a_wrong_sentence_is_flagged(sentence, passage):
    assert not check_support(sentence, passage).is_supported


@pytest.mark.parametrize("language", ["de", "fr", "es"])
def test_at_most_a_tenth_of_honest_sentences_in_other_languages_are_flagged(language):
    found = check_supports(support_pairs_european.TRUE[language])
    assert sum(not support.is_supported for support in found) <= 0.1 * len(found)


@pytest.mark.parametrize("language", ["de", "fr", "es"])
def test_at_least_nine_tenths_of_wrong_sentences_in_other_languages_are_flagged(language):
    found = check_supports(support_pairs_european.FALSE[language])
    assert sum(not support.is_supported for support in found) >= 0.9 * len(found)


@pytest.mark.parametrize("sentence", ["It moved to Graz in 1926.", "- it  moved to Graz\nin 1926"])
def test_words_of_the_passage_score_one_where_they_stand(sentence):
    found = check_support(sentence, POTTERY)
    assert found.score == 1.0
    assert quoted(sentence).rstrip(".") == "It moved to Graz in 1926"


def test_a_word_for_word_sentence_is_not_embedded():
    embedder = HashingEmbedder()
    embedder.embed_texts = None  # type: ignore[method-assign]
    assert check_support("It moved to Graz in 1926.", POTTERY, embedder=embedder).score == 1.0


def test_part_of_a_word_is_not_word_for_word():
    assert check_support("The art", "The article is long.").score < 1.0


def test_the_quote_leaves_the_list_mark_out():
    assert quoted("You can return a mug within 30 days.").startswith("A mug may be sent back")


def test_a_sentence_drawn_from_two_is_given_both():
    sentence = "The studio of Noor Haddad, founded in 1962, moved to Graz."
    assert quoted(sentence).endswith("Noor Haddad. It moved to Graz in 1926.")


def test_what_the_passage_lacks_is_named_as_written():
    found = check_support("In 1970 Noor Haddad moved to Salzburg for $1.5 million.", POTTERY)
    assert found.missing == ("1970", "Salzburg", "$1.5 million")
    assert not found.is_supported


def test_a_number_from_elsewhere_in_the_passage_is_no_support():
    found = check_support("The studio was founded in 1926 by Noor Haddad.", POTTERY)
    assert (found.is_supported, found.missing) == (False, ())


def test_all_pairs_are_embedded_at_once():
    embedder, calls = HashingEmbedder(), []
    embed = embedder.embed_texts
    embedder.embed_texts = lambda texts: calls.append(len(texts)) or embed(texts)  # type: ignore[method-assign]
    pairs = [("Noor Haddad founded it in 1962.", POTTERY), ("Mugs go back.", POTTERY)]
    found = check_supports(pairs, embedder=embedder)
    assert len(calls) == 1
    assert found == [check_support(*pair, embedder=HashingEmbedder()) for pair in pairs]


def test_no_pairs_give_no_supports():
    assert check_supports([], embedder=HashingEmbedder()) == []


@pytest.mark.parametrize(("sentence", "passage"), [("", POTTERY), ("A mug.", " \n"), (" ", "")])
def test_nothing_supports_nothing(sentence, passage):
    found = check_support(sentence, passage)
    assert (found.score, found.is_supported) == (0.0, False)


@given(st.text(max_size=80), st.text(max_size=200))
def test_score_and_quote_keep_their_bounds(sentence, passage):
    found = check_support(sentence, passage)
    assert 0.0 <= found.score <= 1.0
    assert found.is_supported == (found.score >= MIN_SUPPORT)
    assert 0 <= found.start <= found.end <= len(passage)
    assert passage[found.start : found.end].strip() or not passage.strip()


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("1,250 mugs", "one thousand two hundred and fifty mugs"),
        ("$3.2 million", "US$3,200,000"),
        ("30%", "thirty per cent"),
        ("30%", "百分之三十"),
        ("14 days", "two weeks"),
        ("3 years", "36 months"),
        ("2019年", "二〇一九年"),
        ("9:30 pm", "21:30"),
        ("1,361万", "13,610,000"),
        ("about 300", "297"),
        ("$1.58 billion", "1,577"),
        ("25%", "a quarter of it"),
    ],
)
def test_a_number_is_the_same_in_another_spelling(written, same):
    assert figures_of(written)[0].is_same(figures_of(same)[0])


@pytest.mark.parametrize(
    ("language", "written", "same"),
    [
        ("de", "1.850 Euro", "1850 €"),
        ("de", "1.850 kg", "1,85 kg"),
        ("de", "3,5 Prozent", "3,50 %"),
        ("de", "2,4 Mio. Euro", "2.400.000 Euro"),
        ("de", "zweitausenddreihundertfünfundvierzig", "2345"),
        ("de", "zwei Wochen", "14 Tage"),
        ("de", "am 14.3.2024", "2024-03-14"),
        ("de", "um 9.30 Uhr", "9:30"),
        ("de", "im zweiten Stock", "2"),
        ("fr", "1 275 000 euros", "1.275.000 €"),
        ("fr", "quatre-vingt-dix-sept", "97"),
        ("fr", "deux mille vingt et un", "2021"),
        ("es", "treinta y uno mil ciento cinco", "31.105"),
        ("es", "veintitrés meses", "23 meses"),
        ("it", "duecentoquarantotto", "248"),
        ("it", "tremilacinquecento euro", "3.500 €"),
    ],
)
def test_a_number_is_read_as_its_language_writes_it(language, written, same):
    ours, theirs = (figures_of(text, language=language) for text in (written, same))
    assert ours[0].is_same(theirs[0])


@pytest.mark.parametrize(
    ("language", "written", "other"),
    [
        ("de", "neunzehn Tage", "neunzig Tage"),
        ("de", "3,5 Prozent", "3,7 Prozent"),
        ("de", "1.850 Euro", "1.950 Euro"),
        ("fr", "soixante-dix", "quatre-vingt-dix"),
        ("es", "setenta", "sesenta"),
        ("en", "on Monday", "on Tuesdays"),
    ],
)
def test_another_number_of_a_language_is_not_the_same(language, written, other):
    ours, theirs = (figures_of(text, language=language) for text in (written, other))
    assert not ours[0].is_same(theirs[0])


@pytest.mark.parametrize(
    ("language", "value", "word"),
    [("de", 999_999, "neunhundertneunundneunzigtausendneunhundertneunundneunzig"),
     ("fr", 999_999, "neuf cent quatre-vingt-dix-neuf mille neuf cent quatre-vingt-dix-neuf"),
     ("es", 999_999, "novecientos noventa y nueve mil novecientos noventa y nueve"),
     ("it", 999_999, "novecentonovantanovemilanovecentonovantanove"),
     ("en", 999_999, "nine hundred ninety-nine thousand nine hundred and ninety-nine")],
)  # fmt: skip
def test_a_long_number_word_is_one_number(language, value, word):
    assert [figure.value for figure in figures_of(word, language=language)] == [value]


def test_a_german_noun_is_no_name_and_two_capitals_are():
    sentence = "Die Sparkasse und Petra Vogt verwahren die Kaution in PostgreSQL."
    assert [name.text for name in names_in(sentence, "de")] == ["Petra Vogt", "PostgreSQL"]


def test_a_day_within_a_range_of_days_is_held():
    passage = "The museum is open Tuesday to Sunday from 10 am to 5 pm."
    assert check_support("The museum is open on Thursdays from 10 am.", passage).is_supported
    assert not check_support("The museum is open on Monday from 10 am.", passage).is_supported


@pytest.mark.parametrize(
    ("sentence", "passage"),
    [
        ("The shop is open from Monday to Friday.", "The shop is open Mon-Fri, 9:00-17:00."),
        ("The shop is open on Monday and Tuesday.", "The shop is open on Mon and Tue."),
        ("The shop is closed on Saturday and Sunday.", "The shop is closed at weekends."),
        ("The shop is open on Wednesday.", "The shop is open daily except Sunday."),
        ("The shop is open Tuesday through Saturday.", "The shop is open Tues. to Sat."),
        ("The fair is open Monday to Wednesday.", "The fair is open Monday, Tuesday, Wednesday."),
        ("The market is open Thursday to Saturday.", "It is open between Thursday and Saturday."),
        ("The market is open Tuesday to Friday.", "The market is open from Tuesday till Friday."),
        ("Der Laden ist Montag bis Freitag offen.", "Der Laden ist Mo-Fr von 9 bis 17 Uhr offen."),
        ("Le parc ouvre du lundi au vendredi.", "Le parc ouvre du lun. au ven. à 9 heures."),
        ("Le parc ouvre du lundi au samedi.", "Horaires du parc : lun-sam 9h-18h"),
        ("The gym is open on Saturday.", "The gym is open seven days a week."),
        ("The zoo is open every day except Monday.", "The zoo is open Tuesday to Sunday."),
        ("La tienda abre de lunes a viernes.", "La tienda abre Lun a Vie de 9 a 17."),
        ("商店周一至周五营业。", "商店营业时间：周一、周二、周三、周四、周五。"),
        ("商店周日休息。", "商店周末休息。"),
    ],
)
def test_days_are_held_however_they_are_listed(sentence, passage):
    assert check_support(sentence, passage).is_supported


@pytest.mark.parametrize(
    ("sentence", "passage"),
    [
        ("The shop is open from Monday to Saturday.", "The shop is open Mon-Fri, 9:00-17:00."),
        ("The shop is open on Sunday.", "The shop is open Mon to Fri."),
        ("The shop is open Tuesday to Friday.", "The shop is open Tuesday to Thursday."),
    ],
)
def test_other_days_are_not_held(sentence, passage):
    assert not check_support(sentence, passage).is_supported


@pytest.mark.parametrize(
    ("sentence", "passage"),
    [
        ("The meeting is on 3 March 2024.", "Meeting: 3 March 2024"),
        ("The invoice of Tuesday is for twenty mugs.", "Invoice Tuesday: twenty mugs, La Perla"),
        ("The rent of Casa Verde is due on 5 May.", "Rent Casa Verde: due 5 May"),
        ("Die Sitzung ist am 3. März 2024.", "Sitzung: 3. März 2024, Raum B12"),
        ("Der Kurs dauert zwanzig Minuten.", "Kurs: zwanzig Minuten"),
    ],
)
def test_numbers_are_read_in_a_passage_that_does_not_tell_its_language(sentence, passage):
    assert check_support(sentence, passage).is_supported


@pytest.mark.parametrize(
    ("written", "other"),
    [("30 days", "30 months"), ("5%", "$5"), ("1926", "1962"), ("2.4.1", "2.1.4"), ("300", "297")],
)
def test_another_number_is_not_the_same(written, other):
    assert not figures_of(written)[0].is_same(figures_of(other)[0])


def test_a_date_is_read_in_each_way_of_writing_it():
    ways = ("10 December 1968", "1968-12-10", "1968年12月10日")
    read = [sorted(figure.value for figure in figures_of(way)) for way in ways]
    assert read == [[10.0, 12.0, 1968.0]] * 3


@pytest.mark.parametrize(
    ("sentence", "passage"),
    [
        ("Ball games are allowed in the yard.", "Ball games are forbidden in the yard."),
        (
            "The rent has risen by 9%.",
            "Since May the rent has fallen by 9%, while wages have risen.",
        ),
        ("The library is open on Sundays.", "On Sundays the library is closed."),
        ("The price includes insurance.", "The price excludes insurance."),
        ("The claim was granted in 2020.", "The claim was refused in 2020."),
        ("The gate is unlocked at night.", "At night the gate is locked."),
        ("Take the drops after meals.", "The drops are taken before meals, with water."),
        ("Cats are allowed in the rooms.", "No cats are allowed in the rooms."),
        ("Der Antrag ist zulässig.", "Der Antrag ist unzulässig."),
        ("Die Mieten sind 2022 gestiegen.", "Die Mieten sind 2022 gesunken, die Löhne gestiegen."),
        ("Le parc est ouvert le dimanche.", "Le dimanche, le parc est fermé."),
        ("Está permitido fumar en la sala.", "Está prohibido fumar en la sala."),
        ("L'ingresso della mostra è gratuito.", "L'ingresso della mostra è a pagamento."),
        ("Revenue rose by 5% in May.", "Costs were stable at 9 EUR; revenue fell by 5% in May."),
        ("The fee is waived with a card.", "The fee is waived without a card."),
        ("Revenue rose by 5%.", "Revenue, which had been stable for years, fell by 5%."),
        ("The museum is open on Mondays.", "The museum, a former mill, is closed on Mondays."),
        ("The bid was accepted by the board.", "After long debate, the board rejected the bid."),
        ("停车免费。", "停车收费。"),
        ("股价上涨了5%。", "股价下跌了5%。"),
    ],
)
def test_the_contrary_is_flagged(sentence, passage):
    assert not check_support(sentence, passage).is_supported


@pytest.mark.parametrize(
    ("sentence", "passage"),
    [
        ("Dogs are allowed.", "Parking: no\nDogs are allowed\nWifi: free"),
        ("Lunch is served at noon.", "Breakfast: none\nLunch is served at noon\nDinner at 6"),
        ("Der Zug fährt am Montag nach Bonn.", "Der Zug fährt noch am Montag nach Bonn."),
        ("Das Museum ist am Sonntag geöffnet.", "Das Museum ist auch noch am Sonntag geöffnet."),
        ("La piscine est ouverte le samedi.", "La piscine n'est ouverte que le samedi."),
        ("Le musée vend des livres.", "Le musée ne vend pas seulement des livres."),
    ],
)
def test_a_negation_of_something_else_denies_nothing(sentence, passage):
    assert check_support(sentence, passage).is_supported


@pytest.mark.parametrize(
    ("sentence", "passage"),
    [
        ("Dogs are allowed.", "Parking: free\nNo dogs are allowed\nWifi: free"),
        ("Never lift the kiln without help.", "Lift the kiln without help."),
        ("Entry is not possible with a ticket.", "Entry is possible with a ticket."),
        ("Katzen sind erlaubt.", "Weder Hunde noch Katzen sind erlaubt."),
        ("La piscine est ouverte le samedi.", "La piscine n'est pas ouverte le samedi."),
        ("Dites que le musée est ouvert.", "Ne dites pas que le musée est ouvert."),
    ],
)
def test_what_stands_denied_is_flagged(sentence, passage):
    assert not check_support(sentence, passage).is_supported


@pytest.mark.parametrize(
    ("sentence", "passage"),
    [
        ("The archive is on the second floor.", "The archive is on the first floor."),
        ("Das Archiv liegt im zweiten Stock.", "Das Archiv liegt im ersten Stock."),
        ("红茶每盒九十五元。", "绿茶每盒九十五元，红茶每盒一百二十元。"),
        ("馆长是陈志明。", "馆长是周志明，副馆长空缺。"),
        ("该基金会由赵敏创立。", "该基金会由孙丽创立。"),
        ("讲座在星期二举行。", "讲座在星期四举行。"),
    ],
)
def test_what_is_said_of_another_is_flagged(sentence, passage):
    assert not check_support(sentence, passage).is_supported


@pytest.mark.parametrize(
    ("sentence", "passage"),
    [
        ("The archive is on the 2nd floor.", "It is on the second floor, not on the first floor."),
        ("红茶每盒120元。", "绿茶每盒九十五元，红茶每盒一百二十元。"),
        ("馆长周志明说明年开馆。", "馆长是周志明，新馆明年开馆。"),
        ("讲座在周四举行。", "讲座在星期四举行。"),
        ("银行周三开门。", "银行周一至周五开门。"),
        ("The second term began in 2010.", "The first term began in 2006, the second in 2010."),
        ("The first chapter is short.", "Chapter 1 is short, the second chapter long."),
        ("The second phase is short.", "The first phase is long, phase two is short."),
        (
            "The blue team scored 14 points.",
            "With 14 points in round one, the blue team scored 8 points in round two.",
        ),
    ],
)
def test_what_is_said_of_the_same_is_supported(sentence, passage):
    assert check_support(sentence, passage).is_supported


@pytest.mark.parametrize(
    ("sentence", "passage"),
    [
        ("The library isn't open on Sundays.", "The library is closed on Sundays."),
        ("Smoking is only allowed outside.", "Smoking is forbidden inside the building."),
        ("You can cancel before 1 March.", "Cancellation is not possible after 1 March."),
        ("Costs fell in 2019.", "In 2019 sales rose, while costs fell."),
        ("Der Laden ist sonntags nicht geöffnet.", "Sonntags bleibt der Laden geschlossen."),
        (
            "Haustiere sind im Garten erlaubt.",
            "Sie sind im Haus verboten, im Garten sind Haustiere erlaubt.",
        ),
        ("Les chiens sont interdits.", "Les chiens ne sont pas admis."),
        ("Los perros están prohibidos.", "No se admiten perros."),
        ("地下停车场周末不收费。", "地下停车场周末免费。"),
        ("Entry is not possible without a ticket.", "Entry is possible with a ticket."),
        ("Never lift the kiln without help.", "Always lift the kiln with help."),
        ("Der Zutritt ist ohne Karte nicht möglich.", "Der Zutritt ist mit Karte möglich."),
        ("The EU lifted the ban on imports from Oslo.", "The EU permits imports from Oslo again."),
        ("You cannot enter without a ticket.", "You can only enter with a ticket."),
        ("Never drive without a licence.", "Drive with a licence only."),
        ("Guests without a badge register.", "Guests register unless they come with a badge."),
        ("Entry with an invalid ticket is a fraud.", "Entry without a valid ticket is a fraud."),
        ("The doors close at 22:00.", "The doors are open until 22:00."),
        ("The store closes at 20:00.", "The store is open 9:00 to 20:00."),
        ("Das Büro schließt um 18 Uhr.", "Das Büro ist von 9 bis 18 Uhr geöffnet."),
        ("You fail with less than 60 points.", "You need 60 points to pass."),
        ("游泳池开放到20点。", "游泳池20点关闭。"),
    ],
)
def test_the_contrary_denied_is_no_contradiction(sentence, passage):
    assert check_support(sentence, passage).is_supported


@pytest.mark.parametrize(
    ("sentence", "passage"),
    [
        (
            "The museum is open from Tuesday to Sunday.",
            "The museum is closed on Mondays; from Tuesday to Sunday it welcomes visitors.",
        ),
        (
            "Temporary workers get 12 EUR.",
            "Workers on temporary contracts get 12 EUR, permanent ones 15 EUR.",
        ),
        (
            "Applications for grants are due in May.",
            "Applications for grants are due in May; late ones are refused.",
        ),
        (
            "The sale starts on 1 May.",
            "Ending in June, the sale, which the mayor opens, runs from 1 May.",
        ),
        ("Prices dropped to 5 EUR.", "Prices rose to 9 EUR in 2020 and are now at 5 EUR."),
        (
            "The train from Bonn arrives at 9:15.",
            "The train departs Bonn at 8:00 and is in Graz at 9:15.",
        ),
    ],
)
def test_the_contrary_of_something_else_is_no_contradiction(sentence, passage):
    assert check_support(sentence, passage).is_supported


@pytest.mark.parametrize(
    "sentence",
    [
        "Mugs can be returned within 30 days.",
        "You can ask for a refund.",
        "You can upload files of up to 512 MB.",
        "Please attach the receipt to form B12 within ten days.",
        "Try resetting the router by holding the button for ten seconds.",
        "Nothing unusual was found during the inspection of the mill.",
        "没有相关经验的人可以申请。",
        "Yes, mugs can be returned within 30 days.",
        "- **Price:** $5 per mug",
        "I found that the kiln reaches 1280 degrees.",
        "The contract does not include a warranty.",
        "There is no fee for cancelling.",
        "Documents must be signed by both parties.",
        "However, returns are free.",
        "Nothing in the kiln may be touched.",
        "No boats may moor after 10 pm.",
        "The documents do not say, but the kiln was built in 1926.",
        "I am told that the assistant potter is Tomas.",
        "You can try the north door, which is open all year.",
        "是的，退货运费由本店承担。",
        "没有退货期限。",
        "文档没有提到，但是窑炉建于1926年。",
        "Der Ofen wurde 1926 gebaut.",
        "Ohne Unterlagen kann der Antrag nicht gestellt werden.",
        "Leider wurde der Ofen 1926 zerstört.",
        "Les clients ne paient rien le dimanche.",
        "No hay tasas los domingos.",
    ],
)
def test_a_claim_states_a_fact(sentence):
    assert states_fact(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "",
        "Hello!",
        "Yes.",
        "Would you like to know more?",
        "Here is what I found:",
        "Let me know if you need more help.",
        "The documents do not say when the kiln was built.",
        "There is no information about this in the documents.",
        "I could not find an answer to your question.",
        "## Key points",
        "Returns and Refunds",
        "In summary:",
        "Unfortunately, I could not find anything about the kiln.",
        "Based on the documents, I cannot answer this question.",
        "The search returned no results.",
        "Nothing was found about the kiln.",
        "I found nothing about that in the documents.",
        "I could not find that.",
        "None of the documents mention the kiln.",
        "This information is not available in the documents.",
        "That cannot be answered from the documents.",
        "The documents do not mention it, but I can look for something else.",
        "Hello! I'm an assistant that answers questions from your files.",
        "Nice to meet you, Ann!",
        "You can ask me anything about your documents.",
        "Please upload the document you mean.",
        "Leider habe ich dazu keine Informationen gefunden.",
        "Das geht aus den Dokumenten nicht hervor.",
        "Je n'ai rien trouvé à ce sujet.",
        "Les documents ne contiennent aucune information à ce sujet.",
        "Los documentos no contienen información sobre esto.",
        "No se encontró información sobre el horno.",
        "根据现有文档，无法回答该问题。",
        "搜索没有返回任何结果。",
        "你好！",
        "以下是我找到的内容：",
        "文档中没有提到窑炉的建造时间。",
        "如果您需要更多帮助，请随时告诉我。",
        "您还想了解什么？",
    ],
)
def test_what_is_said_to_the_reader_states_none(sentence):
    assert not states_fact(sentence)


@pytest.mark.parametrize("unit", ["", "%", " million", "th", ".1.1", " days"])
def test_a_number_too_long_for_a_float_is_passed_over(unit):
    text = f"The tea costs {'1' * 617}{unit} in May."
    assert not check_support("The tea costs 5 dollars in May.", text).is_supported
    assert check_support(text, "The tea costs 5 dollars in May.").score <= 1


def test_digits_of_other_scripts_are_read_and_unknown_ones_are_passed_over():
    assert [figure.value for figure in figures_of("In ١٩٢٦, and \U000116d0 and １２.")] == [
        1926,
        12,
    ]


def test_a_sentence_of_nothing_but_negations_is_checked_in_linear_time():
    start = time.process_time()
    check_support("no " * 8_000, "The kiln is not hot and no mug is lost.")
    assert time.process_time() - start < 10  # minutes where each was read to the end
