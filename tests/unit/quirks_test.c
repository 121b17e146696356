/* quirks_test.c - which row a modem gets, and what no row may hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "../../modem/quirks.c"

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
            assert_true(strncmp(command, "AT", 2) == 0);
            assert_true(strncmp(command, "ATZ", 3) != 0 && strncmp(command, "AT&F", 4) != 0);
            assert_null(strstr(command, "CFUN"));
        }
        assert_int_equal(rows[i].pin.query != NULL, rows[i].pin.prefix != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_find),
                                       cmocka_unit_test(test_no_row_resets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
