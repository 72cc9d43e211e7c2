"""What prospects ask, suffer from and look for is found; everything else they write is not."""

from collections.abc import Sequence

import pytest

from harvester.records import Part, Role
from nlp.candidates import Candidate
from nlp.extraction import Decision, extract_insights
from nlp.inference import infer_questions
from nlp.lines import words_of
from nlp.records import Insight, Kind
from nlp.sellers import Correspondence


def quoted(text: str, **kwargs: object) -> Part:
    return Part(Role.QUOTED, text, author="kim@prospect.example", depth=1, author_kind="prospect", **kwargs)  # type: ignore[arg-type]


def found(text: str) -> tuple[Insight, ...]:
    return extract_insights((quoted(text),), subject="")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.QUESTION, "How much would twelve licences be?"),
        (Kind.QUESTION, "do you have an on-prem option"),
        (Kind.QUESTION, "I was wondering whether it also runs without a network."),
        (Kind.QUESTION, "Would be good to know how you bill."),
        (Kind.QUESTION, "Not sure how we would get our data in."),
        (Kind.QUESTION, "Mich würde interessieren, ob das auch im Keller funktioniert."),
        (Kind.QUESTION, "Je me demande si cela résiste au gel."),
        (Kind.QUESTION, "Me pregunto si aguanta las heladas."),
        (Kind.QUESTION, "Mi chiedo se regga il gelo."),
        (Kind.QUESTION, "Ik vraag me af of het tegen vorst kan."),
        (Kind.QUESTION, "Pergunto-me se aguenta a geada."),
        (Kind.PAIN, "We re-type everything by hand."),
        (Kind.PAIN, "Das kostet uns zwei Tage im Monat."),
        (Kind.PAIN, "Personne ne sait quel plan est le bon."),
        (Kind.NEED, "We need something that works offline."),
        (Kind.NEED, "It would have to run on Windows 10."),
        (Kind.NEED, "Wir suchen einen Partner, der uns das abnimmt."),
        (Kind.NEED, "Buscamos a alguien que se encargue de todo."),
    ],
)
def test_rules_find_it(kind: Kind, text: str) -> None:
    assert [(insight.kind, insight.text) for insight in found(text)] == [(kind, text)]


@pytest.mark.parametrize(
    "text",
    [
        "Would Thursday at ten suit you?",
        "Can we move the call to 3pm?",
        "How are you?",
        "Thanks for the quick reply.",
        "Could you send me the slides again?",
        "You asked how many beds we have: sixty.",
        "As discussed on the phone, sixty beds.",
        "If you have any questions, please do not hesitate to call.",
        "Passt Ihnen Donnerstag um zehn?",
        "Vielen Dank für die schnelle Antwort.",
        "Pouvez-vous me renvoyer la plaquette ?",
        "¿Qué tal las vacaciones?",
        "Sent from my phone.",
        "Ivo Petrescu",
    ],
)
def test_rules_leave_it(text: str) -> None:
    assert found(text) == ()


def test_only_outsiders_words_count() -> None:
    ours = Part(Role.OWN, "How many seats do you need?", author_kind="us")
    older = Part(Role.HISTORY, "What is your budget?", depth=2, author_kind="us")
    assert extract_insights((ours, quoted("We have forty people."), older), subject="") == ()


def test_a_note_is_read_as_heard() -> None:
    note = Part(Role.OWN, "- they type every order twice", author_kind="us")
    assert extract_insights((note,), subject="") == ()
    assert [insight.kind for insight in extract_insights((note,), subject="", heard=True)] == [Kind.PAIN]


def test_greeting_and_sign_off_are_no_part_of_it() -> None:
    text = "Hi Ann,\n\nhow much is it per seat?\n\nKind regards\nKim\n\nKim Vale\nHead of Questions"
    assert [insight.text for insight in found(text)] == ["how much is it per seat?"]


def test_a_question_keeps_the_sentence_it_needs() -> None:
    (insight,) = found("We have 40 plants. Would that work?")
    assert insight.text == "We have 40 plants. Would that work?"
    assert insight.context == "We have 40 plants."


def test_a_long_question_carries_no_sentence_that_tells_nothing() -> None:
    asked = "If we sign it this week, what would be the first day on which you deliver to Leeds?"
    (insight,) = found(f"Last one, promise. {asked}")
    assert insight.text == asked
    (insight,) = found(f"Our two depots lie in Scotland. {asked}")
    assert insight.text == f"Our two depots lie in Scotland. {asked}"


def test_a_tag_belongs_to_the_sentence_before() -> None:
    (insight,) = found("The managers must only see their own people. Possible?")
    assert insight.kind is Kind.QUESTION
    assert insight.text == "The managers must only see their own people. Possible?"


def test_two_questions_in_one_sentence_are_two() -> None:
    texts = [
        insight.text for insight in found("What does the large model cost and how long does delivery to Norway take?")
    ]
    assert texts == ["What does the large model cost?", "How long does delivery to Norway take?"]


def test_two_subjects_are_two_also_when_both_begin_with_the_same_word() -> None:
    text = "How much is the large model for ten of us and how long does delivery to Norway take?"
    assert [insight.text for insight in found(text)] == [
        "How much is the large model for ten of us?",
        "How long does delivery to Norway take?",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Do you pull from our clock or does it push to you, and what happens when it is down?",
        "Wie lange binden wir uns, und mit welcher Frist kommen wir wieder heraus?",
        "What must be ready before the first day, and how long are my people tied up then?",
    ],
)
def test_a_question_that_goes_on_stays_one(text: str) -> None:
    assert [insight.text for insight in found(text)] == [text]


class Scripted:
    """A sentence model that says what the test wants of the sentences that the test lists."""

    def __init__(self, **decisions: Decision) -> None:
        self.decisions = decisions

    def decide(self, candidates: Sequence[Candidate]) -> list[Decision | None]:
        return [self.decisions.get(words_of(candidate.line.text)[0]) for candidate in candidates]

    def facets(self, insights: Sequence[Insight]) -> list[tuple[str, str]]:
        return [("other", "consideration") for _ in insights]

    def are_sellers(self, letters: Sequence[Correspondence]) -> list[bool]:
        return [False] * len(letters)


def test_what_a_question_points_at_is_no_part_of_the_pain_before_it() -> None:
    pain, fact = "We put off the plan for a month.", "Somebody said the program writes it alone."
    asked = "Is that true and would it do so for us?"
    text = f"{pain} {fact} {asked}"
    sure, question = Decision(Kind.PAIN, 0.95, "model"), Decision(Kind.QUESTION, 0.95, "model, question mark")

    def read(weak: Decision) -> list[tuple[Kind, str]]:
        model = Scripted(we=sure, somebody=weak, **{"is": question})
        return [(one.kind, one.text) for one in extract_insights((quoted(text),), model=model)]

    assert read(Decision(Kind.PAIN, 0.7, "model")) == [(Kind.PAIN, pain), (Kind.QUESTION, f"{fact} {asked}")]
    told = read(sure)
    assert told[0] == (Kind.PAIN, f"{pain} {fact}"), "a sure pain stays in its story"


def test_numbered_points_are_single_insights() -> None:
    text = "1. What does it cost?\n2. How long is the notice period?\n3. Is there a trial?"
    assert [insight.text for insight in found(text)] == [
        "What does it cost?",
        "How long is the notice period?",
        "Is there a trial?",
    ]


def test_the_same_words_quoted_twice_count_once() -> None:
    parts = (
        quoted("Does it run on Linux?"),
        Part(Role.HISTORY, "does it run  on Linux ?", depth=2, author_kind="prospect"),
    )
    assert len(extract_insights(parts, subject="")) == 1


def test_every_insight_names_its_rule_language_and_facets() -> None:
    (insight,) = found("Was kostet die Lizenz für zwölf Disponenten im Jahr?")
    assert (insight.language, insight.category, insight.stage) == ("de", "cost", "consideration")
    assert insight.rule
    assert 0 < insight.confidence <= 1


def test_an_answer_without_quote_reveals_the_question() -> None:
    own = "Hi Ann,\n\nYou asked whether temps are billed in winter: they are not.\n\nSee you on Monday."
    (insight,) = infer_questions(own)
    assert insight.inferred
    assert insight.text.startswith("You asked whether temps")
    assert [i.inferred for i in extract_insights((Part(Role.OWN, own, author_kind="us"),), subject="")] == [True]


def test_an_ordinary_answer_reveals_nothing() -> None:
    assert infer_questions("Hi Ann,\n\nthe offer is attached. You are welcome to call me.\n\nBest\nJo") == ()


@pytest.mark.parametrize(
    "text",
    [
        "Do the wages pass through an account of yours? If so, whose money is it should you go under?",
        "La convention HCR, vous la pratiquez ? Avantages repas, heures sup à 110 %, tout ça ?",
        "Läuft das über Ihr Konto? Wenn ja, wem gehört das Geld dann?",
    ],
)
def test_what_leans_on_the_question_before_is_counted_with_it(text):
    parts = (Part(Role.QUOTED, text, depth=1, author_kind="prospect"),)
    assert [insight.text for insight in extract_insights(parts)] == [text]


def test_two_whole_questions_in_one_breath_are_two():
    parts = (Part(Role.QUOTED, "Is there a trial? How much is a seat?", depth=1, author_kind="prospect"),)
    assert len(extract_insights(parts)) == 2
