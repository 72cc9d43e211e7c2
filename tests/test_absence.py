"""Absence notes without any header, told by their words in many languages, and answers that use the same words."""

import pytest

from harvester.reading import read_mail
from harvester.records import ReadingSettings, Roster, Status, Verdict

SETTINGS = ReadingSettings(Roster(("acme.example",), answers_address="answers@acme.example"))
QUOTE = "\n\nOn Sun, Nov 1, 2026 at 9:00 AM Li Chen <li@globex.example> wrote:\n> How fast is your support?\n"
NOTES = {
    "en": (
        (
            "Hello, thanks for your email. I'm out of the office until Monday 16 November with limited access to "
            "email. If it is urgent please call Sam on +1 555 0100."
        ),
        "I am on parental leave until March. Please contact Jo (jo@acme.example) in my absence.",
    ),
    "de": (
        (
            "Vielen Dank für Ihre Nachricht. Ich bin bis einschließlich 15.11. nicht im Haus. Ihre E-Mail wird nicht "
            "weitergeleitet."
        ),
        ("Guten Tag, ich befinde mich derzeit in Elternzeit. Bitte wenden Sie sich in dringenden Fällen an Frau Kern."),
    ),
    "fr": (
        ("Bonjour, je suis en congés jusqu'au 16 novembre inclus. Pour toute urgence, merci de contacter Paul Petit."),
        "Merci pour votre message. Je suis actuellement absente et répondrai à mon retour le 16 novembre.",
    ),
    "es": (
        (
            "Gracias por su mensaje. Estaré de vacaciones del 9 al 15 de noviembre. Para temas urgentes, puede "
            "escribir a Paula."
        ),
        "Me encuentro fuera de la oficina con acceso limitado al correo. Responderé a mi regreso.",
    ),
    "it": (
        "Sono in ferie fino al 15 novembre. Per urgenze potete contattare Paola.",
        (
            "Sono fuori sede e leggerò la posta al mio rientro il 16 novembre. Per questioni urgenti scrivere a "
            "vendite@acme.example."
        ),
    ),
    "pt": (
        ("Obrigado pelo seu contacto. Encontro-me de férias até 15 de novembro. Em caso de urgência contacte o Paulo."),
        ("Estou fora do escritório e com acesso limitado ao e-mail até o dia 15. Em caso de urgência, fale com Paula."),
    ),
    "nl": (
        (
            "Bedankt voor je bericht. Ik ben met vakantie tot en met 15 november. Neem bij dringende zaken contact "
            "op met Piet."
        ),
        "Ik ben momenteel niet op kantoor en kan je mail niet lezen. Op 16 november ben ik weer bereikbaar.",
    ),
    "pl": (
        "Dziękuję za wiadomość. Jestem na urlopie do 15 listopada. W pilnych sprawach proszę dzwonić do Piotra.",
        "Jestem obecnie poza biurem z ograniczonym dostępem do poczty. Odpowiem po powrocie.",
    ),
    "cs": (
        "Děkuji za Váš e-mail. Jsem mimo kancelář do 15. 11. V naléhavých případech volejte kolegu Pavla.",
        "Momentálně čerpám dovolenou a nemám přístup k e-mailu. Odpovím po návratu.",
    ),
    "sv": (
        "Tack för ditt mejl. Jag är ledig till och med 15 november. Vid brådskande ärenden, kontakta Pål.",
        "Jag är inte på kontoret och läser inte min e-post. Jag är tillbaka den 16 november.",
    ),
    "da": (
        "Tak for din mail. Jeg holder ferie til og med 15. november. Ved hastesager kontakt venligst Per.",
        "Jeg er ikke på kontoret og har begrænset adgang til mail. Jeg er tilbage den 16. november.",
    ),
    "no": (
        "Takk for din e-post. Jeg er på ferie til og med 15. november. Ved hastesaker, ta kontakt med Pål.",
        "Jeg er ute av kontoret og har begrenset tilgang til e-post. Jeg er tilbake 16. november.",
    ),
    "fi": (
        "Kiitos viestistäsi. Olen lomalla 15.11. asti. Kiireellisissä asioissa ota yhteyttä Pekkaan.",
        "Olen poissa toimistolta ja luen sähköpostini palattuani 16.11.",
    ),
    "hu": (
        "Köszönöm levelét. November 15-ig szabadságon vagyok. Sürgős esetben keresse Pált.",
        "Jelenleg nem vagyok az irodában, leveleimet korlátozottan érem el. Visszatérésem után válaszolok.",
    ),
    "ro": (
        (
            "Mulțumesc pentru mesaj. Sunt în concediu până pe 15 noiembrie. Pentru urgențe vă rog să o contactați pe "
            "Paula."
        ),
        "Nu sunt la birou și am acces limitat la e-mail. Voi răspunde la întoarcere.",
    ),
    "ru": (
        "Здравствуйте! Я нахожусь в отпуске до 15 ноября. По срочным вопросам пишите Павлу.",
        "Меня нет в офисе, доступ к почте ограничен. Отвечу после возвращения.",
    ),
    "uk": (
        "Дякую за лист. Я у відпустці до 15 листопада. З термінових питань звертайтеся до Павла.",
        "Мене немає в офісі, доступ до пошти обмежений. Відповім після повернення.",
    ),
    "tr": (
        ("Mesajınız için teşekkürler. 15 Kasım'a kadar yıllık izindeyim. Acil konular için Pelin'e ulaşabilirsiniz."),
        "Şu anda ofis dışındayım ve e-postalarıma sınırlı erişimim var. 16 Kasım'da döneceğim.",
    ),
    "el": (
        (
            "Ευχαριστώ για το μήνυμά σας. Βρίσκομαι σε άδεια έως τις 15 Νοεμβρίου. Για επείγοντα θέματα "
            "επικοινωνήστε με τον Παύλο."
        ),
        "Είμαι εκτός γραφείου με περιορισμένη πρόσβαση στο email. Θα απαντήσω με την επιστροφή μου.",
    ),
    "zh": (
        "您好，我正在休假，11月16日返回办公室。如有急事请联系陈晓。",
        "感谢您的来信。我目前不在办公室，无法及时回复邮件，紧急事宜请致电同事。",
    ),
    "ja": (
        "メールありがとうございます。11月15日まで休暇をいただいております。お急ぎの方は佐藤までご連絡ください。",
        "現在出張中のため、返信が遅れる場合がございます。緊急のご用件は営業部までお電話ください。",
    ),
    "ko": (
        "메일 감사합니다. 저는 11월 15일까지 휴가 중입니다. 급한 용무는 김서연에게 연락 부탁드립니다.",
        "현재 부재중이며 이메일 확인이 어렵습니다. 복귀 후 답변드리겠습니다.",
    ),
    "ar": (
        "شكرا لرسالتك. أنا في إجازة حتى 15 نوفمبر. للأمور العاجلة يرجى التواصل مع ليلى.",
        "أنا خارج المكتب حاليا ووصولي إلى البريد محدود. سأرد عليك عند عودتي.",
    ),
    "he": (
        "תודה על פנייתך. אני בחופשה עד 15 בנובמבר. במקרים דחופים ניתן לפנות לנועה.",
        'אני מחוץ למשרד עם גישה מוגבלת לדוא"ל. אשיב עם שובי.',
    ),
}
ANSWERS = (
    (
        "Hallo Herr Kolb,\n\ndas Angebot gilt bis einschließlich 30.11. In dringenden Angelegenheiten erreichen Sie "
        "unsere Hotline rund um die Uhr."
    ),
    (
        "Hallo Frau Sand,\n\nunsere Techniker sind auch an Feiertagen erreichbar; in dringenden Fällen rufen Sie die "
        "0711 555 an. Mein Kollege ist ab Montag wieder erreichbar."
    ),
    (
        "Hi Li,\n\nyes, you get a named contact. In urgent cases you call the hotline, it answers within an hour. "
        "I'm back in the office on Monday and will send the contract then."
    ),
    (
        "Buongiorno,\n\nper urgenze il supporto risponde entro un'ora, anche nei festivi. In caso di necessità invia "
        "un tecnico."
    ),
    (
        "Goedemorgen Bram,\n\nbij spoed belt u de storingsdienst; die is tot en met 22 uur bereikbaar en daarna weer "
        "bereikbaar vanaf 6 uur."
    ),
    "Hej Kajsa,\n\nvid brådskande larm ringer systemet jouren direkt. Jag är tillbaka med offerten på torsdag.",
    "Hei Lars,\n\nved hast kan dere ringe vakten døgnet rundt. Jeg er tilbake med tilbud i morgen.",
    (
        "Bonjour Hugo,\n\nen cas d'urgence un technicien passe sous quatre heures. Je vous envoie le devis à mon "
        "retour de Lyon."
    ),
    "Hola Pablo:\n\npara urgencias hay un teléfono de guardia. Le mando la oferta a mi regreso de la feria.",
    (
        "Boa tarde Sofia,\n\nem caso de urgência o suporte responde em uma hora. O plano inclui férias e ausências "
        "da equipa."
    ),
    "Merhaba Kemal Bey,\n\nacil durumlarda destek hattımız 7/24 açıktır. Teklifi yarın gönderiyorum.",
    "Hei Mikko,\n\nkiireellisissä asioissa päivystys vastaa aina. Palaan asiaan huomenna tarjouksen kanssa.",
    "Dzień dobry,\n\nw sprawach pilnych serwis odpowiada w godzinę. Ofertę wyślę po powrocie z targów.",
    (
        "Hi Tom,\n\nthe module handles parental leave, vacation and sick leave. While somebody is on leave the "
        "approvals go to the deputy."
    ),
    "Hej Ole,\n\nved hastende fejl er der en vagt. Jeg er tilbage med en pris i dag.",
    "Dobrý den,\n\nv urgentních případech servis přijede do čtyř hodin. Nabídku pošlu po návratu z veletrhu.",
)


def judge(text: str) -> Verdict:
    head = "From: Ana <ana@acme.example>\nTo: li@globex.example\nSubject: Re: support\n"
    raw = f"{head}Content-Type: text/plain; charset=utf-8\n\n{text}\n"
    return read_mail(raw.encode(), SETTINGS).verdict


@pytest.mark.parametrize("language", NOTES)
def test_an_absence_note_without_headers_is_ignored_by_its_words(language: str) -> None:
    for note in NOTES[language]:
        verdict = judge(f"{note}\n\nAna")
        assert (verdict.status, (verdict.reason or "")[:13]) == (Status.IGNORED, "out of office"), note


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("quote", ["", QUOTE])
def test_an_answer_that_speaks_of_urgency_or_of_coming_back_is_accepted(answer: str, quote: str) -> None:
    assert judge(f"{answer}\n\nAna{quote}").reason is None
