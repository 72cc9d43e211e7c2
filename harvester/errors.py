"""Every error a user can meet; each sentence says what, which and what to do.

AnswersError                 exit 1   refused or failed
├── UsageError               exit 2   the command line asks for something that does not exist
├── ConfigurationError       exit 78  answers.toml or the environment; lists all problems at once
├── ServiceDown              exit 69  IMAP or SMTP cannot be reached or refuses the login
│   └── FetchRefused         exit 69  the IMAP server does not hand over some mails
├── TryLater                 exit 75  something passes: another process holds the lock, a 4xx from SMTP
├── DatabaseError            exit 1   the database cannot be opened, is newer than the program, or is full
│   └── DiskFull             exit 1   there is no room; what was stored is safe
├── DeliveryRefused          exit 1   the mail server will not take this mail, or we will not send it there
├── DeliveryUnknown          exit 1   the connection broke when the mail server may already have taken the mail
├── BrokenSource             exit 1   a list of pages that is not what it seems to be; nothing was changed
├── NotFetched               exit 1   a server answers, but this one address gives nothing usable
├── UnreadableMail           exit 1   a mail that no parser could take apart (kept and counted as `failed`)
└── ModelError               exit 1   a packaged model is damaged (hash differs)
"""


class AnswersError(Exception):
    """A command was refused or failed; `str(error)` is the one sentence for the user."""

    exit_code = 1


class UsageError(AnswersError):
    """The arguments name something that does not exist."""

    exit_code = 2


class ConfigurationError(AnswersError):
    """The configuration is wrong; one line per problem."""

    exit_code = 78

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class ServiceDown(AnswersError):
    """A server cannot be reached, breaks off, or refuses the login."""

    exit_code = 69


class FetchRefused(ServiceDown):
    """The server fails at these mails, or ends the connection over them; others may be fetched still."""

    def __init__(self, sentence: str, uids: tuple[int, ...]) -> None:
        super().__init__(sentence)
        self.uids = uids


class TryLater(AnswersError):
    """The same command will probably work in a while."""

    exit_code = 75


class DatabaseError(AnswersError):
    """The database file cannot be used."""


class DiskFull(DatabaseError):
    """There is no room to store anything; whoever waits for room goes on where he stopped."""


class DeliveryRefused(AnswersError):
    """The mail did not go out, and trying again as it is would not help."""


class DeliveryUnknown(AnswersError):
    """The mail may or may not have gone out; sending it again could make two."""


class BrokenSource(AnswersError):
    """A file or document with existing pages cannot be read."""


class NotFetched(AnswersError):
    """One address gave nothing; others may."""


class UnreadableMail(AnswersError):
    """No parser could take this mail apart."""


class ModelError(AnswersError):
    """A packaged model is not the one we know."""
