# ruff: noqa: E501 - a table
"""What Presidio's test files and python-stdnum's modules are about, in this product's words, and why some cases differ."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """The entities that a value may be reported as, and the label that a form would put before it."""

    entities: frozenset[str]
    label: str


def _kind(label: str, *entities: str) -> Kind:
    return Kind(frozenset(entities), label)


_ID, _TAX, _COMPANY = "NATIONAL_ID", "TAX_ID", "ORGANIZATION_ID"
_PASSPORTS = ("PASSPORT", "US_PASSPORT")
_LICENCES = ("DRIVER_LICENSE", "US_DRIVER_LICENSE")

OF_NAMES = frozenset({"spacy", "stanza", "transformers", "huggingface_ner"})
OF_NO_TEXT = frozenset({"recognizer_result", "pattern"})

KINDS: dict[str, Kind] = {
    "aba_routing": _kind("routing number", "ABA_ROUTING_NUMBER"),
    "au_abn": _kind("ABN", _COMPANY),
    "au_acn": _kind("ACN", _COMPANY),
    "au_medicare": _kind("Medicare", "MEDICAL_RECORD_NUMBER"),
    "au_tfn": _kind("TFN", _TAX),
    "ca_sin": _kind("SIN", _ID),
    "certificate_number": _kind("DEA number", "MEDICAL_LICENSE"),
    "credit_card": _kind("card", "CREDIT_CARD"),
    "crypto": _kind("wallet", "CRYPTO"),
    "date": _kind("date", "DATE_TIME"),
    "de_bsnr": _kind("BSNR", "MEDICAL_LICENSE"),
    "de_fuehrerschein": _kind("Führerschein", *_LICENCES),
    "de_handelsregister": _kind("Handelsregister", _COMPANY),
    "de_health_insurance": _kind("KVNR", "MEDICAL_RECORD_NUMBER"),
    "de_id_card": _kind("Personalausweis", _ID),
    "de_kfz": _kind("Kennzeichen", "VEHICLE_REGISTRATION"),
    "de_lanr": _kind("LANR", "MEDICAL_LICENSE"),
    "de_passport": _kind("Reisepass", *_PASSPORTS),
    "de_plz": _kind("PLZ", "ZIP_CODE", "STREET_ADDRESS"),
    "de_social_security": _kind("RVNR", _ID),
    "de_tax_id": _kind("Steuer-ID", _TAX, _ID),
    "de_tax_number": _kind("Steuernummer", _TAX),
    "de_vat_id": _kind("USt-IdNr", _COMPANY),
    "email": _kind("e-mail", "EMAIL_ADDRESS"),
    "es_nie": _kind("NIE", _ID),
    "es_nif": _kind("NIF", _ID),
    "es_passport": _kind("pasaporte", *_PASSPORTS),
    "fi_personal_identity_code": _kind("hetu", _ID),
    "iban": _kind("IBAN", "IBAN_CODE"),
    "in_aadhaar": _kind("Aadhaar", _ID),
    "in_gstin": _kind("GSTIN", _COMPANY),
    "in_pan": _kind("PAN", _TAX, _ID),
    "in_passport": _kind("passport", *_PASSPORTS),
    "in_vehicle_registration": _kind("vehicle", "VEHICLE_REGISTRATION"),
    "in_voter": _kind("voter", _ID),
    "ip": _kind("IP", "IP_ADDRESS"),
    "it_driver_license": _kind("patente", *_LICENCES),
    "it_fiscal_code": _kind("codice fiscale", _ID),
    "it_identity_card": _kind("carta d'identità", _ID),
    "it_passport": _kind("passaporto", *_PASSPORTS),
    "it_vat_code": _kind("partita IVA", _COMPANY),
    "kr_brn": _kind("BRN", _COMPANY),
    "kr_driver_license": _kind("driving licence", *_LICENCES),
    "kr_frn": _kind("FRN", _ID),
    "kr_passport": _kind("passport", *_PASSPORTS),
    "kr_rrn": _kind("RRN", _ID),
    "mac": _kind("MAC", "MAC_ADDRESS"),
    "ng_nin": _kind("NIN", _ID),
    "ng_vehicle_registration": _kind("plate", "VEHICLE_REGISTRATION"),
    "ph_mobile_number": _kind("mobile", "PHONE_NUMBER"),
    "ph_tin": _kind("TIN", _TAX, _ID),
    "phone": _kind("phone", "PHONE_NUMBER"),
    "pl_pesel": _kind("PESEL", _ID),
    "se_organisationsnummer": _kind("organisationsnummer", _COMPANY, _ID),
    "se_personnummer": _kind("personnummer", _ID),
    "sg_fin": _kind("NRIC", _ID),
    "sg_uen": _kind("UEN", _COMPANY),
    "th_tnin": _kind("Thai ID", _ID),
    "tr_license_plate": _kind("plaka", "VEHICLE_REGISTRATION"),
    "tr_national_id": _kind("TCKN", _ID),
    "tr_phone_number": _kind("telefon", "PHONE_NUMBER"),
    "uk_driving_licence": _kind("driving licence", *_LICENCES),
    "uk_nhs": _kind("NHS number", "UK_NHS"),
    "uk_nino": _kind("NINO", "UK_NINO"),
    "uk_passport": _kind("passport", *_PASSPORTS),
    "uk_postcode": _kind("postcode", "ZIP_CODE", "STREET_ADDRESS"),
    "uk_vehicle_registration": _kind("plate", "VEHICLE_REGISTRATION"),
    "url": _kind("link", "URL"),
    "us_bank": _kind("bank account", "US_BANK_NUMBER", "ACCOUNT_NUMBER"),
    "us_driver_license": _kind("driver license", *_LICENCES),
    "us_itin": _kind("ITIN", "US_ITIN", "US_SSN"),
    "us_mbi": _kind("MBI", "US_MBI"),
    "us_npi": _kind("NPI", "MEDICAL_LICENSE"),
    "us_passport": _kind("passport", *_PASSPORTS),
    "us_ssn": _kind("SSN", "US_SSN"),
    "za_id_number": _kind("South African ID", _ID),
}

SCHEMES: dict[str, Kind] = {}
REASONS: dict[tuple[str, str], str] = {}
