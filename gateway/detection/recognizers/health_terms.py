# ruff: noqa: E501 - a list of phrases
"""Health words. Those of `AMBIGUOUS` say health only beside a clinical word, all others in any sentence."""

from __future__ import annotations

CONDITIONS = """abscess|acid reflux|acne vulgaris|acromegaly|addison's disease|adenocarcinoma|adenoma|adhd|alcohol use disorder|alcoholism|alopecia
areata|alzheimer's|alzheimer's disease|alzheimers|amyloidosis|amyotrophic lateral sclerosis|anaemia|anaphylaxis|anemia|aneurysm|angina|angina pectoris|ankylosing spondylitis
|anorexia nervosa|anxiety disorder|aortic stenosis|aphasia|aplastic anemia|appendicitis|arrhythmia|arteriosclerosis|arthritis|asperger's|asthma|astrocytoma|ataxia
|atherosclerosis|atopic dermatitis|atrial fibrillation|atrial flutter|autism spectrum disorder|autoimmune disease|bacteremia|basal cell carcinoma|bell's palsy|benign
prostatic hyperplasia|biliary colic|binge eating disorder|bipolar disorder|bladder cancer|bone metastases|borderline personality disorder|bowel obstruction|bradycardia|brain
tumor|brain tumour|breast cancer|bronchiectasis|bronchiolitis|bronchitis|bulimia|bulimia nervosa|bursitis|cancer|candidiasis|carcinoma|cardiac arrest|cardiomyopathy
|carpal tunnel syndrome|cataracts|celiac disease|coeliac disease|cellulitis|cerebral palsy|cervical cancer|chickenpox|chlamydia|cholangitis|cholecystitis|cholelithiasis|cholera
|chronic fatigue syndrome|chronic kidney disease|chronic obstructive pulmonary disease|chronic pain|cirrhosis|ckd|cleft palate|clinical depression|colitis|colon cancer
|colorectal cancer|concussion|congestive heart failure|conjunctivitis|copd|coronary artery disease|covid-19|crohn's|crohn's disease|crohns|cushing's
syndrome|cystic fibrosis|cystitis|deep vein thrombosis|dementia|dengue|dermatitis|diabetes|diabetes mellitus|diabetic|diabetic ketoacidosis|diabetic
neuropathy|diabetic retinopathy|diverticulitis|down syndrome|down's syndrome|drug addiction|duodenal ulcer|dysphagia|dyspnea|dyspnoea|eating disorder|ebola|eclampsia|ectopic
pregnancy|eczema|edema|ehlers-danlos|emphysema|encephalitis|endocarditis|endometrial cancer|endometriosis|epilepsy|epileptic|erectile dysfunction|esophageal cancer|esophagitis
|fatty liver|fibromyalgia|gallstones|gangrene|gastric cancer|gastric ulcer|gastritis|gastroenteritis|gastroesophageal reflux|generalized anxiety disorder|genital
herpes|gerd|gestational diabetes|glaucoma|glioblastoma|glioma|glomerulonephritis|gonorrhea|gonorrhoea|gout|graves' disease|graves disease|guillain-barré|guillain-barre
|haemophilia|haemorrhage|hashimoto's|hashimoto's thyroiditis|heart attack|heart disease|heart failure|hematoma|hematuria|hemophilia|hemorrhage|hemorrhoids|hepatitis|hepatitis
a|hepatitis b|hepatitis c|hepatocellular carcinoma|hernia|herniated disc|herpes|herpes simplex|herpes zoster|high blood
pressure|hiv|hiv positive|hiv-positive|hodgkin lymphoma|hodgkin's lymphoma|hpv|huntington's disease|hydrocephalus|hypercholesterolemia|hyperglycemia|hyperlipidemia
|hypertension|hypertensive|hyperthyroidism|hypoglycemia|hypotension|hypothyroidism|hypoxia|ibs|influenza|insomnia disorder|irritable bowel syndrome|ischemia|jaundice|kidney
cancer|kidney disease|kidney failure|kidney stones|laryngitis|leukaemia|leukemia|liver cancer|liver cirrhosis|liver failure|lung cancer|lupus|lyme disease|lymphedema|lymphoma
|macular degeneration|major depression|major depressive disorder|malaria|malignancy|malnutrition|mastitis|measles|melanoma|meniere's
disease|meningioma|meningitis|menopause|mesothelioma|metastasis|metastases|metastatic|migraine|migraines|miscarriage|mitral valve prolapse|mononucleosis|motor neurone
disease|mrsa|multiple myeloma|multiple sclerosis|mumps|muscular dystrophy|myasthenia gravis|myelofibrosis|myocardial infarction|myocarditis|narcolepsy|nephritis|nephrotic
syndrome|neuroblastoma|neuropathy|non-hodgkin lymphoma|obsessive compulsive disorder|obsessive-compulsive disorder|obstructive sleep
apnea|ocd|oesophagitis|opioid use disorder|osteoarthritis|osteomyelitis|osteoporosis|otitis media|ovarian cancer|ovarian cyst|pancreatic cancer|pancreatitis|panic
disorder|paralysis|paraplegia|parkinson's|parkinson's disease|parkinsons|pelvic inflammatory disease|peptic ulcer|pericarditis|peripheral neuropathy|peritonitis|pertussis
|pharyngitis|phenylketonuria|plantar fasciitis|pleural effusion|pneumonia|pneumothorax|polio|polycystic kidney disease|polycystic ovary
syndrome|pcos|polymyalgia rheumatica|post-traumatic stress disorder|postpartum depression|postnatal depression|pre-eclampsia|preeclampsia|prostate cancer|prostatitis|psoriasis
|psoriatic arthritis|psychosis|ptsd|pulmonary edema|pulmonary embolism|pulmonary fibrosis|pulmonary hypertension|pyelonephritis|rabies|raynaud's|renal failure|respiratory
failure|retinal detachment|retinopathy|rheumatic fever|rheumatoid arthritis|rickets|rosacea|rubella|sarcoidosis|sarcoma|scabies|scarlet
fever|schizoaffective disorder|schizophrenia|schizophrenic|sciatica|scleroderma|scoliosis|seizure disorder|sepsis|septic shock|sickle cell|sickle cell
anemia|sinusitis|sjogren's syndrome|skin cancer|sleep apnea|sleep apnoea|spina bifida|spinal stenosis|squamous cell carcinoma|stomach
cancer|substance abuse disorder|substance use disorder|suicidal ideation|suicide attempt|syphilis|tachycardia|tendonitis|testicular cancer|tetanus|thalassemia|thrombocytopenia
|thrombosis|thyroid cancer|thyroiditis|tinnitus|tonsillitis|tourette syndrome|toxic shock|transient ischemic attack|traumatic brain
injury|trichomoniasis|tuberculosis|type 1 diabetes|type 2 diabetes|type i diabetes|type ii diabetes|typhoid|ulcerative colitis|urinary tract
infection|urticaria|uterine fibroids|vasculitis|ventricular fibrillation|vertigo|vitiligo|von willebrand|whooping cough|yellow fever|zika
|anorexia|anorexic|bulimic|asthmatic|kidney stone|gallstone|cataract|slipped disc|slipped discs|bulging disc|hay fever|lactose intolerance|lactose intolerant
|gluten intolerance|coeliac|celiac|tonsilitis|norovirus|salmonella|glandular fever|chicken pox|hand foot and mouth disease|impetigo|ringworm|head lice|nosebleeds
|dyspraxia|dyscalculia|autism spectrum|aspergers|colour blindness|color blindness|colour-blind|color-blind|colour blind|color blind|hearing loss|deafblind
|partially sighted|sight loss|vision loss|motor neuron disease|repetitive strain injury|frozen shoulder|tennis elbow|whiplash|concussed|pinched nerve|osteopenia
|prediabetes|prediabetic|pre-diabetic|type 1 diabetic|type 2 diabetic|high cholesterol|mini stroke|blood clot|blood clots|varicose veins|haemorrhoids
|endometrial|fibroids|preterm labour|preterm labor|morning sickness|hyperemesis|gender reassignment|gender-affirming surgery|transgender surgery
|alcohol dependence|alcohol dependency|alcohol addiction|cocaine addiction|opioid addiction|gambling addiction|addicted to painkillers"""

DRUGS = """abilify|acetaminophen|adalimumab|adderall|albuterol|alendronate|allopurinol|alprazolam|amiodarone|amitriptyline|amlodipine|amoxicillin|anastrozole
|antidepressant|antidepressants|antipsychotic|antipsychotics|antiretroviral|antiretrovirals|apixaban|aripiprazole|atenolol|ativan|atorvastatin|atripla|augmentin|azathioprine|azithromycin
|baclofen|benzodiazepine|benzodiazepines|beta blocker|beta blockers|bevacizumab|biktarvy|bisoprolol|botulinum|bupropion|buprenorphine|buspirone|candesartan|captopril|carbamazepine
|carbidopa|carboplatin|carvedilol|ceftriaxone|celecoxib|celexa|cephalexin|cetirizine|chemotherapy|chlorthalidone|cialis|ciprofloxacin|cisplatin|citalopram|clindamycin|clonazepam
|clonidine|clopidogrel|clozapine|codeine|colchicine|corticosteroid|corticosteroids|coumadin|crestor|cyclobenzaprine|cyclophosphamide|cymbalta|dabigatran|dapagliflozin|depakote
|dexamethasone|diazepam|diclofenac|digoxin|diltiazem|donepezil|doxorubicin|doxycycline|duloxetine|effexor|eliquis|empagliflozin|enalapril|enbrel|enoxaparin|entresto
|escitalopram|esomeprazole|estradiol|etanercept|ezetimibe|famotidine|fentanyl|finasteride|fluconazole|fluoxetine|fluticasone|furosemide|gabapentin|gemcitabine|glimepiride
|glipizide|glyburide|haloperidol|heparin|herceptin|humalog|humira|hydrochlorothiazide|hydrocodone|hydrocortisone|hydroxychloroquine|hydroxyzine|ibuprofen|imatinib|infliximab|insulin
|insulin glargine|ipratropium|irbesartan|isosorbide|jardiance|januvia|keppra|keytruda|klonopin|lamictal|lamotrigine|lansoprazole|lantus|lasix|latanoprost|letrozole|levetiracetam
|levodopa|levofloxacin|levothyroxine|lexapro|lipitor|liraglutide|lisinopril|lithium carbonate|loratadine|lorazepam|losartan|lovenox|lyrica|meloxicam|memantine|metformin
|methadone|methotrexate|methylphenidate|methylprednisolone|metoclopramide|metoprolol|metronidazole|mirtazapine|montelukast|morphine|mounjaro|mycophenolate|naloxone|naltrexone
|naproxen|nexium|nitrofurantoin|nitroglycerin|nivolumab|norvasc|novolog|olanzapine|olmesartan|omeprazole|ondansetron|opioid|opioids|oseltamivir|oxycodone|oxycontin|ozempic
|paclitaxel|pantoprazole|paracetamol|paroxetine|paxil|paxlovid|pembrolizumab|penicillin|percocet|phenytoin|pioglitazone|plavix|pravastatin|prednisolone|prednisone|pregabalin
|prilosec|prograf|promethazine|propranolol|prozac|quetiapine|ramipril|ranitidine|remdesivir|remicade|risperdal|risperidone|ritalin|rituximab|rivaroxaban|rosuvastatin|salbutamol
|semaglutide|seroquel|sertraline|sildenafil|simvastatin|sitagliptin|spironolactone|ssri|ssris|statins|suboxone|sumatriptan|symbicort|synthroid|tacrolimus|tadalafil|tamoxifen|tamsulosin
|temazepam|tenofovir|tirzepatide|topiramate|tramadol|trastuzumab|trazodone|truvada|valacyclovir|valproate|valsartan|vancomycin|venlafaxine|verapamil|viagra|vicodin
|victoza|warfarin|wegovy|wellbutrin|xanax|xarelto|zoloft|zolpidem|zopiclone|zyprexa
|antibiotic|antibiotics|antihistamine|antihistamines|beta-blocker|beta-blockers|blood thinner|blood thinners|epipen|epipens|inhaler|inhalers|painkiller|painkillers
|sleeping pills|sleeping tablets|steroid injection|cortisone|cortisone shot|cortisone injection|methadone programme|nicotine patch|nicotine patches|folic acid
|iron infusion|iron tablets|insulin pump|concerta|vyvanse|strattera|elvanse|antiemetic|chemo pills|amphetamine|botox|ventolin|tylenol|nurofen|imodium
|levemir|novorapid|mirena|plan b pill|morning-after pill|morning after pill|testosterone injections|hormone therapy|hormone treatment"""

CLINICAL = """abortion|amputation|angiogram|angioplasty|appendectomy|biopsy|blood glucose|bone marrow transplant|bypass surgery|c-section|caesarean|cardiac catheterization|chemo|cholecystectomy
|clinical diagnosis|colonoscopy|colostomy|coronary bypass|ct scan|diagnosed with|diagnosis of|dialysis|discharge diagnosis|differential diagnosis|echocardiogram|ecg|ekg|electroconvulsive
therapy|endoscopy|gastric bypass|gender dysphoria|haemodialysis|hba1c|heart transplant|hemodialysis|hemoglobin a1c|hip replacement|hormone replacement therapy|hysterectomy
|immunotherapy|in vitro fertilization|intubated|ivf|kidney transplant|knee replacement|laparoscopy|lithotripsy|liver transplant|lumbar puncture|lumpectomy|mammogram|mastectomy|medical
history|mri scan|organ transplant|pacemaker|pap smear|past medical history|patient presents|patient was admitted|positive for hiv|prenatal|psychiatric history|psychiatric
treatment|psychotherapy|radiation therapy|radiotherapy|skin graft|splenectomy|stem cell transplant|symptoms of|tested positive for|tonsillectomy|tubal
ligation|vasectomy|x-ray of|terminally ill|stage iv|stage iii|oncologist|oncology|cardiologist|psychiatrist|nephrologist|endocrinologist|rheumatologist|neurologist
|chronic illness|mental illness|mentally ill|medical condition|lab results|blood test results|white blood cell count|ejection fraction|viral load|cd4 count|biopsy results
|amputated|amputate|appendix removed|gallbladder removed|tonsils removed|wisdom tooth|wisdom teeth|root canal|tooth extraction|tooth extracted|dental implant
|dental implants|x-rayed|neonatal|nicu|icu bed|memory clinic|fertility clinic|pain clinic|sleep clinic|eating disorder clinic|rehab clinic|dialysis centre
|dialysis center|psych ward|psychiatric ward|maternity ward|stroke unit|egg retrieval|embryo transfer|insemination|smear test|pap test|cervical screening
|prostate exam|biopsies|keyhole surgery|cochlear implant|colposcopy|gastroscopy|sigmoidoscopy|arthroscopy|angiography|ablation therapy|stent|stents|catheter
|feeding tube|oxygen therapy|stairlift|stair lift|hospital bed|nursing home care|care level|occupational health|occupational therapist|occupational therapy
|speech therapy|speech therapist|physical therapy|physical therapist|physiotherapy|physiotherapist|physio|cognitive behavioural therapy|cognitive behavioral therapy
|couples therapy|grief counselling|grief counseling|trauma therapy|talking therapy|counselling sessions|counseling sessions|therapy sessions|therapy session|eye test
|hearing test|drug test|drug tests|covid test|pregnancy test|allergy test|screening result|screening results|sti screen|tested positive
|tested negative|test came back positive|test came back negative|fit note|doctor's note|medical certificate|medically unfit|unfit to work|light duties|phased return"""

EVERYDAY = """abdominal pain|allergic to|amputee|anxiety|anxiety attack|anxiety attacks|antenatal|asymptomatic|autism|autistic|back pain|bedridden|birth control|blood count|blood
pressure|blood sugar|blood test|blood tests|blood type|blood work|bloodwork|body mass index|bmi|brca|cancer-free|chest pain|cholesterol|contraceptive|contraceptives
|contraception|cough|coughing|creatinine|cyst|deafness|diarrhea|diarrhoea|disability benefits|disability leave|dizziness|drinking problem|dyslexia|dyslexic|emergency room|fainting
|fertility treatment|food poisoning|genetic testing|glucose level|glucose levels|hard of hearing|hearing aid|hearing aids|hearing impaired|heart condition|heart rate
|hiv test|hospice|hospitalised|hospitalized|immunocompromised|infertile|infertility|insomnia|intensive care|joint pain|learning disability|lesion|lesions|long covid|malignant|medical leave
|mental breakdown|mental health crisis|miscarried|mri|nausea|nervous breakdown|obese|obesity|overdose|overdosed|palpitations|panic attack|panic attacks|paralysed|paralyzed|phlegm
|postnatal|pregnancy|pregnant|prognosis|prosthesis|prosthetic leg|prosthetic arm|psychiatric|psychologist|quadriplegic|paraplegic|rehab|self-harm|self-harming|shortness of breath
|sick leave|sick note|sore throat|std test|stillbirth|stillborn|substance abuse|suicidal|surgeon|therapist|torn acl|torn meniscus|transfusion|triglycerides|tumor|tumors
|tumour|tumours|ultrasound|underweight|unfit for work|vaccinated|vaccination status|visually impaired|vomiting|wheelchair|wheezing|withdrawal symptoms
|wetting the bed|wets the bed|bed wetting|bedwetting|incontinent|incontinence|has lice|have lice|got lice|has nits|has worms|nut allergy|peanut allergy|food allergy
|milk allergy|egg allergy|bee sting allergy|latex allergy|penicillin allergy|maternity leave|mat leave|expecting a baby|expecting her first
|expecting twins|having a baby|due date is|her due date|breastfeeding|breastfeeds|breast milk|breast pump|premature baby|born prematurely|born premature|ivf cycle
|midwife|off sick|out sick|long-term sick|on sick leave|signed off work|signed off sick|signed off with|sick pay|stress leave|fmla
|short-term disability|long-term disability|disability pension|disability claim|disability pass|severely disabled|he is disabled|she is disabled|registered disabled|special needs
|learning difficulties|learning difficulty|on crutches|walking frame|walking stick|zimmer frame|white cane|guide dog|leg brace|back brace|plaster cast|sprained
|dislocated|twisted his ankle|twisted her ankle|twisted my ankle|pulled a muscle|hurt his back|hurt her back|hurt my back|bad back|bad knee|bad hip|black eye
|burned hand|nosebleed|earache|ear infection|toothache|stomach ache|stomach bug|stomach flu|food intolerance|flu shot|booster shot|vaccination|sick bug|swollen ankles
|blurred vision|night sweats|hot flushes|hot flashes|weight loss clinic|lost a lot of weight|a lump|heavy periods|period pain|period pains|her periods|sober
|newly sober|relapsed|in recovery from|fell off the wagon|aa meeting|aa meetings|na meetings|drinking again|using again|alcoholic|cuts herself|cuts himself
|cut herself|self harm|self harms|self-harms|hurting herself|hurting himself|suicide risk|suicidal thoughts|took an overdose|burned out|burnt out|burn-out|burnout
|nervous exhaustion|in therapy|sees a counsellor|sees a counselor|sees a shrink|sees a psychologist|schizophrenic episode|manic episode|psychotic
|trauma therapist|stroke patient|heart bypass|heart attacks|blood group|haemoglobin|hemoglobin|white cell count|iron deficiency|vitamin d deficiency|blood sugars
|his sugar|her sugar|sugar levels|a&e|urgent care|walk-in clinic|ambulance took|taken by ambulance|needs help with washing|needs help with dressing
|help with washing and dressing|needs a carer|palliative|end-of-life care|end of life care|terminal cancer|terminal illness|in remission|clinical trial participant"""
"""What everybody says of bodies and minds. Of nobody in particular it is a topic; beside a person it is theirs."""

AMBIGUOUS = """allergy|allergies|bipolar|bleeding|blind|bruising|burns|cardiac|cast|chills|chronic|clot|coma|deaf|delirium|depressed|depression|diagnosis|diagnosed|disability|dose
|fatigue|fever|fracture|fractured|headache|headaches|icu|infection|inflammation|injury|itching|lithium|medication|numbness|pain|prescription|rash|relapse|shingles|seizure|seizures
|shock|side effects|stroke|surgery|swelling|swollen|symptoms|tremor|ulcer|weakness"""


def listed(text: str) -> list[str]:
    """The phrases of one list, the longest first, so that an alternation prefers them."""
    return sorted({" ".join(phrase.split()) for phrase in text.split("|")}, key=lambda phrase: (-len(phrase), phrase))
