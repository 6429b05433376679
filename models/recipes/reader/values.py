"""Values of the reader's templates: those of the recipe pii_en, and of kinds that only a caller's fields ask for."""

from __future__ import annotations

import string
from collections.abc import Callable

from models.recipes.pii_en import values as pii
from models.recipes.pii_en.words import words

TITLES = ("Dr. ", "Dr ", "Dr. ", "Prof. ", "Prof. Dr. ")
SALUTATIONS = ("Mr ", "Ms ", "Mrs ", "Mr. ", "Ms. ", "Mrs. ", "Dr. ", "Herr ", "Frau ")
LISTS = {
    "department": "accounting;human resources;IT;marketing;sales;customer service;legal;cardiology;radiology;surgery;purchasing;"
    "research;compliance;quality;security;paediatrics;finance;operations;engineering;oncology;claims;facilities;warehouse;"
    "front desk;procurement;data platform;payroll;dispatch;after-sales;the night shift;infrastructure",
    "priority": "high;low;medium;urgent;critical;normal;P1;P2;P3;minor;major;blocker;sev 2",
    "status": "open;closed;pending;in progress;approved;rejected;on hold;resolved;shipped;cancelled;under review;waiting;granted",
    "symptom": "chest pain;a persistent cough;shortness of breath;severe headache;dizziness;lower back pain;fever and chills;"
    "nausea;a skin rash;fatigue;palpitations;knee pain;a sore throat;numbness in the left hand;blurred vision;weight loss;"
    "joint stiffness;ear pain;night sweats;tremor;neck pain;wheezing;muscle cramps;anxiety;a fractured wrist;abdominal pain",
    "diagnosis": "type 2 diabetes;hypertension;asthma;pneumonia;migraine;atrial fibrillation;depression;hypothyroidism;eczema;"
    "psoriasis;osteoarthritis;breast cancer;COPD;heart failure;epilepsy;appendicitis;gallstones;anaemia;gout;glaucoma;"
    "bronchitis;stroke;a herniated disc;sleep apnoea;osteoporosis;a torn meniscus;Crohn's disease;kidney stones",
    "allergen": "penicillin;peanuts;latex;pollen;bee stings;shellfish;house dust;nuts;eggs;cat hair;iodine;milk;nickel;soy;gluten",
    "frequency": "twice a day;once daily;three times a day;every 8 hours;at night;every morning;weekly;bid;as needed;1-0-1;"
    "every other day;with meals;q6h",
    "lab": "haemoglobin;creatinine;potassium;HbA1c;CRP;TSH;ferritin;sodium;LDL;INR;troponin;glucose",
    "labvalue": "13.2 g/dl;1.1 mg/dl;4.4 mmol/l;6.8 %;12 mg/l;2.3 mU/l;88 ng/ml;141 mmol/l;3.1 mmol/l;2.4;0.02 ng/ml;96 mg/dl",
    "disease": "measles;tetanus;hepatitis B;influenza;rabies;polio;yellow fever;shingles",
    "ward": "ward 3B;intensive care;ward 12;the maternity ward;unit C;ward 4 East;station 7",
    "os": "Windows 11;macOS 14;Ubuntu 22.04;Android 13;iOS 17;Debian 12;Windows Server 2019",
    "environment": "production;staging;prod;the test system;pre-production;dev",
    "carrier": "DHL;UPS;FedEx;DPD;Royal Mail;Hermes;GLS;PostNord",
    "insurer": "Allianz;AXA;Aetna;Zurich;Generali;Bupa;Barmer;Techniker;Mapfre;Aviva",
    "expense": "train tickets;a client dinner;hotel and taxi;parking;conference fees;office supplies;two monitors",
    "defect": "scratched display;wrong size;does not charge;missing screws;battery dead;arrived broken;too loud;wrong colour",
    "damage": "burst pipe;broken windscreen;storm damage;theft;kitchen fire;water damage;a fallen tree;vandalism;short circuit",
    "object": "roof;cellar;garage;motorbike;kitchen;shop window;fence;laptop;camera;boiler",
    "coverage": "fire;theft;water damage;liability;legal costs;storm;travel cancellation;glass breakage",
    "part": "belt;pump;filter;control unit;bearing;fuse;valve;fan;door sensor;display;hydraulic hose",
    "errcode": "E-17;0x80070057;F04;ERR_TIMEOUT;503;E21;ORA-00942;P0420;SIGSEGV;H7",
    "cause": "signal failure;a broken switch;snow on the line;a medical emergency;staff shortage;engineering works",
    "payment": "credit card;PayPal;bank transfer;cash;direct debit;cheque;Apple Pay;gift card",
    "grade": "A;B+;C;2.3;17 out of 20;88 %;1.0;pass;D-;distinction",
    "subject": "algebra;organic chemistry;world history;microeconomics;linear algebra;biology;first aid basics;Spanish II;"
    "machine learning;contract law;statistics;creative writing",
    "event": "spring concert;open day;Christmas market;city marathon;book fair;chess tournament;summer school;photo contest;"
    "regional final;hackathon",
    "place": "room 4.12;the town hall;the canteen;Building C;the main station;the airport;the Old Mill;the sports hall;Terminal 2;"
    "the harbour;meeting room Oslo;the library",
    "product": "laptop;vacuum cleaner;coffee machine;headset;office chair;printer;bicycle;cordless drill;blender;television;camera;"
    "dishwasher;keyboard;27 inch monitor;router;smart watch;toaster;hair dryer;sofa;desk lamp;tent;backpack;kettle;scooter;fridge;"
    "lawn mower;heater;microwave;speaker;mattress;sewing machine;guitar;oven;rain jacket;running shoes;safety helmet;toner cartridge",
    "language": "German;Polish;English;Arabic;French;Turkish;Spanish;Ukrainian;Hindi",
    "topic": "the budget;the new website;the audit;the roadmap;onboarding;the launch plan;hiring;the holiday schedule;supplier prices;"
    "the quarterly figures;data protection training;the office move;the customer survey;the roof repair;test results",
}  # fmt: skip


class Values(pii.Values):
    """`draw(kind)`; families of names are held out of "train" as in the recipe pii_en."""

    def __init__(self, seed: int, part: str) -> None:
        super().__init__(seed, part)
        pick, number, digits = self.rng.choice, self.rng.randint, self._digits
        own: dict[str, Callable[[], str]] = {name: self._one_of(listed.split(";")) for name, listed in LISTS.items()}
        own["product"] = lambda: pick((*LISTS["product"].split(";"), *words("product")))
        self.makers |= own | {
            "plain_name": self.makers["name"],
            "name": self._person,
            "doctor": lambda: pick(TITLES) + pick((self.names.last, self.names.name))(),
            "company": self._company,
            "job": lambda: pick(("nurse", "data analyst", "driver", "sales manager", "electrician", "teacher", self.draw("jobtitle"))),
            "birthdate": lambda: self.draw("dob"),
            "code": self._code,
            "digits": lambda: digits(number(5, 12)),
            "n": lambda: str(number(2, 60)),
            "bignum": lambda: pick((str(number(100, 99_000)), f"{number(1000, 99_000):,}")),
            "hotel": lambda: f"{pick(('Hotel', 'Pension', 'The', 'Gasthof'))} {self.names.last()}",
            "room": lambda: pick((str(number(1, 599)), f"{pick('ABCD')}{number(1, 40)}")),
            "flight": lambda: pick(("LH", "BA", "UA", "ICE ", "RE ", "KL", "TK", "EK", "IC ")) + str(number(2, 9999)),
            "gate": lambda: pick((f"{number(1, 40)}{pick('ABCDEF')}", f"{pick('ABCD')}{number(1, 60)}")),
            "plate": lambda: f"{digits(0)}{''.join(pick(string.ascii_uppercase) for _ in range(number(1, 3)))}{pick(' -')}{pick(('', 'AB ', 'X '))}{number(10, 9999)}",
            "host": self._host,
            "service": lambda: pick((*words("software"), "billing-api", "checkout", "auth service", "the intranet", "report-worker")),
            "domain": lambda: f"{pick(('www.', '', 'shop.', 'api.'))}{self.names.last().lower().replace(' ', '')}.{pick(('com', 'org', 'de', 'example'))}",
            "size": lambda: f"{number(1, 900)}{pick((' GB', 'GB', ' TB', ' MB', ' GiB'))}",
            "temperature": lambda: pick((f"{number(35, 41)}.{number(0, 9)}", f"{number(-20, 260)} °C", f"{number(36, 40)}.{number(0, 9)} C", f"{number(40, 99)} F")),
            "weight": lambda: f"{number(1, 140)}{pick(('', '', f'.{number(1, 9)}'))}{pick((' kg', 'kg', ' lbs', ' g'))}",
            "height": lambda: pick((f"{number(120, 205)} cm", f"1.{number(40, 99)} m")),
            "pressure": lambda: f"{number(95, 190)}/{number(55, 115)}",
            "lastfour": lambda: digits(4),
            "drug": lambda: pick(words("drug")),
            "dose": lambda: f"{pick((5, 10, 20, 25, 40, 50, 75, 100, 250, 400, 500, 1000))}{pick((' mg', 'mg', ' mcg', ' ml', ' g'))}",
            "score": lambda: f"{number(0, 120)}{pick('-:')}{number(0, 120)}",
            "title_work": lambda: pick(words("work")),
            "book": lambda: pick(words("work")),
        }  # fmt: skip

    def _one_of(self, values: list[str]) -> Callable[[], str]:
        return lambda: self.rng.choice(values)

    def _person(self) -> str:
        """A name; one in seven with the form of address, which belongs to it."""
        name = self.names.name()
        roll = self.rng.random()
        if roll < 0.14:
            return self.rng.choice(SALUTATIONS) + self.rng.choice((self.names.last(), name))
        return self.names.first() if roll > 0.9 else name

    def _company(self) -> str:
        return self.rng.choice((self.orgs.org, self.orgs.org, self._firm))()

    def _firm(self) -> str:
        return f"{self.names.last()} {self.rng.choice(('Foods', 'Logistics', 'Media', 'Textiles', 'Systems', 'Bau', 'Energy', 'Motors'))}"

    def _digits(self, count: int) -> str:
        return "".join(self.rng.choice(string.digits) for _ in range(count))

    def _code(self) -> str:
        letters = "".join(self.rng.choices(string.ascii_uppercase, k=self.rng.randint(1, 4)))
        mixed = "".join(self.rng.choices(string.ascii_uppercase + string.digits, k=self.rng.randint(5, 10)))
        number = self._digits(self.rng.randint(3, 8))
        joint = self.rng.choice(("-", "", "/", "-", ""))
        forms = (f"{letters}{joint}{number}", f"{letters}{joint}{number}", mixed, number, number, f"{number[:3]}-{mixed[:5]}",
                 f"20{self._digits(2)}{self.rng.choice('-/')}{number}", f"{number}-{letters[0]}")  # fmt: skip
        return self.rng.choice(forms)

    def _host(self) -> str:
        stem = self.rng.choice(("db", "node", "app", "mail", "cache", "edge", "gpu", "build", "file", "proxy"))
        return self.rng.choice((f"{stem}{self.rng.randint(1, 40)}", f"{stem}-{self.rng.randint(1, 99):02d}", f"{stem}-eu-{self.rng.randint(1, 9)}",
                                f"{stem}{self.rng.randint(1, 9)}.internal"))  # fmt: skip
