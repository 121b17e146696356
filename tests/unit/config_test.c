/* config_test.c - the configuration: what is read, and what each mistake is answered with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../src/config.h"
#include "../../src/config_keys.h"

static char dir[] = "/tmp/config_test.XXXXXX";
static char file[64], token[64];

static void write_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static enum err load_bytes(const void *bytes, size_t n, struct config **c, char *why)
{
    write_file(file, bytes, n);
    *c = NULL;
    return config_load(file, c, why);
}

static struct config *load_ok(const char *text)
{
    struct config *c;
    char why[CONFIG_WHY_MAX];
    enum err e = load_bytes(text, strlen(text), &c, why);
    if (e)
        print_error("%s\n", why);
    assert_int_equal(e, OK);
    assert_string_equal(why, "");
    return c;
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    (void)snprintf(file, sizeof(file), "%s/smsbridged.conf", dir);
    (void)snprintf(token, sizeof(token), "%s/token", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(file);
    (void)unlink(token);
    return rmdir(dir);
}

/* ---- what is read ---- */
static void the_defaults_are_those_of_the_manual(void **state)
{
    (void)state;
    assert_int_equal(unsetenv("STATE_DIRECTORY"), 0);
    struct config *c = load_ok("");
    assert_string_equal(c->daemon.state_dir, "./smsbridge-data");
    assert_int_equal(c->daemon.keep_ms, INT64_C(400) * 24 * 3600 * 1000);
    assert_int_equal(c->daemon.log_level, LOG_LVL_INFO);
    assert_int_equal(c->api.listen.n, 1);
    assert_string_equal(c->api.listen.item[0].text, "127.0.0.1:8080");
    const struct sockaddr_in *in = (const struct sockaddr_in *)&c->api.listen.item[0].address;
    assert_int_equal(in->sin_family, AF_INET);
    assert_int_equal(ntohs(in->sin_port), 8080);
    assert_int_equal(ntohl(in->sin_addr.s_addr), INADDR_LOOPBACK);
    assert_string_equal(c->links.listen.item[0].text, "127.0.0.1:8081");
    assert_int_equal(c->api.rate, 50);
    assert_false(c->api.kannel);
    assert_int_equal(c->links.days, 90);
    assert_int_equal(c->links.slug_length, 10);
    assert_true(c->links.count_tools);
    static const int64_t schedule_s[10] = {0,     5,     300,   1800,  7200,
                                           18000, 36000, 50400, 72000, 86400};
    assert_int_equal(c->callbacks.schedule.n, 10);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(c->callbacks.schedule.ms[i], schedule_s[i] * 1000);
    assert_int_equal(c->callbacks.timeout_ms, 15000);
    assert_string_equal(c->callbacks.allow, "loopback, private, external");
    assert_int_equal(c->inbox.partial_after_ms, 24 * 3600 * 1000);
    assert_int_equal(c->inbox.opt_out.n, 7);
    assert_string_equal(c->inbox.opt_out.item[6], "停止");
    assert_int_equal(c->queue.uncertain, CONFIG_UNCERTAIN_RESEND);
    assert_int_equal(c->queue.uncertain_after_ms, 600000);
    assert_int_equal(c->queue.retry.n, 6);
    assert_int_equal(c->queue.retry.ms[5], 3600000);
    assert_true(c->queue.discover);
    assert_int_equal(c->accounts, 0);
    assert_int_equal(c->modems, 0);
    config_free(c);
}

static const char every_key[] =
    "\xEF\xBB\xBF[daemon] ; behind a mark of byte order\n"
    "state_dir = /tmp/x y\r\nkeep=1d\nlog_level : trace\n"
    "# a comment\n  ; another\n\n"
    "[api]\nlisten = [::1]:1, unix:/run/a.sock ,localhost:65535 ; three\n"
    "public_url = https://sms.example.com/base/  ; its slash goes\n"
    "tls_cert = @\n\ttls_key = @\nrate = 0\nkannel = YES\nalertmanager_to = +1, +2\n"
    "[links]\nlisten = 0.0.0.0:80\nbase_url = https://s.example.com\ndays = 1\n"
    "slug_length = 16\ntrusted_proxies = 10.0.0.0/8, ::1\ncount_tools = off\n"
    "[callbacks]\nformat = form\nschedule = 0, 200ms\ntimeout = 1s\nallow = 10.0.0.0/8\n"
    "[inbox]\nurl = http://127.0.0.1:9/in?x=1\nwebhook_secret = whsec_AAAA\n"
    "partial_after = 2h\nopt_out =\nopt_in = GO\n"
    "[queue]\nuncertain = fail\nuncertain_after = 5s\nretry = 1s\ntransliterate = 1\n"
    "discover = false\n"
    "[account one]\ntoken_file = @\nwebhook_secret = whsec_BBBB\ncost = 0.5\ncredits = 12\n"
    "[account two]\ntoken = a;b#c\nadmin = on\n"
    "[modem gsm1]\nport = tcp:10.0.0.1:2000\nbaud = 9600\npin = 1234\n"
    "iccid = 8949020000001234567\nsmsc = +491722270333\nsenders = A, B\nprefixes = +81\n"
    "per_minute = 6\nper_day = 100\nroaming = true\ninit = AT+X=\"a;b\";+Y|AT+Z\n"
    "power_command = /bin/power cycle\n"
    "[modem gsm2]\nimei = 356938035643809\n";

static void check_daemon_and_api(const struct config *c)
{
    assert_string_equal(c->daemon.state_dir, "/tmp/x y");
    assert_int_equal(c->daemon.keep_ms, 86400000);
    assert_int_equal(c->daemon.log_level, LOG_LVL_TRACE);
    assert_int_equal(c->api.listen.n, 3);
    assert_string_equal(c->api.listen.text, "[::1]:1, unix:/run/a.sock ,localhost:65535");
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&c->api.listen.item[0].address;
    assert_int_equal(in6->sin6_family, AF_INET6);
    assert_int_equal(ntohs(in6->sin6_port), 1);
    assert_true(IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr));
    const struct sockaddr_un *un = (const struct sockaddr_un *)&c->api.listen.item[1].address;
    assert_int_equal(un->sun_family, AF_UNIX);
    assert_string_equal(un->sun_path, "/run/a.sock");
    assert_string_equal(c->api.public_url, "https://sms.example.com/base");
    assert_string_equal(c->api.tls_cert, token);
    assert_string_equal(c->api.tls_key, token);
    assert_int_equal(c->api.rate, 0);
    assert_true(c->api.kannel);
    assert_int_equal(c->api.alertmanager_to.n, 2);
}

static void check_links_to_queue(const struct config *c)
{
    assert_string_equal(c->links.base_url, "https://s.example.com");
    assert_int_equal(c->links.slug_length, 16);
    assert_string_equal(c->links.trusted_proxies, "10.0.0.0/8, ::1");
    assert_false(c->links.count_tools);
    assert_int_equal(c->callbacks.format, CONFIG_FORMAT_FORM);
    assert_int_equal(c->callbacks.schedule.n, 2);
    assert_int_equal(c->callbacks.schedule.ms[1], 200);
    assert_string_equal(c->inbox.url, "http://127.0.0.1:9/in?x=1");
    assert_int_equal(c->inbox.opt_out.n, 0);
    assert_int_equal(c->queue.uncertain, CONFIG_UNCERTAIN_FAIL);
    assert_false(c->queue.discover);
}

static void check_accounts_and_modems(const struct config *c)
{
    assert_int_equal(c->accounts, 2);
    assert_string_equal(c->account[0].name, "one");
    assert_string_equal(c->account[0].token, "s3cret");
    assert_true(c->account[0].cost == 0.5);
    assert_false(c->account[0].admin);
    assert_string_equal(c->account[1].token, "a;b#c");
    assert_true(c->account[1].admin);
    assert_int_equal(c->modems, 2);
    assert_string_equal(c->modem[0].modem.name, "gsm1");
    assert_string_equal(c->modem[0].modem.port, "tcp:10.0.0.1:2000");
    assert_int_equal(c->modem[0].modem.baud, 9600);
    assert_string_equal(c->modem[0].modem.smsc, "+491722270333");
    assert_string_equal(c->modem[0].modem.init, "AT+X=\"a;b\";+Y|AT+Z");
    assert_true(c->modem[0].modem.roaming);
    assert_int_equal(c->modem[0].modem.submit_timeout_ms, 180000);
    assert_string_equal(c->modem[1].imei, "356938035643809");
    assert_string_equal(c->modem[1].modem.port, "");
    assert_int_equal(c->modem[1].modem.baud, 115200);
}

static void every_key_can_be_set(void **state)
{
    (void)state;
    char text[4096], *out = text;
    write_file(token, "s3cret\n", 7);
    for (const char *in = every_key; *in; in++) { /* @: the file with the token */
        int n = snprintf(out, sizeof(text) - (size_t)(out - text), *in == '@' ? "%s" : "%.1s",
                         *in == '@' ? token : in);
        out += n;
    }
    struct config *c = load_ok(text);
    check_daemon_and_api(c);
    check_links_to_queue(c);
    check_accounts_and_modems(c);
    config_free(c);
}

static void the_service_keeps_its_data_where_systemd_says(void **state)
{
    (void)state;
    assert_int_equal(setenv("STATE_DIRECTORY", "/var/lib/smsbridge:/var/lib/more", 1), 0);
    struct config *c = load_ok("");
    assert_string_equal(c->daemon.state_dir, "/var/lib/smsbridge");
    config_free(c);
    c = load_ok("[daemon]\nstate_dir = /srv\n");
    assert_string_equal(c->daemon.state_dir, "/srv");
    config_free(c);
    assert_int_equal(unsetenv("STATE_DIRECTORY"), 0);
}

static void port_0_is_any_free_port(void **state)
{
    (void)state;
    struct config *c = load_ok("[api]\nlisten = 127.0.0.1:0\n[links]\nlisten = 127.0.0.1:0\n");
    assert_int_equal(((const struct sockaddr_in *)&c->links.listen.item[0].address)->sin_port, 0);
    config_free(c);
}

static void a_single_account_is_admin(void **state)
{
    (void)state;
    struct config *c = load_ok("[account a]\ntoken = x\nadmin = no\n");
    assert_true(c->account[0].admin);
    config_free(c);
}

static void a_line_of_4096_bytes_is_read_whole(void **state)
{
    (void)state;
    char text[5000];
    int n = snprintf(text, sizeof(text), "[queue]\ndiscover = no ;");
    memset(text + n, 'x', 8 + 4096 - (size_t)n);
    memcpy(text + 8 + 4096, "\nuncertain = fail", 18);
    struct config *c = load_ok(text);
    assert_false(c->queue.discover);
    assert_int_equal(c->queue.uncertain, CONFIG_UNCERTAIN_FAIL);
    config_free(c);
}

static void durations_of_every_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {{"1s", 1000},    {"90s", 90000},    {"5m", 300000},
                {"2h", 7200000}, {"7d", 604800000}, {"1500ms", 1500}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[64];
        (void)snprintf(text, sizeof(text), "[queue]\nuncertain_after = %s\n", rows[i].text);
        struct config *c = load_ok(text);
        assert_int_equal(c->queue.uncertain_after_ms, rows[i].ms);
        config_free(c);
    }
}

/* ---- what is refused ---- */
static const struct {
    const char *text;
    enum err err;
    unsigned line;
    const char *says;
} wrong[] = {
    {"[api]\nlisen = 127.0.0.1:1\n", ERR_SYNTAX, 2, "did you mean listen?"},
    {"[api]\ntimeout = 5s\n", ERR_SYNTAX, 2, "belongs into [callbacks]"},
    {"[api]\npin = 1234\n", ERR_SYNTAX, 2, "belongs into [modem NAME]"},
    {"[api]\nxyzzyxyzzy = 1\n", ERR_SYNTAX, 2, "its keys are listen public_url"},
    {"[api]\nRate = 1\n", ERR_SYNTAX, 2, "did you mean rate?"},
    {"[apis]\nrate = 1\n", ERR_SYNTAX, 1, "did you mean [api]?"},
    {"\n[modems]\n", ERR_SYNTAX, 2, "did you mean [modem NAME]?"},
    {"[xyzzyxyzzy]\n", ERR_SYNTAX, 1, "there are [daemon]"},
    {"[api]\nrate = 1\n\nrate = 2\n", ERR_CONFLICT, 4, "first in line 2"},
    {"[api]\n[links]\n[api]\n", ERR_CONFLICT, 3, "first in line 1"},
    {"[modem a]\nport = x\n[modem a]\nport = y\n", ERR_CONFLICT, 3, "stands twice"},
    {"[account a]\ntoken = x\n[account a]\n", ERR_CONFLICT, 3, "stands twice"},
    {"rate = 1\n", ERR_SYNTAX, 1, "before the first [section]"},
    {"[api]\nrate\n", ERR_SYNTAX, 2, "key = value"},
    {"[api\nrate = 1\n", ERR_SYNTAX, 1, "ends with ]"},
    {"[api] rate = 1\n", ERR_SYNTAX, 1, "only a comment"},
    {"[api] x\n", ERR_SYNTAX, 1, "only a comment"},
    {"[]\n", ERR_SYNTAX, 1, "unknown section"},
    {"[api x]\n", ERR_SYNTAX, 1, "no name behind it"},
    {"[modem]\nport = x\n", ERR_SYNTAX, 1, "needs a name"},
    {"[modem a b]\nport = x\n", ERR_SYNTAX, 1, "needs a name"},
    {"[modem a/b]\nport = x\n", ERR_SYNTAX, 1, "needs a name"},
    {"[account a:b]\ntoken = x\n", ERR_SYNTAX, 1, "needs a name"},
    {"[modem aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\n", ERR_SYNTAX, 1, "1 to 31"},
    {"[account aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\n", ERR_RANGE, 1,
     "49 bytes"},
    {"[api]\nrate = -1\n", ERR_RANGE, 2, "0 to 100000"},
    {"[api]\nrate = 100001\n", ERR_RANGE, 2, "0 to 100000"},
    {"[api]\nrate = 99999999999999999999\n", ERR_RANGE, 2, "0 to 100000"},
    {"[api]\nrate = 0x10\n", ERR_SYNTAX, 2, "0 to 100000"},
    {"[api]\nrate = 5 # five\n", ERR_SYNTAX, 2, "0 to 100000"},
    {"[api]\nrate =\n", ERR_SYNTAX, 2, "0 to 100000"},
    {"[api]\nkannel = maybe\n", ERR_SYNTAX, 2, "yes or no"},
    {"[api]\nlisten =\n", ERR_SYNTAX, 2, "ADDRESS:PORT"},
    {"[api]\nlisten = 8080\n", ERR_SYNTAX, 2, "ADDRESS:PORT"},
    {"[api]\nlisten = 127.0.0.1:65536\n", ERR_SYNTAX, 2, "ADDRESS:PORT"},
    {"[api]\nlisten = ::1:80\n", ERR_SYNTAX, 2, "[IPV6]:PORT"},
    {"[api]\nlisten = []:80\n", ERR_SYNTAX, 2, "[IPV6]:PORT"},
    {"[api]\nlisten = ]:80\n", ERR_SYNTAX, 2, "[IPV6]:PORT"},
    {"[api]\nlisten = [:80\n", ERR_SYNTAX, 2, "[IPV6]:PORT"},
    {"[api]\nlisten = example.com:80\n", ERR_SYNTAX, 2, "ADDRESS:PORT"},
    {"[api]\nlisten = unix:run\n", ERR_SYNTAX, 2, "unix:/PATH"},
    {"[api]\nlisten = 127.0.0.1:1,,127.0.0.1:2\n", ERR_SYNTAX, 2, "commas"},
    {"[api]\nlisten = 127.0.0.1:1, 127.0.0.1:1\n", ERR_CONFLICT, 2, "taken"},
    {"[links]\nlisten = 127.0.0.1:8080\n", ERR_CONFLICT, 2, "taken by [api]"},
    {"[api]\npublic_url = example.com\n", ERR_SYNTAX, 2, "https://"},
    {"[api]\npublic_url = ftp://example.com\n", ERR_SYNTAX, 2, "https://"},
    {"[links]\nbase_url = https://\n", ERR_SYNTAX, 2, "https://"},
    {"[links]\nbase_url = https://a/?x\n", ERR_SYNTAX, 2, "without ?"},
    {"[links]\nbase_url = https://a b\n", ERR_SYNTAX, 2, "https://"},
    {"[api]\ntls_cert = /nonexistent\n", ERR_SYNTAX, 2, "No such file"},
    {"[api]\n\ntls_cert = /dev/null\n", ERR_SYNTAX, 3, "needs tls_key"},
    {"[links]\ntls_key = /dev/null\n", ERR_SYNTAX, 2, "needs tls_cert"},
    {"[links]\nslug_length = 6\n", ERR_RANGE, 2, "7 to 16"},
    {"[callbacks]\nformat = xml\n", ERR_SYNTAX, 2, "json or form"},
    {"[callbacks]\nformat = json|form\n", ERR_SYNTAX, 2, "json or form"},
    {"[callbacks]\nformat = JSON\n", ERR_SYNTAX, 2, "json or form"},
    {"[callbacks]\nschedule = 0,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s\n", ERR_RANGE, 2, "more than 10"},
    {"[callbacks]\nschedule =\n", ERR_SYNTAX, 2, "commas"},
    {"[callbacks]\nschedule = 0, 5\n", ERR_SYNTAX, 2, "5m"},
    {"[callbacks]\nschedule = 0, 8d\n", ERR_RANGE, 2, "0 to 7d"},
    {"[callbacks]\ntimeout = 15\n", ERR_SYNTAX, 2, "1s to 2m"},
    {"[callbacks]\ntimeout = 15 s\n", ERR_SYNTAX, 2, "1s to 2m"},
    {"[callbacks]\ntimeout = 1.5s\n", ERR_SYNTAX, 2, "1s to 2m"},
    {"[callbacks]\ntimeout = 0\n", ERR_RANGE, 2, "1s to 2m"},
    {"[callbacks]\ntimeout = 999999999999d\n", ERR_RANGE, 2, "1s to 2m"},
    {"[queue]\nuncertain_after = 8d\n", ERR_RANGE, 2, "1s to 7d"},
    {"[queue]\nuncertain = \"fail\"\n", ERR_SYNTAX, 2, "without quotes"},
    {"[inbox]\nwebhook_secret = abc\n", ERR_SYNTAX, 2, "whsec_"},
    {"[inbox]\nopt_in = a,\n", ERR_SYNTAX, 2, "commas"},
    {"[account a]\n", ERR_SYNTAX, 1, "needs a token_file"},
    {"[account a]\ncost = 1\n", ERR_SYNTAX, 1, "needs a token_file"},
    {"[account a]\ntoken = x\ntoken_file = /dev/null\n", ERR_CONFLICT, 3, "one of them"},
    {"[account a]\ntoken_file = /nonexistent\n", ERR_SYNTAX, 2, "No such file"},
    {"[account a]\ntoken_file = /dev/null\n", ERR_SYNTAX, 2, "visible ASCII"},
    {"[account a]\ntoken_file = /etc/passwd\n", ERR_SYNTAX, 2, "on one line"},
    {"[account a]\ntoken_file = /\n", ERR_IO, 2, "directory"},
    {"[account a]\ntoken = a b\n", ERR_SYNTAX, 2, "visible ASCII"},
    {"[account a]\ntoken = x\nwebhook_secret = y\n", ERR_SYNTAX, 3, "whsec_"},
    {"[account a]\ntoken = x\ncost = 1e3\n", ERR_SYNTAX, 3, "0 to 1000000"},
    {"[account a]\ntoken = x\ncost = nan\n", ERR_SYNTAX, 3, "0 to 1000000"},
    {"[account a]\ntoken = x\ncost = 1000001\n", ERR_RANGE, 3, "0 to 1000000"},
    {"[modem a]\n", ERR_SYNTAX, 1, "needs a port or an imei"},
    {"[modem a]\nport = x\n[modem b]\nbaud = 9600\nport = x\n", ERR_CONFLICT, 5,
     "same port as [modem a]"},
    {"[modem a]\nimei = 356938035643809\n[modem b]\nimei = 356938035643809\n", ERR_CONFLICT, 4,
     "same imei"},
    {"[modem a]\nport = x\npin = 123\n", ERR_RANGE, 3, "4 to 8 digits"},
    {"[modem a]\nport = x\npin = 12a4\n", ERR_SYNTAX, 3, "4 to 8 digits"},
    {"[modem a]\nport = x\nsmsc = +\n", ERR_SYNTAX, 3, "with or without +"},
    {"[modem a]\nport = x\nbaud = 0\n", ERR_RANGE, 3, "300 to 4000000"},
    {"[api]\nrate = 1\n caf\xE9 = 1\n", ERR_SYNTAX, 3, "not UTF-8"},
    {"[api]\nrate = 1\x01\n", ERR_SYNTAX, 2, "0x01"},
    {"[api]\nrate = 1\r2\n", ERR_SYNTAX, 2, "0x0d"},
};

static void every_mistake_names_its_line_and_what_is_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char why[CONFIG_WHY_MAX], where[96];
        struct config *c;
        enum err e = load_bytes(wrong[i].text, strlen(wrong[i].text), &c, why);
        (void)snprintf(where, sizeof(where), "%s:%u: ", file, wrong[i].line);
        if (e != wrong[i].err || strncmp(why, where, strlen(where)) != 0 ||
            !strstr(why, wrong[i].says))
            print_error("%s-> %s\n", wrong[i].text, why);
        assert_int_equal(e, wrong[i].err);
        assert_memory_equal(why, where, strlen(where));
        assert_non_null(strstr(why, wrong[i].says));
        assert_null(c);
    }
}

static void what_inih_would_cut_is_refused(void **state)
{
    (void)state;
    char text[6000], why[CONFIG_WHY_MAX];
    struct config *c;
    int n = snprintf(text, sizeof(text), "[modem a]\nport = /dev/x\ninit = ");
    memset(text + n, 'x', 5000);
    memcpy(text + n + 5000, "\n", 2);
    assert_int_equal(load_bytes(text, strlen(text), &c, why), ERR_RANGE);
    assert_non_null(strstr(why, ":3: the line is longer than 4096 bytes"));
    memcpy(text + n + 300, "\n", 2); /* reaches us whole: over the key's own bound */
    assert_int_equal(load_bytes(text, strlen(text), &c, why), ERR_RANGE);
    assert_non_null(strstr(why, ":3: [modem] init"));
    assert_non_null(strstr(why, "0 to 255 bytes"));
    assert_int_equal(load_bytes("[api]\nrate = 1\0002\n", 17, &c, why), ERR_SYNTAX);
    assert_non_null(strstr(why, ":2: a control character (0x00)"));
}

static void secrets_are_not_repeated_in_errors(void **state)
{
    (void)state;
    char why[CONFIG_WHY_MAX];
    struct config *c;
    static const char *const texts[] = {
        "[account a]\ntoken = hush hush\n", "[modem a]\nport = x\npin = hush\n",
        "[account a]\ntoken = x\nwebhook_secret = hush\n", "[inbox]\nwebhook_secret = hush\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_not_equal(load_bytes(texts[i], strlen(texts[i]), &c, why), OK);
        assert_null(strstr(why, "hush"));
    }
}

static void too_many_sections_are_refused(void **state)
{
    (void)state;
    char why[CONFIG_WHY_MAX];
    struct config *c;
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    assert_non_null(f);
    for (int i = 0; i < 257; i++)
        (void)fprintf(f, "[modem m%d]\nport = p%d\n", i, i);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(load_bytes(text, n, &c, why), ERR_FULL);
    assert_non_null(strstr(why, ":513: more than 256 [modem]"));
    free(text);
}

static void files_that_cannot_be_read(void **state)
{
    (void)state;
    char why[CONFIG_WHY_MAX];
    struct config *c = NULL;
    assert_int_equal(config_load("/nonexistent/smsbridged.conf", &c, why), ERR_NOT_FOUND);
    assert_string_equal(why, "/nonexistent/smsbridged.conf: No such file or directory");
    assert_int_equal(config_load(dir, &c, why), ERR_IO);
    assert_non_null(strstr(why, dir));
    (void)unlink(file);
    assert_int_equal(mkfifo(file, 0600), 0);
    assert_int_equal(config_load(file, &c, why), ERR_IO); /* and does not wait for a writer */
    assert_non_null(strstr(why, "not a file"));
    (void)unlink(file);
    assert_null(c);
}

static void an_endless_file_is_refused(void **state)
{
    (void)state;
    char why[CONFIG_WHY_MAX];
    struct config *c;
    char *big = malloc(2 << 20);
    assert_non_null(big);
    memset(big, '\n', 2 << 20);
    assert_int_equal(load_bytes(big, 2 << 20, &c, why), ERR_FULL);
    assert_non_null(strstr(why, "larger than 1 MiB"));
    free(big);
}

/* ---- where, unused, help ---- */
static void a_value_can_be_blamed(void **state)
{
    (void)state;
    char out[CONFIG_WHY_MAX], want[CONFIG_WHY_MAX];
    struct config *c = load_ok("[callbacks]\n\nallow = mars\n[account b]\ntoken = x\n[account a]\n"
                               "token = x\nwebhook_secret = whsec_x\n");
    (void)snprintf(want, sizeof(want), "%s:3: [callbacks] allow", file);
    assert_string_equal(config_where(c, "callbacks", "allow", out), want);
    (void)snprintf(want, sizeof(want), "%s:8: [account a] webhook_secret", file);
    assert_string_equal(config_where(c, "account a", "webhook_secret", out), want);
    assert_string_equal(config_where(c, "links", "trusted_proxies", out),
                        "[links] trusted_proxies");
    config_free(c);
}

static void note(void *ctx, const char *section, const char *key, unsigned line)
{
    char *out = ctx;
    size_t n = strlen(out);
    (void)snprintf(out + n, 256 - n, "%s.%s:%u ", section, key, line);
}

static void keys_without_effect_are_named(void **state)
{
    (void)state;
    char out[256] = "";
    struct config *c =
        load_ok("[queue]\ntransliterate = yes\n[api]\nrate = 7\n[modem a]\nport = x\nper_day = 0\n"
                "[modem b]\nport = y\nper_day = 5\nimei = 490154203237518\n"
                "[inbox]\nopt_in = START,UNSTOP\nopt_out = HALT\n");
    config_unused(c, note, out);
    assert_string_equal(out, "queue.transliterate:2 ");
    config_free(c);
}

static char *help_text(void)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    assert_non_null(f);
    config_help(f);
    assert_int_equal(fclose(f), 0);
    return text;
}

static void the_packaged_example_is_the_help(void **state)
{
    (void)state;
    char *help = help_text();
    char *packaged = calloc(1, strlen(help) + 100);
    assert_non_null(packaged);
    FILE *f = fopen("packaging/smsbridged.conf", "r");
    assert_non_null(f); /* run from the top of the tree, as make does */
    (void)fread(packaged, 1, strlen(help) + 99, f);
    assert_int_equal(fclose(f), 0);
    assert_string_equal(packaged, help);
    free(packaged);
    free(help);
}

/* With every # before a key taken away the help is a configuration, and the same as none. */
static void the_help_loads_and_changes_nothing(void **state)
{
    (void)state;
    char *help = help_text();
    char *out = help;
    for (char *in = help; *in;) {
        if (in[0] == '#' && in[1] != ' ' && (in == help || in[-1] == '\n'))
            in++;
        if (strncmp(in, "[account NAME]", 14) == 0)
            break; /* needs a token: not a default */
        *out++ = *in++;
    }
    *out = '\0';
    struct config *c = load_ok(help), *plain = load_ok("");
    assert_string_equal(c->daemon.state_dir, "/var/lib/smsbridge");
    assert_string_equal(c->api.listen.item[0].text, plain->api.listen.item[0].text);
    assert_int_equal(c->api.rate, plain->api.rate);
    assert_int_equal(c->links.days, plain->links.days);
    assert_int_equal(c->links.slug_length, plain->links.slug_length);
    assert_int_equal(c->callbacks.schedule.n, plain->callbacks.schedule.n);
    assert_memory_equal(&c->inbox.opt_out, &plain->inbox.opt_out, sizeof(c->inbox.opt_out));
    char none[256] = "";
    config_unused(c, note, none);
    assert_string_equal(none, "");
    config_free(c);
    config_free(plain);
    free(help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_of_the_manual),
        cmocka_unit_test(every_key_can_be_set),
        cmocka_unit_test(the_service_keeps_its_data_where_systemd_says),
        cmocka_unit_test(port_0_is_any_free_port),
        cmocka_unit_test(a_single_account_is_admin),
        cmocka_unit_test(a_line_of_4096_bytes_is_read_whole),
        cmocka_unit_test(durations_of_every_unit),
        cmocka_unit_test(every_mistake_names_its_line_and_what_is_right),
        cmocka_unit_test(what_inih_would_cut_is_refused),
        cmocka_unit_test(secrets_are_not_repeated_in_errors),
        cmocka_unit_test(too_many_sections_are_refused),
        cmocka_unit_test(files_that_cannot_be_read),
        cmocka_unit_test(an_endless_file_is_refused),
        cmocka_unit_test(a_value_can_be_blamed),
        cmocka_unit_test(keys_without_effect_are_named),
        cmocka_unit_test(the_packaged_example_is_the_help),
        cmocka_unit_test(the_help_loads_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
