/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: one row for each name that a failure has elsewhere.  HRESULTs are those of
 * vsserror.h and winerror.h; status numbers are those that the snapshot extensions of a large
 * cloud write; names are the codes of its articles.  Several rows may lead to one code: codes
 * are told apart by what mends them, and others tell them apart by where they were seen. */
#include <string.h>
#include <strings.h>

#include "codes.h"
#include "foreign.h"
#include "number.h"

#define HRESULT(number, code) { code, number, -1, NULL }
#define STATUS(number, code) { code, 0, number, NULL }
#define NAME(name, code) { code, 0, -1, #name }

const struct foreign foreign_table[] = {
    /* VSS_E_... */
    HRESULT(0x80042302, E_VssFailed),               /* unexpected */
    HRESULT(0x80042304, E_VssProviderUnregistered), /* provider not registered */
    HRESULT(0x80042306, E_VssProviderVeto),         /* provider veto */
    HRESULT(0x8004230C, E_VssVolumeUnsupported),    /* volume not supported */
    HRESULT(0x8004230F, E_VssProviderUnregistered), /* unexpected provider error */
    HRESULT(0x80042313, E_VssFlushTimeout),         /* flush writes timeout */
    HRESULT(0x80042314, E_VssFlushTimeout),         /* hold writes timeout */
    HRESULT(0x80042316, E_VssSnapshotInProgress),   /* snapshot set in progress */
    HRESULT(0x8004231F, E_VssStorageShort),         /* insufficient storage */
    HRESULT(0x80042336, E_VssFailed),               /* writers failed in part */
    /* VSS_E_WRITERERROR_... */
    HRESULT(0x800423F0, E_VssWriterBad),  /* inconsistent snapshot */
    HRESULT(0x800423F1, E_VssWriterBusy), /* out of resources */
    HRESULT(0x800423F2, E_VssWriterBusy), /* timeout */
    HRESULT(0x800423F3, E_VssWriterBusy), /* retryable */
    HRESULT(0x800423F4, E_VssWriterBad),  /* not retryable */
    /* others that a snapshot meets */
    HRESULT(0x80070422, E_VssServiceBad),            /* service disabled */
    HRESULT(0x80110401, E_ExtensionRuntimeMismatch), /* COM+ catalogue */
    HRESULT(0x80310000, E_GuestVolumeLocked),        /* BitLocker: locked volume */

    STATUS(0, E_NONE),
    STATUS(1, E_NONE),
    STATUS(3, E_NONE), /* this request was served before */
    STATUS(4, E_NONE), /* under way */
    STATUS(13, E_GuestClockWrong),
    STATUS(14, E_GuestOperationRunning), /* the same task once more */
    STATUS(16, E_ExtensionConfigUnreadable),
    STATUS(121, E_FreezeFailed),
    STATUS(122, E_FreezeTimeout),
    STATUS(123, E_MountUnopenable),
    STATUS(124, E_FreezeHelperMissing),
    STATUS(402, E_GuestCommandLate),
    STATUS(500, E_DatabaseQuiesceFailed),
    STATUS(501, E_DatabaseSettingsWrong),
    STATUS(502, E_DatabaseSettingsWrong), /* role */
    STATUS(503, E_DatabaseSettingsWrong), /* name of the workload */
    STATUS(504, E_DatabaseQuiesceFailed), /* while resuming */
    STATUS(505, E_DatabaseRightMissing),
    STATUS(506, E_DatabaseUnreachable),
    STATUS(507, E_DatabaseSettingsWrong), /* folder for messages */
    STATUS(508, E_DatabaseChanged),
    STATUS(509, E_DatabaseQuiesceFailed),
    STATUS(510, E_DatabaseQuiesceTimeout),
    STATUS(511, E_DatabaseArchiveOff),
    STATUS(512, E_DatabaseChanged), /* mode of the log */

    NAME(BackupOperationFailed, E_ExtensionRuntimeMismatch),
    NAME(BackupOperationFailedV2, E_ExtensionRuntimeMismatch),
    NAME(ExtensionCommandExecFailure, E_ExtensionProviderBroken),
    NAME(ExtensionConfigParsingFailure, E_ExtensionConfigUnreadable),
    NAME(GuestAgentCertificateNotFound, E_ExtensionConfigUnreadable),
    NAME(ExtensionInstallationFailedCOM, E_ComServiceBroken),
    NAME(ExtensionSnapshotFailedCOM, E_ComServiceBroken),
    NAME(ExtensionInstallationFailedMDTC, E_DtcBroken),
    NAME(ExtensionInstallProviderCOMMemoryQuotaReached, E_ComMemoryQuota),
    NAME(ExtensionOperationInProgress, E_GuestOperationRunning),
    NAME(UserErrorBackupOperationInProgress, E_GuestOperationRunning),
    NAME(GuestAgentPluginInstallCommandProcessingFailed, E_GuestFrameworkMissing),
    NAME(UserErrorGuestAgentVersionUnsupported, E_GuestAgentOutdated),
    NAME(GuestAgentSnapshotTaskStatusError, E_GuestStatusMissing),
    NAME(NoExtensionStatusButStatusBlobAvailable, E_GuestStatusMissing),
    NAME(UserErrorFsFreezeFailed, E_FreezeFailed),
    NAME(UserErrorFsFreezeTimeout, E_FreezeTimeout),
    NAME(UserErrorUnableToOpenMount, E_MountUnopenable),
    NAME(FailedSafeFreezeBinaryNotFound, E_FreezeHelperMissing),
    NAME(VMBackupLinuxExtensionConfFileWrongEncodingFormat, E_FreezeConfigEncoding),
    NAME(ExtensionFailedVssWriterInBadState, E_VssWriterBad),
    NAME(ExtensionFailedVssServiceInBadState, E_VssServiceBad),
    NAME(CBPSourceSnapshotFailedVssProviderVeto, E_VssProviderVeto),
    NAME(CBPSourceSnapshotFailedVssRetryableError, E_VssWriterBusy),
    NAME(CBPSourceSnapshotFailed, E_VssFailed),
    NAME(CBPSourceSnapshotFailedVssSnapshotInProgress, E_VssSnapshotInProgress),
    NAME(CBPSourceSnapshotFailedLowDiskSpace, E_VssStorageShort),
    NAME(CBPSourceSnapshotFailedLowShadowCopyVolumeSpace, E_VssStorageShort),
    NAME(AgentShadowCopyMissing, E_VssShadowLost),
    NAME(ExtensionSnapshotBitlockerError, E_GuestVolumeLocked),
    NAME(FailedGuestAgentInvokedCommandTooLate, E_GuestCommandLate),
    NAME(ExtensionFailedOutOfMemoryError, E_GuestMemoryShort),
    NAME(UserErrorJobCancelledOnMachineReboot, E_GuestRestarted),

    /* our own manifests name these as text, a plug-in's failure gives them */
    NAME(ExtensionVCRedistInstallationFailure, E_ExtensionVCRedistInstallationFailure),
    NAME(PluginSharedLibraryMissing, E_PluginSharedLibraryMissing),
    NAME(GuestInstallerBusy, E_GuestInstallerBusy), /* of the extension itself */
};
const size_t foreign_table_len = sizeof(foreign_table) / sizeof(foreign_table[0]);

const struct foreign *
foreign_hresult(uint32_t number)
{
    for (size_t i = 0; i < foreign_table_len; i++)
        if (number != 0 && foreign_table[i].hresult == number)
            return &foreign_table[i];
    return NULL;
}

const struct foreign *
foreign_status(int number)
{
    for (size_t i = 0; i < foreign_table_len; i++)
        if (number >= 0 && foreign_table[i].status == number)
            return &foreign_table[i];
    return NULL;
}

static const struct foreign *
named(const char *name)
{
    for (size_t i = 0; i < foreign_table_len; i++)
        if (foreign_table[i].name != NULL && strcasecmp(foreign_table[i].name, name) == 0)
            return &foreign_table[i];
    return NULL;
}

/* "0x800423F4", "2147754996" or "-2147212300": numbers below 2^31 are not HRESULTs of a
 * failure, and may be numbers of ours. */
static const struct foreign *
by_number(const char *what)
{
    bool minus = *what == '-';
    uint64_t n;

    if (strncasecmp(what, "0x", 2) == 0 ? !number_parse_hex(what + 2, &n)
                                        : !number_parse(what + minus, &n))
        return NULL;
    if (n > UINT32_MAX || (minus && n > (uint64_t)INT32_MAX + 1))
        return NULL;
    n = minus ? (UINT64_C(1) << 32) - n : n;
    return n > INT32_MAX ? foreign_hresult((uint32_t)n) : NULL;
}

const struct foreign *
foreign_find(const char *what)
{
    static const char status[] = "status:";
    uint64_t n;

    if (strncasecmp(what, status, strlen(status)) == 0)
        return number_parse(what + strlen(status), &n) && n <= INT16_MAX
            ? foreign_status((int)n)
            : NULL;
    const struct foreign *f = by_number(what);
    return f != NULL ? f : named(what);
}
