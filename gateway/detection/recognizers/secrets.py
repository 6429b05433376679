# ruff: noqa: E501 - patterns are clearer in one line
"""Credentials: provider keys, tokens, private keys, connection strings with a password, and assignments of a secret."""

from __future__ import annotations

import math
import re
from collections import Counter

from gateway.detection.rules import Gate, Rule, RuleRecognizer

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
)
_JWT = r"eyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}"
_PRIVATE_KEY = r"(?s)-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:.*?-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----)?"
_CONNECTION = r"(?i)\b[a-z][a-z0-9+.\-]{1,20}://[^\s:/@\"'<>]*:([^\s/@\"'<>]{3,})@[^\s\"'<>]+"
_NAMES = (
    r"(?:[a-z0-9]{1,30}[_\-.]){0,4}(?:pass ?word|passwd|pwd|passphrase|secret(?:[_\- ]?(?:key|access[_\- ]?key|token))?|api[_\- ]?(?:key|token|secret)"
    r"|apikey|access[_\- ]?(?:key|token)|auth[_\- ]?(?:token|key)|client[_\- ]?secret|private[_\- ]?key|encryption[_\- ]?key|signing[_\- ]?key"
    r"|refresh[_\- ]?token|session[_\- ]?token|bearer[_\- ]?token|account[_\- ]?key|shared[_\- ]?access[_\- ]?key|token|passcode)"
)
_ASSIGNED = rf"(?i)\b{_NAMES}[\"']?\]?(?: {{0,3}}(?:=>|:=|=|:) {{0,3}})[\"'`]?([^\s\"'`,;<>(){{}}\[\]]{{6,}})"
_TOLD = r"(?i)\b(?:password|passcode|passphrase|pin code|secret key|api key|access key)(?: for [\w.@ \-]{1,40})? (?:is|was|set to|reset to)[: ]+[\"'`]?([^\s\"'`,;<>(){}]{4,})"
_BEARER = r"(?i)\bauthorization[\"']? ?: ?[\"']?(?:bearer|basic|token) +([A-Za-z0-9_\-.~+/=]{16,})"

_STANDINS = re.compile(
    r"x{3,}|\*{3,}|\.{3,}|\$\{?[\w.]+\}?|%\w+%|<.*>|your[_\-].*|my[_\-]?(?:password|secret|token|key).*|changeme|example.*|placeholder|redacted|none|null|true"
    r"|false|undefined|required|optional|string|str|bytes|secret|password|passwd|token|os\.environ.*|process\.env.*|getenv.*|settings\..*|config\..*|self\..*"
    r"|args\..*|env\..*|request\..*|(?:[a-z]+_)?(?:password|secret|token|key)|input.*|incorrect|invalid|wrong|expired|missing|empty|correct|unknown|too|not",
    re.IGNORECASE,
)
_CODE = re.compile(r"[a-z_]+(?:\.[a-z_]+)+|[a-z]+(?:[A-Z][a-z]+)+|[A-Z][a-z]+|[a-z]+(?:_[a-z]+)*|\d{1,5}|[A-Z_]+")


def _credential_like(text: str, start: int, end: int) -> bool:
    """Not a stand-in, a type, a variable or an ordinary word: something that a person or machine made up."""
    value = text[start:end].rstrip(".,:")
    if len(value) < 4 or _STANDINS.fullmatch(value) or text[end : end + 1] == "(":
        return False
    kinds = sum(bool(re.search(kind, value)) for kind in (r"[a-z]", r"[A-Z]", r"\d", r"[^\w]"))
    return not _CODE.fullmatch(value) and (kinds >= 2 or entropy(value) >= 3.0)


def _told(text: str, start: int, end: int) -> bool:
    """As above, for a sentence: only what holds a digit or a sign counts."""
    value = text[start:end].rstrip(".,:")
    return bool(re.search(r"[\d!@#$%^&*]", value)) and _credential_like(text, start, end)


def _random_key(text: str, start: int, end: int) -> bool:
    """Not a made-up example: a key holds many different characters."""
    return len(set(text[start:end])) >= 8 and not text[start - 1 : start].isalnum()


def entropy(value: str) -> float:
    """Bits per character of a string, by its own frequencies."""
    counts = Counter(value).values()
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts)


def secret_recognizer(gate: Gate) -> RuleRecognizer:
    """Everything that opens a door."""
    rules = [
        *(Rule(entity="SECRET", pattern=form, score=0.95, check=_random_key) for form in _KEY_FORMS),
        Rule(entity="SECRET", pattern=_JWT, score=0.95, trigger=r"eyJ[A-Za-z0-9_\-]{8}"),
        Rule(entity="SECRET", pattern=_PRIVATE_KEY, score=1.0, trigger=r"PRIVATE KEY"),
        Rule(
            entity="SECRET",
            pattern=_CONNECTION,
            score=0.9,
            check=_connection_password,
            trigger=r"://[^\s]*:[^\s]{1,}@",
            group=1,
        ),
        Rule(entity="SECRET", pattern=_ASSIGNED, score=0.8, check=_credential_like, group=1, trigger=_ASSIGNED_TRIGGER),
        Rule(
            entity="SECRET", pattern=_TOLD, score=0.8, check=_told, group=1, trigger=r"(?i)(?:pass|pin|key)[a-z ]{0,60}"
        ),
        Rule(
            entity="SECRET", pattern=_BEARER, score=0.9, check=_credential_like, group=1, trigger=r"(?i)authorization"
        ),
    ]
    return RuleRecognizer("SecretRecognizer", rules, gate)


_ASSIGNED_TRIGGER = r"(?i)(?:pass|pwd|secret|key|token)[^\n]{0,30}[=:]"


def _connection_password(text: str, start: int, end: int) -> bool:
    """A password in a connection string, unless it is a variable or a stand-in in brackets."""
    value = text[start:end]
    return not re.fullmatch(r"\$\{?\w+\}?|<.*|\{.*|\[.*|%s|\*+|x{3,}|\.{3}", value, re.IGNORECASE)
