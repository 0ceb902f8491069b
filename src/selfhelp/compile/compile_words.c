/* SPDX-License-Identifier: Apache-2.0 */
/* compile_words.c -- what the compiler knows by name: closed lists, and nothing else.
 *
 * A name that is not here is not guessed.  Lists that make a step executable (aliases,
 * folders of a newest version) are short; lists that keep one from being executed (generic
 * nouns, protections) are generous. */
#include <string.h>
#include <strings.h>

#include "compile_internal.h"

/* ---- services ---- */

static const struct {
    const char *said; /* lower case, one blank between words */
    const char *name;
    bool linux_unit;
} services[] = {
    { "background intelligent transfer service", "BITS", false },
    { "base filtering engine", "BFE", false },
    { "bits", "BITS", false },
    { "com+ event system", "EventSystem", false },
    { "com+ system application", "COMSysApp", false },
    { "comsysapp", "COMSysApp", false },
    { "cryptographic services", "CryptSvc", false },
    { "cryptsvc", "CryptSvc", false },
    { "dhcp client", "Dhcp", false },
    { "dhcp", "Dhcp", false },
    { "distributed transaction coordinator", "MSDTC", false },
    { "dns client", "Dnscache", false },
    { "healthservice", "HealthService", false },
    { "microsoft azure recovery services agent", "obengine", false },
    { "microsoft azure recovery services", "obengine", false },
    { "microsoft distributed transaction coordinator", "MSDTC", false },
    { "microsoft monitoring agent", "HealthService", false },
    { "microsoft software shadow copy provider", "swprv", false },
    { "msdtc", "MSDTC", false },
    { "msiserver", "msiserver", false },
    { "netlogon", "Netlogon", false },
    { "obengine", "obengine", false },
    { "qemu guest agent", "QEMU-GA", false },
    { "qemu-ga", "QEMU-GA", false },
    { "qemu guest agent vss provider", "QEMU Guest Agent VSS Provider", false },
    { "qemu-guest-agent", "qemu-guest-agent", true },
    { "rdagent", "RdAgent", false },
    { "remote desktop services", "TermService", false },
    { "remote procedure call", "RpcSs", false },
    { "task scheduler", "Schedule", false },
    { "termservice", "TermService", false },
    { "volume shadow copy", "VSS", false },
    { "vss", "VSS", false },
    { "waagent", "waagent", true },
    { "walinuxagent", "walinuxagent", true },
    { "windows azure guest agent", "WindowsAzureGuestAgent", false },
    { "windowsazureguestagent", "WindowsAzureGuestAgent", false },
    { "windows installer", "msiserver", false },
    { "windows management instrumentation", "Winmgmt", false },
    { "windows remote management", "WinRM", false },
    { "windows update", "wuauserv", false },
    { "winmgmt", "Winmgmt", false },
    { "winrm", "WinRM", false },
    { "wuauserv", "wuauserv", false },
};

const char *
service_known(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
        if (text_equal(name, len, services[i].said) || text_equal(name, len, services[i].name))
            return services[i].name;
    return NULL;
}

const char *
service_at(const struct sentence *s, size_t i, size_t *ret_words)
{
    const char *best = NULL;

    *ret_words = 0;
    for (size_t k = 0; k < sizeof(services) / sizeof(services[0]); k++) {
        size_t n;

        if (i >= s->nwords || services[k].said[0] != s->f->low[s->word[i].from])
            continue;
        n = words_are(s, i, services[k].said);
        if (n == 0 &&
            text_equal(s->f->s + s->word[i].from, s->word[i].to - s->word[i].from,
                services[k].said))
            n = 1; /* a code span is one word */
        if (n > *ret_words) {
            best = services[k].name;
            *ret_words = n;
        }
    }
    return best;
}

bool
service_is_linux(const char *name)
{
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
        if (strcmp(services[i].name, name) == 0)
            return services[i].linux_unit;
    return false;
}

bool
service_protects(const char *name, size_t len)
{
    return in_list(name, len,
        "windefend|windows defender|windows defender antivirus service|wdnissvc|sense|mpssvc|"
        "windows firewall|windows defender firewall|bfe|base filtering engine|wscsvc|"
        "security center|securityhealthservice|eventlog|windows event log|mcshield|"
        "masvc|mfefire|sepmasterservice|symantec|sophos|savservice|csfalconservice|"
        "cbdefense|sentinelagent|firewalld|ufw|iptables|nftables|apparmor|auditd|selinux|"
        "clamav-daemon|clamav|fail2ban|falcon-sensor|mdatp|appidsvc|samss|lsass|keyiso|"
        "w32time|gpsvc|vmicheartbeat|rpcss|dcomlaunch|plugplay|lsm");
}

/* ---- registry ---- */

static bool
ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n >= m && strcasecmp(s + n - m, end) == 0;
}

bool
registry_protects(const char *key, const char *name, const char *data)
{
    static const char *const keys[] = { "\\Windows Defender", "\\WindowsFirewall",
        "\\FirewallPolicy", "\\SCHANNEL", "\\SecurityProviders", "\\Lsa", "\\LanmanServer",
        "\\LanmanWorkstation", "\\Policies\\System", "\\SmartScreen", "\\DeviceGuard",
        "\\Terminal Server", "\\EventLog", "\\Microsoft Antimalware", "\\WindowsUpdate",
        "\\CrashControl", "\\Winlogon", "\\FVE", "\\CredSSP", "\\Zones", "\\WinRM",
        "\\Image File Execution Options", "\\SafeBoot" };
    static const char values[] =
        "disableantispyware|disableantivirus|disablerealtimemonitoring|enablelua|"
        "enablefirewall|consentpromptbehavioradmin|localaccounttokenfilterpolicy|"
        "userauthentication|securitylayer|lmcompatibilitylevel|requiresecuritysignature|"
        "enablesecuritysignature|allowinsecureguestauth|smartscreenenabled|"
        "enablesmartscreen|noautoupdate|disabledbydefault|fdenytsconnections|"
        "allowencryptionoracle|disabledomaincreds|restrictanonymous|nolmhash|"
        "disableloopbackcheck|allowunencrypted|runasppl|smb1";

    (void)data;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strcasestr(key, keys[i]) != NULL)
            return true;
    return name != NULL && in_list(name, strlen(name), values);
}

static const struct {
    const char *key, *name; /* key: its end */
} overrides[] = {
    { "\\BcdrAgentPersistentKeys", "IsVCRedistInstalled" },
    { "\\FirnAgentPersistentKeys", "IsVCRedistInstalled" },
};

bool
registry_overrides(const char *key, const char *name)
{
    for (size_t i = 0; i < sizeof(overrides) / sizeof(overrides[0]); i++)
        if (ends_with(key, overrides[i].key) && strcasecmp(name, overrides[i].name) == 0)
            return true;
    return false;
}

const char *
registry_type(const char *name)
{
    static const struct {
        const char *name, *type;
    } known[] = {
        { "Start", "dword" },
        { "Type", "dword" },
        { "ErrorControl", "dword" },
        { "ImagePath", "expand_sz" },
        { "IsProviderInstalled", "sz" },
        { "IsCommonProviderInstalled", "sz" },
        { "IsVCRedistInstalled", "sz" },
        { "SnapshotMethod", "sz" },
        { "SnapshotWithoutThreads", "sz" },
        { "CalculateSnapshotTimeFromHost", "sz" },
        { "USEVSSCOPYBACKUP", "sz" },
        { "SchUseStrongCrypto", "dword" },
        { "SystemDefaultTlsVersions", "dword" },
        { "DisableMSI", "dword" },
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcasecmp(known[i].name, name) == 0)
            return known[i].type;
    return NULL;
}

/* ---- names to be filled in ---- */

bool
has_placeholder(const char *s, size_t len)
{
    static const char signs[] = "<>%$*?";

    for (size_t i = 0; i < len; i++) {
        if (strchr(signs, s[i]) != NULL && s[i] != '\0')
            return true;
        if (s[i] == '[' && memchr(s + i, ']', len - i) != NULL)
            return true;
        if (s[i] == '{' && len - i > 1) { /* a GUID is none */
            const char *close = memchr(s + i, '}', len - i);

            if (close == NULL || close - (s + i) != 37)
                return true;
        }
        if (s[i] == '.' && i + 2 < len && s[i + 1] == '.' && s[i + 2] == '.')
            return true;
        if (i + 2 < len && strncasecmp(s + i, "xxx", 3) == 0)
            return true;
        /* names that are kept for examples */
        if (len - i > 10 && strncasecmp(s + i, "example.", 8) == 0 &&
            (strncasecmp(s + i + 8, "com", 3) == 0 || strncasecmp(s + i + 8, "net", 3) == 0 ||
                strncasecmp(s + i + 8, "org", 3) == 0))
            return true;
    }
    return memmem(s, len, "\xe2\x80\xa6", 3) != NULL;
}

/* "service name", "service_name", "ServiceName" are one. */
static size_t
squeeze(const char *s, size_t len, char *to, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < len && n + 1 < max; i++)
        if (s[i] != '_' && s[i] != '-' && s[i] != ' ' && s[i] != '\'' && s[i] != '"')
            to[n++] = (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] + 32 : s[i]);
    to[n] = '\0';
    return n;
}

static bool
starts_with_one_of(const char *s, const char *const *list)
{
    for (; *list != NULL; list++)
        if (strncmp(s, *list, strlen(*list)) == 0)
            return true;
    return false;
}

bool
name_is_generic(const char *s, size_t len)
{
    static const char *const openings[] = { "your", "some", "example", "sample", "placeholder",
        "nameof", "insert", "enter", "replace", "xxx", "the", NULL };
    static const char words[] =
        "name|service|servicename|services|servicedisplayname|displayname|svc|svcname|"
        "myservice|daemon|daemonname|unit|unitname|package|packagename|pkg|pkgname|mypackage|"
        "key|keyname|keypath|value|valuename|data|valuedata|type|path|filepath|filename|file|"
        "folder|foldername|directory|dir|dllname|dll|product|productname|productcode|guid|"
        "server|servername|computer|computername|machine|machinename|host|hostname|vm|vmname|"
        "user|username|account|accountname|driver|drivername|writer|writername|provider|"
        "providername|agent|agentname|app|appname|application|applicationname|program|"
        "programname|processname|process|module|modulename|version|versionnumber|xyz|abc|foo|"
        "bar|foobar|test|testservice|something|thing|affected|respective|corresponding|"
        "related|impacted|it|them|this|that|all|any|each|every|both|command|commands|following|"
        "below|above|state|status|windows|linux|software|installer|update|updates|id|"
        "instancename|instance|a|an|and|or|to|on|in|of|with|using|from|if|is|are|be|again|"
        "manually|automatically|backup|operation";
    char q[64];
    size_t n = squeeze(s, len, q, sizeof(q));

    return n == 0 || n + 1 >= sizeof(q) || has_placeholder(s, len) || in_list(q, n, words) ||
        starts_with_one_of(q, openings) ||
        (n > 4 && strncmp(q, "my", 2) == 0 && s[2] >= 'A' && s[2] <= 'Z') ||
        (n > 4 && ends_with(q, "name") && !service_known(s, len)) || ends_with(q, "here");
}

bool
folder_is_latest(const char *s, size_t len)
{
    static const char bare[] = "latestversion|agentversion|versionnumber|extensionversion|"
                               "currentversionfolder|latestversionfolder|latest";
    static const char marked[] = "latestversion|latest|version|agentversion|versionnumber|"
                                 "extensionversion|highestversion|newestversion|"
                                 "currentversion|pluginversion|latestextensionversion";
    char q[64];
    size_t n;

    if (len > 2 && strchr("<[{", s[0]) != NULL && strchr(">]}", s[len - 1]) != NULL) {
        n = squeeze(s + 1, len - 2, q, sizeof(q));
        return in_list(q, n, marked);
    }
    n = squeeze(s, len, q, sizeof(q));
    return in_list(q, n, bare);
}

const char *
typographic(const char *s, size_t len)
{
    for (size_t i = 0; i + 1 < len; i++) {
        const unsigned char *c = (const unsigned char *)s + i;

        if (c[0] == 0xc2 && c[1] == 0xa0) /* no-break space */
            return s + i;
        /* U+2000 to U+201F: blanks, dashes, quotes; U+2026: three dots; U+2212: minus */
        if (i + 2 < len && c[0] == 0xe2 &&
            ((c[1] == 0x80 && (c[2] <= 0x9f || c[2] == 0xa6 || c[2] == 0xaf || c[2] == 0xb2 ||
                  c[2] == 0xb3)) ||
                (c[1] == 0x88 && c[2] == 0x92)))
            return s + i;
        if (i + 2 < len && c[0] == 0xef && c[1] == 0xbb && c[2] == 0xbf)
            return s + i;
    }
    return NULL;
}

bool
program_known(const char *s, size_t len)
{
    size_t dot = len > 4 && strncasecmp(s + len - 4, ".exe", 4) == 0 ? len - 4 : len;

    return in_list(s, dot,
        "apt-cache|apt-key|aptitude|attrib|auditpol|az|azcopy|azmigrate|bash|bcdboot|bcdedit|"
        "bitsadmin|bootrec|cat|cd|certreq|certutil|cert|chattr|chkdsk|chmod|chown|chroot|"
        "cmdkey|compact|copy|cp|curl|dcdiag|dd|del|df|dig|dir|diskpart|diskshadow|dism|dnf|"
        "docker|"
        "dsregcmd|echo|erase|fdisk|find|findstr|firewall-cmd|fltmc|free|fsck|fuser|getenforce|"
        "git|gpupdate|gpresult|grep|grub2-mkconfig|gzip|hostname|icacls|ifconfig|iisreset|"
        "insmod|ip|ipconfig|iptables|journalctl|kill|killall|klist|kubectl|ldconfig|ldd|ln|"
        "logman|ls|lsblk|lsmod|lsof|mkdir|mkfs|modprobe|mount|mountvol|move|msdtc|mv|mysql|"
        "nano|nbtstat|netdom|netsh|netstat|nltest|npm|nslookup|ntdsutil|openssl|pip|pip3|ping|"
        "powercfg|powershell|psql|psping|python|python3|qwinsta|rd|ren|rename|repadmin|"
        "resize2fs|rm|rmdir|rmmod|robocopy|rpm|route|rundll32|schtasks|scp|sed|semanage|"
        "service|setenforce|"
        "setfacl|setspn|sfc|slmgr|sqlcmd|ssh|su|swapoff|sysctl|systeminfo|takeown|tar|taskkill|"
        "tasklist|tcpdump|telnet|tracert|umount|unzip|update-grub|usermod|vi|vim|w32tm|wbadmin|"
        "wecutil|wevtutil|wget|where|whoami|winrm|wmic|wuauclt|xcopy|xfs_repair|yum|zypper");
}
