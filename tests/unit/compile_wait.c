/* SPDX-License-Identifier: Apache-2.0 */
/* A step that comes behind a person's waits for the person, and only where the person's changes
 * something and belongs to the same procedure. */
#include "check.h"

#include "plan_rows.h"

#define STOP "[always] windows.service.state service=VSS want=stopped\n"
#define START(when) "[" when "] windows.service.state service=VSS want=running\n"

static const struct row waits[] = {
    { "1. Run `net stop VSS`.\n2. Delete all files in C:\\Cache.\n3. Run `net start VSS`.\n",
        STOP START("after:2"), NULL },
    { "1. Run `net stop VSS`.\n2. Rename the folder: `ren C:\\Cache Cache.old`\n"
      "3. Run `net start VSS`.\n",
        STOP START("after:2"), NULL },
    /* the same in paragraphs, and for all that comes behind it */
    { "Run `net stop VSS`.\n\nDelete all files in C:\\Cache.\n\nRun `net start VSS`.\n\n"
      "Retry the backup.\n",
        STOP START("after:2") "[after:2] operation.retry\n", NULL },
    /* it waits for the nearest */
    { "1. Move the folder.\n2. Run `net stop VSS`.\n3. Delete the file.\n4. Reboot.\n",
        "[after:1] windows.service.state service=VSS want=stopped\n[after:3] machine.restart\n",
        NULL },
    /* a heading for each step */
    { "## Resolution\n\n### Step 1: Stop it\n\nRun `net stop VSS`.\n\n### Step 2: Clean\n\n"
      "Delete all files in C:\\Cache.\n\n#### In the end\n\nIt is empty.\n\n"
      "### Step 3: Start it\n\nRun `net start VSS`.\n",
        STOP START("after:2"), NULL },
    { "**Note**\n\nIt is slow.\n\n**Hint**\n\nIt is old.\n\n**More**\n\nIt is red.\n\n"
      "## 1. Stop it\n\nRun `net stop VSS`.\n\n## 2. Clean\n\nDelete all files in C:\\Cache."
      "\n\n## 3. Start it\n\nRun `net start VSS`.\n",
        STOP START("after:2"), NULL },
    /* ... or a line in bold */
    { "**Step 1:**\n\nRun `net stop VSS`.\n\n**Step 2: Clean**\n\n"
      "Delete all files in C:\\Cache.\n\n**Note**\n\nIt is empty.\n\n"
      "**Step 3:**\n\nRun `net start VSS`.\n",
        STOP START("after:2"), NULL },
    { "## Resolution\n\n**1. Stop it**\n\nRun `net stop VSS`.\n\n**2. Clean**\n\n"
      "Delete all files in C:\\Cache.\n\n**3. Start it**\n\nRun `net start VSS`.\n",
        STOP START("after:2"), NULL },
    /* under one condition of a failure */
    { "1. Retry the backup.\n\nIf the issue persists:\n\n1. Remove the agent.\n2. Reboot.\n",
        "[always] operation.retry\n[after:2] machine.restart\n", NULL },
};

static const struct row commands[] = {
    /* a folder that is changed to is not all of a command */
    { "1. Run `net stop VSS`.\n2. Run `cd C:\\Cache && deploy.sh`.\n3. Run `net start VSS`.\n",
        STOP START("after:2"), NULL },
    { "1. Run `net stop VSS`.\n2. Run `cd C:\\Cache && dir`.\n3. Run `net start VSS`.\n",
        STOP START("always"), NULL },
    /* that of an item is not what another item announces */
    { "- type net stop VSS and press enter\n- type rename C:\\Cache Old and press enter\n"
      "- type net start VSS and press enter\n",
        STOP START("after:2"), NULL },
    /* to look at a unit that a person installs, or that what waits has started */
    { "1. Install the agent.\n2. Run `systemctl status sssd`.\n",
        "[after:1] linux.unit.is unit=sssd state=active\n", NULL },
    { "1. Move the folder.\n2. Run `systemctl status sssd`.\n",
        "[always] linux.unit.is unit=sssd state=active\n", NULL },
    { "1. Uninstall the agent.\n2. Run `systemctl status sssd`.\n",
        "[always] linux.unit.is unit=sssd state=active\n", NULL },
    { "1. Move the folder.\n2. Run `systemctl start sssd`.\n3. Run `systemctl status sssd`.\n",
        "[after:1] linux.unit.state unit=sssd want=running\n"
        "[after:1] linux.unit.is unit=sssd state=active\n", NULL },
};

static const struct row goes_on[] = {
    /* to look, to open a window, to keep what there is */
    { "1. Check the event log.\n2. Run `net stop VSS`.\n", STOP, NULL },
    { "1. Open a command prompt as administrator.\n2. Run `net stop VSS`.\n", STOP, NULL },
    { "1. Run `ipconfig /all`.\n2. Run `net stop VSS`.\n", STOP, NULL },
    { "1. Run `sudo apt-get update`.\n2. Run `sudo apt-get install -f`.\n",
        "[always] linux.package.fix\n", NULL },
    { "1. Back up the registry.\n2. Run `net stop VSS`.\n", STOP, NULL },
    /* what only leads to what stands below it */
    { "1. Restart the daemon:\n\n   ```\n   systemctl restart smbd\n   ```\n2. Reboot.\n",
        "[always] linux.unit.state unit=smbd want=restarted\n[always] machine.restart\n",
        NULL },
    { "Stop the transport.\n\n```\nnet stop VSS\n```\n", STOP, NULL },
    { "1. Repair the packages.\n   1. Run `sudo apt-get install -f`.\n",
        "[always] linux.package.fix\n", NULL },
    { "1. Free the port. Run this command:\n\n```\nnet stop VSS\n```\n", STOP, NULL },
    { "To work around this problem, change the service.\n\n1. Run `net stop VSS`.\n", STOP,
        NULL },
    { "To work around this problem, change the service.\n\nIt is simple.\n\n"
      "1. Run `net stop VSS`.\n",
        STOP, NULL },
    /* another way, another procedure, how it is taken back, and another case */
    { "Click Stop.\n\nAlternatively, use the command line:\n\n`net stop VSS`\n", STOP, NULL },
    { "## Move the cache\n\n1. Move the folder.\n\n## Stop the service\n\n"
      "1. Run `net stop VSS`.\n",
        STOP, NULL },
    { "## Move the cache\n\n### Step 1: Move\n\nMove the folder.\n\n## Stop the service\n\n"
      "### Step 2: Stop\n\nRun `net stop VSS`.\n",
        STOP, NULL },
    { "## 2. Move\n\nMove the folder.\n\n## 4. Stop\n\nRun `net stop VSS`.\n", STOP, NULL },
    { "1. If the folder is full, move it.\n2. Run `net stop VSS`.\n", STOP, NULL },
    /* what went wrong, and why */
    { "## Cause:\n\nUsers delete the folder:\n\n1. Run `net start VSS`.\n2. Delete the "
      "folder.\n\n## Resolution\n\n1. Run `net stop VSS`.\n",
        STOP, NULL },
    /* what is forbidden */
    { "1. Don't run `ipconfig /flushdns`.\n2. Run `net stop VSS`.\n", STOP, NULL },
    /* it only looks itself */
    { "1. Move the folder.\n2. Run `vssadmin list writers`.\n",
        "[always] windows.vss.writers\n", NULL },
    /* lines in bold that are other procedures, or other ways */
    { "**Step 1: Move**\n\nMove the folder.\n\n**Step 3: Stop**\n\nRun `net stop VSS`.\n",
        STOP, NULL },
    { "## Move\n\n**Step 1: Move**\n\nMove the folder.\n\n## Stop\n\n"
      "**Step 2: Stop**\n\nRun `net stop VSS`.\n",
        STOP, NULL },
    { "**Move**\n\nMove the folder.\n\n**Stop**\n\nRun `net stop VSS`.\n", STOP, NULL },
};

#define RETRY(when) "[" when "] operation.retry\n"
#define LINK "[the best practices](https://example.com/a)"

/* Where firn changes nothing itself, a retry waits for all that persons are told. */
static const struct row retries[] = {
    { "- Review your backup configuration.\n- Ensure you are using " LINK ".\n"
      "- Retry the operation.\n",
        RETRY("after:2"), NULL },
    { "- Follow " LINK ".\n- Retry the operation.\n", RETRY("after:1"), NULL },
    { "- Download the [tool](https://example.com/b).\n- Retry the operation.\n",
        RETRY("after:1"), NULL },
    { "If the backup fails with this error, perform the below steps:\n\n"
      "- Check the firewall settings.\n- Check the account.\n- Retry the operation.\n",
        RETRY("after:2"), NULL },
    { "- Use [sp_who](https://example.com/c) to find the processes.\n"
      "- Kill all of them (if not risky).\n- Retry the operation.\n",
        RETRY("after:1"), NULL },
    { "- Refer to [this](https://example.com/d) to fix it.\n- Retry the operation.\n",
        RETRY("after:1"), NULL },
    { "- To fix this, upgrade the agent.\n- Retry the operation.\n", RETRY("after:1"), NULL },
    { "- You need to increase the quota.\n- Retry the operation.\n", RETRY("after:1"), NULL },
    { "- First upgrade the agent.\n- Retry the operation.\n", RETRY("after:1"), NULL },
    { "- Bring the disk online.\n- Retry the operation.\n", RETRY("after:1"), NULL },
    { "To fix this, upgrade the agent.\n\nRetry the operation.\n", RETRY("after:1"), NULL },
    { "1. Check the firewall.\n2. Retry the backup.\n3. Check the account.\n"
      "4. Retry the backup.\n",
        RETRY("after:1") RETRY("after:3"), NULL },
    /* it comes first, or stands for itself */
    { "For more information, see [this](https://example.com/e).\n\nRetry the operation.\n",
        RETRY("always"), NULL },
    { "- Retry the operation.\n- Check the firewall.\n", RETRY("always"), NULL },
    { "## Workaround\n\n- Check the firewall.\n\n## Resolution\n\n- Retry the operation.\n",
        RETRY("always"), NULL },
    { "Back up the registry first.\n\nRetry the operation.\n", RETRY("always"), NULL },
    /* it tries what firn did */
    { "1. Check the event log.\n2. Run `net stop VSS`.\n3. Retry the backup.\n",
        STOP RETRY("always"), NULL },
    { "1. Check the event log.\n2. Retry the backup.\n3. If it still fails, run "
      "`net stop VSS`.\n",
        RETRY("always") "[unsolved:2] windows.service.state service=VSS want=stopped\n",
        NULL },
    /* its condition is its own */
    { "1. Check the version.\n2. After upgrading, retry the operation.\n",
        RETRY("if:After upgrading"), NULL },
};

/* Orders in the passive are a person's, and waited for. */
static const struct row passive[] = {
    { "1. Run `net stop VSS`.\n2. The files in C:\\Cache must be deleted.\n"
      "3. Run `net start VSS`.\n",
        STOP START("after:2"), NULL },
    { "The value needs to be changed to 0.\n\nReboot.\n", "[after:1] machine.restart\n",
        NULL },
    { "1. All stale records have to be removed.\n2. Reboot.\n",
        "[after:1] machine.restart\n", "destroys" },
    { "1. The old driver should be uninstalled.\n2. Reboot.\n",
        "[after:1] machine.restart\n", NULL },
    { "1. Files that are in this folder must first be moved.\n2. Reboot.\n",
        "[after:1] machine.restart\n", NULL },
    /* how something is to be, what is expected, and what is only spoken of */
    { "1. The service must be running.\n2. Reboot.\n", "[always] machine.restart\n", NULL },
    { "1. The agent must be installed.\n2. Reboot.\n", "[always] machine.restart\n", NULL },
    { "1. The flag must be set to 1.\n2. Reboot.\n", "[always] machine.restart\n", NULL },
    { "1. The files should be restored now.\n2. Reboot.\n", "[always] machine.restart\n",
        NULL },
    { "1. The files should be deleted automatically.\n2. Reboot.\n",
        "[always] machine.restart\n", NULL },
    { "1. The list names the files that must be deleted.\n2. Reboot.\n",
        "[always] machine.restart\n", NULL },
    { "1. The message says the file must be deleted.\n2. Reboot.\n",
        "[always] machine.restart\n", NULL },
    { "1. The cache doesn't need to be deleted.\n2. Reboot.\n",
        "[always] machine.restart\n", NULL },
    { "1. The cache may need to be emptied.\n2. Reboot.\n", "[always] machine.restart\n",
        NULL },
};

#define WALK \
    "1. Click **Start**, click **Run**, type **regedit**, and then press ENTER.\n" \
    "2. Locate the following registry subkey:\n\n" \
    "   `HKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso\\Agent`\n"

/* The last step of a walk through the registry editor is the one to wait for. */
static const struct row walks[] = {
    { WALK "3. Right-click **Agent**, point to **New**, and then click **DWORD Value**.\n"
           "4. Name the new value Keep Alive.\n5. Double-click Keep Alive, type 1, and then "
           "click **OK**.\n6. Exit Registry Editor, and then restart the computer.\n",
        "[after:4] machine.restart\n", NULL },
    { WALK "3. Right-click **Agent**, point to **New**, and then click **DWORD Value** to "
           "create the following entry:\n\n   **Keep Alive**\n4. Restart the computer.\n",
        "[after:2] machine.restart\n", NULL },
    /* what weakens the machine is a person's, with the last step */
    { "1. Locate the following registry subkey:\n\n"
      "   `HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System`\n"
      "2. Right-click **EnableLUA**, and then click **Modify**.\n"
      "3. In the **Value data** box, type **0**, and then click **OK**.\n"
      "4. Restart the computer.\n",
        "[after:2] machine.restart\n", NULL },
    /* firn goes it itself */
    { WALK "3. On the **Edit** menu, point to **New**, and then click **DWORD Value**.\n"
           "4. Type **KeepAlive**, and then press ENTER.\n"
           "5. Right-click **KeepAlive**, and then click **Modify**.\n"
           "6. In the **Value data** box, type **1**, and then click **OK**.\n"
           "7. Restart the computer.\n",
        "[always] windows.registry.set key=HKLM\\SOFTWARE\\Contoso\\Agent name=KeepAlive "
        "type=dword data=1\n[always] machine.restart\n",
        NULL },
};

/* What changes something is not taken for what only shows it. */
static const struct row busy[] = {
    { "1. Run `ipconfig /flushdns`.\n2. Run `net stop VSS`.\n",
        "[after:1] windows.service.state service=VSS want=stopped\n", NULL },
    { "1. Open the folder and delete all files.\n2. Run `net stop VSS`.\n",
        "[after:1] windows.service.state service=VSS want=stopped\n", NULL },
    { "1. Run `yum update`.\n2. Reboot.\n", "[after:1] machine.restart\n", NULL },
    { "1. Run `find /var/cache/demo -delete`.\n2. Reboot.\n", "[after:1] machine.restart\n",
        NULL },
    { "1. To fix this, move the folder.\n2. Reboot.\n", "[after:1] machine.restart\n", NULL },
    { "1. You have to empty the folder.\n2. Reboot.\n", "[after:1] machine.restart\n", NULL },
    { "1. Add these lines to the file:\n\n   ```\n   size = 4\n   ```\n2. Reboot.\n",
        "[after:1] machine.restart\n", NULL },
};

static void
a_step_behind_a_persons_waits(void **state)
{
    (void)state;
    CHECK(waits);
    CHECK(busy);
    CHECK(commands);
}

static void
what_changes_nothing_is_not_waited_for(void **state)
{
    (void)state;
    CHECK(goes_on);
}

static void
a_retry_waits_for_what_it_proves(void **state)
{
    (void)state;
    CHECK(retries);
}

static void
an_order_may_be_in_the_passive(void **state)
{
    (void)state;
    CHECK(passive);
}

static void
a_walk_is_waited_for_to_its_end(void **state)
{
    (void)state;
    CHECK(walks);
}

/* A plan that is cut short runs nothing. */
static void
too_many_steps_are_for_a_person(void **state)
{
    struct text t = { 0 };

    (void)state;
    text_str(&t, "1. Run `net stop VSS`.\n");
    for (int i = 0; i < PLAN_STEPS_MAX; i++)
        text_fmt(&t, "1. Delete the folder F%d.\n", i);
    auto_ptr(plan) p = plan_of_body(t.s);
    auto_free char *text = plan_text(p, true);

    assert_string_equal(text, "");
    assert_true(plan_has(p, "too-long"));
    text_done(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_behind_a_persons_waits),
        cmocka_unit_test(what_changes_nothing_is_not_waited_for),
        cmocka_unit_test(a_retry_waits_for_what_it_proves),
        cmocka_unit_test(an_order_may_be_in_the_passive),
        cmocka_unit_test(a_walk_is_waited_for_to_its_end),
        cmocka_unit_test(too_many_steps_are_for_a_person),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
