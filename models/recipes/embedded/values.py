"""Values that fill the templates: people, dates, amounts, codes. Training and evaluation draw from separate pools."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from datetime import date, timedelta

from faker import Faker

_LOCALES = ("en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pl_PL", "en_IN", "sv_SE", "tr_TR", "pt_BR")
_POOL = 1500

_SYMPTOMS = """chest pain;a persistent cough;shortness of breath;severe headache;dizziness;lower back pain;abdominal pain
nausea and vomiting;a skin rash;fever and chills;fatigue;palpitations;knee pain;a sore throat;numbness in the left hand;blurred vision
swollen ankles;weight loss;insomnia;joint stiffness;ear pain;heartburn;night sweats;hair loss;a burning sensation when urinating
tremor;memory problems;neck pain;shoulder pain;diarrhoea;constipation;nosebleeds;a lump in the breast;wheezing;double vision
muscle cramps;loss of appetite;an itchy scalp;hoarseness;tooth ache;anxiety;low mood;a swollen knee;bloody stool;dry eyes"""
_DIAGNOSES = """type 2 diabetes;hypertension;asthma;pneumonia;migraine;atrial fibrillation;depression;hypothyroidism;eczema
psoriasis;osteoarthritis;rheumatoid arthritis;breast cancer;lung cancer;prostate cancer;COPD;heart failure;coronary artery disease
epilepsy;multiple sclerosis;Parkinson's disease;appendicitis;gastritis;gallstones;kidney stones;urinary tract infection;anaemia
hepatitis B;HIV;tuberculosis;gout;glaucoma;cataract;sinusitis;bronchitis;otitis media;bipolar disorder;anxiety disorder
Crohn's disease;ulcerative colitis;celiac disease;deep vein thrombosis;pulmonary embolism;stroke;a herniated disc;carpal tunnel syndrome
chronic kidney disease;liver cirrhosis;leukaemia;lymphoma;melanoma;osteoporosis;fibromyalgia;sleep apnoea;pancreatitis;Lyme disease"""
_DRUGS = """metformin;lisinopril;ibuprofen;paracetamol;amoxicillin;atorvastatin;omeprazole;sertraline;levothyroxine;amlodipine
salbutamol;prednisone;warfarin;insulin glargine;aspirin;furosemide;gabapentin;citalopram;fluoxetine;tramadol;morphine;bisoprolol
ramipril;simvastatin;pantoprazole;doxycycline;ciprofloxacin;apixaban;clopidogrel;methotrexate;lithium;diazepam;allopurinol
losartan;montelukast;cetirizine;naproxen;tamoxifen;spironolactone;venlafaxine;quetiapine;carbamazepine;azithromycin;folic acid"""
_ALLERGENS = "penicillin;peanuts;latex;pollen;bee stings;shellfish;aspirin;house dust;nuts;sulfa drugs;eggs;cat hair;iodine;milk;nickel"
_PRODUCTS = """laptop;vacuum cleaner;coffee machine;washing machine;headset;phone;office chair;printer;bicycle;drill;blender
television;camera;dishwasher;keyboard;monitor;router;smart watch;toaster;hair dryer;sofa;lamp;tent;backpack;kettle;tablet;scooter
fridge;lawn mower;heater;microwave;speaker;mattress;desk;electric toothbrush;baby monitor;sewing machine;guitar;oven;jacket;shoes"""
_DEPARTMENTS = """accounting;human resources;IT;marketing;sales;customer service;legal;logistics;cardiology;radiology;surgery
purchasing;research;compliance;quality;security;paediatrics;finance;operations;engineering;oncology;claims;facilities"""
_PRIORITIES = "high;low;medium;urgent;critical;normal;P1;P2;P3;minor;major"
_STATUSES = "open;closed;pending;in progress;approved;rejected;on hold;resolved;shipped;cancelled;under review;waiting"
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def _listed(text: str) -> list[str]:
    return [item.strip() for line in text.splitlines() for item in line.split(";") if item.strip()]


class Values:
    """Draws values by kind. `held_out` selects the pool of names, firms and places that training never sees."""

    def __init__(self, rng: random.Random, *, held_out: bool) -> None:
        self.rng = rng
        self._pools = _pools(held_out=held_out)
        self.kinds: dict[str, Callable[[], str]] = {
            "name": self.name, "patient": self.name, "manager": self.name, "doctor": self.doctor, "birthdate": self.date,
            "date": self.date, "appointment": self.date, "amount": self.amount, "code": self.code, "digits": self.digits,
            "iban": self.iban, "card": self.card, "phone": self.phone, "email": self.email, "address": self.address,
            "city": lambda: self.pool("city"), "company": lambda: self.pool("company"), "job": lambda: self.pool("job"),
            "country": lambda: self.pool("country"), "noun": lambda: self.pool("word"), "word": lambda: self.pool("word"),
            "product": lambda: rng.choice(_listed(_PRODUCTS)), "diagnosis": lambda: rng.choice(_listed(_DIAGNOSES)),
            "symptom": lambda: rng.choice(_listed(_SYMPTOMS)), "drug": lambda: rng.choice(_listed(_DRUGS)),
            "dose": self.dose, "allergen": lambda: rng.choice(_listed(_ALLERGENS)), "ssn": self.ssn,
            "pressure": lambda: f"{rng.randint(95, 190)}/{rng.randint(55, 115)}", "age": lambda: str(rng.randint(18, 97)),
            "room": self.room, "department": lambda: rng.choice(_listed(_DEPARTMENTS)),
            "priority": lambda: rng.choice(_listed(_PRIORITIES)), "status": lambda: rng.choice(_listed(_STATUSES)),
            "time": self.time, "quantity": lambda: str(rng.randint(2, 400)), "n": lambda: str(rng.randint(2, 60)),
            "year": lambda: str(rng.randint(1950, 2026)), "mixed": self.mixed,
        }  # fmt: skip

    def draw(self, kind: str) -> str:
        """Return one value of `kind`; KeyError for an unknown kind."""
        return self.kinds[kind]()

    def pool(self, name: str) -> str:
        return self.rng.choice(self._pools[name])

    def name(self) -> str:
        """A person's name: two or three words, sometimes with a title or an initial."""
        first, last = self.pool("first"), self.pool("last")
        roll = self.rng.random()
        if roll < 0.07:
            return f"{first} {self.rng.choice(string.ascii_uppercase)}. {last}"
        if roll < 0.12:
            return f"{last}, {first}"
        if roll < 0.16:
            return f"{first} {last}-{self.pool('last')}"
        return first if roll > 0.98 else f"{first} {last}"

    def doctor(self) -> str:
        return self.rng.choice(("Dr. ", "Dr ", "Prof. ", "Dr. ")) + self.rng.choice((self.pool("last"), self.name()))

    def date(self) -> str:
        """A date between 1935 and 2030 in one of many written forms."""
        day = date(1935, 1, 1) + timedelta(days=self.rng.randint(0, 34_000))
        if self.rng.random() < 0.6:
            day = date(2019, 1, 1) + timedelta(days=self.rng.randint(0, 3_400))
        month = _MONTHS[day.month - 1]
        forms = (
            day.isoformat(), f"{day.month:02d}/{day.day:02d}/{day.year}", f"{day.day:02d}.{day.month:02d}.{day.year}",
            f"{month} {day.day}, {day.year}", f"{day.day} {month} {day.year}", f"{day.day} {month[:3]} {day.year}",
            f"{day.month}/{day.day}/{day.year % 100:02d}", f"{day.day}.{day.month}.{day.year}", f"{month} {day.day}",
            f"{day.day:02d}-{month[:3]}-{day.year}", f"{day.day}/{day.month}/{day.year}", f"{day.day} {month}",
        )  # fmt: skip
        return self.rng.choice(forms)

    def amount(self) -> str:
        value = self.rng.choice((self.rng.uniform(3, 900), self.rng.uniform(900, 90_000)))
        text = self.rng.choice((f"{value:.2f}", f"{value:,.2f}", f"{value:,.0f}", f"{value:.0f}"))
        return self.rng.choice(
            ("${}", "€{}", "£{}", "{} EUR", "{} USD", "EUR {}", "{} euros", "${}", "{} dollars", "USD {}")
        ).format(text)

    def code(self) -> str:
        """A reference such as INV-20311, A7-QX92, 2024/311."""
        letters = "".join(self.rng.choices(string.ascii_uppercase, k=self.rng.randint(1, 4)))
        number = "".join(self.rng.choices(string.digits, k=self.rng.randint(3, 8)))
        mixed = "".join(self.rng.choices(string.ascii_uppercase + string.digits, k=self.rng.randint(5, 10)))
        joint = self.rng.choice(("-", "", "/", "-", ""))
        return self.rng.choice(
            (f"{letters}{joint}{number}", f"{letters}{joint}{number}", mixed, number, f"{number[:3]}-{mixed[:5]}")
        )

    def digits(self) -> str:
        return "".join(self.rng.choices(string.digits, k=self.rng.randint(5, 12)))

    def iban(self) -> str:
        """The shape of an IBAN, in groups or not; check digits are not computed."""
        head = self.rng.choice(("DE", "FR", "GB", "ES", "IT", "NL", "CH", "AT", "PL")) + "".join(
            self.rng.choices(string.digits, k=2)
        )
        tail = "".join(self.rng.choices(string.digits, k=self.rng.choice((14, 18, 20))))
        whole = head + tail
        return " ".join(whole[i : i + 4] for i in range(0, len(whole), 4)) if self.rng.random() < 0.5 else whole

    def card(self) -> str:
        groups = ["".join(self.rng.choices(string.digits, k=4)) for _ in range(4)]
        groups[0] = self.rng.choice("45") + groups[0][1:]
        return self.rng.choice((" ", "-", "", " ")).join(groups)

    def ssn(self) -> str:
        return f"{self.rng.randint(100, 899)}-{self.rng.randint(10, 99)}-{self.rng.randint(1000, 9999)}"

    def phone(self) -> str:
        d = ["".join(self.rng.choices(string.digits, k=k)) for k in (3, 3, 4, 2)]
        forms = (
            "({0}) {1}-{2}",
            "{0}-{1}-{2}",
            "+1 {0} {1} {2}",
            "0{3}{0} {2}{1}",
            "+49 {0} {2}{1}",
            "{0}.{1}.{2}",
            "+44 20 {2} {2}",
        )
        return self.rng.choice(forms).format(*d)

    def email(self) -> str:
        first, last = self.pool("first").lower().replace(" ", ""), self.pool("last").lower().replace(" ", "")
        local = self.rng.choice(
            (f"{first}.{last}", f"{first[0]}{last}", f"{last}{self.rng.randint(1, 99)}", f"{first}_{last}", first)
        )
        host = self.pool("company").split()[0].lower().strip(",.")
        return f"{local}@{self.rng.choice((host, 'example', 'mail', 'post'))}.{self.rng.choice(('com', 'org', 'de', 'net', 'co.uk', 'fr'))}"

    def address(self) -> str:
        street = self.pool("street")
        return street if self.rng.random() < 0.5 else f"{street}, {self.pool('city')}"

    def dose(self) -> str:
        return f"{self.rng.choice((5, 10, 20, 25, 40, 50, 75, 100, 250, 400, 500, 850, 1000))}{self.rng.choice((' mg', 'mg', ' mcg', ' ml'))}"

    def room(self) -> str:
        return self.rng.choice((str(self.rng.randint(1, 599)), f"{self.rng.choice('ABCD')}{self.rng.randint(1, 40)}"))

    def time(self) -> str:
        hour, minute = self.rng.randint(0, 23), self.rng.choice((0, 5, 10, 15, 20, 30, 40, 45, 50))
        half = "am" if hour < 12 else "pm"
        return self.rng.choice(
            (f"{hour:02d}:{minute:02d}", f"{hour % 12 or 12}:{minute:02d} {half}", f"{hour % 12 or 12} {half}")
        )

    def mixed(self) -> str:
        """Any value at all, for fields whose names are random words."""
        return self.draw(
            self.rng.choice(
                ("name", "date", "amount", "code", "digits", "city", "company", "word", "product", "time", "n", "phone")
            )
        )


_CACHE: dict[bool, dict[str, list[str]]] = {}


def _pools(*, held_out: bool) -> dict[str, list[str]]:
    """Pools of Faker's names, split so that no family name, firm, town or street is in both halves."""
    if not _CACHE:
        Faker.seed(7)
        makers = [Faker(locale) for locale in _LOCALES]
        calls = {
            "first": "first_name",
            "last": "last_name",
            "company": "company",
            "city": "city",
            "street": "street_address",
        }
        whole = {
            key: sorted({str(getattr(makers[i % len(makers)], call)()).replace("\n", " ") for i in range(_POOL)})
            for key, call in calls.items()
        }
        whole |= {
            key: sorted({str(getattr(makers[0], call)()) for _ in range(_POOL)})
            for key, call in (("job", "job"), ("country", "country"), ("word", "word"))
        }
        for key, values in whole.items():
            random.Random(key).shuffle(values)
            cut = len(values) // 6
            _CACHE.setdefault(True, {})[key] = values[:cut]
            _CACHE.setdefault(False, {})[key] = values[cut:]
        for key in ("first", "word", "country"):  # closed classes: a first name unseen in training is rare in life too
            _CACHE[True][key] = _CACHE[False][key] + _CACHE[True][key]
    return _CACHE[held_out]
