/* link_words.c - the words that the guards of naked domains ask for.
 * Refuses to know how they are used.  Lists are strings with a blank before and behind every word, lower case:
 * they are asked for a few words of a message only.  /etc/smsbridge/link-words adds to some of them. */
#include <stdlib.h>
#include <string.h>

#include "link_parts.h"
#include "text.h"

static const char *const lists[LINK_WORDS_COUNT] = {
    [LINK_WORDS_NONE] = "",
    [LINK_WORDS_TECHNICAL] =
        " com net org edu gov mil int biz mobi xyz app dev tel aero arpa asia coop museum xxx onl"
        " wtf llc srl sarl gmbh onion ngo ong ooo icu icu gdn cat ink bzh nrw frl gal eus tirol "
        "ruhr"
        " bayern berlin hamburg koeln cologne wien swiss london paris nyc tokyo osaka amsterdam"
        " brussels vlaanderen istanbul ist moscow madrid quebec sydney melbourne capetown joburg"
        " yandex google youtube gle goo aws bbc bmw dhl lidl edeka audi seat hsbc ubs citi barclays"
        " рф орг рус сайт онлайн бел укр срб мкд қаз ею ком ελ ευ бг ",
    [LINK_WORDS_CLOSED] =
        " able author book buy call chase circle cooking coupon data deal dealer direct discover"
        " dish dot drive eat fast fire fly food free frontdoor gap got grocery hangout here hot jot"
        " joy just kids like living locker map mint mobile now office open origins pay phone play"
        " prime progressive read ready room safe save secure see shouji showtime smile song spot"
        " talk target total travelers visa weather you zero as do so to ",
    [LINK_WORDS_FILES] = " mov py sh zip ",
    [LINK_WORDS_EXT] = " ai bz cab cc dot inc java map md mk ml mm pl pm ps pub rs so tf ",
    [LINK_WORDS_STEMS] =
        " archive backup bootstrap changelog client conf config configure data dist document export"
        " helpers helper id_rsa image img import include index init input install invoice layout "
        "lib"
        " licence license log logo main make makefile manual mod module notes output overview"
        " package readme requirements sample schema screenshot script scripts server setup startup"
        " stdin stdout syntax tests test todo untitled util utils vendor version worker ",
    [LINK_WORDS_DOCUMENTS] =
        " agents api architecture authors claude code code_of_conduct contributing design docs "
        "draft"
        " example faq guide history memory plan release report roadmap security skill spec style"
        " summary template tutorial upgrading usage ",
    [LINK_WORDS_NAMES] = " asp.net vb.net ado.net makefile.am makefile.in config.in configure.ac"
                         " configure.in authorized.keys ",
    [LINK_WORDS_NOUNS] = " banking boeing booking camping catering coworking dating family feed "
                         "gaming hosting holding"
                         " leasing marketing parking seed speed trading united wedding ",
    [LINK_WORDS_UNITS] =
        " am pm a p h hr hrs min mins sec s st nd rd th km m cm mm nm kg g mg gr lb lbs oz l ml cl"
        " mb gb tb kb k x bn mn mio mrd mo di mi do fr sa so la tl kr rs gs sh cc cv ps kw ch pt pc"
        " pcs ct nt in er es ma ks kc lt ph pp td ms us uhr bar pa hm sm ",
    [LINK_WORDS_SUFFIX] = " ac co com go ne net or org ",
    [LINK_WORDS_KNOWN] =
        " t.me m.me wa.me fb.me ig.me about.me notion.so bun.sh fly.sh time.is who.is last.fm"
        " ask.fm plus.nl home.pl index.hr here.com open.ac cash.app point.md app.ac id.me care.me"
        " start.me drop.me pay.in home.no start.no dan.com x.com ",
};

/* Per language: words that end a sentence and hardly name a site; two-letter top-level domains that are words
 * a sentence may begin with.  Weekdays and abbreviations count as ends: "Mo.Fr", "tel.no", "bzw.am". */
static const struct {
    const char *name, *ends, *begins;
} languages[] = {
    {"English",
     " about account activated active again ago all alright already also always am and any anyone"
     " anything anyway approx approved around arrived asap at away back balance bad be because been"
     " before best better both busy but by bye call cancelled canceled charged clear closed code "
     "come"
     " coming completed confirmed cool correct could credited customer day days deactivated debited"
     " declined delivered did do does doing done down due each early else email end ended enough"
     " etc ever everyone everything expired ext failed fax few fine finished first for found free"
     " friend friends from full get go going gone good got great had half happy has have he hello"
     " help her here hers hi him his home hour hours how i if in inc is it it's its john just know"
     " last late later let like little lol long look lost love lunch ltd made man many married max"
     " may me mate maybe mean min mine minute minutes miss moment money month months more morning"
     " mr mrs ms much my name need never next nice night no nope not nothing now number of off oh"
     " ok okay old on once one ones only open or order other otp our ours out outside over paid"
     " pain parcel password paused payment people perfect phone pin please pls plz pm possible"
     " problem prof ps question quickly ready really received regards rejected replied right sad"
     " safe said same saw say see sent shipped should sir so some someone something soon sorry stop"
     " sure take talk text than thank thanks that that's the their them then there these they thing"
     " things think this those thx time times tmrw today together tomorrow tonight too true try"
     " type unavailable u unlimited until up updated upon urgent us use used user valid verified"
     " very vs wait was way we week weekend weeks welcome well went were what when where which"
     " while who why will wish with without won work working worry would wow wrong xx xxx yeah year"
     " years yep yes yesterday yet you your yours yourself mon tue wed thu thur fri sat sun street"
     " house room ask tell give let show send bring follow text contact trust find omg idk btw fyi "
     "tbh"
     " jr sr ave blvd apt dept govt haha hmm hey yo tho thru gonna wanna nah yup imo np ty bro sis "
     "mom"
     " dad babe dude guys xd rip ref fig vol tel fax dob qty amt acc acct bal avl avail slept ate "
     "left woke spoke drove bought kept felt thought ",
     " am as at be by do gg hm id im in is it la me mr ms my no pm ps sh so st to us "},
    {"German",
     " ab aber abend abends alle allein alles also am an andere approx auch auf aus bald bei beide"
     " bekommen bereit bereits besser bestellt bestätigt bin bis bitte bzw ca da dabei dafür damit"
     " danach dank danke dann dass dein deine denn der des dich die dir doch dort dran du durch"
     " egal ein einen einfach einmal ende er erhalten erledigt es etwas euch fertig freue frei"
     " freitag früh für ganz gar geht ggf evtl vgl zzgl exkl mind vorm nachm tgl std abt geb gem "
     "bzgl kto gekommen gemacht genau genug geplant gern gerne gesendet"
     " gestern gesund gibt glück gmbh gut gute habe haben hallo hast hat hause heute hier hin "
     "hinaus ich"
     " ihm ihn ihnen ihr immer in inkl ist ja jahr jahre jetzt jung kann kannst kein keine klar"
     " kommen kommt können lange lassen leid lieb liebe los mach machen mag mal max mehr mein mich"
     " min minuten mir mit mittag mittwoch mo möglich montag morgen morgens müssen nach nachmittag"
     " nacht nein neu nicht nichts nie noch nr nun nur ob oben oder ohne paket recht richtig "
     "samstag"
     " schade schon schön sehen sehr sein seit sich sie sind sofort sonntag sonst spaß spät später"
     " str tag tage tagen tel tschüss überweisen uhr um und ungültig uns unten usw vergessen viel"
     " vielleicht von vor vorbei war warten was weg weiter wenn wer werden wie wieder will willst "
     "wir"
     " wird wissen wo woche wochen wohl wollen wurde zeit zu zugestellt zum zurück zusammen di mi "
     "do"
     " fr sa so ",
     " am im in er es so la do sa mo fr st na nu ab "},
    {"French",
     " à accord adresse ah aller alors an ans après aujourd'hui aussi autre avant avec avoir bas "
     "beau"
     " beaucoup bien bientôt bisous bon bonjour bonne bonsoir c'est ça car ce cela chez cher ci"
     " comme comment confirmé connecté cordialement côté d'accord dans de debout déjà demain "
     "demande"
     " depuis dernier désolé dimanche disponible dit donc du elle encore ensemble ensuite entre est"
     " et été être eux expédié expiré faire fait fini fois gratuit hier heure heures ici il ils"
     " impossible j'arrive jamais je jeudi jour jours là le les leur livré loin lui lundi "
     "maintenant"
     " mais maison mal mardi matin même merci mercredi midi mieux moi moins mois moment mon monde"
     " monsieur nom non nous nuit nuits oui ou où par parfait pas passé payé perdu petit peu peut"
     " plaît plus possible pour prêt presque puis qu'il quand que quoi rappel reçu rendez-vous rien"
     " route salut samedi sans semaine si soir sous sûr sur svp tard temps terminé tôt toi toujours"
     " tous tout toute tranquille très trop tu un validé vendredi veux vite voilà voir vous vrai vu"
     " week-end lun mar mer jeu ven sam dim ",
     " au ca ce ci de es et eu il in je la ma me mr ne ni pm ps sa se si st su tn to va "},
    {"Spanish",
     " ahora ahí al algo alguien allá allí amigo amigos año años antes aprobado aquí así atrás aún"
     " ayer bien bueno buenos buenas cabo cada casa casi cerca claro código comer como conmigo"
     " contigo correcto cosa cosas cuando cuenta de después dice día días dinero dios disponible"
     " domingo donde él ella ellos en enseguida entiendo entonces entregado enviado era es esa ese"
     " eso espera está están este esto estoy favor feliz fin fue gente gracias grande gusto ha hace"
     " hacer hasta hay hecho hijo hola hora horas hoy igual ir jueves lado lejos listo llamar llego"
     " lugar lunes luego mal mañana martes más mes meses mejor menos mi miércoles mío minutos mismo"
     " momento mucho muchas mundo muy nada nadie niño niños no noche noches nombre nosotros nuevo"
     " nunca ok otra otro pagado pago parte pedido perdón pero pesos poco por porfa pronto puede"
     " puedo pues qué que quien quiero recibido saldo salir semana señor ser sí si siempre sin"
     " sábado solo son su tal también tampoco tarde tardes te tengo ti tiempo tienes todavía todo"
     " todos trabajar tú tuyo un usted va vale vencido ver verdad vez vida viernes vuelta ya yo dom"
     " lun mar mié jue vie sáb tel nro ",
     " ahi al am as cl cu da de es et ha la mi me mu ni no pa pe re sa se si so su tu un va ve "},
    {"Italian",
     " a adesso allora amore anche ancora anni anno appena arrivato arrivo auguri bello bene brava"
     " bravo buonasera buongiorno buono capito caro casa certo che chi ci ciao cioè codice come"
     " conto così cosa cose da dai davvero detto di dice dietro disponibile domani domenica dopo"
     " dove due e ecco era essere fa fai fare fatto fine fino fuori gennaio già giorni giorno"
     " giovedì giù grande grazie ho ieri il in infatti insieme io là lavoro lei letto li lì loro "
     "lui"
     " lunedì ma mai male mamma martedì me meglio meno mentre mercoledì mese mesi mia mio minuti"
     " molto mondo momento niente no noi nome non notte nulla nuovo ogni oggi ok ora ore pagato "
     "parte"
     " per perché perfetto pesce piacere piano più poco poi possibile posso presto prima problema"
     " pronto può qua qualcosa quando quanto quello questo qui ricevuto rimborsato sabato salve "
     "sarà"
     " scaduto sei sempre senza sera serata settimana si sì siamo sicuro solo sono sopra sotto"
     " spedito sta stai stamattina stasera stato sto strada su subito tanto tardi te tempo tornare"
     " tranquillo troppo tu tuo tutti tutto ultima va vado vai venerdì vero via vita voi volta"
     " consegnato lun mar mer gio ven sab dom ",
     " al ci da de es fa fi gi il in io la li ma me mi na ne no pa pe re sa se si so st su ti "
     "to tu"
     " un va vi "},
    {"Portuguese",
     " abraço agora ainda além ali amanhã amigo amigos amor antes ao aqui assim até bem boa bom"
     " cartão casa cedo certo claro código coisa com como comprovante conta dele depois desculpa "
     "dia"
     " dias disse dizer dois ela ele eles em então enviado entregue era errado essa esse está estou"
     " eu falar favor faz fazer feliz fica ficar fim foi gente hoje hora horas igual ir isso já lá"
     " legal lugar mais mal manhã mas melhor menos mês mesmo meu minha minutos muito nada não nele"
     " ninguém noite nome nós nossa novo nunca obrigada obrigado oi ok olá onde ontem outro "
     "pagamento"
     " pago para parabéns pedido perto pode por porque pouco pra praia pronto quando que quem quero"
     " recebido saldo saudades sei sem semana sempre senha senhor ser seu sim só sozinho sua também"
     " tarde tchau tempo tenho ter tudo um vai valor vamos vem vencida ver verdade vez vida vir "
     "você"
     " volta vou seg ter qua qui sex sáb dom ",
     " ao as ca da de do es eu fm ha ir la me na ne no pt sa se si so su tu um va ve vi "},
    {"Dutch",
     " aan af alles altijd als ander avond bedankt beetje ben best betaald bezorgd bij binnen blij"
     " buiten daar dag dagen dan dank dat deze die dit doe doei doen door dus echt een eens eerst"
     " elkaar en er even fijn ga gaan geen geld genoeg gisteren goed goede graag groetjes hallo heb"
     " hebben heel helaas hem hen het hier hij hoe hoor huis ik in is ja jaar je jij jou jullie kan"
     " keer klaar komen komt laat laatste later leuk lief maand maandag maar maken mee meer mensen"
     " met mij mijn minuten misschien moet moment mooi morgen na naar nee niet niets nodig nog "
     "nooit"
     " nou nu nummer of om ons onderweg ook op over pas pakket precies samen snel sorry straks "
     "succes"
     " te terug thuis tijd toch toe tot tussen uit uur van vandaag veel vergeten verstuurd verder "
     "vind"
     " vol voor vraag vrij waar want wanneer was wat week weer weet weg wel welkom werken wij wil"
     " worden zaterdag ze zeker zelf zien zijn zo zondag zonder ",
     " al de do en er es et ga ik in is je me na nu so st ze "},
    {"Swedish, Danish, Norwegian",
     " alla allt alltid är att av bara barn betalt bra dag dager där der då det detta din du där"
     " efter eller en er eftermiddag ej et ett får fin fint för for fra från fredag går gick gang"
     " god godt gott ha hade hallå han har hei hej hem her här hilsen hjem hvor i idag idag ikke"
     " imorgon imorgen in ingen inn inte ja jag jeg jo jul kan klar klart kl klokken kommer kram "
     "kväll"
     " kvelden länge levert likaså litt lite livet man med meg mig mer mig min mindre mottatt mye"
     " mycket måndag mandag morgen morgon må nå ned nej nei ni nog nok noe nu någon något ok också"
     " och og om ombord oss på pakke redo rett sak samma sammen se senere senast senere sent si sig"
     " skal ska snart sen så som søndag til tid tider tiden tidlig tilbake till tillbaka tack tak"
     " takk tro ut ute uge uke uten utan vad vær väl var vel veldig vecka velkommen vi vet vill "
     "år ",
     " at da de do en er et fo in is ja la ma me na ne ni no nu om pa re sa se si so to va vi "},
    {"Polish, Czech, Slovak, Croatian, Serbian, Slovenian",
     " ale ano bardzo bez było był była by byl bylo co czas da dalej dana danas děkuji děkuju diky"
     " dla dobar dobra dobrze dobre dobro dobry dobře dzień dzięki dziękuję dziś dzisiaj dnes "
     "ďakujem"
     " evo gdje gdzie godz godzin hvala ich idę ja jak jest je jeszcze jsem jutro już kde kiedy kod"
     " kada klient kto lat ma mam mi minut może moje možno nad nam nas nic nie nikt nie nowy oraz "
     "pa"
     " pan pani paczka po pod potem potom prosím proszę problemu przed przy razem rano saldo se "
     "serwis"
     " sada spokojnie sutra sve tak tam także tel teraz tego też ty tu tutaj tudi tylko tym ul vam "
     "vas"
     " večer všechno wieczorem wszystko więc wysłana zapłacone zaraz zawsze zbog zítra ",
     " al ale ba bo by da do ga im in ja je li ma me mi mu my na ne ni no od om pa pl po sa se "
     "si st"
     " su ta ti to tu ty va ve vi vy za ze "},
    {"Turkish",
     " ama anne artık aşağı baba bana ben beni biraz bir biri biz bugün bu çok dedi değil efendim "
     "evet"
     " geldi gel geliyorum gerek gibi gidiyorum gün günaydın güzel hadi hayır hemen her hiç hoş "
     "için"
     " iyi kadar kalan kolay lazım lütfen merhaba mi mı ne neden nerede ok olarak oldu olsun olur "
     "onu"
     " para peki sana sen siz sonra şey tamam teşekkürler var ve yap yarın ya yok yolda zaman ",
     " al az de ki la mi mu na ne nu se si su tam ve ya "},
    {"Indonesian, Malay, Tagalog",
     " ada aku anda apa baik baru begitu belum besok bisa boleh buat dan dari datang di dia dong "
     "gak"
     " hari ini itu iya jam jangan juga kak kamu kan karena kasih kita ke kembali kok lagi lah lain"
     " makan malam mana masih mau minta nanti nggak nya oke orang pagi pak pulang saja salam sama"
     " sampai sana saya sekarang selamat semua siang sini sore sudah tadi tak terima tidak tolong "
     "tunggu"
     " uang untuk waktu ya yang yuk ako ang ba hindi ikaw ka kayo ko lang mo na naman ng ni opo oo "
     "po"
     " sa salamat si sige tayo ",
     " ad al ba bu di in ka ke ki la ma mo na ng ni pa ph sa si so tk to ya "},
};

/* English top-level domains that are words, and what goes with them. */
static const struct {
    const char *tld, *next;
} collocations[] = {
    {"am", " at busy coming fine going here home in not ok on so sorry still tired very "},
    {"at", " a an home least my our the this what your "},
    {"be", " back careful good happy here patient quick ready right safe sure there "},
    {"by", " a the "},
    {"in", " a an case fact my our that the this your "},
    {"is", " any anyone everything good he it not ok she so that there this "},
    {"me", " neither too "},
    {"my",
     " bad battery boss brother car dad dear flight friend friends god husband kids love mom mum"
     " name number order parcel phone sister train wife "},
    {"no", " idea longer matter money more need one other problem problems reason reply thanks time"
           " use way wonder worries "},
    {"us", " too "},
};

static bool in_list(const char *list, const char *word)
{
    char padded[68];
    size_t len = strlen(word);

    if (len == 0 || len + 3 > sizeof padded || strchr(word, ' '))
        return false;
    padded[0] = ' ';
    memcpy(padded + 1, word, len);
    padded[len + 1] = ' ';
    padded[len + 2] = '\0';
    return strstr(list, padded) != NULL;
}

/* ---- what the administrator added ---- */

static char *added[LINK_WORDS_COUNT]; /* lists like those above; NULL: nothing */

#define ADDED_MAX 65536 /* bytes a list */

static const struct {
    const char *kind;
    enum link_words table;
} kinds[] = {{"ext", LINK_WORDS_FILES}, {"word", LINK_WORDS_CLOSED}, {"domain", LINK_WORDS_KNOWN}};

static enum err add_to(char **list, const char *word)
{
    size_t old = *list ? strlen(*list) : 0, len = strlen(word);
    char *grown;

    if (old + len + 2 > ADDED_MAX)
        return ERR_FULL;
    grown = realloc(*list, old + len + 3);
    if (!grown)
        return ERR_NO_MEMORY;
    if (old == 0)
        grown[old++] = ' ';
    for (size_t i = 0; i < len; i++)
        grown[old + i] = (char)(word[i] >= 'A' && word[i] <= 'Z' ? word[i] + 32 : word[i]);
    grown[old + len] = ' ';
    grown[old + len + 1] = '\0';
    *list = grown;
    return OK;
}

enum err link_word_add(const char *kind, const char *word)
{
    if (text_utf8_check(word, strlen(word)) || !*word)
        return ERR_SYNTAX;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kind, kinds[i].kind) == 0)
            return add_to(&added[kinds[i].table], word);
    return ERR_SYNTAX;
}

void link_words_clear(void)
{
    for (size_t i = 0; i < LINK_WORDS_COUNT; i++) {
        free(added[i]);
        added[i] = NULL;
    }
}

/* ---- the questions ---- */

bool link_word_in(enum link_words table, const char *word)
{
    return in_list(lists[table], word) || (added[table] && in_list(added[table], word));
}

bool link_word_begins(const char *tld, bool english)
{
    size_t n = english ? 1 : sizeof languages / sizeof *languages;

    for (size_t i = 0; i < n; i++)
        if (in_list(languages[i].begins, tld))
            return true;
    return false;
}

bool link_word_follows(const char *tld, const char *next)
{
    for (size_t i = 0; i < sizeof collocations / sizeof *collocations; i++)
        if (strcmp(collocations[i].tld, tld) == 0)
            return in_list(collocations[i].next, next);
    return false;
}

bool link_word_ends(const char *label)
{
    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++)
        if (in_list(languages[i].ends, label))
            return true;
    return false;
}

bool link_word_pair(const char *label, const char *tld)
{
    bool country = strlen(tld) == 2;

    if (!country && link_word_in(LINK_WORDS_TECHNICAL, tld))
        return false;
    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++)
        if (in_list(languages[i].ends, label) && (!country || in_list(languages[i].begins, tld)))
            return true;
    return false;
}
