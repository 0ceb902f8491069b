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
    /* under one condition of a failure */
    { "1. Retry the backup.\n\nIf the issue persists:\n\n1. Remove the agent.\n2. Reboot.\n",
        "[always] operation.retry\n[after:2] machine.restart\n", NULL },
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
    { "1. Add these lines to the file:\n\n   ```\n   size = 4\n   ```\n2. Reboot.\n",
        "[after:1] machine.restart\n", NULL },
};

static void
a_step_behind_a_persons_waits(void **state)
{
    (void)state;
    CHECK(waits);
    CHECK(busy);
}

static void
what_changes_nothing_is_not_waited_for(void **state)
{
    (void)state;
    CHECK(goes_on);
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
        cmocka_unit_test(too_many_steps_are_for_a_person),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
