/* SPDX-License-Identifier: Apache-2.0 */
/* Scopes at a distance: what an earlier item, the title, another section, a tab or a note says
 * of when and for whom steps are meant holds for them, wherever they stand. */
#include "check.h"

#include "plan_rows.h"

#define RESTART "\n\n    systemctl restart sssd\n"
#define RUNS "[always] linux.unit.state unit=sssd want=restarted\n"
#define FOR(condition) "[if:" condition "] linux.unit.state unit=sssd want=restarted\n"

static const struct row lists[] = {
    { "On RHEL, CentOS, or Fedora:" RESTART, FOR("On RHEL, CentOS, or Fedora"), NULL },
    { "To turn it off on RHEL, CentOS, or Fedora:" RESTART, FOR("on RHEL, CentOS, or Fedora"),
        NULL },
    { "To turn it off on Debian and Ubuntu, run this:" RESTART, FOR("on Debian and Ubuntu"),
        NULL },
    { "## On RHEL, CentOS, or Fedora" RESTART, FOR("On RHEL, CentOS, or Fedora"), NULL },
    { "With systemd, you can start it by:" RESTART, FOR("With systemd"), NULL },
    { "RHEL 7.x: SSSD 1.16 has a leak." RESTART, "", "surroundings" },
};

static void
a_list_of_systems_is_one_condition(void **state)
{
    (void)state;
    CHECK(lists);
}

static const struct row items[] = {
    { "1. Look for the message.\n2. If you find it, edit `/etc/x`.\n3. Save the file.\n4. Run "
      "`systemctl restart sssd`.\n",
        "", "surroundings" },
    { "1. Look.\n2. If you find it, edit `/etc/x`.\n3. Run `systemctl restart sssd`.\n",
        RUNS, NULL },
    { "1. Look at it.  If you find this message, the cache is damaged.\n2. Run `systemctl "
      "restart sssd`.\n",
        "", "surroundings" },
    { "1. Look at it - if you see `x`, carry on here.\n2. Run `systemctl restart sssd`.\n", "",
        "surroundings" },
    { "1. If you still cannot log on, open the console.\n2. Run `systemctl restart "
      "sssd`.\n",
        "", "surroundings" },
    { "1. Verify that this is the active node.\n2. Run `systemctl restart sssd`.\n", "",
        "surroundings" },
    { "1. Verify that the service is active.\n2. Run `systemctl restart sssd`.\n", RUNS, NULL },
    { "1. Look for event 17.  It has to be there, or else leave it.\n2. Run `systemctl restart "
      "sssd`.\n",
        "", "surroundings" },
    { "1. Find out on which node it runs.\n2. Go there.\n3. Run `systemctl restart "
      "sssd`.\n",
        "", "surroundings" },
    { "- Domain joined\n  1. Run `systemctl restart sssd`.\n- Alone\n  1. Reboot.\n", "",
        "surroundings" },
    { "- More than 20 jobs hang\n\n  Run `systemctl restart sssd`.\n\n- Fewer\n\n  Wait.\n", "",
        "surroundings" },
    { "When the queue is full:\n\n1. Look at it.\n\nThen wait.\n\n2. Run `systemctl restart "
      "sssd`.\n",
        "", "surroundings" },
    { "When the queue is full:\n\nLook at it.\n\nRestart it:" RESTART, "", "surroundings" },
    { "1. Attach the disk to a rescue VM.\n2. Run `systemctl restart sssd`.\n", "",
        "surroundings" },
    { "1. Check if it is ready.  If not look whether it runs.  Run `systemctl restart sssd`.\n",
        "", "surroundings" },
    { "1. Make sure that it is installed.\n2. If not, run `apt-get install sssd`.\n",
        "[if:not (Make sure that it is installed.)] linux.package.install name=sssd\n", NULL },
};

static void
later_items_stand_under_earlier_ones(void **state)
{
    (void)state;
    CHECK(items);
}

static const struct row ways[] = {
    { "You have two choices:\n\n- Wait.\n- Restart it.\n\nYou only need one of these methods.\n"
      "\n## Wait\n\nDo.\n\n## Restart it" RESTART,
        "", "surroundings" },
    { "There are two ways to clear it.\n\n## Restart" RESTART, "", "surroundings" },
    { "Use one of these methods.\n\n## Method 1: Restart it" RESTART, RUNS, NULL },
    { "## Resolution\n\nUpgrade it.\n\n## Workaround" RESTART, "", "surroundings" },
    { "## Workaround" RESTART, RUNS, NULL },
    { "Depending on how it was installed:\n\n**MSI**" RESTART, "", "surroundings" },
    { "Case 1: The server was renamed" RESTART, "", "surroundings" },
    { "First choice:\n\nWait.\n\nSecond choice:" RESTART, "", "surroundings" },
    { "A." RESTART, "", "surroundings" },
    { "## Home users" RESTART "\n## Business users\n\nWait.\n", "", "surroundings" },
    { "## The daemon" RESTART "\n## More information\n\nNone.\n", RUNS, NULL },
    { "You can do this manually or as a service." RESTART, "", "surroundings" },
    { "Start it by using the script:\n\n    x.sh\n\nand restart it with" RESTART, "",
        "surroundings" },
};

static void
of_several_ways_none_is_taken(void **state)
{
    (void)state;
    CHECK(ways);
}

static const struct row sections[] = {
    { "## Before you begin\n\nThese steps are for domain controllers.\n\n## Steps" RESTART, "",
        "surroundings" },
    { "## Which host\n\nAll of this runs on mx1, never on the relay.\n\n## Steps" RESTART, "",
        "surroundings" },
    { "## Steps" RESTART "\n## Remarks\n\nThe above must not be done on print servers.\n", "",
        "surroundings" },
    { "## Steps" RESTART "\n## More information\n\nDo not use this method on a DC.\n", "",
        "surroundings" },
    { "## Steps" RESTART "\n## More information\n\nThe method was found in 2019.\n", RUNS,
        NULL },
    { "## Cause\n\nA leak.  The steps in this article must not be used elsewhere.\n\n## Steps"
      RESTART,
        "", "surroundings" },
    { "Scope: HA pairs." RESTART, "", "surroundings" },
    { "**Where:** backup server\n\n1. Run `systemctl restart sssd`.\n", "", "surroundings" },
    { "Outside office hours only." RESTART, "", "surroundings" },
    { "For desktops nothing has to be done." RESTART, "", "surroundings" },
    { "DRAFT - do not use" RESTART, "", "surroundings" },
    { "Category: Linux servers\n\nRestart it:" RESTART, RUNS, NULL },
    { "If you use LDAPS, you also need a certificate." RESTART, "", "surroundings" },
};

static void
other_sections_say_for_whom(void **state)
{
    (void)state;
    CHECK(sections);
}

static const struct row markup[] = {
    { "<details>\n<summary>On the standby</summary>\n" RESTART "\n</details>\n", "",
        "surroundings" },
    { "{{< tabs >}}\n{{< tab name=\"Ubuntu\" >}}" RESTART, "", "surroundings" },
    { "=== \"Container\"\n\n1. Run `systemctl restart sssd`.\n", "", "surroundings" },
    { "::: moniker range=\">= 2019\"" RESTART, "", "surroundings" },
    { ".. only:: server" RESTART, "", "surroundings" },
    { "<TabItem value=\"k8s\">" RESTART, "", "surroundings" },
    { "{{< note >}}\n\nRestart it:" RESTART, RUNS, NULL },
    { "<br>Look.<br>" RESTART, RUNS, NULL },
    { "<https://x.test/a>" RESTART, RUNS, NULL },
};

static void
markup_for_some_readers_is_for_a_person(void **state)
{
    (void)state;
    CHECK(markup);
}

static void
a_title_names_a_system_or_a_role(void **state)
{
    static const struct {
        const char *title, *condition;
    } rows[] = { { "Repair it on Ubuntu and Debian", "if:on Ubuntu and Debian" },
        { "Repair it in Windows Server 2012 R2", "if:in Windows Server 2012 R2" },
        { "Repair it in Windows", "always" }, { "Repair it on Monday", "always" },
        { "Time is wrong on a domain controller", "if:on a domain controller" },
        { "It hangs (64-bit editions)", "if:64-bit editions" },
        { "Agent 6.2 and earlier: it hangs", "if:Agent 6.2 and earlier" },
        { "It fails on CentOS 7 with 'x'", "if:on CentOS 7" },
        { "/boot is full (Ubuntu)", "if:Ubuntu" },
        { "Linux Agent/Heartbeat issues", "if:Linux" },
        { "It hangs after the upgrade of the cluster service", "if:of the cluster service" },
        { "Red lights in the console", "always" }, { "The agent hangs", "always" } };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        auto_free char *condition = NULL;
        auto_ptr(plan) p = NULL;
        struct text t = { 0 };

        text_fmt(&t, "# %s\n\n## Steps\n\n1. Reboot.\n", rows[i].title);
        assert_false(t.no_memory);
        p = plan_of(t.s, t.len);
        text_done(&t);
        assert_int_equal(p->nsteps, 1);
        condition = plan_condition(&p->steps[0]);
        assert_string_equal(condition, rows[i].condition);
    }
}

static void
the_first_of_several_headings_is_a_case(void **state)
{
    static const struct {
        const char *first, *second, *plan;
    } rows[] = {
        { "Database connection failed", "The page is missing",
            FOR("Database connection failed") },
        { "Installation failed", "Steps to find out why", RUNS },
        { "Home users", "Business users", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        auto_free char *text = NULL;
        auto_ptr(plan) p = NULL;
        struct text t = { 0 };

        text_fmt(&t, "# T\n\n## %s" RESTART "\n## %s\n\nWait.\n", rows[i].first,
            rows[i].second);
        assert_false(t.no_memory);
        p = plan_of(t.s, t.len);
        text_done(&t);
        text = plan_text(p, true);
        assert_string_equal(text, rows[i].plan);
    }
}

static const struct row headings[] = {
    { "## On Windows\n\n1. Stop `x`.\n\n# Restart it if you want to use LDAP" RESTART,
        FOR("you want to use LDAP"), NULL },
    { "## Look\n\nLook.\n\n## Restart it if you want to use LDAP" RESTART,
        FOR("you want to use LDAP"), NULL },
    { "### Database connection failed" RESTART "\n### The page is missing\n\nWait.\n",
        FOR("Database connection failed"), NULL },
    { "### Issues Encountered During Setup\n\n1. Run `systemctl restart sssd`.\n", "",
        "surroundings" },
    { "## Lessons learned" RESTART, "", "surroundings" },
    /* that of a heading goes on when one below it has ended */
    { "## If you use LDAP\n\n### If it hangs\n\nWait.\n\n### Restart it" RESTART,
        FOR("you use LDAP"), NULL },
    { "## If you use LDAP\n\n### If it hangs" RESTART,
        FOR("you use LDAP; it hangs"), NULL },
    { "## If you use LDAP\n\n### If it hangs\n\nWait.\n\n## Restart it" RESTART, RUNS,
        NULL },
};

static void
headings_say_when(void **state)
{
    (void)state;
    CHECK(headings);
}

static const struct row labels[] = {
    { "- **Symptom**: `x` returns `y`\n- **Fix**: `systemctl restart sssd`\n",
        FOR("x returns y"), NULL },
    { "- Problem: It hangs.\n- If it is red: `systemctl restart sssd`\n",
        FOR("It hangs; it is red"), NULL },
    { "- Symptom: A hangs\n- Fix: wait\n- Symptom: B hangs\n- Fix: `systemctl restart "
      "sssd`\n",
        FOR("B hangs"), NULL },
    { "- Symptom: A hangs\n- Fix: wait\n\nRestart it:" RESTART, RUNS, NULL },
    { "2. On the grader's machine:\n   - Create `x`: `mkdir x`\n   - Restart it: `systemctl "
      "restart sssd`\n3. On the local machine, run: `x`.\n",
        "", "surroundings" },
    { "2. On the user's virtual machine:\n  - Run `x`:\n  - Restart it: `systemctl restart "
      "sssd`\n3. On the local machine, run: `x`.\n",
        "", "surroundings" },
    { "- On RHEL, restart the daemon:\n\n  ```\n  systemctl restart sssd\n  ```\n\n"
      "- On Ubuntu, do nothing.\n",
        FOR("On RHEL"), NULL },
    { "In case you are like me and don't like the path then there is a way to change it.\n\n"
      "Restart it:" RESTART,
        FOR("you are like me and don't like the path"), NULL },
    { "If you see red lights, there is a leak.\n\nRestart it:" RESTART, RUNS, NULL },
    { "## Prerequisites\n\n- You are connected to the VM via SSH (see [[X]]).\n\n## Steps"
      RESTART,
        RUNS, NULL },
    { "## Prerequisites\n\n- You are connected to the print server.\n\n## Steps" RESTART,
        "", "surroundings" },
};

static void
what_stands_beside_says_when(void **state)
{
    (void)state;
    CHECK(labels);
}

static const struct row examples[] = {
    { "Enable it:\n\n    systemctl enable www.example.com.socket\n", "", NULL },
    { "Don't forget to replace `:1` with your display." RESTART, "", "surroundings" },
    { "1. If they can't be updated yet, lower it on the **print server**:\n\n   `systemctl "
      "restart sssd`\n",
        "", "surroundings" },
    { "1. Restart the VSS service.\n2. Retry the backup.\n3. If the problem persists, restart "
      "the VSS service and retry the backup.\n4. To restart the VSS service:\n   - Run `net "
      "stop VSS`, `net start VSS`.\n",
        "[always] windows.service.state service=VSS want=restarted\n"
        "[always] operation.retry\n"
        "[unsolved:2] windows.service.state service=VSS want=restarted\n"
        "[unsolved:2] operation.retry\n",
        NULL },
};

static void
names_of_examples_and_what_was_done_are_left(void **state)
{
    (void)state;
    CHECK(examples);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_of_systems_is_one_condition),
        cmocka_unit_test(later_items_stand_under_earlier_ones),
        cmocka_unit_test(of_several_ways_none_is_taken),
        cmocka_unit_test(other_sections_say_for_whom),
        cmocka_unit_test(markup_for_some_readers_is_for_a_person),
        cmocka_unit_test(a_title_names_a_system_or_a_role),
        cmocka_unit_test(the_first_of_several_headings_is_a_case),
        cmocka_unit_test(headings_say_when),
        cmocka_unit_test(what_stands_beside_says_when),
        cmocka_unit_test(names_of_examples_and_what_was_done_are_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
