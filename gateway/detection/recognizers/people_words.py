# ruff: noqa: E501 - lists of words
"""What people do and where they are from: the last words of jobs, and the adjectives of nations and faiths.

A word that is also a common family name (baker, cook, singer) is left out of the jobs: a job hides no name.
"""

from __future__ import annotations

JOBS = """accountant administrator adviser advisor agent analyst anaesthetist anesthesiologist architect archivist assistant astronomer attendant attorney auditor
barista biologist bookkeeper broker buyer cardiologist caregiver caretaker carer cashier cardiographer chemist chiropractor choreographer cinematographer cleaner clerk clinician
collector comptroller conductor consultant controller coordinator copywriter counsellor counselor courier curator dentist dermatologist designer developer dietician dietitian director
dispatcher distributor doctor driver echocardiographer economist editor educator electrician electrologist engineer estimator executive fabricator firefighter foreman fumigator geologist
geographer hairdresser housekeeper hydrologist hygienist illustrator inspector installer instructor interpreter interviewer investigator janitor jeweler jeweller journalist laborer labourer
landscaper lawyer lecturer librarian linguist loader machinist manager manicurist mathematician mechanic mediator meteorologist midwife mover neurologist nurse nutritionist obstetrician
officer operator optician optometrist orderly organizer packager paralegal paramedic pathologist pediatrician paediatrician pharmacist photographer physician physicist
physiotherapist pilot planner plumber podiatrist postmaster president principal producer programmer prosecutor psychiatrist psychologist radiographer radiologist receptionist recruiter
repairer reporter representative researcher retailer reviewer roofer salesperson salesman scientist secretary seller signmaker sociologist soldier specialist statistician stenographer steward stewardess
strategist superintendent supervisor surgeon surveyor teacher technician technologist teller therapist trader trainer translator treasurer underwriter upholsterer urologist
veterinarian waiter waitress warden welder worker writer zoologist"""

NATIONS = """afghan albanian algerian american angolan argentinian argentine armenian australian austrian azerbaijani bahraini bangladeshi belarusian belgian belizean bolivian bosnian brazilian british bruneian
bulgarian cambodian cameroonian canadian chadian chechen chilean chinese colombian congolese croatian cuban cypriot czech danish dutch ecuadorian egyptian english eritrean estonian ethiopian filipino finnish
french georgian german ghanaian greek greenlandic guatemalan guinean haitian honduran hungarian icelandic indian indonesian iranian iraqi irish israeli italian jamaican japanese jordanian kazakh kenyan korean
kosovar kurdish kuwaiti laotian latvian lebanese liberian libyan lithuanian macedonian malaysian maltese mauritian mexican moldovan mongolian montenegrin moroccan namibian nepalese nicaraguan nigerian norwegian
omani pakistani palestinian panamanian paraguayan peruvian polish portuguese qatari romanian russian rwandan salvadoran saudi scottish senegalese serbian singaporean slovak slovenian slovene somali spanish sudanese
surinamese swedish swiss syrian taiwanese tajik tanzanian thai tibetan tunisian turkish turkmen ugandan ukrainian uruguayan uzbek venezuelan vietnamese welsh yemeni zambian zimbabwean
catholic protestant jewish muslim islamic sunni shia shiite hindu buddhist sikh mormon"""
