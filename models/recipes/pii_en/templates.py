"""Sentences with slots, written for this recipe. `{name}` and the like are filled by `generate.py`.

Grouped by the kind of text that a gateway sees. Slots whose labels are trained: name, first, last, signature,
address, street, city, place, org. Every other slot is unlabelled material around them.
"""

from __future__ import annotations

TICKETS = """
Ticket #{num}: customer {name} ({email}) reports that the invoice {id} was charged twice. Please refund {amount} and call back on {phone}.
Hi team, {first} from {org} cannot log in since {date}. User id {id}, last seen from {ip}. Can someone reset the account?
Caller: {name}\\nPhone: {phone}\\nAddress: {address}\\nIssue: router keeps rebooting after firmware {version}.
{name} called about order {id}. The parcel was sent to {address} but never arrived.
Customer {last} asks to move delivery to {street} in {city}.
Escalated by {name}, account manager at {org}. Customer threatens to cancel the contract worth {amount}.
Subject: Password reset for {name}\\n\\nPlease reset the password of {email}. The user sits in our {city} office.
Summarise this ticket: "{first} {last} moved to {address} and wants the meter reading from {date} corrected."
Agent note: spoke with {title} {last}, verified date of birth {date} and the last four digits. Card reissued.
Reassign ticket {id} from {name} to {name} before {weekday}.
the customer {name} wrote again, she says nobody from {org} answered her since {date}
Reporter: {name} | Assignee: {first} {last} | Component: billing | Priority: high | Created: {date}
Client {name}, resident of {city}, {place}, requests deletion of all personal data under article 17.
Please write a polite reply to {name}, whose flight from {city} to {city} was cancelled on {date}.
Work order {num}: technician {name} to visit {address} on {date} between {time} and {time}.
{org} support: We told Mr {last} that the part ships from {city} within {smallnum} days.
Complaint from tenant {name} at {address}: heating broken since {weekday}.
Order {id} for {name} shipped to:\\n{address}\\nTracking {id}
Lead: {name}, {jobtitle} at {org}, {city}. Met at the trade fair, wants a demo in {month}.
""".strip().splitlines()

CHATS = """
hey {first}, are you coming to the party at {place} tonight?
My name is {name} and I live in {city}. What insurance do I need?
i'm {first}, {smallnum} years old, from {city}. can you help me write a cv?
Can you write a birthday poem for my daughter {first}? She loves dinosaurs.
My boss {name} keeps emailing me at night. How do I tell {first} to stop?
Please draft a message to my landlord {name} about the leak at {address}.
I met {first} and {first} in {city} last {month}, we should invite them to {org}.
{first}: did you send the file?\\n{first}: yes, {time}\\n{first}: thanks!
[{time}] {name}: morning all\\n[{time}] {name}: the {city} site is down
user: who do I ask about travel?\\nassistant: Please contact {name} at {org}, phone {phone}.
Write a cover letter for {name}, a {jobtitle} applying at {org} in {city}.
My neighbour {last} at {street} has a dog that barks all night, what can I do?
ok so {first} told {first} that {first} was fired from {org}
Translate into French: "{name} will arrive in {city} on {date}."
Tell {first} I said hi!
Is {city} nicer than {city} in {month}?
I was born in {city} and grew up in {place}, now I work for {org}.
my wife {first} and i are planning {smallnum} days in {place}, suggest an itinerary
Who should I contact, {first} or {first}?
Remind me to call {name} tomorrow at {time}.
What's a good gift for my friend {first} who likes {hobby}?
My ex husband {name} refuses to pay the {amount} the court in {city} ordered.
{first} {last} here. I forgot my PIN. My card number is {card}.
can u check if {name} is still on the payroll? ssn {ssn}
""".strip().splitlines()

EMAILS = """
Dear {title} {last},\\n\\nthank you for your letter of {date}. We have forwarded it to our {city} office.\\n\\nKind regards,\\n{name}\\n{jobtitle}, {org}
Hi {first},\\n\\nplease find attached the contract for {org}. {name} will countersign by {weekday}.\\n\\nBest,\\n{first}
From: {name} <{email}>\\nTo: {name} <{email}>\\nSubject: meeting in {city}\\n\\n{first}, can we move it to {time}?
Hello {first} and {first},\\n\\nas discussed with {org} the delivery to {place} slips to {month}.\\n\\n{signature}
Regards,\\n{name}\\n{jobtitle}\\n{org}\\n{address}\\n{phone}
Good morning {title} {last}, your appointment with {title} {last} is on {date} at {time}, {street}, {city}.
On {date} {name} wrote:\\n> We will not extend the offer to {name}.\\n> {first}
Dear Sir or Madam, I am writing on behalf of my client, {name}, of {address}, concerning claim {id}.
FYI - {name} left {org} last week, please update the access list. Her replacement is {name}.
Please summarise: {name} of {org} proposes that {org} acquire the {city} plant for {amount}.
cc {name}, {name}; bcc {email}
To whom it may concern: {name} has worked with us at {org} as a {jobtitle} from {date} to {date}.
Hi all, {first} is on leave until {date}. Contact {name} ({phone}) instead.
Dear {name}, welcome to {org}! Your badge is ready at our office, {address}.
""".strip().splitlines()

CLINICAL = """
Patient {name}, {smallnum} y/o, was admitted to {hospital} with {condition}. Started on {drug} {dose}.
{name} ({date}) presents with {condition} and {condition}. PMH: {condition}. Meds: {drug}, {drug}.
DISCHARGE SUMMARY\\nPatient: {name}\\nMRN: {num}\\nDOB: {date}\\nAddress: {address}\\nDiagnosis: {condition}\\nAttending: Dr. {name}
Mr. {last} is a {smallnum}-year-old man from {city} with a history of {condition}, seen by Dr. {last}.
Mrs {last} denies chest pain. Plan: continue {drug} {dose}, follow up with Dr {last} in {smallnum} weeks.
Referral: {name}, {address}, tel {phone}. Reason: suspected {condition}.
Dr. {name} prescribed {drug} to {name} for {condition} on {date}.
Nurse {first} noted that the patient's mother, {name}, called from {city}.
{last}, {first} | DOB {date} | MRN {num} | {condition} | {drug} {dose}
Summarize the visit: {first} {last} complained of {condition}; {title} {last} ordered an MRI at {hospital}.
Patient was transferred from {hospital} in {city} after developing {condition}.
My son {first} was diagnosed with {condition}, is {drug} safe for him?
The patient {name} lives alone at {address} and is cared for by her niece {first}.
A {smallnum} year old female with {condition} was treated with {drug}. No family history of {condition}.
What are the side effects of {drug} in patients with {condition}?
Signed electronically by {name}, MD on {date} {time}
Emergency contact: {name} (spouse), {phone}
Does {condition} increase the risk of {condition}?
Family history: father {first} had {condition} at {smallnum}.
Member {name}, id {id}, filed a claim for {condition} treated at {hospital}.
""".strip().splitlines()

BANK = """
Dear {name},\\nyour account {iban} at {org} shows a balance of {amount} as of {date}.
Please transfer {amount} from {name} to {name}, IBAN {iban}, reference {id}.
Loan application {id}: applicant {name}, born {date}, employed at {org} as {jobtitle}, income {amount}.
Mr and Mrs {last}, {address}, have applied for a mortgage of {amount}.
Cardholder: {name}\\nCard: {card}\\nBilling address: {address}
Suspicious transfer of {amount} by {name} to an account in {place} on {date}.
Beneficiary {name}, {street}, {city}. Bank: {org}.
KYC review: {name}, citizen of {place}, passport {id}, director of {org}.
The policy holder {name} reported a theft in {city} on {date}. Claim no. {id}.
This agreement is made on {date} between {org}, having its seat in {city}, and {name}, residing at {address}.
Payroll {month}: {name} {amount}; {name} {amount}; {name} {amount}
{org} owes {org} {amount}, due {date}.
Tenant: {name}. Landlord: {name}. Premises: {address}. Rent: {amount} a month.
WITNESSES: {name} and {name}, both of {city}.
{name} sold {smallnum} shares of {org} at {amount}.
The deceased, {name}, last resided at {address}.
Wire {amount} to {org}, {city} branch, attention {name}.
""".strip().splitlines()

TABLES = """
name,email,city\\n{name},{email},{city}\\n{name},{email},{city}\\n{name},{email},{city}
id;first_name;last_name;phone\\n{num};{first};{last};{phone}\\n{num};{first};{last};{phone}
{{"customer": {{"name": "{name}", "address": "{address}", "phone": "{phone}"}}, "total": {smallnum}}}
{{"first_name": "{first}", "last_name": "{last}", "city": "{city}", "employer": "{org}", "id": {num}}}
{{"role": "user", "content": "My name is {name}, I work at {org}"}}
INSERT INTO customers (id, name, city) VALUES ({num}, '{name}', '{city}');
UPDATE users SET full_name = '{name}', street = '{street}' WHERE id = {num};
SELECT * FROM orders WHERE customer_name = '{name}' AND city = '{city}';
{time} INFO user={email} name="{name}" ip={ip} action=login
| Name | Employer | City |\\n|---|---|---|\\n| {name} | {org} | {city} |\\n| {name} | {org} | {city} |
Name: {name}\\nDate of birth: {date}\\nPlace of birth: {city}\\nNationality: unknown\\nAddress: {address}
<person><given>{first}</given><family>{last}</family><city>{city}</city></person>
contact:\\n  name: {name}\\n  company: {org}\\n  street: {street}\\n  city: {city}
{last}, {first}; {last}, {first}; {last}, {first}
1. {name} - {city}\\n2. {name} - {city}\\n3. {name} - {city}
Employee;Department;Salary\\n{name};Finance;{num}\\n{name};Legal;{num}
Attendees: {name}, {name}, {first} {last} ({org})
Ship to: {name}, {address}
FirstName={first}&LastName={last}&City={city}
patient_name\\tdob\\tdiagnosis\\n{name}\\t{date}\\t{condition}\\n{name}\\t{date}\\t{condition}
# test fixture\\nCUSTOMER = Customer(name="{name}", email="{email}", city="{city}")
git log --author="{name}" --since={date}
Author: {name} <{email}>\\nDate: {date}\\n\\n    Fix typo in README
""".strip().splitlines()

NEWS = """
{name}, who was born in {city}, joined {org} as {jobtitle} in {month}.
Officials in {place} said {last} met representatives of {org} on {weekday}.
{org} opened an office in {city}, {place}, its first outside {place}.
The novel by {name} is set in {city} and follows a woman named {first}.
{name} and {name} won the match against {org} in {city}.
I visited {place} and {city} with {first}, we stayed near the {org} building.
A spokesman for {org}, {name}, declined to comment.
The painter {name} lived in {city} until her death.
According to {name} of {org}, prices in {place} rose by {smallnum} percent.
{org} and {org} signed an agreement in {city} on {date}.
Reviewed {org} last night, {first} was our waiter, best tacos in {city}!
Anyone from {place} here? {first} says the weather in {city} is awful
RT {first} is performing in {city} next {weekday}
How far is {city} from {city} by train?
What is the capital of {place}?
Compare the economies of {place} and {place}.
Give me a history of {org}.
Who is {name} and what did {first} write about {place}?
Headquartered in {city}, {org} employs {num} people.
The road leads from {city} past {city} to the border with {place}.
""".strip().splitlines()

PLAIN = """
Write a {adj} poem about {topic}.
Explain {topic} to a five year old.
What is the difference between {tech} and {tech}?
How do I install {tech} on {tech} with {tech}?
Give me {smallnum} ideas for {hobby} on a rainy {weekday}.
Please summarise the following text in {smallnum} bullet points.
Why is the sky blue? Answer in {smallnum} sentences.
Create a {smallnum} day workout plan for beginners.
Write a SQL query that returns the top {smallnum} products by revenue.
Compare {tech} with {tech} for a small team.
Best Practices For {topic_title} In {smallnum} Steps
List the pros and cons of {topic}.
What happens if I mix {food} with {food}?
Recipe for {food} with {food} and {food}, please.
My {pet} does not eat its {food} since {weekday}. What should I do?
Fix the grammar: "me and him goes to school yesterday"
Act as a {jobtitle} and review my plan for {topic}.
Dear Hiring Manager, I am excited to apply for the {jobtitle} position.
Solve for x: {smallnum}x + {smallnum} = {num}. Show Your Work.
A train leaves at {time} and travels at {smallnum} km/h. When does it arrive?
Error: Module Not Found. How can I debug this in {tech}?
Upgrade {tech} from {version} to {version} and check the Release Notes.
Can you make this email sound more {adj}?
Write unit tests for the following function, using {tech}.
The Quick Start Guide says to open Settings > Privacy > Advanced Options and click Save Changes.
Translate "good morning" into {language}.
How do {adj} people deal with {topic}?
In {month}, sales of the {product} rose by {smallnum} percent; the {product} fell.
Is the {product} better than the {product} for {hobby}?
Generate a product description for a {adj} {product}.
Step 1: Preheat the oven. Step 2: Mix the {food}. Step 3: Bake for {smallnum} minutes.
Chapter {smallnum}: {topic_title}\\n\\nIn this chapter we discuss {topic} and {topic}.
The build {version} failed at {time} with exit code {smallnum}. Hash {hash}.
Request {uuid} took {num} ms. Retry after {smallnum} s.
What does HTTP {smallnum} mean and when would {tech} return it?
Rewrite in {language}: Happy New Year And Merry Christmas To Everyone!
Prove that the sum of two even numbers is even. Use the Mean Value Theorem if needed.
TODO: Refactor {tech} client, add Retry Logic, update Docs
# {topic_title}\\n\\n## Introduction\\n\\n## Methods\\n\\n## Conclusion
Classify the sentiment of this review: "{product} arrived broken, {adj} service, would not buy again."
Yes\tNo\tMaybe\\n{smallnum}\t{smallnum}\t{smallnum}
Once upon a time there was a {adj} {pet} who loved {food}.
Should I learn {tech}, {tech} or {tech} first? I already know {tech}.
""".strip().splitlines()

CODE = """
def {ident}({ident}: int, {ident}: str) -> bool:\\n    \\"\\"\\"Return True if {ident} is {adj}.\\"\\"\\"\\n    return {ident}({ident}) == {smallnum}
import {module}\\nfrom {module} import {Class}\\n\\nclass {Class}({Class}):\\n    def __init__(self, {ident}=None):\\n        self.{ident} = {ident}
for {ident} in range({smallnum}):\\n    print({ident}.{ident}({num}))
const {ident} = await {Class}.{ident}({{ {ident}: {num}, {ident}: "{adj}" }});
function {ident}({ident}) {{ return {ident}.map(x => x.{ident}).filter(Boolean); }}
SELECT {ident}, COUNT(*) FROM {ident} WHERE {ident} > {num} GROUP BY {ident} ORDER BY {smallnum} DESC;
{time} ERROR [{Class}] {ident} failed: timeout after {num} ms (id={uuid})
>>> {ident}([{smallnum}, {smallnum}, {smallnum}])\\n[{smallnum}, {smallnum}]\\n>>> {ident}('abc')\\nTrue
docker run -p {num}:{num} {module}/{module}:{version} --env {IDENT}={num}
public class {Class} extends {Class}<{Class}> {{ private final int {ident} = {num}; }}
Traceback (most recent call last):\\n  File "{module}.py", line {smallnum}, in {ident}\\nValueError: {adj} value {num}
git checkout -b {ident} && git commit -m "Fix {ident} in {Class}" && git push origin {hash}
{IDENT}={num}\\n{IDENT}={version}\\n{IDENT}=true
tensor.to({num}); model.eval(); loss.{ident}(); optimizer.step()
var {ident} = new {Class}(); {ident}.{Class}("{adj}"); Console.WriteLine({ident});
#include <{module}.h>\\nint {ident}(int argc, char **argv) {{ return {num}; }}
pip install {module}=={version}
{{"{ident}": {num}, "{ident}": [{smallnum}, {smallnum}], "{ident}": {{"{ident}": true}}}}
assert {ident}("{letters}") == {smallnum}, "{letters}"\nassert {ident}(["{letters}", "{letters}"]) == {ident}(({smallnum}, {smallnum}))
for {letters} in range(len({ident})-{smallnum}): max({ident}, sorted({letters}[{smallnum}:{smallnum}]))
    \\"\\"\\" Given a list of numbers, return the {adj} one. For example:\\n    >>> {ident}({num})\\n    {num}\\n    \\"\\"\\"
Write a function {ident}(n) in {tech} that returns the {smallnum}th {adj} number, e.g. {ident}({smallnum}) == {num}.
Refactor {Class} so that {ident} and {ident} live in {module}.py. See {Class}.{ident}.
""".strip().splitlines()

STORIES = """
{first} has {smallnum} {thing}. {first} gives {smallnum} of them to {first}. How many {thing} does {first} have left?
{first} buys {smallnum} {thing} for ${smallnum} each and sells them for ${smallnum}. How much profit does {first} make?
{first} and {first} share {smallnum} {thing} equally with their friend {first}.
{first} runs {smallnum} miles a week. {first}'s sister {first} runs twice as far. Their dog {first} sleeps.
A farmer sells {smallnum} {thing} a day at the market. How much does she earn in {smallnum} days?
There are {smallnum} {thing} in a box. If {smallnum} are {adj}, what fraction is left?
{first} works {smallnum} hours on {weekday} and {smallnum} hours on {weekday} at {org}.
If {first} is {smallnum} and {first} is {smallnum} years older, how old is {first}?
Mr. {last} has {smallnum} {thing} and Mrs. {last} has {smallnum}. How many do the {last}s have?
The store sold {smallnum} {thing} on {weekday} and twice as many on {weekday}.
Later, {last} said that nobody had asked {last} before.
{first} said hello. {first} laughed. "{first}!" cried {first}, and ran.
Unlike {last}, {last} never liked {city}.
Alongside {name} the band included {first} and {last}.
Her great uncle was called {name}, his brother {first}.
The song was written by {name} and sung by {first} {last} in {place}.
As {last} wrote to {last}: no.
""".strip().splitlines()

PROMPTS = """
{Verb} a {adj} {deliverable} about {topic}.
{Verb} the {deliverable} below and list its weak points.
{Verb} and {verb} the {deliverable}. Use Markdown.
{Verb} an outline. {Verb} each section in {smallnum} words. {Verb} a title.
{Verb} in {tech}: a function that takes {thing} and returns {thing}.
{Verb} this {deliverable} in the style of a {adj} {jobtitle}.
{Label}: {topic}\n{Label}: {adj}\n{Label}: {smallnum}
{Label}: {Verb} the {thing}\n{Label}:
{Label} | {Label} | {Label}\n--- | --- | ---\n{adj} | {smallnum} | {thing}
Choose the right tone: {Adj}, {Adj}, {Adj}, {Adj} or {Adj}.
A. {Adj}\nB. {Adj}\nC. {Adj}\nD. All of the above
Given the input "{thing}", {verb} the {deliverable}. Output Format: JSON with keys {label}, {label}.
Suppose {first} and {first} play a game. {Verb} the best strategy for {first}.
Act as an Expert {Label} Assistant. You must {verb}, {verb} and {verb}.
I want you to act as a {jobtitle}. {Verb} my {deliverable} and {verb} it.
Question: What Is The {Adj} Way To {Verb} A {Label}?
{Verb}: {thing}, {thing}, {thing}
You are a helpful assistant. {Verb} the user's {deliverable} step by step. Do not {verb} it.
- {Verb} the {label}\n- {Verb} the {label}\n- {Verb} the {label}
1. {Verb} {tech}\n2. {Verb} the {label}\n3. {Verb} again
{Verb} {city} and {city} by population.
What did {org} announce in {month}? {Verb} it briefly.
{Label} {smallnum}: {Label} And {Label}
Sum of {thing}: n = {smallnum}. Assume n > {smallnum}. {Verb} n.
""".strip().splitlines()

GROUPS: dict[str, tuple[list[str], float]] = {
    "tickets": (TICKETS, 1.0),
    "chats": (CHATS, 1.1),
    "emails": (EMAILS, 0.9),
    "clinical": (CLINICAL, 1.1),
    "bank": (BANK, 0.9),
    "tables": (TABLES, 1.0),
    "news": (NEWS, 1.0),
    "stories": (STORIES, 1.1),
    "plain": (PLAIN, 1.3),
    "prompts": (PROMPTS, 1.6),
    "code": (CODE, 1.3),
}
"""Templates of each group and the group's weight in the mix."""
