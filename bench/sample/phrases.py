"""The words that mail programs put around a quote, by language. Knows no mails."""

from datetime import datetime


def words(text: str) -> list[str]:
    """Words that stand side by side in one text."""
    return text.split()


DAYS = {
    "en": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    "de": ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"],
    "fr": ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"],
    "nl": ["maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag"],
    "es": ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"],
}
MONTHS = {
    "en": words("January February March April May June July August September October November December"),
    "de": words("Januar Februar März April Mai Juni Juli August September Oktober November Dezember"),
    "fr": words("janvier février mars avril mai juin juillet août septembre octobre novembre décembre"),
    "nl": words("januari februari maart april mei juni juli augustus september oktober november december"),
    "es": words("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"),
}
SHORT_MONTHS = {
    "en": words("Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec"),
    "de": words("Jan. Feb. März Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez."),
    "fr": words("janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc."),
    "nl": words("jan feb mrt apr mei jun jul aug sep okt nov dec"),
    "es": words("ene feb mar abr may jun jul ago sept oct nov dic"),
}
SHORT_DAYS = {
    "en": words("Mon Tue Wed Thu Fri Sat Sun"),
    "de": words("Mo. Di. Mi. Do. Fr. Sa. So."),
    "fr": words("lun. mar. mer. jeu. ven. sam. dim."),
    "nl": words("ma di wo do vr za zo"),
    "es": words("lun mar mié jue vie sáb dom"),
}
# From, Sent, To, Cc, Subject
LABELS = {
    "en": ("From:", "Sent:", "To:", "Cc:", "Subject:"),
    "de": ("Von:", "Gesendet:", "An:", "Cc:", "Betreff:"),
    "fr": ("De :", "Envoyé :", "À :", "Cc :", "Objet :"),
    "nl": ("Van:", "Verzonden:", "Aan:", "CC:", "Onderwerp:"),
    "es": ("De:", "Enviado el:", "Para:", "CC:", "Asunto:"),
}
DATE_LABEL = {"en": "Date:", "de": "Datum:", "fr": "Date :", "nl": "Datum:", "es": "Fecha:"}
GMAIL = {
    "en": "On {day}, {d} {mon} {y} at {hm}, {name} <{address}> wrote:",
    "de": "Am {day}, {d}. {mon} {y} um {hm} Uhr schrieb {name} <{address}>:",
    "fr": "Le {day} {d} {mon} {y} à {hm}, {name} <{address}> a écrit :",
    "nl": "Op {day} {d} {mon} {y} om {hm} schreef {name} <{address}>:",
    "es": "El {day}, {d} {mon} {y} a las {hm}, {name} (<{address}>) escribió:",
}
APPLE = {
    "en": "On {d} {mon} {y}, at {hm}, {name} <{address}> wrote:",
    "de": "Am {dmy} um {hm} schrieb {name} <{address}>:",
    "fr": "Le {d} {mon} {y} à {hm}, {name} <{address}> a écrit :",
    "nl": "Op {d} {mon} {y}, om {hm} heeft {name} <{address}> het volgende geschreven:",
    "es": "El {d} {mon} {y}, a las {hm}, {name} <{address}> escribió:",
}
THUNDERBIRD = {
    "en": "On {slashed} {hm}, {name} wrote:",
    "de": "Am {dmy} um {hm} schrieb {name}:",
    "fr": "Le {slashed} à {hm}, {name} a écrit :",
    "nl": "Op {dashed} om {hm} schreef {name}:",
    "es": "El {slashed} a las {hm}, {name} escribió:",
}
YAHOO = {
    "en": "On {longday}, {d} {longmon} {y} at {hm}:00 {zone}, {name} <{address}> wrote:",
    "de": "Am {longday}, {d}. {longmon} {y} um {hm}:00 {zone} hat {name} <{address}> Folgendes geschrieben:",
    "fr": "Le {longday} {d} {longmon} {y} à {hm}:00 {zone}, {name} <{address}> a écrit :",
    "nl": "Op {longday} {d} {longmon} {y} om {hm}:00 {zone} schreef {name} <{address}>:",
    "es": "El {longday}, {d} de {longmon} de {y}, {hm}:00 {zone}, {name} <{address}> escribió:",
}
MUTT = {
    "en": "On {day}, {shortmon} {dd}, {y} at {hm}:00 {offset}, {name} wrote:",
    "de": "{name} <{address}> schrieb am {dmy}, {hm}:",
    "fr": "{name} <{address}> a écrit le {slashed} {hm} :",
    "nl": "{name} <{address}> schreef op {dashed} {hm}:",
    "es": "{name} <{address}> escribió el {slashed} {hm}:",
}
OUTLOOK_DATE = {
    "en": "{d} {longmon} {y} {hm}",
    "de": "{longday}, {d}. {longmon} {y} {hm}",
    "fr": "{longday} {d} {longmon} {y} {hm}",
    "nl": "{longday} {d} {longmon} {y} {hm}",
    "es": "{longday}, {d} de {longmon} de {y} {hm}",
}
OWA_DATE = {**OUTLOOK_DATE, "en": "{longday}, {longmon} {d}, {y} {hm12}"}
FORWARDED = {
    "gmail": dict.fromkeys(("en", "de", "fr", "nl", "es"), "---------- Forwarded message ---------"),
    "apple": {
        "en": "Begin forwarded message:",
        "de": "Anfang der weitergeleiteten Nachricht:",
        "fr": "Début du message réexpédié :",
        "nl": "Begin doorgestuurd bericht:",
        "es": "Inicio del mensaje reenviado:",
    },
}
REPLY_PREFIX = {"de": "AW:", "en": "RE:", "fr": "RE:", "nl": "RE:", "es": "RE:"}
FORWARD_PREFIX = {"de": "WG:", "en": "FW:", "fr": "TR:", "nl": "FW:", "es": "RV:"}


def fill(pattern: str, when: datetime, language: str, name: str = "", address: str = "") -> str:
    """Write the moment and the author into a pattern of one of the tables above."""
    month, day = when.month - 1, when.weekday()
    return pattern.format(
        d=when.day,
        dd=f"{when.day:02d}",
        y=when.year,
        mon=SHORT_MONTHS[language][month],
        shortmon=MONTHS["en"][month][:3],
        longmon=MONTHS[language][month],
        day=SHORT_DAYS[language][day],
        longday=DAYS[language][day],
        hm=f"{when:%H:%M}",
        hm12=f"{(when.hour - 1) % 12 + 1}:{when:%M} {'AM' if when.hour < 12 else 'PM'}",
        dmy=f"{when:%d.%m.%Y}",
        slashed=f"{when:%d/%m/%Y}",
        dashed=f"{when:%d-%m-%Y}",
        zone=f"UTC{int(f'{when:%z}'[:3]):+d}",
        offset=f"{when:%z}",
        name=name,
        address=address,
    )


def reply_subject(client: str, language: str, subject: str) -> str:
    """The subject of an answer as that mail program writes it."""
    word = REPLY_PREFIX[language] if client in {"outlook", "outlook-mobile", "owa"} else "Re:"
    return f"{word} {subject}"


def forward_subject(client: str, language: str, subject: str) -> str:
    """The subject of a forwarded mail as that mail program writes it."""
    word = FORWARD_PREFIX[language] if client in {"outlook", "owa"} else "Fwd:"
    return f"{word} {subject}"
