"""Which of a topic's insights is quoted, and which of its words."""

from dataclasses import replace

from digest_material import make_insight

from digest.quotes import Redaction, choose_quote, cut_quote

NO_REDACTION = Redaction(redact=lambda text: text, is_safe=lambda text: True)
LEAD = "There are eleven of us here, and lifeguards in summer, who report a broken ladder at most."


def test_the_cut_keeps_what_is_asked_when_what_leads_up_to_it_is_long():
    assert cut_quote(f"{LEAD} What must we expect?").endswith("What must we expect?")
    assert cut_quote(f"{LEAD} We are a small firm.").startswith("There are eleven of us here")


def test_the_odd_insight_of_a_topic_is_not_its_quote():
    typical = make_insight(1, "a.example", days_ago=9, text="Is there a monthly price for each of our forty drivers?")
    odd = make_insight(
        2, "b.example", days_ago=2, text="Would proof of all our checks keep the insurance premium down at renewal?"
    )
    for central, expected in (((1, 2), typical), ((2, 1), odd)):
        found = choose_quote((typical, odd), NO_REDACTION, central=central)
        assert found is not None
        assert found[0].text == expected.text


def test_a_question_that_lost_its_end_comes_after_one_that_is_still_asked():
    lost = make_insight(1, "a.example", days_ago=2, text=f"{LEAD} {LEAD} {LEAD}")
    asked = make_insight(2, "b.example", days_ago=9, text="What would you charge for eleven people in two depots?")
    found = choose_quote((lost, asked), NO_REDACTION, central=(1, 2, 3, 4))
    assert found is not None
    assert found[0].text == asked.text


def test_a_topic_is_quoted_by_what_is_of_its_category():
    price = make_insight(1, "a.example", days_ago=9, text="What would you charge for eleven people in two depots?")
    pain = replace(
        make_insight(2, "b.example", days_ago=2, text="The gearbox went again last night, without any warning at all."),
        category="problems",
    )
    for category, expected in ((price.category, price), ("problems", pain)):
        found = choose_quote((price, pain), NO_REDACTION, central=(1, 2, 3, 4), category=category)
        assert found is not None
        assert found[0].text == expected.text


def test_a_topic_is_quoted_in_the_language_of_its_readers_when_that_is_as_typical():
    german = replace(
        make_insight(1, "a.example", days_ago=2, text="Was kostet das bei elf Leuten in zwei Depots im Monat?"),
        language="de",
    )
    english = make_insight(2, "b.example", days_ago=9, text="What would you charge for eleven people in two depots?")
    for language, central, expected in (
        ("en", (1, 2, 3, 4), english),
        ("de", (2, 1, 3, 4), german),
        ("", (1, 2, 3, 4), german),
        ("en", (1, 3, 4, 2), german),  # the English one is not typical
    ):
        found = choose_quote((german, english), NO_REDACTION, central=central, language=language)
        assert found is not None
        assert found[0].text == expected.text
