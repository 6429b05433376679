# ruff: noqa: E501 - lists of phrases
"""Spanish health words. `CONDITIONS` and `DRUGS` say health in any sentence; `AMBIGUOUS` ones only beside a clinical word."""

from __future__ import annotations

CONDITIONS = """abdominalgia|absceso|accidente cerebrovascular|adenocarcinoma|adenoma|alcoholismo|alergia al látex|alzheimer|amenorrea|amigdalitis|anafilaxia|anemia|anemia ferropénica|aneurisma|angina de pecho|anorexia nerviosa
|apendicitis|apnea del sueño|arritmia|arteriosclerosis|artritis|artritis reumatoide|artrosis|ascitis|asma|asmático|asmática|ataque epiléptico|aterosclerosis|autismo|bipolaridad|bradicardia|bronquiolitis|bronquitis|bulimia
|cálculos renales|cáncer|cáncer de colon|cáncer de mama|cáncer de próstata|cáncer de pulmón|candidiasis|carcinoma|cardiomiopatía|cardiopatía|cefalea|celiaquía|celíaco|celíaca|cetoacidosis|ciática|cirrosis|cistitis
|clamidia|colecistitis|colelitiasis|cólico nefrítico|colitis|colitis ulcerosa|conjuntivitis|convulsiones|covid-19|demencia|dengue|depresión mayor|depresión posparto|dermatitis|derrame pleural|desprendimiento de retina|diabetes
|diabetes mellitus|diabético|diabética|diálisis|discapacidad intelectual|dislipemia|disnea|diverticulitis|drogadicción|eccema|eclampsia|edema pulmonar|embolia pulmonar|embarazo ectópico|encefalitis|endocarditis|endometriosis
|enfermedad celíaca|enfermedad coronaria|enfermedad de alzheimer|enfermedad de crohn|enfermedad de huntington|enfermedad de parkinson|enfermedad pulmonar obstructiva crónica|enfermedad renal crónica|enfisema|epilepsia|epiléptico
|epiléptica|epoc|esclerosis lateral amiotrófica|esclerosis múltiple|escoliosis|esguince|espina bífida|esquizofrenia|esquizofrénico|esquizofrénica|fibrilación auricular|fibromialgia|fibrosis quística|gastritis|gastroenteritis
|glaucoma|glioblastoma|gonorrea|gota úrica|hematoma subdural|hematuria|hemodiálisis|hemofilia|hemorragia|hemorroides|hepatitis|hepatitis b|hepatitis c|hepatocarcinoma|hernia discal|hernia inguinal|herpes|herpes zóster|hidrocefalia
|hipercolesterolemia|hiperglucemia|hiperplasia benigna de próstata|hipertensión|hipertensión arterial|hipertenso|hipertensa|hipertiroidismo|hipoglucemia|hipotensión|hipotiroidismo|ictus|infarto|infarto agudo de miocardio
|infarto de miocardio|infección urinaria|infección por vih|influenza|insuficiencia cardíaca|insuficiencia cardiaca|insuficiencia hepática|insuficiencia renal|insuficiencia respiratoria|intento de suicidio|ideación suicida
|isquemia|leucemia|linfoma|linfoma de hodgkin|litiasis renal|lupus|lupus eritematoso|malaria|mastitis|melanoma|meningitis|menopausia|metástasis|migraña|mieloma múltiple|miocarditis|mononucleosis|nefritis|nefropatía|neoplasia|neumonía
|neumotórax|neuropatía|obesidad mórbida|osteoporosis|otitis|paludismo|pancreatitis|paraplejia|párkinson|parkinson|parálisis cerebral|peritonitis|pericarditis|pielonefritis|poliomielitis|preeclampsia|prostatitis|psicosis|psoriasis|rabia humana
|retinopatía|rinitis alérgica|rubéola|sarampión|sarcoidosis|sarcoma|seropositivo|seropositiva|sida|sífilis|síndrome de down|síndrome de intestino irritable|síndrome nefrótico|sepsis|shock séptico|sinusitis|sordera|taquicardia|tendinitis|tétanos
|tiroiditis|tosferina|toxicomanía|trastorno bipolar|trastorno de ansiedad|trastorno de la personalidad|trastorno obsesivo-compulsivo|trastorno por estrés postraumático|tromboembolismo|tromboembolismo pulmonar|trombosis
|trombosis venosa profunda|tuberculosis|tumor cerebral|úlcera gástrica|urticaria|varicela|vasculitis|vih|vih positivo|vih-positivo|vitíligo"""

DRUGS = """acenocumarol|aciclovir|ácido acetilsalicílico|adiro|alprazolam|amiodarona|amitriptilina|amlodipino|amoxicilina|antidepresivo|antidepresivos|antipsicótico|antipsicóticos|antirretroviral|antirretrovirales|apixabán|atenolol
|atorvastatina|azatioprina|azitromicina|benzodiacepina|benzodiacepinas|bisoprolol|budesonida|captopril|carbamazepina|carvedilol|cefixima|ceftriaxona|ciclofosfamida|ciprofloxacino|cisplatino|citalopram|clonazepam|clopidogrel
|clozapina|codeína|colchicina|corticoides|corticoide|dexametasona|diazepam|diclofenaco|digoxina|donepezilo|doxiciclina|duloxetina|enalapril|enoxaparina|escitalopram|espironolactona|fentanilo|fluoxetina|furosemida|gabapentina
|haloperidol|heparina|hidroclorotiazida|hidrocortisona|ibuprofeno|inhibidores de la bomba de protones|insulina|inmunoterapia|lamotrigina|levetiracetam|levofloxacino|levotiroxina|litio carbonato|loratadina|lorazepam|losartán|metadona
|metamizol|metformina|metilprednisolona|metotrexato|metronidazol|mirtazapina|morfina|nolotil|olanzapina|omeprazol|oxicodona|paracetamol|paroxetina|penicilina|prednisona|prednisolona|pregabalina|propranolol|quetiapina|quimioterapia|radioterapia
|ramipril|rifampicina|risperidona|rituximab|rivaroxabán|salbutamol|sertralina|simvastatina|sintrom|tacrolimús|tamoxifeno|tramadol|trankimazin|trazodona|valproato|vancomicina|venlafaxina|ventolin|warfarina|zolpidem"""

AMBIGUOUS = """alergia|cataratas|cólera|alérgico|alérgica|ansiedad|biopsia|cesárea|cirugía|coma|depresión|diagnóstico|diagnosticado|diagnosticada|diarrea|discapacidad|dolor abdominal|dolor de cabeza|dolor torácico|embarazada|embarazo|fiebre|fractura|infección|inflamación
|insomnio|intervenido|intervenida|lesión|lesiones|mareos|náuseas|operado|operada|quiste|sangrado|síntomas|tos|tratamiento|tumor|tumoración|úlcera|vómitos"""
