# ruff: noqa: E501, RUF001 - lists of words
"""The commonest short words of languages in Latin letters: what says in which language a sentence stands.

English and Spanish are those that the shipped pipelines read. The others only have to be told from them.
"""

from __future__ import annotations

ENGLISH = """
about above after again against all also am an and any are aren't as at away back be because been before being below between both but by came can
can't could couldn't did didn't do does doesn't doing don't done down during each ever every few for from further get gets give go goes going good got
had has have haven't having he he's her here hers herself him himself his how how's i'd i'll i'm i've if in into is isn't it it's its itself just know
let let's like made make makes many may me might more most much must my myself need never new no nor not now of off on once one only or other our ours
out over own people per please put same say says see shall she she's should since so some such take tell than that that's the their them then there
there's these they they're this those through to too two under until up upon us use used using very want was wasn't way we we're well were what what's
when where whether which while who whom whose why will with within without won't would wouldn't write yes yet you you're your yours
"""

SPANISH = """
acerca además ahora al algo alguna algunas alguno algunos algún ambos ante antes aquel aquella aquellos aquí aunque años bajo bien buenas buenos cada
casi como con contra cual cuando cuál cuáles cuándo cuántas cuánto cuántos cuánta cómo de debe del desde después dice donde dos durante dónde día el
ella ellas ellos en entonces entre era eran eres es esa esas escribe ese eso esos esta estaba estado estamos estar estas este esto estos está están
estoy explica fue fueron gracias ha haber había hace hacer hacia hago han hasta hay haya he hemos hola hoy la las le les lo los luego mejor me mi
mientras mis misma mismo mucha muchas mucho muchos muy más ni ningún ninguna no nos nosotros nuestra nuestro nunca os otra otras otro otros para pero
poco por porque presenta puede pueden puedo pues que quien quién quiero qué se sea según ser será si sido siempre sin sobre solo son soy su sus sí
sólo también tan tanto te tengo tenía ti tiene tienen toda todas todavía todo todos tras tu tus tú un una unas uno unos usted ustedes va varias varios
vez ya yo él últimas último alta apellidos ayer calle ciudad clínica código correo cuenta diagnóstico dirección domicilio días edad enfermedad fecha
hija hijo historia informe ingreso llama llamo localidad madre mañana médico nacimiento nombre paciente país padre pedido provincia residente reunión
resumen señor señora servicio sexo síntomas teléfono trabajo tratamiento traduce vive
"""

OTHERS = {
    "French": """
ai alors après au aucun aussi autre autres aux avant avec avez avoir avons avait bien bonjour car ce ceci cela celle celui ces cet cette ceux chaque
chez comme comment contre dans depuis des dont du déjà elle elles encore entre est et eux fait faire faut je jamais jour la le les leur leurs lui ma
mais merci mes moi moins mon même ne nos notre nous ont ou où par parce pas pendant peut peux plus pour pourquoi pouvez quand que quel quelle quels
quelles qui sans sera serait ses si sont sous suis sur ta tes ton toujours tous tout toute toutes très un une vers veuillez voici voilà vos votre vous
été était étaient être c'est d'un d'une j'ai l'on n'est qu'il s'il
""",
    "German": """
aber alle allem allen aller alles als also am andere anderen auch auf aus bei beim bin bis bitte bist da damit dann das dass dein deine dem den denn
der des dich dir doch dort du durch ein eine einem einen einer eines er es etwas euch euer für gegen gibt guten habe haben hallo hat hatte hatten
heute hier ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im immer ist ja jede jeder jetzt kann kein keine keinen können könnte machen mehr mein meine
meinem meinen meiner mich mir mit muss nach nicht nichts noch nun nur ob oder ohne schon sehr sein seine seinem seinen seiner seit sich sie sind
sollte sondern über um und uns unser unter viel viele vom von vor wann warum was weil wenn wer werden wie wieder wir wird wo wurde wurden würde zu zum
zur zwischen
""",
    "Italian": """
abbiamo ad agli ai al alla alle allo anche ancora avere aveva ben buongiorno che chi ci ciao come con cosa così cui da dagli dai dal dalla dalle degli
dei del della delle dello di dopo dove due ed era erano essere fa fare fino gli grazie ha hai hanno ho il in io la le lei li lo loro lui ma mi mia mio
molto ne nei nel nella nelle nello noi non nostra nostro ogni per perché però più poi prima puoi può quale quando quanto quella quelle quello questa
queste questi questo qui quindi sarà se sei senza si sia siamo solo sono sopra sta stata stato su sua sue sugli sui sul sulla suo suoi tra tu tutti
tutto tutte un una uno vi c'è dell'anno l'ha un'altra
""",
    "Portuguese": """
às ao aos aqui as até bem bom boa com como da das de dela dele depois do dos ela elas ele eles em então era essa esse esta este estava estou está
estão eu foi foram há isso isto já lhe mais mas me meu meus minha muito na nas nem no nos nossa nosso não nós num numa obrigado onde os ou para pela
pelas pelo pelos pode podem por porque pra qual quando que quem se sem ser será seu seus são só sua suas também te tem temos tenho ter teve tinha tudo
um uma umas uns vai você vocês
""",
    "Dutch": """
aan al alle als altijd andere bedankt ben bij daar dan dat de deze die dit doen door dus een en er geen goede graag haar had heb hebben heeft het hier
hij hoe hun ik in is ja je jij jou jouw jullie kan kunnen maar meer met mij mijn moet moeten na naar niet niets nog nu of om omdat onder ons onze ook
op over te tegen toch toen tot tussen uit uw van veel voor waar wanneer waren was wat we wel werd wie wij wil wordt worden zal ze zeer zei zich zij
zijn zo zonder zou
""",
    "Polish": """
ale bardzo bez być był była było były będzie ci co czy dla do dzień dobry dziękuję gdy gdzie go ich ile im innych ja jak jako je jego jej jest jestem
jeszcze już każdy kiedy która które który których ma mam mi między mnie może można mój moja na nad nam nas nie niż od on ona oni oraz pan pani po pod
ponieważ poza proszę przed przez przy są się sobie ta tak także tam te tego tej ten to tu tych tylko tym we wszystko więc za zawsze ze został że żeby
""",
    "Swedish": """
alla att av bara blev bli blir de dem den denna deras det detta din du där efter eller en ett finns från för han hade har hej hennes hon hur här icke
ingen inte jag kan kommer kunde man med mellan men mig min mina mot mycket måste ni nu när någon något några och också om oss på redan sedan sig sin
sina ska skulle som så till tack under upp ut utan var varför vad vara varit vem vi vid vilka vilken är över
""",
    "Danish": """
af alle at blev bliver da de dem den denne der deres det dette dig din du efter eller en end er et for fordi fra få ham han hans har hej hendes her
hun hvad hvem hvis hvor hvordan hvornår ikke jeg kan kunne man mange med meget men mellem mig min mine mod må nogle noget nok nu når og også om op os
over på sig sin skal skulle som så tak til ud under var ved vi vil ville være været år
""",
    "Norwegian": """
av alle at ble blir bare da de deg dem den denne der deres det dette din du eller en enn er et etter for fordi fra få ham han hans har hei hennes her
hun hva hvem hvis hvor hvordan ikke ingen jeg kan kom kunne man mange med meg mellom men mer min mine mot mye må noe noen når nå og også om opp oss
over på seg sin skal skulle som så takk til ut uten var ved vi vil ville være vært år
""",
    "Finnish": """
ei eivät ehkä eli en että hän hänen he heidän hyvin hyvää ja jo joka jos jota jossa kanssa kun kuin kiitos kuitenkin ku me meidän meille mikä miksi
minun minut minulla minä missä mitä mukaan mutta myös ne nyt niin niiden niitä nämä ole olen oli olisi olivat olla on ovat päivää se sekä sen sitten
sitä sinä sinun tai tämä tämän te teidän tällä vaan vain voi voin yli ennen jälkeen
""",
    "Turkish": """
ama ancak bana bazı ben beni benim bir biri biz bizim bu bunu bunun çok çünkü da daha de değil diye en fakat gibi göre günaydın hem hep her hiç için
ile ise kadar ki kim mi mı mu nasıl ne neden nerede olan olarak oldu olduğu olması onu onun sen sizin siz sonra şey şu tarafından teşekkürler tüm var
ve veya ya yok üzere merhaba
""",
    "Czech": """
aby ale ani až bez bude budou by byl byla bylo být co což další děkuji den do dobrý já jak jako je jeho jejich její jen ještě již jsem jsme jsou kde
kdo kdy když která které který ma má mají mezi mi mít mně může na nad nebo není než od pan po pod podle pokud pouze pro proč proto protože první před
při se si tak také tam tato ten tento to tu ty tedy už ve více však vám vás všechny za ze že
""",
    "Slovak": """
aby ako aj ale alebo ani až bez bol bola bolo boli by byť čo ďakujem deň dobrý do ešte ho ich ja jeho jej kde keď kto ktorá ktoré ktorý len ma má majú
medzi mi môže na nad nie nič od po pod podľa pre pred pretože pri sa sme som sú tak také tam ten tento to tu ty už veľmi viac však vám vás všetko za
zo že
""",
    "Croatian": """
ako ali bez bi bila bilo bio biti da dan do dobar gdje hvala iako ih ili iz ja je jer jesam još kada kako kao koja koje koji koju li me mi moj može na
nakon ne nego nije nisam od on ona oni po pod prije sa sam samo se smo su sve što ta tako te to tu uz vam vi više za zašto že šta će ću
""",
    "Romanian": """
acest această aceste acestea acesta ai al ale am ar are asta astfel au avea bine bună că când care ce cea cei cel cele cine cu cum da dacă dar de
despre deși din după ea ei el ele era este eu fără fi fie fost foarte iar îi îl în într-o între la le lor lui mai mea mult mulțumesc mă ne nici noi nu
ori pe pentru poate prin sa sau să se sunt și te toate tot toți un una unei unui va voi vă într-un
""",
    "Hungarian": """
abban ahhoz aki akkor ami amely az azt azonban azért be csak de egy egyik el én ennek ez ezt ezért és fel ha hanem hogy hogyan igen illetve is itt jó
kell ki köszönöm következő le lehet lesz maga mert még meg mi miért mint minden mit most már nagyon napot ne nem nincs ők olyan ott pedig persze sem
sok szerint számára te tehát tud vagy vagyok van vannak volt volna után által
""",
    "Catalan": """
això al als amb aquest aquesta aquests així bon com cada dels de del des doncs d'un el els em en encara ens entre era és està estan fa fins gràcies ha
han havia hi ho jo ja l'any les li més meu meva molt molts ni no nosaltres on per perquè però pot que què quan qui sense ser seu seva si són sobre
també tant tenir te tinc tot tots un una unes uns va van vaig vostè
""",
    "Galician": """
ao aos as así até cal co coa como con da das de despois dende do dos ela el en entre era esta este foi grazas hai iso isto la lle máis mais meu moi na
nas nin no non nos ola onde os ou para pero pola polo por porque que quen sen ser seu súa só son tamén teño ten tiña todo unha uns un xa está estou
""",
    "Basque": """
baina baino bat batean beste bezala da daude den dira ditu du dute egin egun eskerrik eta ez ere gara gehiago hau hori horrek izan kaixo naiz nik nola
non nuen oso zer zen zenbat zuen ziren dut dugu duen
""",
    "Indonesian": """
ada adalah agar akan aku anda antara apa atau bagaimana bagi bahwa banyak beberapa belum bisa dalam dan dapat dari dengan di dia harus hari ia ini itu
jika juga kami kamu karena kata ke kepada kita lagi lebih maka masih mereka mengapa namun oleh orang pada para saat saya sebagai sebuah sedang selamat
seperti serta sudah telah terhadap tetapi tidak terima untuk yang
""",
    "Vietnamese": """
anh bạn bị các cái cho chúng chưa có cô của cũng đã đang đến để đi điều đó được em gì hãy họ hơn khi không là lại làm lên mà một mình muốn này nếu
người nhà như nhưng những nào ông phải ra rất rồi sau sẽ sự tại thì theo tôi trong trên từ và vào vẫn về với vì xin
""",
    "Swahili": """
ambayo au baada bila huo hii hiyo hivyo huu huyo ili kama katika kila kuwa kwa kwamba lakini la mimi na ndani ni nini pia sana sasa si tu wa wake wao
watu wewe ya yake yako yangu yeye za zaidi asante habari
""",
    "Tagalog": """
ako ang ano ating ay bakit dahil din hindi ito iyon ka kami kaya kung ko lamang lang mga may mo mula na namin nang ng ngunit ni nila nito niya pa para
po rin sa saan sila si siya tayo upang wala ikaw iyong
""",
    "Estonian": """
aga ainult ega ei enam ent et ette ikka ja jah juba ka kas kes keda kui kuid kuidas kus küll ma me meie mida miks mille millal minu mis mu mulle nad
nagu need nii ning nüüd oled olema oleme olen oli olid olnud on pole pärast seda see selle sest siis sinu ta tema tere tänan väga või välja veel
""",
    "Latvian": """
ar arī bet bez bija būs būt caur es gan ir jau jo jā ka kad kas kā kāpēc ko ku kur labdien lai līdz man manā mans mēs nav ne no nu par pat paldies pēc
pie savu šis šo tad tas tā tādēļ tāpēc tikai to tomēr tu uz vai var vairāk viņa viņi viņš viņu visi
""",
    "Lithuanian": """
ačiū apie ar arba bet bus būti buvo buvau dabar dar diena dėl gali iki ir iš jau jei ji jie jis jo jos jų jūs kad kai kaip kas kiek kodėl kur kuri
kuris labai laba mano mes mūsų nei nes nuo pagal per po prie su savo tačiau tai taip tas tik todėl tu už visi vis yra
""",
    "Albanian": """
ai ajo ata atë ca dhe dha do duke edhe është jam janë ka kam kanë kjo ky me më mirë mund na ne nga nje një në nuk nëse para pas për po pse që s'ka sa
se si sipas te ti tij të tyre unë vetëm ishte pasi faleminderit
""",
    "Icelandic": """
að af allt eða ef eftir eins ekki en er eru ég fyrir frá ertu góðan hafa hann hans hefur hér hún hvað hver hvernig já jeg með mér mig mikið mín minn
nú og okkur sem sér sig sínum svo um upp var vera verið við voru það þá þar þau þeir þess þetta þér þú takk til úr yfir
""",
    "Afrikaans": """
aan as asseblief baie by daar dankie dat deur die dit een en ek geen goeie haar het hierdie hoe hom hulle hy in is jou julle jy kan maar meer met moet
my na nie nog nou of om omdat ons ook oor op sal se sê sien sy te tot uit van vir voor waar was wat weet wees word
""",
    "Latin": """
ac ad atque aut autem cum de dum ego ejus enim eorum erat esse est et etiam ex fuit haec hic hoc id igitur ille inter ipse ita me mihi nec neque nihil
non nos nunc per post pro quae quam qui quia quibus quid quod quoque sed sic sine sub sunt suum tamen te tibi tu ubi unde ut vel vero
""",
    "Malay": """
ada adalah akan anda antara atau awak bagaimana bahawa boleh dalam dan dapat dari daripada dengan di dia encik hari ia ialah ini itu juga kami kamu
kerana ke kepada kita lagi lebih mereka oleh pada perlu puan sahaja saya sebagai selamat semua seperti serta sila sudah supaya telah terima tetapi
tidak untuk yang
""",
}
