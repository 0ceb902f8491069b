/* SPDX-License-Identifier: Apache-2.0 */
/* Each form that the compiler recognises, and each trap that it must not fall into.  A row is
 * the text of one step and what firn would execute of it; nothing means that it is for a
 * person, or no step at all. */
#include "check.h"

#include "plan_rows.h"
#include "plan_text.h"

static const struct row windows_commands[] = {
    { "Run `net stop VSS`", "[always] windows.service.state service=VSS want=stopped\n", NULL },
    { "Run **net start Netlogon**",
        "[always] windows.service.state service=Netlogon want=running\n", NULL },
    { "Run net start \"Volume Shadow Copy\" and look.",
        "[always] windows.service.state service=VSS want=running\n", NULL },
    { "```\nnet stop DemoSvc /y\n```",
        "[always] windows.service.state service=DemoSvc want=stopped\n", NULL },
    { "```\nC:\\> net stop DemoSvc\n```",
        "[always] windows.service.state service=DemoSvc want=stopped\n", NULL },
    { "Run `net stop DemoSvc`, then `net start DemoSvc`.",
        "[always] windows.service.state service=DemoSvc want=restarted\n", NULL },
    { "```\nnet stop DemoSvc\nnet start DemoSvc\n```",
        "[always] windows.service.state service=DemoSvc want=restarted\n", NULL },
    { "Execute `sc config DemoSvc start= demand`.",
        "[always] windows.service.start_type service=DemoSvc want=3\n", NULL },
    { "Execute `sc.exe config DemoSvc start=auto`.",
        "[always] windows.service.start_type service=DemoSvc want=2\n", NULL },
    { "Execute `sc start DemoSvc`.",
        "[always] windows.service.state service=DemoSvc want=running\n", NULL },
    { "See how it is with `sc query DemoSvc`.", "[always] windows.service.is service=DemoSvc\n",
        NULL },
    { "Run `reg add HKLM\\SOFTWARE\\Demo /v Mode /t REG_DWORD /d 1 /f`.",
        "[always] windows.registry.set key=HKLM\\SOFTWARE\\Demo name=Mode type=dword data=1\n",
        NULL },
    { "Run REG ADD \"HKEY_LOCAL_MACHINE\\SOFTWARE\\De mo\" /v Mode /d on /f in a prompt.",
        "[always] windows.registry.set key=\"HKLM\\SOFTWARE\\De mo\" name=Mode type=sz "
        "data=on\n", NULL },
    { "Run `reg add HKLM\\SYSTEM\\CurrentControlSet\\Services\\DemoSvc /v Start /t REG_DWORD "
      "/d 3 /f`",
        "[always] windows.service.start_type service=DemoSvc want=3\n", NULL },
    { "Run `reg delete HKLM\\SOFTWARE\\Demo /v Mode /f`.",
        "[always] windows.registry.delete key=HKLM\\SOFTWARE\\Demo name=Mode\n", NULL },
    { "Look with `reg query HKLM\\SOFTWARE\\Demo /v Mode`.",
        "[always] windows.registry.is key=HKLM\\SOFTWARE\\Demo name=Mode\n", NULL },
    { "Run `reg add HKLM\\SOFTWARE\\Microsoft\\BcdrAgentPersistentKeys /v IsVCRedistInstalled "
      "/t REG_SZ /d True /f`",
        "[always] override.set key=HKLM\\SOFTWARE\\Microsoft\\BcdrAgentPersistentKeys "
        "name=IsVCRedistInstalled type=sz data=True\n", "override-only" },
    { "Run `msiexec /unregister` and `msiexec /regserver`.",
        "[always] windows.installer.register\n", NULL },
    { "Run msiexec /unreg followed by msiexec /register.",
        "[always] windows.installer.register\n", "register-switch" },
    { "Run `msiexec /i C:\\Temp\\demo.msi /qn /l*v C:\\Temp\\log.txt`.",
        "[always] windows.msi.install path=C:\\Temp\\demo.msi\n", NULL },
    { "Look at `vssadmin list writers`.", "[always] windows.vss.writers\n", NULL },
    { "Look at `vssadmin list providers`.", "[always] windows.vss.providers\n", NULL },
    { "Run `regsvr32 /s C:\\Demo\\demo.dll`.",
        "[always] windows.library.register path=C:\\Demo\\demo.dll\n", NULL },
    { "Run `regsvr32 /u /s C:\\Demo\\demo.dll`.",
        "[always] windows.library.unregister path=C:\\Demo\\demo.dll\n", NULL },
    { "Run `fsutil 8dot3name set 1`.", "[always] windows.short_names want=1\n", NULL },
    { "Run `shutdown /r /t 0`.", "[always] machine.restart\n", NULL },
    { "```\nreg add HKLM\\SOFTWARE\\Demo ^\n  /v Mode /d on /f\n```",
        "[always] windows.registry.set key=HKLM\\SOFTWARE\\Demo name=Mode type=sz data=on\n",
        NULL },
    { "```\nconsole \nnet stop DemoSvc\n```",
        "[always] windows.service.state service=DemoSvc want=stopped\n", NULL },
};

static const struct row linux_commands[] = {
    { "Run `sudo systemctl restart demo.service`.",
        "[always] linux.unit.state unit=demo want=restarted\n", NULL },
    { "Run `systemctl enable demo`.", "[always] linux.unit.enabled unit=demo want=enabled\n",
        NULL },
    { "Run `systemctl unmask demo`.", "[always] linux.unit.enabled unit=demo want=unmasked\n",
        NULL },
    { "Check it with `systemctl status demo`.",
        "[always] linux.unit.is unit=demo state=active\n",
        NULL },
    { "Run `service waagent restart`.",
        "[always] linux.unit.state unit=waagent want=restarted\n",
        NULL },
    { "Run `dpkg --configure -a`.", "[always] linux.package.configure\n", NULL },
    { "Run `sudo apt-get -y -f install`.", "[always] linux.package.fix\n", NULL },
    { "Run `apt-get install -y libdemo2`.", "[always] linux.package.install name=libdemo2\n",
        NULL },
    { "Run `apt-get upgrade libdemo2`.",
        "[always] linux.package.upgrade name=libdemo2\n", NULL },
    { "Run `dpkg -i /var/tmp/libdemo2.deb`.",
        "[always] linux.package.install_file path=/var/tmp/libdemo2.deb\n", NULL },
    { "```bash\n$ sudo systemctl restart demo\n```",
        "[always] linux.unit.state unit=demo want=restarted\n", NULL },
};

static const struct row prose[] = {
    { "Reboot the VM.", "[always] machine.restart\n", NULL },
    { "Please restart the virtual machine and retry the backup.",
        "[always] machine.restart\n[always] operation.retry\n", NULL },
    { "Wait for 10 minutes, then trigger a manual backup.",
        "[always] machine.wait seconds=600\n[always] operation.retry\n", NULL },
    { "Restart the Volume Shadow Copy service.",
        "[always] windows.service.state service=VSS want=restarted\n", NULL },
    { "Ensure that the Windows Installer service is running.",
        "[always] windows.service.state service=msiserver want=running\n", NULL },
    { "Verify that the VSS service is running.",
        "[always] windows.service.is service=VSS state=running\n", NULL },
    { "Set the startup type of the Windows Installer service to Manual.",
        "[always] windows.service.start_type service=msiserver want=3\n", NULL },
    { "Restart the waagent service.", "[always] linux.unit.state unit=waagent want=restarted\n",
        NULL },
    { "Navigate to C:\\Packages\\Demo\\<LatestVersion> and run demo_redist_x64.",
        "[always] windows.installer.run path=C:\\Packages\\Demo\\<latest>\\demo_redist_x64\n",
        "extension-missing" },
    { "Open `C:\\Packages\\Demo\\agentVersion` and install demo_redist_x64.exe.",
        "[always] windows.installer.run "
        "path=C:\\Packages\\Demo\\<latest>\\demo_redist_x64.exe\n",
        "placeholder" },
    { "Run demosetup.exe from C:\\Packages\\Demo.",
        "[always] windows.installer.run path=C:\\Packages\\Demo\\demosetup.exe\n", NULL },
    { "Rename C:\\Demo\\a.dll to C:\\Demo\\a.dll.old.",
        "[always] file.rename from=C:\\Demo\\a.dll to=C:\\Demo\\a.dll.old\n", NULL },
    { "Download the tool from [here](https://example.org/x) or reboot the machine.",
        "[always] machine.restart\n", "alternatives" },
};

#define DEMO_SET(name, type, data) \
    "[always] windows.registry.set key=HKLM\\SOFTWARE\\Demo name=" name " type=" type \
    " data=" data "\n"
#define START_3 "[always] windows.service.start_type service=msiserver want=3\n"

static const struct row registry[] = {
    { "Set the **Mode** value in HKEY_LOCAL_MACHINE\\SOFTWARE\\Demo to **3** (DWORD).",
        DEMO_SET("Mode", "dword", "3"), NULL },
    { "Under HKLM\\SOFTWARE\\Demo, set `Mode` to `fast`.", DEMO_SET("Mode", "sz", "fast"),
        "value-type-missing" },
    { "Set Mode to 3 under HKLM:\\SOFTWARE\\Demo.", DEMO_SET("Mode", "dword", "3"), NULL },
    { "Configure *HKEY_LOCAL_MACHINE\\\\SOFTWARE\\\\Demo\\\\Mode = 1*",
        DEMO_SET("Mode", "dword", "1"), NULL },
    { "Set the following 2 registry keys to false\n\n"
      "- **HKEY_LOCAL_MACHINE -> SOFTWARE -> Demo -> One**\n"
      "- HKEY_LOCAL_MACHINE > SOFTWARE > Demo > Two\n",
        DEMO_SET("One", "sz", "false") DEMO_SET("Two", "sz", "false"), NULL },
    { "```\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Demo]\n\"One\"=\"TRUE\"\n"
      "\"Two\"=dword:0000000a\n```",
        DEMO_SET("One", "sz", "TRUE") DEMO_SET("Two", "dword", "10"), NULL },
    { "Ensure HKLM\\SYSTEM\\CurrentControlSet\\Services\\Msiserver is set to 3 and not 4.",
        START_3, "value-name-missing" },
    { "Make sure that the Start value in "
      "`HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\Msiserver` is 3.",
        START_3, NULL },
    { "Change HKLM\\SYSTEM\\CurrentControlSet\\Services\\msiserver\\Start to 3.", START_3,
        NULL },
    { "Verify that HKLM\\SYSTEM\\CurrentControlSet\\Services\\msiserver\\Start is 3.",
        "[always] windows.service.is service=msiserver start=3\n", NULL },
    { "Set HKEY\\_LOCAL\\_MACHINE\\SOFTWARE\\Demo value Mode to 3.",
        DEMO_SET("Mode", "dword", "3"), NULL },
};

/* None of these may be executed. */
static const struct row traps[] = {
    { "Run `net stop serviceName`.", "", "placeholder" },
    { "Run `net stop <service>`.", "", "placeholder" },
    { "Run `net stop [service name]`.", "", "placeholder" },
    { "Run `net stop YourService`.", "", "placeholder" },
    { "Run `net stop \"Service Display Name\"`.", "", "placeholder" },
    { "Run `net stop DemoSvc && net start DemoSvc`.", "", "shell-operator" },
    { "Run `net stop %SVC%`.", "", NULL },
    { "Run `net stop $env:SVC`.", "", NULL },
    { "Run `net stop DemoSvc > log.txt`.", "", "shell-operator" },
    { "Run `reg add \xe2\x80\x9cHKLM\\SOFTWARE\\Demo\xe2\x80\x9d /v Mode /d 1 /f`.", "",
        "typographic" },
    { "Run `reg add HKLM\\SOFTWARE\\Demo \xe2\x80\x93v Mode /d 1 /f`.", "", "typographic" },
    { "Run `net\xc2\xa0stop DemoSvc`.", "", NULL },
    { "Run reg add \xe2\x80\x9cHKLM\\SOFTWARE\\Demo\xe2\x80\x9d /v Mode /d 1 /f now.",
        "", NULL },
    { "Run `regedit`.", "", NULL },
    { "Open `services.msc` and restart the Volume Shadow Copy service.", "", "ui-launcher" },
    { "Click **Restart the Windows Installer service** on the General tab.", "", NULL },
    { "Restart the VM from the portal.", "", NULL },
    { "Run `reg add HKLM\\BROKENSYSTEM\\Demo /v Mode /d 1 /f`.", "", "loaded-hive" },
    { "Run `reg load HKLM\\BROKENSYSTEM f:\\system`.", "", "loaded-hive" },
    { "Run `reg delete HKLM\\SOFTWARE\\Demo /f`.", "", "destroys" },
    { "Run `reg add \\\\OTHER\\HKLM\\SOFTWARE\\Demo /v Mode /d 1 /f`.", "", "other-machine" },
    { "Run `sc \\\\other start DemoSvc`.", "", "other-machine" },
    { "Run `sc delete DemoSvc`.", "", "destroys" },
    { "```powershell\nsc config DemoSvc start= auto\n```", "", NULL },
    { "Run `net stop WinDefend`.", "", "disables-security" },
    { "Run `sc config mpssvc start= disabled`.", "", "disables-security" },
    { "Run `systemctl stop firewalld`.", "", "disables-security" },
    { "Run `reg add \"HKLM\\SOFTWARE\\Policies\\Microsoft\\Windows Defender\" /v "
      "DisableAntiSpyware /t REG_DWORD /d 1 /f`", "", "disables-security" },
    { "Run `msiexec /unregister`.", "", "unregister-alone" },
    { "Run `msiexec /x {01234567-89AB-CDEF-0123-456789ABCDEF}`.", "", "destroys" },
    { "Run `msiexec /i demo.msi`.", "", "path-relative" },
    { "Run `msiexec /i C:\\<folder>\\demo.msi`.", "", "placeholder" },
    { "Run `regsvr32 demo.dll`.", "", "path-relative" },
    { "Run `vssadmin delete shadows /all`.", "", "destroys" },
    { "To fix this, run `vssadmin list writers`.", "", "probe-as-fix" },
    { "Run `iconv -f UTF-16 -t ASCII /etc/demo.conf`.", "", "print-only" },
    { "Run `apt-get remove demo`.", "", "destroys" },
    { "Run `apt-get install <package>`.", "", "placeholder" },
    { "Run `apt-get update && apt-get install demo`.", "", "shell-operator" },
    { "Run `apt-get upgrade`.", "", NULL },
    { "Run `yum install demo`.", "", NULL },
    { "Run `az vm restart --name x`.", "", NULL },
    { "Do not run `net stop DemoSvc`.", "", NULL },
    { "The command `net stop DemoSvc` failed with error 5.", "", NULL },
    { "For example, see the following output:\n\n```\nnet stop DemoSvc\n```", "", NULL },
    { "```bash\nif true; then\n  systemctl restart demo\nfi\n```", "", "shell-operator" },
    { "```bash\nchroot /mnt\nsystemctl restart demo\n```", "", "shell-operator" },
    { "Do not reboot the VM.", "", NULL },
    { "Restarting the VM takes a while.", "", NULL },
    { "The service is stopped on the domain controller, so restart the VSS service on the "
      "domain controller.", "", NULL },
    { "Restart the VSS writers.", "", NULL },
    { "Restart your computer.", "", NULL },
    { "Restart the service.", "", NULL },
    { "Wait for it to complete.", "", NULL },
    { "Wait 24 hours.", "", NULL },
    { "The net start time is 5.", "", NULL },
    { "Ensure HKLM\\SOFTWARE\\Demo is set to 3.", "", "value-name-missing" },
    { "Set the value Mode in HKLM\\SOFTWARE\\<Product> to 3.", "", NULL },
    { "Set the Mode value in HKLM\\SOFTWARE\\?Demo to 3.", "", NULL },
    { "Set the Mode value in HKLM\\SOFTWARE\\Demo to the correct value.", "", NULL },
    { "Run tool.exe from C:\\Demo.", "", NULL },
    { "Run setup.exe.", "", NULL },
    { "Open C:\\Demo\\<YourFolder> and run setup.exe.", "", NULL },
    { "Delete the file C:\\Demo\\a.dll.", "", "destroys" },
    { "Rename a.dll to b.dll.", "", NULL },
    { "Copy C:\\Demo\\*.dll to C:\\Other\\x.dll.", "", NULL },
    { "Disable the antivirus.", "", "disables-security" },
};

static void
windows_commands_run(void **state)
{
    (void)state;
    CHECK(windows_commands);
}

static void
linux_commands_run(void **state)
{
    (void)state;
    CHECK(linux_commands);
}

static void
prose_is_read(void **state)
{
    (void)state;
    CHECK(prose);
}

static void
registry_notations_are_read(void **state)
{
    (void)state;
    CHECK(registry);
}

static void
traps_are_for_people(void **state)
{
    (void)state;
    CHECK(traps);
}

/* ---- what stands aside ---- */

static const struct row asides[] = {
    { "Run `net stop VSS`.\n\n### Rollback\n\n- Run `net start VSS`.\n- Reboot the VM.\n",
        "[always] windows.service.state service=VSS want=stopped\n", "surroundings" },
    { "To revert the change, run:\n\n```\nsc config VSS start= auto\n```\n\nReboot the VM.\n",
        "[always] machine.restart\n", "surroundings" },
    { "To enable the service again, run `net start VSS`.", "", "surroundings" },
    { "## On the Hyper-V host\n\n1. Run `net stop vmms`.\n2. Reboot.\n\n## In the machine\n\n"
      "1. Reboot.\n",
        "[always] machine.restart\n", "surroundings" },
    { "On all nodes except the witness, run `net start clussvc`.", "", "surroundings" },
    { "- For Ubuntu: `systemctl restart walinuxagent`\n- For other distributions: `systemctl "
      "restart waagent`\n",
        "[if:For Ubuntu] linux.unit.state unit=walinuxagent want=restarted\n",
        "surroundings" },
    { "**On CentOS:**\n\n- `systemctl restart waagent`\n- Reboot.\n",
        "[if:On CentOS] linux.unit.state unit=waagent want=restarted\n"
        "[if:On CentOS] machine.restart\n",
        NULL },
    { "Restart the agent.\n\nOn CentOS the service is called waagent.\n\n"
      "Others:\n\n    systemctl restart walinuxagent\n", "", "surroundings" },
    { "## Register the libraries (Windows Server 2003 only)\n\n1. Run `net stop VSS`.\n\n### "
      "Details\n\n1. Reboot.\n\n## Steps\n\n1. Reboot.\n",
        "[always] machine.restart\n", "surroundings" },
    { "This procedure is only for Windows Server 2003.\n\n1. Reboot.\n", "", "surroundings" },
    { "Unless you use SQL Server, run `net stop sqlwriter`.", "", "surroundings" },
    { "## Examples\n\n1. Run `net stop VSS`.\n", "", "surroundings" },
    { "So if you see event 6005, do this:\n\n1. Reboot.\n", "[if:you see event 6005] "
      "machine.restart\n", NULL },
    { "Restart the Virtual Machine Management service.", "", NULL },
    { "Reboot the storage array.", "", NULL },
    { "Wait until the upgrade has finished, and retry the backup.", "", NULL },
    { "In the key HKLM\\SOFTWARE\\Firn, create the DWORD Demo with a good value, and restart "
      "the machine.", "", NULL },
    { "You may see people running `net stop VSS`.", "", NULL },
    { "For machines with more than 16 disks, run `net stop VSS`.", "", "surroundings" },
    { "On the machine, run `net stop VSS`.",
        "[always] windows.service.state service=VSS want=stopped\n", NULL },
    { "On servers that do not print, it helps to do this:\n\n    net stop spooler\n", "",
        "surroundings" },
    { "- RHEL/CentOS: `systemctl start waagent`\n",
        "[if:RHEL/CentOS] linux.unit.state unit=waagent want=running\n", NULL },
    { "- If the agent hangs, restart it:\n\n  Fedora/RHEL8:\n\n  ```\n  systemctl restart "
      "waagent\n  ```\n\n  Ubuntu 20.04 and later:\n\n  ```\n  systemctl restart "
      "walinuxagent\n  ```\n\n- Reboot.\n",
        "[if:the agent hangs; Fedora/RHEL8] linux.unit.state unit=waagent want=restarted\n"
        "[if:the agent hangs; Ubuntu 20.04 and later] linux.unit.state unit=walinuxagent "
        "want=restarted\n[always] machine.restart\n",
        NULL },
    { "On Windows Server 2012 R2, run `net stop VSS`.",
        "[if:On Windows Server 2012 R2] windows.service.state service=VSS want=stopped\n",
        NULL },
    { "On Windows, run `net stop VSS`.",
        "[always] windows.service.state service=VSS want=stopped\n", NULL },
    { "On Ubuntu with Apache, run `systemctl restart apache2`.", "", "surroundings" },
    { "Start the service and configure it to start when the system boots:\n\n"
      "    systemctl enable named\n    systemctl start named\n",
        "[always] linux.unit.enabled unit=named want=enabled\n"
        "[always] linux.unit.state unit=named want=running\n", NULL },
    { "If all went well, you can update it with:\n\n    update-initramfs -u\n\n"
      "and reboot your machine.\n", "", "surroundings" },
    { "1. Edit `/etc/xinetd.d/tftp` as below:\n\n   ```ini\n   port = 69\n   ```\n\n"
      "   Restart the service:\n\n   ```\n   systemctl restart xinetd\n   ```\n",
        "[always] linux.unit.state unit=xinetd want=restarted\n", NULL },
    { "```\n# systemctl enable a.service b.timer\n# apt-get install -y c d\n```\n",
        "[always] linux.unit.enabled unit=a want=enabled\n"
        "[always] linux.unit.enabled unit=b.timer want=enabled\n"
        "[always] linux.package.install name=c\n[always] linux.package.install name=d\n",
        NULL },
    { "Run `systemctl enable --now a.timer`.",
        "[always] linux.unit.enabled unit=a.timer want=enabled\n"
        "[always] linux.unit.state unit=a.timer want=running\n", NULL },
    { "```\napt-get install a <version>\n```\n", "", "placeholder" },
    { "```\napt-get install ntp tor # for a\nsystemctl start tor # for systemd\n```\n", "",
        NULL },
    { "On Ubuntu install the packages:\n\n    apt-get install ntp tor\n",
        "[if:On Ubuntu] linux.package.install name=ntp\n"
        "[if:On Ubuntu] linux.package.install name=tor\n", NULL },
    { "On Ubuntu use is made of it:\n\n    apt-get install tor\n", "", NULL },
    /* how a service is used is not to do all of it; a procedure stops first */
    { "Start the service:\n\n    systemctl start smbd\n\nStop the service:\n\n    systemctl "
      "stop smbd\n\nRestart the service:\n\n    systemctl restart smbd\n",
        "", "alternatives" },
    { "- Start: `systemctl start smbd`\n- Restart: `systemctl restart smbd`\n", "",
        "alternatives" },
    { "1. Run `systemctl start smbd`.\n2. Edit its file.\n3. Run `systemctl restart smbd`.\n",
        "[always] linux.unit.state unit=smbd want=running\n"
        "[after:2] linux.unit.state unit=smbd want=restarted\n", NULL },
    { "## Start\n\n- `systemctl enable smbd`\n- `net start VSS`\n\n## Stop\n\n- `systemctl "
      "disable smbd`\n- `net stop VSS`\n",
        "", "alternatives" },
    { "1. Run `net start VSS`.\n2. Reboot.\n\n## Move the cache\n\n1. Run `net stop VSS`.\n"
      "2. Move it.\n3. Run `net start VSS`.\n",
        "[always] windows.service.state service=VSS want=running\n[always] machine.restart\n"
        "[always] windows.service.state service=VSS want=stopped\n"
        "[after:4] windows.service.state service=VSS want=running\n", NULL },
    { "Sign in and let apt repair any missing dependencies:\n\n    apt-get install -f\n",
        "[always] linux.package.fix\n", NULL },
    { "Sign in to the other server and run this:\n\n    apt-get install -f\n", "",
        "surroundings" },
    { "First, restart the daemon with systemctl:\n\n    systemctl restart smbd\n",
        "[always] linux.unit.state unit=smbd want=restarted\n", NULL },
    { "```\nsystemctl enable apache2@xxx\n```\n", "", "placeholder" },
    { "To undo it permanently, run `net stop VSS`.", "", "surroundings" },
    { "To list the names that the agent depends on and check them, run `net stop VSS`.",
        "[always] windows.service.state service=VSS want=stopped\n", NULL },
    { "1. Run `net start VSS`.\n\n(Optional) If you need it, perform the steps below on both "
      "storage and compute nodes.\n\n1. Run `net start SENS`.\n", "", "surroundings" },
    { "To have it run, first install Debian on a clean machine. Then run:\n\n"
      "    apt install freedombox\n", "", "surroundings" },
    { "## Restart it on Debian and Ubuntu\n\n    systemctl restart nmbd\n\n## Reboot on "
      "Linux\n\n    systemctl restart smbd\n",
        "[if:on Debian and Ubuntu] linux.unit.state unit=nmbd want=restarted\n"
        "[always] linux.unit.state unit=smbd want=restarted\n", NULL },
    { "This guide describes how to restart it on RHEL 8.\n\n    systemctl restart smbd\n",
        "[if:on RHEL 8] linux.unit.state unit=smbd want=restarted\n", NULL },
    { "Before you modify it, back up the registry. For more information, see the manual.\n\n"
      "    net start VSS\n",
        "[always] windows.service.state service=VSS want=running\n", NULL },
    { "Before you stop it, restart the server.\n\n    net start VSS\n", "", "surroundings" },
    { "Run `net start VSS`. If that fails, do this:\n\n- If it is disabled, run "
      "`sc config VSS start= demand`.\n",
        "[always] windows.service.state service=VSS want=running\n", "surroundings" },
    { "Work around it so:\n\n0. enter another system (like a live one)\n1. open the device\n"
      "2. chroot into it\n3. `update-initramfs -u`\n4. reboot\n", "", "surroundings" },
    { "The driver doesn\xe2\x80\x99t come back. You needn\xe2\x80\x99t stop it, and it "
      "isn\xe2\x80\x99t stopped; don\xe2\x80\x99t run `net stop VSS`.\n", "", NULL },
    { "So we\xe2\x80\x99ll create that before installing it.\n\n    apt-get install nsd\n", "",
        "surroundings" },
    { "There is a bug, so it lacks the user. So we'll create that before installing it.\n\n"
      "    apt-get install nsd\n", "", "surroundings" },
    { "Stop both services, rename C:\\a\\b to C:\\a\\c, and start them again.", "",
        "surroundings" },
    { "Set `ImagePath` in HKLM\\SOFTWARE\\Firn to `x y`, then set `Start` to 3.", "", NULL },
    { "```\nnet stop winmgmt\nwinmgmt /resetrepository\nnet start winmgmt\n```\n", "",
        "shell-operator" },
    { "If you want it gone for good, run\n\n`net stop VSS`\n",
        "[if:you want it gone for good] windows.service.state service=VSS want=stopped\n",
        NULL },
    { "- Run `net start DemoSvc`\n- If step 1 fails with error 1058, reboot.\n",
        "[always] windows.service.state service=DemoSvc want=running\n"
        "[if:step 1 fails with error 1058] machine.restart\n", NULL },
    { "Restart the machine if `net start X` still returns 1068.", "", "surroundings" },
    { "A script had run `sc config VSS start= disabled`.", "", NULL },
    { "Symptom: `net stop VSS` hangs.", "", NULL },
    /* a word beside it that no list knows */
    { "Temporarily run `net stop VSS`.", "", "surroundings" },
    { "Once per week, run `net stop VSS`.", "", "surroundings" },
    { "Run `net stop VSS` on the secondary node.", "", "surroundings" },
    { "Restart the VM after 30 minutes.", "", "surroundings" },
    { "Update the driver and reboot the VM.", "", "surroundings" },
    /* what leads to it */
    { "Run this on the second node first.\n\n```\nnet stop VSS\n```\n", "", "surroundings" },
    { "For the passive server:\n\n1. Reboot.\n", "", "surroundings" },
    { "```\nrem on the passive server\nnet stop VSS\n```\n", "", "surroundings" },
    { "```\nrem restart the service\nnet stop VSS\n```\n",
        "[always] windows.service.state service=VSS want=stopped\n", NULL },
    /* what stands beside it */
    { "Run `net stop VSS`. Do this only when support asks for it.", "", "surroundings" },
    { "Run `net stop VSS`. This stops the service.",
        "[always] windows.service.state service=VSS want=stopped\n", NULL },
    { "Is the service disabled? Run `sc config VSS start= demand`.", "", "surroundings" },
    { "If VSS is stopped, reboot. Then run `net start SENS`.", "[if:VSS is stopped] "
      "machine.restart\n", "surroundings" },
    { "1. Run `net stop VSS`.\n2. Reboot.\n\nDo not run these steps on Windows 10.\n", "",
        "surroundings" },
    { "1. Reboot.\n\n> Note: This is not needed on Windows 10.\n", "", "surroundings" },
    { "1. Reboot.\n\nNever delete the folder of the agent.\n",
        "[always] machine.restart\n", NULL },
    { "1. Log on to the management server.\n2. Run `net stop VSS`.\n", "", "surroundings" },
    { "1. Log on to the VM.\n2. Run `net stop VSS`.\n",
        "[always] windows.service.state service=VSS want=stopped\n", NULL },
    { "Free some room.\n\nOr move the folder. It may lie on any disk.\n\n"
      "1. Run `net stop VSS`.\n2. Move it.\n3. Run `net start VSS`.\n\nRetry the backup.\n",
        "[after:1] operation.retry\n", "surroundings" },
    { "If the queue is full, empty it.\n\n> Wait first.\n\nTo do this, follow these steps:\n\n"
      "1. Run `net stop VSS`.\n",
        "", "surroundings" },
    { "On the DPM server that holds the tapes, you can add a value.\n\n- 1 = yes\n\n"
      "To add it, follow these steps:\n\n1. Run `net stop VSS`.\n",
        "", "surroundings" },
    { "To configure the first server, follow these steps:\n\n1. Run `net stop VSS`.\n", "",
        "surroundings" },
    { "Click Stop.\n\nAlternatively, use the command line:\n\n`net stop VSS`\n",
        "[always] windows.service.state service=VSS want=stopped\n", NULL },
    { "**Option B.** Run `net stop VSS`.", "", NULL },
    { "### Domain controllers\n\n1. Reboot.\n", "", "surroundings" },
};

static void
what_stands_aside_is_for_people(void **state)
{
    (void)state;
    CHECK(asides);
}

/* ---- conditions ---- */

static const struct row conditions[] = {
    { "1. Reboot the VM and retry the backup.\n2. If the issue persists, restart the VSS "
      "service.\n",
        "[always] machine.restart\n[always] operation.retry\n"
        "[unsolved:2] windows.service.state service=VSS want=restarted\n", NULL },
    { "- Run `net start DemoSvc`\n- If that fails, reboot the VM.\n",
        "[always] windows.service.state service=DemoSvc want=running\n"
        "[failed:1] machine.restart\n", NULL },
    { "- Retry the backup.\n- If it still fails, reboot the VM.\n- Restart the VSS service.\n",
        "[always] operation.retry\n[unsolved:1] machine.restart\n"
        "[unsolved:1] windows.service.state service=VSS want=restarted\n",
        "conditional-sibling" },
    { "Perform Step 1. If the issue persists, try steps 2 and 3.\n\n1. Retry the backup.\n"
      "2. Restart the VSS service.\n3. Reboot the VM.\n",
        "[always] operation.retry\n[unsolved:1] windows.service.state service=VSS "
        "want=restarted\n[unsolved:1] machine.restart\n", NULL },
    { "- Retry the backup.\n- If you find this error in the log, reboot the VM.\n",
        "[always] operation.retry\n[if:you find this error in the log] machine.restart\n",
        NULL },
    { "If the VM is old, reboot the VM. Restart the VSS service.",
        "[if:the VM is old] machine.restart\n"
        "[always] windows.service.state service=VSS want=restarted\n", NULL },
    { "Reboot the VM if it is needed.", "[if:it is needed] machine.restart\n", NULL },
    { "- Look at `vssadmin list writers`.\n- For every writer that is not stable, restart the "
      "VSS service.\n",
        "[always] windows.vss.writers\n"
        "[each:1] windows.service.state service=VSS want=restarted\n", NULL },
    { "Open `services.msc` and restart the Volume Shadow Copy service.\n\n(or)\n\nRun "
      "`net stop VSS`.\n",
        "[always] windows.service.state service=VSS want=stopped\n", "alternatives" },
    { "Restart the VSS service.\n\n- Run the following commands:\n\n```\nnet stop VSS\n"
      "net start VSS\n```\n",
        "[always] windows.service.state service=VSS want=restarted\n", NULL },
};

static void
conditions_stand_in_the_wording(void **state)
{
    (void)state;
    CHECK(conditions);
}

/* ---- our own articles ---- */

static void
fences_are_the_plan(void **state)
{
    static const char body[] = "Reboot the VM.\n\n1. It can start.\n\n```probe\n"
        "windows.service.is service=msiserver start=3\n```\n2. Let it start.\n\n"
        "```action\nwindows.service.start_type service={service} want=3\n```\n"
        "3. Restart.\n\n```action failed:1\nmachine.restart\n```\n"
        "```action\nrm -rf /\n```\n```action failed:9\nmachine.restart\n```\n"
        "```probe\nmachine.restart\n```\n";
    auto_ptr(plan) p = plan_of_body(body);
    size_t invalid = 0;

    (void)state;
    assert_true(p->ours);
    assert_int_equal(p->nprobes, 1);
    assert_string_equal(p->probes[0].id, "p1");
    assert_int_equal(p->nsteps, 3);
    assert_string_equal(p->steps[0].text, "Let it start.");
    assert_false(plan_step_runs(&p->steps[0])); /* its variable is not filled */
    assert_int_equal(p->steps[1].when, PLAN_FAILED);
    assert_int_equal(p->steps[2].when, PLAN_ALWAYS);
    for (size_t i = 0; i < p->nambiguities; i++)
        invalid += strcmp(p->ambiguities[i].id, "action-invalid") == 0;
    assert_int_equal(invalid, 2); /* those of the article, and one of a step */
}

/* A premise is a probe, never the one that names the cause, and no condition of a step. */
static void
premises_name_no_cause(void **state)
{
    static const char body[] = "1. It is there.\n\n```probe premise\nfile.exists path=C:\\a\n"
        "```\n2. It runs.\n\n```probe\nwindows.service.is service=vss start=3\n```\n"
        "3. Restart.\n\n```action premise\nmachine.restart\n```\n";
    auto_ptr(plan) p = plan_of_body(body);

    (void)state;
    assert_int_equal(p->nprobes, 2);
    assert_int_equal(p->probes[0].when, PLAN_PREMISE);
    auto_free char *condition = plan_condition(&p->probes[0]);

    assert_string_equal(condition, "premise");
    assert_ptr_equal(plan_naming(p), &p->probes[1]);
    assert_int_equal(p->steps[0].when, PLAN_ALWAYS);
    assert_true(plan_has(p, "action-invalid"));
}

/* A title is no heading of a part: the system that it ends with is all of the article's. */
static void
a_link_is_no_remedy(void **state)
{
    auto_ptr(plan) p = plan_of_body("To resolve it, refer to [this](https://example.org/x).");
    auto_ptr(plan) q = plan_of_body("Refer to [this](https://example.org/x). Reboot the VM.");

    (void)state;
    assert_true(p->remedy_lost);
    assert_true(plan_has(p, "remedy-lost"));
    assert_false(q->remedy_lost);
}

/* ---- articles from elsewhere, where they are at hand ---- */

static char *
slurp(const char *path, size_t *ret_len)
{
    FILE *f = fopen(path, "rb");
    char *s = NULL;

    if (f == NULL)
        return NULL;
    s = malloc(1 << 20);
    assert_non_null(s);
    *ret_len = fread(s, 1, 1 << 20, f);
    (void)fclose(f);
    return s;
}

static void
the_mission_compiles(void **state)
{
    static const char expected[] =
        "1 [always] windows.installer.run path=C:\\Packages\\Plugins\\"
        "Microsoft.Azure.RecoveryServices.VMSnapshot\\<latest>\\vcredist2013_x64\n"
        "- 2 [instead:1] person.download "
        "address=https://www.microsoft.com/download/details.aspx?id=40784\n"
        "3 [always] operation.retry\n"
        "4 [failed:1] windows.service.start_type service=msiserver want=3\n"
        "5 [failed:1] windows.installer.register\n"
        "6 [failed:1] machine.restart\n"
        "7 [failed:1] operation.retry\n"
        "8 [unsolved:7] override.set key=HKLM\\SOFTWARE\\Microsoft\\BcdrAgentPersistentKeys "
        "name=IsVCRedistInstalled type=sz data=True\n"
        "9 [unsolved:7] operation.retry\n";
    static const char *const unclear[] = { "runtime-version-conflict", "value-name-missing",
        "placeholder", "extension-missing", "register-switch", "conditional-sibling",
        "alternatives", "override-only", "code-id-mismatch" };
    size_t len = 0;
    auto_free char *bytes = slurp("../shared/seeds/000_39961e91dfbd45b2.txt", &len);
    auto_ptr(plan) p = NULL;
    auto_free char *text = NULL;

    (void)state;
    if (bytes == NULL)
        skip(); /* the document does not stand beside the project here */
    p = plan_of(bytes, len);
    text = plan_text(p, false);
    assert_string_equal(text, expected);
    for (size_t i = 0; i < sizeof unclear / sizeof unclear[0]; i++)
        assert_true(plan_has(p, unclear[i]));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_commands_run),
        cmocka_unit_test(linux_commands_run),
        cmocka_unit_test(prose_is_read),
        cmocka_unit_test(registry_notations_are_read),
        cmocka_unit_test(traps_are_for_people),
        cmocka_unit_test(what_stands_aside_is_for_people),
        cmocka_unit_test(conditions_stand_in_the_wording),
        cmocka_unit_test(fences_are_the_plan),
        cmocka_unit_test(premises_name_no_cause),
        cmocka_unit_test(a_link_is_no_remedy),
        cmocka_unit_test(the_mission_compiles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
