# ruff: noqa: E501 - patterns are clearer in one line
"""E-mail addresses, telephone numbers, network addresses and links."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

import phonenumbers
import re2

from gateway.detection.rules import Gate, Rule, RuleRecognizer, standing_alone, words

_NO_DOMAIN = frozenset(
    {"png", "jpg", "jpeg", "gif", "svg", "webp", "css", "scss", "js", "ts", "json", "txt", "html", "bmp", "ico"}
)
_LOCAL = r"[\pL\pN_][\pL\pN._%+\-']*"
_DOMAIN = r"(?:[\pL\pN][\pL\pN\-]{0,62}\.)+[\pL][\pL\pN\-]{1,62}"
_REPOSITORY = re.compile(r"git@(?:[\w.-]+)", re.IGNORECASE)


def _mailbox(text: str, start: int, end: int) -> bool:
    """Not an image name like `logo@2x.png`, and not the address of a repository."""
    value = text[start:end]
    repository = _REPOSITORY.fullmatch(value) and text[end : end + 1] in {":", "/"}
    return value.rsplit(".", 1)[-1].lower() not in _NO_DOMAIN and not repository


_ENDING = r"(?:com|org|net|edu|gov|mil|info|biz|io|me|app|dev|ai|eu|de|fr|uk|us|ca|au|ch|at|nl|es|it|pl|in|jp|co|example|test|invalid)"
_SPOKEN_ADDRESS = (
    rf"(?i)\b[a-z0-9][\w+\-]{{0,63}}(?:(?: dot | ?\. ?| underscore | dash )[a-z0-9][\w+\-]{{0,63}}){{0,3}} (?:at|@) "
    rf"[a-z0-9][\w\-]{{0,62}}(?:(?: dot |\.)[a-z0-9][\w\-]{{0,62}}){{0,2}} dot {_ENDING}\b"
)
_SPACED_ADDRESS = (
    rf"(?i)[a-z0-9][\w.+\-]{{0,63}}[ \n]{{0,2}}@[ \n]{{0,2}}[a-z0-9][\w\-]{{0,62}}"
    rf"(?:[ \n]{{0,2}}\.[ \n]{{0,2}}[a-z0-9][\w\-]{{0,62}}){{0,2}}[ \n]{{0,2}}\.[ \n]{{0,2}}{_ENDING}\b"
)


_BEFORE_AT, _USUAL_ENDING = re.compile(r"\s@\S"), re.compile(rf"\.{_ENDING}\Z", re.IGNORECASE)


def _spaced_mailbox(text: str, start: int, end: int) -> bool:
    """As above; what follows the sign at once and has no usual ending is a decorator or somebody's handle."""
    value = text[start:end]
    return _mailbox(text, start, end) and (not _BEFORE_AT.search(value) or _USUAL_ENDING.search(value) is not None)


def email_recognizer(gate: Gate) -> RuleRecognizer:
    """E-mail addresses, also with spaces around the sign or with the words that people put in its place."""
    checks = (_mailbox, _spaced_mailbox, _mailbox)
    joints = ((r"@", 1.0), (r" {0,2}@ {0,2}", 0.7), (r" ?[\[({<] ?(?:at|@|AT) ?[\])}>] ?", 0.9))
    domains = (_DOMAIN, _DOMAIN, r"[\pL\pN\-]{1,63}(?:(?:\.| ?[\[({] ?(?:dot|DOT|\.) ?[\])}] ?)[\pL\pN\-]{1,63}){1,4}")
    rules = [
        Rule(entity="EMAIL_ADDRESS", pattern=_LOCAL + joint + domain, score=score, check=check, trigger=joint)
        for (joint, score), domain, check in zip(joints, domains, checks, strict=True)
    ]
    rules += [
        Rule(
            entity="EMAIL_ADDRESS",
            pattern=_SPOKEN_ADDRESS,
            score=0.75,
            check=_mailbox,
            trigger=rf"(?i) dot {_ENDING}\b",
        ),
        Rule(
            entity="EMAIL_ADDRESS",
            pattern=_SPACED_ADDRESS,
            score=0.7,
            check=_mailbox,
            trigger=rf"(?i)@[^@]{{1,80}}\.[ \n]{{0,2}}{_ENDING}\b",
        ),
        Rule(
            entity="EMAIL_ADDRESS",
            pattern=rf"(?i)\b[\w.\-]{{2,64}} at (?:[a-z0-9\-]{{1,63}}\.){{1,3}}{_ENDING}\b",
            score=0.2,
            check=_mailbox,
            with_evidence=0.7,
            evidence=words("email", "e-mail", "mail", "inbox"),
            reach=40,
        ),
    ]
    return RuleRecognizer("EmailRecognizer", rules, gate)


_PHONE_WORDS = words(
    "phone", "telephone", "tel", "mobile", "cell", "cellphone", "fax", "call", "dial", "contact", "whatsapp", "sms", "text me", "hotline",
    "reach", "ring", "phone number", "phone no", "ph", "voicemail", "extension", "landline", "telefon", "tlf", "handy", "my number", "her number", "his number", "gsm", "telefono", "teléfono", "téléphone",
)  # fmt: skip
_EXTENSION = r"(?: ?(?:x|ext\.?|extension) ?\d{1,6})?"
_WEAK = 0.3
_REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "IN", "AU")


def _few_digits(text: str, start: int, end: int) -> bool:
    """Between 8 and 15 digits, standing alone, and not a date, an address in a network or a decimal number."""
    value = text[start:end]
    digits = sum(character.isdigit() for character in value)
    alone = standing_alone(text, start, end) and not _HEX_GOES_ON.match(text, end)
    return 8 <= digits <= 15 and alone and not _NOT_A_PHONE.fullmatch(value.strip())


def _international(text: str, start: int, end: int) -> bool:
    """As above, with the digits that a country's code and a number need."""
    return sum(map(str.isdigit, text[start:end])) >= 11 and _few_digits(text, start, end)


_HEX_GOES_ON = re.compile(r"[-:][0-9A-Fa-f]{2}\b")  # in the address of a network card
_NOT_A_PHONE = re.compile(
    r"(?:19|20)\d\d[-./ ]\d\d?[-./ ]\d\d?(?: \d+)?|\d\d?[-./ ]\d\d?[-./ ](?:19|20)\d\d|(?:\d{1,3}\.){3}\d{1,3}|\d+\.\d+|\d{3}-\d\d-\d{4}"
    r"|(?:19|20)\d\d[- ]+(?:19|20)\d\d"
)


def _valid_somewhere(text: str, start: int, end: int) -> bool:
    """Whether the number is one that some of the usual countries assign."""
    return _few_digits(text, start, end) and any(_valid(text[start:end], region) for region in _REGIONS)


_LABELLED = (
    r"(?i)\b(?:(?:tele)?phone|tel|telefon(?:nummer|o)?|teléfono|téléphone|tlf|handy(?:nummer)?|gsm|mobile|cell|fax|whatsapp|hotline|dial|call(?:ed|ing)?(?: (?:me|us|him|her|back|them))?|answering|reach(?: (?:me|us|him|her))?"
    r"|messages?|text (?:me|us|him|her))(?: ?(?:no\.?|number|num|#|is|was|at|on|to))*[\"']?[ \t]*[:=.]?[\s\"']{0,3}(\+?\(?\d[\d ()\-./]{5,20}\d)"
)


def _dialled(text: str, start: int, end: int) -> bool:
    """Seven to fifteen digits after the word that announces them, and not a date."""
    value = text[start:end]
    return (
        7 <= sum(map(str.isdigit, value)) <= 15
        and not text[end : end + 1].isalnum()
        and not _NOT_A_PHONE.fullmatch(value)
    )


def _valid(value: str, region: str) -> bool:
    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(value, region)))
    except phonenumbers.NumberParseException:
        return False


def phone_recognizer(gate: Gate) -> RuleRecognizer:
    """Telephone numbers: by their form where it is telling, by evidence where any number could look so."""
    forms = (
        (
            r"\+ ?\d{1,3}[ \-.]?(?:\(0?\d{0,4}\)[ \-.]?)?\d{1,5}(?:[ \-./]?\d{1,5}){1,5}" + _EXTENSION,
            0.75,
            0.9,
            _few_digits,
        ),
        (r"(?:(?:\+|00)?1[ \-.]?)?(?:\(\d{3}\) ?|\d{3}[\-.])\d{3}[\-. ]\d{4}" + _EXTENSION, 0.75, 0.9, _few_digits),
        (r"00[1-9]\d?[ \-.]\d{2,5}(?:[ \-.]?\d{2,5}){1,4}", 0.5, 0.85, _international),
        (r"001-\d{3}-\d{3}-\d{4}" + _EXTENSION, 0.75, 0.9, None),
        (r"\(?0\d{1,5}\)?[ \-/.]\d{2,8}(?:[ \-.]\d{2,5}){0,4}", 0.45, 0.85, _valid_somewhere),
        (r"\d{3} \d{3} \d{4}" + _EXTENSION, 0.45, 0.85, _valid_somewhere),
        (r"\d{2,4}(?:[ \-.]\d{2,4}){2,5}", 0.2, 0.7, _valid_somewhere),
        (r"\d{8,13}" + _EXTENSION, 0.1, 0.7, _valid_somewhere),
        (r"[2-9]\d{2}[\-.]\d{4}", 0.1, 0.7, standing_alone),
    )
    rules = [
        Rule(entity="PHONE_NUMBER", pattern=_LABELLED, score=0.8, check=_dialled, group=1),
        *(
            Rule(
                entity="PHONE_NUMBER",
                pattern=form,
                score=alone,
                with_evidence=beside,
                evidence=_PHONE_WORDS,
                check=check,
                reach=60 if alone > _WEAK else 25,
            )
            for form, alone, beside, check in forms
        ),
    ]
    return RuleRecognizer("PhoneRecognizer", rules, gate)


_VERSION_WORDS = re.compile(
    r"(?:version|release|build|firmware|[=~^><]=|\bv\.?|@|chrome/|firefox/|safari/|\d/)\s*[:=]?\s*\Z", re.IGNORECASE
)
_V4 = r"(?:\d{1,3}\.){3}\d{1,3}"
_V6 = r"(?:[0-9A-Fa-f]{0,4}:){2,7}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{0,4})"
_PREFIX_LENGTH = re.compile(r"/\d{1,2}(?!\d)")  # of a network, as in 192.0.2.0/24
_V6_RUNS_ON = re.compile(r"[\w:]|\.\d")


def _host(text: str, start: int, end: int) -> bool:
    """An IPv4 address that could belong to somebody: not a version, not unspecified, not the machine itself."""
    numbered = _VERSION_WORDS.search(text, max(0, start - 12), start)
    prefix = _PREFIX_LENGTH.match(text, end)
    alone = standing_alone(text, start, prefix.end() if prefix else end)
    return not numbered and alone and _somebodys(text[start:end])


def _v6_host(text: str, start: int, end: int) -> bool:
    """An IPv6 address that could belong to somebody; not a slice, and not a name in a namespace of hex letters."""
    value = text[start:end]
    first = value.split(":", 1)[0]
    telling = len(first) >= 3 or value.count(":") >= 4 or "." in value
    alone = not (text[start - 1 : start].isalnum() or text[start - 1 : start] in {"_", ".", ":"})
    alone = alone and not _V6_RUNS_ON.match(text, end)
    return alone and telling and any(map(str.isdigit, value)) and _somebodys(value)


def _somebodys(value: str) -> bool:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    return not (address.is_unspecified or address.is_loopback)


def ip_recognizer(gate: Gate) -> RuleRecognizer:
    """IPv4 and IPv6 addresses of hosts."""
    rules = [
        Rule(entity="IP_ADDRESS", pattern=_V4, score=0.8, check=_host),
        Rule(entity="IP_ADDRESS", pattern=_V6, score=0.8, check=_v6_host),
    ]
    return RuleRecognizer("IpRecognizer", rules, gate)


_WELL_KNOWN = (
    r"(?:co\.[a-z]{2}|com|org|net|edu|gov|info|biz|io|co\.uk|org\.uk|ac\.uk|de|fr|eu|ca|com\.au|us|me|app|dev)"
)


class LinkRecognizer(RuleRecognizer):
    """Links: with a scheme, with `www`, or a host under a well-known ending that is not a call in some code."""

    def __init__(self, gate: Gate) -> None:
        path = r"(?:[/?#][^\s<>\"'`{}|\\^]*)?"
        rules = (
            Rule(entity="URL", pattern=r"(?i)\b(?:https?|ftp)://[^\s<>\"'`{}|\\^]{3,}", score=0.6),
            Rule(entity="URL", pattern=rf"(?i)\bwww\.[a-z0-9\-]+(?:\.[a-z0-9\-]+)+{path}", score=0.6),
            Rule(entity="URL", pattern=rf"(?i)\b(?:[a-z0-9\-]+\.)+{_WELL_KNOWN}\b{path}", score=0.4, check=_no_call),
        )
        super().__init__("LinkRecognizer", rules, gate)

    def spans(self, rule: Rule, pattern: re2._Regexp, text: str) -> Iterator[tuple[int, int]]:
        """The links without the punctuation of the sentence around them."""
        for start, end in super().spans(rule, pattern, text):
            yield start, start + len(text[start:end].rstrip(".,;:!?)]"))


def _no_call(text: str, start: int, end: int) -> bool:
    return text[end : end + 1] not in {"(", "[", "_", "="} and text[start - 1 : start] not in {".", "@", "_", "/"}
