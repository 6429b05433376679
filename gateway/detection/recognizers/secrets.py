# ruff: noqa: E501 - patterns are clearer in one line
"""Credentials: provider keys, tokens, private keys, connection strings with a password, and assignments of a secret."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

import re2

from gateway.detection.randomness import looks_random
from gateway.detection.rules import Check, Gate, Rule, RuleRecognizer, standing_alone, words

_KEY_FORMS = (
    r"sk-(?:proj-|svcacct-|admin-|ant-(?:api|admin)\d\d-|or-v1-)?[A-Za-z0-9_\-]{20,}",
    r"(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA)[A-Z2-7]{16}",
    r"gh[pousr]_[A-Za-z0-9]{30,}",
    r"github_pat_[A-Za-z0-9_]{22,}",
    r"gl(?:pat|ptt|dt|rt|cbt|soat|ft|agent)-[A-Za-z0-9_\-]{20,64}",
    r"xox[abeoprs]-[A-Za-z0-9\-]{10,}",
    r"xapp-\d-[A-Za-z0-9\-]{20,}",
    r"https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/]{20,}",
    r"AIza[A-Za-z0-9_\-]{35}",
    r"ya29\.[A-Za-z0-9_\-]{20,}",
    r"GOCSPX-[A-Za-z0-9_\-]{20,40}",
    r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,}",
    r"whsec_[A-Za-z0-9+/=]{20,}",
    r"hf_[A-Za-z0-9]{30,60}",
    r"npm_[A-Za-z0-9]{30,60}",
    r"pypi-[A-Za-z0-9_\-]{50,}",
    r"dop_v1_[a-f0-9]{64}",
    r"SG\.[A-Za-z0-9_\-]{16,32}\.[A-Za-z0-9_\-]{16,64}",
    r"SK[a-f0-9]{32}",
    r"key-[a-f0-9]{32}",
    r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}",
    r"sq0(?:atp|csp)-[A-Za-z0-9_\-]{22,60}",
    r"EAACEdEose0cBA[A-Za-z0-9]{20,}",
    r"dckr_pat_[A-Za-z0-9_\-]{20,60}",
    r"(?:hvs|hvb|hvr)\.[A-Za-z0-9_\-]{20,}",
    r"lin_api_[A-Za-z0-9]{32,60}",
    r"nvapi-[A-Za-z0-9_\-]{40,}",
    r"gsk_[A-Za-z0-9]{40,80}",
    r"pplx-[A-Za-z0-9]{40,80}",
    r"xai-[A-Za-z0-9]{60,}",
    r"r8_[A-Za-z0-9]{36,40}",
    r"AGE-SECRET-KEY-1[A-Z0-9]{58}",
    r"\d{8,10}:AA[A-Za-z0-9_\-]{33}",
    r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}",
    r"dapi[a-f0-9]{32}",
    r"NRAK-[A-Z0-9]{27}",
    r"gl(?:sa|c)_[A-Za-z0-9_+/=]{32,}",
    r"ntn_[A-Za-z0-9]{40,50}",
    r"secret_[A-Za-z0-9]{43}",
    r"[MNO][A-Za-z0-9_\-]{22,27}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,45}",
    r"ATATT3[A-Za-z0-9_\-=]{40,}",
    r"figd_[A-Za-z0-9_\-]{30,}",
    r"sntry[su]_[A-Za-z0-9_\-+/=]{30,}",
    r"dp\.(?:pt|st|sa|ct)\.[A-Za-z0-9.]{30,}",
    r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}",
    r"sbp_[a-f0-9]{40}",
    r"tskey-[a-z]{3,10}-[A-Za-z0-9\-]{20,}",
    r"do[or]_v1_[a-f0-9]{64}",
    r"[a-f0-9]{32}-us\d{1,2}",
    r"ops_eyJ[A-Za-z0-9_\-]{40,}",
    r"[A-Za-z0-9_~.\-]{3}\dQ~[A-Za-z0-9_~.\-]{31,34}",
)
_JWT = r"eyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}"
_PRIVATE_KEY = r"(?s)-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:.*?-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----)?"
_CONNECTION = r"(?i)\b[a-z][a-z0-9+.\-]{1,20}://[^\s:/@\"'<>]*:([^\s/@\"'<>]{3,})@[^\s\"'<>]+"
_ORACLE = r"(?i)\bjdbc:oracle:[a-z]{2,8}:[^\s:/@]{1,64}/([^\s/@\"'<>]{3,})@"
_LONG_NAMES = (
    r"(?:pass ?word|passwd|passphrase|secret(?:[_\- ]?(?:key|access[_\- ]?key|token))?|api[_\- ]?(?:key|token|secret)|apikey|access[_\- ]?(?:key|token)"
    r"|auth[_\- ]?(?:token|key)|client[_\- ]?secret|private[_\- ]?key|encryption[_\- ]?key|signing[_\- ]?key|refresh[_\- ]?token|session[_\- ]?token"
    r"|bearer[_\- ]?token|account[_\- ]?key|shared[_\- ]?access[_\- ]?key|passcode|credentials?)"
)
_SHORT_NAMES = r"(?:pass|pwd|pw|psk|token)"
_NAMES = rf"(?:[a-z0-9_.\-]{{0,40}}{_LONG_NAMES}|(?:[a-z0-9]{{1,30}}[_\-.]){{0,4}}{_SHORT_NAMES})"
_JOINT = r"[\"']?\]? {0,3}(?:=>|:=|=|:) {0,3}"
_ASSIGNED = rf"(?i)\b{_NAMES}{_JOINT}[\"'`]?([^\s\"'`,;<>(){{}}\[\]]{{4,}})"
_QUOTED = rf"(?i)\b{_NAMES}{_JOINT}(?:\"([^\s\"]{{4,200}})\"|'([^\s']{{4,200}})'|`([^\s`]{{4,200}})`)"
_IN_TAG = rf"(?i)<[\w:.\-]{{0,40}}{_LONG_NAMES}>([^<\s]{{4,200}})</"
_ATTRIBUTE = rf"(?i)(?:key|name)=[\"'][\w.:\-]{{0,40}}{_LONG_NAMES}[\"']\s{{1,8}}value=[\"']([^\"'\s]{{4,200}})[\"']"
_ON_COMMAND_LINE = (
    r"(?i)--?(?:password|passwd|pass|token|api-key|secret)[ =][\"']?([^\s\"']{4,200})",
    r"(?i)\b(?:curl|wget|http)\b[^\n]{0,200} (?:-u|--user)[ =]?[\"']?[\w.@\-]{1,64}:([^\s\"']{4,200})",
    r"(?i)\b(?:sshpass|login|ldapsearch)\b[^\n]{0,120} -[pw] ?[\"']?([^\s\"'\-][^\s\"']{3,200})",
    r"(?i)\b(?:mysql|mysqldump|mysqladmin)\b[^\n]{0,120} -p([^\s\-][^\s]{3,200})",
)
_WORDS = r"(?:password|passcode|passphrase|pass ?phrase|pwd|pw|pin code|secret key|api key|api token|access key|access token|wifi key)"
_TOLD = rf"(?i)\b{_WORDS}(?: for [\w.@ \-]{{1,40}})? (?:is now|is|was|set to|reset to|changed to)[: ]+[\"'`]?([^\s\"'`,;<>(){{}}]{{4,}})"
_BESIDE = r"(?i)\b(?:password|passwd|passcode|passphrase|pwd|pw) +[\"'`]?([^\s\"'`,;<>(){}]{6,})"
_CODE_TOLD = r"(?i)\b(?:pin(?: number)?|passcode|door code|gate code|alarm code|safe code|unlock code)(?: (?:is|was|for [\w ]{1,24}(?: is)?))?[:=]? {1,3}(\d{4})\b"
_CODES = (
    r"(?:(?:door|gate|alarm|safe|lock|access|entry|entrance|unlock|keypad|lockbox|security|verification|one[- ]time|login|log-?in|sms|2fa|mfa|otp|authenticator|building|garage|vault|locker|phone|voicemail|card|sim|backup|recovery) (?:code|pin|combination)s?"
    r"|pin|puk|otp|passcode|combination)"
)
_CODE_ELSEWHERE = rf"(?i)\b{_CODES}(?: (?:of|for|to|on|at|by) [\w'\x{{2019}} ]{{1,40}}?)?(?: (?:is|are|was|now|still|again|changed to|set to|reset to|to))*[:=]? {{1,3}}[\"'`]?([#*]?\d[\d*#]{{3,9}}|\d{{3}}[ \-]\d{{3}}|\d{{1,2}}(?:-\d{{1,2}}){{2,3}})"
_CODE_CHANGED = (
    rf"(?i)\b(?:changed|reset|set) (?:the |my |our |his |her |their ){_CODES} to {{1,3}}([#*]?\d[\d*#]{{3,9}})"
)
_RECOVERY_CODE = r"[A-Za-z0-9]{4,6}-[A-Za-z0-9]{4,6}(?:-[A-Za-z0-9]{4,6}){0,6}"
_LICENCE_KEY = r"[A-Z0-9]{4,6}(?:-[A-Z0-9]{4,6}){2,7}"
_PHRASE_TOLD = r"(?i)\b(?:(?:seed|recovery|backup|mnemonic|wallet) (?:phrase|words)|passphrase|mnemonic)(?: (?:of|for|to) [\w'\x{2019} ]{1,40}?)?(?: (?:is|are|was|starts with|begins with))?:? {1,3}[\"'`]?([a-z]{3,8}(?: [a-z]{3,8}){3,23})\b"
_ANSWER_TOLD = r"(?i)\b(?:answer to (?:my|the|his|her|our|their) (?:security|secret) question|security answer|secret answer)(?: (?:is|was))?:? {1,3}[\"'`]?([^\s,.?!;\"'`][^,.?!;\n\"'`]{1,38}[^\s,.?!;\"'`])"
_JUDGED = r"(?i)[\"'`“\x{2018}]([^\s\"'`“”\x{2018}\x{2019}]{6,64})[\"'`”\x{2019}],? (?:(?:is|was|makes|as) )?(?:it )?(?:a |an )?(?:\w+ )?(?:good|strong|safe|secure|weak|bad|decent) (?:password|passphrase|passcode)\b"
_PAIR = r"(?i)\b(?:logins?|log in|credentials|creds|user(?:name)?)(?: (?:is|as|with|are))?:? {1,2}([\w.@\-]{2,40}) ?(?:/| and | with ) ?([^\s\"'`,;<>(){}/]{6,64})"
_SET_APART = r"(?i)\b(?:password|passphrase|passcode|pwd|login)(?:'s)?[^\n.:;=()\"'`]{1,60}[(\"'`“]([A-Za-z0-9][\w!@#$%&*+.\-?^~]{5,63})[)\"'`”]"
_KEY_BESIDE = r"(?i)\b(?:secret|key|token|credential)s? +[\"'`]?([A-Za-z0-9+/_\-]{24,}={0,2})"
_AS = r"(?i)[\s\"'`]([^\s\"'`,;<>(){}]{6,})[\"'`]? as (?:the |my |your |our |her |his |their |a )?(?:new |temporary |wifi |login )?(?:password|passcode|passphrase|pw|api key|token)\b"
_BEARER = r"(?i)\bauthorization[\"']? ?[:=] ?[\"']?(?:bearer|basic|token) +([A-Za-z0-9_\-.~+/=]{16,})"
_COOKIE = (
    r"(?i)cookie[\"']?: ?[^\n]{0,200}?\b[\w\-]{0,30}(?:sess|sid|auth|token)[\w\-]{0,20}=([A-Za-z0-9%._\-+/=]{16,})"
)

_STANDINS = re.compile(
    r"x{3,}|\*{3,}|.*\.{3}|\$\{?[A-Za-z_.]+\}?|\$\{.*|(?-i:\$[A-Z_][A-Z0-9_]*)|%\w+%|![A-Za-z:]+|<.*|your[_\-].*|.*[_\-]here|my[_\-]?(?:password|secret|token|key).*"
    r"|changeme|change[_\-]me|replace.*|insert.*|example.*|placeholder|redacted|dummy.*|none|null|true|false|undefined|required|optional|string|str|bytes|user|username"
    r"|secret|password|passwd|token|os\.environ.*|process\.env.*|getenv.*|settings\..*|config\..*|self\..*|this\..*|args\..*|env\..*|request\..*"
    r"|(?:[a-z]+_)?(?:password|secret|token|key)|input.*|incorrect|invalid|wrong|expired|missing|empty|correct|unknown|too|not|[\w.\-]*[_\-.](?:password|secret|token|key)",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"[A-Za-z_]+(?:(?:\.|::|->)[A-Za-z_]+)+|[a-z]+(?:[A-Z][a-z]+)+|[A-Z][a-z]+|[a-z]+(?:[_\-][a-z]+)*|\d{1,5}|[A-Z_]+|(?:/[\w.\-]+)+/?|~/\S+|\d+[a-z]{1,2}"
)
_KINDS = (re.compile(r"[a-z]"), re.compile(r"[A-Z]"), re.compile(r"\d"), re.compile(r"[^\w\-.:/]"))
_DRAWN_BITS = 4.0
_NEXT_PARAMETER = re.compile(r"&[\w.\-]{1,40}=")


def _credential_like(text: str, start: int, end: int) -> bool:
    """Not a stand-in, a type, a variable or an ordinary word: something that a person or machine made up."""
    value = text[start:end].rstrip(".,:")
    if len(value) < 4 or _STANDINS.fullmatch(value) or text[end : end + 1] == "(":
        return False
    return not _CODE.fullmatch(value) and (_kinds(value) >= 2 or entropy(value) >= 3.0)


def _kinds(value: str) -> int:
    """How many of small letters, capitals, digits and signs occur."""
    return sum(kind.search(value) is not None for kind in _KINDS)


def _told(text: str, start: int, end: int) -> bool:
    """As above, for a sentence: only what holds a digit or a sign counts."""
    value = text[start:end].rstrip(".,:?!")
    return bool(re.search(r"[\d!@#$%^&*]", value)) and _credential_like(text, start, end)


def _made_up(text: str, start: int, end: int) -> bool:
    """As above, where no verb says that a password follows: it looks like nothing else, nor begins with the verb."""
    value = text[start:end].rstrip(".,:?!")
    mixed = _kinds(value) >= 3 or (_KINDS[3].search(value) is not None and _KINDS[2].search(value) is not None)
    return mixed and any(map(str.isalpha, value)) and not value.startswith("is") and _told(text, start, end)


def _paired(text: str, start: int, end: int) -> bool:
    """What stands beside a user's name: of three kinds, or joined of words in both cases."""
    value = text[start:end].rstrip(".,:?!")
    made_up = _kinds(value) >= 3 or (_kinds(value) >= 2 and "-" in value)
    return len(value) >= 8 and made_up and _credential_like(text, start, end)


def _wordy(text: str, start: int, end: int) -> bool:
    """Words without the small ones that every sentence has."""
    return _SMALL_WORDS.isdisjoint(text[start:end].lower().split())


_SMALL_WORDS = frozenset(
    {"the", "and", "for", "you", "your", "that", "this", "with", "when", "not", "are", "was", "can", "will", "what", "which", "who", "how", "has", "have",
     "must", "should", "from", "into", "then", "they", "them", "used", "using", "only", "also", "does"}
)  # fmt: skip


def _grouped(text: str, start: int, end: int) -> bool:
    """A key in groups: letters and digits both, no part of a longer one, such as a UUID."""
    value, around = text[start:end], text[max(0, start - 1) : start] + text[end : end + 1]
    apart = not any(each.isalnum() or each in "-_" for each in around)
    return apart and any(map(str.isdigit, value)) and any(map(str.isalpha, value))


def _drawn(text: str, start: int, end: int) -> bool:
    """Letters of both cases and digits, as a machine draws them: no word, no path, no name of a variable."""
    value = text[start:end]
    return looks_random(value) and _kinds(value) >= 3 and entropy(value) >= _DRAWN_BITS and _told(text, start, end)


def _random_key(text: str, start: int, end: int) -> bool:
    """Not a made-up example: a key holds many different characters."""
    return len(set(text[start:end])) >= 8 and not text[start - 1 : start].isalnum()


def entropy(value: str) -> float:
    """Bits per character of a string, by its own frequencies."""
    counts = Counter(value).values()
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts)


class SecretRecognizer(RuleRecognizer):
    """Everything that opens a door."""

    def spans(self, rule: Rule, pattern: re2._Regexp, text: str) -> Iterator[tuple[int, int]]:
        """The secrets, in an address without the parameters after them."""
        for match in pattern.finditer(text):
            group = match.lastindex or 0 if rule.group else 0
            start, end = match.span(group)
            following = _NEXT_PARAMETER.search(text, start, end)
            end = following.start() if following else end
            if start < end and (rule.check is None or rule.check(text, start, end)):
                yield start, end


def _secret(pattern: str, score: float, check: Check | None = None, trigger: str = "", group: int = 1) -> Rule:
    return Rule(entity="SECRET", pattern=pattern, score=score, check=check, trigger=trigger, group=group)


def secret_recognizer(gate: Gate) -> SecretRecognizer:
    """Keys by their form; passwords and tokens by what stands around them."""
    rules = [
        *(_secret(form, 0.95, _random_key, group=0) for form in _KEY_FORMS),
        _secret(_JWT, 0.95, trigger=r"eyJ[A-Za-z0-9_\-]{8}", group=0),
        _secret(_PRIVATE_KEY, 1.0, trigger=r"PRIVATE KEY", group=0),
        _secret(_CONNECTION, 0.9, _connection_password, r"://[^\s]*:[^\s]{1,}@"),
        _secret(_ORACLE, 0.9, _connection_password),
        _secret(_ASSIGNED, 0.8, _credential_like, _ASSIGNED_TRIGGER),
        _secret(_QUOTED, 0.8, _credential_like, _ASSIGNED_TRIGGER),
        _secret(_IN_TAG, 0.8, _credential_like, rf"(?i){_LONG_NAMES}>"),
        _secret(_ATTRIBUTE, 0.8, _credential_like, r"(?i)value=[\"']"),
        *(_secret(form, 0.8, _credential_like, r"(?i) --?[a-z]") for form in _ON_COMMAND_LINE),
        _secret(_TOLD, 0.8, _told, _TOLD_TRIGGER),
        _secret(_BESIDE, 0.7, _made_up, r"(?i)(?:password|passwd|passcode|passphrase|pwd|pw) "),
        _secret(_CODE_TOLD, 0.7),
        _secret(_CODE_ELSEWHERE, 0.7, standing_alone),
        _secret(_CODE_CHANGED, 0.7),
        Rule(
            entity="SECRET",
            pattern=_RECOVERY_CODE,
            score=0.1,
            with_evidence=0.75,
            evidence=words("recovery code", "backup code", "rescue code"),
            check=_grouped,
        ),
        Rule(
            entity="SECRET",
            pattern=_LICENCE_KEY,
            score=0.1,
            with_evidence=0.7,
            evidence=words(
                "license",
                "licence",
                "license key",
                "licence key",
                "product key",
                "activation",
                "activation key",
                "serial key",
            ),
            check=_grouped,
        ),
        _secret(_PHRASE_TOLD, 0.75, _wordy),
        _secret(_ANSWER_TOLD, 0.7),
        _secret(_JUDGED, 0.7, _credential_like),
        _secret(_PAIR, 0.7, _paired),
        _secret(_SET_APART, 0.7, _made_up),
        _secret(_KEY_BESIDE, 0.7, _drawn),
        _secret(_AS, 0.7, _made_up, r"(?i) as [a-z ]{0,20}(?:pass|pw|api|token)"),
        _secret(_BEARER, 0.9, _credential_like, r"(?i)authorization"),
        _secret(_COOKIE, 0.85, _credential_like, r"(?i)cookie"),
    ]
    return SecretRecognizer("SecretRecognizer", rules, gate)


_ASSIGNED_TRIGGER = r"(?i)(?:pass|pwd|pw|psk|secret|key|token|credential)[^\n]{0,8}[=:]"
_TOLD_TRIGGER = rf"(?i){_WORDS}"


def _connection_password(text: str, start: int, end: int) -> bool:
    """A password in a connection string, unless it is a variable or a stand-in in brackets."""
    value = text[start:end]
    return not (_STANDINS.fullmatch(value) or re.fullmatch(r"\{.*|\[.*|%s", value))
