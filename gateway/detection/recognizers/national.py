# ruff: noqa: E501, RUF001 - a table; some words are not English
"""Numbers that states, banks and makers give out: identity, tax, passport, licence, vehicle, company, account, device.

One row a scheme: what it is called here, its form, its check, its words, and its confidence alone. Where the form and the
check together leave hardly a chance to an order number, it stands alone; any other counts beside its words. Also in the
language of its country: that is how forms name it.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.detection.recognizers import checks
from gateway.detection.recognizers.checks import Valid, any_of, stdnum
from gateway.detection.rules import Check, Gate, Rule, RuleRecognizer, standing_alone, words

_FORM, _RARE, _WEAK = 0.75, 0.5, 0.05
"""A form that nothing else has; one that little else has; one that any number has."""

_BESIDE = 0.85

_Row = tuple[str, str, Valid | None, str, float]
"""Entity, form (RE2, any case), check, words with commas between them, confidence alone."""

_ID = "national id, national identity, identity card, id card, identity number, identification number, personal number, personal identity"
_TAX = "tax id, tax number, tax no, taxpayer, tin, tax identification, tax file"
_TRAVEL = "passport, travel document"
_DRIVE = "driving licence, driving license, driver license, driver licence, driver's license, driver's licence, licence, license, permit"
_PLATE = "license plate, licence plate, number plate, plate, car reg, reg, registration, reg no, registration number, vehicle number, vehicle"
_VAT = "vat, vat id, vat no, vat number, vat reg"
_COMPANY = "company number, company registration, business number, business registration, commercial register, registered, registration number, company identity"
_ACCOUNT = "account, bank, acct, account number, transfer"


_KR_RRN = stdnum("kr.rrn")


def _plate(value: str) -> bool:
    """In capitals or in one piece: "by 10 mins" is no plate."""
    return value.isupper() or " " not in value


def _born(value: str) -> bool:
    """Whether a number begins with a year, a month and a day."""
    return 1 <= int(value[2:4]) <= 12 and 1 <= int(value[4:6]) <= 31


_PEOPLE: tuple[_Row, ...] = (
    ("NATIONAL_ID", r"\d{4} ?\d{6}", stdnum("at.vnr"), f"svnr, sv-nummer, sozialversicherungsnummer, versicherungsnummer, {_ID}", _WEAK),
    ("NATIONAL_ID", r"\d{2}[. ]\d{2}[. ]\d{2}[- ]\d{3}[. ]\d{2}", stdnum("be.ssn"), "rijksregisternummer, registre national, insz, niss", _FORM),
    ("NATIONAL_ID", r"\d{11}", stdnum("be.ssn"), f"rijksregisternummer, rijksregister, registre national, insz, niss, {_ID}", _WEAK),
    ("NATIONAL_ID", r"\d{3}-\d{7}-\d{2}", stdnum("be.eid"), "identiteitskaart, carte d'identité", _RARE),
    ("NATIONAL_ID", r"\d{10}", stdnum("bg.egn"), f"egn, егн, {_ID}", _WEAK),
    ("NATIONAL_ID", r"\d{3}\.\d{3}\.\d{3}-\d{2}", stdnum("br.cpf"), "cpf", _FORM),
    ("NATIONAL_ID", r"\d{9}-?\d{2}", stdnum("br.cpf"), f"cpf, cadastro de pessoas, {_ID}, {_TAX}", _WEAK),
    ("NATIONAL_ID", r"\d{3}[ -]?\d{3}[ -]?\d{3}", stdnum("ca.sin"), "sin, social insurance, nas, assurance sociale", _WEAK),
    ("NATIONAL_ID", r"756\.?\d{4}\.?\d{4}\.?\d{2}", stdnum("ch.ssn"), "ahv, avs, ahv-nr", _FORM),
    ("NATIONAL_ID", r"\d{1,2}\.\d{3}\.\d{3}-[\dkK]", stdnum("cl.rut"), "rut, run", _FORM),
    ("NATIONAL_ID", r"\d{7,8}-?[\dkK]", stdnum("cl.rut"), f"rut, rol único, {_ID}", _WEAK),
    ("NATIONAL_ID", r"\d{17}[\dXx]", stdnum("cn.ric"), "身份证, resident identity", _FORM),
    ("NATIONAL_ID", r"\d{6}/\d{3,4}", stdnum("cz.rc"), "rodné číslo, rodné", _RARE),
    ("NATIONAL_ID", r"\d{9,10}", stdnum("cz.rc"), f"rodné číslo, rodné, {_ID}", _WEAK),
    ("NATIONAL_ID", r"\d{6}-?\d{4}", stdnum("dk.cpr"), f"cpr, cpr-nummer, {_ID}", _WEAK),
    ("NATIONAL_ID", r"\d{2}[0-8]\d[01]\d{3}[A-Z]\d{3}", checks.de_pension, "rentenversicherungsnummer, sozialversicherungsnummer, rvnr, svnr", _FORM),
    ("NATIONAL_ID", r"[CFGHJKLMNPRTVWXYZ0-9]{8}\d{1,2}", checks.de_identity_card, f"personalausweis, ausweisnummer, ausweis, perso, {_ID}", _WEAK),
    ("NATIONAL_ID", r"\d{11}", any_of(stdnum("ee.ik"), stdnum("lt.asmens")), f"isikukood, asmens kodas, {_ID}", _WEAK),
    ("NATIONAL_ID", r"[KLM]?\d{7,8}-?[A-Z]", any_of(stdnum("es.nif"), stdnum("es.dni")), "dni, nif, documento nacional", 0.4),
    ("NATIONAL_ID", r"[XYZ]-?\d{7}-?[A-Z]", stdnum("es.nie"), "nie, extranjero", _FORM),
    ("NATIONAL_ID", r"\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]", checks.fi_hetu, "hetu, henkilötunnus, id code", _FORM),
    ("NATIONAL_ID", r"[12] ?\d{2} ?(?:[0-3]\d|[4-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}", stdnum("fr.nir"), "sécurité sociale, nir, insee, numéro de sécu", _FORM),
    ("NATIONAL_ID", r"\d{11}", stdnum("gr.amka"), f"amka, αμκα, {_ID}", _WEAK),
    ("NATIONAL_ID", r"\d{11}", stdnum("hr.oib"), f"oib, {_ID}, {_TAX}", _WEAK),
    ("NATIONAL_ID", r"[A-Z]{1,2}\d{6}\([0-9A]\)", checks.hong_kong, "hkid, hong kong identity", _FORM),
    ("NATIONAL_ID", r"\d{16}", stdnum("id.nik"), f"nik, ktp, {_ID}", _WEAK),
    ("NATIONAL_ID", r"\d{7}[A-W][A-IW]?", stdnum("ie.pps"), "pps, ppsn, pps number", _WEAK),
    ("NATIONAL_ID", r"\d{8,9}|\d{7}-\d", stdnum("il.idnr"), f"teudat zehut, mispar zehut, תעודת זהות, {_ID}", _WEAK),
    ("NATIONAL_ID", r"[2-9]\d{3}[ :-]?\d{4}[ :-]?\d{4}", stdnum("in_.aadhaar"), "aadhaar, aadhar, uidai, uid, आधार", _WEAK),
    ("NATIONAL_ID", r"[A-Z]{3}\d{7}", None, "voter, epic, election, vote", _WEAK),
    ("NATIONAL_ID", r"\d{6}-?\d{4}", stdnum("is_.kennitala"), f"kennitala, {_ID}", _WEAK),
    ("NATIONAL_ID", r"[A-Z]{6}\d{2}[ABCDEHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", None, "codice fiscale, cf", _FORM),
    ("NATIONAL_ID", r"[A-Z]{2} ?\d{7}|\d{7} ?[A-Z]{2}|[A-Z]{2} ?\d{5} ?[A-Z]{2}", None, "carta d'identità, carta di identità, carta identità", _WEAK),
    ("NATIONAL_ID", r"\d{4}[ -]?\d{4}[ -]?\d{4}", stdnum("jp.in_"), "my number, mynumber, individual number, マイナンバ, 個人番号", _WEAK),
    ("NATIONAL_ID", r"\d{6}-\d{7}", lambda value: _born(value) and (value[7] in "12345678" or _KR_RRN(value)), "rrn, frn, resident registration, 주민등록번호, 외국인등록번호", _RARE),
    ("NATIONAL_ID", r"\d{6}[1-8]\d{6}", _born, f"rrn, frn, resident registration, korean, 주민등록번호, {_ID}", _WEAK),
    ("NATIONAL_ID", r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d", stdnum("mx.curp"), "curp", _FORM),
    ("NATIONAL_ID", r"\d{6}-\d{2}-\d{4}", stdnum("my.nric"), "mykad, nric, ic number", _RARE),
    ("NATIONAL_ID", r"\d{11}", None, "nin, nimc, nigerian", _WEAK),
    ("NATIONAL_ID", r"\d{9}|\d{4}\.\d{2}\.\d{3}", stdnum("nl.bsn"), "bsn, burgerservicenummer, sofinummer", _WEAK),
    ("NATIONAL_ID", r"\d{6} ?\d{5}", stdnum("no.fodselsnummer"), "fødselsnummer, personnummer, fnr", _RARE),
    ("NATIONAL_ID", r"\d{5}-\d{7}-\d", stdnum("pk.cnic"), "cnic, nadra", _RARE),
    ("NATIONAL_ID", r"\d{8}-?\d?", stdnum("pe.cui"), "dni, cui, documento nacional", _WEAK),
    ("NATIONAL_ID", r"\d{11}", stdnum("pl.pesel"), f"pesel, {_ID}", _WEAK),
    ("NATIONAL_ID", r"\d{8} ?\d ?[A-Z]{2}\d", stdnum("pt.cc"), "cartão de cidadão, cartão cidadão", _RARE),
    ("NATIONAL_ID", r"[1-8]\d{12}", stdnum("ro.cnp"), "cnp, cod numeric personal", _RARE),
    ("NATIONAL_ID", r"\d{3}-\d{3}-\d{3}[ -]\d{2}", checks.ru_snils, "снилс, snils", _FORM),
    ("NATIONAL_ID", r"(?:\d{6}|(?:18|19|20)\d{6})[-+]\d{4}|(?:19|20)\d{10}", stdnum("se.personnummer"), "personnummer, pnr, personal identity code", _RARE),
    ("NATIONAL_ID", r"(?:18)?\d{10}", stdnum("se.personnummer"), f"personnummer, pnr, samordningsnummer, {_ID}", _WEAK),
    ("NATIONAL_ID", r"[STFGM]\d{7}[A-Z]", None, "nric, fin, singapore", _RARE),
    ("NATIONAL_ID", r"\d{13}", stdnum("si.emso"), f"emšo, emso, jmbg, {_ID}", _WEAK),
    ("NATIONAL_ID", r"[1-9]-\d{4}-\d{5}-\d{2}-\d", stdnum("th.pin"), "thai id", _FORM),
    ("NATIONAL_ID", r"[1-9]\d{12}", stdnum("th.pin"), f"thai id, บัตรประชาชน, เลขประจำตัวประชาชน, {_ID}", _WEAK),
    ("NATIONAL_ID", r"[1-9]\d{10}", stdnum("tr.tckimlik"), f"tckn, tc kimlik, kimlik, t.c. kimlik, {_ID}", _WEAK),
    ("NATIONAL_ID", r"[A-Z][1289]\d{8}", checks.tw_id, "身分證, taiwan id, national id, identity card", _WEAK),
    ("NATIONAL_ID", r"\d{10}", stdnum("ua.rntrc"), "рнокпп, ідентифікаційний номер, rntrc, ipn", _WEAK),
    ("NATIONAL_ID", r"\d{13}", checks.za_id, "south african, sa id, rsa id, id number, identity number", _RARE),
)  # fmt: skip

_TAXES: tuple[_Row, ...] = (
    ("TAX_ID", r"\d{2}-\d{8}-\d", stdnum("ar.cuit"), "cuit, cuil", _FORM),
    ("TAX_ID", r"\d{11}", stdnum("ar.cuit"), "cuit, cuil", _WEAK),
    ("TAX_ID", r"\d{2}-?\d{3}/?\d{4}", stdnum("at.tin"), "steuernummer, abgabenkontonummer", _WEAK),
    ("TAX_ID", r"\d{3} ?\d{3} ?\d{2,3}", stdnum("au.tfn"), f"tfn, {_TAX}", _WEAK),
    ("TAX_ID", r"\d{3}\.?\d{3}\.?\d{3}-\d", stdnum("co.nit"), "nit", _WEAK),
    ("TAX_ID", r"\d{2} ?\d{3} ?\d{3} ?\d{3}", checks.de_tax, f"steuer-id, steueridentifikationsnummer, idnr, steuer-idnr, identifikationsnummer, {_TAX}", _WEAK),
    ("TAX_ID", r"\d{2,3}/\d{3,4}/\d{4,5}", None, f"steuernummer, steuer-nr, st.-nr, finanzamt, {_TAX}", _WEAK),
    ("TAX_ID", r"(?:0[1-9]|1[0-6])\d{11}", None, "steuernummer, finanzamt, elster", _WEAK),
    ("TAX_ID", r"\d{3}[ -]?\d{3}[ -]?\d{3}", stdnum("eg.tn"), "egyptian tax, tax registration", _WEAK),
    ("TAX_ID", r"[0-3]\d{12}|[0-3]\d(?: \d{2})?(?: \d{3}){3}", stdnum("fr.nif"), "numéro fiscal, spi, nif", _WEAK),
    ("TAX_ID", r"\d{10}", stdnum("gb.utr"), "utr, unique taxpayer, self assessment", _WEAK),
    ("TAX_ID", r"\d{2}\.\d{3}\.\d{3}\.\d-\d{3}\.\d{3}", stdnum("id.npwp"), "npwp", _FORM),
    ("TAX_ID", r"\d{15,16}", stdnum("id.npwp"), "npwp, nomor pokok", _WEAK),
    ("TAX_ID", r"[A-Z]{3}[ABCFGHJLPTND][A-Z]\d{4}[A-Z]", None, "pan, permanent account, income tax", _RARE),
    ("TAX_ID", r"[AP]\d{9}[A-Z]", stdnum("ke.pin"), "kra pin, kra, pin", 0.4),
    ("TAX_ID", r"[A-ZÑ&]{3,4}-?\d{6}-?[A-Z0-9]{3}", stdnum("mx.rfc"), "rfc", _RARE),
    ("TAX_ID", r"\d{2,3}-?\d{3}-?\d{3}|\d{7,8}-\d", stdnum("nz.ird"), "ird, inland revenue", _WEAK),
    ("TAX_ID", r"(?:10|15|16|17|20)\d{9}", stdnum("pe.ruc"), "ruc", _WEAK),
    ("TAX_ID", r"\d{3}-?\d{3}-?\d{3}(?:-?\d{3})?", None, "tin, bir, tax id, taxpayer identification", _WEAK),
    ("TAX_ID", r"\d{3}-?\d{3}-?\d{2}-?\d{2}", stdnum("pl.nip"), "nip, numer identyfikacji podatkowej", _WEAK),
    ("TAX_ID", r"\d{3} ?\d{3} ?\d{3}", stdnum("pt.nif"), "nif, contribuinte, número de contribuinte", _WEAK),
    ("TAX_ID", r"\d{12}|\d{10}", stdnum("ru.inn"), "инн, inn", _WEAK),
    ("TAX_ID", r"\d{10}", stdnum("tr.vkn"), "vkn, vergi kimlik, vergi no", _WEAK),
    ("TAX_ID", r"\d{2}-\d{7}", stdnum("us.ein"), "ein, employer identification, employer id, fein, federal tax", _WEAK),
    ("TAX_ID", r"P-?\d{8}", stdnum("us.ptin"), "ptin, preparer", _WEAK),
    ("TAX_ID", r"[VEJPG]-\d{8}-\d", stdnum("ve.rif"), "rif", _RARE),
    ("TAX_ID", r"\d{10}(?:-\d{3})?", stdnum("vn.mst"), "mst, mã số thuế", _WEAK),
    ("TAX_ID", r"\d{10}", stdnum("za.tin"), f"income tax, sars, {_TAX}", _WEAK),
)  # fmt: skip

_PAPERS: tuple[_Row, ...] = (
    ("PASSPORT", r"[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{7}\d", checks.de_document, f"reisepass, pass-nr, passnummer, {_TRAVEL}", _WEAK),
    ("PASSPORT", r"[A-Z]{3}\d{6}", None, f"pasaporte, {_TRAVEL}", _WEAK),
    ("PASSPORT", r"[A-Z]{2}\d{7}", None, f"passaporto, {_TRAVEL}", _WEAK),
    ("PASSPORT", r"[A-Z]\d{7}", None, _TRAVEL, _WEAK),
    ("PASSPORT", r"[MSRODPG]\d{3}[A-Z]\d{4}", None, f"여권, {_TRAVEL}", _WEAK),
    ("PASSPORT", r"\d{2}[A-Z]{2}\d{5}", None, f"passeport, {_TRAVEL}", _WEAK),
    ("US_PASSPORT", r"[A-Z]\d{8}|\d{9}", None, _TRAVEL, _WEAK),
    ("DRIVER_LICENSE", r"[A-Z]{2}\d{8}[A-Z0-9]", None, f"führerschein, führerscheinnummer, fahrerlaubnis, {_DRIVE}", _WEAK),
    ("DRIVER_LICENSE", r"[A-Z]{2}\d{7}[A-Z]|U1[BCDFGHJKLMNPRSTUWXYZ0-9]{7}[A-Z]", None, f"patente, patente di guida, {_DRIVE}", _WEAK),
    ("DRIVER_LICENSE", r"(?:1[1-9]|2[0-8])[- ]?\d{2}[- ]?\d{6}[- ]?\d{2}", None, f"운전면허, {_DRIVE}", _WEAK),
    ("DRIVER_LICENSE", r"[A-Z9]{5}\d(?:[05][1-9]|[16][0-2])(?:0[1-9]|[12]\d|3[01])\d[A-Z9]{2}[A-Z0-9]{3}", None, "driving licence, dvla", _FORM),
    ("US_DRIVER_LICENSE", r"[A-Z]\d{7,8}|[A-Z]\d{3}-\d{4}-\d{4}|\d{7,9}", None, "driver's license, drivers license, driver license, dl no, dl number, dmv, driver licence, driving license", _WEAK),
)  # fmt: skip

_VEHICLES: tuple[_Row, ...] = (
    ("VEHICLE_REGISTRATION", r"[A-ZÄÖÜ]{1,3}[- ][A-Z]{1,2}[- ]\d{1,4}[EH]?", None, f"kennzeichen, kfz-kennzeichen, nummernschild, {_PLATE}", _WEAK),
    ("VEHICLE_REGISTRATION", r"[A-Z]{2} ?-?\d{1,2} ?[A-Z]{1,3} ?\d{4}", None, _PLATE, _WEAK),
    ("VEHICLE_REGISTRATION", r"[A-HJ-PR-Y][A-HJ-PR-Y](?:0[2-9]|[1-2]\d|5[1-9]|[67]\d)[ -]?[A-HJ-PR-Z]{3}|[A-HJ-NPR-TV-Y]\d{1,3} ?[A-Z]{3}|[A-Z]{3} ?\d{1,3}[A-Z]", None, f"dvla, mot, {_PLATE}", _WEAK),
    ("VEHICLE_REGISTRATION", r"[A-Z]{3}[- ]?\d{3}[- ]?[A-Z]{2}", None, _PLATE, _WEAK),
    ("VEHICLE_REGISTRATION", r"(?:0[1-9]|[1-7]\d|8[01]) ?[A-Z]{1,3} ?\d{2,4}", None, f"plaka, plakası, {_PLATE}", _WEAK),
    ("VEHICLE_REGISTRATION", r"[A-Z]{2}-\d{3}-[A-Z]{2}|\d{4} ?[BCDFGHJKLMNPRSTVWXYZ]{3}|[A-Z]{2} ?\d{3} ?[A-Z]{2}", None, f"immatriculation, matrícula, targa, kenteken, {_PLATE}", _WEAK),
    ("VEHICLE_REGISTRATION", r"[A-HJ-NPR-Z0-9]{17}", checks.vin, "vin, vehicle identification, chassis, vehicle", _WEAK),
)  # fmt: skip

_HEALTH: tuple[_Row, ...] = (
    ("MEDICAL_RECORD_NUMBER", r"[2-6]\d{3} ?\d{5} ?\d", checks.au_medicare, "medicare", _WEAK),
    ("MEDICAL_RECORD_NUMBER", r"9\d{3} ?\d{3} ?\d{3}", stdnum("ca.bc_phn"), "phn, personal health, care card", _WEAK),
    ("MEDICAL_RECORD_NUMBER", r"[A-Z]\d{9}", checks.de_health_insurance, "kvnr, krankenkasse, krankenversicherung, krankenversicherungsnummer, krankenversichertennummer, versichertennummer, egk, gesundheitskarte, egk-nummer", _WEAK),
    ("MEDICAL_LICENSE", r"[12]\d{3}[ -]?\d{3}[ -]?\d{3}", checks.npi, "npi, national provider, provider identifier, provider number, provider id, provider", _WEAK),
    ("MEDICAL_LICENSE", r"\d{9}", checks.de_doctor, "lanr, arztnummer, arzt-nr, vertragsarzt", _WEAK),
    ("MEDICAL_LICENSE", r"\d{9}", None, "bsnr, betriebsstättennummer, betriebsstätte", _WEAK),
)  # fmt: skip

_COMPANIES: tuple[_Row, ...] = (
    ("ORGANIZATION_ID", r"(?:ATU|A ?T ?U|B[EG]|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|S[EIK])[-. ]?[A-Z0-9]{0,2}(?:[-. ]?\d){5,10}[A-Z]{0,2}(?:B\d{2})?", stdnum("eu.vat"), f"ust-idnr, ust-id, umsatzsteuer, mwst, tva, iva, btw, {_VAT}", _RARE),
    ("ORGANIZATION_ID", r"GB ?\d{3} ?\d{4} ?\d{2}", stdnum("gb.vat"), _VAT, _RARE),
    ("ORGANIZATION_ID", r"CHE-?\d{3}\.?\d{3}\.?\d{3}(?: ?(?:MWST|TVA|IVA))?", any_of(stdnum("ch.uid"), stdnum("ch.vat")), _VAT, _FORM),
    ("ORGANIZATION_ID", r"\d{2} ?\d{3} ?\d{3} ?\d{3}", stdnum("au.abn"), f"abn, australian business, {_COMPANY}", _WEAK),
    ("ORGANIZATION_ID", r"\d{3} ?\d{3} ?\d{3}", stdnum("au.acn"), f"acn, australian company, {_COMPANY}", _WEAK),
    ("ORGANIZATION_ID", r"\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}", stdnum("br.cnpj"), "cnpj", _FORM),
    ("ORGANIZATION_ID", r"\d{14}", stdnum("br.cnpj"), "cnpj", _WEAK),
    ("ORGANIZATION_ID", r"\d{5} ?\d{4}(?: ?R[CPTZM] ?\d{4})?", stdnum("ca.bn"), _COMPANY, _WEAK),
    ("ORGANIZATION_ID", r"[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}", stdnum("cn.uscc"), "统一社会信用代码, uscc, social credit", _RARE),
    ("ORGANIZATION_ID", r"HR[AB] ?\d{1,6}", None, "handelsregister, amtsgericht", _FORM),
    ("ORGANIZATION_ID", r"[ABCDEFGHJNPQRSUVW]\d{7}[0-9A-J]", stdnum("es.cif"), "cif, nif", _WEAK),
    ("ORGANIZATION_ID", r"\d{7}-\d", stdnum("fi.ytunnus"), f"y-tunnus, business id, {_COMPANY}", _WEAK),
    ("ORGANIZATION_ID", r"\d{3} ?\d{3} ?\d{3}(?: ?\d{5})?", any_of(stdnum("fr.siren"), stdnum("fr.siret")), "siren, siret, rcs", _WEAK),
    ("ORGANIZATION_ID", r"(?:0[1-9]|[1-2]\d|3[0-8])[A-Z]{5}\d{4}[A-Z][1-9A-Z]Z[0-9A-Z]", None, "gstin, gst", _FORM),
    ("ORGANIZATION_ID", r"\d{11}", stdnum("it.iva"), f"partita iva, p.iva, p. iva, piva, {_VAT}", _WEAK),
    ("ORGANIZATION_ID", r"\d-?\d{4}-?\d{4}-?\d{4}", stdnum("jp.cn"), f"法人番号, corporate number, {_COMPANY}", _WEAK),
    ("ORGANIZATION_ID", r"\d{3}-\d{2}-\d{5}", checks.kr_business, "사업자등록번호, brn", _RARE),
    ("ORGANIZATION_ID", r"\d{10}", checks.kr_business, f"사업자등록번호, brn, {_COMPANY}", _WEAK),
    ("ORGANIZATION_ID", r"\d{3} ?\d{3} ?\d{3}", stdnum("no.orgnr"), f"organisasjonsnummer, org.nr, orgnr, {_COMPANY}", _WEAK),
    ("ORGANIZATION_ID", r"\d{14}|\d{9}", stdnum("pl.regon"), "regon", _WEAK),
    ("ORGANIZATION_ID", r"\d{6}-?\d{4}", stdnum("se.orgnr"), f"organisationsnummer, orgnummer, org.nr, orgnr, företag, {_COMPANY}", _WEAK),
    ("ORGANIZATION_ID", r"\d{8,9}[A-Z]|[RST]\d{2}[A-Z0-9]{2}\d{4}[A-Z]", stdnum("sg.uen"), f"uen, {_COMPANY}", 0.4),
    ("ORGANIZATION_ID", r"\d{8}", stdnum("tw.ubn"), "統一編號, ubn", _WEAK),
    ("ORGANIZATION_ID", r"[A-Z0-9]{18}\d{2}", stdnum("lei"), "lei, legal entity identifier", _RARE),
)  # fmt: skip

_BANKS: tuple[_Row, ...] = (
    ("ACCOUNT_NUMBER", r"\d{22}", stdnum("ar.cbu"), "cbu, clave bancaria", _WEAK),
    ("ACCOUNT_NUMBER", r"\d{2}[ -]\d{5}[ -]\d{5}[ -]\d{5}[ -]\d{5}[ -]\d{5}", stdnum("ch.esr"), "esr", _FORM),
    ("ACCOUNT_NUMBER", r"(?:\d{1,6}-)?\d{2,10}/\d{4}", stdnum("cz.bankaccount"), f"číslo účtu, účet, {_ACCOUNT}", _WEAK),
    ("ACCOUNT_NUMBER", r"\d{4}[ -]\d{4}[ -]\d{2}[ -]\d{10}", stdnum("es.ccc"), "cuenta", _FORM),
    ("ACCOUNT_NUMBER", r"[A-Z]{4}0[A-Z0-9]{6}", None, "ifsc", _WEAK),
    ("ACCOUNT_NUMBER", r"\d{18}", checks.mx_clabe, "clabe, cuenta clabe, cuenta", _WEAK),
    ("ACCOUNT_NUMBER", r"\d{4}[. ]\d{2}[. ]\d{5}", stdnum("no.kontonr"), "kontonummer, konto", _RARE),
    ("ACCOUNT_NUMBER", r"\d{2}-\d{4}-\d{7}-\d{2,3}", stdnum("nz.bankaccount"), "account", _FORM),
    ("ACCOUNT_NUMBER", r"\d{2}-\d{2}-\d{2}", None, "sort code, sortcode", _WEAK),
)  # fmt: skip

_DEVICES: tuple[_Row, ...] = (
    ("DEVICE_ID", r"\d{2}[- ]?\d{6}[- ]?\d{6}[- ]?\d{1,2}", stdnum("imei"), "imei, imei number, handset, device", _WEAK),
    ("DEVICE_ID", r"\d{15}", stdnum("imsi"), "imsi", _WEAK),
    ("DEVICE_ID", r"89\d{17,18}", None, "iccid, sim, sim card", _WEAK),
)  # fmt: skip


def _checked(valid: Valid | None, written: Valid) -> Check:
    def check(text: str, start: int, end: int) -> bool:
        value = text[start:end]
        return standing_alone(text, start, end) and written(value) and (valid is None or valid(value.upper()))

    return check


def _rules(rows: tuple[_Row, ...], written: Valid) -> Iterator[Rule]:
    for entity, form, valid, named, alone in rows:
        yield Rule(
            entity=entity,
            pattern=rf"(?i)\b(?:{form})",
            score=alone,
            with_evidence=max(_BESIDE, alone),
            evidence=words(*named.split(", ")),
            check=_checked(valid, written),
        )


def _anyhow(_value: str) -> bool:
    return True


def national_recognizers(gate: Gate) -> list[RuleRecognizer]:
    """One recogniser for each kind of number, so that a finding says what it was taken for."""
    kinds = (
        ("NationalIdRecognizer", _PEOPLE, _anyhow),
        ("TaxIdRecognizer", _TAXES, _anyhow),
        ("TravelAndLicenceRecognizer", _PAPERS, _anyhow),
        ("VehicleRecognizer", _VEHICLES, _plate),
        ("HealthNumberRecognizer", _HEALTH, _anyhow),
        ("OrganizationIdRecognizer", _COMPANIES, _anyhow),
        ("BankFormatRecognizer", _BANKS, _anyhow),
        ("DeviceIdRecognizer", _DEVICES, _anyhow),
    )
    return [RuleRecognizer(name, list(_rules(rows, written)), gate) for name, rows, written in kinds]
