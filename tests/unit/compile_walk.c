/* SPDX-License-Identifier: Apache-2.0 */
/* Steps that lead through the registry editor by hand become the change that they make, and
 * only where it is sure what that is. */
#include "check.h"

#include "plan_rows.h"

#define WALK \
    "1. Click **Start**, click **Run**, type *regedit*, and then click **OK**.\n" \
    "2. Locate and then click the following registry subkey:\n\n" \
    "   `HKEY_LOCAL_MACHINE\\SOFTWARE\\Demo\\Parameters`\n\n"
#define SET "[always] windows.registry.set key=HKLM\\SOFTWARE\\Demo\\Parameters name=MaxTime "

#define MODIFY WALK "3. Right-click **MaxTime**, and then click **Modify**.\n4. "

/* Through the registry editor, by hand. */
static const struct row walks[] = {
    { WALK "3. On the **Edit** menu, point to **New**, and then click **DWORD (32-bit) "
           "Value**.\n4. Type *MaxTime*, and then press <kbd>Enter</kbd>.\n"
           "5. Right-click **MaxTime**, and then click **Modify**.\n"
           "6. Click **Decimal**, type *15*, and then click **OK**.\n"
           "7. Quit Registry Editor, and then restart the computer.\n",
        SET "type=dword data=15\n[always] machine.restart\n", NULL },
    { MODIFY "Select **Hexadecimal**, type `1f` in the **Value data** box, and then select "
             "**OK**.\n",
        "", NULL },
    { MODIFY "Type `0x1f` in the **Value data** box, and then select **OK**.\n",
        SET "type=dword data=31\n", "value-type-missing" },
    { WALK "3. Add the following registry value to the **Parameters** subkey:\n"
           "   - Value name: MaxTime\n   - Data type: REG_DWORD\n"
           "   - Value data: 60 (decimal)\n",
        SET "type=dword data=60\n", NULL },
    { WALK "3. Add the following registry entry:\n\n   Name: MaxTime\n   Type: REG_DWORD\n   "
           "Value: 1\n",
        SET "type=dword data=1\n", NULL },
    /* 15 is 21 where nobody says otherwise */
    { MODIFY "Type *15*, and then click **OK**.\n", "", NULL },
    /* another name, a choice, a wish, no type, another machine, no key */
    { WALK "3. On the **Edit** menu, point to **New**, and then click **DWORD Value**.\n"
           "4. Type *MaxTime*, and then press Enter.\n"
           "5. Right-click **MinTime**, click **Modify**, type 1, and then click **OK**.\n",
        "", NULL },
    { MODIFY "In the **Value data** box, type one of the following values: 0 or 1.\n", "",
        NULL },
    { MODIFY "If you want to see more, type 1, and then click **OK**.\n", "", NULL },
    { WALK "3. Add the following registry value:\n"
           "   - Value name: MaxTime\n   - Value data: 1\n",
        "", NULL },
    { "## On the domain controller\n\n" MODIFY "Type 1, and then click **OK**.\n", "",
        "surroundings" },
    { "1. Right-click **MaxTime**, click **Modify**, type 1, and then click **OK**.\n", "",
        NULL },
};

static void
walks_through_the_editor_are_read(void **state)
{
    (void)state;
    CHECK(walks);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_through_the_editor_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
