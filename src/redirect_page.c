/* redirect_page.c - the few pages that people see instead of a redirect.
 * Knows no link.  Promises: plain, short, no third party, no script. */
#include "redirect_page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum { LANGUAGES = 5 };
static const char *const languages[LANGUAGES] = {"en", "ja", "de", "fr", "es"};

static const struct {
    unsigned status;
    const char *extra, *extra_value; /* one more header; NULL: none */
    const char *title[LANGUAGES], *text[LANGUAGES];
} pages[PAGE_COUNT] = {
    [PAGE_NOT_FOUND] =
        {
            404,
            NULL,
            NULL,
            {"Not found", "見つかりません", "Nicht gefunden", "Introuvable", "No encontrado"},
            {"There is no such link. Please check that it is complete.",
             "このリンクは存在しません。最後まで正しく入力されているかご確認ください。",
             "Diesen Link gibt es nicht. Bitte prüfen Sie, ob er vollständig ist.",
             "Ce lien n’existe pas. Vérifiez qu’il est complet.",
             "Este enlace no existe. Compruebe que está completo."},
        },
    [PAGE_GONE] =
        {
            410,
            NULL,
            NULL,
            {"Link expired", "リンクの有効期限切れ", "Link abgelaufen", "Lien expiré",
             "Enlace caducado"},
            {"This link has expired. Please ask the sender for a new one.",
             "このリンクの有効期限は過ぎました。送信者に新しいリンクをご請求ください。",
             "Dieser Link ist abgelaufen. Bitte fragen Sie den Absender nach einem neuen.",
             "Ce lien a expiré. Demandez-en un nouveau à l’expéditeur.",
             "Este enlace ha caducado. Pida uno nuevo al remitente."},
        },
    [PAGE_AGAIN] =
        {
            503,
            "Retry-After",
            "1",
            {"Not now", "後ほど", "Nicht jetzt", "Plus tard", "Más tarde"},
            {"This link is opened when you tap it, not before.",
             "このリンクはタップしたときに開きます。",
             "Dieser Link öffnet sich erst, wenn Sie ihn antippen.",
             "Ce lien s’ouvre quand vous le touchez, pas avant.",
             "Este enlace se abre cuando usted lo toca, no antes."},
        },
    [PAGE_TOO_MANY] =
        {
            429,
            "Retry-After",
            "60",
            {"Too many requests", "リクエストが多すぎます", "Zu viele Anfragen", "Trop de requêtes",
             "Demasiadas peticiones"},
            {"There is no such link, and you asked for many such. Please wait a minute.",
             "存在しないリンクへのアクセスが多すぎます。1分ほどお待ちください。",
             "Diesen Link gibt es nicht, und Sie haben viele solche angefragt. Bitte warten Sie "
             "eine Minute.",
             "Ce lien n’existe pas, et vous en avez demandé beaucoup. Patientez une minute.",
             "Este enlace no existe, y ha pedido muchos así. Espere un minuto."},
        },
    [PAGE_FAILED] =
        {
            503,
            "Retry-After",
            "5",
            {"Please try again", "もう一度お試しください", "Bitte noch einmal",
             "Veuillez réessayer", "Inténtelo de nuevo"},
            {"The link cannot be opened just now. Please try again in a moment.",
             "現在リンクを開けません。少し待ってからもう一度お試しください。",
             "Der Link lässt sich gerade nicht öffnen. Bitte versuchen Sie es gleich noch einmal.",
             "Le lien ne peut pas être ouvert pour l’instant. Réessayez dans un moment.",
             "El enlace no se puede abrir ahora. Inténtelo de nuevo en un momento."},
        },
};

struct redirect_pages {
    struct http_response *page[PAGE_COUNT][LANGUAGES];
};

static struct http_response *make(enum redirect_page page, unsigned language)
{
    char html[1024];
    int n = snprintf(html, sizeof html,
                     "<!DOCTYPE html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">"
                     "<meta name=\"viewport\" content=\"width=device-width\">"
                     "<title>%s</title></head>\n<body><h1>%s</h1><p>%s</p></body></html>\n",
                     languages[language], pages[page].title[language], pages[page].title[language],
                     pages[page].text[language]);
    const struct http_line headers[] = {
        {"Content-Type", "text/html; charset=utf-8"}, {"Content-Language", languages[language]},
        {"Cache-Control", "private, no-store"},       {"Vary", "Accept-Language"},
        {"Referrer-Policy", "no-referrer"},           {"X-Robots-Tag", "noindex, nofollow"},
        {"X-Content-Type-Options", "nosniff"},        {pages[page].extra, pages[page].extra_value},
    };
    size_t count = sizeof headers / sizeof *headers - (pages[page].extra ? 0 : 1);
    return http_response_new(html, (size_t)n, headers, count);
}

struct redirect_pages *redirect_pages_new(void)
{
    struct redirect_pages *p = calloc(1, sizeof *p);
    for (unsigned i = 0; p && i < PAGE_COUNT; i++) {
        for (unsigned j = 0; p && j < LANGUAGES; j++) {
            p->page[i][j] = make((enum redirect_page)i, j);
            if (!p->page[i][j]) {
                redirect_pages_free(p);
                p = NULL;
            }
        }
    }
    return p;
}

void redirect_pages_free(struct redirect_pages *p)
{
    for (unsigned i = 0; p && i < PAGE_COUNT; i++) {
        for (unsigned j = 0; j < LANGUAGES; j++)
            http_response_free(p->page[i][j]);
    }
    free(p);
}

/* "ja-JP,ja;q=0.9,en;q=0.8": browsers list the languages in the order of preference (RFC 9110 12.5.4). */
static unsigned language_of(const char *accept)
{
    while (accept && *accept) {
        accept += strspn(accept, " \t,");
        for (unsigned i = 0; i < LANGUAGES; i++) {
            if (text_starts_nocase(accept, languages[i]) && strchr("-,; \t", accept[2]))
                return i; /* strchr finds the end of the string too */
        }
        accept += strcspn(accept, ",");
    }
    return 0;
}

void redirect_pages_answer(const struct redirect_pages *p, enum redirect_page page,
                           struct http_request *rq)
{
    http_answer(rq, pages[page].status,
                p->page[page][language_of(http_header(rq, "Accept-Language"))]);
}
