"""Each case the research names, each that v1 got wrong, and texts that were written to break it."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

# attackacrack.md §5.7 and campaign-engines.md §7, exactly.
CERTAIN = (
    *("STOP", "STOPALL", "STOP ALL", "UNSUBSCRIBE", "REMOVE", "REMOVE ME", "CANCEL", "QUIT"),
    *("END", "OPT OUT", "OPTOUT", "OPT-OUT", "DELETE ME", "NO MORE", "LEAVE ME ALONE", "revoke"),
    *("stop texting me", "do not text me", "dont contact me", "take me off your list"),
    *("lose my number", "alto", "parar", "no mas", " Stop. ", "stop please", "revoke"),
    *("who is this? stop texting me", "stop it", "cancel now", "end all", "stop pls thanks"),
    *("Quit texting", "STOP!!!", "stop\n", "sToP", "s t o p", "S-T-O-P", "STOP\u200b", "arret"),
    *("\uff33\uff34\uff2f\uff30", "ST\u041eP", "\u0405T\u039fP", "\u24c8\u24c9\u24c4\u24c5"),
    *(
        "\U0001f1f8\U0001f1f9\U0001f1f4\U0001f1f5",
        "S\u0336T\u0336O\u0336P\u0336",
        "STOP \U0001f621",
    ),
    *("\u0441\u0442\u043e\u043f", "STOP\n\nSent from my iPhone", "don\u2019t text me again"),
)
HELD = (
    *("Stopp", "not interested, take me off", "cancel my 3pm", "unsuscribe", "STOOOOP", "st0p"),
    *("cancel my appointment", "Stop or I sue", "I did reply STOP to opt out and you still text"),
    *("Reply STOP to opt out does not work", "Please do not text me before 9am", "\U0001f6d1"),
    *("Stop. By the way, wrong number", "please stop we have somebody", "Stop\nI mean it"),
)
# v1 matched "end", "remove" and "cancel" within words, and "no" in "know".
NONE = (
    *("when does the sale end?", "can you send someone", "my friend", "send me a quote", "I know"),
    *("weekend is fine", "the removed wall", "YES", "yes", "Yes, interested", "Y", "ok", "no"),
    *("", " ", "...", "\U0001f44d", "Reply STOP to opt out", "Text STOP to unsubscribe."),
    *(
        "To opt out, reply STOP.",
        "Reply HELP for help. Reply STOP to unsubscribe.",
        "Can you stop by?",
    ),
    *("Liked \u201cHi Ann \u2026 Reply STOP to opt out\u201d", 'Emphasized "Reply STOP to end"'),
    *(
        "\U0001f44d to \u201cReply STOP to opt out\u201d",
        "> Reply STOP to opt out\nHow much is it?",
    ),
    *("Removed a heart from \u201cSTOP\u201d", "Start Monday please", "I need help with my cellar"),
)
IN = ("START", "unstop", "Subscribe", "RESUBSCRIBE", "opt in", "OPT-IN", "start!", "START please")
HELP = ("HELP", "info", "Help!", "help please", "AYUDA")


@pytest.mark.parametrize(
    ("outcome", "texts"),
    [("opt_out", CERTAIN), ("hold", HELD), ("none", NONE), ("opt_in", IN), ("help", HELP)],
)
def test_the_tables_of_the_research(
    db: psycopg.Connection[Any], outcome: str, texts: tuple[str, ...]
) -> None:
    found = db.execute(
        "select t, o.outcome, o.word from unnest(%s::text[]) t, private.text_outcome(t) o",
        (list(texts),),
    ).fetchall()
    assert [row for row in found if row[1] != outcome] == []


def test_every_word_of_the_law_stands(db: psycopg.Connection[Any]) -> None:
    """47 CFR 64.1200(a)(10): no migration may take one of these away."""
    law = ["stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe"]
    found = db.execute("select normal from text_phrases where meaning = 'out'").fetchall()
    assert set(law) <= {row[0] for row in found}


def test_the_word_is_told_that_it_went_by(db: psycopg.Connection[Any]) -> None:
    rows = db.execute(
        "select word from unnest(array['stop pls', 'Hi. Leave me alone', 'cancel my 3pm', 'hm']) t,"
        " private.text_outcome(t)"
    ).fetchall()
    assert [row[0] for row in rows] == ["STOP", "LEAVE ME ALONE", "CANCEL", None]


HOSTILE = (
    *("s " * 5000, "to opt out " * 900, "\u201c" * 9000, "dont " * 2000 + "text", "|" * 9999),
    *("reply " * 1700, "\u0301" * 5000, "\U0001f468\u200d\U0001f469\u200d" * 1500, "> \n" * 3000),
    *(
        "\\1 \\m (?=",
        "% _ ' \" $$",
        "\ufeff\u202eSTOP",
        "Liked \u201c" * 1000,
        "a" * 30_000,
        "\t\v\f",
    ),
)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_any_text_is_read_within_a_second(db: psycopg.Connection[Any], text: str) -> None:
    with db.transaction():
        db.execute("set local statement_timeout = '1s'")
        assert db.execute("select outcome from private.text_outcome(%s)", (text,)).fetchone()


def test_a_stop_is_found_at_either_end_of_a_very_long_text(db: psycopg.Connection[Any]) -> None:
    filling = "we talked about the wall. " * 2000
    for text in (f"stop texting me. {filling}", f"{filling} Stop texting me."):
        row = db.execute("select outcome from private.text_outcome(%s)", (text,)).fetchone()
        assert row == ("opt_out",)


def test_nobody_edits_the_words(db: psycopg.Connection[Any]) -> None:
    rows = db.execute(
        "select r, p from unnest(array['anon', 'authenticated', 'service_role']) r,"
        " unnest(array['INSERT', 'UPDATE', 'DELETE']) p"
        " where has_any_column_privilege(r, 'text_phrases', replace(p, 'DELETE', 'INSERT'))"
        " or has_table_privilege(r, 'text_phrases', p)"
    ).fetchall()
    assert rows == []
