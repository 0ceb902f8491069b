/* SPDX-License-Identifier: Apache-2.0 */
/* virt_calls.h -- libvirt's client library, loaded when it is wanted, so that firn runs where
 * it is not installed.
 *
 * Only virt_serve calls it, in a process of its own (virt_link.h). */
#ifndef VIRT_CALLS_H
#define VIRT_CALLS_H

#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "err.h"

/* Of libvirt.so.0, */
#define VIRT_CALLS(X) \
    X(virConnectOpen) X(virConnectClose) X(virConnectGetURI) X(virConnectIsAlive) \
    X(virSetErrorFunc) X(virGetLastErrorCode) X(virGetLastErrorMessage) X(virDomainFree) \
    X(virDomainLookupByName) X(virDomainLookupByUUIDString) X(virDomainGetName) \
    X(virDomainGetUUIDString) X(virDomainGetXMLDesc) X(virDomainGetState) \
    X(virDomainResume) X(virDomainGetBlockInfo) X(virDomainAbortJob) X(virDomainGetJobInfo) \
    X(virDomainBackupBegin) X(virDomainBackupGetXMLDesc) X(virDomainListAllCheckpoints) \
    X(virDomainCheckpointLookupByName) X(virDomainCheckpointGetName) \
    X(virDomainCheckpointGetXMLDesc) X(virDomainCheckpointDelete) X(virDomainCheckpointFree)
/* ... and of libvirt-qemu.so.0. */
#define VIRT_QEMU_CALLS(X) X(virDomainQemuAgentCommand)

struct virt_calls {
#define VIRT_MEMBER(name) __typeof__(name) *name;
    VIRT_CALLS(VIRT_MEMBER)
    VIRT_QEMU_CALLS(VIRT_MEMBER)
#undef VIRT_MEMBER
};

/* LibvirtMissing, LibvirtTooOld.  The libraries stay loaded until the process ends. */
struct err *virt_calls_load(struct virt_calls *ret) must_use;

#endif
