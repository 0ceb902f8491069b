#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The extension under a real agent: Debian's waagent.

Its own handler code runs our verbs, writes their environment and settings, and reads our
status and heartbeat. Not tried here are its goal state, downloads and uploads: a server of
the platform would have to answer.
usage: extension_waagent.py EXTENSION HOST MARKER MKPACKAGE [WHERE-WAAGENT-IS-UNPACKED]
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from unittest import mock

EXTENSION, HOST, MARKER, MKPACKAGE = sys.argv[1:5]
sys.path[:0] = [p + "/usr/lib/python3/dist-packages" for p in sys.argv[5:]]
# Debian's interpreter sees Debian's modules; another one in PATH may not
sys.path.append("/usr/lib/python3/dist-packages")
try:
    from azurelinuxagent.common import conf, event
    from azurelinuxagent.common.protocol.restapi import Extension, ExtensionSettings
    from azurelinuxagent.ga import exthandlers
except ImportError as e:
    print("1..0 # SKIP no waagent here:", e)
    sys.exit(0)

NAME = "Firn.VMSnapshot"
failed = count = 0


def ok(good, name, why=""):
    global failed, count
    count += 1
    failed += not good
    print(("ok" if good else "not ok"), count, "-", name)
    if not good:
        print("#", repr(why))


def package(folder, version, marker=MARKER):
    os.makedirs(folder + "/bin")
    for f in (EXTENSION, HOST):
        shutil.copy(f, folder + "/bin")
    shutil.copy(marker, folder + "/bin/marker.so")
    parts = folder + ".parts"
    with open(parts, "w") as f:
        f.write('"plugins": [{"name": "marker", "file": "bin/marker.so"}]')
    subprocess.run([MKPACKAGE, folder, NAME, version, "linux-" + platform.machine(), parts],
                   check=True, stdout=subprocess.DEVNULL)


def instance(version, sequence):
    handler = Extension(name=NAME)
    handler.version = version
    handler.state = "enabled"
    settings = ExtensionSettings(name=NAME, sequenceNumber=sequence,
                                 publicSettings={"deadlineSeconds": 60},
                                 protectedSettings="", certificateThumbprint="")
    handler.settings.append(settings)
    protocol = mock.MagicMock()
    protocol.get_endpoint.return_value = "127.0.0.1"
    protocol.supported_features = {}
    i = exthandlers.ExtHandlerInstance(handler, protocol)
    i.pkg = mock.MagicMock(version=version)
    i.report_event = mock.MagicMock()
    return i, settings


def main(work):
    lib = work + "/lib"
    os.makedirs(lib + "/events")
    os.environ["FIRN_MARKER"] = work + "/at-rest"
    os.environ["FIRN_SCRIPT_CONFIG"] = work + "/no-scripts.json"
    conf.get_lib_dir = lambda c=None: lib
    conf.get_ext_log_dir = lambda c=None: work + "/log"
    event.report_event = lambda *a, **k: None
    exthandlers.add_event = exthandlers.add_periodic = lambda *a, **k: None

    package(lib + "/" + NAME + "-1.0.0.0", "1.0.0.0")
    one, settings = instance("1.0.0.0", 4)
    os.makedirs(one.get_conf_dir())
    os.makedirs(one.get_status_dir())
    one.create_handler_env()
    one.update_settings(settings)
    one.install(extension=settings)
    ok(one.get_handler_state() == "Installed", "the agent installs it")
    one.enable(extension=settings)
    ok(one.get_handler_state() == "Enabled", "the agent enables it")
    status = one.collect_ext_status(settings)
    ok(status.status == "success", "the agent reads success", status.__dict__)
    ok((status.operation, status.code) == ("Enable", 0), "of its Enable", status.__dict__)
    ok(len(status.substatusList) == 1 and status.substatusList[0].message.startswith("{"),
       "with all facts beside it", status.__dict__)
    ok(one.collect_heartbeat()["status"] == "ready", "the agent reads the heartbeat")

    # a new version: disable, copy, update, uninstall, install, enable
    package(lib + "/" + NAME + "-1.0.1.0", "1.0.1.0")
    two, newer = instance("1.0.1.0", 5)
    os.makedirs(two.get_conf_dir())
    os.makedirs(two.get_status_dir())
    two.create_handler_env()
    two.update_settings(newer)
    one.disable(extension=settings)
    ok(one.collect_heartbeat()["status"] == "notready", "a disabled one is not ready")
    two.copy_status_files(one)
    two.update(disable_exit_codes={NAME: 0}, updating_from_version="1.0.0.0", extension=newer)
    one.uninstall(extension=settings)
    one.remove_ext_handler()
    two.install(uninstall_exit_code=0, extension=newer)
    two.enable(extension=newer)
    ok(two.collect_ext_status(newer).status == "success", "the agent updates it")

    # a file that was changed
    with open(two.get_base_dir() + "/bin/marker.so", "ab") as f:
        f.write(b"x")
    two, third = instance("1.0.1.0", 6)
    two.update_settings(third)
    try:
        two.enable(extension=third)
        ok(False, "a changed package is refused")
    except exthandlers.ExtensionError as e:
        ok("PackageFileChanged" in str(e), "a changed package is refused", str(e))
    status = two.collect_ext_status(third)
    ok((status.status, status.code) == ("error", 803), "with its number in the status",
       status.__dict__)


with tempfile.TemporaryDirectory(prefix="firn-e2e.") as folder:
    try:
        main(folder)
    except Exception as e:  # a test that cannot go on has failed
        ok(False, "no exception", "%s: %s" % (type(e).__name__, e))
print("1..%d" % count)
sys.exit(failed != 0)
