/* SPDX-License-Identifier: Apache-2.0 */
/* writers.c -- a table.  Names of writers are the same in every language of Windows.  Not in it
 * are those whose service must go on: of a domain controller, a cluster, Exchange, and the task
 * scheduler, which cannot be stopped. */
#include <string.h>

#include "writers.h"

static const struct {
    const char *writer, *service;
} known[] = {
    { "ASR Writer", "VSS" },
    { "BITS Writer", "BITS" },
    { "Certificate Authority", "CertSvc" },
    { "COM+ REGDB Writer", "VSS" },
    { "DFS Replication service writer", "DFSR" },
    { "DHCP Jet Writer", "DHCPServer" },
    { "FSRM Writer", "srmsvc" },
    { "IIS Config Writer", "AppHostSvc" },
    { "IIS Metabase Writer", "IISADMIN" },
    { "Microsoft Hyper-V VSS Writer", "vmms" },
    { "MSSearch Service Writer", "WSearch" },
    { "Registry Writer", "VSS" },
    { "Shadow Copy Optimization Writer", "VSS" },
    { "SqlServerWriter", "SQLWriter" },
    { "System Writer", "CryptSvc" },
    { "TermServLicensing", "TermServLicensing" },
    { "WIDWriter", "WIDWriter" },
    { "WINS Jet Writer", "WINS" },
    { "WMI Writer", "Winmgmt" },
};

const char *
writer_service(const char *writer)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcasecmp(known[i].writer, writer) == 0)
            return known[i].service;
    return NULL;
}
