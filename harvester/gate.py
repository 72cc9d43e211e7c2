"""Decides which mails count: works out who is involved and asks the rules; the first that speaks decides. Pure.

What is set aside stays stored and readable (but for excluded subjects).
"""

import re
from dataclasses import replace

from harvester.gate_rules import MAX_SCANNED, RULES, Facts, classify_contribution
from harvester.people import (
    PROSPECT,
    US,
    company_of,
    is_answers_address,
    is_colleague,
    is_ours,
    main_address,
    outside_recipients,
)
from harvester.records import Mail, Part, ReadingSettings, Role, Status, Verdict

_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")


def judge(mail: Mail, parts: tuple[Part, ...], settings: ReadingSettings) -> Verdict:
    """Decide about one mail. parts: with authors and kinds (`name_authors`)."""
    facts = gather_facts(mail, parts, settings)
    # A note to us alone names its prospect, if at all, in its text.
    prospects = tuple(dict.fromkeys((*facts.authors, *facts.outside))) or mentioned_outside(facts)
    verdict = Verdict(
        Status.ACCEPTED,
        colleague=facts.sender if facts.from_colleague else None,
        prospects=prospects,
        company=company_of(prospects[0]) if prospects else None,
        kind=classify_contribution(facts),
    )
    for rule in RULES:
        decision = rule(facts)
        if decision is not None:
            status, reason = decision
            return replace(verdict, status=status, reason=reason)
    return verdict


def gather_facts(mail: Mail, parts: tuple[Part, ...], settings: ReadingSettings) -> Facts:
    """Everything the rules ask for, worked out once."""
    roster = settings.roster
    sender = contributor(mail, settings)
    outside = tuple(a.address for a in outside_recipients(mail, roster))
    from_colleague = bool(sender) and is_ours(sender, roster)
    theirs = [part for part in parts if part.role in (Role.QUOTED, Role.FORWARDED, Role.HISTORY)]
    authors = tuple(part.author for part in theirs if part.author and not is_ours(part.author, roster))
    return Facts(
        mail=mail,
        parts=parts,
        settings=settings,
        sender=main_address(sender, roster) if from_colleague else sender,
        from_colleague=from_colleague,
        outside=outside,
        authors=tuple(dict.fromkeys(authors)),
        own_text="\n".join(part.text for part in parts if part.role is Role.OWN),
        has_prospect_text=bool(authors) or any(part.author_kind == PROSPECT for part in theirs),
        has_nameless_text=any(part.author is None and part.author_kind != US and part.text.strip() for part in theirs),
    )


def contributor(mail: Mail, settings: ReadingSettings) -> str:
    """Whose contribution this is: the From, or the colleague who redirected or re-sent the mail to us.

    With a server that vouches for senders only the From counts: that is all it vouches for.
    """
    sender = mail.sender.address if mail.sender else ""
    roster = settings.roster
    if settings.authserv_id:
        return sender
    if is_answers_address(sender, roster):
        # Mailing-list software puts its own address into From and keeps the writer's here.
        original = mail.header("x-original-from") or mail.header("x-original-sender") or ""
        address = original.rpartition("<")[2].strip("> ").lower()
        return address if is_colleague(address, roster) else sender
    if sender and not is_ours(sender, roster):
        for value in mail.header_values("resent-from"):
            address = value.rpartition("<")[2].strip("> ").lower()
            if is_colleague(address, roster):
                return address
    return sender


def mentioned_outside(facts: Facts) -> tuple[str, ...]:
    """The outside addresses that the sender's own text names."""
    found = (address.lower().strip(".") for address in _ADDRESS.findall(facts.own_text[:MAX_SCANNED]))
    return tuple(dict.fromkeys(address for address in found if not is_ours(address, facts.settings.roster)))
