# ruff: noqa: RUF001, E501 - disguised characters and long tables are what this file is about
"""The other recognisers: what they find, and what they leave alone."""

from __future__ import annotations

import pytest

from tests.detection.conftest import Find

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PRIVATE_KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7Zq\nabc=\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    "value",
    ["sk-proj-a1B2c3D4e5F6g7H8i9J0k1L2m3N4", "sk-ant-api03-a1B2c3D4e5F6g7H8i9J0", "AKIAIOSFODNN7EXAMPLE", "ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
     "glpat-a1B2c3D4e5F6g7H8i9J0", "xoxb-123456789012-abcdefGHIJKL", "AIzaSyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q", "sk_live_a1B2c3D4e5F6g7H8i9J0k1L2", JWT, PRIVATE_KEY],
)  # fmt: skip
def test_a_key_is_a_secret(found: Find, value: str) -> None:
    """Provider keys, tokens and private keys are known by their form."""
    assert ("SECRET", value) in found(f"use this: {value}")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("postgres://app:s3cr3tpw@db.internal:5432/claims", "s3cr3tpw"),
        ("password: hunter2!x", "hunter2!x"),
        ('DB_PASSWORD="kZ9#mmQ2"', "kZ9#mmQ2"),
        ('{"client_secret": "a8f3-22bc-99de"}', "a8f3-22bc-99de"),
        ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("my password is Tr0ub4dor&3", "Tr0ub4dor&3"),
        ("Authorization: Bearer a1b2c3d4e5f6g7h8i9j0", "a1b2c3d4e5f6g7h8i9j0"),
        (
            "the secret wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY no longer works",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        ),
        ("jdbc:oracle:thin:scott/t1ger@//db:1521/orcl", "t1ger"),
        ("the PIN for her card is 4821", "4821"),
        ("door code: 7719", "7719"),
        ("Door code of the server room: 8821#", "8821#"),
        ("the safe combination is 32-7-19", "32-7-19"),
        ("PIN for the company phone 902114, PUK 33817264", "33817264"),
        ("your one-time code is 558 201", "558 201"),
        ("we changed the alarm code to 2580", "2580"),
        ("my recovery codes are 7HK2-99QD, M4TX-03PL", "M4TX-03PL"),
        ("the license key = QX3F-77TP-0LMD-AA92", "QX3F-77TP-0LMD-AA92"),
        ("my seed phrase is ripple oven candy salute", "ripple oven candy salute"),
        ("passphrase for the disk: correct otter battery lamp", "correct otter battery lamp"),
        ("the answer to my security question is Rex the labrador", "Rex the labrador"),
        ('is "Liverpool4Ever!" a good password?', "Liverpool4Ever!"),
        ("the admin panel, login root / changeMe-Juniper", "changeMe-Juniper"),
        ("the password's the usual one (Pa55-herring), then restart", "Pa55-herring"),
    ],
)
def test_an_assigned_secret_is_found(found: Find, text: str, secret: str) -> None:
    """The value is the finding, without the name and the quotes."""
    assert ("SECRET", secret) in found(text)


@pytest.mark.parametrize(
    "text",
    ["password = getpass()", "password: str = None", "api_key = os.environ['KEY']", "Enter your password: ", "token = tokens[0]", "The password is incorrect",
     "secret_key=settings.SECRET_KEY", "How do I reset my password in Outlook?", "password=${DB_PASSWORD}", "max_tokens: 4096",
     "pin 13 of the board", "PIN code 110001, New Delhi", "the key org.springframework.boot.autoconfigure.SpringBootApplication", "token AuthenticationTokenProviderFactoryBean",
     "key 550e8400-e29b-41d4-a716-446655440000", "commit key 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
     "a seed phrase is what you need when the wallet is lost", "the login and register pages", "user input/OutputStream", "an access code of 3 digits", "a combination of 12-14 tablets",
     "pin 1 to 4 of the chip", "license 550E8400-E29B-41D4-A716-446655440000", "the password (optional) is hashed", "the lock code at line 120", 'is "password" a good password?',
     "answer to the question is simple", "otp: optional"],
)  # fmt: skip
def test_code_about_secrets_is_no_secret(found: Find, text: str) -> None:
    """Types, variables, stand-ins and sentences."""
    assert [] == [value for entity, value in found(text) if entity == "SECRET"]


@pytest.mark.parametrize(
    "written",
    ["jane.doe@example.com", "j_d+x@mail.example.co.uk", "jane@ex\u200bample.com", "ｊａｎｅ＠example.com", "jane @ example.com", "jane [at] example [dot] com", "JANE@EXAMPLE.COM"],
)  # fmt: skip
def test_a_mailbox_is_found_in_every_writing(found: Find, written: str) -> None:
    """Plain, disguised and spelled out."""
    assert ("EMAIL_ADDRESS", written) in found(f"write to {written} please")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Her salary is $85,000 a year", "$85,000"),
        ("he still owes us 1,250.50 EUR", "1,250.50 EUR"),
        ("Outstanding balance: £ 312.40", "£ 312.40"),
        ("The mortgage of €240.000 was approved", "€240.000"),
        ("CHF 9'500 was transferred", "CHF 9'500"),
        ("a loan of 40k dollars", "40k dollars"),
        ("monthly_income: USD 4200", "USD 4200"),
        ("her wage is $18 an hour", "$18"),
        ("Her debt is 3 million euros", "3 million euros"),
        ("salary: 90,000; grade 4", "90,000"),
        ("he earns 90k", "90k"),
        ("she is behind with her rent, 2.850 euros in all", "2.850 euros"),
        ("they invested $75k with us", "$75k"),
        ("she has an offer of SGD 9,800", "SGD 9,800"),
        ("income R 38 000 a month", "R 38 000"),
        ("average balance ₦4.2m", "₦4.2m"),
        ("still owes 1,275.00 for the term", "1,275.00"),
        ('{"gross_monthly": 6150}', "6150"),
        ("mortgage 210k, funds 95k", "210k"),
    ],
)
def test_a_sum_beside_a_money_matter_is_found(found: Find, text: str, value: str) -> None:
    """Pay, debts, balances: what says how somebody stands."""
    assert ("FINANCIAL_AMOUNT", value) in found(text)


@pytest.mark.parametrize(
    "text",
    ["The jacket costs $40 there", "revenue rose to $3.2 million", "echo $1 $2", "a $5 coffee, 3 pounds of flour", "the balance of 12 trees",
     "how does a mortgage work?", "the debt grew by 40 percent", "loan 4711 of the library",
     "her salary in 2023 was good", "the wage of workers in 1 of 4 countries", "Bob owes me 5 dollars for lunch", "a balance of 3.50 EUR per item", "bonus packs from €12,99 on",
     "the network mask of base 1000", "a fee of $125 to rent the theatre", "R 12 of the list", "net 30 days", "Bob owes 12.50 for lunch"],
)  # fmt: skip
def test_a_price_is_nobodys_finances(found: Find, text: str) -> None:
    """And neither is a matter without a sum, a number without a currency, or pocket money."""
    assert "FINANCIAL_AMOUNT" not in {entity for entity, _ in found(text)}


@pytest.mark.parametrize(
    "text",
    ["filed for bankruptcy", "a credit score of 590", "behind on her mortgage", "gambling debts", "an advance on his wages", "garnish his wages",
     "loan application was declined", "insufficient funds", "is overdrawn", "not received your payment", "direct debit bounced"],
)  # fmt: skip
def test_how_somebody_stands_is_found_without_a_sum(found: Find, text: str) -> None:
    """Whoever is bankrupt or in arrears need not say of how much."""
    assert ("FINANCIAL_STANDING", text.removeprefix("is ").removeprefix("a ")) in found(f"We hear: {text} since May")


@pytest.mark.parametrize(
    "text",
    ["the score is 590", "the project is behind on its milestones", "technical debts pile up", "in advance of the meeting", "the application was declined", "a bankrupt idea"],
)  # fmt: skip
def test_other_arrears_are_nobodys_finances(found: Find, text: str) -> None:
    """The same words of things."""
    assert "FINANCIAL_STANDING" not in {entity for entity, _ in found(text)}


@pytest.mark.parametrize("text", ["logo@2x.png", "git@github.com:org/repo.git", "@decorator", "react@18.2.0", "a @ b"])
def test_other_signs_are_no_mailbox(found: Find, text: str) -> None:
    """Image names, repositories, decorators and packages."""
    assert "EMAIL_ADDRESS" not in [entity for entity, _ in found(text)]


@pytest.mark.parametrize(
    "written",
    [
        "(212) 555-0123",
        "212-555-0123",
        "+49 30 901820",
        "+44 20 7946 0958",
        "001-212-555-0123x12",
        "+1 (415) 555\u20112671",
    ],
)
def test_a_formatted_phone_number_stands_alone(found: Find, written: str) -> None:
    """Country codes, brackets and groups tell."""
    assert ("PHONE_NUMBER", written) in found(f"It is {written}.")


@pytest.mark.parametrize(
    "text", ["call me on 6502530000", "Phone:\n467 3395", "mobile 07700 900123", "call Sarah at 555-0142"]
)
def test_a_bare_phone_number_needs_evidence(found: Find, text: str) -> None:
    """Digits alone are a telephone number when the text says so."""
    assert ["PHONE_NUMBER"] == [entity for entity, _ in found(text)]


@pytest.mark.parametrize(
    "text",
    ["id 6502530000", "1700000000", "3.141592653589793", "2021-05-06 10:11", "version 10.2.13.4", "obj.to(123)", "self.model.to(device)", "192.168.1", "np.int64(7)",
     "550e8400-e29b-41d4-a716-446655440000", "9f86d081884c7d659a2feaa0c55ad015", "x = 12345678", "l[::3]", "0.0.0.0", "127.0.0.1:8080", "part 555-0142", "call it 100-2000 times"],
)  # fmt: skip
def test_technical_numbers_are_left_alone(found: Find, text: str) -> None:
    """Ids, epochs, versions, hashes, floats and code."""
    assert [] == found(text) or {"DATE_TIME"} == {entity for entity, _ in found(text)}


@pytest.mark.parametrize(
    ("text", "entity", "value"),
    [
        ("connected from 203.0.113.7 today", "IP_ADDRESS", "203.0.113.7"),
        ("host 2001:db8:85a3::8a2e:370:7334 up", "IP_ADDRESS", "2001:db8:85a3::8a2e:370:7334"),
        ("see https://example.com/a?b=1.", "URL", "https://example.com/a?b=1"),
        ("MRN: 4432211", "MEDICAL_RECORD_NUMBER", "4432211"),
        ("Member ID W123456789", "MEDICAL_RECORD_NUMBER", "W123456789"),
        ("patient number A-99812", "MEDICAL_RECORD_NUMBER", "A-99812"),
        ("account number 000123456789", "ACCOUNT_NUMBER", "000123456789"),
        ("Acct #: 55-1234-9987", "ACCOUNT_NUMBER", "55-1234-9987"),
        ("driver's license D1234567", "US_DRIVER_LICENSE", "D1234567"),
        ("passport number 533380006", "US_PASSPORT", "533380006"),
        ("diagnosed with type 2 diabetes", "MEDICAL_CONDITION", "type 2 diabetes"),
        ("takes metformin daily", "MEDICAL_CONDITION", "metformin"),
        ("diagnosis F32.1", "MEDICAL_CONDITION", "F32.1"),
        ("patient has a fever", "MEDICAL_CONDITION", "fever"),
        ("the cvv is 123", "ACCOUNT_NUMBER", "123"),
        ("her employee id is E-40921", "PERSON_ID", "E-40921"),
        ("student number: 20231189", "PERSON_ID", "20231189"),
        ("IMEI 490154203237518", "DEVICE_ID", "490154203237518"),
        ("born on 3 March 1980", "DATE_TIME", "3 March 1980"),
        ("a 45-year-old", "AGE", "45"),
        (
            "lives at 12 Elm Street, Apt 4, Springfield, IL 62701 now",
            "STREET_ADDRESS",
            "12 Elm Street, Apt 4, Springfield, IL 62701",
        ),
        ("NHS number 943 476 5919", "UK_NHS", "943 476 5919"),
        ("wallet 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "CRYPTO", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
        ("nino AB123456C", "UK_NINO", "AB123456C"),
        ("Jane Doe called", "PERSON", "Jane Doe"),
        ("at Acme Corp today", "ORGANIZATION", "Acme Corp"),
    ],
)
def test_each_kind_is_found(found: Find, text: str, entity: str, value: str) -> None:
    """One plain example of each entity."""
    assert (entity, value) in found(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("her blood pressure is fine", "blood pressure"),
        ("BP 150/95 at noon", "BP 150/95"),
        ("a glucose of 180 mg/dL", "180 mg/dL"),
        ("PSA is 7.1", "PSA is 7.1"),
        ("a temperature of 39.4 °C", "temperature of 39.4 °C"),
        ("she is 12 weeks pregnant", "pregnant"),
        ("he sees a therapist", "therapist"),
        ("the knee surgery is on Tuesday", "knee surgery"),
        ("she broke her left arm", "broke her left arm"),
        ("recovering from a stroke", "stroke"),
        ("she has been feeling depressed", "depressed"),
        ("the driver failed the eye test", "eye test"),
        ("he tested positive this morning", "tested positive"),
        ("still wetting the bed", "wetting the bed"),
        ("the baby is in the NICU", "NICU"),
        ("they kept him in hospital", "him in hospital"),
        ("she is 28 weeks along", "28 weeks along"),
        ("since he had his leg amputated", "had his leg amputated"),
        ("she weighs 49 kg now", "she weighs 49 kg"),
        ("he cut his finger on the slicer", "cut his finger"),
        ("she got stitches", "got stitches"),
        ("can't lift anything above the shoulder", "can't lift anything"),
        ("back from maternity leave", "maternity leave"),
        ("he is newly sober", "newly sober"),
        ("needs help with washing", "needs help with washing"),
        ("a slipped disc", "slipped disc"),
    ],
)
def test_what_everybody_says_of_health_is_found(found: Find, text: str, value: str) -> None:
    """Not only what a doctor writes."""
    assert ("MEDICAL_CONDITION", value) in found(text)


@pytest.mark.parametrize(
    "text",
    ["the strokes of a pen", "a seizure of assets", "the Great Depression of 1929", "HR is on floor 3", "room temperature 21 C",
     "functions without side effects", "a chronic bug in the scheduler", "pressure 180 psi", "a GPU with 24 GB", "the sales operation",
     "the parcel weighs 49 kg", "the scarf took 900 stitches", "works at the hospital", "a cut in the budget", "two weeks along the coast", "the router cannot lift the limit"],
)  # fmt: skip
def test_other_matters_are_no_health_content(found: Find, text: str) -> None:
    """Words that mean other things as often."""
    assert "MEDICAL_CONDITION" not in {entity for entity, _ in found(text)}


@pytest.mark.parametrize(
    "text",
    ["9434765919", "shelf F32.1 in hall B", "a brush stroke and a fever dream", "the account 2023", "policy 12"],
)
def test_weak_forms_need_their_words(found: Find, text: str) -> None:
    """A checksum that one number in ten passes, a code, an everyday word and a short number say nothing alone."""
    assert [] == found(text)


@pytest.mark.parametrize(
    "address",
    [
        "12 Elm Street, Apt 4, Springfield, IL 62701",
        "12 Elm Street\n Suite 501\n Springfield\n\n 62701",
        "742 Oak Avenue #9 Springfield 62701-1234",
        "P.O. Box 1234, Springfield",
    ],
)
def test_the_lines_of_an_address_are_one_value(found: Find, address: str) -> None:
    """Number, street, flat, town and postcode belong together."""
    assert [("STREET_ADDRESS", address)] == found(f"Send it to {address} please")


@pytest.mark.parametrize(
    ("value", "key", "entity"),
    [
        ("W123456789", "memberId", "MEDICAL_RECORD_NUMBER"),
        ("443221", "mrn", "MEDICAL_RECORD_NUMBER"),
        ("000123456789", "account_number", "ACCOUNT_NUMBER"),
        ("4222222222222", "creditCardNumber", "CREDIT_CARD"),
        ("kZ9#mmQ2", "clientSecret", "SECRET"),
        ("467 3395", "phone", "PHONE_NUMBER"),
    ],
)
def test_a_key_labels_its_value(found: Find, value: str, key: str, entity: str) -> None:
    """The key above a value in a JSON argument does what a label does in a text."""
    assert [(entity, value)] == found(value, "record", key)
    assert (entity, value) in found(f'{{"{key}": "{value}"}}')


@pytest.mark.parametrize(
    ("value", "key"), [("4096", "max_tokens"), ("true", "password"), ("ssn", "ssn"), ("0.7", "mrn")]
)
def test_a_key_alone_is_no_finding(found: Find, value: str, key: str) -> None:
    """Nothing is found in the key itself, nor in a setting."""
    assert [] == found(value, key)


def test_an_address_ends_where_a_phone_number_begins(found: Find) -> None:
    """The next line is not taken for a postcode."""
    text = "12 Elm Street, Springfield, IL 62701\n212-555-0123"

    assert {("STREET_ADDRESS", "12 Elm Street, Springfield, IL 62701"), ("PHONE_NUMBER", "212-555-0123")} == set(
        found(text)
    )
