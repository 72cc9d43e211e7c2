"""Tells the owner of a trouble that cannot even be noted, because the disk is full: once, and once when it is over."""

from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from digest.mail import Envelope, build_notice
from digest.notices import due_notices
from digest.smtp import deliver, sender_address
from digest.store import Alarm
from harvester.config import Config
from harvester.errors import AnswersError

log = structlog.get_logger()


@dataclass
class SpareNotices:
    """Remembers in this process what the archive has no room for."""

    config: Config
    _alarms: dict[str, Alarm] = field(default_factory=dict)

    def trouble(self, key: str, sentence: str, now: datetime) -> None:
        """A job failed, again or for the first time."""
        known = self._alarms.get(key)
        self._tell(replace(known, sentence=sentence) if known else Alarm(key, sentence, now, None, None), now)

    def over(self, key: str, now: datetime) -> None:
        """The job works again; who was told of the trouble is told so."""
        known = self._alarms.pop(key, None)
        if known and known.told_at:
            self._tell(replace(known, over_at=now), now)
            self._alarms.pop(key)

    def _tell(self, alarm: Alarm, now: datetime) -> None:
        self._alarms[alarm.key] = alarm
        owner = self.config.digest.owner
        if not owner or not self.config.smtp.host:
            return
        envelope = Envelope(sender_address(self.config), f"{self.config.company.name} answers", (owner,))
        for notice in due_notices((alarm,), now):
            mail = build_notice(notice.subject, notice.paragraphs, envelope, alarm.key, now)
            try:
                deliver(self.config, mail, mail.recipients, lambda delivery: None)
            except AnswersError as error:
                log.warning("notice to the owner waits", outcome=type(error).__name__)
            else:
                self._alarms[alarm.key] = replace(alarm, told_at=now)
