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

_HEALTH, _LICENCE, _ACCOUNT, _DEVICE = "MEDICAL_RECORD_NUMBER", "MEDICAL_LICENSE", "ACCOUNT_NUMBER", "DEVICE_ID"

SCHEMES: dict[str, Kind] = {
    module: _kind(label, *entities.split())
    for entity_list, rows in {
        _ID: "at.vnr:SVNR be.nn:INSZ be.ssn:INSZ be.eid:identiteitskaart bg.egn:EGN br.cpf:CPF ca.sin:SIN ch.ssn:AHV cl.rut:RUT"
        " cn.ric:身份证 cz.rc:rodné dk.cpr:CPR ee.ik:isikukood es.dni:DNI es.nie:NIE fi.hetu:hetu fr.nir:NIR gr.amka:AMKA hr.oib:OIB"
        " id.nik:NIK il.idnr:mispar_zehut in_.aadhaar:Aadhaar in_.epic:voter is_.kennitala:kennitala jp.in_:マイナンバー kr.rrn:RRN"
        " lt.asmens:asmens_kodas mx.curp:CURP my.nric:MyKad nl.bsn:BSN no.fodselsnummer:fødselsnummer pe.cui:DNI pk.cnic:CNIC"
        " pl.pesel:PESEL pt.cc:cartão_cidadão ro.cnp:CNP se.personnummer:personnummer si.emso:EMŠO sk.rc:rodné th.pin:Thai_ID"
        " tr.tckimlik:TCKN ua.rntrc:РНОКПП za.idnr:SA_ID",
        f"{_TAX} {_ID}": "ar.cuit:CUIT at.tin:Steuernummer au.tfn:TFN co.nit:NIT de.idnr:Steuer-ID de.stnr:Steuernummer eg.tn:tax_registration"
        " fr.nif:NIF gb.utr:UTR id.npwp:NPWP in_.pan:PAN ke.pin:KRA mx.rfc:RFC nz.ird:IRD pe.ruc:RUC pl.nip:NIP pt.nif:NIF ru.inn:ИНН"
        " tr.vkn:VKN us.ein:EIN us.ptin:PTIN ve.rif:RIF vn.mst:MST za.tin:SARS",
        _COMPANY: "au.abn:ABN au.acn:ACN br.cnpj:CNPJ ca.bn:business_number ch.uid:VAT ch.vat:VAT cn.uscc:USCC de.handelsregisternummer:"
        " de.vat:USt-ID es.cif:CIF fi.ytunnus:Y-tunnus fr.siren:SIREN fr.siret:SIRET gb.vat:VAT in_.gstin:GSTIN it.iva:IVA jp.cn:法人番号"
        " kr.brn:BRN no.orgnr:orgnr pl.regon:REGON se.orgnr:orgnr sg.uen:UEN tw.ubn:UBN lei:LEI",
        _HEALTH: "ca.bc_phn:PHN",
        _ACCOUNT: "ar.cbu:CBU ch.esr:ESR cz.bankaccount:účet es.ccc:cuenta no.kontonr:konto nz.bankaccount:account",
        _DEVICE: "imei:IMEI imsi:IMSI",
        "IBAN_CODE": "iban:IBAN be.iban:IBAN es.iban:IBAN no.iban:IBAN me.iban:IBAN",
        "UK_NHS": "gb.nhs:NHS",
        "US_SSN": "us.ssn:SSN",
        "US_ITIN": "us.itin:ITIN",
        "ABA_ROUTING_NUMBER": "us.rtn:routing",
        "CRYPTO": "bitcoin:wallet",
        "MAC_ADDRESS": "mac:MAC",
    }.items()
    for module, _, word in (row.partition(":") for row in rows.split())
    for label, entities in [(word.replace("_", " "), entity_list)]
}

_COMMON = "Any number or code may look so: it is found beside its words, here after its label as on a form."
_LABELLED = "A number after the label that names it is reported whatever its check digit: people mistype, and the label is proof enough."
_CHECKED = "The test switches the check off, or asks for less than the whole check; a wrong number is no finding here."
_POSTCODE = "A postcode alone is the pipeline's to find (`ZIP_CODE`), which is empty here; after a street it is a part of the address."
_GLUED = "Nothing is found within a longer word."
_MACHINE = "The machine itself (loopback), the unspecified address and a malformed prefix or address are nobody's."
_OTHER_KIND = "It is a number of another kind that has the same name here."
_OTHER_SCHEME = "It is a valid number of another scheme."
_SMALL = "A plate in small letters and several parts reads like words."

_DIFFERENT: dict[tuple[str, str], str] = {
    ("au.acn", "not found"): "Written so it is a telephone number of Melbourne too, and reported as one.",
    ("au_acn", "not found"): "Written so it is a telephone number too, and reported as one.",
    ("bitcoin", "not found"): "Presidio's recogniser, which is used here, reads such addresses in small letters.",
    ("ca.sin", "found all the same"): _OTHER_SCHEME + " (Spain's DNI)",
    ("ch.uid", "not found"): "Without its CHE it is any number of nine digits.",
    (
        "date",
        "not found",
    ): "Parts of dates (a day and a month as numbers, a month and a year) are as common as fractions; full time stamps with a zone are the pipeline's.",
    ("de_kfz", "not found"): _SMALL,
    ("de_plz", "not found"): _POSTCODE,
    ("de_vat_id", "not found"): _CHECKED,
    ("fi_personal_identity_code", "not found"): _GLUED,
    ("iban", "found all the same"): "Small letters are read as capitals: people type them.",
    ("in_.gstin", "found all the same"): "The form (a state, a PAN, Z) is telling enough without its check sign.",
    ("in_gstin", "found all the same"): "38 has been the code of Ladakh since 2019.",
    ("in_gstin", "not found"): "A test of a helper: the text is a PAN, and is found as one (`TAX_ID`).",
    (
        "in_pan",
        "not found",
    ): "Presidio's own low-score forms: the fourth letter is no kind of holder, or digits are where letters belong.",
    ("in_passport", "found all the same"): _LABELLED,
    (
        "in_vehicle_registration",
        "not found",
    ): "Series of the army and of diplomats in two to six signs: as short as any code.",
    ("ip", "not found"): _MACHINE,
    ("it_vat_code", "not found"): "An underscore in a number is not how people write it.",
    ("kr.brn", "not found"): "Spaces around the dashes.",
    ("kr_frn", "found all the same"): _OTHER_KIND,
    ("kr_rrn", "found all the same"): _OTHER_KIND,
    ("ph_mobile_number", "found all the same"): "Without country a valid number of the United States as well.",
    ("ph_mobile_number", "not found"): "The second number has no country and no word beside it.",
    ("ph_tin", "found all the same"): _LABELLED,
    ("phone", "not found"): "A number without country and without its words, or one digit after a long sentence.",
    ("se_personnummer", "not found"): _GLUED,
    ("sg_fin", "not found"): "Series A and B are not issued; Presidio gives them its lowest score.",
    ("tr_license_plate", "not found"): _SMALL,
    ("tr_phone_number", "not found"): "A national number without country and without its words.",
    ("uk_postcode", "not found"): _POSTCODE,
    ("uk_vehicle_registration", "not found"): _SMALL,
    ("url", "found all the same"): "Whatever has a scheme is a link, also to a host without an ending.",
    ("url", "not found"): "Two bare hosts in a row: only one has an ending that is well known.",
    ("us_driver_license", "not found"): "Six bare numbers in a row after one label: a list, of which no one is named.",
}


def reason(group: str, outcome: str) -> str:
    """Why a case of a group came out so; empty for what nobody has explained."""
    return _DIFFERENT.get((group, outcome), _COMMON if outcome == "beside its words" else "")
