/* SPDX-License-Identifier: Apache-2.0 */
/* What is offered, listed or only named is not done; what belongs together is done together or
 * not at all; and a name says of which system it is only where the article does. */
#include "check.h"

#include "plan_rows.h"

static const struct row choices[] = {
    { "You must either:\n\n1. Unload it:\n\n   ```\n   rmmod demo\n   ```\n\n2. Reboot\n", "",
        "surroundings" },
    { "Do one of the following:\n\n- Run `net stop VSS`.\n- Restart the VM.\n", "",
        "surroundings" },
    { "To mend it you can:\n\n- Look at the log.\n- Restart the VM.\n", "", "surroundings" },
    { "Do one of the following:\n\n- Wait.\n- Call us.\n\nThen run this:\n\n    net stop VSS\n",
        "[always] windows.service.state service=VSS want=stopped\n", NULL },
    { "```\nyum install htop\napt-get install htop\n```\n", "", NULL },
    { "```\napt-get install htop\ndpkg --configure -a\n```\n",
        "[always] linux.package.install name=htop\n[always] linux.package.configure\n", NULL },
    { "### With apt\n\n    apt install tor\n\n### With dpkg\n\nLook for it.\n", "", NULL },
    { "### Manual installation\n\n    systemctl start auditd\n", "", "surroundings" },
    { "To stop and disable:\n\n    systemctl disable --now smbd\n", "", NULL },
    { "Look:\n\n    systemctl status smbd\n\nTo stop or remove:\n\n    systemctl stop smbd\n",
        "", NULL },
    { "To stop and disable smbd with systemd:\n\n    systemctl stop smbd\n    systemctl "
      "disable smbd\n\nTo re-enable and start smbd:\n\n    systemctl enable smbd\n    "
      "systemctl start smbd\n",
        "", NULL },
    { "```\nsystemctl stop akd.servicesudo systemctl stop akd.socket\n```\n", "", NULL },
    { "To restart:\n\n    systemctl restart smbd\n",
        "[always] linux.unit.state unit=smbd want=restarted\n", NULL },
};

static void
one_of_several_ways_is_for_a_person(void **state)
{
    (void)state;
    CHECK(choices);
}

static const struct row names[] = {
    { "- `DEPLOY`\n\n- `REBOOT`\n\n- `REBUILD`\n", "", NULL },
    { "- images\n  - partition\n  - reboot\n  - archive\n", "", NULL },
    { "1. Edit the file.\n2. Reboot.\n", "[after:1] machine.restart\n", NULL },
    { "- Run `net stop VSS`.\n- Reboot\n",
        "[always] windows.service.state service=VSS want=stopped\n[always] machine.restart\n",
        NULL },
    { "Restart the `nova-compute` service.\n", "", NULL },
    { "Edit /etc/nova.conf.  Restart the `nova-compute` service.\n",
        "[after:1] linux.unit.state unit=nova-compute want=restarted\n", NULL },
    { "On Windows, restart the `DemoSvc` service.\n",
        "[always] windows.service.state service=DemoSvc want=restarted\n", NULL },
    { "It is on Windows and in /etc/x.  Restart the `DemoSvc` service.\n", "", NULL },
    { "Look at /etc/x.  Restart the VSS service.\n",
        "[always] windows.service.state service=VSS want=restarted\n", NULL },
    { "Add `use_multipath = True` in `[libvirt]` of `/etc/nova/nova.conf`.\n",
        "[always] config.set file=/etc/nova/nova.conf format=ini section=libvirt "
        "key=use_multipath value=True\n", NULL },
    { "## Amazon Linux 2\n\n    systemctl start smbd\n",
        "[if:Amazon Linux 2] linux.unit.state unit=smbd want=running\n", NULL },
    { "## Container Linux\n\n    systemctl start smbd\n",
        "[if:Container Linux] linux.unit.state unit=smbd want=running\n", NULL },
};

static void
a_name_is_not_an_order_and_says_no_system(void **state)
{
    (void)state;
    CHECK(names);
}

static const struct row pairs[] = {
    { "Try to stop the service `sc stop Mpssvc` and start it again using `sc start Mpssvc`.\n",
        "", NULL },
    { "Try to stop the service `sc stop DemoSvc` and start it again using `sc start VSS`.\n",
        "", NULL },
    { "Run `sc stop DemoSvc` and then `sc start DemoSvc`.\n",
        "[always] windows.service.state service=DemoSvc want=restarted\n", NULL },
};

static void
half_of_a_pair_does_not_run(void **state)
{
    (void)state;
    CHECK(pairs);
}

static const struct row scopes[] = {
    { "For some operations you may also have to install it:\n\nOn Ubuntu:\n\n    apt-get "
      "install guestmount\n",
        "", "surroundings" },
    { "If you would like to share it, then the controller can serve it:\n\n    exportfs -ra\n\n"
      "Start it:\n\n    service smbd start\n",
        "", "surroundings" },
    { "If it runs on another node, access must be allowed.\n\nRestart it:\n\n    systemctl "
      "restart smbd\n",
        "", "surroundings" },
    { "If you want to use it, run this:\n\n    systemctl start smbd\n",
        "[if:you want to use it] linux.unit.state unit=smbd want=running\n", NULL },
    { "Start it:\n\n    service smbd start\n\nIt is a service in FreeBSD.\n", "",
        "surroundings" },
    { "Start it:\n\n    service smbd start\n\n## As a client\n\nEdit "
      "`/usr/local/etc/rc.d/smbd`.\n",
        "", "surroundings" },
    { "Restarting kills all of them.\n\n    service smbd restart\n", "", "surroundings" },
    { "This command is used to restart it:\n\n    service smbd restart\n", "",
        "surroundings" },
    { "Restart it:\n\n    service smbd restart\n\nOr, if using systemd:\n\n    systemctl "
      "start nmbd\n\n",
        "[always] linux.unit.state unit=smbd want=restarted\n"
        "[if:using systemd] linux.unit.state unit=nmbd want=running\n", NULL },
    { "Restart it:\n\n    service smbd restart\n\nAlternatively, call the script:\n\n    "
      "/etc/x\n\nOr, if using systemd:\n\n    systemctl restart nmbd\n\n",
        "[always] linux.unit.state unit=smbd want=restarted\n", "alternatives" },
    { "1. To install it on Ubuntu, complete these steps:\n\n       apt-get install tor\n",
        "[if:on Ubuntu] linux.package.install name=tor\n", NULL },
};

static void
what_all_of_a_section_is_for_is_kept(void **state)
{
    (void)state;
    CHECK(scopes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_of_several_ways_is_for_a_person),
        cmocka_unit_test(a_name_is_not_an_order_and_says_no_system),
        cmocka_unit_test(what_all_of_a_section_is_for_is_kept),
        cmocka_unit_test(half_of_a_pair_does_not_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
