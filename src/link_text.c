/* link_text.c - which characters may stand in a host or a path, and which end a link.
 * Refuses to know what a host is.  Promises: whatever is not in the table ends a link, so that symbols,
 * emoji and what Unicode adds one day are on the safe side. */
#include "link_parts.h"
#include "text.h"

#include <string.h>

struct range {
    uint32_t first, last;
    enum link_class class;
};

/* In order.  Not listed: controls, white space, symbols, quotes, emoji, full-width forms. */
static const struct range ranges[] = {
    {0x00aa, 0x00aa, LINK_LETTER},
    {0x00b5, 0x00b5, LINK_LETTER},
    {0x00b7, 0x00b7, LINK_LETTER}, /* Catalan l·l */
    {0x00ba, 0x00ba, LINK_LETTER},
    {0x00c0, 0x00d6, LINK_LETTER},
    {0x00d8, 0x00f6, LINK_LETTER},
    {0x00f8, 0x02af, LINK_LETTER}, /* Latin, IPA */
    {0x0300, 0x0373, LINK_LETTER}, /* combining marks */
    {0x0376, 0x0377, LINK_LETTER},
    {0x037b, 0x037d, LINK_LETTER},
    {0x037f, 0x037f, LINK_LETTER},
    {0x0386, 0x0386, LINK_LETTER},
    {0x0388, 0x03f5, LINK_LETTER}, /* Greek, Coptic */
    {0x03f7, 0x0481, LINK_LETTER},
    {0x0483, 0x0487, LINK_LETTER},
    {0x048a, 0x0556, LINK_LETTER}, /* Cyrillic, Armenian */
    {0x0561, 0x0588, LINK_LETTER},
    {0x0591, 0x05bd, LINK_GLUE}, /* Hebrew: prefixes are glued on */
    {0x05bf, 0x05bf, LINK_GLUE},
    {0x05c1, 0x05c2, LINK_GLUE},
    {0x05d0, 0x05f2, LINK_GLUE},
    {0x0610, 0x061a, LINK_GLUE}, /* Arabic; its comma, semicolon and question mark end a link */
    {0x0620, 0x0669, LINK_GLUE},
    {0x066e, 0x06d3, LINK_GLUE},
    {0x06d5, 0x06ff, LINK_GLUE},
    {0x0710, 0x0963, LINK_GLUE}, /* Syriac to Devanagari; U+0964 is the danda, a full stop */
    {0x0966, 0x0df3, LINK_GLUE}, /* Indic */
    {0x0e01, 0x0e3a, LINK_GLUE}, /* Thai */
    {0x0e40, 0x0e4e, LINK_GLUE},
    {0x0e50, 0x0e59, LINK_GLUE},
    {0x0e81, 0x0f00, LINK_GLUE}, /* Lao */
    {0x0f18, 0x0f39, LINK_GLUE}, /* Tibetan */
    {0x0f3e, 0x0fbc, LINK_GLUE},
    {0x1000, 0x1049, LINK_GLUE}, /* Myanmar */
    {0x1050, 0x109d, LINK_GLUE},
    {0x10a0, 0x10fa, LINK_LETTER}, /* Georgian */
    {0x10fc, 0x10ff, LINK_LETTER},
    {0x1100, 0x11ff, LINK_GLUE_CJK}, /* Hangul Jamo */
    {0x1200, 0x135f, LINK_GLUE},     /* Ethiopic */
    {0x1780, 0x17d3, LINK_GLUE},     /* Khmer */
    {0x17e0, 0x17e9, LINK_GLUE},
    {0x1810, 0x18aa, LINK_GLUE}, /* Mongolian */
    {0x1c90, 0x1cbf, LINK_LETTER},
    {0x1e00, 0x1fbc, LINK_LETTER}, /* Latin and Greek, extended */
    {0x1fc2, 0x1fcc, LINK_LETTER},
    {0x1fd0, 0x1fdb, LINK_LETTER},
    {0x1fe0, 0x1fec, LINK_LETTER},
    {0x1ff2, 0x1ffc, LINK_LETTER},
    {0x2010, 0x2013, LINK_MARK}, /* hyphens, en dash: seen in the paths of encyclopaedias */
    {0x2c60, 0x2c7f, LINK_LETTER},
    {0x2d00, 0x2d2f, LINK_LETTER},
    {0x2de0, 0x2dff, LINK_LETTER},
    {0x2e80, 0x2fdf, LINK_GLUE_CJK}, /* radicals */
    {0x3005, 0x3007, LINK_GLUE_CJK}, /* iteration mark, closing mark, zero */
    {0x3041, 0x3096, LINK_GLUE_CJK}, /* Hiragana */
    {0x3099, 0x309a, LINK_GLUE_CJK},
    {0x309d, 0x309f, LINK_GLUE_CJK},
    {0x30a1, 0x30fa, LINK_GLUE_CJK}, /* Katakana; the middle dot ends a link */
    {0x30fc, 0x30ff, LINK_GLUE_CJK},
    {0x3105, 0x318e, LINK_GLUE_CJK}, /* Bopomofo, Hangul letters */
    {0x31a0, 0x31bf, LINK_GLUE_CJK},
    {0x31f0, 0x31ff, LINK_GLUE_CJK},
    {0x3400, 0x4dbf, LINK_GLUE_CJK}, /* Han */
    {0x4e00, 0xa48c, LINK_GLUE_CJK}, /* Han, Yi */
    {0xa640, 0xa69f, LINK_LETTER},
    {0xa720, 0xa7ff, LINK_LETTER},
    {0xa960, 0xa97c, LINK_GLUE_CJK},
    {0xab30, 0xab6b, LINK_LETTER},
    {0xac00, 0xd7fb, LINK_GLUE_CJK}, /* Hangul */
    {0xf900, 0xfad9, LINK_GLUE_CJK},
    {0x1b000, 0x1b16f, LINK_GLUE_CJK},
    {0x20000, 0x3fffd, LINK_GLUE_CJK},
};

static enum link_class class_of_ascii(uint32_t cp)
{
    if ((cp >= '0' && cp <= '9') || (cp >= 'A' && cp <= 'Z') || (cp >= 'a' && cp <= 'z'))
        return LINK_ALNUM;
    return cp <= ' ' || cp == 0x7f || strchr("\"<>\\^{}`", (int)cp) ? LINK_STOP : LINK_MARK;
}

enum link_class link_class(uint32_t cp)
{
    size_t low = 0, high = sizeof ranges / sizeof *ranges;

    if (cp < 0x80)
        return class_of_ascii(cp);
    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (cp > ranges[mid].last)
            low = mid + 1;
        else if (cp < ranges[mid].first)
            high = mid;
        else
            return ranges[mid].class;
    }
    return LINK_STOP;
}

uint32_t link_char(const char *s, size_t n, size_t at, size_t *width)
{
    size_t next = at;
    uint32_t cp;

    if (text_utf8_next(s, n, &next, &cp)) {
        *width = 1;
        return 0xfffd;
    }
    *width = next - at;
    return cp;
}

uint32_t link_char_before(const char *s, size_t at)
{
    size_t back = at, width;
    uint32_t cp;

    if (at == 0)
        return 0;
    do
        back--;
    while (back > 0 && at - back < 4 && ((unsigned char)s[back] & 0xc0) == 0x80);
    cp = link_char(s, at, back, &width);
    return back + width == at ? cp : 0xfffd;
}

uint32_t link_lower(uint32_t cp)
{
    if ((cp >= 'A' && cp <= 'Z') || (cp >= 0xc0 && cp <= 0xde && cp != 0xd7) ||
        (cp >= 0x391 && cp <= 0x3ab) || (cp >= 0x410 && cp <= 0x42f))
        return cp + 32;
    return cp >= 0x400 && cp <= 0x40f ? cp + 80 : cp;
}

bool link_starts(const char *s, size_t n, size_t at, const char *word)
{
    size_t len = strlen(word);

    if (n - at < len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (link_lower((unsigned char)s[at + i]) != (unsigned char)word[i])
            return false;
    return true;
}
