/* SPDX-License-Identifier: Apache-2.0 */
/* A machine's definition, made to fit restored disks: nothing leads to the old machine's
 * images, whatever form QEMU was told them in; what cannot be carried over is told. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "machine_plan.h"
#include "machine_internal.h"

enum { TOLD_MAX = 16 };

static int told[TOLD_MAX];
static size_t ntold;
static char changes[4096];

static void
warn(void *arg, struct err *e)
{
    (void)arg;
    assert_true(ntold < TOLD_MAX);
    told[ntold++] = err_code(e);
    err_free(e);
}

static void
changed(void *arg, const char *what)
{
    (void)arg;
    assert_null(strchr(what, '\n'));
    strncat(changes, what, sizeof(changes) - strlen(changes) - 2);
    strncat(changes, "\n", 2);
}

/* "a\0b\0" of "a|b"; the caller frees it. */
static struct view
args_of(const char *words)
{
    char *s = strdup(words);

    assert_non_null(s);
    size_t len = strlen(s) + 1;
    for (size_t i = 0; i < len; i++)
        if (s[i] == '|')
            s[i] = '\0';
    return (struct view){ (uint8_t *)s, len };
}

static struct machine_disk disks[] = {
    { .name = "vda", .node = "vda", .drive = "d0", .file = "/old/a.qcow2",
        .path = "/new/vda.raw", .format = "raw" },
    { .name = "vdb", .file = "b,1.raw", .path = "/new/v,db.raw", .format = "raw" },
    { .name = "nvram", .node = "vars", .drive = "pflash1", .file = "/old/vars.fd",
        .path = "/new/nvram.fd", .format = "raw", .flash = true },
};

/* The new arguments of ${words}, "|" between them; ${n} of the disks; the caller frees it. */
static char *
made(const char *words, size_t n, const char *name)
{
    const struct machine_plan p = { .machine = "web1", .folder = "/new", .was = "/old",
        .name = name, .disks = disks, .ndisks = n, .warn = warn, .changed = changed };
    struct view args = args_of(words);
    struct text t = { 0 };

    ntold = 0;
    changes[0] = '\0';
    assert_ok(machine_of_qemu(args, &p, &t));
    free((void *)args.data);
    for (size_t i = 0; i + 1 < t.len; i++)
        if (t.s[i] == '\0')
            t.s[i] = '|';
    return t.s;
}

static bool
was_told(int code)
{
    for (size_t i = 0; i < ntold; i++)
        if (told[i] == code)
            return true;
    return false;
}

/* ---- disks ---- */

static void
replaces_disks_in_every_form(void **state)
{
    static const struct {
        const char *words, *become;
    } cases[] = {
        { "sh|-drive|file=/old/a.qcow2,format=qcow2,if=virtio",
            "sh|-drive|if=virtio,format=raw,file=/new/vda.raw" },
        { "sh|-drive|id=d0,if=none,driver=qcow2,file.driver=file,file.filename=a.qcow2,"
          "cache=none",
            "sh|-drive|id=d0,if=none,cache=none,format=raw,file=/new/vda.raw" },
        { "sh|-hda|a.qcow2", "sh|-drive|index=0,media=disk,format=raw,file=/new/vda.raw" },
        { "sh|/old/a.qcow2", "sh|-drive|index=0,media=disk,format=raw,file=/new/vda.raw" },
        { "sh|--hdb|a.qcow2|-S",
            "sh|-drive|index=1,media=disk,format=raw,file=/new/vda.raw|-S" },
        { "sh|-blockdev|qcow2,node-name=vda,file=f|-blockdev|file,filename=a.qcow2,node-name=f",
            "sh|-blockdev|node-name=vda,file.driver=file,driver=raw,"
            "file.filename=/new/vda.raw" },
        { "sh|-blockdev|{\"driver\":\"qcow2\",\"node-name\":\"vda\",\"discard\":\"unmap\","
          "\"file\":{\"driver\":\"file\",\"filename\":\"/elsewhere\"}}",
            "sh|-blockdev|node-name=vda,discard=unmap,file.driver=file,driver=raw,"
            "file.filename=/new/vda.raw" },
        { "sh|-blockdev|driver=throttle,node-name=vda,throttle-group=g,file=x|"
          "-blockdev|driver=qcow2,node-name=x,file=y|"
          "-blockdev|file,node-name=y,filename=a.qcow2",
            "sh|-blockdev|driver=throttle,node-name=vda,throttle-group=g,file=x|"
            "-blockdev|node-name=x,file.driver=file,driver=raw,file.filename=/new/vda.raw" },
        /* by its file alone, with a backing file below */
        { "sh|-blockdev|qcow2,node-name=n,file=f,backing=g|"
          "-blockdev|file,node-name=g,filename=g|"
          "-blockdev|file,node-name=f,filename=/old/a.qcow2|-device|virtio-blk,drive=n",
            "sh|-blockdev|node-name=n,file.driver=file,driver=raw,file.filename=/new/vda.raw|"
            "-device|virtio-blk,drive=n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        auto_free char *is = made(cases[i].words, 1, NULL);

        assert_string_equal(is, cases[i].become);
        assert_int_equal(ntold, 0);
    }
}

static void
keeps_commas_of_paths(void **state)
{
    auto_free char *is = made("sh|-drive|file=b,,1.raw,if=ide|-drive|file=/old/a.qcow2", 2,
        NULL);

    (void)state;
    assert_string_equal(is, "sh|-drive|if=ide,format=raw,file=/new/v,,db.raw|"
                            "-drive|format=raw,file=/new/vda.raw");
}

static void
takes_out_disks_that_the_point_lacks(void **state)
{
    static const char *const cases[] = {
        "sh|-drive|file=/old/a.qcow2|-drive|file=/old/c.raw,if=none,id=c|"
        "-device|scsi-hd,drive=c",
        "sh|-drive|file=/old/a.qcow2|-hdc|/old/c.raw",
        "sh|-drive|file=/old/a.qcow2|-drive|file=nbd://host/c",
        "sh|-drive|file=/old/a.qcow2|-blockdev|file,node-name=c,filename=/old/c.raw|"
        "-device|{\"driver\":\"scsi-hd\",\"drive\":\"c\"}",
        "sh|-drive|file=/old/a.qcow2|-blockdev|nbd,node-name=c,server.type=unix,server.path=/x|"
        "-device|scsi-hd,drive=c",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        auto_free char *is = made(cases[i], 1, NULL);

        assert_string_equal(is, "sh|-drive|format=raw,file=/new/vda.raw");
        assert_int_equal(ntold, 1);
        assert_int_equal(told[0], E_MachineDiskAbsent);
    }
}

static void
keeps_what_is_read_only(void **state)
{
    auto_free char *is = made("sh|-drive|file=/bin/sh,media=cdrom|-hda|a.qcow2|-cdrom|/bin/sh|"
                              "-blockdev|file,node-name=code,filename=/bin/sh,read-only=on", 1,
        NULL);

    (void)state;
    assert_int_equal(ntold, 0);
    assert_non_null(strstr(is, "|-drive|file=/bin/sh,media=cdrom|"));
    assert_non_null(strstr(is, "|-cdrom|/bin/sh|"));
    assert_non_null(strstr(is, "node-name=code,filename=/bin/sh,read-only=on"));
}

static void
replaces_what_firmware_keeps(void **state)
{
    auto_free char *one = made("sh|-hda|a.qcow2|-hdb|b,1.raw|-pflash|/bin/sh|-pflash|vars.fd",
        3, NULL);

    (void)state;
    assert_non_null(strstr(one, "|-pflash|/bin/sh|"
                                "-drive|if=pflash,format=raw,file=/new/nvram.fd"));
    assert_int_equal(ntold, 0);
    auto_free char *two = made("sh|-M|q35,pflash0=code,pflash1=vars|-hda|a.qcow2|"
                               "-blockdev|file,node-name=vars,filename=/old/vars.fd", 1, NULL);
    assert_string_equal(two, "sh|-M|q35,pflash0=code|-drive|index=0,media=disk,format=raw,"
                             "file=/new/vda.raw");
    assert_true(was_told(E_MachineDiskAbsent));
}

static void
says_which_disk_is_not_used(void **state)
{
    auto_free char *is = made("sh|-hda|a.qcow2", 2, NULL);

    (void)state;
    assert_int_equal(ntold, 1);
    assert_int_equal(told[0], E_MachineDiskUnused);
    assert_non_null(is);
}

/* ---- the rest ---- */

static void
moves_what_qemu_makes(void **state)
{
    auto_free char *is = made("sh|-qmp|unix:/old/m.sock,server=on|"
                              "-monitor|unix:/x/m.sock,server|"
                              "-chardev|socket,id=q,path=/old/q,,1,server=on|"
                              "-pidfile|vda.raw|-serial|file:/old/machine.sh|"
                              "-serial|file:/old/log,1|-D|/old/log,1|"
                              "-hda|a.qcow2|-incoming|tcp:0:1", 1, NULL);

    (void)state;
    assert_string_equal(is, "sh|-qmp|unix:/new/m.sock,server=on|"
                            "-monitor|unix:/new/m.sock-3,server|"
                            "-chardev|socket,id=q,path=/new/q,,1,server=on|"
                            "-pidfile|/new/vda.raw-5|-serial|file:/new/machine.sh-5|"
                            "-serial|file:/new/log,1|-D|/new/log,1|"
                            "-drive|index=0,media=disk,format=raw,file=/new/vda.raw");
    assert_int_equal(ntold, 0);
    assert_string_equal(changes, "-incoming was left out\n");
}

static void
says_what_is_not_here(void **state)
{
    auto_free char *is = made("no-such-qemu|-hda|a.qcow2|-kernel|vmlinuz|-bios|bios-256k.bin|"
                              "-append|root=/dev/vda,file=/x", 1, NULL);

    (void)state;
    assert_int_equal(ntold, 2);
    assert_int_equal(told[0], E_MachinePathMissing);
    assert_non_null(strstr(is, "|-kernel|/old/vmlinuz|-bios|bios-256k.bin|"
                               "-append|root=/dev/vda,file=/x"));
}

static void
says_what_is_the_hosts(void **state)
{
    auto_free char *is = made("sh|-hda|a.qcow2|-device|vfio-pci,host=01:00.0|"
                              "-netdev|tap,id=n,fd=3|-device|{\"driver\":\"usb-host\"}", 1,
        NULL);

    (void)state;
    assert_non_null(is);
    assert_int_equal(ntold, 3);
    assert_int_equal(told[0], E_MachinePartOfHost);
    assert_int_equal(told[2], E_MachinePartOfHost);
}

static void
gives_another_identity(void **state)
{
    auto_free char *is = made("sh|-name|web1,debug-threads=on|-uuid|1-2|-hda|a.qcow2|"
                              "-netdev|user,id=n,hostfwd=tcp::2222-:22|-smbios|type=1,uuid=1-2|"
                              "-device|e1000,netdev=n,mac=00:16:3e:01:02:03|-nic|user|"
                              "-device|vmgenid,guid=1|-qmp|tcp:localhost:4444,server=on|"
                              "-vnc|:0", 1, "web,2");
    char *uuid = strstr(is, "-uuid|") + strlen("-uuid|");

    (void)state;
    assert_non_null(strstr(is, "|-name|web,,2,debug-threads=on|"));
    assert_null(strstr(is, "1-2"));
    assert_int_equal(uuid[14], '4');
    assert_int_equal(uuid[36], '|');
    assert_non_null(strstr(is, "-netdev|user,id=n|"));
    assert_non_null(strstr(is, "mac=00:16:3e:"));
    assert_null(strstr(is, "01:02:03"));
    assert_non_null(strstr(is, "-nic|user,mac=52:54:00:"));
    assert_non_null(strstr(is, "vmgenid,guid=auto"));
    assert_int_equal(ntold, 2);
    assert_int_equal(told[0], E_MachinePortShared);
    assert_non_null(strstr(changes, "the name is web,2, was web1\n"));
    auto_free char *unnamed = made("sh|-hda|a.qcow2", 1, "web2");
    assert_non_null(strstr(unnamed, "|-name|guest=web2"));
}

/* ---- libvirt's ---- */

static const char domain[] =
    "<domain type='kvm' id='3'><name>web1</name>"
    "<uuid>6fdc2a33-87f8-4c69-9bbc-5f2fb0df3d22</uuid>"
    "<genid>6fdc2a33-87f8-4c69-9bbc-5f2fb0df3d23</genid>"
    "<sysinfo type='smbios'><system><entry name='uuid'>6fdc2a33-87f8-4c69-9bbc-5f2fb0df3d22"
    "</entry><entry name='serial'>s1</entry></system></sysinfo>"
    "<os><loader readonly='yes'>/bin/sh</loader>"
    "<nvram template='/t' format='qcow2'>/old/vars.fd</nvram></os><devices>"
    "<disk type='block' device='disk'><driver name='qemu' type='qcow2' discard='unmap'/>"
    "<source dev='/dev/vg/web1'><encryption format='luks'/></source>"
    "<backingStore type='file'><source file='/old/base'/></backingStore>"
    "<encryption format='qcow'/><auth username='me'/>"
    "<target dev='vda' bus='virtio'/></disk>"
    "<disk type='file' device='disk'><source file='/old/c.raw'/><target dev='vdc'/></disk>"
    "<disk type='file' device='cdrom'><source file='/none.iso'/><target dev='sda'/></disk>"
    "<interface type='network'><mac address='52:54:00:01:02:03'/><target dev='web1-0'/>"
    "</interface>"
    "<graphics type='vnc' port='5901' autoport='no'/>"
    "<channel type='unix'><source mode='bind' path='/run/old'/></channel>"
    "<serial type='unix'><source mode='bind' path='/run/ser'/><log file='/log/ser'/></serial>"
    "<serial type='file'><source path='/log/out'/></serial>"
    "<console type='file'><source path='/log/out'/></console>"
    "<serial type='unix'><source mode='connect' path='/run/theirs'/></serial>"
    "<channel type='tcp'><source mode='bind' host='::1' service='4444'/></channel>"
    "<hostdev mode='subsystem' type='pci'/></devices></domain>";

static char *
made_domain(const char *xml, const char *name)
{
    struct machine_disk its[] = { { .name = "vda", .drive = "vda", .file = "/dev/vg/web1",
                                      .path = "/new/v&da.raw", .format = "raw" },
        { .name = "nvram", .file = "/old/vars.fd", .path = "/new/nvram.fd", .format = "raw",
            .flash = true } };
    const struct machine_plan p = { .machine = "web1", .folder = "/new", .name = name,
        .disks = its, .ndisks = 2, .warn = warn, .changed = changed };
    struct text t = { 0 };

    ntold = 0;
    changes[0] = '\0';
    assert_ok(machine_of_domain((struct view){ (const uint8_t *)xml, strlen(xml) }, &p, &t));
    return t.s;
}

static void
restores_a_domain(void **state)
{
    auto_free char *is = made_domain(domain, NULL);

    (void)state;
    assert_non_null(strstr(is, "<name>web1</name><uuid>6fdc2a33-87f8-4c69-9bbc-5f2fb0df3d22<"));
    assert_null(strstr(is, "df3d23"));
    assert_null(strstr(is, "id='3'"));
    assert_non_null(strstr(is, "<source file=\"/new/v&amp;da.raw\"/>"));
    assert_non_null(strstr(is, "<nvram template=\"/t\">/new/nvram.fd</nvram>"));
    assert_non_null(strstr(is, "path=\"/new/ser\""));
    assert_non_null(strstr(is, "52:54:00:01:02:03"));
    assert_non_null(strstr(is, "web1-0"));
    assert_null(strstr(is, "/old"));
    assert_null(strstr(is, "/dev/vg"));
    assert_null(strstr(is, "luks"));
    assert_null(strstr(is, "<encryption"));
    assert_null(strstr(is, "<auth"));
    assert_null(strstr(is, "/run/old"));
    assert_int_equal(ntold, 3);
    assert_true(was_told(E_MachineDiskAbsent) && was_told(E_MachinePathMissing) &&
                was_told(E_MachinePartOfHost));
}

/* The old domain, should it run, goes on writing to its own. */
static void
moves_what_a_domain_writes(void **state)
{
    auto_free char *is = made_domain(domain, NULL);

    (void)state;
    assert_non_null(strstr(is, "<source mode=\"bind\" path=\"/new/ser\"/>"));
    assert_non_null(strstr(is, "<log file=\"/new/ser-"));
    assert_non_null(strstr(is, "<serial type=\"file\"><source path=\"/new/out\"/></serial>"));
    assert_non_null(strstr(is, "<console type=\"file\"><source path=\"/new/out\"/></console>"));
    assert_non_null(strstr(is, "/run/theirs"));
}

static void
gives_a_domain_another_identity(void **state)
{
    auto_free char *is = made_domain(domain, "web<2>");

    (void)state;
    assert_non_null(strstr(is, "<name>web&lt;2&gt;</name>"));
    assert_null(strstr(is, "6fdc2a33"));
    assert_null(strstr(is, "01:02:03"));
    assert_null(strstr(is, "web1-0"));
    assert_non_null(strstr(is, "<entry name=\"serial\">s1</entry>"));
    assert_null(strstr(is, "5901"));
    assert_non_null(strstr(is, "4444"));
    assert_true(was_told(E_MachinePortShared));
    assert_non_null(strstr(changes, "the name is web<2>, was web1\n"));
}

static void
refuses_what_is_no_domain(void **state)
{
    static const char *const cases[] = { "<domain", "<a/>", "<domain/>", "\xff\xfe<",
        "<domain><name>x</name></domain>",
        "<!DOCTYPE d [<!ENTITY a \"b\">]><domain><name>&a;</name><devices/></domain>" };
    const struct machine_plan p = { .machine = "web1", .folder = "/new", .warn = warn };
    struct text t = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_fails(machine_of_domain((struct view){ (const uint8_t *)cases[i],
            strlen(cases[i]) }, &p, &t), E_DefinitionUnclear);
    assert_fails(machine_of_domain((struct view){ NULL, 0 }, &p, &t), E_DefinitionUnclear);
    text_done(&t);
}

/* ---- strangers ---- */

static void
bears_strange_values(void **state)
{
    static const char *const cases[] = {
        "sh|-drive|file=/old/a.qcow2|-device|,,,=,=,,|-blockdev|{|-blockdev|{\"a\":1",
        "sh|-drive|file=/old/a.qcow2|-blockdev|file,node-name=x,file=x",
        "sh|-drive|file=/old/a.qcow2|-blockdev|node-name=x,file=y|-blockdev|node-name=y,file=x",
        "sh|-drive|file=/old/a.qcow2|-name|a\n'\"$(id)`id`|-drive",
        "sh|-drive|file=/old/a.qcow2|-qmp|unix:|-chardev|socket,path=..,server=on,id=x|--",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        auto_free char *is = made(cases[i], 1, "n");

        assert_non_null(strstr(is, "file=/new/vda.raw"));
    }
}

/* As much of it as fits: nodes that name each other, sockets of one name. */
static void
bears_much(void **state)
{
    struct text t = { 0 };

    (void)state;
    text_str(&t, "sh|-drive|file=/old/a.qcow2");
    for (int i = 0; i < 1000; i++) {
        text_fmt(&t, "|-blockdev|driver=x,node-name=n%d", i);
        for (int k = 0; k < 60; k++)
            text_fmt(&t, ",file=n%d", (i + k + 1) % 1000);
    }
    for (int i = 0; i < 2900; i++)
        text_fmt(&t, "|-serial|unix:/%d/s", i);
    assert_false(t.no_memory);
    assert_true(t.len < MACHINE_LEN_MAX);
    auto_free char *is = made(t.s, 1, NULL);
    assert_non_null(strstr(is, "-drive|format=raw,file=/new/vda.raw"));
    text_done(&t);
}

static void
refuses_what_are_no_arguments(void **state)
{
    const struct machine_plan p = { .machine = "web1", .folder = "/new", .warn = warn };
    auto_free uint8_t *big = malloc(MACHINE_LEN_MAX + 1);
    struct text t = { 0 };

    (void)state;
    assert_fails(machine_of_qemu((struct view){ NULL, 0 }, &p, &t), E_DefinitionUnclear);
    assert_fails(machine_of_qemu((struct view){ (const uint8_t *)"sh", 2 }, &p, &t),
        E_DefinitionUnclear);
    assert_fails(machine_of_qemu((struct view){ (const uint8_t *)"\0\0", 2 }, &p, &t),
        E_DefinitionUnclear);
    memset(big, 0, MACHINE_LEN_MAX + 1);
    big[0] = 'q';
    assert_fails(machine_of_qemu((struct view){ big, MACHINE_LEN_MAX + 1 }, &p, &t),
        E_DefinitionUnclear);
    assert_fails(machine_of_qemu((struct view){ big, MACHINE_ARGS_MAX * 2 }, &p, &t),
        E_DefinitionUnclear);
    text_done(&t);
}

static void
writes_values_as_they_were(void **state)
{
    static const char *const values[] = { "a", "a,b", "a,,b=c", "a=b,,c,d=", "=",
        "{\"a\":{\"b\":1}}" };

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct qopt o = { 0 };
        struct text t = { 0 };
        bool is;

        assert_ok(qopt_parse(values[i], "driver", &o, &is));
        assert_true(is);
        qopt_print(&o, &t);
        assert_string_equal(t.s, values[i]);
        text_done(&t);
        qopt_done(&o);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replaces_disks_in_every_form),
        cmocka_unit_test(keeps_commas_of_paths),
        cmocka_unit_test(takes_out_disks_that_the_point_lacks),
        cmocka_unit_test(keeps_what_is_read_only),
        cmocka_unit_test(replaces_what_firmware_keeps),
        cmocka_unit_test(says_which_disk_is_not_used),
        cmocka_unit_test(moves_what_qemu_makes),
        cmocka_unit_test(says_what_is_not_here),
        cmocka_unit_test(says_what_is_the_hosts),
        cmocka_unit_test(gives_another_identity),
        cmocka_unit_test(restores_a_domain),
        cmocka_unit_test(moves_what_a_domain_writes),
        cmocka_unit_test(gives_a_domain_another_identity),
        cmocka_unit_test(refuses_what_is_no_domain),
        cmocka_unit_test(bears_strange_values),
        cmocka_unit_test(bears_much),
        cmocka_unit_test(refuses_what_are_no_arguments),
        cmocka_unit_test(writes_values_as_they_were),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
