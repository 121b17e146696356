/* quirks_test.c - which row a modem gets, and what no row may hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../../include/modem.h"
#include "../../modem/quirks.c"
#include "../../src/quirks_file.h"

static const struct {
    const char *manufacturer, *model, *row;
} modems[] = {
    {"huawei", "E173", "huawei"},
    {"HUAWEI TECHNOLOGIES CO., LTD", "E1750", "huawei"},
    {"ZTE INCORPORATED", "MF190", "zte"},
    {"SIMCOM_Ltd", "SIMCOM_SIM800L", "simcom-2g"},
    {"SIMCOM INCORPORATED", "SIM7600E-H", "simcom"},
    {"Quectel", "EC25", "quectel"},
    {"Quectel_Ltd", "Quectel_M95", "quectel-serial"},
    {"Telit", "HE910-D", "telit"},
    {"Sierra Wireless, Incorporated", "MC7455", "sierra"},
    {"u-blox", "SARA-U201", "u-blox"},
    {"Cinterion", "BGS2-W", "cinterion"},
    {"SIEMENS", "TC35i", "siemens"},
    {" WAVECOM MODEM", "MULTIBAND", "generic"}, /* a blank in front is taken off before */
    {"WAVECOM MODEM", "MULTIBAND  900E  1800", "wavecom"},
    {"Novatel Wireless Incorporated", "MC950D", "novatel"},
    {"", "", "generic"},
    {"Example", "MODEL_1", "generic"},
};

static void test_find(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof modems / sizeof *modems; i++)
        assert_string_equal(modems[i].row,
                            quirks_find(modems[i].manufacturer, modems[i].model)->name);
}

/* docs/modems.md: SIM7600 hangs at ATZ, Huawei loses its ports at AT&F, +CFUN=1,1 makes sticks disks again. */
static void test_no_row_resets(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t j = 0; j < QUIRKS_INIT_MAX && rows[i].init[j]; j++) {
            const char *command = rows[i].init[j];
            char why[200];
            assert_int_equal(OK, modem_command_check(command, why, sizeof why));
            assert_null(strstr(command, "CFUN"));
        }
        assert_int_equal(rows[i].pin.query != NULL, rows[i].pin.prefix != NULL);
    }
}

/* The transcript says that a modem with these answers gets this row, and modem_replay_test sees to it. */
static void proves(const struct quirks *row)
{
    char path[128], line[1024], wanted[64];
    bool found = false;
    snprintf(path, sizeof path, "tests/transcripts/%s", row->transcript);
    snprintf(wanted, sizeof wanted, "? quirks %s\n", row->name);
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("row %s: no %s", row->name, path);
    while (f && fgets(line, sizeof line, f))
        found = found || strcmp(line, wanted) == 0;
    if (f)
        fclose(f);
    if (!found)
        fail_msg("%s does not say %s", path, wanted);
}

static void test_each_row_has_its_transcript(void **state)
{
    (void)state;
    proves(&generic);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        proves(&rows[i]);
}

/* ---- rows of the user's own ---- */

static enum err parse(const char *text, char why[QUIRKS_WHY_MAX])
{
    modem_quirks_forget();
    return quirks_file_parse("my.conf", text, strlen(text), why);
}

static void test_user_row(void **state)
{
    (void)state;
    char why[QUIRKS_WHY_MAX];
    assert_int_equal(OK, parse("; mine\n"
                               "[acme]\n"
                               "manufacturer = Acme\nmodel = X1\ntranscript = acme_x1.at\n"
                               "init = AT^CURC=0 | AT+X=\"a;b\"\n"
                               "pin_query = AT+XPIN?\npin_prefix = +XPIN\npin_key = SC\n"
                               "pin_argument = 1\niccid_query = AT^ICCID?\n"
                               "no_direct = yes\ncnmi_mode_1 = yes\nussd_packed = no\n"
                               "prompt_ms = 15000\n"
                               "error = CMS 513-514, busy, network, certain, the radio, it failed\n"
                               "error = CME 600, uncertain, suspect, doubtful, nobody knows\n"
                               "[huawei-new]\nmanufacturer = huawei\nmodel = E9\n",
                               why));
    const struct quirks *q = quirks_find("ACME Inc.", "X100");
    assert_string_equal("acme", q->name);
    assert_string_equal("acme_x1.at", q->transcript);
    assert_string_equal("AT^CURC=0", q->init[0]);
    assert_string_equal("AT+X=\"a;b\"", q->init[1]);
    assert_null(q->init[2]);
    assert_string_equal("AT+XPIN?", q->pin.query);
    assert_string_equal("+XPIN", q->pin.prefix);
    assert_string_equal("SC", q->pin.key);
    assert_int_equal(1, q->pin.argument);
    assert_string_equal("AT^ICCID?", q->iccid_query);
    assert_true(q->no_direct && q->cnmi_mode_1 && !q->ussd_packed);
    assert_int_equal(15000, q->prompt_ms);
    struct modem_fault fault;
    assert_int_equal(FAULT_NETWORK, fault_from_code(FAULT_CMS, 514, true, q->faults, &fault));
    assert_int_equal(FAULT_BUSY, fault.class);
    assert_string_equal("the radio, it failed", fault.text);
    assert_int_equal(FAULT_SUSPECT, fault_from_code(FAULT_CME, 600, false, q->faults, &fault));
    /* The user's rows win, for the models that they name. */
    assert_string_equal("huawei-new", quirks_find("huawei", "E930")->name);
    assert_string_equal("huawei", quirks_find("huawei", "E173")->name);
    assert_string_equal("generic", quirks_find("Acme", "Y")->name);
    modem_quirks_forget();
    assert_string_equal("generic", quirks_find("Acme", "X1")->name);
}

static const struct {
    const char *text, *why;
} wrong[] = {
    {"[a]\nmanufacturer=A\ninit=ATZ\n", "my.conf:3: init: ATZ and AT&F lose"},
    {"[a]\nmanufacturer=A\ninit=ATE0Z\n", "my.conf:3: init: ATZ and AT&F lose"},
    {"[a]\nmanufacturer=A\ninit=at z\n", "my.conf:3: init: ATZ and AT&F lose"},
    {"[a]\nmanufacturer=A\ninit=AT&F\n", "my.conf:3: init: ATZ and AT&F lose"},
    {"[a]\nmanufacturer=A\ninit=AT+CREG=2;&f0\n", "my.conf:3: init: ATZ and AT&F lose"},
    {"[a]\nmanufacturer=A\ninit=AT+CMEE=1|AT+cfun = 1 , 1\n", "my.conf:3: init: +CFUN=1,1 is"},
    {"[a]\nmanufacturer=A\npin_query=AT+CPIN=\"1234\"\n", "my.conf:3: pin_query: the PIN is"},
    {"[a]\nmanufacturer=A\niccid_query=AT+CLCK=\"SC\",2\n", "my.conf:3: iccid_query: it asks"},
    {"[a]\nmanufacturer=A\ninit=AT+CRESET\n", "my.conf:3: init: it would restart"},
    {"[a]\nmanufacturer=A\ninit=ECHO\n", "my.conf:3: init: a command begins with AT"},
    {"[a]\nmanufacturer=A\ninit=AT|AT|AT|AT|AT\n", "my.conf:3: init: it should be: 4 commands"},
    {"[a]\nmanufacturer=A\nprompt_ms=soon\n", "my.conf:3: prompt_ms: it should be: a number"},
    {"[a]\nmanufacturer=A\nno_direct=maybe\n", "my.conf:3: no_direct: it should be: yes or no"},
    {"[a]\nmanufacturer=A\nerror=CMS 38, busy, wait, certain, x\n", "my.conf:3: error: it should"},
    {"[a]\nmanufacturer=A\nerror=CMS 512, held, wait, certain, x\n", "my.conf:3: error: it should"},
    {"[a]\nmanufacturer=A\nerror=CMS 512, busy, wait, sure, x\n", "my.conf:3: error: it should"},
    {"[a]\nmanufacturer=A\nerror=CMS 514-512, busy, wait, certain, x\n", "my.conf:3: error: it"},
    {"[a]\nmanufacturer=A\nmodel=B\nmodel=C\n", "my.conf:4: model: it stands twice"},
    {"[a]\nmanufacturer=A\nmaker=B\n", "my.conf:3: maker: there are: manufacturer model"},
    {"[a]\nmanufacturer=A\npin_query=AT+X\n", "my.conf:1: pin_query and pin_prefix belong"},
    {"[a]\nmodel=B\n[b]\nmanufacturer=C\n", "my.conf:1: the row needs manufacturer"},
    {"[a]\n", "my.conf:1: the row needs manufacturer"},
    {"[a]\nmanufacturer=A\n[a]\nmanufacturer=B\n", "my.conf:3: a: there is another row"},
    {"manufacturer=A\n", "my.conf:1: manufacturer: it stands before the first [row]"},
    {"[a\nmanufacturer=A\n", "my.conf:1: a row begins with [NAME]"},
    {"[a]\nmanufacturer\n", "my.conf:2: neither [row] nor key = value"},
    {"[a]\nmanufacturer=\x01\n", "my.conf:2: a control character"},
};

static void test_user_row_wrong(void **state)
{
    (void)state;
    char why[QUIRKS_WHY_MAX];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_not_equal(OK, parse(wrong[i].text, why));
        if (strncmp(why, wrong[i].why, strlen(wrong[i].why)) != 0)
            fail_msg("said: %s\nwanted: %s", why, wrong[i].why);
    }
    modem_quirks_forget();
}

static void test_folder(void **state)
{
    (void)state;
    char why[QUIRKS_WHY_MAX];
    assert_int_equal(OK, quirks_file_load("/nonexistent/quirks.d", why));
    assert_int_equal(OK, parse("[a]\nmanufacturer=A\n", why));
    assert_int_equal(OK, quirks_file_load("tests/unit", why)); /* forgets, and finds no *.conf */
    assert_string_equal("generic", quirks_find("A", "")->name);
}

/* The example that is installed is one. */
static void test_example(void **state)
{
    (void)state;
    char text[8192], why[QUIRKS_WHY_MAX];
    FILE *f = fopen("packaging/quirks.d/example.conf.txt", "r");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    if (parse(text, why) != OK)
        fail_msg("%s", why);
    assert_string_equal("acme-x", quirks_find("Acme", "X1")->name);
    assert_string_equal("AT^CURC=0", quirks_find("Acme", "X1")->init[0]);
    assert_string_equal("AT+ECHO=0", quirks_find("Acme", "X1")->init[1]);
    modem_quirks_forget();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_no_row_resets),
        cmocka_unit_test(test_each_row_has_its_transcript),
        cmocka_unit_test(test_user_row),
        cmocka_unit_test(test_user_row_wrong),
        cmocka_unit_test(test_folder),
        cmocka_unit_test(test_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
