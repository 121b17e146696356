/* api_web.c - the dashboard and the API in OpenAPI 3.1: the files of web/, compiled in.
 * Refuses to know what they do: the page is a client of the API like any other.
 * Promises: no request to anybody else, no script or style but these, in no frame. */
#include <string.h>

#include "api_impl.h"

/* Dependency of the object on web/: see the Makefile. */
#define EMBED(symbol, path)                                                                        \
    __asm__(".pushsection .rodata\n" #symbol ":\n.incbin \"" path "\"\n" #symbol                   \
            "_end:\n.byte 0\n.popsection\n");                                                      \
    extern const char symbol[] __asm__(#symbol);                                                   \
    extern const char symbol##_end[] __asm__(#symbol "_end")

EMBED(web_index, "web/index.html");
EMBED(web_style, "web/style.css");
EMBED(web_icon, "web/icon.svg");
EMBED(web_app, "web/app.js");
EMBED(web_api, "web/api.js");
EMBED(web_dom, "web/dom.js");
EMBED(web_modems, "web/modems.js");
EMBED(web_send, "web/send.js");
EMBED(web_messages, "web/messages.js");
EMBED(web_inbox, "web/inbox.js");
EMBED(web_links, "web/links.js");
EMBED(web_callbacks, "web/callbacks.js");
EMBED(web_openapi, "web/openapi.json");

#define HTML "text/html; charset=utf-8"
#define CSS  "text/css; charset=utf-8"
#define JS   "text/javascript; charset=utf-8"

static const struct {
    const char *name, *type, *begin, *end;
} files[] = {
    {"", HTML, web_index, web_index_end},
    {"style.css", CSS, web_style, web_style_end},
    {"icon.svg", "image/svg+xml", web_icon, web_icon_end},
    {"app.js", JS, web_app, web_app_end},
    {"api.js", JS, web_api, web_api_end},
    {"dom.js", JS, web_dom, web_dom_end},
    {"modems.js", JS, web_modems, web_modems_end},
    {"send.js", JS, web_send, web_send_end},
    {"messages.js", JS, web_messages, web_messages_end},
    {"inbox.js", JS, web_inbox, web_inbox_end},
    {"links.js", JS, web_links, web_links_end},
    {"callbacks.js", JS, web_callbacks, web_callbacks_end},
};

/* no-cache: asked for again each time, so that a page never meets scripts of another version. */
static const struct http_line headers[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
     "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cache-Control", "no-cache"},
};

void api_web_get(struct api_call *call)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (strcmp(files[i].name, call->id) == 0) {
            http_answer_bytes(call->rq, 200, files[i].type, files[i].begin,
                              (size_t)(files[i].end - files[i].begin), headers,
                              sizeof headers / sizeof *headers);
            return;
        }
    }
    api_empty(call->rq, 404);
}

/* Asked for by generators and by pages of other origins: nothing in it is secret. */
void api_openapi_get(struct api_call *call)
{
    static const struct http_line lines[] = {{"Cache-Control", "no-cache"},
                                             {"Access-Control-Allow-Origin", "*"}};
    http_answer_bytes(call->rq, 200, "application/json", web_openapi,
                      (size_t)(web_openapi_end - web_openapi), lines, sizeof lines / sizeof *lines);
}
