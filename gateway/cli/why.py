"""Why each recogniser believes what it finds, in one sentence for people."""

from __future__ import annotations

from collections.abc import Mapping

WHY: Mapping[str, str] = {
    "SpacyRecognizer": "the names pipeline reads it so in its sentence; the score is its probability",
    "GrammarRecognizer": "it is written as dates, ages, addresses, titles, jobs or nations are",
    "ColumnRecognizer": "the head of its column says what it is",
    "ConsistencyRecognizer": "another text of the conversation, or another place in this one, says whose it is",
    "LanguageRecognizer": "no pipeline here reads the language of this stretch",
    "CardRecognizer": "a card network's range and length, with the right check digit",
    "IbanRecognizer": "a country's IBAN form, with the right check digits",
    "CryptoRecognizer": "the form of a wallet's address, with the right checksum",
    "AbaRoutingRecognizer": "a routing number with the right check digit, beside words that speak of a bank",
    "BankFormatRecognizer": "a country's account format, beside words that speak of an account",
    "RecordNumberRecognizer": "a label before it says whose number it is",
    "MoneyRecognizer": "a word beside a sum tells it as pay, a debt or the like, or a phrase says how somebody stands",
    "SsnRecognizer": "the form of a social security number that can have been issued, or words that announce one",
    "UsItinRecognizer": "the form of a US taxpayer number, beside words that announce one",
    "UsMbiRecognizer": "the form of a Medicare number, or words that announce one",
    "NhsRecognizer": "an NHS number with the right check digit",
    "UkNinoRecognizer": "the form of a UK national insurance number",
    "NationalIdRecognizer": "a country's identity number, with its check digits or beside words that announce it",
    "TaxIdRecognizer": "a country's tax number, with its check digits or beside words that announce it",
    "TravelAndLicenceRecognizer": "the form of a passport or licence, beside words that announce it",
    "VehicleRecognizer": "the form of a vehicle's number, beside words that announce it",
    "OrganizationIdRecognizer": "a company's number, with its check digits or beside words that announce it",
    "DeviceIdRecognizer": "a device's number, with its check digit or beside words that announce it",
    "MacAddressRecognizer": "the form of a network card's address",
    "HealthNumberRecognizer": "a health system's number, with its check digits or beside words that announce it",
    "MedicalLicenseRecognizer": "a US medical certificate number with the right check digit",
    "HealthRecognizer": "a word or phrase for a condition, drug or treatment",
    "EmailRecognizer": "the form of an e-mail address, also spelled out",
    "PhoneRecognizer": "a number that some country assigns, in a telephone's form or beside words that announce it",
    "IpRecognizer": "an address of a host in a network",
    "LinkRecognizer": "the form of a link",
    "SecretRecognizer": "the form of a provider's key, or a value that is assigned to a secret",
    "TermsDetector": "a term of the policy's list",
    "PatternDetector": "a pattern of the policy",
    "ExactMatchDetector": "values of one row of the policy's index",
    "FingerprintDetector": "a passage of a document in the policy's index",
}


def why(recognizer: str) -> str:
    """The sentence; for a recogniser that somebody added, that its own rules say so."""
    return WHY.get(recognizer, "its own rules say so")
