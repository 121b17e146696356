/* config_fuzz.c - any bytes as a configuration file: an answer, and a sentence with it where it is no. */
#include "../../src/config.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(void *ctx, const char *section, const char *key, unsigned line)
{
    (void)ctx;
    if (!section[0] || !key[0] || line == 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[CONFIG_WHY_MAX] = "";
    struct buf text;
    struct config *c = calloc(1, sizeof(*c));
    buf_init(&text, FILE_MAX);
    if (!c || buf_add(&text, data, size) != OK)
        goto out;
    (void)text_copy(c->path, sizeof(c->path), "fuzz.conf");
    fill(c, CONFIG_DAEMON, CONFIG_QUEUE);
    enum err e = parse(c, &text, why);
    if (!e)
        e = config_check(c, why);
    if (!e != !why[0])
        abort(); /* a refusal says why, and only a refusal */
    if (!e)
        config_unused(c, ignore, NULL);
out:
    buf_free(&text);
    config_free(c);
    return 0;
}
