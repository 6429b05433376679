# ruff: noqa: E501, RUF001 - letters in many languages
"""A letter with personal data in each of many languages, and texts that are foreign in no sense."""

from __future__ import annotations

LETTERS = {
    "French": "Chère Madame Dubois,\n\nVotre fille Camille a été hospitalisée hier soir. Le médecin pense que c'est une appendicite et qu'elle sera opérée demain. Elle habite au 12 rue des Lilas à Lyon.",
    "German": "Sehr geehrte Frau Schneider,\n\nwir haben Ihren Antrag erhalten und werden ihn bis Freitag bearbeiten. Bitte schicken Sie uns noch die Geburtsurkunde von Lukas, der seit März bei Ihnen wohnt.",
    "Italian": "Gentile signor Rossi,\n\nla informiamo che la sua richiesta è stata accolta. Il medico le ha prescritto una nuova terapia e la aspetta giovedì alle dieci nello studio di via Garibaldi.",
    "Portuguese": "Prezada Dona Marta,\n\no seu filho não veio à escola ontem e também faltou hoje. Pedimos que nos telefone para sabermos se ele está doente ou se aconteceu alguma coisa.",
    "Dutch": "Beste mevrouw De Vries,\n\nwij hebben uw brief ontvangen en zullen de rekening van uw moeder zo snel mogelijk aanpassen. Haar nieuwe adres is Kerkstraat 14 in Utrecht.",
    "Polish": "Szanowna Pani Kowalska,\n\nprosimy o przesłanie wyników badań, które zostały wykonane w zeszłym tygodniu. Pani mąż jest już po operacji i czuje się bardzo dobrze.",
    "Swedish": "Hej Anna,\n\njag har pratat med din mamma om hur det gick på sjukhuset. Hon säger att Erik inte kan komma hem förrän på måndag, men att han mår bättre nu.",
    "Danish": "Kære Mette,\n\njeg har talt med lægen, og han siger at din far ikke kan komme hjem før mandag. Han har fået det bedre, men han skal blive lidt endnu på afdelingen.",
    "Norwegian": "Hei Ingrid,\n\njeg har snakket med legen, og hun sier at faren din ikke kan komme hjem før mandag. Han har det bedre nå, men må være litt til på avdelingen.",
    "Finnish": "Hyvä rouva Virtanen,\n\nolemme saaneet hakemuksenne ja se käsitellään ensi viikolla. Lääkäri on sitä mieltä, että poikanne voi palata kouluun, kun kuume on poissa.",
    "Turkish": "Sayın Ayşe Hanım,\n\nbaşvurunuzu aldık ve en kısa sürede size dönüş yapacağız. Oğlunuz için gerekli olan belgeleri bu hafta sonuna kadar bize göndermeniz gerekiyor çünkü süre doluyor.",
    "Czech": "Vážená paní Nováková,\n\nposíláme vám výsledky, které jste si vyžádala. Váš syn je už po operaci a může jít domů v pátek, ale ještě musí být v klidu.",
    "Romanian": "Stimată doamnă Popescu,\n\nvă rugăm să ne trimiteți documentele până vineri. Soțul dumneavoastră este bine și va fi externat mâine, dar mai are nevoie de odihnă.",
    "Hungarian": "Tisztelt Nagy Katalin!\n\nMegkaptuk a kérelmét, és hamarosan jelentkezünk. A fia már jól van, de még nem mehet haza, mert az orvos szerint egy hétig itt kell lennie.",
    "Catalan": "Benvolguda senyora Puig,\n\nhem rebut la seva carta i li respondrem aviat. El seu fill és a l'hospital però està molt millor i demà podrà tornar a casa amb vostè.",
    "Indonesian": "Yang terhormat Ibu Sari,\n\nkami sudah menerima surat Anda dan akan segera membalasnya. Anak Ibu sedang dirawat di rumah sakit karena demam, tetapi dia sudah lebih baik.",
    "Vietnamese": "Kính gửi chị Lan,\n\nchúng tôi đã nhận được đơn của chị và sẽ trả lời trong tuần này. Con trai của chị đang ở bệnh viện nhưng không có gì nguy hiểm.",
    "Swahili": "Mpendwa Bi Amina,\n\ntumepata barua yako na tutajibu katika wiki hii. Mtoto wako yuko hospitalini kwa sababu ya homa lakini hali yake ni nzuri sana sasa.",
    "Russian": "Уважаемая Анна Петровна, ваш сын находится в больнице, но чувствует себя хорошо. Мы позвоним вам завтра утром.",
    "Greek": "Αγαπητή κυρία Παπαδοπούλου, ο γιος σας βρίσκεται στο νοσοκομείο αλλά είναι καλά. Θα σας τηλεφωνήσουμε αύριο.",
    "Arabic": "السيدة فاطمة المحترمة، ابنك في المستشفى وحالته جيدة الآن، وسوف نتصل بك غدا صباحا.",
    "Hebrew": "גברת לוי היקרה, הבן שלך נמצא בבית החולים ומרגיש טוב. נתקשר אלייך מחר בבוקר.",
    "Hindi": "प्रिय सुनीता जी, आपका बेटा अस्पताल में है लेकिन अब ठीक है। हम कल सुबह आपको फोन करेंगे।",
    "Chinese": "尊敬的王小明先生，您的儿子现在在医院，情况良好。我们明天早上会给您打电话。",
    "Japanese": "田中様、息子さんは現在入院していますが、容体は安定しています。明日の朝お電話します。",
    "Korean": "김영희 님께, 아드님은 현재 병원에 있지만 상태가 좋습니다. 내일 아침에 전화드리겠습니다.",
    "Thai": "เรียนคุณสมชาย ลูกชายของคุณอยู่ที่โรงพยาบาลและอาการดีขึ้นแล้ว เราจะโทรหาคุณพรุ่งนี้เช้า",
}

ENGLISH_TEXTS = (
    "Please tell Mrs Dubois that her daughter was admitted last night and will be operated on tomorrow morning.",
    "What is the capital of France, and how many people live there?",
    "Translate 'déjà vu' and 'je ne sais quoi' into plain English and say where they come from.",
    "The café on rue de la Paix is run by Sr. García de la Vega and his wife.",
    "I'd like to know why the résumé of Zoë Müller-Lüdenscheidt was not in the folder.",
    "Explain the kanji 日本語 to a beginner.",
    "Let α and β be the roots of x² + px + q = 0; show that α + β = -p.",
)

SPANISH_TEXTS = (
    "¿Cuál es la capital de Francia y cuántas personas viven allí?",
    "Escribe un poema corto sobre el otoño.",
    "El paciente ingresó ayer por dolor torácico y fue dado de alta el viernes.",
    "Estimada señora García: le informamos de que su solicitud ha sido aprobada.",
    "Me llamo Juan y vivo en Sevilla desde hace tres años.",
    "Nombre: Lucía\nApellidos: Pérez Soto\nDomicilio: Calle Mayor 3",
)

NO_SENTENCES = (
    "def add(a, b):\n    return a + b",
    "SELECT id, total FROM orders WHERE total > 100 ORDER BY created_at;",
    "for (let i = 0; i < items.length; i++) { console.log(items[i].to(123)); }",
    '{"id": 4711, "sku": "XR-200", "tags": ["neu", "sale", "de", "en"]}',
    "2024-03-01T12:00:00Z ERROR [main] c.a.b.Server - connection refused (10.0.0.1:5432)",
    "ok",
    "LGTM",
    "Der Spiegel",
    "Bonjour",
    "São Paulo, Brasília, Rio de Janeiro, Belo Horizonte, Salvador",
    "git commit -m 'fix' && git push origin main",
    "docker run --rm -it -v $PWD:/src -w /src python:3.11 bash -c 'pip install . && pytest'",
    '<div class="col-md-6"><p>Lorem</p></div>',
    "x = [i for i in range(10) if i % 2]; y = {k: v for k, v in d.items()}",
    "E = mc^2, F = ma, PV = nRT",
    'fn main() { let mut v: Vec<u32> = Vec::new(); v.push(1); println!("{:?}", v); }',
    "Müller, Schmidt, Schneider, Fischer, Weber, Meyer, Wagner, Becker, Schulz, Hoffmann",
    "12,5 % | 3.200 € | 01.02.2024 | A-77",
    "ᐅ ★ ♥ → ✓",
)
