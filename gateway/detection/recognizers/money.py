# ruff: noqa: E501 - patterns are clearer in one line
"""Money matters: sums that are told as somebody's pay, balance, debt or the like, and how somebody stands without a sum.

These alone say nothing of a person. That such a sum is personal is a relation, which the domain derives.
"""

from __future__ import annotations

import re
from functools import partial

from gateway.detection.rules import Gate, Rule, RuleRecognizer, standing_alone, words
from gateway.domain.labels import FINANCIAL_AMOUNT, FINANCIAL_STANDING

_CODES = (
    r"USD|EUR|GBP|CHF|CAD|AUD|INR|JPY|US\$|Rs\.?|SGD|HKD|NZD|SEK|NOK|DKK|ISK|PLN|CZK|HUF|RON|BGN|TRY|ZAR|NGN|KES|GHS|EGP|MAD|AED|SAR|ILS|BRL|MXN|ARS|CLP|COP"
    r"|CNY|RMB|KRW|TWD|THB|MYR|IDR|PHP|VND|PKR|BDT|LKR|UAH|RUB"
)
_CURRENCY = rf"(?:[$€£¥₹₦₩₺₴₱₫₪]|(?:{_CODES})\b)"
_LETTER = r"\b(?:R\$|RM|R|N|Ksh|GH¢|kr\.?|zł)"
"""What stands before a sum in some countries, and elsewhere means other things."""
_SUM = r"\d{1,3}(?:[,.' ]\d{3}){1,3}(?:[.,]\d{2})?\b|\d+(?:[.,]\d{1,2})?"
_TIMES = r"(?: ?(?:k|m|mn|million|thousand|lakh|crore)\b)?"
_NAMED = r"(?i:dollars|euros?|pounds|francs|rupees|bucks|quid|kronor|kroner|kronen|zloty|zlotys|rand|naira|pesos|reais|lira|yen|yuan|won|shillings|dirhams?)\b"
_MONEY = (
    rf"{_CURRENCY} ?(?:{_SUM}){_TIMES}|{_LETTER} ?(?:{_SUM}){_TIMES}"
    rf"|\b(?:{_SUM})(?:k| ?thousand| ?million)? ?(?:{_CURRENCY}|(?:kr|zł)\b|{_NAMED})"
)
_WRITTEN_SUM = r"\b(?:\d{1,3}(?:[,.' ]\d{3}){1,2}(?:[.,]\d{2})?|\d{2,4}[.,]\d{2}|\d{2,4} ?[kK])\b"
_PLAIN_SUM = rf"{_WRITTEN_SUM}|\b\d{{4,7}}\b"

_PAY = words(
    "salary", "salaries", "wage", "payslip", "paycheck", "paycheque", "net pay", "gross pay", "take home pay", "income", "earn", "earning", "pension",
)  # fmt: skip
_MONEY_MATTERS = words(
    "bonus", "bonuses", "severance", "alimony", "child support", "account balance", "bank balance", "outstanding balance", "balance", "overdraft",
    "overdrawn", "debt", "owe", "owes", "owed", "owing", "loan", "mortgage", "credit limit", "arrears", "net worth", "life savings", "savings of", "savings account", "her savings", "his savings", "retirement savings",
    "monthly payment", "monthly rent", "her rent", "his rent", "their rent", "the rent", "repayment", "instalment", "installment", "wire transfer", "transferred", "direct deposit", "direct debit", "tax refund", "inheritance", "inherited",
    "behind with", "behind on", "past due", "overdue", "late fee", "unpaid", "can't pay", "cannot pay", "could not pay", "did not pay", "unable to pay", "can't afford", "missed payment",
    "payment of", "we did not receive", "bounced", "credit card bill", "hospital bill", "medical bill", "invested", "investment of", "portfolio", "pledged", "gets a raise",
    "day rate", "hourly rate", "base pay", "stock options", "commission", "expense report", "reimbursement", "reimburse", "refund of", "payout", "compensation", "settlement",
    "car allowance", "housing allowance", "travel allowance", "scholarship", "stipend", "tuition", "student loan", "garnishment", "garnish", "maintenance of", "negotiates", "has an offer of",
)  # fmt: skip
_PAID = words(
    "salary", "salaries", "wage", "net pay", "gross pay", "take home pay", "annual income", "monthly income", "income", "earn", "payslip", "base salary",
    "gross monthly", "net monthly", "monthly gross", "monthly net", "alimony", "child support", "garnishment",
)  # fmt: skip
"""What a number without a currency is a sum after, close before it."""
_STATED = words(
    "gross", "net", "commission", "severance", "pension", "balance", "owe", "owes", "owed", "owing", "owe us", "owes us", "debt", "arrears", "mortgage", "loan",
    "savings", "equity", "rent", "tuition", "payment of", "net worth", "credit limit",
)  # fmt: skip
"""The same for a number that is written as a sum: in thousands or with cents."""
_BEFORE_A_SUM = 25
_YEAR = re.compile(r"(?:19|20)\d\d")
_CENTS = re.compile(r"[.,]\d{1,2}(?!\d)")
_THOUSANDS = re.compile(r"\d[km]\b|\b[km]\b|thousand|million|lakh|crore", re.IGNORECASE)

_WHOSE = r"(?:the |his |her |their |my |our |all |some )?"
_STANDINGS = (
    r"(?:filed|files|filing|file) for (?:personal )?(?:bankruptcy|insolvency)|(?:went|gone|goes|going|is|was|declared) bankrupt|(?:personal|private) (?:bankruptcy|insolvency)",
    r"(?:credit|fico|schufa|experian) score:? ?(?:is |was |of |at |only |just |= ?)*\d{3}\b|(?:bad|poor|low|good) credit (?:score|history|rating)",
    rf"(?:behind|late) (?:with|on) {_WHOSE}(?:rent|mortgage|loan|car|credit card|card|tuition|child support|payments?|bills?|instalments?|installments?)\b",
    r"(?:gambling|credit card|tax|student|payday|medical|personal) (?:debts?|loan debts?)|(?:deep(?:ly)?|heavily) in debt|drowning in debt|over-?indebted|in (?:rent |tax )?arrears",
    rf"(?:an |salary |wage |pay )?advance (?:on|of) {_WHOSE}(?:wages?|salary|pay|paycheck|paycheque)|(?:salary|wage|pay) advance",
    rf"garnish(?:es|ed|ing)? {_WHOSE}(?:wages?|salary|pay)|wage garnishment|attachment of earnings|debt collect(?:or|ors|ion)|repossess(?:ed|ion)|foreclos(?:ed|ure)|evict(?:ed|ion) (?:for|over) ",
    rf"(?:loan|mortgage|credit|credit card) (?:app|application|request) (?:\w+ ){{0,3}}(?:declined|denied|rejected|refused|turned down)|insufficient funds|(?:can'?t|cannot|couldn'?t|unable to) (?:pay|afford) {_WHOSE}(?:rent|bills?|mortgage|fees?|tuition|debts?)\b",
    r"not (?:yet )?rec(?:ei|ie)ved? (?:the|his|her|their|your|any|a) (?:\w+ )?(?:payments?|rent|instalments?|installments?)\b|(?:direct debit|cheque|check|payment) (?:has )?bounced",
    r"(?:overdraft|overdrawn|maxed out (?:his|her|their|my) (?:credit )?cards?|living paycheck to paycheck|on (?:welfare|food stamps|universal credit|housing benefit))",
)
"""How somebody stands with money, without a sum."""


def _more_than_pocket_money(text: str, start: int, end: int) -> bool:
    """Three digits before the cents, or thousands in letters: "owes me 5 dollars" says nothing of how somebody stands."""
    value = text[start:end]
    whole = _CENTS.sub("", value)
    return sum(map(str.isdigit, whole)) >= 3 or _THOUSANDS.search(value) is not None


def _no_year(text: str, start: int, end: int) -> bool:
    return standing_alone(text, start, end) and not _YEAR.fullmatch(text, start, end)


def money_recognizer(gate: Gate) -> RuleRecognizer:
    """Sums beside money matters; what says how somebody stands, by itself."""
    a_sum = partial(Rule, entity=FINANCIAL_AMOUNT, score=0.1, with_evidence=0.7)
    rules = [
        a_sum(pattern=_MONEY, evidence=_PAY),
        a_sum(pattern=_PLAIN_SUM, evidence=_PAID, check=_no_year, reach=_BEFORE_A_SUM),
        a_sum(pattern=_WRITTEN_SUM, evidence=_STATED, check=_more_than_pocket_money, reach=_BEFORE_A_SUM),
        a_sum(pattern=_MONEY, evidence=_MONEY_MATTERS, check=_more_than_pocket_money),
        *(Rule(entity=FINANCIAL_STANDING, pattern=rf"(?i)\b(?:{form})", score=0.7) for form in _STANDINGS),
    ]
    return RuleRecognizer("MoneyRecognizer", rules, gate)
